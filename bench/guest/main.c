/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest: what hypercalls and wake-ups cost, in instructions.
 *
 * It runs as a PVH hardware domain with two vCPUs on one pCPU, on real Xen
 * and on schedop alike, in an emulator whose clock advances by a fixed time
 * per instruction. So a difference of two time-stamps is a number of
 * instructions, of guest and hypervisor together; a loop of known length
 * tells how many ticks one takes, and two time-stamps with nothing between
 * what measuring takes. Time that a pCPU sleeps counts as well, hence no
 * sample spans any.
 *
 * Everything is measured with interrupts off: an event ends a wait without
 * an upcall. Each line `bench: NAME MEDIAN MIN MAX SAMPLES` is one figure.
 * The last line is `bench: done` or says what failed.
 */
#include <schedop/kit.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/version.h>

#define SAMPLES 101u
#define WARM_UP 8u
#define MS UINT64_C(1000000)
#define LOOP_SHORT 1000u
#define LOOP_LONG 11000u
#define UNKNOWN_COMMAND 99

static uint64_t ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Command line: `only=NAME` measures just that. */
static bool is_wanted(const char *name)
{
    char only[24];

    return !kit_arg("only", only, sizeof(only)) || strcmp(only, name) == 0;
}

/* ---- figures ---- */

static uint64_t samples[SAMPLES];
static uint32_t nr_samples;
static uint64_t ticks_per_1000; /* instructions */
static uint64_t empty;          /* ticks of measuring nothing */

static uint64_t instructions(uint64_t tick_count)
{
    return (tick_count * 1000 + ticks_per_1000 / 2) / ticks_per_1000;
}

static void sample(uint64_t tick_count)
{
    uint64_t value = tick_count > empty ? tick_count - empty : 0;
    uint32_t i = nr_samples++;

    for (; i > 0 && samples[i - 1] > value; i--) {
        samples[i] = samples[i - 1];
    }
    samples[i] = value;
}

static void report(const char *name)
{
    if (nr_samples == 0) {
        kit_panic("bench: %s has no sample", name);
    }
    kit_printf("bench: %s %llu %llu %llu %u\n", name,
               (unsigned long long)instructions(samples[nr_samples / 2]),
               (unsigned long long)instructions(samples[0]),
               (unsigned long long)instructions(samples[nr_samples - 1]),
               nr_samples);
    nr_samples = 0;
}

static void must(const char *what, int rc)
{
    if (rc < 0) {
        kit_panic("bench: %s: %s", what, schedop_error_name(rc));
    }
}

/* ---- calibration ---- */

/* Two instructions a round. The least of some is one nothing came between. */
static uint64_t loop_ticks(uint32_t rounds)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < WARM_UP; i++) {
        uint32_t left = rounds;
        uint64_t begin = ticks(), took;

        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
        took = ticks() - begin;
        least = took < least ? took : least;
    }
    return least;
}

static void calibrate(void)
{
    uint64_t counted = 2 * (LOOP_LONG - LOOP_SHORT);

    ticks_per_1000 =
        (loop_ticks(LOOP_LONG) - loop_ticks(LOOP_SHORT)) * 1000 / counted;
    if (ticks_per_1000 == 0) {
        kit_panic("bench: the time-stamp counter does not count");
    }
    empty = UINT64_MAX;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint64_t begin = ticks(), took = ticks() - begin;

        empty = took < empty ? took : empty;
    }
    kit_printf("bench: ticks_per_1000 %llu\n",
               (unsigned long long)ticks_per_1000);
}

/* ---- commands that one vCPU issues ---- */

static evtchn_port_t ipi_port, timer_port;
static struct schedop_watchdog watchdog;
static uint64_t deadline;

/* As if no event had come to this vCPU. */
static void forget(evtchn_port_t port)
{
    volatile struct vcpu_info *info = kit_vcpu_info();

    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
    (void)schedop_event_clear(kit_events(), port);
}

static void forget_ipi(void)
{
    forget(ipi_port);
}

static int xen_version(void)
{
    return schedop_xen_version();
}

static int unknown_command(void)
{
    const struct schedop_command command = {.op = UNKNOWN_COMMAND};

    return schedop_issue(&command) == -XEN_ENOSYS ? 0 : -XEN_EINVAL;
}

static int send_self(void)
{
    return schedop_evtchn_send(ipi_port);
}

static int poll_pending(void)
{
    return schedop_poll(&ipi_port, 1, SCHEDOP_NO_DEADLINE);
}

static int poll_expired(void)
{
    return schedop_poll(&ipi_port, 1, 1);
}

static int watchdog_poke(void)
{
    return schedop_watchdog_poke(&watchdog, 60);
}

static int pin_and_undo(void)
{
    int rc = schedop_pin(0);

    return rc != 0 ? rc : schedop_unpin();
}

static void soon(void)
{
    deadline = kit_now_ns() + 10 * MS;
}

static int set_timer(void)
{
    return schedop_set_timer(deadline);
}

static void one_after_another(const char *name, int (*command)(void),
                              void (*prepare)(void))
{
    if (!is_wanted(name)) {
        return;
    }
    for (uint32_t i = 0; i < WARM_UP + SAMPLES; i++) {
        uint64_t begin, end;
        int rc;

        if (prepare) {
            prepare();
        }
        begin = ticks();
        rc = command();
        end = ticks();
        must(name, rc);
        if (i >= WARM_UP) {
            sample(end - begin);
        }
    }
    report(name);
}

static void commands(void)
{
    one_after_another("xen_version", xen_version, NULL);
    one_after_another("unknown", unknown_command, NULL);
    one_after_another("yield", schedop_yield, NULL);
    one_after_another("send_self", send_self, forget_ipi);
    forget_ipi();
    schedop_event_mask(kit_events(), ipi_port);
    must("send", schedop_evtchn_send(ipi_port));
    one_after_another("poll_pending", poll_pending, NULL);
    one_after_another("poll_expired", poll_expired, forget_ipi);
    must("watchdog", schedop_watchdog_start(&watchdog, 60));
    one_after_another("watchdog_poke", watchdog_poke, NULL);
    must("watchdog", schedop_watchdog_stop(&watchdog));
    one_after_another("pin_undo", pin_and_undo, NULL);
    one_after_another("set_timer", set_timer, soon);
    must("set_timer", schedop_set_timer(0));
}

/* ---- sleeps that a timer ends ---- */

/* Arms the own timer and returns when it is due, on the counter. */
static uint64_t arm(uint64_t delta_ns)
{
    volatile struct vcpu_time_info *live = &kit_vcpu_info()->time;
    struct vcpu_time_info copy = {.tsc_timestamp = live->tsc_timestamp,
                                  .system_time = live->system_time,
                                  .tsc_to_system_mul = live->tsc_to_system_mul,
                                  .tsc_shift = live->tsc_shift};
    uint64_t begin = ticks(), now = schedop_time_at(&copy, begin);
    uint64_t low = begin, high = begin + 64 * delta_ns;

    forget(timer_port);
    deadline = now + delta_ns;
    must("set_timer", schedop_set_timer(deadline));
    while (low < high) { /* the first tick that is not before the deadline */
        uint64_t middle = low + (high - low) / 2;

        if (schedop_time_at(&copy, middle) < deadline) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Nothing else runs: from the time the timer is due until block returns. */
static void timer_ends_block(void)
{
    for (uint32_t i = 0; i < WARM_UP + SAMPLES; i++) {
        uint64_t due = arm(MS), end;

        must("block", schedop_block());
        end = ticks();
        if (end < due) {
            kit_panic("bench: block returned before its timer was due");
        }
        if (i >= WARM_UP) {
            sample(end - due);
        }
    }
}

/* ---- two vCPUs ---- */

static evtchn_port_t partner_port;
static volatile uint64_t partner_ran; /* when, on the counter */
static volatile uint32_t partner_rounds;
static volatile bool partner_go, partner_stop;

static void partner_is_done(void)
{
    while (schedop_vcpu_is_up(1) == 1) {
        kit_sleep_ns(MS);
    }
}

static void start_partner(void (*job)(void *))
{
    partner_stop = partner_go = false;
    partner_rounds = 0;
    must("vCPU 1", kit_start_vcpu(1, job, NULL));
}

static void job_yield(void *context)
{
    (void)context;
    (void)kit_events_off();
    while (!partner_stop) {
        partner_rounds++;
        (void)schedop_yield();
    }
}

/* From the call to its return; the partner ran, and yielded, in between. */
static void yield_to_partner(void)
{
    start_partner(job_yield);
    while (partner_rounds < WARM_UP) {
        (void)schedop_yield();
    }
    for (uint32_t i = 0; i < 100 * SAMPLES && nr_samples < SAMPLES; i++) {
        uint32_t rounds = partner_rounds;
        uint64_t begin = ticks(), end;

        (void)schedop_yield();
        end = ticks();
        if (partner_rounds == rounds + 1) {
            sample(end - begin);
        }
    }
    partner_stop = true;
    partner_is_done();
}

static void job_block(void *context)
{
    (void)context;
    (void)kit_events_off();
    while (!partner_stop) {
        (void)schedop_block();
        partner_ran = ticks();
        forget(partner_port);
        partner_rounds++;
    }
}

/*
 * From before the send to the first instruction that the woken vCPU runs.
 * The sender blocks right after, in case it is not pre-empted at once; its
 * timer ends that when the partner has long been asleep again.
 */
static void event_wakes_partner(void)
{
    start_partner(job_block);
    (void)arm(5 * MS);
    must("block", schedop_block());
    for (uint32_t i = 0; i < WARM_UP + SAMPLES; i++) {
        uint32_t rounds = partner_rounds;
        uint64_t begin;

        (void)arm(5 * MS);
        begin = ticks();
        (void)schedop_evtchn_send(partner_port);
        (void)schedop_block();
        if (partner_rounds != rounds + 1) {
            kit_panic("bench: an event woke nobody");
        }
        if (i >= WARM_UP) {
            sample(partner_ran - begin);
        }
    }
    partner_stop = true;
    must("send", schedop_evtchn_send(partner_port));
    partner_is_done();
}

static void job_spin(void *context)
{
    (void)context;
    (void)kit_events_off();
    while (!partner_stop) {
        while (!partner_go && !partner_stop) {
        }
        partner_ran = ticks();
        partner_go = false;
        partner_rounds++;
    }
}

/* From before a block to the next instruction of the vCPU that runs then. */
static void block_lets_partner_run(void)
{
    start_partner(job_spin);
    for (uint32_t i = 0; i < WARM_UP + SAMPLES; i++) {
        uint32_t rounds = partner_rounds;
        uint64_t begin;

        (void)arm(5 * MS);
        partner_go = true;
        begin = ticks();
        (void)schedop_block();
        if (partner_rounds != rounds + 1) {
            kit_panic("bench: nobody ran meanwhile");
        }
        if (i >= WARM_UP) {
            sample(partner_ran - begin);
        }
    }
    partner_stop = true;
    partner_is_done();
}

/* ---- memory: what neither is free nor any domain's ---- */

static void memory(void)
{
    static struct xen_sysctl sysctl;
    static struct xen_domctl domctl;
    uint64_t kept;

    sysctl.cmd = XEN_SYSCTL_physinfo;
    sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    domctl.cmd = XEN_DOMCTL_getdomaininfo;
    domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    if (schedop_hypercall3(__HYPERVISOR_sysctl, (uintptr_t)&sysctl, 0, 0) < 0 ||
        schedop_hypercall3(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0) < 0) {
        return; /* then the hypervisor says it itself */
    }
    kept = sysctl.u.physinfo.total_pages - sysctl.u.physinfo.free_pages -
           domctl.u.getdomaininfo.tot_pages;
    kit_printf("bench: hypervisor_kib %llu of_kib %llu\n",
               (unsigned long long)kept * 4,
               (unsigned long long)sysctl.u.physinfo.total_pages * 4);
}

static const struct {
    const char *name;
    void (*play)(void);
} scenes[] = {
    {"timer_block", timer_ends_block},
    {"yield_other", yield_to_partner},
    {"event_wake", event_wakes_partner},
    {"switch", block_lets_partner_run},
};

static void host_version(void)
{
    static char extra[16]; /* ".7" */
    int version = schedop_xen_version();

    must("version",
         (int)schedop_hypercall3(__HYPERVISOR_xen_version, XENVER_extraversion,
                                 (uintptr_t)extra, 0));
    kit_printf("bench: version %d.%d%s\n", version >> 16, version & 0xffff,
               extra);
}

int main(void)
{
    kit_printf("bench: begin\n");
    if (kit_arg_u64("boot", 0)) {
        memory();
        kit_printf("bench: end\n");
        return 0; /* that was all */
    }
    host_version();
    (void)kit_events_off();
    calibrate();
    must("port", schedop_evtchn_bind_ipi(0, &ipi_port));
    must("port", schedop_evtchn_bind_ipi(1, &partner_port));
    must("port", schedop_evtchn_bind_virq(VIRQ_TIMER, 0, &timer_port));
    must("unmask", schedop_event_unmask(ipi_port));
    must("unmask", schedop_event_unmask(partner_port));
    must("unmask", schedop_event_unmask(timer_port));
    commands();
    for (uint32_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        if (is_wanted(scenes[i].name)) {
            scenes[i].play();
            report(scenes[i].name);
        }
    }
    kit_printf("bench: done\n");
    return 0;
}
