/* SPDX-License-Identifier: MIT */
/* The events of rt-app's phases, as steps of a program: see rtapp.c. */
#include "rtapp.h"

#include <stdio.h>
#include <string.h>

/* A name as a string, or as the member `ref` of an object. */
static const char *read_ref(const struct place *p)
{
    const char *name = json_string_value(
        json_is_object(p->at) ? json_object_get(p->at, "ref") : p->at);

    if (name == NULL) {
        (void)rtapp_fail(p, "must name what it refers to");
    }
    return name;
}

bool rtapp_time(const struct place *p, struct thread *t, enum lab_op_kind kind)
{
    uint64_t ns;
    struct lab_op *op;

    if (!rtapp_us(p, &ns)) {
        return false;
    }
    op = program_add(t->prog, kind);
    op->ns = op->ns_max = ns;
    return true;
}

static bool timer_slot(const struct place *p, struct thread *t,
                       const char *name, struct lab_op *op)
{
    uint32_t i;

    /* "unique" and its like: one for each thread. */
    if (strncmp(name, "unique", 6) != 0) {
        op->shared = true;
        op->ref = workload_object(p->w, LAB_TIMER, name);
        return true;
    }
    for (i = 0; i < t->prog->nr_timers; i++) {
        if (strcmp(t->timer[i], name) == 0) {
            op->ref = i;
            return true;
        }
    }
    if (i == sizeof(t->timer) / sizeof(t->timer[0])) {
        return rtapp_fail(
            p, "more than 16 timers in one thread are not supported");
    }
    t->timer[i] = name;
    op->ref = t->prog->nr_timers++;
    return true;
}

static bool event_timer(const struct place *p, struct thread *t)
{
    static const char *const keys[] = {"ref", "period", "mode", NULL};
    struct place period =
        rtapp_inside(p, "period", json_object_get(p->at, "period"));
    const char *mode = json_string_value(json_object_get(p->at, "mode"));
    const char *ref;
    struct lab_op *op;
    uint64_t ns;

    if (!json_is_object(p->at)) {
        return rtapp_fail(p, "must be an object with ref and period");
    }
    ref = read_ref(p);
    if (ref == NULL || !rtapp_only_keys(p, keys) || !rtapp_us(&period, &ns)) {
        return false;
    }
    if (ns == 0) {
        return rtapp_fail(&period, "must not be 0");
    }
    if (mode != NULL && strcmp(mode, "relative") != 0 &&
        strcmp(mode, "absolute") != 0) {
        return rtapp_fail(p, "mode must be relative or absolute");
    }
    op = program_add(t->prog, OP_TIMER);
    op->ns = ns;
    op->absolute = mode != NULL && strcmp(mode, "absolute") == 0;
    return timer_slot(p, t, ref, op);
}

static void add_ref(const struct place *p, struct thread *t,
                    enum lab_op_kind kind, enum lab_object_kind object,
                    const char *name)
{
    uint32_t ref = workload_object(p->w, object, name);

    program_add(t->prog, kind)->ref = ref;
}

/* Which locks the thread has, as far as the order of its events tells. */
static bool has_lock(const struct thread *t, const char *name)
{
    for (unsigned i = 0; i < t->nr_held; i++) {
        if (strcmp(t->held[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void note_lock(struct thread *t, const char *name, bool locks)
{
    unsigned i = 0;

    while (i < t->nr_held && strcmp(t->held[i], name) != 0) {
        i++;
    }
    if (locks && i == t->nr_held && i < sizeof(t->held) / sizeof(t->held[0])) {
        t->held[t->nr_held++] = name;
    } else if (!locks && i < t->nr_held) {
        t->held[i] = t->held[--t->nr_held];
    }
}

static bool event_ref(const struct place *p, struct thread *t,
                      enum lab_op_kind kind, enum lab_object_kind object)
{
    const char *name = read_ref(p);

    if (name == NULL) {
        return false;
    }
    if (object == LAB_LOCK) {
        note_lock(t, name, kind == OP_LOCK);
    }
    add_ref(p, t, kind, object, name);
    return true;
}

/* wait leaves a lock meanwhile; sync is lock, signal, wait, unlock, but for a
   lock that the thread has anyhow. */
static bool event_wait(const struct place *p, struct thread *t, bool sync)
{
    static const char *const keys[] = {"ref", "mutex", NULL};
    const char *ref = read_ref(p);
    const char *lock = json_string_value(json_object_get(p->at, "mutex"));
    struct lab_op *op;
    bool own;

    if (ref == NULL) {
        return false;
    }
    if (!json_is_object(p->at) || lock == NULL) {
        return rtapp_fail(p, "must be an object with ref and mutex");
    }
    if (!rtapp_only_keys(p, keys)) {
        return false;
    }
    own = sync && !has_lock(t, lock);
    if (own) {
        add_ref(p, t, OP_LOCK, LAB_LOCK, lock);
    }
    if (sync) {
        add_ref(p, t, OP_SIGNAL, LAB_COND, ref);
    }
    add_ref(p, t, OP_WAIT, LAB_COND, ref);
    op = &t->prog->op[t->prog->nr_ops - 1];
    op->has_lock = true;
    op->lock = workload_object(p->w, LAB_LOCK, lock);
    if (own) {
        add_ref(p, t, OP_UNLOCK, LAB_LOCK, lock);
    }
    return true;
}

/* A thread waits for a condition of its own name unless it names another. */
static bool event_suspend(const struct place *p, struct thread *t,
                          enum lab_op_kind kind)
{
    const char *name = read_ref(p);
    char own[LAB_NAME_MAX + 16];

    if (name == NULL) {
        return false;
    }
    (void)snprintf(own, sizeof(own), "thread %s",
                   *name != '\0' ? name : t->name);
    add_ref(p, t, kind, LAB_COND, own);
    return true;
}

/* An event is a word that may be followed by digits: "run", "run0". */
static bool is_event(const char *key, const char *word)
{
    size_t len = strlen(word);

    return strncmp(key, word, len) == 0 &&
           key[len + strspn(key + len, "0123456789_")] == '\0';
}

bool rtapp_event(const struct place *p, const char *key, struct thread *t)
{
    if (is_event(key, "run")) {
        return rtapp_time(p, t, OP_RUN);
    }
    if (is_event(key, "runtime")) {
        return rtapp_time(p, t, OP_SPIN);
    }
    if (is_event(key, "sleep")) {
        return rtapp_time(p, t, OP_SLEEP);
    }
    if (is_event(key, "timer")) {
        return event_timer(p, t);
    }
    if (is_event(key, "lock")) {
        return event_ref(p, t, OP_LOCK, LAB_LOCK);
    }
    if (is_event(key, "unlock")) {
        return event_ref(p, t, OP_UNLOCK, LAB_LOCK);
    }
    if (is_event(key, "signal")) {
        return event_ref(p, t, OP_SIGNAL, LAB_COND);
    }
    if (is_event(key, "broad")) {
        return event_ref(p, t, OP_BROAD, LAB_COND);
    }
    if (is_event(key, "wait") || is_event(key, "sync")) {
        return event_wait(p, t, is_event(key, "sync"));
    }
    if (is_event(key, "suspend")) {
        return event_suspend(p, t, OP_WAIT);
    }
    if (is_event(key, "resume")) {
        return event_suspend(p, t, OP_BROAD);
    }
    if (is_event(key, "barrier")) {
        return event_ref(p, t, OP_BARRIER, LAB_BARRIER);
    }
    if (is_event(key, "yield")) {
        (void)program_add(t->prog, OP_YIELD);
        return true;
    }
    if (is_event(key, "mem") || is_event(key, "iorun")) {
        return rtapp_fail(p, "is not supported: memory and I/O cost nothing "
                             "here; say what it takes with run");
    }
    return rtapp_fail(p, "is not supported");
}
