/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs that bite (spec 3.7): what an expiry does to a domain, seen by
 * the one that controls it.
 *
 * A watchdog must end a domain that hangs, also one that is paused, and must
 * not end one that is saved and resumed. The slot stays claimed through all of
 * it, which a guest has to know that sets up its watchdogs anew.
 */
#include "lab.h"
#include "pair.h"

#define NEVER 1000000u /* seconds */

static int watchdog(uint32_t id, uint32_t timeout)
{
    struct sched_watchdog w = {id, timeout};

    return sched_op(SCHEDOP_watchdog, &w);
}

static void job_one_second(void)
{
    tell(watchdog(0, 1));
}

static void job_release(void)
{
    tell(watchdog(1, 0));
}

static int ask(void (*job)(void))
{
    (void)pair_start(job);
    return (int)pair_hear();
}

static bool is_down(void)
{
    return (pair_flags() & XEN_DOMINF_shutdown) != 0;
}

static void resume(void)
{
    saw("resume", pair_control(XEN_DOMCTL_resumedomain), 0);
}

static void pass(uint64_t until)
{
    uint64_t t = now();

    if (until > t) {
        pair_rest(until - t);
    }
}

static void one_second(void)
{
    uint64_t before = now(), after;

    saw("set-up", ask(job_one_second), 1);
    after = now();
    pass(before + 900 * MS);
    if (now() < before + 1000 * MS) {
        saw_that("alive at 0.9 s", !is_down());
    } else {
        broken("this took too long");
    }
    pass(after + 1100 * MS);
    saw_that("down at 1.1 s", is_down());
    saw("code", pair_code(), SHUTDOWN_watchdog);
    resume();
    saw("release", ask(job_release), 0);
}

static void job_slots(void)
{
    tell(watchdog(0, NEVER));
    tell(watchdog(1, NEVER));
    tell(watchdog(1, 0));
    tell(watchdog(2, 0));
}

static void slot_stays(void)
{
    saw("set-up", ask(job_one_second), 1);
    saw_that("fires", pair_is_down());
    resume();
    saw("set-up", ask(job_slots), 2);
    saw("arm 1", (int)pair_hear(), 0);
    saw("release 1", (int)pair_hear(), 0);
    saw("release 2", (int)pair_hear(), 0);
}

static void fires_while_paused(void)
{
    saw("set-up", ask(job_one_second), 1);
    saw("pause", pair_control(XEN_DOMCTL_pausedomain), 0);
    saw_that("fires", pair_is_down());
    saw_that("still paused", (pair_flags() & XEN_DOMINF_paused) != 0);
    saw("code", pair_code(), SHUTDOWN_watchdog);
    saw("unpause", pair_control(XEN_DOMCTL_unpausedomain), 0);
    saw_that("still down", is_down());
    resume();
    saw("release", ask(job_release), 0);
}

static void job_suspend(void)
{
    struct sched_shutdown arg = {SHUTDOWN_suspend};

    tell(watchdog(0, 1));
    (void)sched_op(SCHEDOP_shutdown, &arg);
}

static void swallowed_when_down(void)
{
    saw("set-up", ask(job_suspend), 1);
    saw_that("suspended", pair_is_down());
    pair_rest(1200 * MS);
    saw("code", pair_code(), SHUTDOWN_suspend);
    resume();
    pair_rest(10 * WHILE);
    saw_that("alive", !is_down());
    saw("release", ask(job_release), 0);
}

static const struct fact facts[] = {
    {93, IN_ALL | WITH_SUBJECT, "a watchdog of 1 s fires after 1 s",
     one_second},
    {94, IN_ALL | WITH_SUBJECT, "the slot of a fired watchdog stays claimed",
     slot_stays},
    {95, IN_ALL | WITH_SUBJECT, "a watchdog fires in a paused domain",
     fires_while_paused},
    {96, IN_ALL | WITH_SUBJECT, "it does not in a domain that is shut down",
     swallowed_when_down},
};

TOPIC(topic_dogs, "dogs", facts);
