/* SPDX-License-Identifier: MIT */
/*
 * The port interface in a host process. Guest memory is what sim_domain.mem
 * says, at guest address GUEST_MEM; time is the machine's.
 */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>
#include <xen/vcpu.h>

#include "guest.h"

static struct sim_cpu *cpu_of(const struct sop_pcpu *p)
{
    return sop_pcpu_port(p);
}

/* ---- clock, timer, interrupts ---- */

uint64_t port_now(const struct sop_pcpu *self)
{
    return cpu_of(self)->m->now;
}

void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    struct sim_cpu *c = cpu_of(self);
    struct sim_machine *m = c->m;

    c->armed = deadline_ns;
    if (m->hooks.timer != NULL && deadline_ns != SOP_TIME_NEVER) {
        c->armed = m->hooks.timer(m->hooks.ctx, c->index, deadline_ns);
    }
    if (!c->busy) {
        machine_due(c);
    }
}

void port_kick(struct sop_pcpu *target)
{
    struct sim_cpu *c = cpu_of(target);
    struct sim_machine *m = c->m;
    uint64_t at = m->now + m->cfg.kick_ns;

    if (m->hooks.kick != NULL) {
        at = m->hooks.kick(m->hooks.ctx, c->index, m->now);
    }
    if (at < c->kick_at) {
        c->kick_at = at;
        if (!c->busy) {
            machine_due(c);
        }
    }
}

/* ---- running ---- */

static void leave(struct sim_cpu *c, struct sim_vcpu *v)
{
    const struct vcpu_runstate_info *r = sop_vcpu_runstate_peek(v->v);
    uint64_t now = c->m->now;

    v->left = v->end > now ? v->end - now : 0;
    v->on = NULL;
    v->was_blocked = r->state == RUNSTATE_blocked;
    v->waited = r->time[RUNSTATE_runnable];
    v->stats.preempted += r->state == RUNSTATE_runnable;
}

static void count_migration(struct sim_cpu *c, struct sim_vcpu *v)
{
    if (v->last != c->index && v->last != SIM_NONE) {
        v->stats.migrated++;
        v->stats.far +=
            sim_socket_of(c->m, v->last) != sim_socket_of(c->m, c->index);
    }
    v->last = c->index;
}

/*
 * What a vCPU waited from its wake-up on is the time that it was runnable
 * since it was switched out; it had been runnable at no other moment.
 */
static void come(struct sim_cpu *c, struct sim_vcpu *v)
{
    const struct vcpu_runstate_info *r = sop_vcpu_runstate_peek(v->v);
    uint64_t now = c->m->now + c->m->cfg.switch_ns;

    __builtin_prefetch(v->ctx); /* of thousands, it is in no cache any more */
    __builtin_prefetch((const char *)v->ctx + 64);
    v->end = v->left > SIM_FOREVER - now ? SIM_FOREVER : now + v->left;
    if (v->step.until_time && !v->call_due) {
        v->end = v->step.ns > now ? v->step.ns : now;
    }
    v->on = c;
    v->stats.switched_in++;
    count_migration(c, v);
    if (v->was_blocked) {
        v->was_blocked = false;
        v->stats.woken++;
        sim_hist_add(&v->stats.latency, r->time[RUNSTATE_runnable] - v->waited);
    }
}

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    struct sim_cpu *c = cpu_of(self);

    c->m->stats.switches++;
    machine_point(c, SIM_AT_SWITCH);
    if (prev != NULL) {
        leave(c, sop_vcpu_port(prev));
    }
    c->loaded = NULL;
    if (next != NULL) {
        c->loaded = sop_vcpu_port(next);
        come(c, c->loaded);
    }
}

/* Never called: the machine uses sop_pcpu_choose(). */
void port_idle(struct sop_pcpu *self)
{
    (void)self;
    port_panic(__FILE__, __LINE__, "a simulated pCPU waits");
}

/* ---- guest memory ---- */

static uint8_t *guest_bytes(struct sim_vcpu *v, uint64_t addr, size_t len,
                            bool out)
{
    struct sim_machine *m = v->d->m;
    size_t size = (size_t)v->d->nr_vcpus * SIM_MEM;

    if (v->on != NULL) {
        machine_point(v->on, out ? SIM_AT_COPY_OUT : SIM_AT_COPY_IN);
    }
    if (addr < GUEST_MEM || addr - GUEST_MEM > size ||
        len > size - (addr - GUEST_MEM)) {
        return NULL;
    }
    if (m->hooks.copy != NULL &&
        m->hooks.copy(m->hooks.ctx, v, addr, len, out)) {
        return NULL;
    }
    return v->d->mem + (addr - GUEST_MEM);
}

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    const uint8_t *at = guest_bytes(sop_vcpu_port(v), guest_addr, len, false);

    if (at == NULL) {
        return -XEN_EFAULT;
    }
    memcpy(dst, at, len);
    return 0;
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    uint8_t *at = guest_bytes(sop_vcpu_port(v), guest_addr, len, true);

    if (at == NULL) {
        return -XEN_EFAULT;
    }
    memcpy(at, src, len);
    return 0;
}

/* Guests here have no frames: vcpu_info cannot be moved. */
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

void *port_page_alloc(struct sop_domain *d)
{
    (void)d;
    return sim_alloc(4096);
}

void port_page_free(struct sop_domain *d, void *page)
{
    (void)d;
    free(page);
}

/* ---- the vCPU as a processor ---- */

bool port_deliverable(const struct sop_vcpu *v)
{
    const struct sim_vcpu *s = sop_vcpu_port(v);

    return !s->irq_off && (s->irr != 0 || sop_vcpu_upcall_vector(v) >= 0);
}

bool port_inject(struct sop_vcpu *v, uint8_t vector)
{
    struct sim_vcpu *s = sop_vcpu_port(v);

    (void)vector;
    if (s->apic_off) {
        return false;
    }
    s->irr++;
    return true;
}

void port_inject_nmi(struct sop_vcpu *v)
{
    struct sim_vcpu *s = sop_vcpu_port(v);

    s->nmis++;
}

bool port_vcpu_timer(struct sop_vcpu *v, uint64_t now)
{
    struct sim_vcpu *s = sop_vcpu_port(v);

    (void)now;
    s->irr += s->timer_irq;
    return s->timer_irq;
}

/* A vCPU has no registers here: any context is as good as another. */
int port_vcpu_load(struct sop_vcpu *v, const void *context)
{
    (void)v;
    (void)context;
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
    struct sim_domain *s = sop_domain_port(d);
    struct sim_hooks *h = &s->m->hooks;

    if (h->console != NULL) {
        h->console(h->ctx, s, text, len);
    }
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
    domain_changed(sop_domain_port(d));
}

void port_machine_stop(struct sop_domain *d, uint8_t code)
{
    struct sim_domain *s = sop_domain_port(d);

    (void)code;
    sim_stop(s->m);
}

void port_log(enum sop_log_level level, const char *text, size_t len)
{
    struct sim_machine *m = machine_current();

    if (m != NULL && m->hooks.log != NULL) {
        m->hooks.log(m->hooks.ctx, level, text, len);
    }
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    struct sim_cpu *c = cpu_of(self);

    if (c->m->hooks.trace != NULL) {
        c->m->hooks.trace(c->m->hooks.ctx, c->index, rec);
    }
}

_Noreturn void port_panic(const char *file, int line, const char *what)
{
    struct sim_machine *m = machine_current();

    if (m == NULL) {
        (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
        abort();
    }
    (void)snprintf(m->why, sizeof(m->why),
                   "%s:%d: %s, at %llu ns with seed "
                   "%llu",
                   file, line, what, (unsigned long long)m->now,
                   (unsigned long long)m->cfg.seed);
    m->panicked = true;
    if (m->panic == NULL) {
        (void)fprintf(stderr, "%s\n", m->why);
        abort();
    }
    longjmp(*m->panic, 1);
}
