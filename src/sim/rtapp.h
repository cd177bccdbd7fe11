/* SPDX-License-Identifier: MIT */
/* Reading rt-app's JSON: what its two files share. See rtapp.c. */
#ifndef SCHEDOP_SIM_RTAPP_H
#define SCHEDOP_SIM_RTAPP_H

#include <jansson.h>

#include "workload.h"

#define PATH_ROOM 256

/* A value and where it is: "tasks.t.phases.p.run". */
struct place {
    struct lab_workload *w;
    struct lab_error *e;
    char path[PATH_ROOM];
    json_t *at;
};

struct place rtapp_inside(const struct place *p, const char *key, json_t *at);

/* Notes what is wrong there; false. */
bool rtapp_fail(const struct place *p, const char *what);

/* Microseconds, as ns. */
bool rtapp_us(const struct place *p, uint64_t *ns);

/* False after a message if the object has another key. */
bool rtapp_only_keys(const struct place *p, const char *const *allowed);

/* ---- rtapp_event.c ---- */

/* A thread whose program is being read. */
struct thread {
    const char *name;
    struct lab_program *prog;
    /* Names of timers that are its own. */
    const char *timer[16];
};

/* Adds the event called `key` to the program; `p` is its value. */
bool rtapp_event(const struct place *p, const char *key, struct thread *t);

/* A step that takes the time of `p`. */
bool rtapp_time(const struct place *p, struct thread *t, enum lab_op_kind kind);

#endif
