/* SPDX-License-Identifier: MIT */
/* What both readers of workloads build with: see workload.h. */
#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define TIME_MAX ((uint64_t)1 << 60) /* ns: 36 years */

bool lab_fail(struct lab_error *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(e->text, e->room, format, args);
    va_end(args);
    return false;
}

/* ---- growing lists ---- */

/* Room for one more at the end of `list`, zeroed. */
#define ADD(list, count)                                                       \
    ((list) = sim_grow((list), (count) + 1, sizeof(*(list))),                  \
     memset(&(list)[(count)], 0, sizeof(*(list))), &(list)[(count)++])

struct lab_workload *workload_new(const char *path)
{
    struct lab_workload *w = sim_alloc(sizeof(*w));

    w->path = sim_strdup(path);
    (void)workload_add_pool(w, "Pool-0");
    return w;
}

unsigned workload_add_pool(struct lab_workload *w, const char *name)
{
    struct lab_pool *p = ADD(w->pool, w->nr_pools);

    p->name = sim_strdup(name);
    return (unsigned)w->nr_pools - 1;
}

void workload_add_window(struct lab_pool *p, const struct lab_window *w)
{
    *ADD(p->window, p->nr_windows) = *w;
}

unsigned workload_add_domain(struct lab_workload *w, const char *name)
{
    struct lab_domain *d = ADD(w->domain, w->nr_domains);

    d->name = sim_strdup(name);
    d->nr_vcpus = 1;
    d->weight = 256;
    memset(d->program, 0xff, sizeof(d->program));
    return (unsigned)w->nr_domains - 1;
}

uint32_t workload_add_program(struct lab_workload *w)
{
    (void)ADD(w->program, w->nr_programs);
    return (uint32_t)w->nr_programs - 1;
}

uint32_t workload_object(struct lab_workload *w, enum lab_object_kind kind,
                         const char *name)
{
    struct lab_object *o;
    size_t i;

    for (i = 0; i < w->nr_objects; i++) {
        if (w->object[i].kind == kind && strcmp(w->object[i].name, name) == 0) {
            return (uint32_t)i;
        }
    }
    o = ADD(w->object, w->nr_objects);
    o->kind = kind;
    o->name = sim_strdup(name);
    return (uint32_t)w->nr_objects - 1;
}

struct lab_act *workload_add_act(struct lab_workload *w, enum lab_act_kind kind)
{
    struct lab_act *a = ADD(w->act, w->nr_acts);

    a->kind = kind;
    a->vcpu = UINT32_MAX;
    return a;
}

unsigned workload_find_domain(const struct lab_workload *w, const char *name)
{
    for (size_t i = 0; i < w->nr_domains; i++) {
        if (strcmp(w->domain[i].name, name) == 0) {
            return (unsigned)i;
        }
    }
    return UINT32_MAX;
}

unsigned workload_find_pool(const struct lab_workload *w, const char *name)
{
    for (size_t i = 0; i < w->nr_pools; i++) {
        const struct lab_pool *p = &w->pool[i];

        if (strcmp(p->name, name) == 0 ||
            (p->alias != NULL && strcmp(p->alias, name) == 0)) {
            return (unsigned)i;
        }
    }
    return UINT32_MAX;
}

void lab_free(struct lab_workload *w)
{
    size_t i;

    if (w == NULL) {
        return;
    }
    for (i = 0; i < w->nr_pools; i++) {
        free(w->pool[i].name);
        free(w->pool[i].where);
        free(w->pool[i].alias);
        free(w->pool[i].sched);
        free(w->pool[i].window);
    }
    for (i = 0; i < w->nr_domains; i++) {
        free(w->domain[i].name);
        free(w->domain[i].where);
    }
    for (i = 0; i < w->nr_programs; i++) {
        free(w->program[i].op);
    }
    for (i = 0; i < w->nr_objects; i++) {
        free(w->object[i].name);
    }
    for (i = 0; i < w->nr_acts; i++) {
        free(w->act[i].where);
        if (w->act[i].frame != NULL) {
            free(w->act[i].frame->window);
            free(w->act[i].frame);
        }
    }
    free(w->pool);
    free(w->domain);
    free(w->program);
    free(w->object);
    free(w->act);
    free(w->sched);
    free(w->runqueue);
    free(w->path);
    free(w);
}

const char *lab_path(const struct lab_workload *w)
{
    return w->path;
}

const char *lab_domain(const struct lab_workload *w, size_t index,
                       uint16_t *domid)
{
    if (index >= w->nr_domains) {
        return NULL;
    }
    *domid = workload_domid(w, (unsigned)index);
    return w->domain[index].name;
}

uint16_t workload_domid(const struct lab_workload *w, unsigned index)
{
    return (uint16_t)(w->domain[index].hardware ? 0 : index + 1);
}

/* ---- programs ---- */

struct lab_op *program_add(struct lab_program *p, enum lab_op_kind kind)
{
    struct lab_op *op;

    if (p->nr_ops == p->room) {
        p->room = p->room * 2 + 8;
        p->op = sim_grow(p->op, p->room, sizeof(*p->op));
    }
    op = &p->op[p->nr_ops++];
    memset(op, 0, sizeof(*op));
    op->kind = kind;
    return op;
}

uint32_t program_open(struct lab_program *p, uint32_t count)
{
    struct lab_op *op = program_add(p, OP_LOOP);

    op->count = count;
    op->slot = p->nr_slots++;
    return p->nr_ops - 1;
}

void program_close(struct lab_program *p, uint32_t open)
{
    struct lab_op *op = program_add(p, OP_END);

    op->other = open;
    op->slot = p->op[open].slot;
    op->count = p->op[open].count;
    p->op[open].other = p->nr_ops - 1;
}

/* Can this op be gone past without time passing, however often? */
static bool takes_time(const struct lab_op *op)
{
    switch (op->kind) {
    case OP_RUN:
    case OP_SPIN:
    case OP_SLEEP:
    case OP_TIMER:
        return op->ns != 0;
    case OP_WAIT:
    case OP_BARRIER:
    case OP_STOP:
    case OP_DOWN:
    case OP_SHUTDOWN:
        return true;
    case OP_YIELD: /* not by itself: see sim_end's SIM_STUCK */
    case OP_SIGNAL:
    case OP_BROAD:
    case OP_LOCK:
    case OP_UNLOCK:
    case OP_LOOP:
    case OP_END:
    case OP_AFFINITY:
    case OP_WATCHDOG:
        return false;
    }
    return false;
}

const char *program_check(const struct lab_program *p)
{
    for (uint32_t i = 0; i < p->nr_ops; i++) {
        const struct lab_op *loop = &p->op[i];
        bool timely = false;

        if (loop->kind != OP_LOOP || loop->count != 0) {
            continue;
        }
        for (uint32_t k = i + 1; k < loop->other; k++) {
            timely |= takes_time(&p->op[k]);
        }
        if (!timely) {
            return "a loop without end needs something that takes time in it: "
                   "run, sleep, timer, wait...";
        }
    }
    return NULL;
}

static bool uses(const struct lab_program *p, uint32_t object)
{
    for (uint32_t i = 0; i < p->nr_ops; i++) {
        if (p->op[i].kind == OP_BARRIER && p->op[i].ref == object) {
            return true;
        }
    }
    return false;
}

void workload_count_users(struct lab_workload *w)
{
    for (uint32_t i = 0; i < w->nr_objects; i++) {
        for (size_t k = 0; k < w->nr_domains; k++) {
            const struct lab_domain *d = &w->domain[k];

            for (unsigned n = 0; n < d->nr_vcpus; n++) {
                w->object[i].users += d->program[n] != UINT32_MAX &&
                                      uses(&w->program[d->program[n]], i);
            }
        }
    }
}

/* ---- values ---- */

/* 1.25 between neighbours, as Linux has it; nice 0 is Xen's 256. */
unsigned lab_nice_weight(int nice)
{
    uint64_t weight = (uint64_t)256 << 20;

    for (; nice < 0; nice++) {
        weight += weight / 4;
    }
    for (; nice > 0; nice--) {
        weight = weight * 4 / 5;
    }
    weight = (weight + (1u << 19)) >> 20;
    return weight < 1 ? 1 : (unsigned)weight;
}

/* Reads digits; false if there is none, or the number is beyond 2^60. */
static bool parse_digits(const char **s, uint64_t *value, uint64_t *scale)
{
    const char *at = *s;

    for (*value = 0, *scale = 1; *at >= '0' && *at <= '9'; at++) {
        *value = *value * 10 + (uint64_t)(*at - '0');
        *scale *= 10;
        if (at - *s >= 18) {
            return false;
        }
    }
    if (at == *s) {
        return false;
    }
    *s = at;
    return true;
}

/* "10ms" or "1.5s"; what would have to be rounded is refused. */
bool lab_parse_time(const char *s, uint64_t *ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } unit[] = {{"ns", 1},
                {"us", 1000},
                {"ms", 1000000},
                {"s", 1000000000},
                {"min", 60000000000}};
    uint64_t whole, part = 0, scale = 1, unused;

    if (!parse_digits(&s, &whole, &unused)) {
        return false;
    }
    if (*s == '.') {
        s++;
        if (!parse_digits(&s, &part, &scale) || scale > 1000000000) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
        if (strcmp(s, unit[i].name) == 0) {
            *ns = part * unit[i].ns / scale;
            return part * unit[i].ns % scale == 0 &&
                   whole <= TIME_MAX / unit[i].ns &&
                   (*ns += whole * unit[i].ns) <= TIME_MAX;
        }
    }
    return false;
}

static bool parse_cpu(const char **s, unsigned *cpu)
{
    char *end;
    unsigned long n;

    if (**s < '0' || **s > '9') {
        return false;
    }
    n = strtoul(*s, &end, 10);
    *s = end;
    *cpu = (unsigned)n;
    return n < SOP_PCPUS_MAX;
}

bool lab_parse_cpus(const char *s, uint64_t *mask)
{
    *mask = 0;
    if (strcmp(s, "all") == 0) {
        *mask = UINT64_MAX;
        return true;
    }
    for (;;) {
        unsigned from, to;

        if (!parse_cpu(&s, &from)) {
            return false;
        }
        to = from;
        if (*s == '-') {
            s++;
            if (!parse_cpu(&s, &to) || to < from) {
                return false;
            }
        }
        for (; from <= to; from++) {
            *mask |= (uint64_t)1 << from;
        }
        if (*s == '\0') {
            return true;
        }
        if (*s++ != ',') {
            return false;
        }
    }
}

/* ---- reading ---- */

struct lab_workload *lab_parse(const char *path, const char *text, char *error,
                               size_t room)
{
    struct lab_workload *w = workload_new(path);
    struct lab_error e = {error, room};
    size_t start = strspn(text, " \t\r\n");
    bool ok;

    /* A comment may come before the first brace of rt-app's. */
    ok = text[start] == '{' || strncmp(text + start, "/*", 2) == 0
             ? rtapp_read(w, text, &e)
             : form_read(w, text, &e);
    if (ok && w->nr_domains == 0) {
        ok = lab_fail(&e, "%s: no domain in it", path);
    }
    if (!ok) {
        lab_free(w);
        return NULL;
    }
    workload_count_users(w);
    return w;
}

struct lab_workload *lab_load(const char *path, char *error, size_t room)
{
    FILE *f = fopen(path, "rb");
    struct lab_error e = {error, room};
    struct lab_workload *w = NULL;
    char *text = NULL;
    size_t len = 0, got;

    if (f == NULL) {
        (void)lab_fail(&e, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        text = sim_grow(text, len + 65537, 1);
        got = fread(text + len, 1, 65536, f);
        len += got;
    } while (got != 0);
    text[len] = '\0';
    if (ferror(f) != 0) {
        (void)lab_fail(&e, "cannot read %s: %s", path, strerror(errno));
    } else if (strlen(text) != len) {
        (void)lab_fail(&e, "%s: is no text file", path);
    } else {
        w = lab_parse(path, text, error, room);
    }
    (void)fclose(f);
    free(text);
    return w;
}
