/* SPDX-License-Identifier: MIT */
/*
 * Makes programs from a seed: some ports are opened, then come episodes, each
 * with something in mind (a sleeper and what may wake it, timers, masks ...),
 * with errors sprinkled over everything. What is known of the state only
 * steers the dice; a program is free to be nonsense.
 */
#include "maker.h"

#include <string.h>
#include <xen/event_channel.h>

#define FIFO_IN 4u          /* one program of so many has FIFO ports */
#define TICK_STATEMENTS 22u /* a tick has room for so many */

/* ---- sleeping and waking ---- */

static struct statement *poll(struct maker *m, uint8_t v)
{
    struct statement *s = emit(m, v, DO_poll);
    uint32_t count = ONE_OF(m, 0, 1, 1, 1, 1, 2, 2, 3, 4);

    s->refs = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        s->ref[i] = any_port(m);
    }
    s->arg[0] = count;
    if (chance(m, 3)) {
        s->arg[0] = ONE_OF(m, 5, 127, 128, 129, 1024, UINT32_MAX);
        s->refs = 1;
    }
    s->arg[1] = ONE_OF(m, TIME_never, TIME_never, TIME_never, TIME_soon1,
                       TIME_soon1, TIME_soon2, TIME_soon3, TIME_far);
    if (chance(m, 12)) {
        s->arg[1] = ONE_OF(m, TIME_past, TIME_past, TIME_far50, TIME_huge,
                           TIME_neg, TIME_max);
    }
    return s;
}

/* Puts a worker to sleep, in one of the ways there are. */
static uint8_t fall_asleep(struct maker *m)
{
    uint8_t v = worker(m);
    uint32_t r = roll(m, 100);

    if (r < 60) {
        poll(m, v);
    } else if (r < 75) {
        emit(m, v, DO_block);
    } else if (r < 87) {
        if (!chance(m, 10)) {
            interrupts(m, v, true);
        }
        emit(m, v, DO_hlt);
    } else if (r < 93) {
        emit(m, v, DO_spin);
    } else {
        on_vcpu(m, v, DO_down, v);
    }
    m->may_sleep[v] = true;
    return v;
}

/* Something that may wake the sleeper, or just miss it. */
static void nudge(struct maker *m, uint8_t sleeper)
{
    uint32_t r = roll(m, 100);

    if (r < 45) {
        on_port(m, DO_send);
    } else if (r < 58) {
        on_port(m, DO_unmask);
    } else if (r < 62) {
        on_port(m, DO_mask);
    } else if (r < 66) {
        on_port(m, ONE_OF(m, DO_set_pending, DO_clear_pending));
    } else if (r < 70) {
        on_vcpu(m, actor(m), DO_clear_upcall, sleeper);
    } else if (r < 73) {
        on_vcpu(m, actor(m), DO_set_upcall, sleeper);
    } else if (r < 78) {
        on_vcpu(m, actor(m), DO_down, sleeper);
    } else if (r < 85) {
        on_vcpu(m, actor(m), DO_up, sleeper);
    } else if (r < 90) {
        on_vcpu(m, actor(m), DO_nmi, sleeper);
    } else if (r < 93) {
        on_port(m, DO_close);
    } else if (r < 96) {
        on_vcpu(m, actor(m), DO_runstate, sleeper);
    } else {
        emit(m, actor(m), DO_set_timer)->arg[0] =
            ONE_OF(m, TIME_past, TIME_soon1, TIME_neg);
    }
}

/* What most probably gets it up. */
static void rouse(struct maker *m, uint8_t v)
{
    on_vcpu(m, 0, DO_stop, v);
    if (chance(m, 40)) {
        on_vcpu(m, 0, DO_up, v);
    }
    for (uint8_t s = 0; s < PORT_SLOTS && chance(m, 80); s++) {
        if (m->kind[s] == EVTCHNSTAT_ipi && m->vcpu_of[s] == v) {
            emit(m, 0, DO_unmask)->ref[0] = s;
            emit(m, 0, DO_send)->ref[0] = s;
            break;
        }
    }
    if (chance(m, 30)) {
        advance(m);
    }
    m->may_sleep[v] = false;
}

static void sleepers(struct maker *m)
{
    uint8_t v = fall_asleep(m);
    uint32_t nudges = 1 + roll(m, 5);

    if (!m->may_sleep[3 - v] && chance(m, 20)) {
        (void)fall_asleep(m);
    }
    for (uint32_t i = 0; i < nudges; i++) {
        nudge(m, chance(m, 85) ? v : (uint8_t)(3 - v));
    }
    if (chance(m, 25)) {
        advance(m);
    }
    for (v = 1; v < VCPUS; v++) {
        if (m->may_sleep[v] && chance(m, 75)) {
            rouse(m, v);
        }
    }
}

/* ---- the other episodes ---- */

static void bits(struct maker *m)
{
    uint32_t count = 1 + roll(m, 6);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t r = roll(m, 100);

        if (r < 70) {
            on_port(m,
                    ONE_OF(m, DO_send, DO_send, DO_unmask, DO_unmask, DO_mask,
                           DO_clear_mask, DO_set_pending, DO_clear_pending));
        } else if (r < 85) {
            on_vcpu(m, actor(m),
                    ONE_OF(m, DO_clear_upcall, DO_clear_upcall, DO_set_upcall),
                    roll(m, VCPUS));
        } else if (r < 90) {
            on_vcpu(m, actor(m), DO_upcall_mask, roll(m, VCPUS))->arg[1] =
                ONE_OF(m, 0, 1, 255);
        } else {
            uint8_t v = actor(m);

            interrupts(m, v, !m->interrupts[v]);
        }
    }
}

static void timers(struct maker *m)
{
    uint8_t v = actor(m);
    uint32_t r = roll(m, 100);

    if (r < 40) {
        emit(m, v, DO_set_timer)->arg[0] = roll(m, TIME_COUNT);
    } else if (r < 65) {
        struct statement *s =
            on_vcpu(m, v, DO_singleshot, chance(m, 85) ? v : any_vcpu(m));

        s->arg[1] = roll(m, TIME_COUNT);
        s->arg[2] = ONE_OF(m, 0, 0, 1, UINT32_MAX);
    } else if (r < 72) {
        on_vcpu(m, v, DO_stop_singleshot, chance(m, 80) ? v : any_vcpu(m));
    } else if (r < 92) {
        on_vcpu(m, v, DO_periodic, any_vcpu(m))->arg[1] =
            chance(m, 50) ? (uint32_t)PERIOD_tick : roll(m, PERIOD_COUNT);
    } else {
        on_vcpu(m, v, DO_stop_periodic, any_vcpu(m));
    }
    if (chance(m, 45)) {
        advance(m);
    }
}

static void watchdogs(struct maker *m)
{
    uint32_t count = 1 + roll(m, 5);

    if (chance(m, 10)) { /* all of them and one more */
        for (uint32_t i = 0; i < 3; i++) {
            emit(m, actor(m), DO_watchdog)->arg[1] = 20000;
        }
    }

    for (uint32_t i = 0; i < count; i++) {
        struct statement *s = emit(m, actor(m), DO_watchdog);

        s->arg[0] = ONE_OF(m, 0, 0, 0, 1, 1, 2, 2, 3, UINT32_MAX);
        s->arg[1] = ONE_OF(m, 0, 0, 20000, 50000, 1000000, UINT32_MAX);
    }
}

static void pins(struct maker *m)
{
    uint32_t count = 1 + roll(m, 4);
    uint8_t v = actor(m);

    for (uint32_t i = 0; i < count; i++) {
        emit(m, v, DO_pin)->arg[0] =
            ONE_OF(m, 0, 0, 1, 1, 1, UINT32_MAX, UINT32_MAX, 0x80000000, 2, 3,
                   255, 256, 0x7fffffff);
    }
}

static void lives(struct maker *m)
{
    uint32_t count = 1 + roll(m, 4);
    uint32_t who = any_vcpu(m);

    for (uint32_t i = 0; i < count; i++) {
        enum operation o =
            ONE_OF(m, DO_up, DO_down, DO_is_up, DO_is_up, DO_runstate,
                   DO_initialise, DO_physid, DO_nmi);
        uint8_t v = actor(m);
        struct statement *s = on_vcpu(m, v, o, who);

        if (o == DO_initialise) {
            s->arg[1] = roll(m, CONTEXT_COUNT);
        } else if (o == DO_nmi) {
            s->arg[1] = chance(m, 10);
        }
        if (o == DO_down && who == v) {
            m->may_sleep[v] = true;
            break;
        }
    }
    if (who < VCPUS && chance(m, 80)) {
        on_vcpu(m, 0, DO_up, who);
        m->may_sleep[who] = false;
    }
}

static void ports(struct maker *m)
{
    uint32_t r = roll(m, 100);
    struct statement *s;

    if (r < 30) {
        open_port(m);
    } else if (r < 50) {
        s = on_port(m, DO_close);
        if (s->ref[0] < PORT_SLOTS && chance(m, 80)) {
            m->kind[s->ref[0]] = EVTCHNSTAT_closed;
        }
    } else if (r < 70) {
        on_port(m, DO_status)->arg[0] = any_domain(m);
    } else if (r < 88) {
        on_port(m, DO_bind_vcpu)->arg[0] = any_vcpu(m);
    } else if (r < 94) {
        on_port(m, DO_set_priority)->arg[0] = ONE_OF(m, 0, 7, 15, 16);
    } else {
        emit(m, actor(m), DO_reset)->arg[0] = any_domain(m);
    }
}

static void areas(struct maker *m)
{
    struct statement *s =
        on_vcpu(m, actor(m),
                ONE_OF(m, DO_runstate_area, DO_runstate_area, DO_time_area),
                any_vcpu(m));

    (void)s;
    if (chance(m, 40)) {
        s = emit(m, actor(m), DO_vm_assist);
        s->arg[0] = ONE_OF(m, 0, 0, 1, 2);
        s->arg[1] = ONE_OF(m, 5, 5, 5, 0, 1, 31, 63, 64, UINT32_MAX);
    }
}

/* Commands that fail, or hardly do anything before the end. */
static void commands(struct maker *m)
{
    struct statement *s;
    uint8_t v = actor(m);

    switch (roll(m, 5)) {
    case 0:
        emit(m, v, DO_yield);
        return;
    case 1:
        s = emit(m, v, DO_shutdown);
        s->place = bad_place(m);
        return;
    case 2:
        s = emit(m, v, DO_remote_shutdown);
        s->arg[0] = ONE_OF(m, 1, 7, 77, 0x7ff0, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fff,
                           0x8000, 0xffff);
        s->arg[1] = roll(m, 7);
        break;
    case 3:
        s = emit(m, v, DO_shutdown_code);
        s->arg[0] = roll(m, 300);
        break;
    default:
        emit(m, v, DO_sched_raw)->arg[0] =
            ONE_OF(m, 0, 8, 9, 99, 0x7fffffff, 0x80000000, UINT32_MAX);
        return;
    }
    if (chance(m, 25)) {
        s->place = bad_place(m);
    }
}

/* Calls that can only fail, or hardly do anything. */
static void oddities(struct maker *m)
{
    struct statement *s;
    uint8_t v = actor(m);

    switch (roll(m, 8)) {
    case 0:
        emit(m, v, DO_evtchn_raw)->arg[0] =
            ONE_OF(m, 14, 15, 99, 0x7fffffff, UINT32_MAX);
        break;
    case 1:
        s = emit(m, v, DO_vcpu_raw);
        s->arg[0] = ONE_OF(m, 14, 15, 16, 99, UINT32_MAX);
        s->arg[1] = any_vcpu(m);
        break;
    case 2:
        s = on_vcpu(m, v, DO_vcpu_info, any_vcpu(m));
        s->arg[1] = roll(m, 3);
        s->arg[2] = ONE_OF(m, 0, 64, 4, 4032, 4033, 4040, 4096, UINT32_MAX);
        break;
    case 3:
        emit(m, v, DO_version)->arg[0] =
            ONE_OF(m, 0, 1, 4, 5, 6, 6, 7, 8, 11, 99, UINT32_MAX);
        break;
    case 4:
        emit(m, v, DO_hvm_param)->arg[0] = ONE_OF(m, 0, 100, 65536, UINT32_MAX);
        break;
    case 5:
        s = on_vcpu(m, v, DO_upcall_vector, any_vcpu(m));
        s->arg[1] = ONE_OF(m, 0, 15, 16, 32, 255);
        break;
    case 6:
        emit(m, v, DO_hypercall)->arg[0] =
            ONE_OF(m, 56, 63, 64, 99, 127, 128, 0x80000000, UINT32_MAX);
        break;
    default:
        emit(m, v, DO_expand_array)->arg[0] = roll(m, 3);
        break;
    }
}

static void episode(struct maker *m);

/* Entries are whatever the next statements of that vCPU are. Those after one
 * that may sleep run beside others when it wakes, so they only look. */
static void multicall(struct maker *m)
{
    uint8_t v = worker(m);
    uint32_t at = m->p->count, entries = 1 + roll(m, 4);

    emit(m, v, DO_multicall)->arg[0] = entries;
    while (m->p->count < at + 1 + entries &&
           m->p->count < PROGRAM_STATEMENTS_MAX) {
        uint32_t from = m->p->count;

        if (m->may_sleep[v]) {
            emit(m, v, DO_is_up)->arg[0] = any_vcpu(m);
            continue;
        }
        switch (roll(m, 6)) {
        case 0:
            watchdogs(m);
            break;
        case 1:
            poll(m, v);
            m->may_sleep[v] = true;
            break;
        case 2:
            chance(m, 50) ? oddities(m) : commands(m);
            break;
        default:
            on_port(m, ONE_OF(m, DO_send, DO_unmask, DO_close, DO_status));
            break;
        }
        for (; from < m->p->count; from++) {
            m->p->statement[from].vcpu = v;
        }
    }
}

/* What only FIFO ports have. */
static void queues(struct maker *m)
{
    uint32_t count = 1 + roll(m, 6);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t r = roll(m, 100);
        struct statement *s;

        if (r < 35) {
            on_vcpu(m, actor(m), DO_take, roll(m, VCPUS));
        } else if (r < 60) {
            on_port(m, ONE_OF(m, DO_send, DO_send, DO_unmask));
        } else if (r < 78) {
            on_port(m, DO_set_priority)->arg[0] =
                ONE_OF(m, 0, 1, 6, 7, 7, 15, 16, UINT32_MAX);
        } else if (r < 86) {
            on_port(m, DO_word)->arg[0] = roll(m, 32);
        } else if (r < 95) {
            s = on_vcpu(m, actor(m), DO_init_control, any_vcpu(m));
            s->arg[1] = roll(m, 24);
        } else {
            emit(m, actor(m), DO_expand_array)->arg[0] = roll(m, 2);
        }
    }
}

static void episode(struct maker *m)
{
    uint32_t r = roll(m, 100);

    if (m->fifo && chance(m, 35)) {
        queues(m);
        return;
    }
    if (r < 42) {
        sleepers(m);
    } else if (r < 56) {
        bits(m);
    } else if (r < 66) {
        timers(m);
    } else if (r < 71) {
        watchdogs(m);
    } else if (r < 75) {
        pins(m);
    } else if (r < 80) {
        lives(m);
    } else if (r < 88) {
        ports(m);
    } else if (r < 90) {
        areas(m);
    } else if (r < 93) {
        multicall(m);
    } else if (r < 97) {
        commands(m);
    } else {
        oddities(m);
    }
}

/* ---- ends ---- */

static uint32_t any_reason(struct maker *m)
{
    return ONE_OF(m, 0, 1, 2, 3, 4, 5, 6, 12, 255, 511);
}

static void go_down(struct maker *m)
{
    on_vcpu(m, 0, DO_down, 1);
    on_vcpu(m, chance(m, 50) ? 0 : 2, DO_down, 2);
    if (chance(m, 50)) {
        on_vcpu(m, 0, DO_down, 0);
    } else {
        interrupts(m, 0, false);
        emit(m, 0, DO_hlt);
    }
}

static struct statement *shut_down(struct maker *m, enum operation operation)
{
    struct statement *s = emit(m, worker(m), operation);

    s->place = chance(m, 80) ? AT_ok : s->place;
    s->narrow = 0;
    return s;
}

/* The domain's end, in the way of number `kind`. */
static void end(struct maker *m, uint32_t kind)
{
    struct statement *s;

    for (uint8_t v = 1; v < VCPUS; v++) {
        rouse(m, v);
    }
    emit(m, 0, DO_finale);
    switch (kind % 6) {
    case 0:
        shut_down(m, DO_shutdown)->arg[0] = any_reason(m);
        break;
    case 1:
        s = shut_down(m, DO_remote_shutdown);
        s->arg[1] = any_reason(m);
        break;
    case 2:
        s = shut_down(m, DO_watchdog);
        s->arg[1] = roll(m, 2);
        for (uint32_t i = 0; i < 4; i++) { /* two seconds */
            advance(m);
        }
        break;
    case 3:
        go_down(m);
        break;
    case 4:
        shut_down(m, DO_shutdown_code)->arg[0] = any_reason(m);
        shut_down(m, DO_shutdown)->arg[0] = any_reason(m);
        break;
    default:
        emit(m, 1, DO_multicall)->arg[0] = 2;
        emit(m, 1, DO_yield);
        emit(m, 1, DO_shutdown)->arg[0] = any_reason(m);
        break;
    }
}

void generate(uint64_t seed, struct listing *p, bool ends)
{
    struct maker m;
    uint32_t want;

    memset(&m, 0, sizeof(m));
    m.prng.state = seed * 0x100000001b3u + p->id;
    m.p = p;
    m.fifo = (uint32_t)(seed + p->id) % FIFO_IN == 0;
    p->count = 0;
    want = 10 + roll(&m, 30);
    set_up(&m);
    while (p->count < want) {
        episode(&m);
        if (m.in_tick > TICK_STATEMENTS) {
            advance(&m);
        }
    }
    if (ends) {
        end(&m, (uint32_t)seed + p->id);
    }
}
