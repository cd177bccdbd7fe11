/* SPDX-License-Identifier: MIT */
/*
 * Upcalls by local-APIC interrupt, one vCPU at a time (spec 4.5).
 *
 * A guest that has a local APIC may ask for its events on a vector there. That
 * cannot be undone, so this topic comes late and uses vCPU 1 alone; from here
 * on each of its upcalls wants an end-of-interrupt.
 */
#include <schedop/kit.h>

#include "../../src/guest/kit/layout.h"
#include "arch.h"
#include "lab.h"

static volatile int results[3];
static volatile unsigned int taken[3];

static int ask_for_vector(void)
{
    return schedop_hvm_upcall_vector(1, KIT_VECTOR_EVENT);
}

/* Lets in what is pending and ends it; how many upcalls that was. */
static unsigned int let_in(void)
{
    unsigned int before = kit_upcalls();

    upcalls_on();
    (void)sched_op(SCHEDOP_yield, NULL);
    upcalls_off();
    apic_end_of_interrupt();
    return kit_upcalls() - before;
}

static void set_vectors(void)
{
    apic_enable();
    results[0] = schedop_hvm_callback_vector(KIT_VECTOR_EVENT);
    taken[0] = let_in();
    for (unsigned int i = 1; i < 3; i++) {
        results[i] = ask_for_vector();
        taken[i] = let_in();
    }
}

static void interrupt_per_setting(void)
{
    (void)open_ipi(1);
    victim_start(set_vectors);
    if (!victim_ends(SOON)) {
        broken("the second vCPU is stuck");
        return;
    }
    saw("callback vector", results[0], 0);
    saw("upcalls", (long)taken[0], 0);
    saw("own vector", results[1], 0);
    saw("upcalls", (long)taken[1], 1);
    saw("again", results[2], 0);
    saw("upcalls", (long)taken[2], 1);
}

static void poll_and_let_in(void)
{
    job_poll();
    taken[0] = let_in();
}

static void poll_ends_by_vector(void)
{
    evtchn_port_t port = open_ipi(1), other = open_ipi(1);

    set_mask(other, false);
    aim = (struct aim){{port}, 1, in(60 * SOON)};
    victim_start(poll_and_let_in);
    saw_that("sleeps", victim_sleeps());
    (void)send(other);
    saw_that("ends", victim_ends(SOON));
    saw("poll", found.result, 0);
    saw_that("upcall afterwards", taken[0] > 0);
}

static const struct fact facts[] = {
    {138, IN_PVH, "each setting of an own vector raises it once",
     interrupt_per_setting},
    {59, IN_PVH, "poll with interrupts off ends by an own vector too",
     poll_ends_by_vector},
};

TOPIC(topic_apic, "apic", facts);
