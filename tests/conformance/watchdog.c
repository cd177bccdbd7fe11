/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs: two timers that end the domain unless they are poked (spec 3.7).
 *
 * The slots are a small table shared by all vCPUs; who may claim, re-arm and
 * release which one is all in the results. Nothing here lets a watchdog
 * expire: that ends the domain, and is looked at from outside.
 */
#include "lab.h"

#define NEVER 1000000u /* seconds */

static int watchdog(uint32_t id, uint32_t timeout)
{
    struct sched_watchdog w = {id, timeout};

    return sched_op(SCHEDOP_watchdog, &w);
}

static void release_all(void)
{
    (void)watchdog(1, 0);
    (void)watchdog(2, 0);
}

static void claim(void)
{
    struct sched_watchdog w = {0, NEVER};

    saw("first", sched_op(SCHEDOP_watchdog, &w), 1);
    saw("id field", (long)w.id, 0);
    saw("second", sched_op(SCHEDOP_watchdog, &w), 2);
    saw("third", sched_op(SCHEDOP_watchdog, &w), -XEN_ENOSPC);
    release_all();
}

static void ids_too_big(void)
{
    saw("3", watchdog(3, NEVER), -XEN_EINVAL);
    saw("3, 0 s", watchdog(3, 0), -XEN_EINVAL);
    saw("2^32-1", watchdog(UINT32_MAX, NEVER), -XEN_EINVAL);
    saw("2^32-1, 0 s", watchdog(UINT32_MAX, 0), -XEN_EINVAL);
}

static void unclaimed(void)
{
    saw("arm 1", watchdog(1, NEVER), -XEN_EINVAL);
    saw("release 2", watchdog(2, 0), -XEN_EINVAL);
    saw("claim", watchdog(0, NEVER), 1);
    saw("arm 1", watchdog(1, NEVER), 0);
    saw("arm 1 for 2^32-1 s", watchdog(1, UINT32_MAX), 0);
    saw("arm 2", watchdog(2, NEVER), -XEN_EINVAL);
    saw("release", watchdog(1, 0), 0);
    saw("again", watchdog(1, 0), -XEN_EINVAL);
}

static void lowest_first(void)
{
    (void)watchdog(0, NEVER);
    (void)watchdog(0, NEVER);
    saw("release 1", watchdog(1, 0), 0);
    saw("claim", watchdog(0, NEVER), 1);
    saw("release 2", watchdog(2, 0), 0);
    saw("claim", watchdog(0, NEVER), 2);
    release_all();
}

static void full_even_for_now(void)
{
    (void)watchdog(0, NEVER);
    (void)watchdog(0, NEVER);
    saw("0 s", watchdog(0, 0), -XEN_ENOSPC);
    release_all();
}

static volatile int claimed;

static void claim_on_victim(void)
{
    claimed = watchdog(0, NEVER);
}

static void slots_are_the_domains(void)
{
    (void)open_ipi(1);
    victim_start(claim_on_victim);
    if (!victim_ends(SOON)) {
        broken("the second vCPU is stuck");
    }
    saw("claim by vCPU 1", claimed, 1);
    saw("release by vCPU 0", watchdog(1, 0), 0);
}

static const struct fact facts[] = {
    {87, IN_ALL, "set-up returns 1, then 2, and writes nothing", claim},
    {87, IN_ALL, "all vCPUs share the slots", slots_are_the_domains},
    {88, IN_ALL, "ids above 2 are -EINVAL", ids_too_big},
    {89, IN_ALL, "an unclaimed id is -EINVAL", unclaimed},
    {90, IN_ALL, "the lowest free slot is used", lowest_first},
    {92, IN_ALL, "no slot is no slot even for 0 s", full_even_for_now},
};

TOPIC(topic_watchdog, "watchdog", facts);
