/* SPDX-License-Identifier: MIT */
/*
 * The FIFO ABI of event channels (spec 4.3), as Xen 4.17 has it.
 *
 * Each port has an event word in an array of guest pages, each vCPU 16 queues
 * by priority. A queue is a list through the link fields of the words; its
 * head is in a control block, a guest page too, its tail is ours. We append,
 * the guest takes from the head: a word that is LINKED is in a queue or being
 * taken out of it, and only we set that bit, only the guest clears it.
 *
 * Guests may write anything to any of it at any time. So nothing read there is
 * used as an index: links and heads are only written; tails, priorities and
 * vCPUs are our own. What a guest breaks is the order of its own events. A word
 * that changes under our hands is tried anew a few times and then left as it
 * is, which loses the event, as on Xen.
 *
 * A domain starts with the 2-level ABI and changes by its first init_control.
 * Frames are mapped and unmapped without the lock: a reset leaves its frames
 * mapped until the next change to this ABI, or the end of the domain.
 */
#include "private.h"

#include "../lib/string.h"

#define PAGE 4096u
#define CONTROL_MAX (PAGE - sizeof(struct evtchn_fifo_control_block))
#define CONTROL_ALIGN 8u
#define LINK_RETRIES 4u

_Static_assert(FIFO_WORDS * sizeof(event_word_t) == PAGE, "a page of words");
_Static_assert(SOP_PORTS_MAX == EVTCHN_FIFO_NR_CHANNELS, "as the ABI has it");
_Static_assert(SOP_VCPUS_MAX <= UINT8_MAX, "fifo_port.last_vcpu");
ABI_SIZE(struct evtchn_fifo_control_block, 72);
ABI_SIZE(struct evtchn_init_control, 24);
ABI_SIZE(struct evtchn_expand_array, 8);
ABI_SIZE(struct evtchn_set_priority, 8);

/* ---- words and control blocks ---- */

/* The event word of a port, NULL until its page was added. */
static uint32_t *word_of(const struct sop_domain *d, uint32_t port)
{
    const struct fifo *f = d->fifo;

    ASSERT(f->on);
    ASSERT(port < d->nr_ports);
    if (port >= f->nr_words) {
        return NULL;
    }
    return &f->words[port / FIFO_WORDS][port % FIFO_WORDS];
}

static uint32_t *ready_of(const struct fifo_vcpu *fv)
{
    return (
        uint32_t *)(void *)(fv->control +
                            offsetof(struct evtchn_fifo_control_block, ready));
}

static uint32_t *heads_of(const struct fifo_vcpu *fv)
{
    return (
        uint32_t *)(void *)(fv->control +
                            offsetof(struct evtchn_fifo_control_block, head));
}

/* ---- ports ---- */

void fifo_port_init(struct sop_domain *d, uint32_t port)
{
    fifo_port_at(d, port)->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
}

bool fifo_is_pending(const struct sop_domain *d, uint32_t port)
{
    const uint32_t *word = word_of(d, port);

    return word != NULL && atomic_test_bit(word, EVTCHN_FIFO_PENDING);
}

bool fifo_is_busy(const struct sop_domain *d, uint32_t port)
{
    const uint32_t *word = word_of(d, port);

    return word != NULL && atomic_test_bit(word, EVTCHN_FIFO_LINKED);
}

/* It stays in its queue: guests skip what is not pending. */
void fifo_clear_pending(struct sop_domain *d, uint32_t port)
{
    uint32_t *word = word_of(d, port);

    if (word != NULL) {
        (void)atomic_test_and_clear_bit(word, EVTCHN_FIFO_PENDING);
    }
}

int fifo_set_priority(struct sop_domain *d, uint32_t port, uint32_t priority)
{
    if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return -XEN_EINVAL;
    }
    /* For events to come: one that is queued stays where it is. */
    fifo_port_at(d, port)->priority = (uint8_t)priority;
    return 0;
}

/* ---- queues ---- */

/*
 * Makes the tail word point to `port` if it still is in its queue: 1 done, 0
 * it is not, -1 it changed meanwhile.
 */
static int try_link(uint32_t *tail, uint32_t *word, uint32_t port)
{
    uint32_t old = *word;
    uint32_t link =
        (old & ~((1u << EVTCHN_FIFO_BUSY) | (uint32_t)EVTCHN_FIFO_LINK_MASK)) |
        port;

    if ((old & (1u << EVTCHN_FIFO_LINKED)) == 0) {
        return 0;
    }
    return __atomic_compare_exchange_n(tail, word, link, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
               ? 1
               : -1;
}

/*
 * The same to its end; false: the queue is empty. BUSY holds off guests that
 * keep their side. For others there is a bound; then the event is lost.
 */
static bool set_link(uint32_t *tail, uint32_t port)
{
    uint32_t word = __atomic_load_n(tail, __ATOMIC_SEQ_CST);
    int rc = try_link(tail, &word, port);
    unsigned i;

    if (rc >= 0) {
        return rc != 0;
    }
    (void)atomic_test_and_set_bit(tail, EVTCHN_FIFO_BUSY);
    word = __atomic_load_n(tail, __ATOMIC_SEQ_CST);
    for (i = 0; i < LINK_RETRIES && rc < 0; i++) {
        rc = try_link(tail, &word, port);
    }
    if (rc != 1) {
        (void)atomic_test_and_clear_bit(tail, EVTCHN_FIFO_BUSY);
    }
    return rc != 0;
}

/* Appends a port that is in no queue; its word is LINKED already. */
static void append(struct sop_pcpu *self, struct sop_vcpu *v, uint32_t port,
                   uint64_t now)
{
    struct sop_domain *d = v->domain;
    struct fifo_vcpu *fv = &d->fifo->vcpu[v->id];
    struct fifo_port *fp = fifo_port_at(d, port);
    uint32_t *old_tail = &d->fifo->vcpu[fp->last_vcpu].tail[fp->last_priority];
    uint32_t *tail = &fv->tail[fp->priority];
    bool linked = false;

    /* It was taken out, and as the last one: that queue is empty now, and
       must not go on from a word that is in another. */
    if (*old_tail == port) {
        *old_tail = 0;
    }
    fp->last_vcpu = (uint8_t)v->id;
    fp->last_priority = fp->priority;
    if (*tail != 0) {
        linked = set_link(word_of(d, *tail), port);
    }
    *tail = port;
    if (linked) {
        return;
    }
    __atomic_store_n(&heads_of(fv)[fp->priority], port, __ATOMIC_SEQ_CST);
    if (!atomic_test_and_set_bit(ready_of(fv), fp->priority)) {
        evtchn_mark_pending(self, v, now);
    }
}

/* Events for a vCPU that has none are dropped, as on Xen. */
static bool has_control(struct sop_pcpu *self, struct sop_vcpu *v)
{
    struct fifo *f = v->domain->fifo;

    if (f->vcpu[v->id].control == NULL && !f->warned) {
        f->warned = true;
        log_note(self, SOP_LOG_WARNING,
                 "d%uv%u has no FIFO event channel control block",
                 v->domain->id, v->id);
    }
    return f->vcpu[v->id].control != NULL;
}

/* Puts a pending port into its queue, unless it is masked or in one. */
static void enqueue(struct sop_pcpu *self, struct sop_vcpu *v, uint32_t port,
                    uint64_t now)
{
    uint32_t *word = word_of(v->domain, port);

    ASSERT(word != NULL);
    ASSERT(v->domain->fifo->vcpu[v->id].control != NULL);
    if (!atomic_test_bit(word, EVTCHN_FIFO_MASKED) &&
        !atomic_test_and_set_bit(word, EVTCHN_FIFO_LINKED)) {
        append(self, v, port, now);
    }
}

void fifo_set_pending(struct sop_pcpu *self, struct sop_domain *d,
                      uint32_t port, uint64_t now)
{
    struct sop_vcpu *v = d->vcpu[evtchn_at(d, port)->vcpu];
    uint32_t *word = word_of(d, port);
    bool was_pending;

    if (word == NULL) {
        fifo_port_at(d, port)->pending = true;
        return;
    }
    if (!has_control(self, v)) {
        return;
    }
    was_pending = atomic_test_and_set_bit(word, EVTCHN_FIFO_PENDING);
    if (!was_pending && trace_wanted(d->sys, SOP_TRACE_CHANNEL)) {
        trace_emit_pending(self, v, port);
    }
    enqueue(self, v, port, now);
    if (!was_pending && d->polling != 0) {
        poll_wake(self, d, port, now);
    }
}

void fifo_unmask(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                 uint64_t now)
{
    struct sop_vcpu *v = d->vcpu[evtchn_at(d, port)->vcpu];
    uint32_t *word = word_of(d, port);

    if (word == NULL) {
        return;
    }
    (void)atomic_test_and_clear_bit(word, EVTCHN_FIFO_MASKED);
    if (atomic_test_bit(word, EVTCHN_FIFO_PENDING) && has_control(self, v)) {
        enqueue(self, v, port, now);
    }
}

/* ---- there and back ---- */

/* What is pending by its bit is so still when its word comes. */
static void carry_over(struct sop_domain *d)
{
    uint32_t port;

    for (port = 1; port < d->nr_ports; port++) {
        fifo_port_at(d, port)->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        if (evtchn_bit_is_pending(d, port)) {
            fifo_port_at(d, port)->pending = true;
        }
    }
}

void fifo_reset(struct sop_domain *d)
{
    unsigned i;

    d->fifo->on = false;
    d->fifo->warned = false;
    d->fifo->nr_words = 0;
    for (i = 0; i < d->nr_vcpus; i++) {
        memset(d->fifo->vcpu[i].tail, 0, sizeof(d->fifo->vcpu[i].tail));
    }
    evtchn_set_bits(d);
}

static void *page_of(uint8_t *at)
{
    return at - ((uintptr_t)at & (PAGE - 1));
}

/* Takes from `d` the frames that a reset left; returns how many. */
static unsigned take_frames(struct sop_domain *d, void **frames)
{
    uint32_t pages = (d->max_ports + FIFO_WORDS - 1) / FIFO_WORDS, i;
    unsigned nr = 0;

    ASSERT(!d->fifo->on);
    for (i = 0; i < pages; i++) {
        if (d->fifo->words[i] != NULL) {
            frames[nr++] = d->fifo->words[i];
            d->fifo->words[i] = NULL;
        }
    }
    for (i = 0; i < d->nr_vcpus; i++) {
        if (d->fifo->vcpu[i].control != NULL) {
            frames[nr++] = page_of(d->fifo->vcpu[i].control);
            d->fifo->vcpu[i].control = NULL;
        }
    }
    ASSERT(nr <= SOP_FRAMES_MAX);
    return nr;
}

/* ---- init_control ---- */

static int control_check(const struct sop_domain *d,
                         const struct evtchn_init_control *op)
{
    if (op->vcpu >= d->nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (op->offset > CONTROL_MAX || op->offset % CONTROL_ALIGN != 0) {
        return -XEN_EINVAL;
    }
    if (d->fifo->on && d->fifo->vcpu[op->vcpu].control != NULL) {
        return -XEN_EINVAL;
    }
    return 0;
}

/* The first one changes the whole domain over. */
static void control_set(struct sop_domain *d,
                        const struct evtchn_init_control *op, uint8_t *frame)
{
    if (!d->fifo->on) {
        carry_over(d);
        d->fifo->on = true;
        evtchn_set_bits(d);
    }
    d->fifo->vcpu[op->vcpu].control = frame + op->offset;
}

/* Checked again after the frame was mapped, which another vCPU may race. */
int fifo_init_control(struct sop_pcpu *self, struct sop_vcpu *v,
                      struct evtchn_init_control *op)
{
    struct sop_domain *d = v->domain;
    void **old = self->scratch.frames;
    unsigned nr_old = 0;
    uint8_t *frame;
    int rc;

    core_lock(self->sys, self);
    rc = control_check(d, op);
    if (rc == 0 && !d->fifo->on) {
        nr_old = take_frames(d, old);
    }
    core_unlock(self->sys);
    while (nr_old > 0) {
        port_frame_unmap(d, old[--nr_old]);
    }
    if (rc != 0) {
        return rc;
    }
    frame = port_frame_map(d, op->control_gfn);
    if (frame == NULL) {
        return -XEN_EINVAL;
    }
    core_lock(self->sys, self);
    rc = control_check(d, op);
    if (rc == 0) {
        control_set(d, op, frame);
    }
    core_unlock(self->sys);
    if (rc != 0) {
        port_frame_unmap(d, frame);
    }
    op->link_bits = EVTCHN_FIFO_LINK_BITS;
    return rc;
}

/* ---- expand_array ---- */

static int expand_check(const struct sop_domain *d)
{
    if (!d->fifo->on) {
        return -XEN_EOPNOTSUPP;
    }
    return d->fifo->nr_words < SOP_PORTS_MAX ? 0 : -XEN_ENOSPC;
}

/*
 * The next page of words, and now what waited for it: also for ports that were
 * closed meanwhile, and once more in each later life, since Xen never forgets.
 * True if the frame is kept: beyond the domain's last port nobody will look
 * for a word.
 */
static bool expand(struct sop_pcpu *self, struct sop_domain *d, uint32_t *frame,
                   uint64_t now)
{
    struct fifo *f = d->fifo;
    uint32_t port = f->nr_words;
    bool keep = port < d->max_ports;

    if (keep) {
        ASSERT(f->words[port / FIFO_WORDS] == NULL);
        f->words[port / FIFO_WORDS] = frame;
    }
    f->nr_words += FIFO_WORDS;
    for (; port < f->nr_words && port < d->nr_ports; port++) {
        if (fifo_port_at(d, port)->pending) {
            fifo_set_pending(self, d, port, now);
        }
    }
    return keep;
}

int fifo_expand_array(struct sop_pcpu *self, struct sop_vcpu *v,
                      const struct evtchn_expand_array *op)
{
    struct sop_domain *d = v->domain;
    bool keep = false;
    uint32_t *frame;
    uint64_t now;
    int rc;

    core_lock(self->sys, self);
    rc = expand_check(d);
    core_unlock(self->sys);
    if (rc != 0) {
        return rc;
    }
    frame = port_frame_map(d, op->array_gfn);
    if (frame == NULL) {
        return -XEN_EINVAL;
    }
    now = core_enter(self);
    rc = expand_check(d);
    if (rc == 0) {
        keep = expand(self, d, frame, now);
    }
    core_leave(self);
    if (!keep) {
        port_frame_unmap(d, frame);
    }
    return rc;
}
