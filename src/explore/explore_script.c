/* SPDX-License-Identifier: MIT */
/*
 * Reads scenarios. The language is described in docs/explore.md; the verbs
 * are in two tables, so this file knows how a line looks and not what it
 * means.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/bitmap.h"
#include "explore_machine.h"
#include "explore_private.h"
#include "invariant.h"

#define WORDS 24u

struct reader {
    struct ex_scenario *s;
    unsigned line;
    char *word[WORDS];
    unsigned nr;
    struct ex_script *script; /* what lines of a script go to */
    bool control;
    FILE *err;
    bool failed;
};

static void complain(struct reader *r, const char *what, const char *word)
{
    if (!r->failed) {
        (void)fprintf(r->err, "%s:%u: %s: %s\n", r->s->name, r->line, what,
                      word);
    }
    r->failed = true;
}

/* ---- values ---- */

static uint64_t number(struct reader *r, const char *word)
{
    char *end;
    long long value = strtoll(word, &end, 0);

    if (end == word || *end != '\0') {
        complain(r, "not a number", word);
    }
    return (uint64_t)value;
}

static uint64_t time_ns(struct reader *r, const char *word)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } unit[] = {
        {"ns", 1}, {"us", 1000}, {"ms", EX_MS}, {"s", 1000 * EX_MS}, {"", 0}};
    char *end;
    unsigned long long value = strtoull(word, &end, 10);
    unsigned i;

    for (i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
        if (end != word && strcmp(end, unit[i].name) == 0 &&
            (unit[i].ns != 0 || value == 0)) {
            return value * unit[i].ns;
        }
    }
    complain(r, "not a time such as 5ms", word);
    return 0;
}

/* "0-1,3", or "none". */
static sop_cpumask_t mask(struct reader *r, const char *word)
{
    sop_cpumask_t set = 0;
    char *end;

    if (strcmp(word, "all") == 0) {
        return SOP_CPUMASK_ALL;
    }
    while (*word != '\0' && strcmp(word, "none") != 0) {
        unsigned long first = strtoul(word, &end, 10), last = first;

        if (end != word && *end == '-') {
            word = end + 1;
            last = strtoul(word, &end, 10);
        }
        if (end == word || last >= SOP_PCPUS_MAX || first > last) {
            complain(r, "not a list of pCPUs", word);
            return 0;
        }
        for (; first <= last; first++) {
            set |= bits_one((unsigned)first);
        }
        word = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != '\0') {
            complain(r, "not a list of pCPUs", word);
            return 0;
        }
    }
    return set;
}

static uint64_t domain(struct reader *r, const char *word)
{
    uint64_t id = number(r, word);

    if (!r->failed && (id >= EX_DOMAINS || !r->s->domain[id].used)) {
        complain(r, "no such domain", word);
        id = 0;
    }
    return id;
}

/* "1.0" is vCPU 0 of domain 1. */
static uint64_t vcpu(struct reader *r, char *word)
{
    char *dot = strchr(word, '.');
    uint64_t d, n;

    if (dot == NULL) {
        complain(r, "not a vCPU such as 1.0", word);
        return 0;
    }
    *dot = '\0';
    d = domain(r, word);
    n = number(r, dot + 1);
    *dot = '.';
    if (!r->failed && n >= r->s->domain[d].nr_vcpus) {
        complain(r, "no such vCPU", word);
    }
    return r->failed ? 0 : d << 8 | n;
}

static uint64_t port(struct reader *r, const char *word)
{
    unsigned i;

    for (i = 0; i < r->s->nr_ports; i++) {
        if (strcmp(r->s->port[i].name, word) == 0) {
            return i;
        }
    }
    complain(r, "no such port", word);
    return 0;
}

static uint64_t policy(struct reader *r, const char *word)
{
    int n = ex_policy_by_name(word);

    if (n < 0) {
        complain(r, "no such policy", word);
        return 0;
    }
    return (uint64_t)n;
}

static uint64_t value(struct reader *r, char kind, char *word)
{
    switch (kind) {
    case 'd':
        return domain(r, word);
    case 'v':
        return vcpu(r, word);
    case 'p':
        return port(r, word);
    case 't':
        return time_ns(r, word);
    case 'm':
        return mask(r, word);
    case 'y':
        return policy(r, word);
    case 'n':
    default:
        return number(r, word);
    }
}

/* The kind before '*', or the two before '+', as often as there are words. */
static unsigned more_values(struct reader *r, unsigned first, unsigned n,
                            const char *end, uint64_t *arg)
{
    const char *kind = end - 1;

    while (first + n < r->nr && n < EX_ARGS) {
        if (*end == '+') {
            kind = kind == end - 1 ? end - 2 : end - 1;
        }
        arg[n] = value(r, *kind, r->word[first + n]);
        n++;
    }
    return n;
}

/* Words from `first` on as `pattern` says; returns how many there were. */
static unsigned values(struct reader *r, unsigned first, const char *pattern,
                       uint64_t *arg)
{
    bool optional = false;
    unsigned n = 0;

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '?') {
            optional = true;
            continue;
        }
        if (*pattern == '*' || *pattern == '+') {
            n = more_values(r, first, n, pattern, arg);
            continue;
        }
        if (first + n >= r->nr) {
            if (!optional && pattern[1] != '*') {
                complain(r, "something is missing after", r->word[r->nr - 1]);
            }
            break;
        }
        arg[n] = value(r, *pattern, r->word[first + n]);
        n++;
    }
    if (first + n < r->nr) {
        complain(r, "too many words", r->word[first + n]);
    }
    return n;
}

/* ---- lines of scripts and demands ---- */

static const struct {
    const char *name;
    int value;
} errors[] = {
    {"-EPERM", -XEN_EPERM},   {"-ENOENT", -XEN_ENOENT},
    {"-ESRCH", -XEN_ESRCH},   {"-EINVAL", -XEN_EINVAL},
    {"-EBUSY", -XEN_EBUSY},   {"-ENODEV", -XEN_ENODEV},
    {"-ENOMEM", -XEN_ENOMEM}, {"-EEXIST", -XEN_EEXIST},
    {"-ENOSPC", -XEN_ENOSPC}, {"-EADDRNOTAVAIL", -XEN_EADDRNOTAVAIL},
    {"-EFAULT", -XEN_EFAULT}, {"-EOPNOTSUPP", -XEN_EOPNOTSUPP},
};

static int64_t result(struct reader *r, const char *word)
{
    unsigned i;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, word) == 0) {
            return errors[i].value;
        }
    }
    return (int64_t)number(r, word);
}

static const struct ex_verb *find_verb(const struct ex_verb *v,
                                       const char *name)
{
    while (v->name != NULL && strcmp(v->name, name) != 0) {
        v++;
    }
    return v->name != NULL ? v : NULL;
}

static void script_line(struct reader *r)
{
    const struct ex_verb *v =
        find_verb(r->control ? ex_control_verbs : ex_guest_verbs, r->word[0]);
    struct ex_op *op;

    if (v == NULL && r->control) {
        v = find_verb(ex_pool_verbs, r->word[0]);
    }
    if (v == NULL) {
        complain(r, "not a verb of this script", r->word[0]);
        return;
    }
    if (r->script->nr == EX_OPS) {
        complain(r, "the script is too long", r->word[0]);
        return;
    }
    op = &r->script->op[r->script->nr++];
    op->verb = v;
    op->line = r->line;
    if (r->nr > 2 && strcmp(r->word[r->nr - 2], "->") == 0) {
        op->any = strcmp(r->word[r->nr - 1], "any") == 0;
        op->checked = !op->any;
        op->want = op->any ? 0 : result(r, r->word[r->nr - 1]);
        r->nr -= 2;
    }
    op->nr_args = values(r, 1, v->args, op->arg);
}

static void expect_line(struct reader *r)
{
    const struct ex_expect_kind *k = ex_expect_kinds;
    struct ex_expect *e = &r->s->expect[r->s->nr_expects];

    while (k->name != NULL && (r->nr < 2 || strcmp(k->name, r->word[1]) != 0)) {
        k++;
    }
    if (k->name == NULL || r->s->nr_expects == EX_EXPECTS) {
        complain(r, "cannot expect that", r->nr < 2 ? "" : r->word[1]);
        return;
    }
    r->s->nr_expects++;
    e->kind = k;
    e->line = r->line;
    e->nr_args = values(r, 2, k->args, e->arg);
}

/* ---- declarations ---- */

static bool next_is(struct reader *r, unsigned *at, const char *word)
{
    if (*at + 1 < r->nr && strcmp(r->word[*at], word) == 0) {
        *at += 1;
        return true;
    }
    return false;
}

static bool flag_is(struct reader *r, unsigned at, const char *word)
{
    return strcmp(r->word[at], word) == 0;
}

static void domain_word(struct reader *r, struct ex_domain_spec *d,
                        unsigned *at)
{
    if (next_is(r, at, "vcpus")) {
        d->nr_vcpus = d->up = (unsigned)number(r, r->word[*at]);
    } else if (next_is(r, at, "up")) {
        d->up = (unsigned)number(r, r->word[*at]);
    } else if (next_is(r, at, "weight")) {
        d->weight = (unsigned)number(r, r->word[*at]);
    } else if (next_is(r, at, "cap")) {
        d->cap = (unsigned)number(r, r->word[*at]);
    } else if (next_is(r, at, "cpus")) {
        d->hard = mask(r, r->word[*at]);
    } else if (next_is(r, at, "soft")) {
        d->soft = mask(r, r->word[*at]);
    } else if (next_is(r, at, "pool")) {
        d->pool = (unsigned)number(r, r->word[*at]) % EX_POOLS;
    } else if (flag_is(r, *at, "hardware")) {
        d->hardware = true;
    } else if (flag_is(r, *at, "pv")) {
        d->pv = true;
    } else if (flag_is(r, *at, "later")) {
        d->later = true;
    } else if (flag_is(r, *at, "strange-knobs")) {
        d->strange = true;
    } else if (flag_is(r, *at, "paused")) {
        d->paused = true;
    } else {
        complain(r, "not a word about domains", r->word[*at]);
    }
}

static void domain_line(struct reader *r)
{
    uint64_t id = r->nr > 1 ? number(r, r->word[1]) : EX_DOMAINS;
    struct ex_domain_spec *d;
    unsigned at;

    if (id >= EX_DOMAINS || r->s->domain[id].used) {
        complain(r, "not a new domain", r->word[0]);
        return;
    }
    d = &r->s->domain[id];
    d->used = true;
    d->nr_vcpus = d->up = 1;
    d->weight = 256;
    d->hard = d->soft = SOP_CPUMASK_ALL;
    for (at = 2; at < r->nr && !r->failed; at++) {
        domain_word(r, d, &at);
    }
    if (d->nr_vcpus < 1 || d->nr_vcpus > EX_VCPUS || d->up > d->nr_vcpus) {
        complain(r, "that many vCPUs cannot be", r->word[0]);
    }
}

/* pool NUMBER POLICY PCPUS */
static void pool_line(struct reader *r)
{
    uint64_t id = r->nr == 4 ? number(r, r->word[1]) : 0;

    if (id < 1 || id >= EX_POOLS || r->s->pool[id].used) {
        complain(r, "not a new pool", r->word[0]);
        return;
    }
    r->s->pool[id].used = true;
    r->s->pool[id].policy = (uint8_t)policy(r, r->word[2]);
    r->s->pool[id].cpus = mask(r, r->word[3]);
}

/* port NAME VCPU [from DOMAIN | timer] */
static void port_line(struct reader *r)
{
    struct ex_port_spec *p = &r->s->port[r->s->nr_ports];
    uint64_t at;

    if (r->nr < 3 || r->s->nr_ports == EX_PORTS ||
        strlen(r->word[1]) >= sizeof(p->name)) {
        complain(r, "not a port", r->word[0]);
        return;
    }
    at = vcpu(r, r->word[2]);
    (void)snprintf(p->name, sizeof(p->name), "%s", r->word[1]);
    p->domain = (uint8_t)(at >> 8);
    p->vcpu = (uint8_t)at;
    if (r->nr == 5 && strcmp(r->word[3], "from") == 0) {
        p->kind = EX_PORT_INTERDOMAIN;
        p->from = (uint8_t)domain(r, r->word[4]);
    } else if (r->nr == 4 && strcmp(r->word[3], "timer") == 0) {
        p->kind = EX_PORT_TIMER;
    } else if (r->nr != 3) {
        complain(r, "not a kind of port", r->word[3]);
    }
    r->s->nr_ports++;
}

/* frame POOL LENGTH ... before all scripts: from the beginning. */
static void frame_line(struct reader *r)
{
    r->control = true;
    r->script = &r->s->frames;
    script_line(r);
    r->script = NULL;
}

static void begin_script(struct reader *r)
{
    uint64_t at;

    if (r->nr != 2) {
        complain(r, "whose script", r->word[0]);
        return;
    }
    r->control = strcmp(r->word[0], "control") == 0;
    if (r->control) {
        at = number(r, r->word[1]);
        r->script = &r->s->control[at < r->s->nr_pcpus ? at : 0];
    } else {
        at = vcpu(r, r->word[1]);
        r->script = &r->s->domain[at >> 8].script[at & 0xff];
    }
}

/* ---- settings ---- */

static void set_pcpus(struct reader *r, const char *word)
{
    r->s->nr_pcpus = (unsigned)number(r, word);
    if (r->s->nr_pcpus < 1 || r->s->nr_pcpus > EX_PCPUS) {
        complain(r, "that many pCPUs cannot be", word);
    }
    r->s->online = r->s->nr_pcpus;
}

static void set_online(struct reader *r, const char *word)
{
    r->s->online = (unsigned)number(r, word);
}

static void set_early(struct reader *r, const char *word)
{
    r->s->early = (unsigned)number(r, word);
}

static void set_seed(struct reader *r, const char *word)
{
    r->s->seed = number(r, word);
}

static void set_time(struct reader *r, const char *word)
{
    r->s->length = time_ns(r, word);
}

static void set_preemptions(struct reader *r, const char *word)
{
    r->s->preemptions = (int)(number(r, word) & 0xffff);
}

static void set_late(struct reader *r, const char *word)
{
    r->s->late = time_ns(r, word);
}

static void set_policy(struct reader *r, const char *word)
{
    r->s->pool[0].policy = (uint8_t)policy(r, word);
}

static const struct {
    const char *name;
    void (*set)(struct reader *r, const char *word);
} settings[] = {
    {"pcpus", set_pcpus}, {"online", set_online},
    {"early", set_early}, {"seed", set_seed},
    {"time", set_time},   {"policy", set_policy},
    {"late", set_late},   {"preemptions", set_preemptions},
};

static bool setting_line(struct reader *r)
{
    unsigned i;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (strcmp(settings[i].name, r->word[0]) == 0 && r->nr == 2) {
            settings[i].set(r, r->word[1]);
            return true;
        }
    }
    return false;
}

static void one_line(struct reader *r)
{
    if (strcmp(r->word[0], "domain") == 0) {
        domain_line(r);
    } else if (strcmp(r->word[0], "pool") == 0) {
        pool_line(r);
    } else if (strcmp(r->word[0], "port") == 0) {
        port_line(r);
    } else if (strcmp(r->word[0], "vcpu") == 0 ||
               strcmp(r->word[0], "control") == 0) {
        begin_script(r);
    } else if (strcmp(r->word[0], "expect") == 0) {
        expect_line(r);
    } else if (r->script != NULL) {
        script_line(r);
    } else if (strcmp(r->word[0], "frame") == 0) {
        frame_line(r);
    } else if (!setting_line(r)) {
        complain(r, "what is that", r->word[0]);
    }
}

static void split(struct reader *r, char *text)
{
    char *save = NULL, *w;

    r->nr = 0;
    for (w = strtok_r(text, " \t", &save); w != NULL && r->nr < WORDS;
         w = strtok_r(NULL, " \t", &save)) {
        r->word[r->nr++] = w;
    }
}

bool ex_scenario_read(struct ex_scenario *s, const char *name, const char *text,
                      FILE *err)
{
    struct reader r = {.s = s, .err = err};
    char line[256];
    size_t len;

    memset(s, 0, sizeof(*s));
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
    s->nr_pcpus = s->online = 1;
    s->seed = 1;
    s->preemptions = -1;
    s->length = 1000 * (uint64_t)EX_MS;
    s->pool[0].used = true;
    for (r.line = 1; *text != '\0' && !r.failed; r.line++) {
        len = strcspn(text, "\n");
        (void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
        if (strncmp(line, "about ", 6) == 0) {
            (void)snprintf(s->about, sizeof(s->about), "%.150s", line + 6);
            continue;
        }
        line[strcspn(line, "#")] = '\0';
        split(&r, line);
        if (r.nr != 0) {
            one_line(&r);
        }
    }
    return !r.failed;
}
