/* SPDX-License-Identifier: MIT */
/*
 * A store with a few domains, and the guest's side of their rings.
 */
#ifndef SCHEDOP_TESTS_UNIT_BACKEND_COMMON_H
#define SCHEDOP_TESTS_UNIT_BACKEND_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "backend/xenstore.h"

#define GUESTS 4

struct guest {
    uint16_t domid;
    struct xenstore_domain_interface ring;
    unsigned notified;
    unsigned complaints;
    char complaint[128];
};

#define PAGES_MAX 256

struct world {
    struct xenstore *xs;
    void *arena;
    void *page[PAGES_MAX]; /* that the store asked for */
    unsigned nr_pages, pages_max;
    struct guest guest[GUESTS];
};

struct reply {
    struct xsd_sockmsg head;
    char body[XENSTORE_PAYLOAD_MAX + 1]; /* a NUL after it */
};

/* A store with GUESTS places; guest i gets domain id i + 1 when connected. */
void world_open(struct world *w, const struct xenstore_config *shares);
/* The same with guests 0 to 2 connected, and 3, which is privileged. */
void world_open_usual(struct world *w);
void world_close(struct world *w);
void guest_connect(struct world *w, unsigned i, bool privileged);

/* Puts what fits of the bytes into the request ring; returns how many. */
size_t guest_put(struct guest *g, const void *bytes, size_t len);
/* Takes up to `max` bytes of response. */
size_t guest_get(struct guest *g, void *bytes, size_t max);

/* Sends a whole request, running the server as needed. */
void guest_send(struct world *w, unsigned i, uint32_t type, uint32_t tx,
                const void *body, size_t len);
/* The next message, false when the server has none. */
bool guest_receive(struct world *w, unsigned i, struct reply *r);

/* Sends, and returns the reply; watch events that come first are dropped. */
const struct reply *ask(struct world *w, unsigned i, uint32_t type, uint32_t tx,
                        const void *body, size_t len);

/* ask() with a string body (its NUL included), then checks the answer. */
void expect(struct world *w, unsigned i, uint32_t type, const char *body,
            const char *answer);
void expect_tx(struct world *w, unsigned i, uint32_t tx, uint32_t type,
               const char *body, const char *answer);
void expect_error(struct world *w, unsigned i, uint32_t type, const char *body,
                  const char *name);
/* WRITE with its NUL in the middle. */
void expect_write(struct world *w, unsigned i, uint32_t tx, const char *path,
                  const char *value, const char *answer);
/* The next message is this event, or with path NULL there is none. */
void expect_event(struct world *w, unsigned i, const char *path,
                  const char *token);
/* WATCH and UNWATCH, whose answer is checked. */
void watch(struct world *w, unsigned i, const char *path, const char *token,
           const char *answer);
void unwatch(struct world *w, unsigned i, const char *path, const char *token,
             const char *answer);
uint32_t begin(struct world *w, unsigned i);
void expect_end(struct world *w, unsigned i, uint32_t tx, const char *how,
                const char *answer);

uint32_t next_random(uint64_t *state);

#endif
