/* SPDX-License-Identifier: MIT */
/*
 * Trace records into rings that the host tool reads (<schedop/trace.h>). On
 * when the hypervisor's command line says `trace=CLASSES`, a number, and
 * there is a link; `trace-kib=N` is the size of each pCPU's ring. No guest can
 * turn it on, see it, or be seen by it otherwise than by what the scheduler
 * did.
 */
#ifndef SCHEDOP_X86_TRACE_H
#define SCHEDOP_X86_TRACE_H

#include <schedop/core.h>
#include <schedop/trace.h>

/* Makes the rings and says where they are. Before other pCPUs start. */
void trace_init(void);

/* Turns tracing on, if it was asked for. All pCPUs are in the core. */
void trace_begin(struct sop_pcpu *self);

/* Into the ring of the calling pCPU; nothing without one. Any context. */
void trace_record(const struct sop_trace_rec *rec);

/* What a domain is called. */
void trace_name(uint16_t domid, const char *name);

#endif
