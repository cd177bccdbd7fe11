/* SPDX-License-Identifier: MIT */
/*
 * The start-up kit and the processor of a conformance guest that runs in the
 * machine of machine.h: the same functions, done by the process.
 */
#include <schedop/kit.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../arch.h"
#include "../build.h"
#include "../lab.h"
#include "port.h"

#define VECTOR_EVENT 32
#define PORTS_MAX 256u

struct domain_kit {
    struct kit_info info;
    struct schedop_events events;
    struct {
        void (*handler)(void *context, evtchn_port_t port);
        void *context;
    } handlers[PORTS_MAX];
    struct {
        void (*function)(void *context);
        void *context;
        bool initialised;
    } vcpus[MACHINE_VCPUS];
};

static struct machine_domain *self(void)
{
    return machine_self()->d;
}

static struct domain_kit *kit(void)
{
    return self()->kit;
}

/* ---- start ---- */

static intptr_t inprocess(void *context, unsigned int number,
                          const uintptr_t args[5])
{
    uint64_t wide[5];

    (void)context;
    for (unsigned int i = 0; i < 5; i++) {
        wide[i] = args[i];
    }
    return (intptr_t)machine_call(number, wide, true, false);
}

void machine_kit_start(void)
{
    struct machine_domain *d = self();
    struct domain_kit *k = calloc(1, sizeof(*k));

    if (k == NULL) {
        abort();
    }
    d->kit = k;
    schedop_inprocess_at(inprocess, NULL);
    schedop_transport_use(&schedop_transport_inprocess);
    k->info = (struct kit_info){
        .kind = d->pv ? "PV" : "PVH",
        .pv = d->pv,
        .flags = d->hardware ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0,
        .xen_version = schedop_xen_version(),
        .domid = d->domid,
        .cmdline = d->cmdline,
        .console = "process",
    };
    schedop_events_init(&k->events, d->shared, SCHEDOP_LAYOUT_NATIVE);
    if (d->hardware) {
        kit_early();
    }
    schedop_events_mask_all(&k->events);
    if (!d->pv && kit_arg_u64("kit_upcall", 1) != 0) {
        (void)schedop_hvm_callback_vector(VECTOR_EVENT);
    }
    if (d->pv) {
        (void)schedop_vcpu_periodic_timer(0, 0);
    }
}

const struct kit_info *kit_info(void)
{
    return &kit()->info;
}

int kit_memory_map(struct kit_region *regions, uint32_t count)
{
    (void)regions;
    (void)count;
    return 0; /* no guest memory of its own */
}

/* ---- words of the command line: the last `name=value` counts ---- */

static const char *value_of(const char *name)
{
    size_t len = strlen(name);
    const char *found_at = NULL;

    for (const char *p = kit()->info.cmdline; *p; p++) {
        if ((p == kit()->info.cmdline || p[-1] == ' ') &&
            strncmp(p, name, len) == 0 && p[len] == '=') {
            found_at = p + len + 1;
        }
    }
    return found_at;
}

bool kit_arg(const char *name, char *value, size_t size)
{
    const char *at = value_of(name);
    size_t n = 0;

    if (at == NULL) {
        return false;
    }
    while (at[n] && at[n] != ' ' && n < size - 1) {
        value[n] = at[n];
        n++;
    }
    value[n] = '\0';
    return true;
}

uint64_t kit_arg_u64(const char *name, uint64_t otherwise)
{
    const char *at = value_of(name);

    return at != NULL ? strtoull(at, NULL, 0) : otherwise;
}

/* ---- printing ---- */

void kit_write(const char *text, size_t length)
{
    (void)fwrite(text, 1, length, stdout);
}

void kit_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
}

size_t kit_snprintf(char *text, size_t size, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, size, format, args);
    va_end(args);
    return (size_t)n;
}

/* ---- time, events ---- */

uint64_t kit_now_ns(void)
{
    return machine_now();
}

void kit_sleep_ns(uint64_t delta_ns)
{
    uint64_t deadline = kit_now_ns() + delta_ns;

    while (kit_now_ns() < deadline) {
        (void)schedop_poll(NULL, 0, deadline);
    }
}

const struct schedop_events *kit_events(void)
{
    return &kit()->events;
}

unsigned int kit_cpu(void)
{
    return machine_self()->id;
}

volatile struct vcpu_info *kit_vcpu_info(void)
{
    struct shared_info *shared = (struct shared_info *)(void *)self()->shared;

    return &shared->vcpu_info[kit_cpu()];
}

int kit_on_event(evtchn_port_t port,
                 void (*handler)(void *context, evtchn_port_t port),
                 void *context)
{
    if (port >= PORTS_MAX) {
        return -XEN_ENOSPC;
    }
    schedop_event_mask(&kit()->events, port);
    kit()->handlers[port].handler = handler;
    kit()->handlers[port].context = context;
    return handler != NULL ? schedop_event_unmask(port) : 0;
}

static void dispatch(void *context, evtchn_port_t port)
{
    (void)context;
    if (port < PORTS_MAX && kit()->handlers[port].handler != NULL) {
        kit()->handlers[port].handler(kit()->handlers[port].context, port);
    }
}

void machine_upcall(void)
{
    (void)schedop_events_drain(&kit()->events, kit_vcpu_info(), dispatch, NULL);
}

bool kit_events_off(void)
{
    struct machine_vcpu *v = machine_self();
    bool on = v->irq_on;

    if (self()->pv) {
        on = kit_vcpu_info()->evtchn_upcall_mask == 0;
        kit_vcpu_info()->evtchn_upcall_mask = 1;
    } else {
        v->irq_on = false;
    }
    return on;
}

void kit_events_restore(bool on)
{
    if (on) {
        interrupts_on();
        machine_relax();
    }
}

uint32_t kit_upcalls(void)
{
    return machine_self()->upcalls;
}

/* ---- vCPUs, ends ---- */

static void vcpu_main(void *context)
{
    unsigned int cpu = (unsigned int)(uintptr_t)context;

    for (;;) {
        kit_events_restore(true);
        kit()->vcpus[cpu].function(kit()->vcpus[cpu].context);
        (void)kit_events_off();
        (void)schedop_vcpu_down(cpu);
    }
}

int kit_start_vcpu(unsigned int cpu, void (*function)(void *context),
                   void *context)
{
    static uint8_t registers[8192]; /* either kind; the machine knows better */
    int rc = 0;

    if (cpu == 0 || cpu >= MACHINE_VCPUS) {
        return -XEN_ENOENT;
    }
    kit()->vcpus[cpu].function = function;
    kit()->vcpus[cpu].context = context;
    if (!kit()->vcpus[cpu].initialised) {
        machine_start(&self()->vcpu[cpu], vcpu_main, (void *)(uintptr_t)cpu);
        rc = schedop_vcpu_initialise(cpu, registers);
        kit()->vcpus[cpu].initialised = rc == 0;
    }
    return rc != 0 ? rc : schedop_vcpu_up(cpu);
}

void kit_exit(uint32_t reason)
{
    for (;;) {
        (void)schedop_shutdown(reason);
    }
}

void kit_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vprintf(format, args);
    (void)printf("\n");
    va_end(args);
    kit_exit(SHUTDOWN_crash);
}

/* ---- arch.h ---- */

static uint8_t *edge_pages;

void arch_start(bool pv)
{
    (void)pv;
    if (edge_pages != NULL) {
        return;
    }
    edge_pages = mmap(NULL, 2 * MACHINE_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (edge_pages == MAP_FAILED ||
        munmap(edge_pages + MACHINE_PAGE, MACHINE_PAGE) != 0) {
        abort();
    }
}

bool arch_is_processor(void)
{
    return false;
}

void *arch_edge(unsigned int size)
{
    uint8_t *p = edge_pages + MACHINE_PAGE - size;

    memset(p, 0, size);
    return p;
}

uint64_t arch_unmapped(void)
{
    return (uintptr_t)(edge_pages + MACHINE_PAGE);
}

uint64_t frame_of(const void *object)
{
    return (uintptr_t)object >> 12;
}

void cpu_relax(void)
{
    machine_relax();
}

void interrupts_on(void)
{
    if (self()->pv) {
        kit_vcpu_info()->evtchn_upcall_mask = 0;
    } else {
        machine_self()->irq_on = true;
    }
}

bool interrupts_are_on(void)
{
    return machine_self()->irq_on;
}

void enable_and_halt(void)
{
    machine_self()->irq_on = true;
    machine_halt();
}

void halt_interrupts_off(void)
{
    machine_self()->irq_on = false;
    machine_halt();
}

void apic_enable(void)
{
    machine_self()->apic_on = true;
}

void apic_end_of_interrupt(void)
{
}

void *low_memory(unsigned int size)
{
    static void *page;

    if (page == NULL) {
        page = mmap(NULL, MACHINE_PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        if (page == MAP_FAILED) {
            abort();
        }
        port_low_memory(page, MACHINE_PAGE);
    }
    memset(page, 0, size);
    return page;
}

uint32_t call32(uint32_t number, uint32_t a1, uint32_t a2)
{
    const uint64_t args[5] = {a1, a2};

    return (uint32_t)machine_call(number, args, false, false);
}

void call_from_user_mode(int results[2])
{
    const uint64_t args[5] = {0};

    results[0] = (int)machine_call(__HYPERVISOR_sched_op, args, true, true);
    results[1] = (int)machine_call(99, args, true, true);
}

/* What needs a real processor; no fact that is looked at here calls it. */

void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    (void)leaf;
    (void)subleaf;
    memset(out, 0, 4 * sizeof(*out));
}

uint32_t registers_changed_by_yield(void)
{
    abort();
}

const uint8_t *hypercall_page_bytes(void)
{
    abort();
}

uint32_t poll_at_zero_without_paging(void)
{
    abort();
}

uint16_t build_domain(const char *cmdline)
{
    (void)cmdline;
    return 0; /* start.c makes them */
}
