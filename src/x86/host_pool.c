/* SPDX-License-Identifier: MIT */
/*
 * What the host tool asks about cpupools, pCPUs and knobs. Errors are those of
 * the hypercalls by which xl does the same on Xen.
 */
#include "host.h"

#include <xen/domctl.h>
#include <xen/errno.h>

#include "lib/string.h"
#include "pools.h"

/* ------------------------------------------------------------------- words */

static bool next_pool(struct host_ask *ask, uint32_t *id)
{
    uint64_t n;

    if (!host_ask_number(ask, UINT32_MAX - 1, &n)) {
        return false;
    }
    *id = (uint32_t)n;
    return true;
}

/* A pCPU, or "any". */
static bool next_pcpu(struct host_ask *ask, uint32_t *pcpu)
{
    uint64_t n;

    if (strcmp(ask->at, "any") == 0) {
        char word[4];

        *pcpu = SOP_POOL_ANY;
        return host_ask_word(ask, word, sizeof(word));
    }
    if (!host_ask_number(ask, UINT32_MAX - 1, &n)) {
        return false;
    }
    *pcpu = (uint32_t)n;
    return true;
}

static int expected(struct host_ask *ask, const char *what)
{
    return host_ask_fail(ask, -XEN_EINVAL, what);
}

/* ------------------------------------------------------------------- pools */

int ask_pools(struct sop_pcpu *self, struct host_ask *ask)
{
    struct sop_pool_info info;

    for (uint32_t id = 0; sop_pool_info(self, id, &info) == 0;
         id = info.id + 1) {
        link_row(ask->tag, "pool=%u name=%s sched=%s domains=%u pcpus=0x%llx",
                 info.id, pools_name(info.id), info.sched_name, info.nr_domains,
                 (unsigned long long)info.pcpus);
    }
    x86_snprintf(ask->out, sizeof(ask->out), "free=0x%llx",
                 (unsigned long long)sop_pool_free_pcpus(self));
    return 0;
}

static bool next_name(struct host_ask *ask, char name[SCHEDOP_NAME_MAX + 1])
{
    return host_ask_word(ask, name, SCHEDOP_NAME_MAX + 1) &&
           host_name_is_good(name);
}

int ask_pool_create(struct sop_pcpu *self, struct host_ask *ask)
{
    char name[SCHEDOP_NAME_MAX + 1], sched[24];
    uint32_t id = SOP_POOL_ANY;
    int sched_id, rc;

    if (!next_name(ask, name) || !host_ask_word(ask, sched, sizeof(sched)) ||
        (!host_ask_end(ask) && !next_pool(ask, &id))) {
        return expected(ask, "expected: pool-create NAME SCHED [ID]");
    }
    sched_id = pools_policy_id(sched);
    if (sched_id < 0) {
        return host_ask_fail(ask, -XEN_ENOENT, "there is no such scheduler");
    }
    rc = pools_create(self, name, (uint32_t)sched_id, &id);
    if (rc != 0) {
        return host_ask_fail(ask, rc,
                             rc == -XEN_EEXIST ? "there is such a pool"
                                               : "there are too many pools");
    }
    x86_snprintf(ask->out, sizeof(ask->out), "pool=%u", id);
    return 0;
}

int ask_pool_destroy(struct sop_pcpu *self, struct host_ask *ask)
{
    uint32_t id;
    int rc;

    if (!next_pool(ask, &id) || !host_ask_end(ask)) {
        return expected(ask, "expected: pool-destroy POOL");
    }
    rc = pools_destroy(self, id);
    return rc == 0 ? 0
                   : host_ask_fail(ask, rc,
                                   rc == -XEN_EBUSY
                                       ? "it has pCPUs or domains, or is the "
                                         "first"
                                       : "there is no such pool");
}

int ask_pool_rename(struct sop_pcpu *self, struct host_ask *ask)
{
    char name[SCHEDOP_NAME_MAX + 1];
    uint32_t id;
    int rc;

    (void)self;
    if (!next_pool(ask, &id) || !next_name(ask, name) || !host_ask_end(ask)) {
        return expected(ask, "expected: pool-rename POOL NAME");
    }
    rc = pools_rename(id, name);
    return rc == 0
               ? 0
               : host_ask_fail(ask, rc,
                               rc == -XEN_EEXIST ? "another pool has this name"
                                                 : "there is no such pool");
}

/* What the errors of a change of members mean. */
static const char *why_not(int rc)
{
    switch (rc) {
    case -XEN_ENOENT:
        return "there is no such pool";
    case -XEN_ENODEV:
        return "the pCPU is not free";
    case -XEN_EADDRINUSE:
        return "a vCPU is pinned to it; it leaves when the pin is undone and "
               "this is asked again";
    case -XEN_EADDRNOTAVAIL:
        return "it is not in this pool, or another pCPU is still leaving";
    case -XEN_EBUSY:
        return "it is the last one, and domains are in the pool";
    case -XEN_EEXIST:
        return "it is so already";
    default:
        return "there is no such pCPU, or it may not";
    }
}

static int said(struct host_ask *ask, int rc)
{
    return rc == 0 || rc == -XEN_EAGAIN ? rc
                                        : host_ask_fail(ask, rc, why_not(rc));
}

static int change(struct sop_pcpu *self, struct host_ask *ask,
                  int (*act)(struct sop_pcpu *, uint32_t, uint32_t))
{
    uint32_t id, pcpu;

    if (!next_pool(ask, &id) || !next_pcpu(ask, &pcpu) || !host_ask_end(ask)) {
        return expected(ask, "expected: POOL PCPU");
    }
    return said(ask, act(self, id, pcpu));
}

int ask_pool_add(struct sop_pcpu *self, struct host_ask *ask)
{
    return change(self, ask, sop_pool_add);
}

int ask_pool_remove(struct sop_pcpu *self, struct host_ask *ask)
{
    return change(self, ask, sop_pool_remove);
}

int ask_pool_move(struct sop_pcpu *self, struct host_ask *ask)
{
    const struct host_domain *h;
    int rc = 0;
    uint32_t id;

    if (!next_pool(ask, &id)) {
        return expected(ask, "expected: pool-move POOL DOMID");
    }
    h = host_ask_domain(ask, &rc);
    if (h == NULL) {
        return rc;
    }
    if (sop_domain_is_hardware(h->sop)) {
        return host_ask_fail(ask, -XEN_EPERM, "the hardware domain stays");
    }
    rc = sop_pool_move(self, id, h->sop);
    if (rc == 0) {
        image_move(h->spec, pools_name(id));
    }
    if (rc == 0 || rc == -XEN_EAGAIN) {
        return rc;
    }
    return host_ask_fail(ask, rc,
                         rc == -XEN_ENOENT
                             ? "there is no such pool, or it has no pCPU"
                         : rc == -XEN_EBUSY ? "one of its vCPUs is pinned"
                                            : "its scheduler refuses it");
}

static int hotplug(struct sop_pcpu *self, struct host_ask *ask,
                   int (*act)(struct sop_pcpu *, uint32_t))
{
    uint64_t pcpu;

    if (!host_ask_number(ask, UINT32_MAX, &pcpu) || !host_ask_end(ask)) {
        return expected(ask, "expected: a pCPU");
    }
    return said(ask, act(self, (uint32_t)pcpu));
}

int ask_pcpu_online(struct sop_pcpu *self, struct host_ask *ask)
{
    return hotplug(self, ask, sop_hotplug_online);
}

int ask_pcpu_offline(struct sop_pcpu *self, struct host_ask *ask)
{
    return hotplug(self, ask, sop_hotplug_offline);
}

/* ------------------------------------------------------------------- knobs */

static const char *verb_of(const char *policy)
{
    return strcmp(policy, "credit2") == 0    ? ": see sched-credit2"
           : strcmp(policy, "rtds") == 0     ? ": see sched-rtds"
           : strcmp(policy, "arinc653") == 0 ? ": see sched-arinc653"
                                             : ", which has none";
}

/* A knob of another policy names the right one. */
static int refused(struct sop_pcpu *self, struct host_ask *ask,
                   const struct host_domain *h, uint32_t sched_id, int rc)
{
    const char *has = sop_domain_policy(self, h->sop);

    if (strcmp(has, pools_policy_name(sched_id)) != 0) {
        x86_snprintf(ask->out, sizeof(ask->out),
                     "these are knobs of %s; the domain's pool has %s%s",
                     pools_policy_name(sched_id), has, verb_of(has));
        return rc;
    }
    return host_ask_fail(ask, rc,
                         rc == -XEN_ENOSPC ? "the pCPUs cannot guarantee that"
                                           : "a value is out of range");
}

int ask_sched_credit2(struct sop_pcpu *self, struct host_ask *ask)
{
    struct policy_domain_knobs k = {.sched_id = XEN_SCHEDULER_CREDIT2};
    uint64_t weight, cap;
    bool set = false;
    int rc = 0;
    const struct host_domain *h = host_ask_domain(ask, &rc);

    if (h == NULL) {
        return rc;
    }
    if (!host_ask_end(ask)) {
        set = true;
        if (!host_ask_number(ask, UINT16_MAX, &weight) ||
            !host_ask_number(ask, UINT16_MAX, &cap) || !host_ask_end(ask)) {
            return expected(ask, "expected: sched-credit2 DOMID [WEIGHT CAP]");
        }
        k.u.credit2.weight = (uint32_t)weight;
        k.u.credit2.cap = (uint32_t)cap;
    }
    rc = sop_domain_knobs(self, h->sop, &k, set);
    if (rc != 0) {
        return refused(self, ask, h, k.sched_id, rc);
    }
    if (set) {
        image_set_credit2(h->spec, k.u.credit2.weight, k.u.credit2.cap);
    }
    x86_snprintf(ask->out, sizeof(ask->out), "weight=%u cap=%u",
                 k.u.credit2.weight, k.u.credit2.cap);
    return 0;
}

/* Likewise of a pool. */
static int pool_refused(struct sop_pcpu *self, struct host_ask *ask,
                        uint32_t id, uint32_t sched_id, int rc)
{
    struct sop_pool_info info;
    const char *has;

    if (sop_pool_info(self, id, &info) != 0 || info.id != id) {
        return host_ask_fail(ask, rc, "there is no such pool");
    }
    has = pools_policy_name(info.sched_id);
    if (info.sched_id != sched_id) {
        x86_snprintf(ask->out, sizeof(ask->out),
                     "these are knobs of %s; this pool has %s%s",
                     pools_policy_name(sched_id), has, verb_of(has));
        return rc;
    }
    return host_ask_fail(ask, rc,
                         sched_id == XEN_SCHEDULER_ARINC653
                             ? "the windows do not fit into the major frame"
                             : "this is out of range");
}

int ask_sched_credit2_pool(struct sop_pcpu *self, struct host_ask *ask)
{
    static struct policy_pool_knobs k; /* work */
    bool set = false;
    uint64_t us = 0;
    uint32_t id;
    int rc;

    if (!next_pool(ask, &id) ||
        (!host_ask_end(ask) &&
         (set = true, !host_ask_number(ask, UINT32_MAX, &us)))) {
        return expected(ask, "expected: sched-credit2-pool POOL [US]");
    }
    k.sched_id = XEN_SCHEDULER_CREDIT2;
    k.u.credit2.ratelimit_us = (uint32_t)us;
    rc = sop_pool_knobs(self, id, &k, set);
    if (rc != 0) {
        return pool_refused(self, ask, id, XEN_SCHEDULER_CREDIT2, rc);
    }
    x86_snprintf(ask->out, sizeof(ask->out), "ratelimit_us=%u",
                 k.u.credit2.ratelimit_us);
    return 0;
}

/* The domain that a window means, or "-". */
static const char *window_domain(const struct policy_arinc653_window *w)
{
    for (const struct host_domain *h = host.first; h != NULL; h = h->next) {
        uint8_t handle[16];

        pools_handle(h->name, handle);
        if (memcmp(handle, w->handle, sizeof(handle)) == 0) {
            return h->name;
        }
    }
    return "-";
}

/* Words of a schedule: the frame in ns and its windows. */
static bool next_schedule(struct host_ask *ask, struct policy_arinc653 *a)
{
    char word[SCHEDOP_NAME_MAX + 40];

    a->count = 0;
    if (!host_ask_number(ask, UINT64_MAX, &a->major_frame_ns)) {
        return false;
    }
    while (!host_ask_end(ask)) {
        if (!host_ask_word(ask, word, sizeof(word)) || !pools_window(a, word)) {
            return false;
        }
    }
    return a->count != 0;
}

/* The frame is the first row. */
int ask_sched_arinc653(struct sop_pcpu *self, struct host_ask *ask)
{
    static struct policy_pool_knobs k; /* work */
    struct policy_arinc653 *a = &k.u.arinc653;
    bool set = false;
    uint32_t id;
    int rc;

    k.sched_id = XEN_SCHEDULER_ARINC653;
    if (!next_pool(ask, &id) ||
        (!host_ask_end(ask) && (set = true, !next_schedule(ask, a)))) {
        return expected(ask, "expected: sched-arinc653 POOL [FRAME "
                             "DOMAIN:VCPU:NS...], 64 windows at most");
    }
    rc = sop_pool_knobs(self, id, &k, set);
    if (rc != 0) {
        return pool_refused(self, ask, id, XEN_SCHEDULER_ARINC653, rc);
    }
    link_row(ask->tag, "major_frame_ns=%llu",
             (unsigned long long)a->major_frame_ns);
    for (uint32_t i = 0; i < a->count; i++) {
        link_row(ask->tag, "domain=%s vcpu=%u runtime_ns=%llu",
                 window_domain(&a->window[i]), a->window[i].vcpu_id,
                 (unsigned long long)a->window[i].runtime_ns);
    }
    return 0;
}

static bool next_rtds(struct host_ask *ask, struct policy_rtds *k)
{
    uint64_t period, budget, extra;

    if (!host_ask_number(ask, UINT32_MAX, &period) ||
        !host_ask_number(ask, UINT32_MAX, &budget) ||
        !host_ask_number(ask, 1, &extra) || !host_ask_end(ask)) {
        return false;
    }
    *k = (struct policy_rtds){(uint32_t)period, (uint32_t)budget, extra == 1};
    return true;
}

/* The number of a vCPU, -1 for "-", -2 for neither. */
static int next_which(struct host_ask *ask, const struct host_domain *h)
{
    char dash[4];
    uint64_t n;

    if (ask->at[0] == '-') {
        return host_ask_word(ask, dash, sizeof(dash)) ? -1 : -2;
    }
    return host_ask_number(ask, SOP_VCPUS_MAX, &n) &&
                   n < sop_domain_nr_vcpus(h->sop)
               ? (int)n
               : -2;
}

int ask_sched_rtds(struct sop_pcpu *self, struct host_ask *ask)
{
    struct policy_domain_knobs all = {.sched_id = XEN_SCHEDULER_RTDS};
    struct policy_vcpu_knobs one = {.sched_id = XEN_SCHEDULER_RTDS};
    struct policy_rtds k = {0};
    int rc = 0, which;
    const struct host_domain *h = host_ask_domain(ask, &rc);
    bool set;

    if (h == NULL) {
        return rc;
    }
    which = next_which(ask, h);
    set = !host_ask_end(ask);
    if (which == -2 || (set && !next_rtds(ask, &k))) {
        return expected(ask, "expected: sched-rtds DOMID VCPU|- [PERIOD "
                             "BUDGET EXTRATIME]");
    }
    all.u.rtds = one.u.rtds = k;
    if (which >= 0) {
        rc = sop_vcpu_knobs(self, sop_domain_vcpu(h->sop, (unsigned)which),
                            &one, set);
        k = one.u.rtds;
    } else {
        rc = sop_domain_knobs(self, h->sop, &all, set);
        k = all.u.rtds;
    }
    if (rc != 0) {
        return refused(self, ask, h, XEN_SCHEDULER_RTDS, rc);
    }
    if (set) {
        image_set_rtds(h->spec, &k); /* a domain has one set for its start */
    }
    x86_snprintf(ask->out, sizeof(ask->out), "period=%u budget=%u extratime=%u",
                 k.period_us, k.budget_us, k.extratime);
    return 0;
}
