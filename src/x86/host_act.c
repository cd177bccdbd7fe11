/* SPDX-License-Identifier: MIT */
/*
 * What the host tool may do to a domain that runs. Errors are those of the
 * hypercalls by which xl does the same on Xen.
 */
#include "host.h"

#include <xen/domctl.h>
#include <xen/errno.h>

#include "lib/linkline.h"
#include "lib/string.h"

/* ------------------------------------------------------------- life cycle */

static int with_domain(struct sop_pcpu *self, struct host_ask *ask,
                       int (*act)(struct sop_pcpu *self, struct sop_domain *d))
{
    int error = 0;
    const struct host_domain *h = host_ask_domain(ask, &error);

    if (h == NULL) {
        return error;
    }
    error = act(self, h->sop);
    return error == 0 ? 0 : host_ask_fail(ask, error, "not in its state");
}

int ask_pause(struct sop_pcpu *self, struct host_ask *ask)
{
    return with_domain(self, ask, sop_domain_pause);
}

int ask_unpause(struct sop_pcpu *self, struct host_ask *ask)
{
    return with_domain(self, ask, sop_domain_unpause);
}

int ask_destroy(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);

    if (h != NULL) {
        host_kill(self, h);
    }
    return error;
}

/* shutdown DOMID CODE: the domain is not asked. */
int ask_shutdown(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    const struct host_domain *h = host_ask_domain(ask, &error);
    uint64_t code;

    if (h == NULL) {
        return error;
    }
    if (!host_ask_number(ask, UINT8_MAX, &code) || !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "expected: shutdown DOMID CODE");
    }
    sop_domain_shutdown(self, h->sop, (uint32_t)code);
    return 0;
}

bool host_name_is_good(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool good = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                    (*c >= 'A' && *c <= 'Z') || *c == '_' || *c == '.' ||
                    *c == '-';

        if (!good) {
            return false;
        }
    }
    return true;
}

int ask_rename(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);
    char name[SCHEDOP_NAME_MAX + 1];

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_ask_word(ask, name, sizeof(name)) || !host_ask_end(ask) ||
        !host_name_is_good(name)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "a name has 1 to 63 letters, digits and _ . -");
    }
    for (const struct host_domain *o = host.first; o != NULL; o = o->next) {
        if (o != h && o->state != HOST_GOING && strcmp(o->name, name) == 0) {
            return host_ask_fail(ask, -XEN_EEXIST,
                                 "another domain has this name");
        }
    }
    image_rename(h->spec, name);
    return host_rename(h, name) ? 0 : -XEN_ENOSPC;
}

/* -------------------------------------------------------------------- vCPUs */

static struct sop_vcpu *next_vcpu(struct host_ask *ask,
                                  const struct host_domain *h)
{
    uint64_t n;

    if (!host_ask_number(ask, SOP_VCPUS_MAX, &n) ||
        n >= sop_domain_nr_vcpus(h->sop)) {
        return NULL;
    }
    return sop_domain_vcpu(h->sop, (unsigned)n);
}

/* A mask, or "-" for none; false when it is neither. */
static bool next_mask(struct host_ask *ask, sop_cpumask_t *mask, bool *given)
{
    *given = !(ask->at[0] == '-' && (ask->at[1] == ' ' || ask->at[1] == '\0'));
    if (!*given) {
        char dash[4];

        return host_ask_word(ask, dash, sizeof(dash));
    }
    return host_ask_number(ask, UINT64_MAX, mask);
}

/* vcpu-pin DOMID VCPU HARD|- SOFT|- [force] */
int ask_vcpu_pin(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    const struct host_domain *h = host_ask_domain(ask, &error);
    struct sop_vcpu *v = h != NULL ? next_vcpu(ask, h) : NULL;
    sop_cpumask_t hard = 0, soft = 0;
    bool with_hard, with_soft;
    char word[8];
    unsigned flags;

    if (h == NULL) {
        return error;
    }
    if (v == NULL) {
        return host_ask_fail(ask, -XEN_EINVAL, "there is no such vCPU");
    }
    if (!next_mask(ask, &hard, &with_hard) ||
        !next_mask(ask, &soft, &with_soft)) {
        return host_ask_fail(ask, -XEN_EINVAL, "a mask is expected");
    }
    flags = (with_hard ? SOP_AFFINITY_HARD : 0) |
            (with_soft ? SOP_AFFINITY_SOFT : 0);
    if (host_ask_word(ask, word, sizeof(word)) && strcmp(word, "force") == 0) {
        flags |= SOP_AFFINITY_FORCE;
    }
    error = sop_vcpu_set_affinity(self, v, flags, &hard, &soft);
    if (error != 0) {
        return host_ask_fail(ask, error,
                             error == -XEN_EBUSY
                                 ? "the domain has pinned it"
                                 : "none of these pCPUs is its pool's");
    }
    x86_snprintf(ask->out, sizeof(ask->out), "hard=0x%llx soft=0x%llx",
                 (unsigned long long)hard, (unsigned long long)soft);
    return 0;
}

/* trigger DOMID nmi VCPU: the others of Xen are for devices we do not have. */
int ask_trigger(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    const struct host_domain *h = host_ask_domain(ask, &error);
    struct sop_vcpu *v;
    char what[16];

    if (h == NULL) {
        return error;
    }
    if (!host_ask_word(ask, what, sizeof(what)) || strcmp(what, "nmi") != 0) {
        return host_ask_fail(ask, -XEN_ENOSYS,
                             "not implemented for PVH domains, as on Xen; "
                             "`reboot` asks the domain, `destroy` ends it");
    }
    v = next_vcpu(ask, h);
    if (v == NULL) {
        return host_ask_fail(ask, -XEN_EINVAL, "there is no such vCPU");
    }
    port_inject_nmi(v);
    sop_vcpu_kick(self, v);
    return 0;
}

/* ----------------------------------------------------------------- xenstore */

/* store-read DOMID PATH: below /local/domain/DOMID. */
int ask_store_read(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    const struct host_domain *h = host_ask_domain(ask, &error);
    char node[128], path[160];

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_ask_word(ask, node, sizeof(node)) || !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "a path is expected");
    }
    x86_snprintf(path, sizeof(path), "/local/domain/%u/%s", h->domid, node);
    error = xenstore_read(host.store, path, ask->out, sizeof(ask->out));
    return error >= 0 ? 0 : host_ask_fail(ask, error, "there is no such node");
}

/* store-write DOMID PATH TEXT: the node keeps its owner. */
int ask_store_write(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    const struct host_domain *h = host_ask_domain(ask, &error);
    char node[128], path[160], value[HOST_ASK_OUT];
    size_t len = strlen(ask->at);

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_ask_word(ask, node, sizeof(node))) {
        return host_ask_fail(ask, -XEN_EINVAL, "a path is expected");
    }
    len = strlen(ask->at);
    if (len >= sizeof(value) || !linkline_unescape(value, &len, ask->at, len)) {
        return host_ask_fail(ask, -XEN_EINVAL, "a value is expected");
    }
    value[len] = '\0';
    x86_snprintf(path, sizeof(path), "/local/domain/%u/%s", h->domid, node);
    error = xenstore_write(host.store, path, value, NULL);
    host_note(); /* somebody may watch it */
    return error == 0 ? 0 : host_ask_fail(ask, error, "it cannot be written");
}

/* --------------------------------------------------------------- debug keys */

static void key_help(struct sop_pcpu *self, struct host_ask *ask);

static void key_check(struct sop_pcpu *self, struct host_ask *ask)
{
    (void)self;
    sop_check(host.sys, time_now()); /* panics */
    link_row(ask->tag, "every invariant of the core holds");
}

static void key_queues(struct sop_pcpu *self, struct host_ask *ask)
{
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        const struct sop_vcpu *v = sop_pcpu_current(sop_pcpu(host.sys, i));

        /* Another pCPU's: as of a moment ago, and only compared. */
        link_row(ask->tag, "CPU[%02u] %s", i, v != NULL ? "busy" : "idle");
    }
    for (struct host_domain *h = host.first; h != NULL; h = h->next) {
        for (unsigned n = 0; n < sop_domain_nr_vcpus(h->sop); n++) {
            struct sop_vcpu_info info;

            sop_vcpu_info(self, sop_domain_vcpu(h->sop, n), time_now(), &info);
            link_row(ask->tag, "d%uv%u: %s, last on CPU %u, %llu us of time",
                     h->domid, n,
                     !info.online   ? "down"
                     : info.running ? "running"
                     : info.blocked ? "blocked"
                                    : "ready",
                     info.pcpu, (unsigned long long)info.cpu_ns / 1000);
        }
    }
}

static void key_domains(struct sop_pcpu *self, struct host_ask *ask)
{
    (void)self;
    for (struct host_domain *h = host.first; h != NULL; h = h->next) {
        struct sop_domain_info info;

        sop_domain_info(h->sop, time_now(), &info);
        link_row(ask->tag,
                 "domain %u %s: flags %x, %u vCPUs (%u up), %u MiB, xenstore "
                 "port %u, console port %u",
                 h->domid, h->name, info.flags, info.nr_vcpus, info.nr_online,
                 h->spec->memory_mib, domain_xenstore_port(h->x86),
                 domain_console_port(h->x86));
    }
}

static const struct {
    char key;
    const char *what;
    void (*act)(struct sop_pcpu *self, struct host_ask *ask);
} keys[] = {
    {'c', "check the invariants of the core", key_check},
    {'h', "show this help", key_help},
    {'q', "dump domains", key_domains},
    {'r', "dump run states of vCPUs", key_queues},
};

static void key_help(struct sop_pcpu *self, struct host_ask *ask)
{
    (void)self;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        link_row(ask->tag, "key '%c' => %s", keys[i].key, keys[i].what);
    }
}

int ask_debug(struct sop_pcpu *self, struct host_ask *ask)
{
    char word[4];

    if (!host_ask_word(ask, word, sizeof(word)) || word[1] != '\0') {
        return host_ask_fail(ask, -XEN_EINVAL, "one key is expected");
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i].key == word[0]) {
            keys[i].act(self, ask);
            return 0;
        }
    }
    return host_ask_fail(ask, -XEN_ENOSYS, "no such key; h lists them");
}
