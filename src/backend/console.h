/* SPDX-License-Identifier: MIT */
/*
 * The back end of the PV console: the other side of the page that
 * HVM_PARAM_CONSOLE_PFN names, struct xencons_interface.
 *
 * The page is the guest's. All four indices may hold anything at any time,
 * so each is read once per pass and used only if the fill it implies fits the
 * ring; otherwise the direction is broken, which is said once, and it is left
 * alone until the guest repairs it (as Xen's own console daemon does). A pass
 * moves at most one ring full: the guest cannot keep the host busy.
 */
#ifndef SCHEDOP_BACKEND_CONSOLE_H
#define SCHEDOP_BACKEND_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xencons_interface;

struct console_backend {
    struct xencons_interface *ring;
    bool out_broken, in_broken; /* as found by the last pass */
    bool reported;
};

void console_ring_init(struct console_backend *c,
                       struct xencons_interface *ring);

/*
 * Takes up to `max` bytes the guest wrote and makes room for more. Returns
 * how many; 0 when the ring is empty or broken. After any progress the caller
 * signals the guest, which may be waiting for room.
 */
size_t console_take(struct console_backend *c, char *bytes, size_t max);

/* Offers input; returns how many bytes fitted. Signal the guest if any did. */
size_t console_offer(struct console_backend *c, const char *bytes, size_t len);

/* True once, when a ring was first seen broken: for one line of log. */
bool console_complaint(struct console_backend *c);

#endif
