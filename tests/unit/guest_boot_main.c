/* SPDX-License-Identifier: MIT */
/*
 * The start-up kit and the guest library from inside a guest: what the host
 * tests cannot reach. Prints TAP on the console. Run by guest_boot.sh on real
 * Xen, in all three kinds of domain; needs two vCPUs.
 */
#include <schedop/kit.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static unsigned int number;
static unsigned int failures;

static void check(bool good, const char *name)
{
    number++;
    failures += good ? 0 : 1;
    kit_printf("%sok %u - %s\n", good ? "" : "not ", number, name);
}

static uint64_t soon(uint64_t delta_ns)
{
    return schedop_deadline_ns(kit_now_ns(), delta_ns);
}

/* ---- where we are ---- */

static void test_info(void)
{
    const struct kit_info *info = kit_info();
    struct kit_region map[32];
    int count = kit_memory_map(map, 32);
    uint64_t image = (uint64_t)kit_frame(&failures) << 12;
    bool in_ram = info->pv; /* machine frames are not in a PV map */

    for (int i = 0; i < count; i++) {
        if (map[i].type == 1 && image >= map[i].addr &&
            image - map[i].addr < map[i].size) {
            in_ram = true;
        }
    }
    check(info->xen_version >= 0x40000, "the hypervisor has a version");
    check(count > 0 && in_ram, "the memory map has our image in RAM");
    check(kit_arg_u64("answer", 0) == 42, "the command line arrives");
    check(kit_cpu() == 0, "we are vCPU 0");
}

/* ---- time ---- */

static void test_time(void)
{
    uint64_t start = kit_now_ns(), last = start;
    bool forward = true;

    for (unsigned int i = 0; i < 10000; i++) {
        uint64_t now = kit_now_ns();

        forward = forward && now >= last;
        last = now;
    }
    check(forward && last > start, "time passes and never steps back");
    start = kit_now_ns();
    kit_sleep_ns(20 * MS);
    check(kit_now_ns() - start >= 20 * MS, "a sleep lasts as long as asked");
}

/* ---- events ---- */

static volatile uint32_t events_seen;
static volatile uint32_t events_cpu;

static void on_event(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    events_cpu = kit_cpu();
    events_seen++;
}

static void test_events(void)
{
    evtchn_port_t port;

    if (schedop_evtchn_bind_ipi(0, &port) != 0) {
        check(false, "bind an IPI");
        return;
    }
    kit_on_event(port, on_event, NULL);
    events_seen = 0;
    schedop_evtchn_send(port);
    check(events_seen == 1, "an event reaches its handler at once");
    schedop_event_mask(kit_events(), port);
    schedop_evtchn_send(port);
    check(events_seen == 1 && schedop_event_is_pending(kit_events(), port),
          "a masked one does not");
    schedop_event_unmask(port);
    check(events_seen == 2, "unmasking delivers it");
    {
        bool on = kit_events_off();

        schedop_evtchn_send(port);
        check(events_seen == 2, "nor does one while upcalls are off");
        kit_events_restore(on);
    }
    check(events_seen == 3, "letting upcalls in delivers it");
    kit_on_event(port, NULL, NULL);
    schedop_evtchn_close(port);
}

/* ---- poll ---- */

static void test_poll(void)
{
    evtchn_port_t port = 0;
    uint64_t start = kit_now_ns();
    int wake;

    schedop_evtchn_bind_ipi(0, &port);
    do { /* other events may end a poll early */
        wake = kit_poll(port, start + 10 * MS);
    } while (wake == SCHEDOP_WAKE_OTHER);
    check(wake == SCHEDOP_WAKE_TIMEOUT && kit_now_ns() - start >= 10 * MS,
          "poll times out");
    schedop_evtchn_send(port);
    check(kit_poll(port, soon(SECOND)) == SCHEDOP_WAKE_EVENT,
          "poll sees a masked, pending port");
    check(schedop_event_is_pending(kit_events(), port),
          "and leaves it pending");
    schedop_evtchn_close(port);
    check(kit_poll(port, soon(SECOND)) == -XEN_EINVAL,
          "poll refuses a closed port");
    check(schedop_poll(NULL, 129, 0) == -XEN_EINVAL, "and too many of them");
}

/* ---- waiting ---- */

static bool three_events(void *context)
{
    (void)context;
    return events_seen >= 3;
}

/* Each event arms the timer for the next, so every wake-up counts. */
static void on_tick(void *context, evtchn_port_t port)
{
    on_event(context, port);
    schedop_set_timer(soon(MS));
}

static void test_wait(void)
{
    evtchn_port_t port;

    if (schedop_evtchn_bind_virq(VIRQ_TIMER, 0, &port) != 0) {
        check(false, "bind the timer");
        return;
    }
    events_seen = 0;
    kit_on_event(port, on_tick, NULL);
    schedop_set_timer(soon(MS));
    check(kit_wait(three_events, NULL) == 0 && events_seen >= 3,
          "a wait ends when its condition is true");
    kit_on_event(port, NULL, NULL);
    schedop_set_timer(0);
    schedop_evtchn_close(port);
    events_seen = 3;
    check(kit_wait(three_events, NULL) == 0, "or is true to begin with");
}

/* ---- a second vCPU ---- */

static volatile uint32_t other_cpu, other_runs, other_done;

static bool told_to_stop(void *context)
{
    (void)context;
    return events_seen > 0;
}

static void other(void *context)
{
    other_cpu = kit_cpu();
    other_runs += *(const uint32_t *)context;
    kit_wait(told_to_stop, NULL);
    other_done++;
}

static bool eventually(const volatile uint32_t *value, uint32_t wanted)
{
    uint64_t limit = soon(5 * SECOND);

    while (*value != wanted && kit_now_ns() < limit) {
        schedop_yield();
    }
    return *value == wanted;
}

static bool other_is_down(void)
{
    uint64_t limit = soon(5 * SECOND);

    while (schedop_vcpu_is_up(1) == 1 && kit_now_ns() < limit) {
        schedop_yield();
    }
    return schedop_vcpu_is_up(1) == 0;
}

static volatile uint32_t deaf;

static void not_listening(void *context)
{
    bool on = kit_events_off();

    (void)context;
    deaf = 1;
    while (deaf == 1) {
        schedop_yield();
    }
    kit_events_restore(on);
}

static void on_own(void *context, evtchn_port_t port)
{
    (void)port;
    ++*(uint32_t *)context;
}

/*
 * `port` is pending for vCPU 1, which does not listen, when vCPU 0 takes an
 * event of its own from the same word: it must leave the other where it is.
 */
static void check_whose(evtchn_port_t port)
{
    static uint32_t own_seen;
    evtchn_port_t own = 0;

    events_seen = 0;
    check(schedop_evtchn_bind_ipi(0, &own) == 0 && own / 32 == port / 32 &&
              kit_on_event(own, on_own, &own_seen) == 0 &&
              kit_start_vcpu(1, not_listening, NULL) == 0 &&
              eventually(&deaf, 1),
          "ports of two vCPUs in one word");
    schedop_evtchn_send(port);
    schedop_evtchn_send(own);
    check(own_seen == 1 && events_seen == 0 &&
              schedop_event_is_pending(kit_events(), port),
          "a vCPU takes its own events and no others");
    deaf = 2;
    check(eventually(&events_seen, 1) && events_cpu == 1 && other_is_down(),
          "which are there when their vCPU listens");
    kit_on_event(own, NULL, NULL);
    schedop_evtchn_close(own);
}

static void test_second_vcpu(void)
{
    static const uint32_t one = 1;
    evtchn_port_t port;

    if (schedop_evtchn_bind_ipi(1, &port) != 0) {
        check(false, "bind an IPI of vCPU 1");
        return;
    }
    kit_on_event(port, on_event, NULL);
    for (uint32_t round = 1; round <= 2; round++) {
        struct vcpu_runstate_info info;

        events_seen = 0;
        check(kit_start_vcpu(1, other, (void *)(uintptr_t)&one) == 0 &&
                  eventually(&other_runs, round) && other_cpu == 1,
              round == 1 ? "vCPU 1 starts" : "and starts again");
        kit_sleep_ns(5 * MS);
        check(schedop_vcpu_runstate(1, &info) == 0 &&
                  info.state == RUNSTATE_blocked && other_done == round - 1,
              "it waits asleep");
        schedop_evtchn_send(port);
        check(eventually(&other_done, round) && events_cpu == 1,
              "an event wakes it on its own vCPU");
        check(other_is_down(), "it goes down at its end");
    }
    check_whose(port);
    check(kit_start_vcpu(KIT_VCPUS_MAX, other, NULL) == -XEN_ENOENT,
          "there is no vCPU beyond the kit's last");
    kit_on_event(port, NULL, NULL);
    schedop_evtchn_close(port);
}

/* ---- traps ---- */

static volatile unsigned long trap_vector;

static bool skip_two_bytes(struct kit_regs *regs)
{
    trap_vector = regs->vector;
#if defined(__x86_64__)
    regs->rip += 2;
    regs->r12 = 0x1234;
#else
    regs->eip += 2;
    regs->ebx = 0x1234;
#endif
    return true;
}

static void test_traps(void)
{
    unsigned long value = 0, others = 77;

    kit_on_trap(skip_two_bytes);
#if defined(__x86_64__)
    register unsigned long r12 __asm__("r12") = 0;

    __asm__ volatile("ud2" : "+r"(r12) : "r"(others) : "memory");
    value = r12;
#else
    __asm__ volatile("ud2" : "+b"(value) : "r"(others) : "memory");
#endif
    check(trap_vector == 6 && value == 0x1234 && others == 77,
          "a hook sees an invalid opcode and resumes");
    trap_vector = 0;
    /* Two bytes: a software interrupt nobody may make, so #GP. */
#if defined(__x86_64__)
    __asm__ volatile("int $0x99" : : : "memory", "r12");
#else
    __asm__ volatile("int $0x99" : : : "memory", "ebx");
#endif
    check(trap_vector == 13, "and a general protection fault");
    kit_on_trap(NULL);
}

/* ---- transports ---- */

static void test_transports(void)
{
    static const struct schedop_transport *const page = &schedop_transport_page;
    intptr_t version = schedop_hypercall3(__HYPERVISOR_xen_version, 0, 0, 0);

    check(schedop_hypercall5(__HYPERVISOR_xen_version, 0, 0, 0, 1, 2) ==
              version,
          "five arguments work through the page");
    check(schedop_hypercall3(99, 0, 0, 0) == -XEN_ENOSYS,
          "an unknown hypercall is -ENOSYS");
    if (kit_info()->pv) {
        return; /* the instruction is for PVH and HVM */
    }
    schedop_transport_use(schedop_transport_detect());
    check(schedop_hypercall3(__HYPERVISOR_xen_version, 0, 0, 0) == version &&
              schedop_yield() == 0,
          "the instruction works as well as the page");
    check(schedop_hypercall5(__HYPERVISOR_xen_version, 0, 0, 0, 1, 2) ==
              version,
          "also with five arguments");
    schedop_transport_use(page);
}

/* ---- results ---- */

static void test_results(void)
{
    struct schedop_watchdog a, b, c;
    struct schedop_command command = {.op = 8};
    int first = schedop_watchdog_start(&a, 100);
    int second = schedop_watchdog_start(&b, 100);

    check(first == 1 && second == 2, "two watchdogs have ids 1 and 2");
    check(schedop_watchdog_start(&c, 100) == -XEN_ENOSPC,
          "the third is refused, whatever the register held");
    check(schedop_watchdog_poke(&a, 50) == 0 &&
              schedop_watchdog_stop(&a) == 0 && schedop_watchdog_stop(&b) == 0,
          "they can be poked and stopped");
    check(schedop_watchdog_stop(&a) == -XEN_EINVAL, "but not stopped twice");
    check(schedop_issue(&command) == -XEN_ENOSYS, "command 8 does not exist");
    command.op = SCHEDOP_poll;
    schedop_command_poll(&command, NULL, 0, 1);
    check(schedop_issue(&command) == 0, "a command as data works");
}

int main(void)
{
    test_info();
    test_time();
    test_events();
    test_poll();
    test_wait();
    test_second_vcpu();
    test_traps();
    test_transports();
    test_results();
    kit_printf("1..%u\n", number);
    return failures == 0 ? 0 : 1;
}
