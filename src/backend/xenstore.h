/* SPDX-License-Identifier: MIT */
/*
 * A xenstore: the tree of nodes that domains and the host share, and the
 * server of the ring in each domain's xenstore page.
 *
 * It answers the wire protocol of <xen/io/xs_wire.h> as Xen's xenstored does:
 * every request type, permissions, watches, transactions, quotas, error names.
 * All memory is one arena given at the start, or that and pages for the text
 * as it comes. A domain can exhaust its own share and nothing else: the pools
 * hold the sum of all shares, and the old versions that transactions keep are
 * given up, oldest first, when room is short (those transactions then end with
 * EAGAIN).
 *
 * A transaction sees the tree as it was when it began, and commits if nobody
 * else changed a node it looked at or touched.
 *
 * No locks: the caller serialises all calls. Nothing here depends on time.
 */
#ifndef SCHEDOP_BACKEND_XENSTORE_H
#define SCHEDOP_BACKEND_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xenstore;
struct xenstore_domain_interface;

struct xenstore_config {
    unsigned domains; /* connected at one time, 1..1024 */

    /* Shares of one domain; 0 takes the default. */
    unsigned nodes;        /* 512 */
    unsigned chunks;       /* of text in its nodes, 64 bytes each: 1024 */
    unsigned watches;      /* 128 */
    unsigned transactions; /* 11 */
    unsigned queue_chunks; /* of text in its watches, events and transactions:
                              512 */
    unsigned privileged_shares; /* of those three the privileged one has: 1 */

    /* One line about a domain that misbehaves; may be NULL. */
    void (*complain)(void *context, uint16_t domid, const char *text);
    /* Signal the domain's xenstore event channel. */
    void (*notify)(void *context, uint16_t domid);
    /*
     * A zeroed page of 4096 bytes, for ever; NULL when there is none, and
     * what needs it gets ENOMEM. Without this function the arena has room for
     * all.
     */
    void *(*page)(void *context);
    void *context;
};

/* Bytes of arena for `cfg`; 0 when it is out of range. */
size_t xenstore_size(const struct xenstore_config *cfg);

/* `arena` is zeroed and 64-byte aligned. NULL when anything is out of range. */
struct xenstore *xenstore_init(void *arena, size_t size,
                               const struct xenstore_config *cfg);

/*
 * Connects a domain through its ring page. -XEN_EEXIST when it already is,
 * -XEN_ENOSPC when `domains` are.
 */
int xenstore_introduce(struct xenstore *xs, uint16_t domid, bool privileged,
                       struct xenstore_domain_interface *ring);

/*
 * Forgets a domain: its connection, watches and transactions, and what nodes
 * elsewhere say of it (it owns none any more and has no access). Remove its
 * own part of the tree as well, by xenstore_remove().
 */
void xenstore_release(struct xenstore *xs, uint16_t domid);

/*
 * Serves all rings, a bounded amount each. Returns true when somebody still
 * has a request that could be served now.
 */
bool xenstore_run(struct xenstore *xs);

/* ---- the host's own requests: absolute paths, no permission needed ---- */

/*
 * Writes a value, creating the node and its ancestors. `perms` is what
 * xenstore-ls -p shows, such as "n0,r1"; NULL keeps or inherits them.
 */
int xenstore_write(struct xenstore *xs, const char *path, const char *value,
                   const char *perms);

/* The value, NUL-terminated, at most size - 1 bytes; returns its length. */
int xenstore_read(struct xenstore *xs, const char *path, char *out,
                  size_t size);

/* Removes the node and all below it. 0 also when there was none. */
int xenstore_remove(struct xenstore *xs, const char *path);

/* ---- what xl writes for a PVH domain (xs_domain.c) ---- */

struct xenstore_domain {
    uint16_t domid;
    const char *name;
    unsigned memory_mib, target_mib, vcpus;
    uint64_t start_ns; /* wall-clock time of its creation, since 1970 */
    unsigned online;   /* of them at first; 0: all */
    uint64_t console_frame, store_frame;
    uint32_t console_port, store_port;
};

int xenstore_domain_add(struct xenstore *xs, const struct xenstore_domain *d);
int xenstore_domain_rename(struct xenstore *xs, uint16_t domid,
                           const char *name);
void xenstore_domain_remove(struct xenstore *xs, uint16_t domid);

/*
 * Checks that references, shares and free lists add up; NULL or what is
 * wrong. For tests.
 */
const char *xenstore_check(struct xenstore *xs);

#endif
