/* SPDX-License-Identifier: MIT */
/*
 * The core under a program of entries: hypercalls of all numbers from 64- and
 * 32-bit callers of PV and HVM domains, with wild operands; timers, kicks and
 * halts on several pCPUs; and what a controller does to domains. All
 * invariants of the core are checked after each step (sop_check), and at the
 * end that nothing is left of any domain.
 */
#include "core_world.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

#define STEPS_MAX 96u
#define AGAIN_MAX 4u

/* ---- choices ---- */

/* A pCPU that is not inside the core, NULL if all are. */
static struct cpu *pick_cpu(void)
{
    unsigned n = take_u8(&world.in);

    for (unsigned i = 0; i < world.nr_cpus; i++) {
        struct cpu *c = &world.cpu[(n + i) % world.nr_cpus];

        if (!c->busy) {
            return c;
        }
    }
    return NULL;
}

static struct guest *pick_guest(void)
{
    struct guest *g = &world.guest[take_u8(&world.in) % GUESTS];

    return g->life == GUEST_ALIVE ? g : NULL;
}

static struct guest_vcpu *pick_vcpu(void)
{
    uint8_t n = take_u8(&world.in);
    struct guest *g = &world.guest[n % GUESTS];
    struct guest_vcpu *gv = &g->vcpu[n / GUESTS % GUEST_VCPUS];

    return g->life == GUEST_ALIVE && gv->v != NULL ? gv : NULL;
}

/* An argument: small, an address good or bad, a time, anything. */
static uint64_t pick_value(void)
{
    static const uint64_t odd[] = {
        63,         64,          65,         127,
        128,        129,         1023,       1024,
        4095,       4096,        0x7fef,     0x7ff0,
        0x7ff1,     0xffff,      INT32_MAX,  1u << 31,
        UINT32_MAX, INT64_MAX,   1ull << 63, UINT64_MAX,
        MEM_END,    MEM_END - 1, 1ull << 47, 0xffff830000000000u,
    };
    struct input *in = &world.in;
    uint8_t how = take_u8(in);

    if (how < 0xa0) {
        return how % 0x20;
    }
    switch (how % 8) {
    case 0:
        return odd[take_u8(in) % ARRAY_SIZE(odd)];
    case 1:
    case 2:
        return MEM_BASE + take_u16(in) % (PAGES * PAGE);
    case 3: /* before the end of a page */
        how = take_u8(in);
        return MEM_BASE + (1u + how % PAGES) * PAGE - (1u + how / PAGES);
    case 4:
        return world.now + take_u32(in);
    case 5:
        return take_u32(in);
    case 6:
        return take_u64(in);
    default:
        return MEM_BASE + take_u8(in);
    }
}

/* ---- what guests do ---- */

static uint64_t pick_number(void)
{
    static const uint8_t known[] = {
        __HYPERVISOR_sched_op,         __HYPERVISOR_event_channel_op,
        __HYPERVISOR_vcpu_op,          __HYPERVISOR_sched_op,
        __HYPERVISOR_event_channel_op, __HYPERVISOR_vcpu_op,
        __HYPERVISOR_set_timer_op,     __HYPERVISOR_hvm_op,
        __HYPERVISOR_multicall,        __HYPERVISOR_xen_version,
        __HYPERVISOR_console_io,       __HYPERVISOR_vm_assist,
        __HYPERVISOR_domctl,           __HYPERVISOR_sysctl,
        __HYPERVISOR_sched_op_compat,  __HYPERVISOR_memory_op,
    };
    uint8_t n = take_u8(&world.in);

    if (n == 0xff) {
        return take_u64(&world.in);
    }
    return n < 0xe0 ? known[n % ARRAY_SIZE(known)] : n - 0xe0u;
}

/* Puts an operand into memory; returns its address. */
static uint64_t place_operand(struct guest *g, uint64_t nr)
{
    uint16_t where = take_u16(&world.in) % (PAGES * PAGE - 512);
    uint8_t bytes[48];
    size_t len = take_u8(&world.in) % (sizeof(bytes) + 1);
    uint32_t version = nr == __HYPERVISOR_domctl ? XEN_DOMCTL_INTERFACE_VERSION
                                                 : XEN_SYSCTL_INTERFACE_VERSION;

    (void)take(&world.in, bytes, len);
    memcpy(&g->mem[where], bytes, len);
    if (nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_sysctl) {
        memcpy(&g->mem[where + 4], &version, sizeof(version));
    }
    return MEM_BASE + where;
}

static void check_result(const struct sop_call *call)
{
    MUST(call->result >= -XEN_ERANGE - 1000);
    MUST(!call->user || call->result == -XEN_EPERM);
}

/* The guest on `c` calls, again if it is told to. */
static void do_call(struct cpu *c, struct sop_call *call)
{
    for (unsigned n = 0; n < AGAIN_MAX; n++) {
        struct sop_vcpu *v = c->loaded;
        enum sop_call_status status;

        c->busy = true;
        status = sop_hypercall(c->p, v, call);
        c->busy = false;
        c->out = true;
        MUST(c->loaded == v);
        if (status == SOP_CALL_DONE) {
            check_result(call);
            return;
        }
        cpu_run(c);
        if (c->loaded != v) {
            return; /* goes on another time, or never */
        }
    }
}

static struct cpu *pick_running(void)
{
    struct cpu *c = pick_cpu();

    if (c == NULL || world.stopped) {
        return NULL;
    }
    if (c->out) {
        cpu_run(c);
    }
    /* A nested step may have stopped the machine. */
    return c->loaded != NULL && !world.stopped ? c : NULL;
}

static void step_call(bool with_operand)
{
    struct cpu *c = pick_running();
    struct sop_call call = {.wide = true};
    unsigned i, at;
    uint8_t how;

    if (c == NULL) {
        return;
    }
    how = take_u8(&world.in);
    call.nr = pick_number();
    call.wide = how % 4 != 3;
    call.user = how == 0xfe;
    if (with_operand) {
        struct guest *g = ((struct guest_vcpu *)sop_vcpu_port(c->loaded))->g;

        /* Where each call has its command and its operand. */
        at = call.nr == __HYPERVISOR_vcpu_op ? 2 : 1;
        at = call.nr == __HYPERVISOR_domctl || call.nr == __HYPERVISOR_sysctl ||
                     call.nr == __HYPERVISOR_multicall
                 ? 0
                 : at;
        call.arg[0] = take_u8(&world.in) % 20u;
        call.arg[1] = how / 4 % 8;
        call.arg[at] = place_operand(g, call.nr);
    } else {
        for (i = 0; i < 3; i++) {
            call.arg[i] = pick_value();
        }
    }
    for (i = 0; i < 6 && !call.wide; i++) {
        call.arg[i] = (uint32_t)call.arg[i];
    }
    do_call(c, &call);
}

/*
 * FIFO ports: operands that are nearly good, which bytes alone hardly ever
 * are. Words and control blocks lie in the guest's few pages, over each other
 * and over operands, and step_poke() spoils them.
 */
static size_t fifo_operand(uint8_t how, uint64_t operand[3], uint64_t *command)
{
    uint64_t frame = MEM_BASE / PAGE + how / 8 % (PAGES + 1);
    uint32_t port = take_u8(&world.in) % 80u;
    uint32_t small = take_u8(&world.in);

    memset(operand, 0, 3 * sizeof(*operand));
    switch (how % 8) {
    case 0:
    case 1:
        *command = EVTCHNOP_init_control;
        operand[0] = frame;
        operand[1] = (uint64_t)(small % (GUEST_VCPUS + 1)) << 32 | port * 56u;
        return sizeof(struct evtchn_init_control);
    case 2:
        *command = EVTCHNOP_expand_array;
        operand[0] = frame;
        return sizeof(struct evtchn_expand_array);
    case 3:
        *command = EVTCHNOP_set_priority;
        operand[0] = (uint64_t)(small % 17) << 32 | port;
        return sizeof(struct evtchn_set_priority);
    case 4:
        *command = EVTCHNOP_bind_ipi;
        operand[0] = small % GUEST_VCPUS;
        return sizeof(struct evtchn_bind_ipi);
    case 5:
        *command = small < 8 ? EVTCHNOP_close : EVTCHNOP_unmask;
        operand[0] = port;
        return sizeof(struct evtchn_unmask);
    default:
        *command = EVTCHNOP_send;
        operand[0] = port;
        return sizeof(struct evtchn_send);
    }
}

static void step_fifo(void)
{
    struct cpu *c = pick_running();
    struct sop_call call = {.nr = __HYPERVISOR_event_channel_op, .wide = true};
    uint64_t operand[3];
    uint16_t where;
    size_t len;

    if (c == NULL) {
        return;
    }
    len = fifo_operand(take_u8(&world.in), operand, &call.arg[0]);
    where = take_u16(&world.in) % (PAGES * PAGE - sizeof(operand));
    memcpy(&((struct guest_vcpu *)sop_vcpu_port(c->loaded))->g->mem[where],
           operand, len);
    call.arg[1] = MEM_BASE + where;
    do_call(c, &call);
}

static void step_halt(void)
{
    struct cpu *c = pick_running();

    if (c == NULL || sop_vcpu_domain(c->loaded)->kind != SOP_GUEST_HVM) {
        return;
    }
    c->busy = true;
    sop_vcpu_halt(c->p, c->loaded, take_u8(&world.in) % 4 != 0);
    c->busy = false;
    c->out = true;
}

/* Guests write what is shared at any time. */
static void step_poke(void)
{
    struct guest *g = pick_guest();
    uint16_t at = take_u16(&world.in);
    uint8_t len = take_u8(&world.in);

    if (g == NULL) {
        return;
    }
    if ((at & 0x8000) != 0) {
        at %= PAGE - 32;
        (void)take(&world.in, &g->shared[at], len % 32);
    } else {
        at %= PAGES * PAGE - 64;
        (void)take(&world.in, &g->mem[at], len % 64);
    }
}

static void step_machine_state(void)
{
    struct guest_vcpu *gv = pick_vcpu();
    uint8_t how = take_u8(&world.in);

    if (gv == NULL) {
        return;
    }
    gv->irq_on = (how & 1) != 0;
    gv->irr = (how & 2) != 0;
    gv->apic_off = (how & 4) != 0;
    gv->timer_irq = (how & 8) != 0;
    gv->bad_context = (how & 16) != 0;
    if ((how & 32) != 0) {
        gv->g->holes = take_u8(&world.in) % 16;
        gv->g->read_only = take_u8(&world.in) % 16;
    }
}

/* ---- what the controller does ---- */

static void make_guest(unsigned n, uint8_t how)
{
    struct sop_domain_config cfg = {
        .domid = (uint16_t)n,
        .hardware = n == 0,
        .kind = n == 1 ? SOP_GUEST_PV : SOP_GUEST_HVM,
        .nr_vcpus = 1 + how % GUEST_VCPUS,
        .weight = 1 + how * 7u,
        .cap = (how & 0xc0) == 0xc0 ? how % 64u * 5u : 0,
        .hard = SOP_CPUMASK_ALL,
        .soft = SOP_CPUMASK_ALL,
    };

    guest_create(n, &cfg);
}

static void step_life(struct cpu *c)
{
    unsigned n = take_u8(&world.in) % GUESTS;
    struct guest *g = &world.guest[n];

    switch (g->life) {
    case GUEST_NONE:
        make_guest(n, take_u8(&world.in));
        break;
    case GUEST_ALIVE:
        (void)guest_destroy(c, g);
        break;
    case GUEST_DEAD:
    default:
        guest_free(g);
        break;
    }
}

static void step_control(struct cpu *c)
{
    uint8_t how = take_u8(&world.in);
    struct guest *g = pick_guest();

    if (g == NULL) {
        return;
    }
    c->busy = true;
    switch (how % 8) {
    case 0:
        (void)sop_domain_pause(c->p, g->d);
        break;
    case 1:
    case 2:
        (void)sop_domain_unpause(c->p, g->d);
        break;
    case 3:
        (void)sop_domain_resume(c->p, g->d);
        break;
    case 4:
        sop_domain_shutdown(c->p, g->d, how / 8u);
        break;
    case 5:
        sop_domain_crash(c->p, g->d, "fuzzed");
        break;
    case 6:
        (void)sop_domain_set_suspend_port(g->d, how / 8u);
        break;
    default:
        if (virq_is_global(how / 8u % NR_VIRQS)) {
            sop_virq_global(c->p, world.sys, how / 8u % NR_VIRQS);
        }
        break;
    }
    c->busy = false;
    c->out = true;
}

static void step_affinity(struct cpu *c)
{
    struct guest_vcpu *gv = pick_vcpu();
    uint8_t masks = take_u8(&world.in);
    sop_cpumask_t hard = masks % 16, soft = masks / 16;
    uint8_t flags = take_u8(&world.in);

    if (gv != NULL) {
        c->busy = true;
        (void)sop_vcpu_set_affinity(c->p, gv->v, flags % 8u,
                                    (flags & 8) != 0 ? NULL : &hard,
                                    (flags & 16) != 0 ? NULL : &soft);
        c->busy = false;
        c->out = true;
    }
}

static void step_vcpu(struct cpu *c)
{
    uint8_t how = take_u8(&world.in);
    struct guest_vcpu *gv = pick_vcpu();

    if (gv == NULL) {
        return;
    }
    c->busy = true;
    switch (how % 6) {
    case 0:
        (void)sop_vcpu_up(c->p, gv->v);
        break;
    case 1: /* the port loads registers first */
        if (gv->v->running == NULL) {
            (void)sop_vcpu_set_initialised(gv->v);
        }
        break;
    case 2:
        gv->irr = 1;
        sop_vcpu_kick(c->p, gv->v);
        break;
    case 3:
        sop_vcpu_timer_set(c->p, gv->v, SOP_TIME_NEVER);
        break;
    case 4:
        sop_vcpu_timer_set(c->p, gv->v, world.now + take_u32(&world.in));
        break;
    default:
        sop_vcpu_timer_set(c->p, gv->v, take_u64(&world.in));
        break;
    }
    c->busy = false;
    c->out = true;
}

static void step_host(struct cpu *c)
{
    uint8_t how = take_u8(&world.in);
    struct guest *g = pick_guest();
    struct sop_domain_info info;
    uint64_t value;
    int port;

    if (g == NULL) {
        return;
    }
    c->busy = true;
    switch (how % 6) {
    case 0:
        port = sop_evtchn_host_port(g->d);
        g->host_port = port > 0 ? (uint32_t)port : g->host_port;
        break;
    case 1: /* the guest may have closed it and opened another */
        sop_evtchn_host_notify(c->p, g->d, g->host_port);
        break;
    case 2:
        sop_domain_latch_width(g->d, how / 8 % 2 != 0);
        break;
    case 3:
        (void)sop_domain_set_param(g->d, how / 8u, take_u64(&world.in));
        break;
    case 4:
        (void)sop_domain_get_param(g->d, how / 4u, &value);
        break;
    default:
        sop_domain_info(g->d, world.now, &info);
        MUST(info.nr_online <= info.nr_vcpus);
        MUST(info.cpu_ns <= (world.now - info.created_ns) * info.nr_vcpus);
        break;
    }
    c->busy = false;
    c->out = true;
}

static void step_changes(void)
{
    for (unsigned n = 0; sop_controller_next(world.sys) != NULL; n++) {
        MUST(n < GUESTS);
    }
}

/* ---- the program ---- */

static void step_time(uint8_t op, struct cpu *c)
{
    uint64_t ns;

    switch (op % 5) {
    case 0:
        cpu_run(c);
        break;
    case 1:
        cpu_kicked(c);
        break;
    case 2: /* early, or late */
        cpu_timer(c);
        break;
    case 3:
        world_settle();
        break;
    default:
        ns = take_u16(&world.in);
        world_advance(ns << take_u8(&world.in) % 32);
        break;
    }
}

static void step_other(uint8_t op)
{
    struct cpu *c = pick_cpu();

    if (c == NULL) {
        return;
    }
    switch (op % 8) {
    case 0:
        step_life(c);
        break;
    case 1:
        step_affinity(c);
        break;
    case 2:
        step_vcpu(c);
        break;
    case 3:
        step_host(c);
        break;
    case 4:
        step_changes();
        break;
    case 5:
        world.tick = take_u8(&world.in);
        break;
    default:
        step_control(c);
        break;
    }
}

void world_step(void)
{
    uint8_t op;
    struct cpu *c;

    if (world.stopped || input_left(&world.in) == 0 ||
        ++world.steps > STEPS_MAX) {
        return;
    }
    op = take_u8(&world.in);
    if (op < 0x50) {
        step_call(true);
    } else if (op < 0x80) {
        step_call(false);
    } else if (op < 0xb0) {
        c = pick_cpu();
        if (c != NULL) {
            step_time(op, c);
        }
    } else if (op < 0xd0) {
        step_other(op);
    } else if (op < 0xe0) {
        step_poke();
    } else if (op < 0xe8) {
        step_machine_state();
    } else if (op < 0xec) {
        step_halt();
    } else if (op < 0xf0) {
        step_fifo();
    } else {
        world.fuse = 1u + (op & 15u);
    }
    sop_check(world.sys, world.now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t first;

    world.in = input_of(data, size);
    first = take_u8(&world.in);
    world_open(1 + first % PCPUS, first / PCPUS);
    for (unsigned n = 0; n < 3; n++) {
        make_guest(n, (uint8_t)(first / 4 + n));
        (void)sop_domain_unpause(world.cpu[0].p, world.guest[n].d);
    }
    world_settle();
    while (input_left(&world.in) != 0 && world.steps < STEPS_MAX &&
           !world.stopped) {
        world_step();
    }
    world_close();
    return 0;
}
