/* SPDX-License-Identifier: MIT */
/*
 * See explore_search.h. The search through all ways keeps, for each state it
 * has been in, how many ways lead on from there: coming to it again by other
 * steps in another order is not searched twice, and still counted.
 */
#include "explore_search.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/prng.h"
#include "explore_world.h"
#include "fault.h"
#include "invariant.h"

#define DEPTH_MAX 2000u
#define FAULTS_IN_256 16u
#define LASTING_MOST 3u   /* faults that last, in a random way */
#define STEPS_MAX 400000u /* in the fixed order */

/* ---- one way ---- */

static bool take(struct ex_step step, FILE *trace)
{
    ex_step_trace(step, trace);
    ex_log_lines = trace;
    ex_take(step);
    invariant_step();
    return !ex_failure.is;
}

/* The next step, false when the run is over. */
static bool first_step(struct ex_step *step)
{
    struct ex_step list[EX_STEPS_MAX];

    if (ex_steps(list, 0) == 0) {
        return false;
    }
    *step = list[0];
    return !(step->kind == EX_STEP_TIME &&
             ex_world.now - EX_START_NS >= ex_scenario->length);
}

static bool finish(FILE *trace)
{
    struct ex_step list[EX_STEPS_MAX], step;
    unsigned n = 0;

    while (n++ < STEPS_MAX && first_step(&step)) {
        if (!take(step, trace)) {
            return false;
        }
    }
    if (n >= STEPS_MAX) {
        ex_fail("finish", "no end after %u steps", n);
        return false;
    }
    invariant_end(ex_steps(list, 0) == 0);
    return !ex_failure.is;
}

bool ex_search_order(const struct ex_scenario *s, FILE *trace)
{
    return ex_world_reset(s) && finish(trace);
}

static bool is_possible(struct ex_step step)
{
    struct ex_step list[EX_STEPS_MAX];
    unsigned i, n = ex_steps(list, ~0u);

    for (i = 0; i < n; i++) {
        if (list[i].kind == step.kind &&
            (list[i].pcpu == step.pcpu || step.kind == EX_STEP_TIME) &&
            list[i].what == step.what) {
            return true;
        }
    }
    return false;
}

bool ex_search_way(const struct ex_scenario *s, const struct ex_way *way,
                   FILE *trace)
{
    unsigned i;

    if (!ex_world_reset(s)) {
        return false;
    }
    for (i = 0; i < way->nr; i++) {
        if (is_possible(way->step[i]) && !take(way->step[i], trace)) {
            return false;
        }
    }
    return finish(trace);
}

/* ---- states seen ---- */

struct seen {
    struct ex_hash hash;
    double ways;
};

#define ON_THE_WAY (-1.0) /* in place of a number of ways, not known yet */

static struct seen *table;
static uint64_t table_size, table_used;

static struct seen *table_find(struct ex_hash h)
{
    uint64_t i = h.a & (table_size - 1);

    while (table[i].hash.a != 0 &&
           (table[i].hash.a != h.a || table[i].hash.b != h.b)) {
        i = (i + 1) & (table_size - 1);
    }
    return &table[i];
}

static void table_make(uint64_t size)
{
    struct seen *old = table;
    uint64_t i, old_size = table_size;

    table = calloc(size, sizeof(*table));
    if (table == NULL) {
        abort();
    }
    table_size = size;
    for (i = 0; i < old_size; i++) {
        if (old[i].hash.a != 0) {
            *table_find(old[i].hash) = old[i];
        }
    }
    free(old);
}

static void table_set(struct ex_hash h, double ways)
{
    struct seen *s;

    if (table_used * 2 >= table_size) {
        table_make(table_size == 0 ? 1u << 16 : table_size * 2);
    }
    s = table_find(h);
    table_used += s->hash.a == 0;
    s->hash = h;
    s->ways = ways;
}

/* ---- all ways ---- */

struct node {
    struct ex_saved *saved;
    struct ex_hash hash;
    struct ex_step list[EX_STEPS_MAX];
    unsigned nr, next;
    unsigned way_nr; /* steps from the start to here */
    double ways;
};

struct search {
    const struct ex_scenario *scenario;
    const struct ex_limits *limits;
    struct ex_totals *totals;
    struct ex_way *way;
    struct node *node;
    unsigned depth;
    bool again; /* more of the core's memory changes than was known */
};

/*
 * Stops a pCPU in the middle of its way although it could go on. To take an
 * interrupt later, or to be entered later, is not that.
 */
static bool preempts(const struct ex_step *list, unsigned n,
                     struct ex_step step)
{
    unsigned i;

    if (ex_world.last < 0 || step.pcpu == ex_world.last ||
        step.kind == EX_STEP_TIME) {
        return false;
    }
    for (i = 0; i < n; i++) {
        if (list[i].pcpu == ex_world.last && list[i].kind == EX_STEP_GO) {
            return true;
        }
    }
    return false;
}

static unsigned faults_left(const struct search *x)
{
    return ex_world.faults_left != 0 ? x->limits->faults : 0;
}

/* What is left of the choices within the bound of preemptions. */
static unsigned choices(struct search *x, struct ex_step *list)
{
    unsigned i, n = ex_steps(list, faults_left(x)), kept = 0, more;

    if (x->limits->preemptions < 0) {
        return n;
    }
    for (i = 0; i < n; i++) {
        more = preempts(list, n, list[i]);
        if (ex_world.preempted + (int)more <= x->limits->preemptions) {
            list[kept++] = list[i];
        } else {
            x->totals->bounded = true;
        }
    }
    return kept;
}

static bool is_over(void)
{
    return ex_world.now - EX_START_NS >= ex_scenario->length;
}

static bool go(struct search *x, struct ex_step step)
{
    x->totals->steps++;
    if (x->way->nr < EX_WAY_MAX) {
        x->way->step[x->way->nr++] = step;
    }
    return take(step, NULL);
}

/* A state not met before: an end, or a node whose choices come next. */
static bool arrive(struct search *x, struct node *n)
{
    x->totals->states++;
    if (n->nr != 0) {
        n->ways = 0;
        table_set(n->hash, ON_THE_WAY);
        return true;
    }
    n->ways = 1;
    table_set(n->hash, 1);
    x->totals->ends++;
    invariant_end(!is_over());
    return !ex_failure.is;
}

/* Goes on from here until there is a choice; that becomes a node. */
static bool descend(struct search *x)
{
    struct node *n = &x->node[x->depth];
    const struct seen *s;

    for (;;) {
        n->nr = is_over() ? 0 : choices(x, n->list);
        if (n->nr != 1) {
            break;
        }
        if (!go(x, n->list[0])) {
            return false;
        }
    }
    n->next = 0;
    n->hash = ex_world_hash();
    n->hash.a |= n->hash.a == 0;
    s = table_size != 0 ? table_find(n->hash) : NULL;
    if (s == NULL || s->hash.a == 0) {
        return arrive(x, n);
    }
    /* Been here; a circle counts as no further way. */
    n->ways = s->ways < 0 ? 0 : s->ways;
    n->nr = 0;
    return true;
}

/* Back to the last node that has a choice left; false when there is none. */
static bool back_up(struct search *x)
{
    while (x->node[x->depth].next >= x->node[x->depth].nr) {
        double ways = x->node[x->depth].ways;

        if (x->node[x->depth].nr != 0) {
            table_set(x->node[x->depth].hash, ways);
        }
        if (x->depth == 0) {
            return false;
        }
        x->depth--;
        x->node[x->depth].ways += ways;
    }
    return true;
}

static bool choose(struct search *x)
{
    struct node *n = &x->node[x->depth];
    struct ex_step list[EX_STEPS_MAX], step = n->list[n->next];
    unsigned count;

    /* A copy made, or brought back, while more has changed is no copy. */
    x->again = ex_world_changed();
    if (x->again) {
        return false;
    }
    if (n->next == 0) {
        n->saved = ex_world_save(n->saved, false);
        n->way_nr = x->way->nr;
    } else {
        ex_world_restore(n->saved);
        x->way->nr = n->way_nr;
    }
    n->next++;
    count = ex_steps(list, faults_left(x));
    ex_world.preempted +=
        x->limits->preemptions >= 0 && preempts(list, count, step);
    ex_world.faults_left -= fault_begins(step);
    if (!go(x, step)) {
        return false;
    }
    if (x->depth + 1 == DEPTH_MAX) {
        x->totals->bounded = true;
        return true;
    }
    x->depth++;
    if (x->depth > x->totals->longest) {
        x->totals->longest = x->depth;
    }
    return descend(x);
}

static bool search(struct search *x)
{
    bool fine;
    unsigned i;

    memset(x->totals, 0, sizeof(*x->totals));
    memset(x->node, 0, DEPTH_MAX * sizeof(*x->node));
    x->way->nr = 0;
    x->depth = 0;
    x->again = false;
    free(table);
    table = NULL;
    table_size = table_used = 0;
    fine = ex_world_reset(x->scenario);
    ex_world.faults_left = x->limits->faults != 0;
    fine = fine && descend(x);
    while (fine && back_up(x)) {
        if (x->totals->states >= x->limits->states) {
            x->totals->bounded = true;
            break;
        }
        fine = choose(x);
    }
    x->again |= ex_world_changed();
    for (i = x->depth; i > 0; i--) {
        x->node[i - 1].ways += x->node[i].ways; /* if it stopped before */
    }
    x->totals->interleavings = x->node[0].ways;
    for (i = 0; i < DEPTH_MAX; i++) {
        free(x->node[i].saved);
    }
    return fine;
}

bool ex_search_all(const struct ex_scenario *s, const struct ex_limits *limits,
                   struct ex_totals *totals, struct ex_way *way)
{
    struct search x = {
        .scenario = s, .limits = limits, .totals = totals, .way = way};
    bool fine;

    x.node = malloc(DEPTH_MAX * sizeof(*x.node));
    if (x.node == NULL) {
        abort();
    }
    do {
        fine = search(&x);
    } while (x.again);
    free(x.node);
    return fine;
}

/* ---- random ways ---- */

/* Each choice by its own number, so that leaving one out moves no other. */
static uint64_t draw(uint64_t seed, unsigned k)
{
    struct prng p = {.state = seed * 0x9e3779b97f4a7c15u + k};

    (void)prng_next(&p);
    return prng_next(&p);
}

/* Of those that last a run has few, or nobody would be left to see more. */
static unsigned allowed_now(unsigned faults)
{
    return ex_world.faults_left != 0 ? faults : faults & ~FAULTS_RARE;
}

bool ex_search_random(const struct ex_scenario *s, uint64_t seed,
                      unsigned faults, struct ex_way *way)
{
    struct ex_step list[EX_STEPS_MAX];
    unsigned n;

    way->nr = 0;
    if (!ex_world_reset(s)) {
        return false;
    }
    ex_world.faults_left = LASTING_MOST;
    while (way->nr < EX_WAY_MAX && !is_over()) {
        uint64_t r = draw(seed, way->nr);
        bool fault = faults != 0 && r >> 56 < FAULTS_IN_256;
        struct ex_step step;

        n = ex_steps(list, fault ? allowed_now(faults) : 0);
        if (n == 0) {
            break;
        }
        step = list[(r & 0xffffffff) % n];
        ex_world.faults_left -=
            (FAULTS_RARE & 1u << step.kind) != 0 && fault_begins(step);
        way->step[way->nr++] = step;
        if (!take(step, NULL)) {
            return false;
        }
    }
    return finish(NULL);
}

/* ---- one fault, at every step ---- */

/* Goes the first `n` steps, which all can be taken. */
static bool go_to(const struct ex_scenario *s, const struct ex_way *way,
                  unsigned n)
{
    bool fine = ex_world_reset(s);
    unsigned i;

    for (i = 0; i < n && fine; i++) {
        fine = take(way->step[i], NULL);
    }
    return fine;
}

static void insert(struct ex_way *way, unsigned at, struct ex_step step)
{
    unsigned nr = way->nr < EX_WAY_MAX ? way->nr : EX_WAY_MAX - 1;

    memmove(way->step + at + 1, way->step + at,
            (nr - at) * sizeof(way->step[0]));
    way->step[at] = step;
    way->nr = nr + 1;
}

/* The faults that can begin where the world is now. */
static unsigned faults_here(struct ex_step *list, unsigned kinds)
{
    unsigned n = ex_steps(list, kinds), i, kept = 0;

    for (i = 0; i < n; i++) {
        if (fault_begins(list[i])) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

bool ex_search_each(const struct ex_scenario *s, unsigned kinds,
                    struct ex_way *way, uint64_t *faults)
{
    struct ex_way *with = malloc(sizeof(*with));
    struct ex_step list[EX_STEPS_MAX];
    unsigned at, i, n;
    bool fine = with != NULL;

    if (!fine) {
        abort();
    }
    for (at = 0; at <= way->nr && fine; at++) {
        fine = go_to(s, way, at);
        n = fine ? faults_here(list, kinds) : 0;
        for (i = 0; i < n && fine; i++) {
            memcpy(with, way, sizeof(*with));
            insert(with, at, list[i]);
            fine = ex_search_way(s, with, NULL);
            (*faults)++;
        }
    }
    if (!fine) {
        memcpy(way, with, sizeof(*way));
    }
    free(with);
    return fine;
}

/* ---- shorter ways ---- */

/* Runs the way without `count` of its steps from `at` on. */
static bool fails_without(const struct ex_scenario *s, const struct ex_way *way,
                          struct ex_way *shorter, unsigned at, unsigned count)
{
    char name[sizeof(ex_failure.invariant)];
    bool same;

    memcpy(name, ex_failure.invariant, sizeof(name));
    shorter->nr = way->nr - count;
    memcpy(shorter->step, way->step, at * sizeof(way->step[0]));
    memcpy(shorter->step + at, way->step + at + count,
           (way->nr - at - count) * sizeof(way->step[0]));
    same = !ex_search_way(s, shorter, NULL) &&
           strcmp(ex_failure.invariant, name) == 0;
    if (!same) {
        ex_failure.is = true;
        memcpy(ex_failure.invariant, name, sizeof(name));
    }
    return same;
}

/* Leaves out ever smaller parts for as long as the same invariant breaks. */
void ex_search_shrink(const struct ex_scenario *s, struct ex_way *way)
{
    struct ex_way *shorter = malloc(sizeof(*shorter));
    unsigned size, at;

    if (shorter == NULL) {
        abort();
    }
    for (size = (way->nr + 1) / 2; size != 0; size = size / 2) {
        for (at = 0; at < way->nr;) {
            unsigned count = size < way->nr - at ? size : way->nr - at;

            if (fails_without(s, way, shorter, at, count)) {
                memcpy(way, shorter, sizeof(*way));
            } else {
                at += count;
            }
        }
    }
    free(shorter);
    /* Once more, for what it says. */
    (void)ex_search_way(s, way, NULL);
}
