/* SPDX-License-Identifier: MIT */
/*
 * Knobs: what an administrator can set of a scheduling policy, under Xen's
 * names and in Xen's units. There are knobs of domains, of vCPUs and of
 * cpupools. sop_domain_knobs(), sop_vcpu_knobs() and sop_pool_knobs() in
 * core.h read and set them.
 */
#ifndef SCHEDOP_KNOBS_H
#define SCHEDOP_KNOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <schedop/limits.h>

/* All knobs say whose they are: sched_id is an XEN_SCHEDULER_*. */

struct policy_credit2_domain {
    uint32_t weight; /* 1..65535; twice the weight is twice the time */
    uint32_t cap;    /* per cent of one pCPU, to 65535; 0 is none */
};

/* Of a vCPU; set for a domain, of all its vCPUs. */
struct policy_rtds {
    uint32_t period_us; /* at least 10 */
    uint32_t budget_us; /* at least 10, at most the period */
    bool extratime;     /* may use time that nobody reserved */
};

struct policy_credit2_pool {
    uint32_t ratelimit_us; /* 100..500000 as Xen's limits; 0 is off */
};

/* As Xen's: a domain's handle (UUID), the number of its vCPU, its time. */
struct policy_arinc653_window {
    uint8_t handle[16];
    uint32_t vcpu_id;
    uint64_t runtime_ns;
};

/* Windows follow each other; what they leave of the frame is idle. */
struct policy_arinc653 {
    uint64_t major_frame_ns;
    uint32_t count; /* 1..SOP_WINDOWS_MAX */
    struct policy_arinc653_window window[SOP_WINDOWS_MAX];
};

struct policy_domain_knobs {
    uint32_t sched_id;
    union {
        struct policy_credit2_domain credit2;
        struct policy_rtds rtds; /* read: what new vCPUs get */
    } u;
};

struct policy_vcpu_knobs {
    uint32_t sched_id;
    union {
        struct policy_rtds rtds;
    } u;
};

struct policy_pool_knobs {
    uint32_t sched_id;
    union {
        struct policy_credit2_pool credit2;
        struct policy_arinc653 arinc653;
    } u;
};

#endif
