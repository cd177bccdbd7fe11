/* SPDX-License-Identifier: MIT */
/*
 * The port of an exploration: every call of the core is a point where other
 * pCPUs may come between.
 */
#include <string.h>

#include <schedop/core.h>

#include "explore_world.h"
#include "invariant.h"

static struct ex_pcpu *pcpu(const struct sop_pcpu *p)
{
    return sop_pcpu_port(p);
}

/* ---- clock, timer, interrupts ---- */

/*
 * The core asks with its lock held: meanwhile others come to wait for it. And
 * a command asks first of all, so here its effect has its place among others.
 */
uint64_t port_now(const struct sop_pcpu *self)
{
    struct ex_pcpu *c = pcpu(self);

    ex_point(c->p, EX_AT_CORE, NULL);
    if (c->effect != NULL && !c->wait) {
        c->effect(c->effect_on, c->effect_vcpu, c->effect_arg);
        c->effect = NULL;
    }
    return ex_world.now;
}

void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    pcpu(self)->armed = deadline_ns < SOP_TIME_NEVER - ex_scenario->late
                            ? deadline_ns + ex_scenario->late
                            : deadline_ns;
    ex_point(self, EX_AT_CORE, NULL);
}

void port_kick(struct sop_pcpu *target)
{
    pcpu(target)->kicked = true;
    ex_point(NULL, EX_AT_CORE, NULL);
}

/* ---- running ---- */

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    ex_point(self, EX_AT_CORE, NULL);
    invariant_switch(pcpu(self), prev, next);
    ex_point(self, EX_AT_CORE, NULL);
}

void port_idle(struct sop_pcpu *self)
{
    if (!ex_in_turn()) {
        ex_fail("assertion", "an idle wait outside of a pCPU's own loop");
        return;
    }
    ex_point(self, EX_AT_IDLE, NULL);
    ex_pcpu_serve(pcpu(self));
}

/* ---- guest memory: addresses are those of the process ---- */

static int guest_copy(struct sop_vcpu *v, const uint8_t *guest, size_t len)
{
    const struct ex_vcpu *x = sop_vcpu_port(v);
    const uint8_t *first = (const uint8_t *)x->operand;
    struct ex_pcpu *c = x->on >= 0 ? &ex_world.pcpu[x->on] : NULL;

    ex_point(NULL, EX_AT_CORE, NULL);
    if (c != NULL && c->copy_fault) {
        return -XEN_EFAULT;
    }
    /* Operands and lists lie side by side at the end of struct ex_vcpu. */
    if (guest < first || guest > (const uint8_t *)(x + 1) ||
        len > (size_t)((const uint8_t *)(x + 1) - guest)) {
        return -XEN_EFAULT;
    }
    return 0;
}

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    int rc = guest_copy(v, (const uint8_t *)(uintptr_t)guest_addr, len);

    if (rc == 0) {
        memcpy(dst, (const void *)(uintptr_t)guest_addr, len);
    }
    return rc;
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    int rc = guest_copy(v, (const uint8_t *)(uintptr_t)guest_addr, len);

    if (rc == 0) {
        memcpy((void *)(uintptr_t)guest_addr, src, len);
    }
    return rc;
}

void *port_frame_map(struct sop_domain *d, uint64_t gfn)
{
    (void)d;
    (void)gfn;
    return NULL;
}

void port_frame_unmap(struct sop_domain *d, void *frame)
{
    (void)d;
    (void)frame;
}

/* Not asked for: without own_ports the arena has all. */
void *port_page_alloc(struct sop_domain *d)
{
    (void)d;
    return NULL;
}

void port_page_free(struct sop_domain *d, void *page)
{
    (void)d;
    (void)page;
}

/* ---- the vCPU as a processor: interrupts are on, the upcall is all ---- */

bool port_deliverable(const struct sop_vcpu *v)
{
    return sop_vcpu_upcall_vector(v) >= 0;
}

bool port_inject(struct sop_vcpu *v, uint8_t vector)
{
    (void)v;
    (void)vector;
    return true;
}

void port_inject_nmi(struct sop_vcpu *v)
{
    (void)v;
}

bool port_vcpu_timer(struct sop_vcpu *v, uint64_t now)
{
    (void)v;
    (void)now;
    return false;
}

int port_vcpu_load(struct sop_vcpu *v, const void *context)
{
    (void)v;
    (void)context;
    ex_point(NULL, EX_AT_CORE, NULL);
    return 0;
}

int64_t port_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call)
{
    (void)self;
    (void)v;
    (void)call;
    return -XEN_ENOSYS;
}

/* ---- out of the machine ---- */

void port_console(struct sop_domain *d, const char *text, size_t len)
{
    (void)d;
    (void)text;
    (void)len;
}

size_t port_console_read(struct sop_domain *d, char *text, size_t len)
{
    (void)d;
    (void)text;
    (void)len;
    return 0;
}

void port_host_event(struct sop_domain *d, uint32_t port)
{
    (void)d;
    (void)port;
}

void port_domain_changed(struct sop_domain *d)
{
    (void)d;
}

void port_machine_stop(struct sop_domain *d, uint8_t code)
{
    (void)d;
    (void)code;
}

void port_log(enum sop_log_level level, const char *text, size_t len)
{
    (void)level;
    ex_note_log(text, len);
    ex_point(NULL, EX_AT_CORE, NULL);
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    (void)self;
    (void)rec;
}

/* An assertion of the core is an invariant like others. */
_Noreturn void port_panic(const char *file, int line, const char *what)
{
    const char *base = strrchr(file, '/');

    ex_fail("assertion", "%s:%d: %s", base != NULL ? base + 1 : file, line,
            what);
    ex_give_up();
}
