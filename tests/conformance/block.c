/* SPDX-License-Identifier: MIT */
/*
 * Yield, block and HLT: giving the processor away (spec 3.1, 3.2).
 *
 * Block is where wake-ups get lost. What "an event is deliverable" means
 * differs between PV (two bytes in shared memory) and PVH (the processor's
 * interrupt flag), and a guest that waits with the wrong one sleeps for ever:
 * that is fact 33, a hazard of real Xen which a hypervisor may remove.
 *
 * The victim blocks, vCPU 0 watches. A victim that must be freed gets an
 * event on a port that nothing has marked yet.
 */
#include <schedop/kit.h>

#include "arch.h"
#include "lab.h"

/* ---- yield ---- */

static void yield_result(void)
{
    saw("yield", sched_op(SCHEDOP_yield, NULL), 0);
}

static volatile uint64_t spins;
static volatile bool stop_spinning;
static volatile int spinner_pin;

static void spin_on_pcpu_0(void)
{
    struct sched_pin_override pin = {0}, unpin = {-1};

    spinner_pin = sched_op(SCHEDOP_pin_override, &pin);
    while (!stop_spinning) {
        spins++;
        cpu_relax();
    }
    (void)sched_op(SCHEDOP_pin_override, &unpin);
}

static void yield_lets_others_run(void)
{
    struct sched_pin_override pin = {0}, unpin = {-1};
    uint64_t limit = in(SOON), before;
    bool ran = false;

    spins = 0;
    stop_spinning = false;
    if (sched_op(SCHEDOP_pin_override, &pin) != 0) {
        broken("cannot pin");
        return;
    }
    victim_start(spin_on_pcpu_0);
    do {
        before = spins;
        (void)sched_op(SCHEDOP_yield, NULL);
        /* An emulator that counts instructions may let nobody else run until
           somebody waits like this. */
        cpu_relax();
        ran = before > 0 && spins > before;
    } while (!ran && now() < limit);
    stop_spinning = true;
    (void)sched_op(SCHEDOP_pin_override, &unpin);
    saw_that("the other vCPU ran", ran);
    if (!victim_ends(SOON) || spinner_pin != 0) {
        broken("the second vCPU cannot be pinned");
    }
}

/* ---- block ---- */

static volatile unsigned int upcalls_taken;
static volatile uint8_t mask_after, mask_inside;

static void block_counting(void)
{
    unsigned int before = kit_upcalls();

    found.result = sched_op(SCHEDOP_block, NULL);
    mask_after = info_of(1)->evtchn_upcall_mask;
    upcalls_taken = kit_upcalls() - before;
    upcalls_off();
}

static void note_mask(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    mask_inside = info_of(1)->evtchn_upcall_mask;
}

/* Block with the mask set and `port` pending (0: only the pending byte). */
static void block_with_event(evtchn_port_t port)
{
    mask_inside = 0x55;
    if (port != 0) {
        set_mask(port, false);
        (void)send(port);
    } else {
        info_of(1)->evtchn_upcall_pending = 1;
    }
    victim_start(block_counting);
    saw_that("returns", victim_ends(SOON));
    saw("block", found.result, 0);
}

static void block_takes_event(void)
{
    evtchn_port_t port = open_ipi(1);

    handle(port, note_mask);
    block_with_event(port);
    saw("upcalls", (long)upcalls_taken, 1);
    saw("mask afterwards", mask_after, 0);
}

static void mask_in_upcall(void)
{
    evtchn_port_t port = open_ipi(1);

    handle(port, note_mask);
    block_with_event(port);
    saw("mask inside", mask_inside, 1);
}

static void byte_alone(void)
{
    (void)open_ipi(1);
    block_with_event(0);
    saw("upcalls", (long)upcalls_taken, 1);
}

static bool victim_blocks(void (*job)(void))
{
    found.result = 1;
    victim_start(job);
    if (!victim_sleeps()) {
        broken("the second vCPU did not block");
        return false;
    }
    return true;
}

static void free_victim(evtchn_port_t port)
{
    clear_pending(port);
    clear_upcall(1);
    set_mask(port, false);
    (void)send(port);
    if (!victim_ends(SOON)) {
        broken("the second vCPU cannot be woken");
    }
}

static void blocked_mask(void)
{
    evtchn_port_t port = open_ipi(1);

    if (victim_blocks(block_counting)) {
        saw("mask", info_of(1)->evtchn_upcall_mask, 0);
        free_victim(port);
    }
}

static void masked_event(void)
{
    evtchn_port_t port = open_ipi(1);
    struct evtchn_unmask unmask = {port};

    if (victim_blocks(block_counting)) {
        (void)send(port);
        saw_that("sleeps on", !victim_ends(WHILE));
        saw("unmask", evtchn_op(EVTCHNOP_unmask, &unmask), 0);
        saw_that("then ends", victim_ends(SOON));
    }
}

static void block_upcalls_on(void)
{
    upcalls_on();
    block_counting();
}

static void up_while_blocked(void)
{
    evtchn_port_t port = open_ipi(1);

    if (!victim_blocks(block_upcalls_on)) {
        return;
    }
    saw("up", vcpu_op(VCPUOP_up, 1, NULL), 0);
    saw_that("sleeps on", !victim_ends(WHILE));
    saw("down", vcpu_op(VCPUOP_down, 1, NULL), 0);
    saw("up", vcpu_op(VCPUOP_up, 1, NULL), 0);
    saw_that("sleeps on", !victim_ends(WHILE));
    free_victim(port);
}

static void block_ends_by_event(void)
{
    evtchn_port_t port = open_ipi(1);

    set_mask(port, false);
    if (victim_blocks(block_upcalls_on)) {
        (void)send(port);
        saw_that("ends", victim_ends(SOON));
        saw_that("upcall", upcalls_taken > 0);
    }
}

static volatile bool interrupts_after;

static void block_interrupts_off(void)
{
    unsigned int before = kit_upcalls();

    found.result = sched_op(SCHEDOP_block, NULL);
    interrupts_after = interrupts_are_on();
    upcalls_taken = kit_upcalls() - before;
}

static void block_without_interrupts(void)
{
    evtchn_port_t port = open_ipi(1);

    set_mask(port, false);
    if (victim_blocks(block_interrupts_off)) {
        (void)send(port);
        saw_that("ends", victim_ends(SOON));
        saw("upcalls", (long)upcalls_taken, 0);
        saw_that("interrupts still off", !interrupts_after);
    }
}

static void block_pending_before(void)
{
    evtchn_port_t port = open_ipi(1), other = open_ipi(1);
    bool ended;

    set_mask(port, false);
    set_mask(other, false);
    (void)send(port);
    found.result = 1;
    victim_start(block_interrupts_off);
    ended = victim_ends(WHILE);
    may_be(false);
    saw_that("sleeps", !ended);
    if (!ended) {
        (void)send(other);
        ended = victim_ends(WHILE);
    }
    may_be(false);
    saw_that("sleeps through another", !ended);
    if (!ended) {
        clear_pending(other);
        free_victim(port);
    }
}

static void set_mask_byte_and_block(void)
{
    info_of(1)->evtchn_upcall_mask = 1;
    block_upcalls_on();
}

static void mask_byte(void)
{
    evtchn_port_t port = open_ipi(1);

    set_mask(port, false);
    if (!victim_blocks(set_mask_byte_and_block)) {
        return;
    }
    saw("while blocked", info_of(1)->evtchn_upcall_mask, 0);
    info_of(1)->evtchn_upcall_mask = 1;
    (void)send(port);
    saw_that("ends", victim_ends(SOON));
    saw_that("upcall", upcalls_taken > 0);
    info_of(1)->evtchn_upcall_mask = 0;
}

static void halt(void)
{
    unsigned int before = kit_upcalls();

    enable_and_halt();
    upcalls_taken = kit_upcalls() - before;
    found.result = 0;
    upcalls_off();
}

static void halt_ends_by_event(void)
{
    evtchn_port_t port = open_ipi(1);

    set_mask(port, false);
    if (victim_blocks(halt)) {
        (void)send(port);
        saw_that("ends", victim_ends(SOON));
        saw_that("upcall", upcalls_taken > 0);
    }
}

static void halt_for_good(void)
{
    halt_interrupts_off();
    found.result = 0;
}

static void halt_takes_down(void)
{
    found.result = 1;
    (void)open_ipi(1);
    victim_start(halt_for_good);
    uint64_t limit = in(SOON);

    while (vcpu_op(VCPUOP_is_up, 1, NULL) != 0 && now() < limit) {
        rest(MS);
    }
    saw("is_up", vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    saw("runstate", runstate_of(1), RUNSTATE_offline);
    saw("up", vcpu_op(VCPUOP_up, 1, NULL), 0);
    saw_that("goes on", victim_ends(SOON));
}

static const struct fact facts[] = {
    {23, IN_ALL, "yield returns 0", yield_result},
    {24, IN_ALL | AS_HARDWARE, "a yield lets another vCPU of the pCPU run",
     yield_lets_others_run},
    {25, IN_PV, "block with an event pending takes one upcall and returns",
     block_takes_event},
    {26, IN_PV, "the mask is set inside that upcall", mask_in_upcall},
    {27, IN_PV, "the pending byte alone ends block", byte_alone},
    {28, IN_PV, "the mask of a blocked vCPU reads 0", blocked_mask},
    {29, IN_ALL, "unmasking, not a masked event, ends block", masked_event},
    {30, IN_ALL, "up does not unblock, nor do down and up", up_while_blocked},
    {31, IN_PVH, "an event ends block and is taken", block_ends_by_event},
    {32, IN_PVH, "with interrupts off it ends block and is not taken",
     block_without_interrupts},
    {33, IN_PVH, "with interrupts off block misses an earlier event",
     block_pending_before},
    {34, IN_PVH, "the upcall mask byte is cleared and without effect",
     mask_byte},
    {36, IN_PVH, "an event ends hlt with interrupts on", halt_ends_by_event},
    {36, IN_PVH, "hlt with interrupts off takes the vCPU down",
     halt_takes_down},
};

TOPIC(topic_block, "block", facts);
