/* SPDX-License-Identifier: MIT */
/* What an event is called and how it reads: the list of <schedop/trace.h>. */
#ifndef SCHEDOP_TRACE_EVENT_H
#define SCHEDOP_TRACE_EVENT_H

#include <stddef.h>

#include <schedop/trace.h>

struct event_info {
    uint16_t number;
    const char *name;
    uint32_t class;
    const char *text;
    struct {
        const char *name;
        enum sop_trace_kind kind;
    } arg[2];
};

/* By number or name; NULL if there is none. */
const struct event_info *event_find(uint16_t number);
const struct event_info *event_by_name(const char *name);

/* Number `n` of the list, in its order; NULL behind the last. */
const struct event_info *event_nth(size_t n);

/* What a class is called. */
const char *event_class_name(uint32_t class);

const char *event_state_name(uint64_t state);   /* RUNSTATE_* */
const char *event_reason_name(uint64_t reason); /* SHUTDOWN_* */
const char *event_policy_name(uint64_t id);     /* XEN_SCHEDULER_* */

#define EVENT_ARG_MAX 40

/* One argument in words that hold no blank. */
void event_arg(char out[EVENT_ARG_MAX], enum sop_trace_kind kind,
               uint64_t value);

/* "d1v0", "d1", "idle3", "-". */
void event_subject(char out[EVENT_ARG_MAX], uint16_t domid, uint16_t vcpu);

#define EVENT_LINE_MAX 256

/* The record as one line without its newline. */
void event_line(char out[EVENT_LINE_MAX], const struct sop_trace_rec *rec);

#endif
