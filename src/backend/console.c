/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <stdint.h>

#include <xen/io/console.h>

_Static_assert(sizeof(struct xencons_interface) == 3088, "xencons_interface");

void console_ring_init(struct console_backend *c,
                       struct xencons_interface *ring)
{
    *c = (struct console_backend){.ring = ring};
}

size_t console_take(struct console_backend *c, char *bytes, size_t max)
{
    struct xencons_interface *r = c->ring;
    uint32_t cons = __atomic_load_n(&r->out_cons, __ATOMIC_RELAXED);
    uint32_t prod = __atomic_load_n(&r->out_prod, __ATOMIC_ACQUIRE);
    uint32_t fill = prod - cons;

    c->out_broken = fill > sizeof(r->out);
    if (c->out_broken || fill == 0) {
        return 0;
    }
    size_t n = fill < max ? fill : max;
    const volatile char *out = r->out;

    for (size_t i = 0; i < n; i++) {
        bytes[i] = out[MASK_XENCONS_IDX(cons + (uint32_t)i, r->out)];
    }
    /* The bytes are read before the guest may overwrite them. */
    __atomic_store_n(&r->out_cons, cons + (uint32_t)n, __ATOMIC_SEQ_CST);
    return n;
}

size_t console_offer(struct console_backend *c, const char *bytes, size_t len)
{
    struct xencons_interface *r = c->ring;
    uint32_t prod = __atomic_load_n(&r->in_prod, __ATOMIC_RELAXED);
    uint32_t cons = __atomic_load_n(&r->in_cons, __ATOMIC_ACQUIRE);
    uint32_t fill = prod - cons;

    c->in_broken = fill > sizeof(r->in);
    if (c->in_broken) {
        return 0;
    }
    size_t room = sizeof(r->in) - fill;
    size_t n = len < room ? len : room;
    volatile char *in = r->in;

    for (size_t i = 0; i < n; i++) {
        in[MASK_XENCONS_IDX(prod + (uint32_t)i, r->in)] = bytes[i];
    }
    if (n > 0) {
        __atomic_store_n(&r->in_prod, prod + (uint32_t)n, __ATOMIC_SEQ_CST);
    }
    return n;
}

bool console_complaint(struct console_backend *c)
{
    if (c->reported || (!c->out_broken && !c->in_broken)) {
        return false;
    }
    c->reported = true;
    return true;
}
