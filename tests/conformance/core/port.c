/* SPDX-License-Identifier: MIT */
/* The port interface of the machine in a process: see machine.h. */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <schedop/port.h>
#include <xen/domctl.h>
#include <xen/errno.h>

static uintptr_t low_start;
static size_t low_size;

void port_low_memory(void *start, size_t size)
{
    low_start = (uintptr_t)start;
    low_size = size;
}

/* ---- clock, timer, interrupts, running ---- */

uint64_t port_now(const struct sop_pcpu *self)
{
    (void)self;
    return machine.now;
}

void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    machine.armed[sop_pcpu_index(self)] = deadline_ns;
}

void port_kick(struct sop_pcpu *target)
{
    machine.kicked[sop_pcpu_index(target)] = true;
}

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    (void)self; /* a coroutine keeps its registers itself */
    (void)prev;
    (void)next;
}

void port_idle(struct sop_pcpu *self)
{
    (void)self;
    longjmp(machine.idle, 1);
}

/* ---- memory: copied through a pipe, which survives bad addresses ---- */

static bool may_touch(uint64_t addr, size_t len)
{
    if (addr >> 32 != 0) {
        return true; /* the pipe will tell */
    }
    return addr >= low_start && addr - low_start < low_size &&
           len <= low_size - (addr - low_start);
}

static int *pipe_ends(void)
{
    static int ends[2] = {-1, -1};

    if (ends[0] < 0 && pipe(ends) != 0) {
        perror("pipe");
        exit(4);
    }
    return ends;
}

/* Moves `len` bytes, at most a page; a short move leaves the pipe empty. */
static int copy(void *to, const void *from, size_t len)
{
    int *ends = pipe_ends();
    uint8_t rest[MACHINE_PAGE];
    ssize_t in = write(ends[1], from, len), out;

    if (in <= 0) {
        return len == 0 ? 0 : -XEN_EFAULT;
    }
    out = read(ends[0], (size_t)in == len ? to : rest, (size_t)in);
    if (out < 0) {
        (void)!read(ends[0], rest, (size_t)in);
        return -XEN_EFAULT;
    }
    if (out < in) { /* the target ended halfway */
        (void)!read(ends[0], rest, (size_t)(in - out));
    }
    return (size_t)in == len && out == in ? 0 : -XEN_EFAULT;
}

static int copy_all(uint8_t *to, const uint8_t *from, size_t len)
{
    while (len > 0) {
        size_t n = len < MACHINE_PAGE ? len : MACHINE_PAGE;

        if (copy(to, from, n) != 0) {
            return -XEN_EFAULT;
        }
        to += n;
        from += n;
        len -= n;
    }
    return 0;
}

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    (void)v;
    if (!may_touch(guest_addr, len)) {
        return -XEN_EFAULT;
    }
    return copy_all(dst, (const uint8_t *)(uintptr_t)guest_addr, len);
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    (void)v;
    if (!may_touch(guest_addr, len)) {
        return -XEN_EFAULT;
    }
    return copy_all((uint8_t *)(uintptr_t)guest_addr, src, len);
}

/* A frame is a page of the process: good if it can be read. */
void *port_frame_map(struct sop_domain *d, uint64_t gfn)
{
    uint8_t *page = (uint8_t *)(uintptr_t)(gfn << 12), byte;

    (void)d;
    if (gfn >> 36 != 0 || !may_touch((uintptr_t)page, MACHINE_PAGE) ||
        copy(&byte, page, 1) != 0) {
        return NULL;
    }
    return page;
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

/* ---- the vCPU as a processor ---- */

bool port_deliverable(const struct sop_vcpu *v)
{
    const struct machine_vcpu *m = sop_vcpu_port(v);

    return m->irq_on && (m->irr > 0 || sop_vcpu_upcall_vector(v) >= 0);
}

bool port_inject(struct sop_vcpu *v, uint8_t vector)
{
    struct machine_vcpu *m = sop_vcpu_port(v);

    (void)vector;
    if (m->apic_on) {
        m->irr = 1; /* a vector is pending once */
    }
    return m->apic_on;
}

void port_inject_nmi(struct sop_vcpu *v)
{
    (void)v; /* no fact sends one */
}

bool port_vcpu_timer(struct sop_vcpu *v, uint64_t now)
{
    (void)v; /* no emulated timer is ever set */
    (void)now;
    return false;
}

/* machine_start() has been given what to run: the context says nothing. */
int port_vcpu_load(struct sop_vcpu *v, const void *context)
{
    (void)v;
    (void)context;
    return 0;
}

/* The registers of a stopped domain's call, where a toolstack finds them. */
static int context_op(struct sop_vcpu *v, const struct xen_domctl *op, bool get)
{
    struct sop_domain *d = sop_domain_by_id(machine.sys, op->domain);
    struct machine_domain *m = sop_domain_port(d);
    struct machine_vcpu *target = &m->vcpu[0];
    uint64_t addr = (uintptr_t)op->u.vcpucontext.ctxt.p;
    struct cpu_user_regs regs = {.rax = (uint64_t)target->call.result,
                                 .rdx = target->call.arg[2]};

    addr += offsetof(struct vcpu_guest_context, user_regs);
    if (get) {
        return port_copy_out(v, addr, &regs, sizeof(regs));
    }
    if (port_copy_in(v, &regs, addr, sizeof(regs)) != 0) {
        return -XEN_EFAULT;
    }
    target->call.result = (int64_t)regs.rax;
    return 0;
}

int64_t port_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call)
{
    struct xen_domctl op;

    (void)self;
    if (call->nr != __HYPERVISOR_domctl) {
        return -XEN_ENOSYS;
    }
    if (port_copy_in(v, &op, call->arg[0], sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.cmd == XEN_DOMCTL_getvcpucontext ||
        op.cmd == XEN_DOMCTL_setvcpucontext) {
        return context_op(v, &op, op.cmd == XEN_DOMCTL_getvcpucontext);
    }
    return -XEN_ENOSYS;
}

/* ---- out of the machine ---- */

void port_console(struct sop_domain *d, const char *text, size_t len)
{
    (void)d;
    (void)fwrite(text, 1, len, stdout);
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
    (void)d; /* there is no host side */
    (void)port;
}

void port_domain_changed(struct sop_domain *d)
{
    (void)d; /* the hardware domain is the controller */
}

void port_machine_stop(struct sop_domain *d, uint8_t code)
{
    (void)d;
    machine.stopped = code;
}

void port_log(enum sop_log_level level, const char *text, size_t len)
{
    (void)level;
    (void)printf("(core) %.*s\n", (int)len, text);
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    (void)self;
    (void)rec;
}

void port_panic(const char *file, int line, const char *what)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}
