/* SPDX-License-Identifier: MIT */
/*
 * How much memory a domain should use (memory/target of its xenstore, which
 * its balloon follows) and may have at most, as libxl sets them.
 */
#include "host.h"

#include <xen/errno.h>

#define SLACK_KIB 1024u /* a domain may have that much more, as with libxl */
#define KIB_MAX (1ull << 40)

typedef unsigned long long ull;

/* A number in the domain's directory; false when there is none. */
static bool node_number(const struct host_domain *h, const char *node,
                        uint64_t *value)
{
    char path[64], text[24];
    const char *c = text;

    x86_snprintf(path, sizeof(path), "/local/domain/%u/%s", h->domid, node);
    if (xenstore_read(host.store, path, text, sizeof(text)) <= 0) {
        return false;
    }
    for (*value = 0; *c >= '0' && *c <= '9' && *value < KIB_MAX; c++) {
        *value = *value * 10 + (uint64_t)(*c - '0');
    }
    return *c == '\0';
}

static int node_write(const struct host_domain *h, const char *node,
                      uint64_t value)
{
    char path[64], text[24];

    x86_snprintf(path, sizeof(path), "/local/domain/%u/%s", h->domid, node);
    x86_snprintf(text, sizeof(text), "%llu", (ull)value);
    return xenstore_write(host.store, path, text, NULL);
}

/* /vm/UUID/memory: the target in MiB. */
static int vm_write(const struct host_domain *h, uint64_t kib)
{
    char vm[64], path[80], text[24], perms[24];

    x86_snprintf(path, sizeof(path), "/local/domain/%u/vm", h->domid);
    if (xenstore_read(host.store, path, vm, sizeof(vm)) <= 0) {
        return 0; /* somebody took it away */
    }
    x86_snprintf(path, sizeof(path), "%s/memory", vm);
    x86_snprintf(text, sizeof(text), "%llu", (ull)(kib >> 10));
    x86_snprintf(perms, sizeof(perms), "n0,r%u", h->domid);
    return xenstore_write(host.store, path, text, perms);
}

/* DOMID KIB, and what the domain's xenstore says now. */
static struct host_domain *words(struct host_ask *ask, uint64_t *kib,
                                 const char *node, uint64_t *other, int *error)
{
    struct host_domain *h = host_ask_domain(ask, error);

    if (h == NULL) {
        return NULL;
    }
    if (!host_ask_number(ask, KIB_MAX, kib) || !host_ask_end(ask)) {
        *error = host_ask_fail(ask, -XEN_EINVAL, "a number of KiB is expected");
        return NULL;
    }
    if (!node_number(h, node, other)) {
        *error = host_ask_fail(ask, -XEN_ENOENT,
                               "its xenstore says nothing of its memory");
        return NULL;
    }
    return h;
}

static int written(struct host_ask *ask, int error)
{
    host_note(); /* somebody may watch it */
    return error == 0
               ? 0
               : host_ask_fail(ask, error, "its xenstore cannot be written");
}

/* memory-target DOMID KIB */
int ask_memory_target(struct sop_pcpu *self, struct host_ask *ask)
{
    uint64_t kib, most;
    int error = 0;
    struct host_domain *h =
        words(ask, &kib, "memory/static-max", &most, &error);

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (kib > most) {
        return host_ask_fail(ask, -XEN_ERANGE,
                             "that is more than memory/static-max");
    }
    domain_limit_memory(h->x86, kib + SLACK_KIB);
    error = node_write(h, "memory/target", kib);
    return written(ask, error != 0 ? error : vm_write(h, kib));
}

/* memory-max DOMID KIB */
int ask_memory_max(struct sop_pcpu *self, struct host_ask *ask)
{
    uint64_t kib, target;
    int error = 0;
    struct host_domain *h = words(ask, &kib, "memory/target", &target, &error);

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (kib < target) {
        return host_ask_fail(ask, -XEN_ERANGE,
                             "that is less than memory/target");
    }
    domain_limit_memory(h->x86, kib + SLACK_KIB);
    return written(ask, node_write(h, "memory/static-max", kib));
}
