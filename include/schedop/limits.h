/* SPDX-License-Identifier: MIT */
/*
 * Limits of the core: every queue, table and loop in it is bounded by one of
 * these numbers, or by a count given in struct sop_config that may not exceed
 * them.
 */
#ifndef SCHEDOP_LIMITS_H
#define SCHEDOP_LIMITS_H

#define SOP_PCPUS_MAX 64u       /* one bit each in a sop_cpumask_t */
#define SOP_VCPUS_MAX 32u       /* per domain: slots of shared_info */
#define SOP_DOMAINS_MAX 4096u   /* alive at one time */
#define SOP_POOLS_MAX 16u       /* cpupools */
#define SOP_WINDOWS_MAX 64u     /* of an arinc653 schedule */
#define SOP_WATCHDOGS 2u        /* per domain (spec 3.7) */
#define SOP_POLL_PORTS_MAX 128u /* per poll (spec 3.4) */
#define SOP_PORTS_2L 4096u      /* 2-level event channels, 64-bit layout */
#define SOP_PORTS_MAX 131072u   /* FIFO event channels */
#define SOP_PORTS_GROW 64u      /* a port table grows by this (spec 4.1) */
#define SOP_PIN_LIMIT 256       /* pin_override: the build's CPU limit */
/* Guest frames mapped: vcpu_info, control blocks, words of all ports. */
#define SOP_FRAMES_MAX (2u * SOP_VCPUS_MAX + SOP_PORTS_MAX / 1024u)
#define SOP_COMMANDS 8u    /* commands of sched_op */
#define SOP_PAUSE_MAX 255u /* nested controller pauses (spec 2.2) */

#endif
