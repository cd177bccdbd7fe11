/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels (fifo.h): changing over, and back. Real Xen never
 * forgets that a port was pending before it had a word, so facts about that
 * come last.
 */
#include "arch.h"
#include "fifo.h"

volatile struct fifo_block fifo_blocks[2] __attribute__((aligned(4096)));
volatile uint32_t fifo_words[2048] __attribute__((aligned(4096)));

/* ---- calls ---- */

int fifo_init_at(uint32_t vcpu, uint64_t frame, uint32_t offset)
{
    struct evtchn_init_control op = {frame, offset, vcpu, 77, {0}};
    int rc = evtchn_op(EVTCHNOP_init_control, &op);

    if (op.link_bits != (rc == 0 ? EVTCHN_FIFO_LINK_BITS : 77)) {
        saw("link bits", op.link_bits, rc == 0 ? EVTCHN_FIFO_LINK_BITS : 77);
    }
    return rc;
}

int fifo_init(uint32_t vcpu)
{
    return fifo_init_at(
        vcpu, frame_of((const void *)(uintptr_t)&fifo_blocks[vcpu]), 0);
}

int fifo_expand_by(uint64_t frame)
{
    struct evtchn_expand_array op = {frame};

    return evtchn_op(EVTCHNOP_expand_array, &op);
}

int fifo_expand(unsigned int page)
{
    return fifo_expand_by(
        frame_of((const void *)(uintptr_t)&fifo_words[page * 1024]));
}

int fifo_prioritise(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority op = {port, priority};

    return evtchn_op(EVTCHNOP_set_priority, &op);
}

int fifo_open(evtchn_port_t port)
{
    struct evtchn_unmask op = {port};

    return evtchn_op(EVTCHNOP_unmask, &op);
}

/* ---- the domain with FIFO ports ---- */

/* Pages as new: every port masked, as Linux starts. */
void fifo_blank(void)
{
    for (unsigned int i = 0; i < 2; i++) {
        volatile uint8_t *bytes = (volatile uint8_t *)&fifo_blocks[i];

        for (unsigned int k = 0; k < sizeof(fifo_blocks[0]); k++) {
            bytes[k] = 0;
        }
    }
    for (unsigned int i = 0; i < 2048; i++) {
        fifo_words[i] = MASKED;
    }
}

/* With a control block for `vcpu`, and words for ports if `page`. */
bool fifo_start_for(uint32_t vcpu, bool page)
{
    int rc;

    fifo_blank();
    rc = fifo_init(vcpu);
    if (rc == 0 && page) {
        rc = fifo_expand(0);
    }
    lab_fifo(fifo_words);
    if (rc != 0) {
        broken("no FIFO ports");
    }
    return rc == 0;
}

bool fifo_start(bool page)
{
    return fifo_start_for(0, page);
}

volatile struct evtchn_fifo_control_block *fifo_block(unsigned int vcpu)
{
    return &fifo_blocks[vcpu].at_start;
}

/* An open port, not masked. */
evtchn_port_t open_clear(void)
{
    evtchn_port_t port = open_ipi(0);

    set_mask(port, false);
    return port;
}

/* Without the link, which is told by name. */
void saw_word(const char *what, evtchn_port_t port, uint32_t expected)
{
    saw_bits(what, fifo_words[port] & ~LINK, expected);
}

bool upcall_due(unsigned int vcpu)
{
    return info_of(vcpu)->evtchn_upcall_pending != 0;
}

/* ---- changing over ---- */

static void init_refused(void)
{
    uint64_t frame = frame_of((const void *)(uintptr_t)&fifo_blocks[0]);
    uint64_t bad;
    const char *name;

    fifo_blank();
    saw("vCPU 9", fifo_init_at(9, NO_FRAME, 4), -XEN_ENOENT);
    saw("past the page", fifo_init_at(0, frame, OFFSET_MAX + 8), -XEN_EINVAL);
    saw("odd offset", fifo_init_at(0, frame, 4), -XEN_EINVAL);
    saw("2^31", fifo_init_at(0, frame, 1u << 31), -XEN_EINVAL);
    saw("no frame", fifo_init_at(0, NO_FRAME, 0), -XEN_EINVAL);
    if (bad_address(0, &bad, &name)) {
        saw("bad operand",
            evtchn_op(EVTCHNOP_init_control, (void *)(uintptr_t)bad),
            -XEN_EFAULT);
    }
    saw("still 2-level", fifo_expand(0), -XEN_EOPNOTSUPP);
}

static void init_accepted(void)
{
    fifo_blank();
    lab_fifo(fifo_words);
    saw("for vCPU 1 first", fifo_init(1), 0);
    saw("again", fifo_init(1), -XEN_EINVAL);
    saw("again, no frame", fifo_init_at(1, NO_FRAME, 0), -XEN_EINVAL);
    saw("vCPU 0, at the end of a page",
        fifo_init_at(0, frame_of((const void *)(uintptr_t)&fifo_blocks[0]),
                     OFFSET_MAX),
        0);
    saw_that("nothing is written", fifo_block(1)->ready == 0 &&
                                       fifo_blocks[0].rest[4095 - 72] == 0 &&
                                       fifo_words[1] == MASKED);
}

static void one_frame_for_two(void)
{
    volatile struct evtchn_fifo_control_block *second =
        (volatile struct evtchn_fifo_control_block
             *)((uintptr_t)&fifo_blocks[0] + 72);
    evtchn_port_t port;

    fifo_blank();
    lab_fifo(fifo_words);
    saw("vCPU 0", fifo_init(0), 0);
    saw("vCPU 1 behind it",
        fifo_init_at(1, frame_of((const void *)(uintptr_t)&fifo_blocks[0]), 72),
        0);
    saw("words", fifo_expand(0), 0);
    port = open_ipi(1);
    set_mask(port, false);
    (void)send(port);
    saw_that("is used", second->ready == 1u << DEFAULT &&
                            second->head[DEFAULT] == port &&
                            fifo_block(0)->ready == 0);
}

static void expand_refused(void)
{
    int rc = 0;

    if (!fifo_start(false)) {
        return;
    }
    saw("no frame", fifo_expand_by(NO_FRAME), -XEN_EINVAL);
    for (unsigned int i = 0; i < 128 && rc == 0; i++) {
        rc = fifo_expand(0);
    }
    saw("one frame 128 times", rc, 0);
    saw("once more", fifo_expand(0), -XEN_ENOSPC);
    saw("no frame", fifo_expand_by(NO_FRAME), -XEN_ENOSPC);
}

static void words_of_later_ports(void)
{
    evtchn_port_t port = 0;

    if (!fifo_start(true)) {
        return;
    }
    while (port < 1030) {
        if (schedop_evtchn_bind_ipi(0, &port) != 0) {
            broken("no port");
            return;
        }
    }
    fifo_words[port] = 0;
    (void)send(port);
    saw_bits("before its page", fifo_words[port], 0);
    saw("second page", fifo_expand(1), 0);
    saw_word("with it", port, PENDING | LINKED);
    saw_that("queued", fifo_block(0)->head[DEFAULT] == port);
}

static void pending_before(void)
{
    evtchn_port_t port = open_clear(), masked = open_ipi(0), gone = open_ipi(0);

    (void)send(port);
    (void)send(masked);
    (void)send(gone);
    clear_upcall(0);
    clear_pending(gone);
    if (!fifo_start(false)) {
        return;
    }
    fifo_words[port] = fifo_words[masked] =
        0; /* masks of the 2-level bits are past */
    saw_that("not told yet", !upcall_due(0));
    saw("words", fifo_expand(0), 0);
    saw_word("clear", port, PENDING | LINKED);
    saw_word("masked before", masked, PENDING | LINKED);
    saw_word("taken before", gone, MASKED);
    saw_that("upcall", upcall_due(0));
}

static void closed_before_its_word(void)
{
    evtchn_port_t port, again;

    if (!fifo_start(false)) {
        return;
    }
    port = open_ipi(0);
    (void)send(port);
    close_port(port);
    again = open_ipi(0);
    fifo_words[port] = 0;
    saw_that("the same port", again == port);
    saw("words", fifo_expand(0), 0);
    saw_word("pending for its next user", port, PENDING | LINKED);
}

static void over_a_reset(void)
{
    evtchn_port_t port;

    if (!fifo_start(false)) {
        return;
    }
    port = open_ipi(0);
    (void)send(port);
    lab_forget();
    if (!fifo_start(false)) {
        return;
    }
    saw_that("the same port", open_ipi(0) == port);
    fifo_words[port] = 0;
    saw("words", fifo_expand(0), 0);
    saw_word("pending of its first life", port, PENDING | LINKED);
}

static void while_closed(void)
{
    evtchn_port_t port;

    if (!fifo_start(false)) {
        return;
    }
    port = open_ipi(0);
    (void)send(port);
    close_port(port);
    fifo_words[port] = 0;
    saw("words", fifo_expand(0), 0);
    saw_word("a closed port's", port, PENDING | LINKED);
    saw_that("queued", fifo_block(0)->head[DEFAULT] == port && upcall_due(0));
    lab_forget();
    if (!fifo_start(true)) {
        return;
    }
    saw_word("masked, in its next life", port, PENDING | MASKED);
}

static void reset_ends_it(void)
{
    evtchn_port_t port;

    if (!fifo_start(true)) {
        return;
    }
    port = open_clear();
    (void)send(port);
    lab_forget();
    saw("expand", fifo_expand(0), -XEN_EOPNOTSUPP);
    port = open_ipi(0);
    saw("set_priority", fifo_prioritise(port, 3), -XEN_ENOSYS);
    (void)send(port);
    saw_that("2-level bits", is_pending(port));
    close_port(port);
    saw_that("FIFO once more", fifo_start(true));
    port = open_clear();
    (void)send(port);
    saw_word("a word", port, PENDING | LINKED);
}

static void without_both(void)
{
    evtchn_port_t port;

    if (!fifo_start(false)) {
        return;
    }
    port = open_ipi(1);
    (void)send(port);
    fifo_words[port] = 0;
    saw("words", fifo_expand(0), 0);
    saw_bits("dropped then", fifo_words[port], 0);
}

static const struct fact facts[] = {
    {139, HERE, "init_control: what is refused, in which order", init_refused},
    {140, HERE, "init_control: once a vCPU, any one first", init_accepted},
    {140, HERE, "two control blocks may share a frame", one_frame_for_two},
    {141, HERE, "expand_array: frames are RAM, 128 at most", expand_refused},
    {146, HERE, "reset goes back to 2-level ports", reset_ends_it},
    {142, HERE, "each page of words is for the next 1024 ports",
     words_of_later_ports},
    {143, HERE, "what is pending by its bit is so by its word", pending_before},
    {144, HERE, "what is pending before it has a word stays so when closed",
     closed_before_its_word},
    {145, HERE, "and over a reset, whoever has the port", over_a_reset},
    {145, HERE, "or nobody", while_closed},
    {160, HERE, "what had no word and has no control block is dropped",
     without_both},
};

TOPIC(topic_fifo, "fifo", facts);
