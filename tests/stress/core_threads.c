/* SPDX-License-Identifier: MIT */
/*
 * The core under real concurrency: each pCPU is a thread, built with the
 * thread sanitizer. Pairs of vCPUs play ping-pong, one domain waiting with
 * block and one with poll, without any timeout: a single lost wake-up ends
 * the game. Others yield, set timers, go down and up; a controller pauses,
 * shuts down, resumes, destroys and creates meanwhile.
 *
 * Argument: milliseconds to run (1500). Prints TAP.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <schedop/core.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/xen.h>

#include "lib/atomic.h"
#include "lib/prng.h"

#define PCPUS 4
#define DOMAINS 4
#define VCPUS 2
#define PAGE 4096

enum role { BLOCKERS, POLLERS, NOISE, VICTIM };

struct machine {
    struct sop_pcpu *p;
    pthread_t thread;
    unsigned index;
    bool kicked;    /* atomic */
    uint64_t armed; /* its own thread only */
    struct sop_vcpu *loaded;
    struct prng prng;
    jmp_buf leave;
};

struct guest {
    enum role role;
    unsigned domain, id;
    uint32_t port;  /* mine: the peer signals it */
    uint32_t peer;  /* the peer's */
    uint64_t turns; /* atomic */
    int64_t result;
    uint64_t operand[4];
    uint32_t list[1];
};

static struct machine machine[PCPUS];
static struct sop_system *sys;
static struct sop_domain *domain[DOMAINS];
static struct guest guest[DOMAINS][VCPUS];
static uint8_t shared[DOMAINS][PAGE] __attribute__((aligned(PAGE)));
static bool stop;
static const uint64_t base_ns = 1000000000;

static struct machine *machine_of(const struct sop_pcpu *p)
{
    return sop_pcpu_port(p);
}

/* ---- the port ---- */

uint64_t port_now(const struct sop_pcpu *self)
{
    struct timespec t;

    (void)self;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return base_ns + (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    machine_of(self)->armed = deadline_ns;
}

void port_kick(struct sop_pcpu *target)
{
    __atomic_store_n(&machine_of(target)->kicked, true, __ATOMIC_SEQ_CST);
}

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    struct machine *m = machine_of(self);

    if (m->loaded != prev) {
        port_panic(__FILE__, __LINE__, "switch from what was not loaded");
    }
    m->loaded = next;
}

/* What an exit of the guest would bring to the core. */
static void interrupts(struct machine *m)
{
    if (__atomic_exchange_n(&m->kicked, false, __ATOMIC_SEQ_CST)) {
        sop_kicked(m->p);
    }
    if (port_now(m->p) >= m->armed) {
        m->armed = SOP_TIME_NEVER;
        sop_timer_expired(m->p);
    }
}

void port_idle(struct sop_pcpu *self)
{
    struct machine *m = machine_of(self);

    if (__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        longjmp(m->leave, 1);
    }
    (void)sched_yield();
    interrupts(m);
}

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    (void)v;
    memcpy(dst, (const void *)(uintptr_t)guest_addr, len);
    return 0;
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    (void)v;
    memcpy((void *)(uintptr_t)guest_addr, src, len);
    return 0;
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

bool port_deliverable(const struct sop_vcpu *v)
{
    (void)v;
    return false;
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
    (void)text;
    (void)len;
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    (void)self;
    (void)rec;
}

_Noreturn void port_panic(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/* ---- what guests do: one step per entry ---- */

static int64_t hypercall(struct machine *m, struct sop_vcpu *v, uint64_t nr,
                         uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct sop_call c = {.nr = nr, .arg = {a0, a1, a2}, .wide = true};

    (void)sop_hypercall(m->p, v, &c);
    return c.result;
}

static uint64_t put(struct guest *g, uint64_t a, uint64_t b, uint64_t c)
{
    g->operand[0] = a;
    g->operand[1] = b;
    g->operand[2] = c;
    return (uintptr_t)g->operand;
}

/* Takes the ball if it is here. */
static bool take(struct guest *g)
{
    struct shared_info *s = (void *)shared[g->domain];
    struct vcpu_info *info = &s->vcpu_info[g->id];

    atomic_store_u8(&info->evtchn_upcall_pending, 0);
    (void)__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    return atomic_test_and_clear_bit((uint32_t *)(void *)s->evtchn_pending,
                                     g->port);
}

static void play(struct machine *m, struct sop_vcpu *v, struct guest *g)
{
    if (take(g)) {
        __atomic_fetch_add(&g->turns, 1, __ATOMIC_SEQ_CST);
        (void)hypercall(m, v, __HYPERVISOR_event_channel_op, EVTCHNOP_send,
                        put(g, g->peer, 0, 0), 0);
    } else if (g->role == BLOCKERS) {
        (void)hypercall(m, v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
    } else {
        g->list[0] = g->port;
        (void)hypercall(m, v, __HYPERVISOR_sched_op, SCHEDOP_poll,
                        put(g, (uintptr_t)g->list, 1, 0), 0);
    }
}

static void noise(struct machine *m, struct sop_vcpu *v, struct guest *g)
{
    uint64_t now = port_now(m->p);

    __atomic_fetch_add(&g->turns, 1, __ATOMIC_SEQ_CST);
    switch (prng_next(&m->prng) % 8) {
    case 0:
        (void)hypercall(m, v, __HYPERVISOR_sched_op, SCHEDOP_poll,
                        put(g, 0, 0, now + prng_next(&m->prng) % 100000), 0);
        break;
    case 1:
        (void)hypercall(m, v, __HYPERVISOR_set_timer_op, now + 50000, 0, 0);
        break;
    case 2:
        (void)hypercall(m, v, __HYPERVISOR_vcpu_op, VCPUOP_up,
                        prng_next(&m->prng) % VCPUS, 0);
        break;
    case 3:
        /* Never the last one of both: that would end the domain. */
        if (g->id == 1) {
            (void)hypercall(m, v, __HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0);
        }
        break;
    case 4:
        (void)hypercall(
            m, v, __HYPERVISOR_sched_op, SCHEDOP_watchdog,
            put(g, (uint64_t)100 << 32 | prng_next(&m->prng) % 3, 0, 0), 0);
        break;
    default:
        (void)hypercall(m, v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
        break;
    }
}

static void step(struct machine *m, struct sop_vcpu *v)
{
    struct guest *g = sop_vcpu_port(v);

    if (g->role == BLOCKERS || g->role == POLLERS) {
        play(m, v, g);
    } else {
        noise(m, v, g);
    }
}

/* ---- the controller, on pCPU 0 now and then ---- */

static struct sop_domain *make_domain(struct sop_pcpu *self, unsigned i)
{
    struct sop_domain_config cfg = {
        .domid = (uint16_t)i,
        .kind = SOP_GUEST_PV,
        .nr_vcpus = VCPUS,
        .weight = 256,
        .hard = SOP_CPUMASK_ALL,
        .soft = SOP_CPUMASK_ALL,
        .shared_info = shared[i],
    };
    void *port[VCPUS];
    struct sop_domain *d;
    unsigned n;

    memset(shared[i], 0, PAGE);
    for (n = 0; n < VCPUS; n++) {
        guest[i][n].role = (enum role)i;
        guest[i][n].domain = i;
        guest[i][n].id = n;
        port[n] = &guest[i][n];
    }
    if (sop_domain_create(sys, port_now(self), &cfg, port, &d) != 0) {
        port_panic(__FILE__, __LINE__, "no domain");
    }
    for (n = 1; n < VCPUS; n++) {
        (void)sop_vcpu_set_initialised(sop_domain_vcpu(d, n));
        (void)sop_vcpu_up(self, sop_domain_vcpu(d, n));
    }
    return d;
}

static void control(struct machine *m)
{
    struct sop_domain *d = domain[prng_next(&m->prng) % DOMAINS];
    struct sop_domain_info info;

    switch (prng_next(&m->prng) % 64) {
    case 0:
        (void)sop_domain_pause(m->p, d);
        (void)sop_domain_unpause(m->p, d);
        break;
    case 1:
        sop_domain_shutdown(m->p, d, SHUTDOWN_suspend);
        (void)sop_controller_next(sys);
        (void)sop_domain_resume(m->p, d);
        break;
    case 2:
        sop_domain_info(d, port_now(m->p), &info);
        break;
    case 3:
        if (sop_domain_destroy(m->p, domain[VICTIM]) == 0) {
            sop_domain_free(domain[VICTIM]);
            domain[VICTIM] = make_domain(m->p, VICTIM);
            (void)sop_domain_unpause(m->p, domain[VICTIM]);
        }
        break;
    case 4:
        sop_check(sys, port_now(m->p));
        break;
    default:
        break;
    }
}

static void *run(void *arg)
{
    struct machine *m = arg;

    if (setjmp(m->leave) != 0) {
        return NULL;
    }
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        struct sop_vcpu *v = sop_exit_to_guest(m->p);

        if (v != m->loaded) {
            port_panic(__FILE__, __LINE__, "entering what is not loaded");
        }
        step(m, v);
        interrupts(m);
        if (m->index == 0) {
            control(m);
        }
    }
    return NULL;
}

/* Two ipi ports a domain, one per vCPU; the ball is with vCPU 0. */
static void set_up_game(struct machine *m, unsigned i)
{
    struct sop_vcpu *v = sop_exit_to_guest(m->p);
    struct guest *g = sop_vcpu_port(v);
    unsigned n;

    for (n = 0; n < VCPUS; n++) {
        uint64_t at = put(&guest[i][g->id], n, 0, 0);

        if (hypercall(m, v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi,
                      at, 0) != 0) {
            port_panic(__FILE__, __LINE__, "no port");
        }
        guest[i][n].port = (uint32_t)(guest[i][g->id].operand[0] >> 32);
    }
    guest[i][0].peer = guest[i][1].port;
    guest[i][1].peer = guest[i][0].port;
    if (hypercall(m, v, __HYPERVISOR_event_channel_op, EVTCHNOP_send,
                  put(g, guest[i][0].port, 0, 0), 0) != 0) {
        port_panic(__FILE__, __LINE__, "no ball");
    }
}

/*
 * Waits for `nap` at least, and until all go on: minutes at most, on a machine
 * that has other things to do. Prints a line of TAP for each.
 */
static bool went_on(const struct timespec *nap)
{
    const struct timespec blink = {.tv_nsec = 20000000};
    uint64_t seen[DOMAINS];
    bool on[DOMAINS] = {false}, all = false;
    unsigned i, n;

    for (i = 0; i < DOMAINS; i++) {
        seen[i] = __atomic_load_n(&guest[i][0].turns, __ATOMIC_SEQ_CST);
    }
    (void)nanosleep(nap, NULL);
    for (n = 0; n < 6000 && !all; n++) {
        all = true;
        for (i = 0; i < DOMAINS; i++) {
            on[i] |= __atomic_load_n(&guest[i][0].turns, __ATOMIC_SEQ_CST) !=
                     seen[i];
            all &= on[i];
        }
        if (!all) {
            (void)nanosleep(&blink, NULL);
        }
    }
    for (i = 0; i < DOMAINS; i++) {
        printf("%sok %u - domain %u went on to the end\n", on[i] ? "" : "not ",
               i + 1, i);
    }
    return all;
}

int main(int argc, char **argv)
{
    struct sop_config cfg = {.nr_pcpus = PCPUS,
                             .nr_domains = DOMAINS,
                             .nr_vcpus = DOMAINS * VCPUS,
                             .seed = 1,
                             .time = {.mul = 1},
                             .policy = &policy_credit2};
    unsigned long ms = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    size_t size = sop_system_size(&cfg);
    void *arena = aligned_alloc(64, size);
    struct timespec nap;
    unsigned i;
    bool ok;

    ms = ms == 0 ? 1500 : ms;
    sys = sop_system_init(arena, size, &cfg);
    for (i = 0; i < PCPUS; i++) {
        machine[i].p = sop_pcpu(sys, i);
        machine[i].index = i;
        machine[i].armed = SOP_TIME_NEVER;
        machine[i].prng.state = i;
        sop_pcpu_set_port(machine[i].p, &machine[i]);
        sop_pcpu_online(machine[i].p);
    }
    for (i = 0; i < DOMAINS; i++) {
        domain[i] = make_domain(machine[0].p, i);
        (void)sop_domain_unpause(machine[0].p, domain[i]);
        if (i == BLOCKERS || i == POLLERS) {
            set_up_game(&machine[0], i);
        }
        (void)sop_domain_pause(machine[0].p, domain[i]);
    }
    for (i = 0; i < DOMAINS; i++) {
        (void)sop_domain_unpause(machine[0].p, domain[i]);
    }
    for (i = 0; i < PCPUS; i++) {
        (void)pthread_create(&machine[i].thread, NULL, run, &machine[i]);
    }
    nap = (struct timespec){.tv_sec = (time_t)(ms / 2000),
                            .tv_nsec = (long)(ms / 2 % 1000) * 1000000};
    (void)nanosleep(&nap, NULL);
    printf("1..%d\n", DOMAINS + 1);
    ok = went_on(&nap);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (i = 0; i < PCPUS; i++) {
        (void)pthread_join(machine[i].thread, NULL);
    }
    sop_check(sys, port_now(machine[0].p));
    printf("ok %d - all invariants hold at the end\n", DOMAINS + 1);
    free(arena);
    return ok ? 0 : 1;
}
