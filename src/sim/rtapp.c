/* SPDX-License-Identifier: MIT */
/*
 * Reads rt-app's JSON: each thread becomes a domain of one vCPU, its phases a
 * program. What means nothing here (where rt-app logs) is passed over; what
 * means something that we do not do is refused by name and place.
 */
#include "rtapp.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define US 1000u
#define US_MAX ((json_int_t)1 << 50)
#define INSTANCES_MAX 4096

struct place rtapp_inside(const struct place *p, const char *key, json_t *at)
{
    struct place in = *p;
    size_t len = strlen(in.path);

    (void)snprintf(in.path + len, sizeof(in.path) - len, "%s%s",
                   len != 0 ? "." : "", key);
    in.at = at;
    return in;
}

/* "file:line: tasks.t.mem", to be freed. */
static char *where(const struct place *p)
{
    unsigned line = rtapp_line(p->text, p->path);
    size_t room = strlen(p->w->path) + strlen(p->path) + 32;
    char *text = sim_alloc(room);

    if (line != 0) {
        (void)snprintf(text, room, "%s:%u: %s", p->w->path, line, p->path);
    } else {
        (void)snprintf(text, room, "%s: %s", p->w->path, p->path);
    }
    return text;
}

bool rtapp_fail(const struct place *p, const char *format, ...)
{
    char *place = where(p), what[200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)lab_fail(p->e, "%s: %s", place, what);
    free(place);
    return false;
}

/* ---- values ---- */

static bool read_int(const struct place *p, json_int_t min, json_int_t max,
                     json_int_t *value)
{
    if (!json_is_integer(p->at)) {
        return rtapp_fail(p, "must be a whole number");
    }
    *value = json_integer_value(p->at);
    if (*value < min || *value > max) {
        return rtapp_fail(p, "%lld is out of range, which is %lld to %lld",
                          (long long)*value, (long long)min, (long long)max);
    }
    return true;
}

bool rtapp_us(const struct place *p, uint64_t *ns)
{
    json_int_t us = 0;

    if (!read_int(p, 0, US_MAX, &us)) {
        return false;
    }
    *ns = (uint64_t)us * US;
    return true;
}

static bool read_cpus(const struct place *p, uint64_t *mask)
{
    size_t i;
    json_t *cpu;

    if (!json_is_array(p->at) || json_array_size(p->at) == 0) {
        return rtapp_fail(p, "must be a list of pCPUs, such as [0, 1]");
    }
    *mask = 0;
    json_array_foreach(p->at, i, cpu)
    {
        json_int_t n = json_integer_value(cpu);

        if (!json_is_integer(cpu) || n < 0 || n >= SOP_PCPUS_MAX) {
            return rtapp_fail(p, "a pCPU is a number from 0 to %u",
                              SOP_PCPUS_MAX - 1);
        }
        *mask |= (uint64_t)1 << n;
        /* Its machine has at least those pCPUs that it names. */
        if (p->w->cores <= (unsigned)n) {
            p->w->cores = (unsigned)n + 1;
        }
    }
    return true;
}

bool rtapp_only_keys(const struct place *p, const char *const *allowed)
{
    const char *key;
    json_t *value;

    json_object_foreach(p->at, key, value)
    {
        const char *const *a = allowed;
        struct place in = rtapp_inside(p, key, value);

        while (*a != NULL && strcmp(*a, key) != 0) {
            a++;
        }
        if (*a == NULL) {
            return rtapp_fail(&in, "is not supported");
        }
    }
    return true;
}

/* ---- phases ---- */

/* Loop counts: -1 is for ever, which is 0 to us; 0 in the file is never. */
static bool read_loop(const struct place *p, json_int_t missing,
                      json_int_t *loop)
{
    struct place in = rtapp_inside(p, "loop", json_object_get(p->at, "loop"));

    *loop = missing;
    return in.at == NULL || read_int(&in, -1, INT_MAX, loop);
}

static bool is_attribute(const char *key)
{
    static const char *const words[] = {
        "loop",   "cpus",       "instance", "delay",     "priority",
        "policy", "dl-runtime", "phases",   "dl-period", "dl-deadline"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(key, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_phase(const struct place *p, bool is_task, struct thread *t)
{
    const char *key;
    json_t *value;
    json_int_t loop = 1;
    uint32_t open;

    if (!json_is_object(p->at)) {
        return rtapp_fail(p, "must be an object");
    }
    if (!is_task && !read_loop(p, 1, &loop)) {
        return false;
    }
    if (loop == 0) {
        return true;
    }
    if (!is_task && json_object_get(p->at, "cpus") != NULL) {
        struct place in =
            rtapp_inside(p, "cpus", json_object_get(p->at, "cpus"));
        uint64_t mask;

        if (!read_cpus(&in, &mask)) {
            return false;
        }
        program_add(t->prog, OP_AFFINITY)->mask = mask;
    }
    open = program_open(t->prog, loop < 0 ? 0 : (uint32_t)loop);
    json_object_foreach(p->at, key, value)
    {
        struct place in = rtapp_inside(p, key, value);

        if (is_task ? is_attribute(key)
                    : strcmp(key, "loop") == 0 || strcmp(key, "cpus") == 0) {
            continue;
        }
        if (!rtapp_event(&in, key, t)) {
            return false;
        }
    }
    program_close(t->prog, open);
    return true;
}

static bool read_phases(const struct place *p, struct thread *t)
{
    struct place all =
        rtapp_inside(p, "phases", json_object_get(p->at, "phases"));
    const char *key;
    json_t *value;

    if (all.at == NULL) {
        return read_phase(p, true, t);
    }
    if (!json_is_object(all.at)) {
        return rtapp_fail(&all, "must be an object");
    }
    json_object_foreach(p->at, key, value)
    {
        struct place in = rtapp_inside(p, key, value);

        if (!is_attribute(key)) {
            return rtapp_fail(&in, "is not supported beside phases");
        }
    }
    json_object_foreach(all.at, key, value)
    {
        struct place in = rtapp_inside(&all, key, value);

        if (!read_phase(&in, false, t)) {
            return false;
        }
    }
    return true;
}

/* ---- threads ---- */

#define FIFO_WEIGHT 22204u /* above every nice level ... */
#define FIFO_STEP 400u     /* ... and so much a priority */

static bool read_deadline(const struct place *p, struct lab_domain *d)
{
    struct place runtime =
        rtapp_inside(p, "dl-runtime", json_object_get(p->at, "dl-runtime"));
    struct place period =
        rtapp_inside(p, "dl-period", json_object_get(p->at, "dl-period"));
    struct place deadline =
        rtapp_inside(p, "dl-deadline", json_object_get(p->at, "dl-deadline"));
    uint64_t end;

    if (!rtapp_us(&runtime, &d->budget_ns) ||
        !rtapp_us(&period, &d->period_ns)) {
        return false;
    }
    if (deadline.at == NULL) {
        return true;
    }
    return rtapp_us(&deadline, &end) &&
           (end == d->period_ns ||
            rtapp_fail(&deadline, "other than dl-period is not supported"));
}

enum linux_policy { OTHER, BATCH, IDLE, FIFO, RR, DEADLINE, POLICIES };

/* From a table: gcc 12 takes a name that may be a literal for one that is as
   long, and so for none of the shorter ones it is compared with. */
static enum linux_policy policy_by_name(const char *name)
{
    static const char *const names[] = {"SCHED_OTHER", "SCHED_BATCH",
                                        "SCHED_IDLE",  "SCHED_FIFO",
                                        "SCHED_RR",    "SCHED_DEADLINE"};
    unsigned i = 0;

    while (i < POLICIES && strcmp(names[i], name) != 0) {
        i++;
    }
    return (enum linux_policy)i;
}

static bool read_priority(const struct place *p, const char *name,
                          struct lab_domain *d)
{
    struct place in =
        rtapp_inside(p, "priority", json_object_get(p->at, "priority"));
    enum linux_policy policy = policy_by_name(name);
    bool fixed = policy == FIFO || policy == RR;
    json_int_t priority = fixed ? 10 : 0; /* as rt-app */

    if (policy == POLICIES) {
        in = rtapp_inside(p, "policy", NULL);
        return rtapp_fail(&in, "policy %s is not supported", name);
    }
    if (policy == DEADLINE) {
        return read_deadline(p, d);
    }
    if (in.at != NULL && (fixed ? !read_int(&in, 1, 99, &priority)
                                : !read_int(&in, -20, 19, &priority))) {
        return false;
    }
    if (policy == IDLE) {
        d->weight = 1;
    } else if (fixed) {
        d->weight = FIFO_WEIGHT + FIFO_STEP * (unsigned)priority;
    } else {
        d->weight = lab_nice_weight((int)priority);
    }
    return true;
}

/* The program of one thread; all its instances share it. */
static bool read_program(const struct place *p, const char *name,
                         uint32_t *index)
{
    struct place delay =
        rtapp_inside(p, "delay", json_object_get(p->at, "delay"));
    struct thread t = {.name = name};
    json_int_t loop;
    uint32_t open;
    const char *wrong;

    *index = workload_add_program(p->w);
    t.prog = &p->w->program[*index];
    if (delay.at != NULL && !rtapp_time(&delay, &t, OP_SLEEP)) {
        return false;
    }
    if (!read_loop(p, -1, &loop)) {
        return false;
    }
    if (loop != 0) {
        open = program_open(t.prog, loop < 0 ? 0 : (uint32_t)loop);
        if (!read_phases(p, &t)) {
            return false;
        }
        program_close(t.prog, open);
    }
    (void)program_add(t.prog, OP_SHUTDOWN);
    wrong = program_check(t.prog);
    return wrong == NULL || rtapp_fail(p, "%s", wrong);
}

static bool read_thread(const struct place *p, const char *name,
                        const char *default_policy)
{
    struct place many =
        rtapp_inside(p, "instance", json_object_get(p->at, "instance"));
    struct place cpus = rtapp_inside(p, "cpus", json_object_get(p->at, "cpus"));
    const char *policy = json_string_value(json_object_get(p->at, "policy"));
    struct lab_domain like = {.weight = 256};
    json_int_t count = 1;
    uint64_t mask = 0;
    uint32_t program;

    if (!json_is_object(p->at)) {
        return rtapp_fail(p, "must be an object");
    }
    if (strlen(name) >= LAB_NAME_MAX) {
        return rtapp_fail(p, "name is too long");
    }
    if ((many.at != NULL && !read_int(&many, 0, INSTANCES_MAX, &count)) ||
        (cpus.at != NULL && !read_cpus(&cpus, &mask)) ||
        !read_priority(p, policy != NULL ? policy : default_policy, &like) ||
        !read_program(p, name, &program)) {
        return false;
    }
    for (json_int_t i = 0; i < count; i++) {
        char full[LAB_NAME_MAX + 16];
        struct lab_domain *d;
        unsigned index;

        (void)snprintf(full, sizeof(full), count > 1 ? "%s-%d" : "%s", name,
                       (int)i);
        if (workload_find_domain(p->w, full) != UINT32_MAX) {
            return rtapp_fail(p,
                              "its instances have the name of another thread");
        }
        index = workload_add_domain(p->w, full);
        d = &p->w->domain[index];
        d->where = where(p);
        d->weight = like.weight;
        d->budget_ns = like.budget_ns;
        d->period_ns = like.period_ns;
        d->hard[0] = mask;
        d->program[0] = program;
    }
    return true;
}

/* ---- the file ---- */

static bool read_global(const struct place *p)
{
    /* Where and how rt-app logs, and how it learns what a loop takes. */
    static const char *const keys[] = {
        "duration",         "calibration", "default_policy",
        "pi_enabled",       "lock_pages",  "logdir",
        "log_basename",     "log_size",    "ftrace",
        "gnuplot",          "io_device",   "mem_buffer_size",
        "cumulative_slack", "frag",        NULL};
    struct place duration =
        rtapp_inside(p, "duration", json_object_get(p->at, "duration"));
    json_int_t s = 0;

    if (p->at == NULL) {
        return true;
    }
    if (!json_is_object(p->at) || !rtapp_only_keys(p, keys)) {
        return json_is_object(p->at) ? false
                                     : rtapp_fail(p, "must be an object");
    }
    if (json_is_true(json_object_get(p->at, "pi_enabled"))) {
        struct place in = rtapp_inside(p, "pi_enabled", NULL);

        return rtapp_fail(&in, "true is not supported");
    }
    if (json_is_true(json_object_get(p->at, "cumulative_slack"))) {
        struct place in = rtapp_inside(p, "cumulative_slack", NULL);

        return rtapp_fail(&in, "true is not supported");
    }
    if (duration.at != NULL) {
        if (!read_int(&duration, -1, 1000000, &s)) {
            return false;
        }
        if (s == 0) {
            return rtapp_fail(&duration, "must not be 0");
        }
        p->w->duration_given = s > 0;
        p->w->duration_ns = s > 0 ? (uint64_t)s * 1000000000u : 0;
    }
    return true;
}

static bool read_file(struct place *top)
{
    static const char *const keys[] = {"global", "tasks", "resources", NULL};
    json_t *global = json_object_get(top->at, "global");
    struct place in = rtapp_inside(top, "global", global);
    const char *policy =
        json_string_value(json_object_get(global, "default_policy"));
    const char *name;
    json_t *value;

    if (!rtapp_only_keys(top, keys) || !read_global(&in)) {
        return false;
    }
    in = rtapp_inside(top, "tasks", json_object_get(top->at, "tasks"));
    if (!json_is_object(in.at)) {
        return rtapp_fail(&in, "must be an object");
    }
    json_object_foreach(in.at, name, value)
    {
        struct place task = rtapp_inside(&in, name, value);

        if (!read_thread(&task, name,
                         policy != NULL ? policy : "SCHED_OTHER")) {
            return false;
        }
    }
    return true;
}

bool rtapp_read(struct lab_workload *w, const char *text, struct lab_error *e)
{
    struct rtapp_text strict;
    json_error_t error;
    struct place top = {.w = w, .e = e, .text = &strict};
    bool ok;

    rtapp_text_read(&strict, text);
    top.at = json_loads(strict.json, JSON_REJECT_DUPLICATES, &error);
    if (top.at == NULL) {
        ok = lab_fail(e, "%s:%d:%d: %s", w->path, error.line, error.column,
                      error.text);
    } else if (!json_is_object(top.at)) {
        ok = lab_fail(e, "%s: must be an object", w->path);
    } else {
        ok = read_file(&top);
    }
    json_decref(top.at);
    rtapp_text_free(&strict);
    return ok;
}
