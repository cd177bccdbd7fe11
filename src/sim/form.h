/* SPDX-License-Identifier: MIT */
/* The native form: what its two files share. See form.c. */
#ifndef SCHEDOP_SIM_FORM_H
#define SCHEDOP_SIM_FORM_H

#include "workload.h"

#define FORM_WORDS 32u
#define FORM_DEPTH 16u  /* of loops in loops */
#define FORM_TIMERS 64u /* in one program */

struct form {
    struct lab_workload *w;
    struct lab_error *e;

    /* The statement: its words and where they stand, from 1. */
    unsigned line, nr_words, end_column;
    char *word[FORM_WORDS];
    unsigned column[FORM_WORDS];

    /* The program being read, UINT32_MAX none, and whose it is. */
    uint32_t program;
    unsigned first_domain; /* it and all after it */
    uint32_t open[FORM_DEPTH];
    unsigned depth;
    char timer[FORM_TIMERS][LAB_NAME_MAX];
};

bool form_fail(const struct form *f, unsigned word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool form_number(const struct form *f, unsigned word, const char *s,
                 uint64_t min, uint64_t max, uint64_t *value);
bool form_time(const struct form *f, unsigned word, const char *s,
               uint64_t *ns);
const char *form_word(const struct form *f, unsigned word, const char *what);
bool form_no_more(const struct form *f, unsigned words);
int form_reason(const char *name); /* SHUTDOWN_*, -1 unknown */

bool form_cpus(const struct form *f, unsigned word, const char *s,
               uint64_t *mask);
char *form_place(const struct form *f); /* "file:line", to be freed */

enum form_option_kind {
    AS_COUNT,
    AS_SMALL,
    AS_TIME,
    AS_CPUS,
    AS_TEXT,
    AS_FLAG
};

struct form_option {
    const char *name;
    enum form_option_kind kind;
    uint64_t min, max;
    void *at; /* uint64_t, unsigned, uint64_t, uint64_t, char *, bool */
    bool *given;
};

/* Takes the words from `first` on as options; an unknown one is refused. */
bool form_options(const struct form *f, unsigned first,
                  const struct form_option *options);

/* ---- form_act.c ---- */

bool form_at(struct form *f);
bool form_window(struct form *f);

/* DOMAIN or DOMAIN.VCPU; `vcpu` UINT32_MAX without one. */
bool form_subject(const struct form *f, unsigned word, unsigned *domain,
                  unsigned *vcpu);

/* ---- form_pool.c ---- */

/* Whether it is a deed done to a pool, and the rest of such a line. */
bool form_pool_deed(const char *name, enum lab_act_kind *kind);
bool form_pool_act(struct form *f, struct lab_act *a);

/* ---- form_step.c ---- */

/* What follows is for vCPUs `from` to `to` of the latest domains. */
bool form_begin_program(struct form *f, unsigned from, unsigned to);
bool form_end_program(struct form *f);
bool form_step(struct form *f);

#endif
