/* SPDX-License-Identifier: MIT */
/*
 * The nodes that xl writes when it creates a PVH domain, with the permissions
 * it gives them, as xenstore-ls -p shows them on Xen 4.17; tests/store compares
 * them. Left out is what domains cannot see (/libxl, domain 0's own).
 */
#include "xs_private.h"

/* A stable identifier: the domain's number as a version 4 UUID. */
#define NS_PER_S 1000000000ull
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

/* xl leaves this one to the domain. */
static int own_console(struct xenstore *xs, const struct xenstore_domain *d)
{
    char path[64], perms[24];

    fmt_snprintf(path, sizeof(path), "/local/domain/%u/console/backend-id",
                 d->domid);
    fmt_snprintf(perms, sizeof(perms), "n%u,r0", d->domid);
    return xenstore_write(xs, path, "0", perms);
}

#define BACKEND "/local/domain/0/backend/console/%u"

/* The console's other end, which domain 0 would have. */
static int backend_write(struct xenstore *xs, const struct xenstore_domain *d)
{
    static const char *const fixed[][2] = {
        {"online", "1"}, {"state", "1"}, {"protocol", "vt100"}};
    char path[64], value[48];
    int err;

    fmt_snprintf(path, sizeof(path), BACKEND "/0", d->domid);
    err = put(xs, d, false, path, "");
    fmt_snprintf(path, sizeof(path), BACKEND "/0/frontend", d->domid);
    fmt_snprintf(value, sizeof(value), "/local/domain/%u/console", d->domid);
    err = err != 0 ? err : put(xs, d, false, path, value);
    fmt_snprintf(path, sizeof(path), BACKEND "/0/frontend-id", d->domid);
    fmt_snprintf(value, sizeof(value), "%u", d->domid);
    err = err != 0 ? err : put(xs, d, false, path, value);
    for (unsigned i = 0; i < 3 && err == 0; i++) {
        fmt_snprintf(path, sizeof(path), BACKEND "/0/%s", d->domid,
                     fixed[i][0]);
        err = put(xs, d, false, path, fixed[i][1]);
    }
    return err;
}

/* /vm/UUID, which /local/domain/N/vm names. */
static int vm_write(struct xenstore *xs, const struct xenstore_domain *d)
{
    char path[64], uuid[40], start[32];
    int err;

    fmt_snprintf(uuid, sizeof(uuid), UUID, d->domid);
    fmt_snprintf(path, sizeof(path), "/vm/%s", uuid);
    err = put(xs, d, false, path, "");
    fmt_snprintf(path, sizeof(path), "/vm/%s/name", uuid);
    err = err != 0 ? err : put(xs, d, false, path, d->name);
    fmt_snprintf(path, sizeof(path), "/vm/%s/start_time", uuid);
    fmt_snprintf(start, sizeof(start), "%llu.%02u",
                 (unsigned long long)(d->start_ns / NS_PER_S),
                 (unsigned)(d->start_ns % NS_PER_S / (NS_PER_S / 100)));
    err = err != 0 ? err : put(xs, d, false, path, start);
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
    char vm[48], backend[48];
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
        {"console/backend", backend, 0, false},
        {"console/limit", "1048576", 0, false},
        {"console/type", "xenconsoled", 0, false},
        {"console/output", "pty", 0, false},
        {"console/tty", "", 0, false}, /* there is none */
        {"console/port", NULL, d->console_port, false},
        {"console/ring-ref", NULL, d->console_frame, false},
    };
    int err = 0;

    fmt_snprintf(vm, sizeof(vm), "/vm/" UUID, d->domid);
    fmt_snprintf(backend, sizeof(backend), BACKEND "/0", d->domid);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && err == 0; i++) {
        err = node_write(xs, d, &nodes[i]);
    }
    err = err != 0 ? err : own_console(xs, d);
    err = err != 0 ? err : cpus_write(xs, d);
    err = err != 0 ? err : backend_write(xs, d);
    return err != 0 ? err : vm_write(xs, d);
}

int xenstore_domain_rename(struct xenstore *xs, uint16_t domid,
                           const char *name)
{
    char path[64];
    int err;

    fmt_snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    err = xenstore_write(xs, path, name, NULL);
    fmt_snprintf(path, sizeof(path), "/vm/" UUID "/name", domid);
    return err != 0 ? err : xenstore_write(xs, path, name, NULL);
}

void xenstore_domain_remove(struct xenstore *xs, uint16_t domid)
{
    char path[64];

    fmt_snprintf(path, sizeof(path), "/vm/" UUID, domid);
    xenstore_remove(xs, path);
    fmt_snprintf(path, sizeof(path), BACKEND, domid);
    xenstore_remove(xs, path);
    fmt_snprintf(path, sizeof(path), "/local/domain/%u", domid);
    xenstore_remove(xs, path);
}
