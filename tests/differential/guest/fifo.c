/* SPDX-License-Identifier: MIT */
/*
 * Programs with FIFO ports: `fifo` changes the domain over, `take` does what
 * a guest does in an upcall, `word` spoils an event word. Pages are as new each
 * time, so nothing of an earlier program is left; cleaning up (conduct.c) goes
 * back by a reset. Words are there before the first port is: real Xen never
 * forgets what was pending before it had a word.
 */
#include "guest.h"

#include <xen/event_channel.h>

#define PRIORITIES 16u
#define LINK ((uint32_t)EVTCHN_FIFO_LINK_MASK)
#define NO_FRAME UINT64_C(0xfffffffff)

struct block {
    struct evtchn_fifo_control_block at_start;
    uint8_t rest[4096 - sizeof(struct evtchn_fifo_control_block)];
};

static volatile struct block blocks[VCPUS] __attribute__((aligned(4096)));
static volatile uint32_t words[2048] __attribute__((aligned(4096)));

static uint64_t frame_of(const volatile void *page)
{
    return kit_frame((const void *)(uintptr_t)page);
}

/* A program may have gone back by a reset: only without FIFO ports there are
 * no priorities, and 16 is none that would be set. */
bool fifo_is_on(void)
{
    struct evtchn_set_priority op = {BELL_PORT, PRIORITIES};

    return traces.fifo &&
           (int)schedop_hypercall3(__HYPERVISOR_event_channel_op,
                                   EVTCHNOP_set_priority, (uintptr_t)&op,
                                   0) != -XEN_ENOSYS;
}

volatile uint32_t *fifo_word(evtchn_port_t port)
{
    return port < PORT_LIMIT ? &words[port] : NULL;
}

/* ---- what calls are about ---- */

void fifo_control(uint32_t vcpu, uint32_t how, struct evtchn_init_control *op)
{
    static const uint32_t offsets[] = {0, 0, 8, 4024, 4025, 4032, 1u << 31, 4};

    memset(op, 0x5a, sizeof(*op));
    op->vcpu = vcpu;
    op->offset = offsets[how % 8];
    op->control_gfn = how < 16 ? frame_of(&blocks[vcpu % VCPUS]) : NO_FRAME;
}

uint64_t fifo_array(uint32_t how)
{
    return how % 2 == 0 ? frame_of(&words[1024]) : NO_FRAME;
}

/* ---- acts ---- */

static void blank(void)
{
    for (unsigned int v = 0; v < VCPUS; v++) {
        volatile uint64_t *bytes = (volatile uint64_t *)&blocks[v];

        for (unsigned int i = 0; i < sizeof(blocks[0]) / 8; i++) {
            bytes[i] = 0;
        }
    }
    for (unsigned int i = 0; i < 2048; i++) {
        words[i] = 1u << EVTCHN_FIFO_MASKED;
    }
}

void fifo_change(uint32_t vcpus)
{
    struct evtchn_expand_array expand = {frame_of(words)};
    struct evtchn_init_control op;

    conduct_lose_bells();
    traces.fifo = true;
    blank();
    for (unsigned int v = 0; v < VCPUS; v++) {
        if (vcpus >> v & 1) {
            fifo_control(v, 0, &op);
            tell("=%d", (int)schedop_hypercall3(__HYPERVISOR_event_channel_op,
                                                EVTCHNOP_init_control,
                                                (uintptr_t)&op, 0));
        }
    }
    tell(" %d",
         (int)schedop_hypercall3(__HYPERVISOR_event_channel_op,
                                 EVTCHNOP_expand_array, (uintptr_t)&expand, 0));
}

/* The head of the first queue that is ready, as Linux takes it. */
void fifo_take(uint32_t vcpu)
{
    volatile struct evtchn_fifo_control_block *b;
    uint32_t priority, head, link;

    if (vcpu >= VCPUS || blocks[vcpu].at_start.ready == 0) {
        tell("=none");
        return;
    }
    b = &blocks[vcpu].at_start;
    priority = (uint32_t)__builtin_ctz(b->ready) % PRIORITIES;
    head = b->head[priority];
    if (head >= PORT_LIMIT) {
        head = 0; /* a spoilt link led there */
    }
    link = words[head] & LINK;
    __atomic_fetch_and(
        &words[head],
        ~(LINK | 1u << EVTCHN_FIFO_LINKED | 1u << EVTCHN_FIFO_PENDING),
        __ATOMIC_SEQ_CST);
    b->head[priority] = link;
    if (link == 0) {
        __atomic_fetch_and(&b->ready, ~(1u << priority), __ATOMIC_SEQ_CST);
    }
    tell("=%u.%u", priority, head);
}

/* Any of the four bits, and a link to nowhere. */
void fifo_spoil(evtchn_port_t port, uint32_t value)
{
    if (port < PORT_LIMIT) {
        words[port] =
            (value & 15) << 28 | (value & 16 ? words[port] & LINK : 0);
    }
}

/* ---- looking ---- */

void fifo_look(struct fifo_state *s)
{
    memset(s, 0, sizeof(*s));
    for (unsigned int v = 0; v < VCPUS; v++) {
        s->ready[v] = blocks[v].at_start.ready;
        for (unsigned int q = 0; q < PRIORITIES; q++) {
            s->head[v][q] = blocks[v].at_start.head[q];
        }
    }
    for (evtchn_port_t port = 0; port < PORT_LIMIT; port++) {
        s->word[port] = words[port];
    }
}
