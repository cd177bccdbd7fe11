/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels, as real Xen has them (spec 4.3 says it in brief).
 *
 * A port has a 32-bit word in an array of guest pages, a vCPU a control block
 * with a queue for each of 16 priorities. A queue is a list through the link
 * fields of the words: Xen appends, the guest takes from the head. LINKED says
 * that a word is in a queue; only Xen sets it, only the guest clears it. What
 * schedulers depend on is all here: when an event becomes pending, whether
 * poll sees it, whether the upcall byte is set.
 *
 * The facts change the whole domain to FIFO ports and back by a reset, which
 * closes every port, so only a hardware domain looks at them: it says what it
 * sees by hypercall. The 2-level bits of shared info are not used meanwhile.
 * Numbers from 139 on are ours: they go on behind the specification's.
 */
#ifndef SCHEDOP_TESTS_FIFO_H
#define SCHEDOP_TESTS_FIFO_H

#include "lab.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)
#define LINK ((uint32_t)EVTCHN_FIFO_LINK_MASK)
#define DEFAULT EVTCHN_FIFO_PRIORITY_DEFAULT
#define OFFSET_MAX (4096 - sizeof(struct evtchn_fifo_control_block))
#define NO_FRAME UINT64_C(0xfffffffff) /* no frame has this number */
#define HERE (IN_ALL | AS_HARDWARE)

/* ---- calls ---- */

int fifo_init_at(uint32_t vcpu, uint64_t frame, uint32_t offset);
int fifo_init(uint32_t vcpu); /* its page of fifo_blocks, offset 0 */
int fifo_expand_by(uint64_t frame);
int fifo_expand(unsigned int page); /* of fifo_words */
int fifo_prioritise(evtchn_port_t port, uint32_t priority);
int fifo_open(evtchn_port_t port);

/* ---- the domain with FIFO ports ---- */

struct fifo_block {
    struct evtchn_fifo_control_block at_start;
    uint8_t rest[4096 - sizeof(struct evtchn_fifo_control_block)];
};

extern volatile struct fifo_block fifo_blocks[2]; /* a page for each vCPU */
extern volatile uint32_t fifo_words[2048];        /* two pages */

/* Pages as new: every port masked, as Linux starts. */
void fifo_blank(void);

/* With a control block for `vcpu`, and words for ports if `page`. */
bool fifo_start_for(uint32_t vcpu, bool page);
bool fifo_start(bool page); /* for vCPU 0 */

volatile struct evtchn_fifo_control_block *fifo_block(unsigned int vcpu);

evtchn_port_t open_clear(void); /* an open port, not masked */

/* Tells a word without its link. */
void saw_word(const char *what, evtchn_port_t port, uint32_t expected);

bool upcall_due(unsigned int vcpu);

#endif
