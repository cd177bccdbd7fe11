/* SPDX-License-Identifier: MIT */
/*
 * See pools.h. The core knows pools by number alone; their names are kept
 * here. `lock` is a leaf that guards the names.
 */
#include "pools.h"

#include <xen/domctl.h>
#include <xen/errno.h>

#include "boot/boot.h"
#include "cpu/lock.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "virt/virt.h"

#define NAME (SCHEDOP_NAME_MAX + 1)

static const struct {
    const char *name;
    uint32_t id;
    const struct policy_ops *ops;
} policies[] = {
    {"credit2", XEN_SCHEDULER_CREDIT2, &policy_credit2},
    {"rtds", XEN_SCHEDULER_RTDS, &policy_rtds},
    {"null", XEN_SCHEDULER_NULL, &policy_null},
    {"arinc653", XEN_SCHEDULER_ARINC653, &policy_arinc653},
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

static struct x86_lock lock;
static struct {
    bool used;
    uint32_t id;
    char name[NAME];
} names[SOP_POOLS_MAX] = {{.used = true, .id = 0, .name = "Pool-0"}};

/* ---------------------------------------------------------------- policies */

int pools_policy_id(const char *name)
{
    for (unsigned i = 0; i < POLICIES; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            return (int)policies[i].id;
        }
    }
    return -1;
}

const char *pools_policy_name(uint32_t sched_id)
{
    for (unsigned i = 0; i < POLICIES; i++) {
        if (policies[i].id == sched_id) {
            return policies[i].name;
        }
    }
    return "unknown";
}

void pools_configure(struct sop_config *cfg)
{
    static const struct policy_ops *list[POLICIES];
    char name[24];
    bool known = true;

    cfg->policy = &policy_credit2;
    if (cmdline_get(boot_info.cmdline, "sched", name, sizeof(name))) {
        known = false;
    }
    for (unsigned i = 0; i < POLICIES; i++) {
        list[i] = policies[i].ops;
        if (!known && strcmp(policies[i].name, name) == 0) {
            cfg->policy = policies[i].ops;
            known = true;
        }
    }
    if (!known) {
        x86_log(SOP_LOG_WARNING,
                "sched=%s: there is no such scheduler: credit2 it is", name);
    }
    if (cmdline_get(boot_info.cmdline, "credit2_runqueue", name,
                    sizeof(name))) {
        int runqueue = sop_runqueue_by_name(name);

        cfg->runqueue =
            runqueue >= 0 ? (enum sop_runqueue)runqueue : SOP_RUNQUEUE_SOCKET;
        if (runqueue < 0) {
            x86_log(SOP_LOG_WARNING,
                    "credit2_runqueue=%s: it is cpu, core, socket, node or all",
                    name);
        }
    }
    cfg->policies = list;
    cfg->nr_policies = POLICIES;
}

/* ------------------------------------------------------------------- names */

/* With the lock held; -1: none. */
static int slot_of(uint32_t id)
{
    for (unsigned i = 0; i < SOP_POOLS_MAX; i++) {
        if (names[i].used && names[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

/* With the lock held; -1: none. */
static int slot_of_name(const char *name)
{
    for (unsigned i = 0; i < SOP_POOLS_MAX; i++) {
        if (names[i].used && strcmp(names[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool pools_find(const char *name, uint32_t *id)
{
    int slot;

    x86_lock(&lock);
    slot = slot_of_name(name);
    if (slot >= 0) {
        *id = names[slot].id;
    }
    x86_unlock(&lock);
    return slot >= 0;
}

const char *pools_name(uint32_t id)
{
    int slot;

    x86_lock(&lock);
    slot = slot_of(id);
    x86_unlock(&lock);
    return slot >= 0 ? names[slot].name : "";
}

static void add_name(const char *name, uint32_t id)
{
    unsigned slot = 0;

    x86_lock(&lock);
    while (slot < SOP_POOLS_MAX - 1 && names[slot].used) {
        slot++; /* there is one, as there was a pool */
    }
    names[slot].used = true;
    names[slot].id = id;
    fmt_snprintf(names[slot].name, NAME, "%s", name);
    x86_unlock(&lock);
}

int pools_create(struct sop_pcpu *self, const char *name, uint32_t sched_id,
                 uint32_t *id)
{
    uint32_t other;
    int rc;

    if (pools_find(name, &other)) {
        return -XEN_EEXIST;
    }
    rc = sop_pool_create(self, sched_id, id);
    if (rc == 0) {
        add_name(name, *id);
    }
    return rc;
}

int pools_destroy(struct sop_pcpu *self, uint32_t id)
{
    int rc = sop_pool_destroy(self, id);
    int slot;

    if (rc == 0) {
        x86_lock(&lock);
        slot = slot_of(id);
        if (slot >= 0) {
            names[slot].used = false;
        }
        x86_unlock(&lock);
    }
    return rc;
}

int pools_rename(uint32_t id, const char *name)
{
    int slot, other, rc = 0;

    x86_lock(&lock);
    slot = slot_of(id);
    other = slot_of_name(name);
    if (slot < 0) {
        rc = -XEN_ENOENT;
    } else if (other >= 0 && other != slot) {
        rc = -XEN_EEXIST;
    } else {
        fmt_snprintf(names[slot].name, NAME, "%s", name);
    }
    x86_unlock(&lock);
    return rc;
}

/* What a policy that is not `spec`'s says to its knobs; NULL: fine. */
static const char *wrong_knobs(const struct domain_spec *spec, uint32_t id)
{
    if (spec->has_credit2 && id != XEN_SCHEDULER_CREDIT2) {
        return "weight and cap are knobs of credit2";
    }
    if (spec->has_rtds && id != XEN_SCHEDULER_RTDS) {
        return "period, budget and extratime are knobs of rtds";
    }
    return NULL;
}

bool pools_place(struct sop_pcpu *self, const struct domain_spec *spec,
                 struct sop_domain_config *cfg,
                 struct policy_domain_knobs *knobs, char *why, size_t why_size)
{
    struct sop_pool_info info;
    const char *wrong;

    if (!pools_find(spec->pool, &cfg->pool) ||
        sop_pool_info(self, cfg->pool, &info) != 0) {
        fmt_snprintf(why, why_size, "pool=%s: there is no such cpupool",
                     spec->pool);
        return false;
    }
    wrong = wrong_knobs(spec, info.sched_id);
    if (wrong != NULL) {
        fmt_snprintf(why, why_size, "%s; %s has %s", wrong, spec->pool,
                     info.sched_name);
        return false;
    }
    cfg->weight = spec->weight;
    cfg->cap = spec->cap;
    if (spec->has_rtds) {
        *knobs = (struct policy_domain_knobs){
            .sched_id = XEN_SCHEDULER_RTDS,
            .u.rtds = {spec->period_us, spec->budget_us, spec->extratime},
        };
        cfg->knobs = knobs;
    }
    pools_handle(spec->name, cfg->handle);
    return true;
}

void pools_handle(const char *domain, uint8_t handle[16])
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, twice */

    for (unsigned half = 0; half < 2; half++) {
        for (const char *c = domain; *c != '\0'; c++) {
            hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
        }
        memcpy(&handle[8 * half], &hash, sizeof(hash));
    }
}

/* ------------------------------------------------------------ command line */

/* Cuts `text` at the next colon; returns what follows it, NULL if nothing. */
static char *cut(char *text)
{
    while (*text != '\0' && *text != ':') {
        text++;
    }
    if (*text == '\0') {
        return NULL;
    }
    *text = '\0';
    return text + 1;
}

static bool to_mask(const char *text, sop_cpumask_t *mask)
{
    *mask = 0;
    for (; *text != '\0'; text++) {
        unsigned digit =
            *text >= 'a' ? (unsigned)*text - 'a' + 10 : (unsigned)*text - '0';

        if (digit > 15 || *mask >> 60 != 0) {
            return false;
        }
        *mask = *mask << 4 | digit;
    }
    return *mask != 0;
}

static const char *move_pcpus(struct sop_pcpu *self, uint32_t id,
                              sop_cpumask_t mask)
{
    for (uint32_t i = 0; i < SOP_PCPUS_MAX; i++) {
        /* Nothing runs: they are free at once. */
        if ((mask >> i & 1) != 0 && (sop_pool_remove(self, 0, i) != 0 ||
                                     sop_pool_add(self, id, i) != 0)) {
            return i == 0 ? "pCPU 0 stays in Pool-0"
                          : "one of its pCPUs is not in Pool-0";
        }
    }
    return NULL;
}

/* NAME:SCHEDULER:PCPUS, the last a hexadecimal mask. */
static const char *start_one(struct sop_pcpu *self, char *name)
{
    const char *sched = cut(name);
    const char *pcpus = sched != NULL ? cut(name + strlen(name) + 1) : NULL;
    uint32_t id = SOP_POOL_ANY;
    sop_cpumask_t mask;
    int sched_id;

    if (pcpus == NULL || name[0] == '\0' || !to_mask(pcpus, &mask)) {
        return "expected NAME:SCHEDULER:MASK";
    }
    if (strcmp(sched, "-") == 0) {
        struct sop_pool_info first;

        (void)sop_pool_info(self, 0, &first); /* there is always a first */
        sched = first.sched_name;
    }
    sched_id = pools_policy_id(sched);
    if (sched_id < 0) {
        return "there is no such scheduler";
    }
    if (pools_create(self, name, (uint32_t)sched_id, &id) != 0) {
        return "there is such a pool, or there are too many";
    }
    return move_pcpus(self, id, mask);
}

static bool to_number(const char *text, uint64_t *value)
{
    *value = 0;
    for (; *text >= '0' && *text <= '9' && *value < UINT64_MAX / 16; text++) {
        *value = *value * 10 + (uint64_t)(*text - '0');
    }
    return *text == '\0';
}

bool pools_window(struct policy_arinc653 *a, char *domain)
{
    struct policy_arinc653_window *w = &a->window[a->count];
    char *vcpu = cut(domain), *ns = vcpu != NULL ? cut(vcpu) : NULL;
    uint64_t n;

    if (ns == NULL || a->count == SOP_WINDOWS_MAX || !to_number(vcpu, &n) ||
        !to_number(ns, &w->runtime_ns)) {
        return false;
    }
    w->vcpu_id = (uint32_t)n;
    pools_handle(domain, w->handle);
    a->count++;
    return true;
}

/* The windows of a pool, in the order of the words window=POOL:... */
static const char *set_schedule(struct sop_pcpu *self, const char *pool,
                                const char *frame)
{
    static struct policy_pool_knobs knobs; /* boot pCPU, once */
    struct policy_arinc653 *a = &knobs.u.arinc653;
    char text[2 * NAME + 40];
    uint32_t id;

    knobs.sched_id = XEN_SCHEDULER_ARINC653;
    a->count = 0;
    if (!pools_find(pool, &id) || !to_number(frame, &a->major_frame_ns)) {
        return "expected POOL:NS";
    }
    for (unsigned n = 0;
         cmdline_nth(boot_info.cmdline, "window", n, text, sizeof(text)); n++) {
        char *rest = cut(text);

        if (strcmp(text, pool) == 0 &&
            (rest == NULL || !pools_window(a, rest))) {
            return "a window is POOL:DOMAIN:VCPU:NS";
        }
    }
    return sop_pool_knobs(self, id, &knobs, true) == 0
               ? NULL
               : "its scheduler refuses the windows";
}

static void start_schedules(struct sop_pcpu *self)
{
    char text[NAME + 40];

    for (unsigned n = 0;
         cmdline_nth(boot_info.cmdline, "frame", n, text, sizeof(text)); n++) {
        const char *frame = cut(text);
        const char *why = frame == NULL ? "expected POOL:NS"
                                        : set_schedule(self, text, frame);

        if (why != NULL) {
            x86_log(SOP_LOG_ERROR, "frame=%s: %s", text, why);
        }
    }
}

void pools_start(struct sop_pcpu *self)
{
    char text[NAME + 40];
    const char *why;

    for (unsigned n = 0;
         cmdline_nth(boot_info.cmdline, "cpupool", n, text, sizeof(text));
         n++) {
        why = start_one(self, text);
        if (why != NULL) {
            x86_log(SOP_LOG_ERROR, "cpupool=%s: %s", text, why);
        }
    }
    start_schedules(self);
}
