/* SPDX-License-Identifier: MIT */
/* See event.h. */
#include "event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "trace.h"

static const struct event_info events[] = {
#define EVENT_ROW(n, NAME, name, class, text, a0, k0, a1, k1)                  \
    {n,                                                                        \
     #name,                                                                    \
     SOP_TRACE_##class,                                                        \
     text,                                                                     \
     {{#a0, SOP_TRACE_AS_##k0}, {#a1, SOP_TRACE_AS_##k1}}},
    SOP_TRACE_EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

#define NR_EVENTS (sizeof(events) / sizeof(events[0]))

const struct event_info *event_nth(size_t n)
{
    return n < NR_EVENTS ? &events[n] : NULL;
}

const struct event_info *event_find(uint16_t number)
{
    size_t i;

    for (i = 0; i < NR_EVENTS; i++) {
        if (events[i].number == number) {
            return &events[i];
        }
    }
    return NULL;
}

const struct event_info *event_by_name(const char *name)
{
    size_t i;

    for (i = 0; i < NR_EVENTS; i++) {
        if (strcmp(events[i].name, name) == 0) {
            return &events[i];
        }
    }
    return NULL;
}

/* ---- names of numbers ---- */

static const struct {
    uint32_t class;
    const char *name;
} classes[] = {
    {SOP_TRACE_SCHED, "sched"},     {SOP_TRACE_WAKEUP, "wakeup"},
    {SOP_TRACE_COMMAND, "command"}, {SOP_TRACE_TIMER, "timer"},
    {SOP_TRACE_DOMAIN, "domain"},   {SOP_TRACE_POLICY, "policy"},
    {SOP_TRACE_CHANNEL, "channel"}, {SOP_TRACE_META, "meta"},
};

uint32_t trace_class_by_name(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strcmp(classes[i].name, name) == 0) {
            return classes[i].class;
        }
    }
    return 0;
}

const char *event_class_name(uint32_t class)
{
    size_t i;

    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (classes[i].class == class) {
            return classes[i].name;
        }
    }
    return "?";
}

/* `name[value]`, or "?": a file may hold any number. */
static const char *pick(const char *const *name, size_t count, uint64_t value)
{
    return value < count && name[value] != NULL ? name[value] : "?";
}

#define PICK(table, value)                                                     \
    pick(table, sizeof(table) / sizeof((table)[0]), value)

const char *event_state_name(uint64_t state)
{
    static const char *const name[] = {
        [RUNSTATE_running] = "running",
        [RUNSTATE_runnable] = "runnable",
        [RUNSTATE_blocked] = "blocked",
        [RUNSTATE_offline] = "offline",
    };

    return PICK(name, state);
}

const char *event_reason_name(uint64_t reason)
{
    static const char *const name[] = {
        [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
        [SHUTDOWN_suspend] = "suspend",   [SHUTDOWN_crash] = "crash",
        [SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft_reset",
    };

    return PICK(name, reason);
}

const char *event_policy_name(uint64_t id)
{
    static const char *const name[] = {
        [XEN_SCHEDULER_CREDIT] = "credit",
        [XEN_SCHEDULER_CREDIT2] = "credit2",
        [XEN_SCHEDULER_ARINC653] = "arinc653",
        [XEN_SCHEDULER_RTDS] = "rtds",
        [XEN_SCHEDULER_NULL] = "null",
    };

    return PICK(name, id);
}

static const char *source_name(uint64_t source)
{
    static const char *const name[] = {
        [SOP_TRACE_BY_VCPU] = "vcpu",
        [SOP_TRACE_BY_TIMER] = "timer",
        [SOP_TRACE_BY_HOST] = "host",
    };

    return PICK(name, source);
}

static const char *timer_name(uint64_t timer)
{
    static const char *const name[] = {
        [SOP_TRACE_TIMER_SLICE] = "slice",
        [SOP_TRACE_TIMER_SINGLE] = "singleshot",
        [SOP_TRACE_TIMER_PERIODIC] = "periodic",
        [SOP_TRACE_TIMER_POLL] = "poll",
        [SOP_TRACE_TIMER_PORT] = "apic",
        [SOP_TRACE_TIMER_WATCHDOG] = "watchdog",
    };

    return PICK(name, timer);
}

/* ---- words ---- */

void event_subject(char out[EVENT_ARG_MAX], uint16_t domid, uint16_t vcpu)
{
    if (domid == SOP_TRACE_NONE) {
        (void)snprintf(out, EVENT_ARG_MAX, "-");
    } else if (domid == SOP_TRACE_IDLE) {
        (void)snprintf(out, EVENT_ARG_MAX, "idle%u", vcpu);
    } else if (vcpu == SOP_TRACE_NONE) {
        (void)snprintf(out, EVENT_ARG_MAX, "d%u", domid);
    } else {
        (void)snprintf(out, EVENT_ARG_MAX, "d%uv%u", domid, vcpu);
    }
}

static void time_words(char out[EVENT_ARG_MAX], uint64_t ns)
{
    if (ns == UINT64_MAX) {
        (void)snprintf(out, EVENT_ARG_MAX, "never");
        return;
    }
    (void)snprintf(out, EVENT_ARG_MAX, "%" PRIu64 ".%09" PRIu64,
                   ns / 1000000000u, ns % 1000000000u);
}

/* 8 bytes of a name; what would spoil a line becomes a dot. */
static void text_words(char out[EVENT_ARG_MAX], uint64_t value)
{
    unsigned i;

    for (i = 0; i < 8 && (value >> (8 * i) & 0xff) != 0; i++) {
        char c = (char)(value >> (8 * i));

        out[i] = (char)(c > 0x20 && c < 0x7f ? c : '.');
    }
    out[i] = '\0';
}

void event_arg(char out[EVENT_ARG_MAX], enum sop_trace_kind kind,
               uint64_t value)
{
    const char *word = NULL;

    switch (kind) {
    case SOP_TRACE_AS_NOTHING:
        word = "";
        break;
    case SOP_TRACE_AS_NUMBER:
        (void)snprintf(out, EVENT_ARG_MAX, "%" PRIu64, value);
        break;
    case SOP_TRACE_AS_SIGNED:
        (void)snprintf(out, EVENT_ARG_MAX, "%" PRId64, (int64_t)value);
        break;
    case SOP_TRACE_AS_TIME:
        time_words(out, value);
        break;
    case SOP_TRACE_AS_SPAN:
        (void)snprintf(out, EVENT_ARG_MAX, "%" PRId64 "ns", (int64_t)value);
        break;
    case SOP_TRACE_AS_VCPU:
        if (value == SOP_TRACE_NOBODY) {
            word = "nobody";
        } else {
            event_subject(out, (uint16_t)(value >> 16), (uint16_t)value);
        }
        break;
    case SOP_TRACE_AS_MASK:
        (void)snprintf(out, EVENT_ARG_MAX, "%#" PRIx64, value);
        break;
    case SOP_TRACE_AS_TEXT:
        text_words(out, value);
        break;
    case SOP_TRACE_AS_STATE:
        word = event_state_name(value);
        break;
    case SOP_TRACE_AS_REASON:
        word = event_reason_name(value);
        break;
    case SOP_TRACE_AS_SOURCE:
        word = source_name(value);
        break;
    case SOP_TRACE_AS_TIMER:
        word = timer_name(value);
        break;
    case SOP_TRACE_AS_POLICY:
        word = event_policy_name(value);
        break;
    }
    if (word != NULL) {
        if (word[0] == '?') {
            (void)snprintf(out, EVENT_ARG_MAX, "%" PRIu64, value);
        } else {
            (void)snprintf(out, EVENT_ARG_MAX, "%s", word);
        }
    }
}

/* Appends to a line that has room. */
static void add(char out[EVENT_LINE_MAX], const char *before, const char *text)
{
    size_t len = strlen(out);

    (void)snprintf(out + len, EVENT_LINE_MAX - len, "%s%s", before, text);
}

static void add_args(char out[EVENT_LINE_MAX], const struct event_info *e,
                     const struct sop_trace_rec *rec)
{
    char word[EVENT_ARG_MAX];
    unsigned i;

    for (i = 0; i < 2; i++) {
        if (e->arg[i].kind != SOP_TRACE_AS_NOTHING) {
            event_arg(word, e->arg[i].kind, rec->arg[i]);
            add(out, " ", e->arg[i].name);
            add(out, "=", word);
        }
    }
}

void event_line(char out[EVENT_LINE_MAX], const struct sop_trace_rec *rec)
{
    const struct event_info *e = event_find(rec->event);
    char time[EVENT_ARG_MAX], who[EVENT_ARG_MAX], pcpu[8], what[24];

    time_words(time, rec->time_ns);
    event_subject(who, rec->domid, rec->vcpu);
    (void)snprintf(pcpu, sizeof(pcpu), "-");
    if (rec->pcpu != SOP_TRACE_NONE) {
        (void)snprintf(pcpu, sizeof(pcpu), "p%u", rec->pcpu);
    }
    (void)snprintf(what, sizeof(what), "event-%u", rec->event);
    (void)snprintf(out, EVENT_LINE_MAX, "%15s %-3s %-15s %s", time, pcpu,
                   e != NULL ? e->name : what, who);
    if (e != NULL) {
        add_args(out, e, rec);
        return;
    }
    (void)snprintf(what, sizeof(what), "%#" PRIx64, rec->arg[0]);
    add(out, " ", what);
    (void)snprintf(what, sizeof(what), "%#" PRIx64, rec->arg[1]);
    add(out, " ", what);
}
