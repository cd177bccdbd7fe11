/* SPDX-License-Identifier: MIT */
/* The ring by which the tool's lines come, see link_ring.c. */
#ifndef SCHEDOP_X86_LINK_RING_H
#define SCHEDOP_X86_LINK_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/link.h>

/* Where it is; 0: there is none. */
uint64_t link_ring_init(void);
/* Up to `max` bytes; 0 when there are none. */
size_t link_ring_read(char *bytes, size_t max);
/* Does the tool wait to hear that there is room? It is told once. */
bool link_ring_awaited(void);

#endif
