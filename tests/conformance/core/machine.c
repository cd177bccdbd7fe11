/* SPDX-License-Identifier: MIT */
/* The machine without its port (port.c): see machine.h. */
#include "machine.h"
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/errno.h>

#define STACK_SIZE (256u << 10)
#define STEP_NS 500u
#define CLOCK_NS 1000u

struct machine machine = {.stopped = -1, .now = 1000000000u};

static struct machine_domain domains[MACHINE_DOMAINS];
static unsigned nr_domains;
static ucontext_t scheduler;
static struct machine_vcpu *running;

static void die(const char *what)
{
    (void)fprintf(stderr, "machine: %s\n", what);
    exit(6);
}

/* ---- making it ---- */

static void power_on(void)
{
    struct sop_config cfg = {
        .nr_pcpus = MACHINE_PCPUS,
        .nr_domains = MACHINE_DOMAINS,
        .nr_vcpus = MACHINE_DOMAINS * MACHINE_VCPUS,
        .seed = 1,
        .wall_ns = 1700000000000000000u,
        .time = {.mul = 0x80000000u, .shift = 1},
        .policy = &policy_credit2,
    };
    size_t size = sop_system_size(&cfg);
    void *arena = aligned_alloc(64, size);

    if (arena == NULL) {
        die("no memory");
    }
    machine.sys = sop_system_init(arena, size, &cfg);
    for (unsigned i = 0; i < MACHINE_PCPUS; i++) {
        machine.armed[i] = SOP_TIME_NEVER;
        machine.pcpu[i] = sop_pcpu(machine.sys, i);
        sop_pcpu_online(machine.pcpu[i]);
    }
}

static void *pages(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        die("no memory");
    }
    return p;
}

static void run_main(void *context)
{
    struct machine_domain *d = context;

    (void)d->main();
    die("a guest's main function returned");
}

struct machine_domain *machine_domain(bool pv, int (*main)(void),
                                      const char *cmdline)
{
    struct machine_domain *d = &domains[nr_domains];
    void *vcpus[MACHINE_VCPUS];
    struct sop_domain_config cfg = {
        .domid = (uint16_t)nr_domains,
        .hardware = nr_domains == 0,
        .kind = pv ? SOP_GUEST_PV : SOP_GUEST_HVM,
        .nr_vcpus = MACHINE_VCPUS,
        .weight = 256,
        .hard = SOP_CPUMASK_ALL,
        .soft = SOP_CPUMASK_ALL,
        .port = d,
    };

    if (machine.sys == NULL) {
        power_on();
    }
    *d = (struct machine_domain){.pv = pv,
                                 .hardware = cfg.hardware,
                                 .domid = cfg.domid,
                                 .cmdline = cmdline,
                                 .main = main,
                                 .shared = pages(MACHINE_PAGE)};
    cfg.shared_info = d->shared;
    for (unsigned i = 0; i < MACHINE_VCPUS; i++) {
        vcpus[i] = &d->vcpu[i];
        d->vcpu[i].id = i;
        d->vcpu[i].d = d;
        d->vcpu[i].stack = pages(STACK_SIZE);
    }
    if (sop_domain_create(machine.sys, machine.now, &cfg, vcpus, &d->d) != 0) {
        die("cannot create a domain");
    }
    for (unsigned i = 0; i < MACHINE_VCPUS; i++) {
        d->vcpu[i].v = sop_domain_vcpu(d->d, i);
    }
    machine_start(&d->vcpu[0], run_main, d);
    nr_domains++;
    return d;
}

/* ---- vCPUs ---- */

static void first_run(void)
{
    struct machine_vcpu *v = running;

    v->entry(v->entry_context);
    die("a vCPU's function returned");
}

void machine_start(struct machine_vcpu *v, void (*entry)(void *context),
                   void *context)
{
    v->entry = entry;
    v->entry_context = context;
    if (getcontext(&v->context) != 0) {
        die("getcontext");
    }
    v->context.uc_stack.ss_sp = v->stack;
    v->context.uc_stack.ss_size = STACK_SIZE;
    v->context.uc_link = NULL;
    makecontext(&v->context, first_run, 0);
}

struct machine_vcpu *machine_self(void)
{
    return running;
}

static bool upcall_is_due(struct machine_vcpu *v)
{
    uint8_t *info = v->d->shared + v->id * 64u;

    if (v->d->pv) {
        return info[0] != 0 && info[1] == 0;
    }
    return v->irq_on && (v->irr > 0 || sop_vcpu_upcall_vector(v->v) >= 0);
}

/* An upcall holds the next one off until it ends. */
static void take_upcalls(struct machine_vcpu *v)
{
    uint8_t *info = v->d->shared + v->id * 64u;

    while (upcall_is_due(v)) {
        v->irq_on = false;
        info[1] = v->d->pv ? 1 : info[1];
        v->irr -= v->irr > 0;
        v->upcalls++;
        machine_upcall();
        info[1] = v->d->pv ? 0 : info[1];
        v->irq_on = true;
    }
}

void machine_relax(void)
{
    struct machine_vcpu *v = running;

    if (swapcontext(&v->context, &scheduler) != 0) {
        die("swapcontext");
    }
    take_upcalls(v);
}

uint64_t machine_now(void)
{
    machine.now += CLOCK_NS;
    machine_relax();
    return machine.now;
}

void machine_halt(void)
{
    struct machine_vcpu *v = running;

    sop_vcpu_halt(machine.pcpu[v->pcpu], v->v, v->irq_on);
    machine_relax();
}

int64_t machine_call(uint64_t number, const uint64_t args[5], bool wide,
                     bool user)
{
    struct machine_vcpu *v = running;
    enum sop_call_status status;

    v->call = (struct sop_call){.nr = number, .wide = wide, .user = user};
    memcpy(v->call.arg, args, 5 * sizeof(args[0]));
    do {
        status = sop_hypercall(machine.pcpu[v->pcpu], v->v, &v->call);
        machine_relax();
    } while (status == SOP_CALL_AGAIN);
    return v->call.result;
}

/* ---- pCPUs ---- */

/* Lets pCPU `p` run what the core chooses; false if that is nothing. */
static bool step(unsigned p)
{
    struct machine_vcpu *v;

    if (machine.kicked[p]) {
        machine.kicked[p] = false;
        sop_kicked(machine.pcpu[p]);
    }
    if (setjmp(machine.idle) != 0) { /* by port_idle() */
        return false;
    }
    v = sop_vcpu_port(sop_exit_to_guest(machine.pcpu[p]));
    v->pcpu = p;
    running = v;
    if (swapcontext(&scheduler, &v->context) != 0) {
        die("swapcontext");
    }
    running = NULL;
    machine.now += STEP_NS;
    return true;
}

static void fire_timers(void)
{
    for (unsigned p = 0; p < MACHINE_PCPUS; p++) {
        if (machine.armed[p] <= machine.now) {
            machine.armed[p] = SOP_TIME_NEVER;
            sop_timer_expired(machine.pcpu[p]);
        }
    }
}

/* Nobody runs: time jumps. False if no timer is left. */
static bool wait_for_timer(void)
{
    uint64_t next = SOP_TIME_NEVER;

    for (unsigned p = 0; p < MACHINE_PCPUS; p++) {
        next = machine.armed[p] < next ? machine.armed[p] : next;
        if (machine.kicked[p]) {
            return true;
        }
    }
    machine.now =
        next > machine.now && next != SOP_TIME_NEVER ? next : machine.now;
    return next != SOP_TIME_NEVER;
}

int machine_run(void)
{
    for (unsigned i = nr_domains; i-- > 0;) {
        (void)sop_domain_unpause(machine.pcpu[0], domains[i].d);
    }
    while (machine.stopped < 0) {
        bool ran = false;

        for (unsigned p = 0; p < MACHINE_PCPUS; p++) {
            ran |= step(p);
        }
        if (!ran && machine.stopped < 0 && !wait_for_timer()) {
            break;
        }
        fire_timers();
        sop_check(machine.sys, machine.now);
    }
    return machine.stopped;
}
