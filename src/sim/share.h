/* SPDX-License-Identifier: MIT */
/*
 * The ideal share: how the pCPUs would be divided if they could be divided as
 * finely as one likes. Each vCPU may use one pCPU at most, those of its
 * affinity, and no more than it demands; a domain no more than its cap.
 * Within that, weighted max-min fairness: nobody gets more as long as somebody
 * else with less for its weight could get it instead.
 *
 * Shares are in thousandths of a per cent of a pCPU: SHARE_CPU is one.
 */
#ifndef SCHEDOP_SIM_SHARE_H
#define SCHEDOP_SIM_SHARE_H

#include <stddef.h>
#include <stdint.h>

#define SHARE_CPU 100000u

struct share_vcpu {
    uint64_t weight;
    uint64_t demand; /* 0..SHARE_CPU */
    uint64_t cpus;   /* those it may use; within `cpus` of share_divide() */
    unsigned group;  /* its domain: index into the caps */
    uint64_t ideal;  /* the answer */
};

/*
 * Divides the pCPUs in `cpus`; `cap` has a limit for each group, 0 none. The
 * answers are exact but for rounding down.
 */
void share_divide(struct share_vcpu *v, size_t nr, uint64_t cpus,
                  const uint64_t *cap, size_t nr_groups);

#endif
