/* SPDX-License-Identifier: MIT */
/*
 * What became of a run: one row per domain the hypervisor built (a restarted
 * domain has a new row), filled from the link's messages, and the judgement
 * over them. Nothing here prints but outcome_judge().
 */
#ifndef SCHEDOP_CLI_OUTCOME_H
#define SCHEDOP_CLI_OUTCOME_H

#include "link.h"
#include "run.h"

#define OUTCOME_ENDS 8u     /* remembered per domain */
#define OUTCOME_ROWS 10000u /* a run makes no more */

struct outcome_end {
    uint8_t code;
    char action[SCHEDOP_ACTION_MAX + 1];
};

struct outcome_row {
    uint16_t domid;
    char name[SCHEDOP_NAME_MAX + 1];
    bool started;
    bool over;                            /* its last end was for good */
    bool crashed, watchdog;               /* any of its ends */
    unsigned ends, restarts;              /* soft resets count as restarts */
    struct outcome_end end[OUTCOME_ENDS]; /* the last ones, oldest first */
    uint64_t start_ns;
    struct link_stats stats;
};

struct outcome_xtf {
    char line[128];
    size_t len;
    int status; /* -1: no result line yet */
};

struct outcome {
    struct outcome_row *row;
    size_t count;
    struct link_boot boot;
    bool booted;
    bool error; /* operational: already reported */
    bool timed_out;
    bool escaped; /* the user quit */
    bool limited; /* a domain restarted too often: already reported */
    struct outcome_xtf xtf;
};

/* The newest row of that domain, or NULL. */
struct outcome_row *outcome_by_id(struct outcome *o, uint16_t domid);
const struct outcome_row *outcome_last(const struct outcome *o,
                                       const char *name);

/* NULL when there are too many. */
struct outcome_row *outcome_create(struct outcome *o,
                                   const struct link_message *m);
void outcome_ended(struct outcome_row *row, const struct link_message *m);

/* How many of its ends a row remembers. */
unsigned outcome_ends_kept(const struct outcome_row *row);

/* How often domains of `name` were restarted or reset. */
unsigned outcome_restarts(const struct outcome *o, const char *name);

/* The reason a row ended with: 0 to 255 or CLI_REASON_KILLED. */
int outcome_reason(const struct outcome_row *row);

/* Looks for "Test result: ..." lines in what a domain prints. */
void outcome_xtf_feed(struct outcome_xtf *x, const char *data, size_t len);

/*
 * The exit status, after messages about every domain that did not end as it
 * should.
 */
int outcome_judge(const struct outcome *o, const struct run *run);

void outcome_free(struct outcome *o);

#endif
