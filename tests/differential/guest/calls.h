/* SPDX-License-Identifier: MIT */
/*
 * From a statement to its hypercall: what the files that make them share. Each
 * make_*() fills in a call, or returns why it is not to be made.
 */
#ifndef SCHEDOP_TESTS_DIFFERENTIAL_CALLS_H
#define SCHEDOP_TESTS_DIFFERENTIAL_CALLS_H

#include "guest.h"

extern const char avoided[];

/* Whether the hypervisor can read an operand where the statement puts it. */
bool readable(const struct statement *s);

/* Puts an operand into memory; its address as the guest passes it. */
uint64_t put_operand(struct call *c, const void *bytes, uint32_t size);

/* A call whose operand is the second argument; never refused. */
const char *make2(struct call *c, uint32_t number, uint32_t command,
                  const void *bytes, uint32_t size);

/* A vcpu_op on the vCPU of the first argument; never refused. */
const char *make_vcpu(struct call *c, uint32_t command, const void *bytes,
                      uint32_t size);

const char *make_sched(struct call *c);
const char *make_evtchn(struct call *c);
const char *make_vcpu_op(struct call *c);
const char *make_other(struct call *c);

#endif
