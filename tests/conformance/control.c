/* SPDX-License-Identifier: MIT */
/*
 * Shutdown as both sides see it (spec 2.2, 3.3, 3.5, 3.6, 7).
 *
 * A toolstack acts on what the hypervisor latched when a domain went down: its
 * code decides between destroying, restarting and saving, so the first code
 * must stick, one notice must come for each end, and a domain that is resumed
 * must find everything as it was. The jobs run in the subject, all else in the
 * hardware domain.
 */
#include "arch.h"
#include "lab.h"
#include "pair.h"

static evtchn_port_t exc_port; /* VIRQ_DOM_EXC: a domain changed */

static void watch(void)
{
    struct evtchn_bind_virq b = {VIRQ_DOM_EXC, 0, 0};

    if (evtchn_op(EVTCHNOP_bind_virq, &b) != 0) {
        broken("cannot bind VIRQ_DOM_EXC");
        return;
    }
    keep_open(b.port);
    clear_pending(b.port);
    exc_port = b.port;
}

/* Was there a notice since the last look? */
static bool noticed(void)
{
    bool seen = is_pending(exc_port);

    clear_pending(exc_port);
    return seen;
}

static void resume(void)
{
    int rc = pair_control(XEN_DOMCTL_resumedomain);

    if (rc != 0) {
        broken("cannot resume the subject");
    }
}

/* ---- reasons ---- */

static void job_shutdown(void)
{
    struct sched_shutdown arg = {told()};

    tell(sched_op(SCHEDOP_shutdown, &arg));
}

static void shut_down(uint32_t reason)
{
    (void)(pair_start(job_shutdown) && pair_put(reason));
    if (!pair_is_down()) {
        broken("the subject does not go down");
    }
}

static void go_on(void)
{
    resume();
    (void)pair_hear();
}

static void all_reasons(void)
{
    static const uint8_t reasons[] = {0, 1, 2, 3, 4, 5, 6, 7, 200, 255};
    static const char *const names[] = {"0", "1", "2", "3",   "4",
                                        "5", "6", "7", "200", "255"};

    for (unsigned int i = 0; i < sizeof(reasons); i++) {
        shut_down(reasons[i]);
        saw(names[i], pair_code(), reasons[i]);
        go_on();
    }
}

static void low_8_bits(void)
{
    static const uint32_t reasons[] = {256, 0x105, 0x1ff, UINT32_MAX};
    static const char *const names[] = {"256", "0x105", "0x1ff", "2^32-1"};

    for (unsigned int i = 0; i < 4; i++) {
        shut_down(reasons[i]);
        saw(names[i], pair_code(), (long)(reasons[i] & 0xff));
        go_on();
    }
}

static void returns_when_resumed(void)
{
    static const uint32_t reasons[] = {0, 1, 2, 3, 4, 5, 6, 200};

    for (unsigned int i = 0; i < 8; i++) {
        uint32_t word;

        shut_down(reasons[i]);
        if (i == 2) {
            saw_that("silent until then", !pair_get(&word, WHILE));
        }
        resume();
        saw("result", (int)pair_hear(), 0);
    }
}

/* ---- the saved registers ---- */

#define THIRD 0x5eed1234u

static void job_shutdown_third(void)
{
    struct sched_shutdown arg = {SHUTDOWN_suspend};

    tell(raw_call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&arg,
                  THIRD));
}

static struct vcpu_guest_context context;

static int context_op(uint32_t command)
{
    static struct xen_domctl op;

    __builtin_memset(&op, 0, sizeof(op));
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    return pair_domctl(command, subject.domid, &op);
}

static void suspend_with_third(void)
{
    (void)pair_start(job_shutdown_third);
    if (!pair_is_down()) {
        broken("the subject does not go down");
    }
}

/* False, and the fact is skipped, when this hypervisor hides registers. */
static bool read_context(void)
{
    int rc = context_op(XEN_DOMCTL_getvcpucontext);

    if (rc == -XEN_ENOSYS) {
        skip("saved registers are not to be had here");
        go_on();
        return false;
    }
    saw("getvcpucontext", rc, 0);
    return true;
}

static void saved_registers(void)
{
    suspend_with_third();
    if (!read_context()) {
        return;
    }
    saw("rax", (long)context.user_regs.rax, 0);
    saw_bits("rdx", context.user_regs.rdx, THIRD);
    resume();
    saw("result", (int)pair_hear(), 0);
}

static void result_of_one(void)
{
    suspend_with_third();
    if (!read_context()) {
        return;
    }
    context.user_regs.rax = 1;
    saw("setvcpucontext", context_op(XEN_DOMCTL_setvcpucontext), 0);
    resume();
    saw("result", (int)pair_hear(), 1);
}

/* ---- notices ---- */

static void one_notice(void)
{
    watch();
    shut_down(SHUTDOWN_reboot);
    saw_that("after a shutdown", noticed());
    saw("remote_shutdown", pair_remote(SHUTDOWN_crash), 0);
    pair_rest(WHILE);
    saw_that("none after another", !noticed());
    saw("code", pair_code(), SHUTDOWN_reboot);
    go_on();
    shut_down(SHUTDOWN_poweroff);
    saw_that("after the next", noticed());
    go_on();
}

static void job_close_port(void)
{
    close_port(told());
    tell(0);
}

static bool subscribe(evtchn_port_t port)
{
    static struct xen_domctl op;

    op.u.subscribe.port = port;
    return pair_domctl(XEN_DOMCTL_subscribe, subject.domid, &op) == 0;
}

static void job_open_for_host(void)
{
    evtchn_port_t port = 0;

    (void)schedop_evtchn_alloc_unbound(0, &port);
    set_mask(port, true);
    tell(port);
}

static void suspend_port(void)
{
    evtchn_port_t remote, local = 0;

    watch();
    (void)pair_start(job_open_for_host);
    remote = pair_hear();
    if (schedop_evtchn_bind_interdomain(subject.domid, remote, &local) != 0 ||
        !subscribe(remote)) {
        broken("cannot subscribe");
        return;
    }
    keep_open(local);
    clear_pending(local);
    shut_down(SHUTDOWN_suspend);
    saw_that("suspend sends the port", is_pending(local));
    saw_that("and no VIRQ", !noticed());
    clear_pending(local);
    go_on();
    shut_down(SHUTDOWN_reboot);
    saw_that("reboot raises the VIRQ", noticed());
    saw_that("and sends no port", !is_pending(local));
    go_on();
    (void)subscribe(0);
    (void)(pair_start(job_close_port) && pair_put(remote));
    (void)pair_hear();
}

/* ---- the latch ---- */

static void job_latch(void)
{
    struct sched_shutdown arg = {told()};

    tell(sched_op(SCHEDOP_shutdown_code, &arg));
}

static int latch(uint32_t code)
{
    (void)(pair_start(job_latch) && pair_put(code));
    return (int)pair_hear();
}

static void first_latch_wins(void)
{
    saw("latch 3", latch(SHUTDOWN_crash), 0);
    saw("latch 1", latch(SHUTDOWN_reboot), 0);
    shut_down(SHUTDOWN_poweroff);
    saw("code after shutdown 0", pair_code(), SHUTDOWN_crash);
    go_on();
    shut_down(SHUTDOWN_reboot);
    saw("code of the next", pair_code(), SHUTDOWN_reboot);
    go_on();
}

/* Xen's timer may be another pCPU's: the call can return just before. */
static void job_watchdog_now(void)
{
    struct sched_watchdog now_arg = {0, 0}, release = {1, 0};
    int rc = sched_op(SCHEDOP_watchdog, &now_arg);

    rest(WHILE);
    (void)sched_op(SCHEDOP_watchdog, &release);
    tell(rc);
}

static void job_all_down(void)
{
    int rc;

    (void)vcpu_op(VCPUOP_down, 1, NULL);
    rc = vcpu_op(VCPUOP_down, 0, NULL);
    tell(rc);
    tell(vcpu_op(VCPUOP_is_up, 0, NULL));
    (void)vcpu_op(VCPUOP_up, 1, NULL);
}

static void latch_wins_over_others(void)
{
    (void)latch(SHUTDOWN_reboot);
    (void)pair_remote(SHUTDOWN_crash);
    saw("remote_shutdown 3", pair_is_down() ? pair_code() : -1,
        SHUTDOWN_reboot);
    resume();
    (void)latch(SHUTDOWN_reboot);
    (void)pair_start(job_watchdog_now);
    saw("watchdog", pair_is_down() ? pair_code() : -1, SHUTDOWN_reboot);
    go_on();
    (void)latch(SHUTDOWN_crash);
    (void)pair_start(job_all_down);
    saw("down of the last", pair_is_down() ? pair_code() : -1, SHUTDOWN_crash);
    go_on();
    (void)pair_hear();
}

static void latch_of_255(void)
{
    saw("latch 255", latch(255), 0);
    saw("shown", pair_code(), 255);
    saw("latch 1", latch(SHUTDOWN_reboot), 0);
    shut_down(SHUTDOWN_poweroff);
    saw("code after shutdown 0", pair_code(), 255);
    go_on();
}

static void latch_shows(void)
{
    saw("before", pair_code(), 255);
    (void)latch(SHUTDOWN_watchdog);
    saw("latched", pair_code(), SHUTDOWN_watchdog);
    saw_that("runs", !(pair_flags() & XEN_DOMINF_shutdown));
    resume();
}

static void resume_clears_latch(void)
{
    (void)latch(SHUTDOWN_crash);
    saw("latched", pair_code(), SHUTDOWN_crash);
    saw("resume", pair_control(XEN_DOMCTL_resumedomain), 0);
    saw("afterwards", pair_code(), 255);
    shut_down(SHUTDOWN_reboot);
    saw("code of a shutdown", pair_code(), SHUTDOWN_reboot);
    go_on();
}

static void latch_is_silent(void)
{
    watch();
    (void)latch(SHUTDOWN_crash);
    pair_rest(WHILE);
    saw_that("no VIRQ", !noticed());
    resume();
}

/* ---- from afar ---- */

static void remote_to_the_dead(void)
{
    shut_down(SHUTDOWN_reboot);
    saw("remote_shutdown", pair_remote(SHUTDOWN_crash), 0);
    saw("code", pair_code(), SHUTDOWN_reboot);
    go_on();
}

static void remote_reasons(void)
{
    saw("0x1ff", pair_remote(0x1ff), 0);
    saw("code", pair_is_down() ? pair_code() : -1, 255);
    resume();
    saw("0x103", pair_remote(0x103), 0);
    saw("code", pair_is_down() ? pair_code() : -1, SHUTDOWN_crash);
    resume();
}

static void job_spin(void)
{
    tell(0);
    while (!is_pending(subject.port[32])) {
        cpu_relax(); /* until somebody rings */
    }
    (void)told();
}

static void remote_while_running(void)
{
    (void)pair_start(job_spin);
    (void)pair_hear();
    saw("remote_shutdown", pair_remote(SHUTDOWN_reboot), 0);
    saw_that("shut down at once", (pair_flags() & XEN_DOMINF_shutdown) != 0);
    pair_rest(WHILE);
    saw_that("not running soon after", !(pair_flags() & XEN_DOMINF_running));
    resume();
    (void)pair_put(0);
}

static void job_nothing(void)
{
    tell(0);
}

static void nested_pauses(void)
{
    unsigned int paused = 0, unpaused = 0;
    int rc;

    while ((rc = pair_control(XEN_DOMCTL_pausedomain)) == 0 && paused < 300) {
        paused++;
    }
    saw("pauses", (long)paused, 255);
    saw("one more", rc, -XEN_EOVERFLOW);
    saw_that("shown", (pair_flags() & XEN_DOMINF_paused) != 0);
    while ((rc = pair_control(XEN_DOMCTL_unpausedomain)) == 0 &&
           unpaused < 300) {
        unpaused++;
    }
    saw("unpauses", (long)unpaused, 255);
    saw("one more", rc, -XEN_EINVAL);
    (void)pair_start(job_nothing);
    saw("runs again", (long)pair_hear(), 0);
}

static void down_of_the_last(void)
{
    watch();
    (void)pair_start(job_all_down);
    saw("code", pair_is_down() ? pair_code() : -1, SHUTDOWN_poweroff);
    saw_that("noticed", noticed());
    resume();
    saw("result", (int)pair_hear(), 0);
    saw("is_up", (int)pair_hear(), 1);
}

/* ---- polls of a domain that is shut down ---- */

static void suspend_polling(uint64_t deadline)
{
    struct sched_shutdown arg = {SHUTDOWN_suspend};

    aim = (struct aim){{open_ipi(1)}, 1, deadline};
    victim_start(job_poll);
    tell(victim_sleeps());
    (void)sched_op(SCHEDOP_shutdown, &arg);
}

static void job_poll_over(void)
{
    suspend_polling(in(5 * WHILE));
    tell(victim_ends(SOON));
    tell(found.result);
}

static void job_poll_on(void)
{
    suspend_polling(in(60 * SOON));
    tell(victim_ends(WHILE));
    (void)send(aim.ports[0]);
    tell(victim_ends(SOON));
}

static void down_while_polling(void (*job)(void))
{
    (void)pair_start(job);
    saw("sleeps", (long)pair_hear(), 1);
    if (!pair_is_down()) {
        broken("the subject does not go down");
    }
    pair_rest(10 * WHILE);
    resume();
}

static void poll_time_passes(void)
{
    down_while_polling(job_poll_over);
    saw("ended", (long)pair_hear(), 1);
    saw("poll", (int)pair_hear(), 0);
}

static void poll_goes_on(void)
{
    down_while_polling(job_poll_on);
    saw("ended", (long)pair_hear(), 0);
    saw("ended by its event", (long)pair_hear(), 1);
}

/* ---- without upcalls (spec 4.5) ---- */

/* Its second vCPU sleeps in `sleep`, gets an event, and says what happened. */
static void deaf_sleep(void (*sleep)(void), evtchn_port_t port)
{
    set_mask(port, false);
    victim_start(sleep);
    tell(victim_sleeps());
    (void)send(port);
    tell(victim_ends(WHILE));
}

static void sleep_in_block(void)
{
    interrupts_on();
    found.result = sched_op(SCHEDOP_block, NULL);
    upcalls_off();
}

static void job_deaf_block(void)
{
    deaf_sleep(sleep_in_block, open_ipi(1));
}

static void job_deaf_poll(void)
{
    evtchn_port_t own = open_ipi(1);

    aim = (struct aim){{own}, 1, 0};
    deaf_sleep(job_poll, open_ipi(1));
    (void)send(own);
    tell(victim_ends(SOON));
}

static void deaf_poll(void)
{
    pair_with(&deaf);
    (void)pair_start(job_deaf_poll);
    saw("sleeps", (long)pair_hear(), 1);
    saw("ended by another port", (long)pair_hear(), 0);
    saw("by its own", (long)pair_hear(), 1);
    pair_with(&subject);
}

/* From here on no words come through: the domain changes to FIFO ports, where
 * the wire is not, so it says what it saw by the code it ends with. */

#define FIFO_NONE 0u /* there are no FIFO ports here */
#define FIFO_SAW 0x40u
#define FIFO_SLEPT 1u   /* poll did not see the event */
#define FIFO_ARRIVED 2u /* the page came, and then it did */

static uint8_t control_page[4096] __attribute__((aligned(4096)));
static uint32_t event_words[1024] __attribute__((aligned(4096)));

static uint32_t fifo_without_page(void)
{
    struct evtchn_init_control init = {.control_gfn = frame_of(control_page)};
    struct evtchn_expand_array expand = {.array_gfn = frame_of(event_words)};
    evtchn_port_t port = open_ipi(0);
    uint64_t deadline = in(WHILE);
    uint32_t seen = FIFO_SAW;

    if (evtchn_op(EVTCHNOP_init_control, &init) != 0) {
        return FIFO_NONE;
    }
    (void)send(port);
    (void)poll(&port, 1, deadline);
    seen |= now() >= deadline ? FIFO_SLEPT : 0;
    (void)evtchn_op(EVTCHNOP_expand_array, &expand);
    deadline = in(60 * SOON);
    (void)poll(&port, 1, deadline);
    seen |= now() < deadline && (event_words[port] >> 31) ? FIFO_ARRIVED : 0;
    return seen;
}

static void job_fifo(void)
{
    struct sched_shutdown arg = {fifo_without_page()};

    (void)sched_op(SCHEDOP_shutdown, &arg);
}

static void fifo(void)
{
    int code;

    pair_with(&deaf);
    (void)pair_start(job_fifo);
    code = pair_is_down() ? pair_code() : -1;
    if (code == (int)FIFO_NONE) {
        skip("there are no FIFO ports");
    } else if (code < 0) {
        broken("no answer");
    } else {
        saw_that("not seen without its page", (code & (int)FIFO_SLEPT) != 0);
        saw_that("seen with it", (code & (int)FIFO_ARRIVED) != 0);
    }
    pair_with(&subject);
}

static void destroyed(void)
{
    int rc;

    pair_with(&deaf);
    rc = pair_control(XEN_DOMCTL_destroydomain);
    if (rc == -XEN_ENOSYS) {
        skip("the hypervisor destroys domains itself");
    } else {
        saw("destroy", rc, 0);
        saw("remote_shutdown", pair_remote(SHUTDOWN_crash), 0);
    }
    pair_with(&subject);
}

/* The sleeper cannot be woken any more. */
static void deaf_block(void)
{
    pair_with(&deaf);
    (void)pair_start(job_deaf_block);
    saw("sleeps", (long)pair_hear(), 1);
    saw("ended by an event", (long)pair_hear(), 0);
    pair_with(&subject);
}

static const struct fact facts[] = {
    {61, IN_ALL | WITH_SUBJECT, "the time of a poll runs on in a shutdown",
     poll_time_passes},
    {62, IN_ALL | WITH_SUBJECT, "a poll goes on after a shutdown",
     poll_goes_on},
    {64, IN_ALL | WITH_SUBJECT, "8 bits of the reason count", low_8_bits},
    {65, IN_ALL | WITH_SUBJECT, "every reason is accepted and reported",
     all_reasons},
    {66, IN_ALL | WITH_SUBJECT, "shutdown returns when resumed, with 0",
     returns_when_resumed},
    {67, IN_ALL | WITH_SUBJECT,
     "the saved result is 0 and the third argument is kept", saved_registers},
    {68, IN_ALL | WITH_SUBJECT, "a saved result of 1 is returned",
     result_of_one},
    {69, IN_ALL | WITH_SUBJECT, "one VIRQ_DOM_EXC for each shutdown",
     one_notice},
    {70, IN_ALL | WITH_SUBJECT, "a suspend port replaces the VIRQ",
     suspend_port},
    {71, IN_ALL | WITH_SUBJECT, "the first latched code wins",
     first_latch_wins},
    {72, IN_ALL | WITH_SUBJECT, "a latched code wins over other sources",
     latch_wins_over_others},
    {73, IN_ALL | WITH_SUBJECT, "255 is latched like any code", latch_of_255},
    {74, IN_ALL | WITH_SUBJECT, "a latched code shows while the domain runs",
     latch_shows},
    {75, IN_ALL | WITH_SUBJECT, "resume clears the latch of any domain",
     resume_clears_latch},
    {76, IN_ALL | WITH_SUBJECT, "shutdown_code raises no VIRQ",
     latch_is_silent},
    {79, IN_ALL | WITH_SUBJECT, "remote_shutdown of the shut down is 0",
     remote_to_the_dead},
    {64, IN_ALL | WITH_SUBJECT, "8 bits of a remote reason count",
     remote_reasons},
    {83, IN_ALL | WITH_SUBJECT, "down of the last vCPU is a poweroff",
     down_of_the_last},
    {84, IN_ALL | WITH_SUBJECT, "a running domain is shut down from afar",
     remote_while_running},
    {85, IN_ALL | WITH_SUBJECT, "255 pauses nest", nested_pauses},
    {59, IN_ALL | WITH_DEAF, "without upcalls poll ends by its own ports only",
     deaf_poll},
    {35, IN_ALL | WITH_DEAF, "without upcalls an event does not end block",
     deaf_block},
    {63, IN_ALL | WITH_DEAF, "a FIFO port without its page is not seen by poll",
     fifo},
    {80, IN_ALL | WITH_DEAF, "remote_shutdown of the dead but held is 0",
     destroyed},
};

TOPIC(topic_control, "control", facts);
