/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels (fifo.h): one event, masks and unmasking, priorities, the
 * order of queues, and what sleeps are ended.
 */
#include "arch.h"
#include "fifo.h"

static int move(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = {port, vcpu};

    return evtchn_op(EVTCHNOP_bind_vcpu, &op);
}

/* Whether a poll for it returns before its time is over. */
static bool ends_a_poll(evtchn_port_t port)
{
    uint64_t deadline = in(WHILE);

    (void)poll(&port, 1, deadline);
    return now() < deadline;
}

/* As a guest does that takes the head of a queue of one. */
static void consume(evtchn_port_t port, unsigned int priority)
{
    __atomic_fetch_and(&fifo_block(0)->ready, ~(1u << priority),
                       __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&fifo_words[port], ~(LINKED | LINK | PENDING),
                       __ATOMIC_SEQ_CST);
    fifo_block(0)->head[priority] = 0;
    clear_upcall(0);
}

/* ---- priorities ---- */

static void priorities(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    saw("16", fifo_prioritise(port, 16), -XEN_EINVAL);
    saw("closed", fifo_prioritise(closed_port(), 3), -XEN_EACCES);
    saw("closed, 16", fifo_prioritise(closed_port(), 16), -XEN_EACCES);
    saw("port 0", fifo_prioritise(0, 3), -XEN_EACCES);
    saw("unknown", fifo_prioritise(4000, 16), -XEN_EINVAL);
    saw("0", fifo_prioritise(port, 0), 0);
    saw("15", fifo_prioritise(port, 15), 0);
    (void)send(port);
    saw_bits("ready", fifo_block(0)->ready, 1u << 15);
    saw_that("in its queue", fifo_block(0)->head[15] == port);
}

static void priority_of_the_queued(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    (void)send(port);
    saw("change", fifo_prioritise(port, 2), 0);
    (void)send(port);
    saw_bits("stays in its queue", fifo_block(0)->ready, 1u << DEFAULT);
    saw("unmask", fifo_open(port), 0);
    saw_bits("still", fifo_block(0)->ready, 1u << DEFAULT);
    consume(port, DEFAULT);
    (void)send(port);
    saw_bits("the next event", fifo_block(0)->ready, 1u << 2);
    saw_that("queued", fifo_block(0)->head[2] == port);
}

static void priority_of_a_new_user(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_ipi(0);
    saw("change", fifo_prioritise(port, 1), 0);
    close_port(port);
    saw_that("the same port", open_clear() == port);
    (void)send(port);
    saw_bits("default again", fifo_block(0)->ready, 1u << DEFAULT);
}

/* ---- one event ---- */

static void one_event(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    (void)send(port);
    saw_word("word", port, PENDING | LINKED);
    saw_bits("link", fifo_words[port] & LINK, 0);
    saw_bits("ready", fifo_block(0)->ready, 1u << DEFAULT);
    saw_that("head", fifo_block(0)->head[DEFAULT] == port);
    saw_that("upcall", upcall_due(0));
    saw_bits("selector", info_of(0)->evtchn_pending_sel, 0);
    lab_fifo(NULL);
    saw_that("no 2-level bit", !is_pending(port));
    lab_fifo(fifo_words);
}

static void masked_event(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_ipi(0);
    (void)send(port);
    saw_word("pending alone", port, PENDING | MASKED);
    saw_bits("ready", fifo_block(0)->ready, 0);
    saw_that("no upcall", !upcall_due(0));
    saw_that("seen by poll", ends_a_poll(port));
    saw("unmask", fifo_open(port), 0);
    saw_word("queued", port, PENDING | LINKED);
    saw_bits("ready", fifo_block(0)->ready, 1u << DEFAULT);
    saw_that("upcall", upcall_due(0));
}

static void unmasking(void)
{
    evtchn_port_t port, closed;

    if (!fifo_start(true)) {
        return;
    }
    port = open_ipi(0);
    saw("not pending", fifo_open(port), 0);
    saw_bits("word", fifo_words[port], 0);
    (void)send(port);
    set_mask(port, true);
    saw("in its queue", fifo_open(port), 0);
    saw_word("word", port, PENDING | LINKED);
    consume(port, DEFAULT);
    set_pending(port);
    saw("pending, not masked", fifo_open(port), 0);
    saw_word("queued", port, PENDING | LINKED);
    closed = closed_port();
    fifo_words[closed] = PENDING | MASKED;
    saw("closed", fifo_open(closed), 0);
    saw_bits("word", fifo_words[closed], PENDING | MASKED);
    saw("unknown", fifo_open(4000), -XEN_EINVAL);
}

static void again_while_queued(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    (void)send(port);
    clear_upcall(0);
    fifo_block(0)->ready = 0;
    clear_pending(port); /* handled, but not taken out */
    (void)send(port);
    saw_word("pending again", port, PENDING | LINKED);
    saw_bits("not queued twice", fifo_block(0)->ready, 0);
    saw_that("no upcall", !upcall_due(0));
}

static void quiet_bits(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    fifo_block(0)->ready = 1u << DEFAULT;
    (void)send(port);
    saw_that("ready set: head", fifo_block(0)->head[DEFAULT] == port);
    saw_that("no upcall", !upcall_due(0));
    consume(port, DEFAULT);
    fifo_words[port] = 0x1234;
    (void)send(port);
    saw_bits("an old link stays", fifo_words[port], PENDING | LINKED | 0x1234);
    consume(port, DEFAULT);
    fifo_words[port] = BUSY;
    (void)send(port);
    saw_bits("BUSY stays", fifo_words[port], PENDING | LINKED | BUSY);
}

/* ---- queues ---- */

static void order(void)
{
    evtchn_port_t a, b, c;

    if (!fifo_start(true)) {
        return;
    }
    a = open_clear();
    b = open_clear();
    c = open_clear();
    (void)send(b);
    (void)send(a);
    (void)send(c);
    saw_that("head", fifo_block(0)->head[DEFAULT] == b);
    saw_that("links", (fifo_words[b] & LINK) == a &&
                          (fifo_words[a] & LINK) == c &&
                          (fifo_words[c] & LINK) == 0);
    saw_word("first", b, PENDING | LINKED);
    saw_word("last", c, PENDING | LINKED);
    saw_bits("ready", fifo_block(0)->ready, 1u << DEFAULT);
}

static void behind_a_busy_tail(void)
{
    evtchn_port_t a, b;

    if (!fifo_start(true)) {
        return;
    }
    a = open_clear();
    b = open_clear();
    (void)send(a);
    fifo_words[a] |= BUSY | 0x123; /* nobody keeps such words */
    (void)send(b);
    saw_word("tail", a, PENDING | LINKED);
    saw_that("link", (fifo_words[a] & LINK) == b);
}

static void behind_a_taken_tail(void)
{
    evtchn_port_t a, b;

    if (!fifo_start(true)) {
        return;
    }
    a = open_clear();
    b = open_clear();
    (void)send(a);
    consume(a, DEFAULT);
    (void)send(b);
    saw_word("not linked to", a, 0);
    saw_that("a new head", fifo_block(0)->head[DEFAULT] == b);
    saw_that("upcall", upcall_due(0));
}

static void moved_tail(void)
{
    evtchn_port_t a, b;

    if (!fifo_start(true)) {
        return;
    }
    a = open_clear();
    b = open_clear();
    (void)send(a);
    consume(a, DEFAULT);
    (void)fifo_prioritise(a, 3);
    (void)send(a); /* LINKED once more, in another queue */
    (void)send(b);
    saw_that("the old queue is empty", fifo_block(0)->head[DEFAULT] == b);
    saw_that("the other is whole",
             fifo_block(0)->head[3] == a && (fifo_words[a] & LINK) == 0);
    saw_bits("ready", fifo_block(0)->ready, 1u << 3 | 1u << DEFAULT);
}

static void closed_in_a_queue(void)
{
    evtchn_port_t port, other;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    (void)send(port);
    close_port(port);
    saw_word("linked, not pending", port, LINKED | MASKED);
    other = open_ipi(0);
    saw_that("not given out", other != port);
    fifo_words[port] = 0;
    saw_that("when taken out", open_ipi(0) == port);
}

/* ---- other vCPUs ---- */

static void without_block(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_ipi(1);
    (void)send(port);
    saw_bits("masked: dropped", fifo_words[port], MASKED);
    set_mask(port, false);
    (void)send(port);
    saw_bits("clear: dropped", fifo_words[port], 0);
    saw_that("no upcall", !upcall_due(1));
    fifo_words[port] = PENDING | MASKED;
    saw("unmask", fifo_open(port), 0);
    saw_bits("PENDING by hand: not queued", fifo_words[port], PENDING);
    saw("init_control", fifo_init(1), 0);
    saw_bits("as before", fifo_words[port], PENDING);
    saw("unmask", fifo_open(port), 0);
    saw_word("queued", port, PENDING | LINKED);
    saw_that("there", fifo_block(1)->head[DEFAULT] == port && upcall_due(1));
}

static void moving(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    saw("init_control", fifo_init(1), 0);
    port = open_unbound();
    saw("join", schedop_evtchn_bind_interdomain(DOMID_SELF, port, &port), 0);
    keep_open(port);
    saw_that("pending at once", is_pending(port));
    saw("move", move(port, 1), 0);
    saw("unmask", fifo_open(port), 0);
    saw_that("its queue", fifo_block(1)->head[DEFAULT] == port);
    saw_bits("not ours", fifo_block(0)->ready, 0);
    saw("back", move(port, 0), 0);
    saw("unmask", fifo_open(port), 0);
    saw_that("it stays",
             fifo_block(0)->ready == 0 && fifo_block(1)->ready != 0);
}

/* ---- sleep ---- */

static void poll_by_word(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    saw("init_control", fifo_init(1), 0);
    port = open_ipi(1);
    lab_fifo(NULL);
    set_pending(port);
    lab_fifo(fifo_words);
    aim = (struct aim){{port}, 1, 0};
    victim_start(job_poll);
    saw_that("a 2-level bit: sleeps", victim_sleeps());
    (void)send(port);
    saw_that("an event, masked: ends", victim_ends(SOON));
    saw("poll", found.result, 0);
    lab_fifo(NULL);
    clear_pending(port);
    lab_fifo(fifo_words);
    victim_start(job_poll);
    saw_that("PENDING: returns", victim_ends(SOON));
    clear_pending(port);
    victim_start(job_poll);
    saw_that("sleeps", victim_sleeps());
    set_pending(port);
    (void)send(port);
    saw_that("PENDING by hand, then an event: sleeps", !victim_ends(WHILE));
    clear_pending(port);
    (void)send(port);
    saw_that("ends", victim_ends(SOON));
}

static void poll_without_block(void)
{
    evtchn_port_t port;

    if (!fifo_start_for(1, true)) {
        return;
    }
    port = open_ipi(0);
    aim = (struct aim){{port}, 1, 0};
    victim_start(job_poll);
    saw_that("sleeps", victim_sleeps());
    (void)send(port);
    saw_that("an event: sleeps", !victim_ends(WHILE));
    saw("init_control", fifo_init(0), 0);
    (void)send(port);
    saw_that("with it: ends", victim_ends(SOON));
    saw("poll", found.result, 0);
}

/* An interrupt that an earlier fact left comes first. */
static void job_block(void)
{
    upcalls_on();
    upcalls_off();
    clear_upcall(1);
    interrupts_on();
    found.result = sched_op(SCHEDOP_block, NULL);
    upcalls_off();
}

static void block_ends(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    saw("init_control", fifo_init(1), 0);
    port = open_ipi(1);
    victim_start(job_block);
    saw_that("sleeps", victim_sleeps());
    (void)send(port);
    saw_that("masked: sleeps", !victim_ends(WHILE));
    saw("unmask", fifo_open(port), 0);
    saw_that("ends", victim_ends(SOON));
    saw("block", found.result, 0);
}

static void timer_event(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_timer(0);
    set_mask(port, false);
    one_shot(in(MS));
    saw("poll", poll(&port, 1, in(SOON)), 0);
    saw_word("its word", port, PENDING | LINKED);
    saw_that("upcall", upcall_due(0));
}

static const struct fact facts[] = {
    {147, HERE, "set_priority: what is refused, in which order", priorities},
    {148, HERE, "a priority is for events to come", priority_of_the_queued},
    {149, HERE, "a new port has the default priority", priority_of_a_new_user},
    {150, HERE, "an event sets word, queue, ready bit and upcall byte",
     one_event},
    {151, HERE, "a masked event is pending and in no queue", masked_event},
    {152, HERE, "unmask queues what is pending", unmasking},
    {153, HERE, "what is in a queue is not queued again", again_while_queued},
    {154, HERE, "a ready bit that is set needs no upcall; links are kept",
     quiet_bits},
    {155, HERE, "a queue is in the order of events", order},
    {156, HERE, "linking clears BUSY and any old link of the tail",
     behind_a_busy_tail},
    {157, HERE, "behind a tail that was taken a queue begins anew",
     behind_a_taken_tail},
    {158, HERE, "a tail that moved leaves an empty queue", moved_tail},
    {159, HERE, "a closed port is given out when it left its queue",
     closed_in_a_queue},
    {160, HERE, "events of a vCPU without control block are dropped",
     without_block},
    {161, HERE, "events go to the vCPU a port is bound to", moving},
    {162, HERE, "poll looks at words, wakes by 0 to 1", poll_by_word},
    {162, HERE, "an event of a vCPU without control block ends no poll",
     poll_without_block},
    {163, HERE, "block is ended by what is queued", block_ends},
    {164, HERE, "a timer's event", timer_event},
};

TOPIC(topic_queues, "queues", facts);
