/* SPDX-License-Identifier: MIT */
/*
 * The nodes that xl writes when it creates a PVH domain, with the permissions
 * it gives them, as xenstore-ls -p shows them on Xen 4.17. Left out is what
 * speaks of daemons that do not exist here (the console's back-end
 * directory, /libxl).
 */
#include "xs_private.h"

/* A stable identifier: the domain's number as a version 4 UUID. */
#define UUID "00000000-0000-4000-8000-00000000%04x"

struct node {
    const char *path;  /* below the domain's directory */
    const char *value; /* NULL: the number */
    uint64_t number;
    bool writable; /* the domain's own; else it may read it */
};

/* Writes `value` to a path; `d` decides the permissions. */
static int put(struct xenstore *xs, const struct xenstore_domain *d,
               bool writable, const char *path, const char *value)
{
    char perms[24];

    if (writable) {
        fmt_snprintf(perms, sizeof(perms), "n%u", d->domid);
    } else {
        fmt_snprintf(perms, sizeof(perms), "n0,r%u", d->domid);
    }
    return xenstore_write(xs, path, value, perms);
}

static int node_write(struct xenstore *xs, const struct xenstore_domain *d,
                      const struct node *node)
{
    char path[96], number[24];
    const char *slash = *node->path == '\0' ? "" : "/";

    fmt_snprintf(path, sizeof(path), "/local/domain/%u%s%s", d->domid, slash,
                 node->path);
    fmt_snprintf(number, sizeof(number), "%llu",
                 (unsigned long long)node->number);
    return put(xs, d, node->writable, path,
               node->value != NULL ? node->value : number);
}

/* /vm/UUID, which /local/domain/N/vm names. */
static int vm_write(struct xenstore *xs, const struct xenstore_domain *d)
{
    char path[64], uuid[40];
    int err;

    fmt_snprintf(uuid, sizeof(uuid), UUID, d->domid);
    fmt_snprintf(path, sizeof(path), "/vm/%s", uuid);
    err = put(xs, d, false, path, "");
    fmt_snprintf(path, sizeof(path), "/vm/%s/name", uuid);
    err = err != 0 ? err : put(xs, d, false, path, d->name);
    fmt_snprintf(path, sizeof(path), "/vm/%s/uuid", uuid);
    return err != 0 ? err : put(xs, d, false, path, uuid);
}

static int cpus_write(struct xenstore *xs, const struct xenstore_domain *d)
{
    char path[48];
    int err = node_write(xs, d, &(struct node){"cpu", "", 0, false});

    for (unsigned i = 0; i < d->vcpus && err == 0; i++) {
        const char *is = d->online == 0 || i < d->online ? "online" : "offline";

        fmt_snprintf(path, sizeof(path), "cpu/%u", i);
        err = node_write(xs, d, &(struct node){path, "", 0, false});
        fmt_snprintf(path, sizeof(path), "cpu/%u/availability", i);
        err = err != 0 ? err
                       : node_write(xs, d, &(struct node){path, is, 0, false});
    }
    return err;
}

int xenstore_domain_add(struct xenstore *xs, const struct xenstore_domain *d)
{
    char vm[48];
    const uint64_t memory_kib = (uint64_t)d->memory_mib << 10;
    const uint64_t target_kib = (uint64_t)d->target_mib << 10;
    const struct node nodes[] = {
        {"", "", 0, false},
        {"vm", vm, 0, false},
        {"name", d->name, 0, false},
        {"memory", "", 0, false},
        {"memory/static-max", NULL, memory_kib, false},
        {"memory/target", NULL, target_kib, false},
        {"memory/videoram", "0", 0, false},
        {"device", "", 0, false},
        {"device/suspend", "", 0, false},
        {"device/suspend/event-channel", "", 0, true},
        {"control", "", 0, false},
        {"control/shutdown", "", 0, true},
        {"control/feature-poweroff", "", 0, true},
        {"control/feature-reboot", "", 0, true},
        {"control/feature-suspend", "", 0, true},
        {"control/sysrq", "", 0, true},
        {"control/platform-feature-multiprocessor-suspend", "1", 0, false},
        {"control/platform-feature-xs_reset_watches", "1", 0, false},
        {"data", "", 0, true},
        {"drivers", "", 0, true},
        {"feature", "", 0, true},
        {"attr", "", 0, true},
        {"error", "", 0, true},
        {"domid", NULL, d->domid, false},
        {"store", "", 0, false},
        {"store/port", NULL, d->store_port, false},
        {"store/ring-ref", NULL, d->store_frame, false},
        {"console", "", 0, false},
        {"console/backend-id", "0", 0, false},
        {"console/limit", "1048576", 0, false},
        {"console/type", "xenconsoled", 0, false},
        {"console/output", "pty", 0, false},
        {"console/port", NULL, d->console_port, false},
        {"console/ring-ref", NULL, d->console_frame, false},
    };
    int err = 0;

    fmt_snprintf(vm, sizeof(vm), "/vm/" UUID, d->domid);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && err == 0; i++) {
        err = node_write(xs, d, &nodes[i]);
    }
    err = err != 0 ? err : cpus_write(xs, d);
    return err != 0 ? err : vm_write(xs, d);
}

void xenstore_domain_remove(struct xenstore *xs, uint16_t domid)
{
    char path[64];

    fmt_snprintf(path, sizeof(path), "/vm/" UUID, domid);
    xenstore_remove(xs, path);
    fmt_snprintf(path, sizeof(path), "/local/domain/%u", domid);
    xenstore_remove(xs, path);
}
