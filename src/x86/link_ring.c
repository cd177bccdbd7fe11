/* SPDX-License-Identifier: MIT */
/*
 * Lines of the tool that come through a ring in RAM (docs/link.md): an
 * emulated serial port brings but a FIFO of bytes each time that the emulator
 * looks at its files. A newline on the port says that there is something.
 *
 * The tool may write anything there at any time: an index is read once and
 * checked. Boot pCPU only.
 */
#include "link_ring.h"

#include "x86.h"

static struct schedop_link_ring *ring; /* NULL: there is none */

uint64_t link_ring_init(void)
{
    if (link_present() && ring == NULL) {
        ring = hv_alloc(sizeof(*ring));
    }
    return (uintptr_t)ring;
}

size_t link_ring_read(char *bytes, size_t max)
{
    const volatile char *from;
    uint32_t head, tail, n;

    if (ring == NULL) {
        return 0;
    }
    head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
    n = head - tail;
    if (n > SCHEDOP_LINK_RING) {
        x86_log(SOP_LOG_WARNING, "link: its ring is broken");
        ring = NULL;
        return 0;
    }
    n = n < max ? n : (uint32_t)max;
    from = ring->bytes;
    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = from[(tail + i) % SCHEDOP_LINK_RING];
    }
    __atomic_store_n(&ring->tail, tail + n, __ATOMIC_SEQ_CST);
    return n;
}

bool link_ring_awaited(void)
{
    return ring != NULL &&
           __atomic_exchange_n(&ring->waits, 0, __ATOMIC_SEQ_CST) != 0;
}
