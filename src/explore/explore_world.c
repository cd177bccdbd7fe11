/* SPDX-License-Identifier: MIT */
/*
 * The world of an exploration: pCPUs as coroutines, and the steps they and
 * the clock can take. One at a time in a process, in static memory, so that
 * addresses are the same in every run and whole worlds can be compared,
 * saved and brought back.
 */
#include "explore_world.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "../lib/atomic.h"
#include "invariant.h"

#define STACK_BYTES (64u * 1024u)
#define RED_ZONE 256u /* more than the frame of ex_point() takes */

struct ex_world ex_world;
const struct ex_scenario *ex_scenario;
struct sop_system *ex_sys;
unsigned ex_nr_steps;

struct ex_turn ex_turn[EX_PCPUS];
uint8_t *ex_arena;
size_t ex_arena_size;

static uint8_t stack[EX_PCPUS][STACK_BYTES] __attribute__((aligned(64)));
static jmp_buf scheduler;
static int current = -1; /* whose turn it is; -1: nobody's */

static uint8_t shared[EX_DOMAINS][EX_PAGE] __attribute__((aligned(EX_PAGE)));

void *ex_shared_page(unsigned domain)
{
    return shared[domain];
}

void *ex_shared(const struct ex_domain *d)
{
    return shared[d->id];
}

/* ---- coroutines ---- */

void ex_point(struct sop_pcpu *p, enum ex_at at, const uint32_t *lock)
{
    struct ex_pcpu *c;

    if (current < 0) {
        return; /* the world is being set up: nobody can come between */
    }
    c = &ex_world.pcpu[current];
    if (p != NULL && c->p != p) {
        ex_fail("assertion", "the core acts for pCPU %u on pCPU %u",
                sop_pcpu_index(p), c->index);
    }
    c->at = at;
    c->lock = lock;
    ex_turn[current].low = (uint8_t *)__builtin_frame_address(0) - RED_ZONE;
    if (_setjmp(ex_turn[current].env) == 0) {
        _longjmp(scheduler, 1);
    }
}

struct ex_step ex_taken(void)
{
    return ex_turn[current].step;
}

bool ex_in_turn(void)
{
    return current >= 0;
}

void ex_leave_turn(void)
{
    _longjmp(scheduler, 1);
}

size_t ex_stack_used(unsigned index)
{
    const struct ex_turn *t = &ex_turn[index];

    return t->started ? (size_t)(stack[index] + STACK_BYTES - t->low) : 0;
}

static void turn_main(void)
{
    ex_pcpu_main(&ex_world.pcpu[current]);
}

static void turn_take(unsigned index)
{
    struct ex_turn *t = &ex_turn[index];
    ucontext_t first;

    current = (int)index;
    if (_setjmp(scheduler) == 0) {
        if (t->started) {
            _longjmp(t->env, 1);
        }
        t->started = true;
        if (getcontext(&first) != 0) {
            abort();
        }
        first.uc_stack.ss_sp = stack[index];
        first.uc_stack.ss_size = STACK_BYTES;
        first.uc_link = NULL;
        makecontext(&first, turn_main, 0);
        (void)setcontext(&first);
    }
    current = -1;
}

/* ---- what can happen ---- */

static uint64_t control_due(const struct ex_pcpu *c)
{
    const struct ex_script *s = &ex_scenario->control[c->index];

    if (ex_world.setting_up || c->pc >= s->nr) {
        return SOP_TIME_NEVER;
    }
    return ex_control_due(&s->op[c->pc]);
}

static bool guest_is_ready(const struct ex_pcpu *c)
{
    const struct ex_vcpu *x = c->guest;

    return c->at == EX_AT_GUEST && !ex_world.setting_up && !x->computing;
}

/* In a guest that works towards an end; one that spins has none. */
static bool works(const struct ex_pcpu *c)
{
    return c->at == EX_AT_GUEST && c->guest->computing &&
           c->guest->left_ns != SOP_TIME_NEVER;
}

/* When something happens that now has not. */
static uint64_t next_event(void)
{
    uint64_t first = SOP_TIME_NEVER, due;
    unsigned i;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        const struct ex_pcpu *c = &ex_world.pcpu[i];

        if (!c->off && c->armed > ex_world.now && c->armed < first) {
            first = c->armed;
        }
        due = control_due(c);
        if (due > ex_world.now && due < first) {
            first = due;
        }
        if (works(c)) {
            due = ex_world.now + c->guest->left_ns;
            first = due < first ? due : first;
        }
    }
    return first;
}

void ex_add_step(struct ex_step *list, unsigned *n, struct ex_step step)
{
    if (*n < EX_STEPS_MAX) {
        list[(*n)++] = step;
    }
}

static void add(struct ex_step *list, unsigned *n, enum ex_step_kind kind,
                const struct ex_pcpu *c)
{
    ex_add_step(
        list, n,
        (struct ex_step){.kind = (uint8_t)kind, .pcpu = (uint8_t)c->index});
}

bool ex_is_open(const struct ex_pcpu *c)
{
    return c->at == EX_AT_GUEST || c->at == EX_AT_IDLE;
}

/* What is on its way already. One that is off line gets no timer interrupt. */
static void due_steps(struct ex_step *list, unsigned *n,
                      const struct ex_pcpu *c)
{
    if (c->at == EX_AT_CORE ||
        (c->at == EX_AT_LOCK && atomic_peek_u32(c->lock) == 0)) {
        add(list, n, EX_STEP_GO, c);
    }
    if (ex_is_open(c) && c->kicked) {
        add(list, n, EX_STEP_KICK, c);
    }
    if (ex_is_open(c) && !c->off && c->armed <= ex_world.now) {
        add(list, n, EX_STEP_TIMER, c);
    }
}

/* What somebody may do next. */
static void new_steps(struct ex_step *list, unsigned *n,
                      const struct ex_pcpu *c)
{
    if (ex_is_open(c) && control_due(c) <= ex_world.now &&
        !ex_world.strike.acting) {
        add(list, n, EX_STEP_CONTROL, c);
    }
    ex_strike_go_on(list, n, c);
    if (guest_is_ready(c)) {
        add(list, n, EX_STEP_GUEST, c);
    }
}

static void fault_steps(struct ex_step *list, unsigned *n,
                        const struct ex_pcpu *c, unsigned faults)
{
    if (!ex_is_open(c)) {
        return;
    }
    if ((faults & 1u << EX_STEP_SPURIOUS_KICK) != 0) {
        add(list, n, EX_STEP_SPURIOUS_KICK, c);
    }
    if ((faults & 1u << EX_STEP_SPURIOUS_TIMER) != 0) {
        add(list, n, EX_STEP_SPURIOUS_TIMER, c);
    }
    if ((faults & 1u << EX_STEP_COPY_FAULT) != 0 && guest_is_ready(c)) {
        add(list, n, EX_STEP_COPY_FAULT, c);
    }
    ex_strike_begin(list, n, c, faults);
}

/*
 * In the fixed order everybody finishes before anything new is begun: whoever
 * asks again and again for what another pCPU has yet to do would go on for
 * ever.
 */
unsigned ex_steps(struct ex_step *list, unsigned faults)
{
    const struct ex_pcpu *pcpu = ex_world.pcpu;
    unsigned i, n = 0;
    bool rested;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        due_steps(list, &n, &pcpu[i]);
    }
    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        new_steps(list, &n, &pcpu[i]);
    }
    rested = n == 0;
    if (!ex_world.setting_up && next_event() != SOP_TIME_NEVER &&
        (rested || ex_world.early > 0)) {
        add(list, &n, EX_STEP_TIME, &pcpu[0]);
    }
    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        ex_strike_undo(list, &n, &pcpu[i]);
    }
    if ((faults & 1u << EX_STEP_LATE) != 0 && !rested && !ex_world.setting_up &&
        next_event() != SOP_TIME_NEVER) {
        add(list, &n, EX_STEP_LATE, &pcpu[0]);
    }
    for (i = 0; faults != 0 && i < ex_scenario->nr_pcpus; i++) {
        fault_steps(list, &n, &pcpu[i], faults);
    }
    return n;
}

/* Coming to rest is not the end: guests may be about to act. */
bool ex_at_rest(void)
{
    unsigned i;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        const struct ex_pcpu *c = &ex_world.pcpu[i];

        if (c->at == EX_AT_CORE || c->at == EX_AT_LOCK || c->kicked ||
            (!c->off && c->armed <= ex_world.now)) {
            return false;
        }
    }
    return true;
}

/* Guests that are entered work on; the others wait. */
static void time_pass(uint64_t to)
{
    uint64_t ns = to - ex_world.now;
    unsigned i;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        struct ex_pcpu *c = &ex_world.pcpu[i];

        if (works(c)) {
            c->guest->left_ns -= ns;
            c->guest->computing = c->guest->left_ns != 0;
        }
    }
    ex_world.now = to;
}

/* All that could be done without it is to undo a fault. */
static bool needs_time(void)
{
    struct ex_step list[EX_STEPS_MAX];
    unsigned i, n = ex_steps(list, 0);

    for (i = 0; i < n; i++) {
        if (list[i].kind != EX_STEP_TIME && list[i].kind != EX_STEP_ONLINE) {
            return false;
        }
    }
    return true;
}

void ex_take(struct ex_step step)
{
    ex_nr_steps++;
    if (step.kind == EX_STEP_TIME || step.kind == EX_STEP_LATE) {
        bool rested = needs_time();
        uint64_t to = next_event();

        ex_world.early -= !rested && step.kind == EX_STEP_TIME;
        invariant_time(to - ex_world.now, rested);
        time_pass(to);
        ex_world.last = -1;
        return;
    }
    ex_turn[step.pcpu].step = step;
    ex_world.last = step.pcpu;
    turn_take(step.pcpu);
}

/* ---- starting ---- */

/* The pCPUs and an empty system; domains come next: explore_setup.c. */
void ex_world_empty(const struct ex_scenario *s, const struct sop_config *cfg)
{
    size_t size = sop_system_size(cfg);
    unsigned i;

    if (ex_arena_size < size) {
        free(ex_arena);
        ex_arena = aligned_alloc(64, (size + 63) & ~(size_t)63);
    }
    if (size == 0 || ex_arena == NULL) {
        abort();
    }
    ex_arena_size = size;
    memset(ex_arena, 0, size);
    memset(shared, 0, sizeof(shared));
    memset(&ex_world, 0, sizeof(ex_world));
    memset(&ex_failure, 0, sizeof(ex_failure));
    memset(ex_turn, 0, sizeof(ex_turn));
    current = -1;
    ex_scenario = s;
    ex_world.now = EX_START_NS;
    ex_world.setting_up = true;
    ex_world.last = -1;
    ex_sys = sop_system_init(ex_arena, size, cfg);
    for (i = 0; i < s->nr_pcpus; i++) {
        struct ex_pcpu *c = &ex_world.pcpu[i];

        c->index = i;
        c->p = sop_pcpu(ex_sys, i);
        c->armed = SOP_TIME_NEVER;
        sop_pcpu_set_port(c->p, c);
    }
}
