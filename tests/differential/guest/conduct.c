/* SPDX-License-Identifier: MIT */
/*
 * Lock-step: how three vCPUs on two pCPUs make one transcript, whatever the
 * host's speed.
 *
 * vCPU 0 conducts. It hands a statement to the vCPU that is to carry it out
 * and goes on when that is done, or asleep in the hypervisor, or spinning.
 * Whoever waits polls for a port of his own, a bell, far above those of
 * programs. Bells are masked, so that they touch no other state of events; but
 * they can end polls, so that nobody rings one while a program sleeps: then an
 * NMI wakes a worker, and vCPU 0 looks around in each slot of time. A program
 * that resets all channels takes the bells away for its rest. A vCPU that has
 * been asleep for more than a slot, without having run, stays so.
 *
 * Logical time passes in `advance` only. A tick is long, and what has to
 * happen in it does so in the middle, far from the statements before and
 * after. A program whose statements did not fit into the first part of a tick
 * is late, and is run again.
 */
#include "guest.h"

#define SLOT_NS MS
#define SLOT_CONDUCTOR_NS (700 * US)

/* Statements of a tick have to be over by then: set_timer_op takes a far or
 * negative time for one 100 ms ahead. */
#define TICK_USED_NS (80 * MS)

#define SLOTS_MAX 400u /* no statement takes that long */

/* A periodic timer of three quarters of a tick does not get in the way of
 * statements for so many ticks. */
#define TICKS_MAX 2u

#define FINALE_S 20u

struct worker {
    volatile uint32_t wanted, finished; /* how many runs */
    const struct statement *volatile first;
    volatile uint32_t count, index; /* statements of the run; the first's */
    volatile bool cleanup;          /* run this instead */
    bool engaged;                   /* asleep or spinning in a statement */
    uint64_t since;                 /* when it was last seen to fall asleep */
};

static struct worker workers[VCPUS];
static volatile uint64_t quiet_until; /* nobody has anything to do before */
static volatile bool no_bells;        /* a program has reset them */
static volatile bool hush;            /* bells could end somebody's poll */
static uint64_t tick_base;            /* when this tick began */
static bool stuck, late;

/* ---- time ---- */

static void sleep_until(uint64_t deadline)
{
    while (kit_now_ns() < deadline) {
        (void)schedop_poll(NULL, 0, deadline);
    }
}

static uint64_t next_slot(uint64_t offset)
{
    uint64_t now = kit_now_ns();

    return now - (now + SLOT_NS - offset) % SLOT_NS + SLOT_NS;
}

static void wait_slot(void)
{
    sleep_until(next_slot(SLOT_CONDUCTOR_NS));
}

/* ---- bells ---- */

static void ring(unsigned int vcpu)
{
    if (!no_bells && !hush) {
        (void)schedop_evtchn_send(BELL_PORT + vcpu);
    }
}

/* Wakes a worker that waits, one way or the other. */
static void call_worker(unsigned int vcpu)
{
    if (!no_bells && hush) {
        performers[vcpu].nmi_unsaid = true;
        __sync_synchronize();
        (void)schedop_hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, vcpu,
                                 0);
    }
    ring(vcpu);
}

static void silence(unsigned int vcpu)
{
    evtchn_port_t port = BELL_PORT + vcpu;

    __atomic_fetch_and(&kit_events()->pending[port / 32],
                       ~(UINT32_C(1) << port % 32), __ATOMIC_SEQ_CST);
}

/* Until own bell, or the end of the slot. */
static void wait_bell(const struct worker *w)
{
    evtchn_port_t port = BELL_PORT;

    silence(0);
    if (no_bells || hush) {
        wait_slot();
    } else if (w->wanted != w->finished) {
        (void)schedop_poll(&port, 1, next_slot(SLOT_CONDUCTOR_NS));
    }
}

void conduct_lose_bells(void)
{
    no_bells = true;
    for (unsigned int v = 1; v < VCPUS; v++) {
        if (workers[v].wanted == workers[v].finished) {
            performers[v].nmi_unsaid = true;
            __sync_synchronize();
            (void)schedop_hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, v,
                                     0);
        }
    }
}

static void hang_bells(void)
{
    evtchn_port_t port = 0;

    (void)schedop_evtchn_reset();
    while (port < BELL_PORT + VCPUS - 1) {
        unsigned int v = port + 1 < BELL_PORT ? 0 : port + 1 - BELL_PORT;
        int rc = schedop_evtchn_bind_ipi(v, &port);

        if (rc != 0) {
            kit_panic("bells: %s", schedop_error_name(rc));
        }
    }
    for (port = 1; port < BELL_PORT; port++) {
        (void)schedop_evtchn_close(port);
    }
    no_bells = false;
}

uint64_t conduct_time(uint32_t kind)
{
    switch (kind) {
    case TIME_never:
        return 0;
    case TIME_past:
        return 1;
    case TIME_soon1:
    case TIME_soon2:
    case TIME_soon3:
        return tick_base + (kind - TIME_soon1) * TICK_NS + SOON_NS;
    case TIME_far:
        return kit_now_ns() + (UINT64_C(1) << 40);
    case TIME_far50:
        return kit_now_ns() + (UINT64_C(1) << 50) + 1000 * MS;
    case TIME_huge:
        return UINT64_C(1) << 62;
    case TIME_neg:
        return UINT64_C(1) << 63;
    default:
        return UINT64_MAX;
    }
}

bool conduct_is_engaged(unsigned int vcpu)
{
    return workers[vcpu].engaged;
}

/* ---- workers ---- */

static void run_here(const struct worker *w, unsigned int cpu)
{
    uint32_t done = 0;

    while (done < w->count) {
        uint32_t length = perform_length(w->first + done, w->count - done);

        perform(w->first + done, length);
        if (done + length < w->count) {
            record(w->index + done, cpu); /* the last is for vCPU 0 */
        }
        done += length;
    }
}

static void wait_for_work(const struct worker *w, unsigned int cpu)
{
    evtchn_port_t port = BELL_PORT + cpu;

    for (;;) {
        uint64_t slot = next_slot(0);

        silence(cpu);
        if (w->wanted != w->finished) {
            return;
        }
        if (no_bells) {
            sleep_until(slot > quiet_until ? slot : quiet_until);
        } else {
            (void)schedop_poll(&port, 1, 0);
        }
    }
}

static void work(void *context)
{
    struct worker *w = context;

    (void)kit_events_off();
    start_vcpu();
    for (;;) {
        wait_for_work(w, kit_cpu());
        if (w->cleanup) {
            perform_cleanup();
        } else {
            run_here(w, kit_cpu());
        }
        __sync_synchronize();
        w->finished = w->wanted;
        ring(0);
    }
}

/* ---- waiting for them ---- */

static bool is_asleep(unsigned int vcpu, uint64_t *since)
{
    int state = runstate_of(vcpu, since);

    return state == RUNSTATE_blocked || state == RUNSTATE_offline;
}

/* Where it is, after it has been given time to get there. */
static bool is_settled(unsigned int vcpu)
{
    uint64_t before, after;

    if (workers[vcpu].wanted == workers[vcpu].finished) {
        return true;
    }
    if (performers[vcpu].spinning && !performers[vcpu].stop) {
        return true;
    }
    if (!is_asleep(vcpu, &before)) {
        return false;
    }
    if (workers[vcpu].engaged && before == workers[vcpu].since) {
        return true; /* and has not run since */
    }
    wait_slot();
    wait_slot();
    workers[vcpu].since = before;
    return workers[vcpu].wanted != workers[vcpu].finished &&
           is_asleep(vcpu, &after) && before == after;
}

static void settle_one(unsigned int vcpu)
{
    struct worker *w = &workers[vcpu];

    for (uint32_t i = 0; i < SLOTS_MAX && !is_settled(vcpu); i++) {
        wait_bell(w);
        stuck |= i == SLOTS_MAX - 1;
    }
    w->engaged = w->wanted != w->finished;
}

static bool any_engaged(void)
{
    return workers[1].engaged || workers[2].engaged;
}

/* Until everybody who was engaged is where the last statement put him. */
static void settle(void)
{
    for (unsigned int v = 1; v < VCPUS; v++) {
        if (workers[v].engaged) {
            settle_one(v);
        }
    }
}

/* ---- statements ---- */

/* Statements for one vCPU: what can be said of the last of them. */
struct run {
    const struct statement *first;
    uint32_t index, count;
    bool takes_time, may_sleep;
};

static void hand_over(unsigned int vcpu, const struct run *run)
{
    struct worker *w = &workers[vcpu];

    w->first = run->first;
    w->index = run->index;
    w->count = run->count;
    w->cleanup = run->first == NULL;
    w->since = 0;
    hush = any_engaged() || run->may_sleep;
    __sync_synchronize();
    w->wanted++;
    call_worker(vcpu);
    wait_bell(w);
    settle_one(vcpu);
}

static void say_how_it_sleeps(unsigned int vcpu)
{
    if (!workers[vcpu].engaged) {
        return;
    }
    tell_of(vcpu, performers[vcpu].spinning ? " spins" : " sleeps");
}

/*
 * How many statements from the first can be left to one vCPU: while nobody
 * else is engaged, those that neither sleep nor act on others with delay.
 */
static void make_run(struct run *run, uint32_t left)
{
    const struct statement *first = run->first;

    while (run->count < left && first[run->count].vcpu == first->vcpu &&
           first[run->count].operation < DO_stop) {
        const struct statement *s = first + run->count;
        uint32_t length = perform_length(s, left - run->count);

        run->takes_time = perform_takes_time(s, length);
        run->may_sleep = perform_may_sleep(s, length);
        run->count += length;
        if (any_engaged() || run->takes_time || traces.finale) {
            break;
        }
    }
}

static uint32_t for_worker(const struct statement *s, uint32_t index,
                           uint32_t left)
{
    struct run run = {.first = s, .index = index};
    const char *why = NULL;

    if (workers[s->vcpu].engaged) {
        why = " is asleep";
    } else if (traces.may_be_down && schedop_vcpu_is_up(s->vcpu) != 1) {
        why = " is down";
    }
    if (why) {
        tell_of(s->vcpu, "%s", why);
        record(index, s->vcpu);
        return perform_length(s, left);
    }
    make_run(&run, left);
    hand_over(s->vcpu, &run);
    if (any_engaged() || run.takes_time) {
        wait_slot();
        settle();
    }
    say_how_it_sleeps(s->vcpu);
    /* The last of them. */
    record(index + run.count - 1, s->vcpu);
    return run.count;
}

static uint32_t for_conductor(const struct statement *s, uint32_t index,
                              uint32_t left)
{
    uint32_t length = perform_length(s, left);

    perform(s, length);
    if (any_engaged()) {
        wait_slot();
        settle();
    } else if (perform_takes_time(s, length)) {
        wait_slot();
    }
    record(index, 0);
    return length;
}

static void stop(unsigned int vcpu)
{
    if (performers[vcpu].spinning) {
        performers[vcpu].stop = true;
        settle_one(vcpu); /* one that is down ends when it is up */
    }
}

static void check_time(void)
{
    late |= kit_now_ns() > tick_base + TICK_USED_NS;
}

static void advance(void)
{
    stop(1);
    stop(2);
    check_time();
    if (traces.periodic_ticks != 0 && traces.periodic_ticks++ == TICKS_MAX) {
        undo_periodic(); /* or it would happen among statements */
    }
    tick_base += TICK_NS;
    quiet_until = tick_base;
    sleep_until(tick_base);
    wait_slot();
    settle();
}

/*
 * From here on the domain may end, so everything is said at once. If it does
 * not, and no vCPU is left to say so, a watchdog ends it.
 */
static void finale(void)
{
    struct sched_watchdog dog = {0, FINALE_S};

    traces.finale = true;
    traces.watchdogs = true;
    (void)schedop_hypercall3(__HYPERVISOR_sched_op, SCHEDOP_watchdog,
                             (uintptr_t)&dog, 0);
    record_show();
    calls_print_coverage();
}

/* What may be the last that is heard of a program. */
static void announce(const struct statement *s)
{
    record_print();
    if (s->operation == DO_shutdown || s->operation == DO_remote_shutdown) {
        kit_printf("+ %s tried 1\n", s->operation == DO_shutdown
                                         ? "shutdown"
                                         : "remote_shutdown");
    }
}

static uint32_t one(const struct statement *s, uint32_t index, uint32_t left)
{
    if (traces.finale) {
        announce(s);
    }
    if (s->operation == DO_advance) {
        advance();
    } else if (s->operation == DO_finale) {
        finale();
    } else if (s->operation == DO_stop) {
        stop(s->arg[0] % VCPUS);
        settle();
    } else if (s->vcpu % VCPUS != 0) {
        return for_worker(s, index, left);
    } else {
        return for_conductor(s, index, left);
    }
    record(index, 0);
    return 1;
}

/* ---- afterwards: everything as it was ---- */

/* Gets a vCPU out of whatever it sleeps in. */
static void wake(unsigned int vcpu)
{
    struct worker *w = &workers[vcpu];
    evtchn_port_t port;

    stop(vcpu);
    if (traces.may_be_down && schedop_vcpu_is_up(vcpu) != 1) {
        (void)schedop_vcpu_up(vcpu);
    }
    for (uint32_t i = 0; i < SLOTS_MAX && w->wanted != w->finished; i++) {
        state_reset();
        if (schedop_evtchn_bind_ipi(vcpu, &port) == 0) {
            (void)schedop_event_unmask(port);
            (void)schedop_evtchn_send(port);
            wait_slot();
            (void)schedop_evtchn_close(port);
        }
    }
    stuck |= w->wanted != w->finished;
    w->engaged = false;
}

static void clean_up(void)
{
    quiet_until = 0;
    if (traces.fifo) { /* a vCPU without control block would sleep on */
        (void)schedop_evtchn_reset();
    }
    for (unsigned int v = 1; v < VCPUS; v++) {
        wake(v);
    }
    for (unsigned int v = 1; v < VCPUS && !stuck; v++) {
        /* An NMI may still be on its way: it comes when the vCPU runs. */
        if (performers[v].interrupts || traces.timers[v] || traces.pins[v] ||
            traces.nmis) {
            hand_over(v, &(struct run){.first = NULL});
        }
    }
    perform_cleanup();
    undo_domain();
    if (no_bells) {
        hang_bells();
    } else {
        undo_ports();
    }
    state_reset();
    if (traces.periodic) {
        /* The next first tick shall be due at once, as this one was. */
        sleep_until(kit_now_ns() + TICK_NS);
    }
    memset(&traces, 0, sizeof(traces));
    memset(slots, 0, sizeof(slots));
    areas_clear();
}

enum outcome conduct(const struct statement *statements, uint32_t count)
{
    uint32_t i = 0;

    late = false;
    wait_slot();
    tick_base = kit_now_ns();
    while (i < count && !stuck) {
        i += one(&statements[i], i, count - i);
        check_time();
    }
    clean_up();
    if (stuck) {
        return OUTCOME_STUCK;
    }
    return late ? OUTCOME_LATE : OUTCOME_DONE;
}

/* ---- at the start ---- */

void conduct_start(void)
{
    (void)kit_events_off();
    hang_bells(); /* from here on, ports below are known, if closed */
    for (unsigned int v = 1; v < VCPUS; v++) {
        int rc = kit_start_vcpu(v, work, &workers[v]);

        if (rc != 0) {
            kit_panic("vCPU %u: %s", v, schedop_error_name(rc));
        }
    }
    state_reset();
    sleep_until(2 * TICK_NS); /* a first periodic tick is due at once */
}
