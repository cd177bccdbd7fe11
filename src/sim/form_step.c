/* SPDX-License-Identifier: MIT */
/*
 * The steps of a program in the native form. A program is repeated for ever;
 * `vcpu 0-1:` begins another one for those vCPUs.
 */
#include "form.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

static struct lab_program *program_of(struct form *f)
{
    return &f->w->program[f->program];
}

/* ---- programs ---- */

/* The loop around the whole is opened with the first step. */
bool form_begin_program(struct form *f, unsigned from, unsigned to)
{
    f->program = workload_add_program(f->w);
    f->depth = 0;
    (void)program_open(program_of(f), 0);
    for (size_t i = f->first_domain; i < f->w->nr_domains; i++) {
        struct lab_domain *d = &f->w->domain[i];

        for (unsigned n = from; n <= to && n < d->nr_vcpus; n++) {
            d->program[n] = f->program;
        }
    }
    return true;
}

bool form_end_program(struct form *f)
{
    struct lab_program *p;
    const char *wrong;

    if (f->program == UINT32_MAX) {
        return true;
    }
    p = program_of(f);
    if (f->depth != 0) {
        return form_fail(f, 0, "a loop above is without its end");
    }
    if (p->nr_ops == 1) {
        (void)program_add(p, OP_STOP); /* nothing was said */
    }
    program_close(p, 0);
    wrong = program_check(p);
    f->program = UINT32_MAX;
    return wrong == NULL || form_fail(f, 0, "above: %s", wrong);
}

/* vcpu N: or vcpu N-M: */
static bool step_vcpu(struct form *f)
{
    const char *word = form_word(f, 1, "its number");
    unsigned vcpus;
    unsigned from, to;
    char colon, more;
    int got;

    if (word == NULL || !form_end_program(f)) {
        return false;
    }
    vcpus = f->w->domain[f->w->nr_domains - 1].nr_vcpus;
    got = sscanf(word, "%3u-%3u%c%c", &from, &to, &colon, &more);
    if (got != 3 || colon != ':') {
        got = sscanf(word, "%3u%c%c", &from, &colon, &more);
        to = from;
        if (got != 2 || colon != ':') {
            return form_fail(f, 1, "write `vcpu 0:` or `vcpu 1-3:`");
        }
    }
    if (from > to || to >= vcpus) {
        return form_fail(f, 1, "the domain has vCPUs 0 to %u", vcpus - 1);
    }
    return form_no_more(f, 2) && form_begin_program(f, from, to);
}

/* ---- operands ---- */

/* TIME or TIME..TIME */
static bool span(struct form *f, unsigned word, struct lab_op *op)
{
    const char *s = form_word(f, word, "a time");
    const char *dots;
    char first[64];

    if (s == NULL) {
        return false;
    }
    dots = strstr(s, "..");
    if (dots == NULL) {
        if (!form_time(f, word, s, &op->ns)) {
            return false;
        }
        op->ns_max = op->ns;
        return true;
    }
    (void)snprintf(first, sizeof(first), "%.*s", (int)(dots - s), s);
    return form_time(f, word, first, &op->ns) &&
           form_time(f, word, dots + 2, &op->ns_max) &&
           (op->ns <= op->ns_max ||
            form_fail(f, word, "'%s' runs backwards", s));
}

static bool object(struct form *f, unsigned word, enum lab_object_kind kind,
                   uint32_t *ref)
{
    const char *name = form_word(f, word, "a name");

    if (name == NULL) {
        return false;
    }
    *ref = workload_object(f->w, kind, name);
    return true;
}

static bool timer(struct form *f, unsigned word, const char *name,
                  struct lab_op *op)
{
    struct lab_program *p = program_of(f);
    uint32_t i;

    if (strlen(name) >= LAB_NAME_MAX) {
        return form_fail(f, word, "'%s' cannot be a name", name);
    }
    for (i = 0; i < p->nr_timers; i++) {
        if (strcmp(f->timer[i], name) == 0) {
            op->ref = i;
            return true;
        }
    }
    if (i == FORM_TIMERS) {
        return form_fail(f, word, "more than %u timers", FORM_TIMERS);
    }
    (void)snprintf(f->timer[i], LAB_NAME_MAX, "%s", name);
    op->ref = p->nr_timers++;
    return true;
}

/* ---- steps ---- */

static bool step_span(struct form *f, enum lab_op_kind kind)
{
    struct lab_op *op = program_add(program_of(f), kind);

    return span(f, 1, op) && form_no_more(f, 2);
}

/* timer PERIOD [NAME] [relative] */
static bool step_timer(struct form *f)
{
    struct lab_op *op = program_add(program_of(f), OP_TIMER);
    bool relative =
        f->nr_words > 2 && strcmp(f->word[f->nr_words - 1], "relative") == 0;
    unsigned last = f->nr_words - (relative ? 1 : 0);

    if (!span(f, 1, op)) {
        return false;
    }
    if (op->ns == 0 || op->ns_max != op->ns) {
        return form_fail(f, 1, "a period is one time, above 0");
    }
    op->absolute = !relative;
    if (last > 3) {
        return form_fail(f, 3, "'%s' is too much here", f->word[3]);
    }
    return timer(f, 2, last == 3 ? f->word[2] : "", op);
}

/* every PERIOD run TIME */
static bool step_every(struct form *f)
{
    struct lab_program *p = program_of(f);
    struct lab_op *op = program_add(p, OP_RUN);
    char name[LAB_NAME_MAX];
    uint64_t period;

    if (form_word(f, 1, "a period") == NULL ||
        !form_time(f, 1, f->word[1], &period) ||
        form_word(f, 2, "run") == NULL) {
        return false;
    }
    if (strcmp(f->word[2], "run") != 0 || period == 0) {
        return form_fail(f, 2, "write `every 10ms run 2ms`");
    }
    if (!span(f, 3, op) || !form_no_more(f, 4)) {
        return false;
    }
    op = program_add(p, OP_TIMER);
    op->ns = op->ns_max = period;
    op->absolute = true;
    (void)snprintf(name, sizeof(name), "every, line %u", f->line);
    return timer(f, 0, name, op);
}

/* wait NAME [LOCK]; sync NAME LOCK */
static bool step_wait(struct form *f, bool sync)
{
    struct lab_program *p = program_of(f);
    uint32_t cond, lock = 0;
    bool has_lock = sync || f->nr_words > 2;
    struct lab_op *op;

    if (!object(f, 1, LAB_COND, &cond) ||
        (has_lock && !object(f, 2, LAB_LOCK, &lock)) || !form_no_more(f, 3)) {
        return false;
    }
    if (sync) {
        program_add(p, OP_LOCK)->ref = lock;
        program_add(p, OP_SIGNAL)->ref = cond;
    }
    op = program_add(p, OP_WAIT);
    op->ref = cond;
    op->lock = lock;
    op->has_lock = has_lock;
    if (sync) {
        program_add(p, OP_UNLOCK)->ref = lock;
    }
    return true;
}

static bool step_object(struct form *f, enum lab_op_kind kind,
                        enum lab_object_kind object_kind)
{
    struct lab_op *op = program_add(program_of(f), kind);

    return object(f, 1, object_kind, &op->ref) && form_no_more(f, 2);
}

/* loop COUNT|forever ... end */
static bool step_loop(struct form *f)
{
    const char *count = form_word(f, 1, "how often");
    uint64_t n = 0;

    if (count == NULL || !form_no_more(f, 2)) {
        return false;
    }
    if (strcmp(count, "forever") != 0 &&
        !form_number(f, 1, count, 1, UINT32_MAX, &n)) {
        return false;
    }
    if (f->depth == FORM_DEPTH) {
        return form_fail(f, 0, "more than %u loops in each other", FORM_DEPTH);
    }
    f->open[f->depth++] = program_open(program_of(f), (uint32_t)n);
    return true;
}

static bool step_end(struct form *f)
{
    if (f->depth == 0) {
        return form_fail(f, 0, "there is no loop to end");
    }
    program_close(program_of(f), f->open[--f->depth]);
    return form_no_more(f, 1);
}

/* watchdog ID SECONDS|off, as the command has it */
static bool step_watchdog(struct form *f)
{
    struct lab_op *op = program_add(program_of(f), OP_WATCHDOG);
    uint64_t id = 0, s = 0;

    if (form_word(f, 1, "its number, 1 or 2") == NULL ||
        !form_number(f, 1, f->word[1], 1, SOP_WATCHDOGS, &id) ||
        form_word(f, 2, "a time in whole seconds, or off") == NULL ||
        !form_no_more(f, 3)) {
        return false;
    }
    op->ref = (uint32_t)id;
    if (strcmp(f->word[2], "off") != 0) {
        if (!form_time(f, 2, f->word[2], &s)) {
            return false;
        }
        if (s == 0 || s % 1000000000 != 0 || s / 1000000000 > UINT32_MAX) {
            return form_fail(f, 2, "watchdogs count whole seconds");
        }
    }
    op->ns = s;
    return true;
}

static bool step_shutdown(struct form *f)
{
    int reason = f->nr_words > 1 ? form_reason(f->word[1]) : SHUTDOWN_poweroff;

    if (reason < 0) {
        return form_fail(f, 1, "there is no reason '%s'", f->word[1]);
    }
    program_add(program_of(f), OP_SHUTDOWN)->count = (uint32_t)reason;
    return form_no_more(f, 2);
}

static bool step_bare(struct form *f, enum lab_op_kind kind)
{
    (void)program_add(program_of(f), kind);
    return form_no_more(f, 1);
}

bool form_step(struct form *f)
{
    const char *word = f->word[0];
    static const struct {
        const char *name;
        enum lab_op_kind kind;
        enum lab_object_kind object;
    } objects[] = {
        {"signal", OP_SIGNAL, LAB_COND},      {"broad", OP_BROAD, LAB_COND},
        {"lock", OP_LOCK, LAB_LOCK},          {"unlock", OP_UNLOCK, LAB_LOCK},
        {"barrier", OP_BARRIER, LAB_BARRIER},
    };
    static const struct {
        const char *name;
        enum lab_op_kind kind;
    } spans[] = {{"run", OP_RUN}, {"spin", OP_SPIN}, {"sleep", OP_SLEEP}},
      bares[] = {{"yield", OP_YIELD}, {"down", OP_DOWN}, {"stop", OP_STOP}};
    static const struct {
        const char *name;
        bool (*read)(struct form *f);
    } others[] = {
        {"timer", step_timer},       {"every", step_every},
        {"loop", step_loop},         {"end", step_end},
        {"watchdog", step_watchdog}, {"shutdown", step_shutdown},
    };

    if (f->w->nr_domains == 0 ||
        (f->program == UINT32_MAX && strcmp(word, "vcpu") != 0)) {
        return form_fail(f, 0,
                         "'%s' is neither machine, pool, domain, at, window "
                         "nor a step of a domain",
                         word);
    }
    if (strcmp(word, "vcpu") == 0) {
        return step_vcpu(f);
    }
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(word, spans[i].name) == 0) {
            return step_span(f, spans[i].kind);
        }
        if (strcmp(word, bares[i].name) == 0) {
            return step_bare(f, bares[i].kind);
        }
    }
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        if (strcmp(word, objects[i].name) == 0) {
            return step_object(f, objects[i].kind, objects[i].object);
        }
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(word, others[i].name) == 0) {
            return others[i].read(f);
        }
    }
    if (strcmp(word, "wait") == 0 || strcmp(word, "sync") == 0) {
        return step_wait(f, *word == 's');
    }
    return form_fail(f, 0, "there is no step '%s'", word);
}
