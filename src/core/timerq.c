/* SPDX-License-Identifier: MIT */
/*
 * Timers: one binary heap per pCPU. A pCPU can arm only its own hardware
 * timer, so a timer lives where it was last set, wherever the vCPU it belongs
 * to runs. Cancelling does not re-arm: the port's timer may then fire early,
 * once, which its contract allows.
 */
#include "private.h"

void timer_init(struct timer *t, timer_fire *fire, enum sop_trace_timer kind)
{
    t->node.place = 0;
    t->node.tag = kind;
    t->home = NULL;
    t->fire = fire;
}

static void timer_drop(struct timer *t)
{
    ASSERT(t->home != NULL);
    heap_remove(&t->home->timers, &t->node);
}

/* From any pCPU: the heap is under the core lock, whoever owns it. */
void timer_cancel(struct timer *t)
{
    if (timer_is_set(t)) {
        timer_drop(t);
        if (trace_wanted(t->home->sys, SOP_TRACE_TIMER)) {
            trace_emit_timer(NULL, t, SOP_TRACE_EV_TIMER_CANCEL, 0);
        }
    }
}

void timer_set(struct sop_pcpu *self, struct timer *t, uint64_t deadline)
{
    ASSERT(t->fire != NULL);
    if (timer_is_set(t) && t->home == self) {
        heap_move(&self->timers, &t->node, deadline);
    } else {
        if (timer_is_set(t)) {
            timer_drop(t);
        }
        t->home = self;
        heap_insert(&self->timers, &t->node, deadline);
    }
    trace_timer(self, t, SOP_TRACE_EV_TIMER_SET, deadline);
}

/* `from` serves no timers any more. */
void timerq_hand_over(struct sop_pcpu *from, struct sop_pcpu *to)
{
    struct heap_node *top;

    ASSERT(from != to);
    while ((top = heap_top(&from->timers)) != NULL) {
        struct timer *t = container_of(top, struct timer, node);

        timer_drop(t);
        t->home = to;
        heap_insert(&to->timers, &t->node, t->node.key);
    }
}

/*
 * Fires one timer per hold of the lock, so that lines a timer notes are
 * logged and other pCPUs get their turn. A timer that sets itself again does
 * so for later than `now`, hence the loop ends.
 */
void sop_timer_expired(struct sop_pcpu *self)
{
    uint64_t now = core_enter(self);

    self->armed = SOP_TIME_NEVER;
    self->trace_source = SOP_TRACE_BY_TIMER;
    for (;;) {
        struct heap_node *top = heap_top(&self->timers);
        struct timer *t;

        if (top == NULL || top->key > now) {
            break;
        }
        t = container_of(top, struct timer, node);
        ASSERT(t->home == self);
        heap_remove(&self->timers, top);
        trace_timer(self, t, SOP_TRACE_EV_TIMER_FIRE, top->key);
        t->fire(self, t, now);
        if (unlikely(self->nr_lines != 0)) {
            /* Others act meanwhile, at later times than ours. */
            core_leave(self);
            now = core_enter(self);
        }
    }
    self->trace_source = SOP_TRACE_BY_VCPU;
    core_leave(self);
}
