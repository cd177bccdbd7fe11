/* SPDX-License-Identifier: MIT */
/* Reading rt-app's JSON: what its files share. See rtapp.c. */
#ifndef SCHEDOP_SIM_RTAPP_H
#define SCHEDOP_SIM_RTAPP_H

#include <jansson.h>

#include "workload.h"

#define PATH_ROOM 256

/* ---- rtapp_text.c ---- */

/* A file as strict JSON, and the lines its members stand in. */
struct rtapp_text {
    char *json;
    struct {
        char *path;
        unsigned line;
    } * place;
    size_t nr_places;
};

void rtapp_text_read(struct rtapp_text *t, const char *text);
void rtapp_text_free(struct rtapp_text *t);

/* The line of a member, or of what it would be in; 0 for the whole file. */
unsigned rtapp_line(const struct rtapp_text *t, const char *path);

/* ---- rtapp.c ---- */

/* A value and where it is: "tasks.t.phases.p.run". */
struct place {
    struct lab_workload *w;
    struct lab_error *e;
    const struct rtapp_text *text;
    char path[PATH_ROOM];
    json_t *at;
};

struct place rtapp_inside(const struct place *p, const char *key, json_t *at);

/* Notes what is wrong there; false. */
bool rtapp_fail(const struct place *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

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
    /* Locks it holds at this point of its program. */
    const char *held[16];
    unsigned nr_held;
};

/* Adds the event called `key` to the program; `p` is its value. */
bool rtapp_event(const struct place *p, const char *key, struct thread *t);

/* A step that takes the time of `p`. */
bool rtapp_time(const struct place *p, struct thread *t, enum lab_op_kind kind);

#endif
