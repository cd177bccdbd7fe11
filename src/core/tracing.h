/* SPDX-License-Identifier: MIT */
/* What the core's files call to leave records for port_trace(): trace.c. */
#ifndef SCHEDOP_CORE_TRACING_H
#define SCHEDOP_CORE_TRACING_H

#include "objects.h"

/*
 * Each is a test of one word while nobody traces. The subject is a vCPU, a
 * domain, or the pCPU alone; `self` may be NULL where no pCPU is known.
 */
RARE void trace_emit_vcpu(struct sop_pcpu *self, const struct sop_vcpu *v,
                          enum sop_trace_event event, uint64_t a0, uint64_t a1);
RARE void trace_emit_command(struct sop_pcpu *self, const struct sop_vcpu *v,
                             enum sop_trace_event event, uint64_t a0,
                             uint64_t a1);
RARE void trace_emit_domain(struct sop_pcpu *self, const struct sop_domain *d,
                            enum sop_trace_event event, uint64_t a0,
                            uint64_t a1);
RARE void trace_emit_pcpu(struct sop_pcpu *self, enum sop_trace_event event,
                          uint64_t a0, uint64_t a1);
RARE void trace_emit_wake(struct sop_pcpu *self, const struct sop_vcpu *v);
RARE void trace_emit_pending(struct sop_pcpu *self, const struct sop_vcpu *v,
                             uint32_t port);
RARE void trace_emit_timer(struct sop_pcpu *self, struct timer *t,
                           enum sop_trace_event event, uint64_t deadline);
RARE void trace_emit_switch(struct sop_pcpu *self, const struct sop_vcpu *prev,
                            const struct sop_vcpu *next, uint64_t until);
RARE void trace_emit_account(struct sop_pcpu *self, const struct sop_vcpu *v);

/* With a constant event the compiler leaves one constant. */
static inline uint32_t trace_class(enum sop_trace_event event)
{
    switch (event) {
#define TRACE_CLASS(n, NAME, name, class, text, a0, k0, a1, k1)                \
    case SOP_TRACE_EV_##NAME:                                                  \
        return SOP_TRACE_##class;
        SOP_TRACE_EVENTS(TRACE_CLASS)
#undef TRACE_CLASS
    }
    return 0;
}

static inline bool trace_wanted(const struct sop_system *sys, uint32_t class)
{
    return unlikely((atomic_peek_u32(&sys->trace) & class) != 0);
}

static ALWAYS_INLINE void trace_vcpu(struct sop_pcpu *self,
                                     const struct sop_vcpu *v,
                                     enum sop_trace_event event, uint64_t a0,
                                     uint64_t a1)
{
    if (trace_wanted(v->domain->sys, trace_class(event))) {
        trace_emit_vcpu(self, v, event, a0, a1);
    }
}

/* For entries that may not have read the clock. Needs no lock. */
static inline void trace_command(struct sop_pcpu *self,
                                 const struct sop_vcpu *v,
                                 enum sop_trace_event event, uint64_t a0,
                                 uint64_t a1)
{
    if (trace_wanted(self->sys, SOP_TRACE_COMMAND)) {
        trace_emit_command(self, v, event, a0, a1);
    }
}

static inline void trace_domain(struct sop_pcpu *self,
                                const struct sop_domain *d,
                                enum sop_trace_event event, uint64_t a0,
                                uint64_t a1)
{
    if (trace_wanted(d->sys, SOP_TRACE_DOMAIN)) {
        trace_emit_domain(self, d, event, a0, a1);
    }
}

static inline void trace_pcpu(struct sop_pcpu *self, enum sop_trace_event event,
                              uint64_t a0, uint64_t a1)
{
    if (self != NULL && trace_wanted(self->sys, trace_class(event))) {
        trace_emit_pcpu(self, event, a0, a1);
    }
}

static inline void trace_timer(struct sop_pcpu *self, struct timer *t,
                               enum sop_trace_event event, uint64_t deadline)
{
    if (trace_wanted(self->sys, SOP_TRACE_TIMER)) {
        trace_emit_timer(self, t, event, deadline);
    }
}

#endif
