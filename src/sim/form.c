/* SPDX-License-Identifier: MIT */
/*
 * Reads the native form of workloads (docs/lab.md): one statement a line, each
 * a word, its operands and then options as name=value.
 *
 *     machine pcpus=2 sched=credit2 duration=10s
 *     domain web vcpus=2 weight=512
 *         every 10ms run 2ms
 *     domain hog cap=50
 *         run 1s
 *     at 5s cap hog 0
 *
 * What belongs to a domain are the steps of a program (form_step.c). Lines
 * that name domains and pools (`at`, `window`) are read when all are known.
 */
#include "form.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* ---- lines and words ---- */

bool form_fail(const struct form *f, unsigned word, const char *format, ...)
{
    char what[200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return lab_fail(f->e, "%s:%u:%u: %s", f->w->path, f->line,
                    word < f->nr_words ? f->column[word] : f->end_column, what);
}

/*
 * Cuts a statement into words, in place. Statements end with the line or with
 * a semicolon; '#' begins a comment. Returns where the next begins.
 */
static char *cut(struct form *f, char *at, char *line)
{
    f->nr_words = 0;
    for (;;) {
        at += strspn(at, " \t\r");
        if (*at == '\0' || *at == '#') {
            return NULL;
        }
        if (*at == ';') {
            return at + 1;
        }
        if (f->nr_words < FORM_WORDS) {
            f->word[f->nr_words] = at;
            f->column[f->nr_words++] = (unsigned)(at - line) + 1;
        }
        at += strcspn(at, " \t\r;#");
        f->end_column = (unsigned)(at - line) + 1;
        if (*at == ';') {
            *at = '\0';
            return at + 1;
        }
        if (*at == '\0' || *at == '#') {
            *at = '\0';
            return NULL;
        }
        *at++ = '\0';
    }
}

/* ---- values ---- */

bool form_number(const struct form *f, unsigned word, const char *s,
                 uint64_t min, uint64_t max, uint64_t *value)
{
    char *end;

    *value = strtoull(s, &end, 10);
    if (*s < '0' || *s > '9' || *end != '\0' || strlen(s) > 19) {
        return form_fail(f, word, "'%s' is no number", s);
    }
    if (*value < min || *value > max) {
        return form_fail(f, word, "%s is out of range, which is %llu to %llu",
                         s, (unsigned long long)min, (unsigned long long)max);
    }
    return true;
}

bool form_time(const struct form *f, unsigned word, const char *s, uint64_t *ns)
{
    return lab_parse_time(s, ns) ||
           form_fail(f, word, "'%s' is no time; write 10ms, 1.5s, 200us or 7ns",
                     s);
}

bool form_cpus(const struct form *f, unsigned word, const char *s,
               uint64_t *mask)
{
    return lab_parse_cpus(s, mask) ||
           form_fail(f, word, "'%s' names no pCPUs; write 0-3,6 or all", s);
}

static bool form_flag(const struct form *f, unsigned word, const char *s,
                      bool *flag)
{
    *flag = strcmp(s, "yes") == 0 || strcmp(s, "1") == 0;
    return *flag || strcmp(s, "no") == 0 || strcmp(s, "0") == 0 ||
           form_fail(f, word, "'%s' is neither yes nor no", s);
}

/* The word there, or NULL after a message. */
const char *form_word(const struct form *f, unsigned word, const char *what)
{
    if (word < f->nr_words) {
        return f->word[word];
    }
    (void)form_fail(f, word, "%s is missing after '%s'", what,
                    f->word[f->nr_words - 1]);
    return NULL;
}

bool form_no_more(const struct form *f, unsigned words)
{
    return f->nr_words <= words ||
           form_fail(f, words, "'%s' is too much here", f->word[words]);
}

/* ---- options: name=value ---- */

static bool take_value(const struct form *f, unsigned word,
                       const struct form_option *o, const char *value)
{
    uint64_t number = 0;

    if (o->given != NULL) {
        *o->given = true;
    }
    switch (o->kind) {
    case AS_COUNT:
        return form_number(f, word, value, o->min, o->max, o->at);
    case AS_SMALL:
        if (!form_number(f, word, value, o->min, o->max, &number)) {
            return false;
        }
        *(unsigned *)o->at = (unsigned)number;
        return true;
    case AS_TIME:
        return form_time(f, word, value, o->at);
    case AS_CPUS:
        return form_cpus(f, word, value, o->at);
    case AS_FLAG:
        return form_flag(f, word, value, o->at);
    case AS_TEXT:
        free(*(char **)o->at);
        *(char **)o->at = sim_strdup(value);
        return true;
    }
    return false;
}

/* Takes the words from `first` on as options; an unknown one is refused. */
bool form_options(const struct form *f, unsigned first,
                  const struct form_option *options)
{
    for (unsigned i = first; i < f->nr_words; i++) {
        const char *equals = strchr(f->word[i], '=');
        const struct form_option *o = options;
        size_t len;

        if (equals == NULL) {
            return form_fail(f, i, "'%s' should be an option, name=value",
                             f->word[i]);
        }
        len = (size_t)(equals - f->word[i]);
        while (o->name != NULL && (strlen(o->name) != len ||
                                   strncmp(o->name, f->word[i], len) != 0)) {
            o++;
        }
        if (o->name == NULL) {
            return form_fail(f, i, "'%s' has no option '%.*s'", f->word[0],
                             (int)len, f->word[i]);
        }
        if (!take_value(f, i, o, equals + 1)) {
            return false;
        }
    }
    return true;
}

/* ---- machine, pool, domain ---- */

static bool read_machine(struct form *f)
{
    struct lab_workload *w = f->w;
    unsigned pcpus = 0;
    const struct form_option options[] = {
        {"pcpus", AS_SMALL, 1, SOP_PCPUS_MAX, &pcpus, NULL},
        {"sockets", AS_SMALL, 1, SOP_PCPUS_MAX, &w->sockets, NULL},
        {"cores", AS_SMALL, 1, SOP_PCPUS_MAX, &w->cores, NULL},
        {"threads", AS_SMALL, 1, SOP_PCPUS_MAX, &w->threads, NULL},
        {"online", AS_CPUS, 0, 0, &w->online, NULL},
        {"sched", AS_TEXT, 0, 0, &w->sched, NULL},
        {"runqueue", AS_TEXT, 0, 0, &w->runqueue, NULL},
        {"seed", AS_COUNT, 0, UINT64_MAX, &w->seed, &w->seed_given},
        {"duration", AS_TIME, 0, 0, &w->duration_ns, &w->duration_given},
        {"call", AS_TIME, 0, 0, &w->call_ns, NULL},
        {"switch", AS_TIME, 0, 0, &w->switch_ns, NULL},
        {"kick", AS_TIME, 0, 0, &w->kick_ns, NULL},
        {NULL, AS_COUNT, 0, 0, NULL, NULL},
    };
    uint64_t all;

    if (!form_options(f, 1, options)) {
        return false;
    }
    if (w->sched != NULL && lab_policy(w->sched) == NULL) {
        return form_fail(f, 0, "there is no scheduler '%s'", w->sched);
    }
    if (w->runqueue != NULL && sop_runqueue_by_name(w->runqueue) < 0) {
        return form_fail(f, 0,
                         "a run queue is of cpu, core, socket, node or all");
    }
    if (pcpus != 0 && (w->sockets | w->cores | w->threads) != 0) {
        return form_fail(f, 0,
                         "pcpus= is for machines without sockets=, cores= and "
                         "threads=");
    }
    if (pcpus != 0) {
        w->cores = pcpus;
    }
    all = (uint64_t)(w->sockets != 0 ? w->sockets : 1) *
          (w->cores != 0 ? w->cores : 1) * (w->threads != 0 ? w->threads : 1);
    return all <= SOP_PCPUS_MAX ||
           form_fail(f, 0, "%llu pCPUs are more than %u",
                     (unsigned long long)all, SOP_PCPUS_MAX);
}

char *form_place(const struct form *f)
{
    char text[300];

    (void)snprintf(text, sizeof(text), "%s:%u", f->w->path, f->line);
    return sim_strdup(text);
}

static bool read_pool(struct form *f)
{
    const char *name = form_word(f, 1, "the pool's name");
    struct lab_pool *p;
    unsigned index;

    if (name == NULL) {
        return false;
    }
    index = workload_find_pool(f->w, name);
    if (index == UINT32_MAX) {
        index = workload_add_pool(f->w, name);
    } else if (index != 0 || f->w->pool[0].where != NULL) {
        return form_fail(f, 1, "there is a pool '%s' already", name);
    }
    p = &f->w->pool[index];
    p->where = form_place(f);
    {
        const struct form_option options[] = {
            {"sched", AS_TEXT, 0, 0, &p->sched, NULL},
            {"cpus", AS_CPUS, 0, 0, &p->cpus, NULL},
            {"frame", AS_TIME, 0, 0, &p->frame_ns, NULL},
            {"ratelimit", AS_TIME, 0, 0, &p->ratelimit_ns, &p->ratelimit_given},
            {NULL, AS_COUNT, 0, 0, NULL, NULL},
        };

        if (!form_options(f, 2, options)) {
            return false;
        }
    }
    if (p->sched != NULL && lab_policy(p->sched) == NULL) {
        return form_fail(f, 0, "there is no scheduler '%s'", p->sched);
    }
    if (index != 0 && p->cpus == 0) {
        return form_fail(f, f->nr_words, "a pool needs pCPUs: cpus=2-3");
    }
    return true;
}

/* `count` domains alike, that get their program from the lines that follow. */
struct like {
    struct lab_domain d;
    char *pool;
    uint64_t hard, soft;
    unsigned count;
};

static bool take_domain(struct form *f, struct like *l)
{
    const struct form_option options[] = {
        {"vcpus", AS_SMALL, 1, SOP_VCPUS_MAX, &l->d.nr_vcpus, NULL},
        {"weight", AS_SMALL, 1, 65535, &l->d.weight, NULL},
        {"cap", AS_SMALL, 0, SOP_VCPUS_MAX * 100, &l->d.cap, NULL},
        {"pool", AS_TEXT, 0, 0, &l->pool, NULL},
        {"cpus", AS_CPUS, 0, 0, &l->hard, NULL},
        {"cpus_soft", AS_CPUS, 0, 0, &l->soft, NULL},
        {"start", AS_TIME, 0, 0, &l->d.start_ns, NULL},
        {"budget", AS_TIME, 0, 0, &l->d.budget_ns, NULL},
        {"period", AS_TIME, 0, 0, &l->d.period_ns, NULL},
        {"extratime", AS_FLAG, 0, 0, &l->d.extratime, &l->d.extratime_given},
        {"hardware", AS_FLAG, 0, 0, &l->d.hardware, NULL},
        {"count", AS_SMALL, 1, 32000, &l->count, NULL},
        {NULL, AS_COUNT, 0, 0, NULL, NULL},
    };

    if (!form_options(f, 2, options)) {
        return false;
    }
    if (l->pool != NULL) {
        l->d.pool = workload_find_pool(f->w, l->pool);
        if (l->d.pool == UINT32_MAX) {
            return form_fail(f, 0, "there is no pool '%s' above", l->pool);
        }
    }
    return true;
}

static bool add_domains(struct form *f, const char *name, const struct like *l)
{
    f->first_domain = (unsigned)f->w->nr_domains;
    for (unsigned i = 0; i < l->count; i++) {
        char full[LAB_NAME_MAX + 16], *own;
        struct lab_domain *d;
        unsigned index;

        (void)snprintf(full, sizeof(full), l->count > 1 ? "%s%u" : "%s", name,
                       i);
        if (workload_find_domain(f->w, full) != UINT32_MAX) {
            return form_fail(f, 1, "there is a domain '%s' already", full);
        }
        index = workload_add_domain(f->w, full);
        d = &f->w->domain[index];
        own = d->name;
        *d = l->d;
        d->name = own;
        d->where = form_place(f);
        memset(d->program, 0xff, sizeof(d->program));
        for (unsigned n = 0; n < d->nr_vcpus; n++) {
            d->hard[n] = l->hard;
            d->soft[n] = l->soft;
        }
    }
    return true;
}

static bool read_domain(struct form *f)
{
    const char *name = form_word(f, 1, "the domain's name");
    struct like l = {.d = {.nr_vcpus = 1, .weight = 256}, .count = 1};
    bool ok;

    if (name == NULL) {
        return false;
    }
    if (strlen(name) >= LAB_NAME_MAX || strpbrk(name, "./=") != NULL) {
        return form_fail(f, 1, "'%s' cannot be a name", name);
    }
    ok = take_domain(f, &l) && add_domains(f, name, &l);
    free(l.pool);
    return ok && form_begin_program(f, 0, SOP_VCPUS_MAX - 1);
}

/* ---- the file ---- */

static bool read_statement(struct form *f, bool late)
{
    const char *word = f->word[0];
    bool is_late = strcmp(word, "at") == 0 || strcmp(word, "window") == 0;
    bool starts_domain = strcmp(word, "domain") == 0;

    if (is_late != late) {
        return true;
    }
    if (late) {
        return *word == 'a' ? form_at(f) : form_window(f);
    }
    if (strcmp(word, "machine") == 0 || strcmp(word, "pool") == 0 ||
        starts_domain) {
        if (!form_end_program(f)) {
            return false;
        }
        return starts_domain  ? read_domain(f)
               : *word == 'm' ? read_machine(f)
                              : read_pool(f);
    }
    return form_step(f);
}

static bool read_lines(struct form *f, const char *text, bool late)
{
    char *copy = sim_strdup(text), *line = copy;
    bool ok = true;

    f->line = 0;
    while (ok && line != NULL) {
        char *end = strchr(line, '\n'), *at = line;

        f->line++;
        if (end != NULL) {
            *end++ = '\0';
        }
        while (ok && at != NULL) {
            at = cut(f, at, line);
            ok = f->nr_words == 0 || read_statement(f, late);
        }
        line = end;
    }
    free(copy);
    return ok && (late || form_end_program(f));
}

bool form_read(struct lab_workload *w, const char *text, struct lab_error *e)
{
    struct form *f = sim_alloc(sizeof(*f));
    bool ok;

    f->w = w;
    f->e = e;
    f->program = UINT32_MAX;
    ok = read_lines(f, text, false) && read_lines(f, text, true);
    free(f);
    return ok;
}
