/* SPDX-License-Identifier: MIT */
/*
 * Domains: created into a slot, paused and unpaused, described, destroyed.
 */
#include "private.h"

#include <xen/domctl.h>

#include "../lib/string.h"

/* ---- finding ---- */

/* Reserved ids name no domain here, DOMID_SELF included (spec 3.5). */
struct sop_domain *domain_find(const struct sop_system *sys, uint32_t domid)
{
    uint16_t slot = sys->by_id[domid & sys->by_id_mask];

    while (slot != 0 && sys->domain[slot - 1].id != domid) {
        slot = sys->domain[slot - 1].next_by_id;
    }
    return slot != 0 ? &sys->domain[slot - 1] : NULL;
}

static void list_by_id(struct sop_system *sys, struct sop_domain *d)
{
    uint16_t *first = &sys->by_id[d->id & sys->by_id_mask];

    d->next_by_id = *first;
    *first = (uint16_t)(d - sys->domain + 1);
}

static void unlist_by_id(struct sop_system *sys, const struct sop_domain *d)
{
    uint16_t *at = &sys->by_id[d->id & sys->by_id_mask];

    while (&sys->domain[*at - 1] != d) {
        at = &sys->domain[*at - 1].next_by_id;
    }
    *at = d->next_by_id;
}

struct sop_domain *domain_find_any(const struct sop_vcpu *caller,
                                   uint32_t domid)
{
    if (domid == DOMID_SELF) {
        return caller->domain;
    }
    return domain_find(caller->domain->sys, domid);
}

struct sop_domain *sop_domain_by_id(struct sop_system *sys, uint16_t domid)
{
    struct sop_domain *d;

    core_lock(sys, NULL);
    d = domain_find(sys, domid);
    core_unlock(sys);
    return d;
}

/* ---- creating ---- */

/*
 * A mask is fine if it names a pCPU that is possible; that pCPU may come
 * online later. There is at most one hardware domain.
 */
static bool config_ok(const struct sop_system *sys,
                      const struct sop_domain_config *cfg)
{
    return cfg->domid < DOMID_FIRST_RESERVED && cfg->nr_vcpus >= 1 &&
           cfg->nr_vcpus <= SOP_VCPUS_MAX && cfg->weight >= 1 &&
           cfg->weight <= UINT16_MAX &&
           (cfg->hard & bits_below(sys->cfg.nr_pcpus)) != 0 &&
           cfg->shared_info != NULL &&
           cfg->nr_ports <=
               (sys->cfg.own_ports ? SOP_PORTS_MAX : SOP_PORTS_2L) &&
           (cfg->ports != NULL) == sys->cfg.own_ports &&
           !(cfg->hardware && sys->hardware != NULL);
}

static struct sop_domain *free_domain(struct sop_system *sys)
{
    unsigned i;

    for (i = 0; i < sys->cfg.nr_domains; i++) {
        if (!sys->domain[i].used) {
            return &sys->domain[i];
        }
    }
    return NULL;
}

/* Takes `count` free vCPUs for `d`, or none and returns false. */
static bool take_vcpus(struct sop_domain *d, unsigned count)
{
    struct sop_system *sys = d->sys;
    unsigned i, found = 0;

    ASSERT(count >= 1);
    ASSERT(count <= SOP_VCPUS_MAX);
    for (i = 0; i < sys->cfg.nr_vcpus && found < count; i++) {
        if (sys->vcpu[i].domain == NULL) {
            d->vcpu[found++] = &sys->vcpu[i];
        }
    }
    return found == count;
}

/* A slot keeps its table of ports over its lives, unless each domain brings
   its own; all else starts at 0. */
static void domain_reset(struct sop_system *sys, struct sop_domain *d)
{
    void *ports = d->arena_ports;

    memset(d, 0, sizeof(*d));
    d->arena_ports = ports;
    d->sys = sys;
    d->code = CODE_NONE;
    d->callback_vector = VECTOR_NONE;
    d->controller_pause = 1;
    list_init(&d->changed);
}

/* What a new domain starts with: what its config says, if that is for it. */
static int domain_enter(struct sop_domain *d,
                        const struct sop_domain_config *cfg)
{
    struct policy_domain_knobs knobs = {
        .sched_id = XEN_SCHEDULER_CREDIT2,
        .u.credit2 = {.weight = cfg->weight, .cap = cfg->cap},
    };

    if (cfg->knobs != NULL) {
        knobs = *cfg->knobs;
    } else if (d->pool->pol.ops->id != XEN_SCHEDULER_CREDIT2) {
        return pool_enter(d, NULL);
    }
    return pool_enter(d, &knobs);
}

static void lay_out_ports(struct sop_domain *d,
                          const struct sop_domain_config *cfg)
{
    uint32_t nr = cfg->nr_ports != 0 ? cfg->nr_ports : SOP_PORTS_2L;
    uint8_t *arena = d->arena_ports;

    if (d->sys->cfg.own_ports) {
        (void)evtchn_lay_out(d, cfg->ports, nr, cfg->nr_vcpus);
        return;
    }
    (void)evtchn_lay_out(d, arena, nr, cfg->nr_vcpus);
    arena += sop_ports_size(nr, cfg->nr_vcpus);
    evtchn_give_pages(d, (struct port_page *)(void *)arena);
}

/* Fills the slot; gives it back if the policy refuses. */
static int domain_fill(struct sop_domain *d, uint64_t now,
                       const struct sop_domain_config *cfg,
                       void *const *vcpu_port)
{
    unsigned i;
    int rc;

    d->id = cfg->domid;
    d->pol.domid = cfg->domid;
    memcpy(d->pol.handle, cfg->handle, sizeof(d->pol.handle));
    d->hardware = cfg->hardware;
    d->kind = cfg->kind;
    d->port = cfg->port;
    d->shared = cfg->shared_info;
    d->nr_vcpus = cfg->nr_vcpus;
    lay_out_ports(d, cfg);
    d->created_ns = now;
    d->pool = pool_find(d->sys, cfg->pool);
    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_vcpu *v = d->vcpu[i];

        vcpu_create(d, i, v, now);
        v->port = vcpu_port != NULL ? vcpu_port[i] : NULL;
        v->hard = cfg->hard;
        v->soft = cfg->soft;
        sched_affinity_changed(NULL, v, now);
    }
    rc = domain_enter(d, cfg);
    if (rc != 0) {
        for (i = 0; i < d->nr_vcpus; i++) {
            d->vcpu[i]->domain = NULL;
        }
        return rc;
    }
    d->used = true;
    watchdog_init(d);
    evtchn_init(d);
    vtime_wallclock(d);
    return 0;
}

/* The order of checks is ours: the controller is not a guest. */
int sop_domain_create(struct sop_system *sys, uint64_t now,
                      const struct sop_domain_config *cfg,
                      void *const *vcpu_port, struct sop_domain **out)
{
    struct sop_domain *d;
    int rc = 0;

    core_lock(sys, NULL);
    d = free_domain(sys);
    if (!config_ok(sys, cfg)) {
        rc = -XEN_EINVAL;
    } else if (pool_find(sys, cfg->pool) == NULL) {
        rc = -XEN_ESRCH;
    } else if (cfg->pool != 0 && pool_find(sys, cfg->pool)->cpus == 0) {
        rc = -XEN_ENODEV;
    } else if (domain_find(sys, cfg->domid) != NULL) {
        rc = -XEN_EEXIST;
    } else if (d == NULL) {
        rc = -XEN_ENOMEM;
    } else {
        domain_reset(sys, d);
        if (!take_vcpus(d, cfg->nr_vcpus)) {
            rc = -XEN_ENOMEM;
        }
    }
    if (rc == 0) {
        rc = domain_fill(d, now, cfg, vcpu_port);
    }
    if (rc == 0) {
        list_by_id(sys, d);
        if (d->hardware) {
            sys->hardware = d;
        }
        trace_domain(NULL, d, SOP_TRACE_EV_DOMAIN_CREATE, d->nr_vcpus,
                     cfg->pool);
        *out = d;
    }
    core_unlock(sys);
    return rc;
}

/* ---- pausing (spec 2.2, 7.3) ---- */

/* Does not wait for a vCPU that runs elsewhere: that pCPU is kicked. */
int domain_pause(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    unsigned i;

    if (d->controller_pause == SOP_PAUSE_MAX) {
        return -XEN_EOVERFLOW;
    }
    d->controller_pause++;
    trace_domain(self, d, SOP_TRACE_EV_DOMAIN_PAUSE, d->controller_pause, 0);
    for (i = 0; i < d->nr_vcpus; i++) {
        vcpu_sleep(self, d->vcpu[i], now);
    }
    return 0;
}

/* Undoes pauses of the controller only, never a shutdown's (spec 2.2). */
int domain_unpause(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    unsigned i;

    if (d->controller_pause == 0) {
        return -XEN_EINVAL;
    }
    ASSERT(d->controller_pause <= SOP_PAUSE_MAX);
    d->controller_pause--;
    trace_domain(self, d, SOP_TRACE_EV_DOMAIN_UNPAUSE, d->controller_pause, 0);
    for (i = 0; i < d->nr_vcpus; i++) {
        vcpu_wake(self, d->vcpu[i], now);
    }
    return 0;
}

int sop_domain_pause(struct sop_pcpu *self, struct sop_domain *d)
{
    uint64_t now = core_enter(self);
    int rc = domain_pause(self, d, now);

    core_leave(self);
    return rc;
}

int sop_domain_unpause(struct sop_pcpu *self, struct sop_domain *d)
{
    uint64_t now = core_enter(self);
    int rc;

    self->trace_source = SOP_TRACE_BY_HOST;
    rc = domain_unpause(self, d, now);
    self->trace_source = SOP_TRACE_BY_VCPU;
    core_leave(self);
    return rc;
}

/* ---- describing (spec 7.2) ---- */

/*
 * Blocked means that all vCPUs that are up are; a domain with none up is
 * neither blocked nor running. A latched code shows at once (fact 74).
 */
static uint32_t info_flags(const struct sop_domain *d)
{
    uint32_t flags = XEN_DOMINF_blocked;
    bool online = false;
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        const struct sop_vcpu *v = d->vcpu[i];

        if ((v->holds & VCPU_HOLD_DOWN) != 0) {
            continue;
        }
        online = true;
        if ((v->holds & VCPU_HOLD_BLOCKED) == 0) {
            flags &= ~XEN_DOMINF_blocked;
        }
        if (v->running != NULL) {
            flags |= XEN_DOMINF_running;
        }
    }
    if (!online) {
        flags = 0;
    }
    flags |= d->dying == DOMAIN_DEAD ? XEN_DOMINF_dying : 0;
    flags |= d->shut_down ? XEN_DOMINF_shutdown : 0;
    flags |= d->controller_pause != 0 ? XEN_DOMINF_paused : 0;
    flags |=
        d->kind == SOP_GUEST_HVM ? XEN_DOMINF_hvm_guest | XEN_DOMINF_hap : 0;
    return flags |
           (d->code == CODE_NONE ? XEN_DOMINF_shutdownmask : (uint32_t)d->code)
               << XEN_DOMINF_shutdownshift;
}

/* Everything the controller may know, at one moment of the lock. */
void domain_info(const struct sop_domain *d, uint64_t now,
                 struct sop_domain_info *info)
{
    unsigned i, c;

    *info = (struct sop_domain_info){
        .domid = d->id,
        .pool = d->pool->id,
        .flags = info_flags(d),
        .nr_vcpus = d->nr_vcpus,
        .created_ns = d->created_ns,
        .ended_ns = d->ended_ns,
    };
    for (i = 0; i < d->nr_vcpus; i++) {
        const struct sop_vcpu *v = d->vcpu[i];
        struct vcpu_runstate_info r;

        runstate_get(v, now, &r);
        info->cpu_ns += r.time[RUNSTATE_running];
        info->nr_online += (v->holds & VCPU_HOLD_DOWN) == 0;
        for (c = 0; c < SOP_COMMANDS; c++) {
            info->commands[c] += atomic_peek_u64(&v->commands[c]);
        }
    }
}

void sop_domain_info(struct sop_domain *d, uint64_t now,
                     struct sop_domain_info *info)
{
    core_lock(d->sys, NULL);
    domain_info(d, now, info);
    core_unlock(d->sys);
}

uint16_t sop_domain_id(const struct sop_domain *d)
{
    return d->id;
}

bool sop_domain_is_hardware(const struct sop_domain *d)
{
    return d->hardware;
}

unsigned sop_domain_nr_vcpus(const struct sop_domain *d)
{
    return d->nr_vcpus;
}

struct sop_vcpu *sop_domain_vcpu(struct sop_domain *d, unsigned n)
{
    return n < d->nr_vcpus ? d->vcpu[n] : NULL;
}

void *sop_domain_port(const struct sop_domain *d)
{
    return d->port;
}

/* ---- destroying ---- */

/* Returns whether no pCPU has any of its registers any more. */
static bool domain_stop(struct sop_pcpu *self, struct sop_domain *d,
                        uint64_t now)
{
    bool stopped = true;
    unsigned i;

    d->dying = DOMAIN_DYING;
    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_vcpu *v = d->vcpu[i];

        vcpu_sleep(self, v, now);
        if (v->pol.on != NULL) {
            sched_request(self, container_of(v->pol.on, struct sop_pcpu, pol));
            stopped = false;
        }
    }
    return stopped;
}

/* What others could still reach of it: timers, peers of its ports, queues. */
static void domain_release(struct sop_pcpu *self, struct sop_domain *d,
                           uint64_t now)
{
    struct policy_pool *pool = &d->pool->pol;
    unsigned i;

    watchdog_cancel(d);
    evtchn_close_all(d);
    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_vcpu *v = d->vcpu[i];

        ASSERT(v->pol.on == NULL);
        ASSERT(!v->pol.runnable);
        poll_leave(v);
        vtime_cancel(v);
        affinity_unpin(self, v, now);
        pool->ops->remove(pool, &v->pol);
    }
    pool->ops->domain_fini(pool, &d->pol);
    sched_request_some(self, d->sys, pool->online);
}

/* Restartable: the caller comes back until every pCPU has let go. */
int sop_domain_destroy(struct sop_pcpu *self, struct sop_domain *d)
{
    uint64_t now = core_enter(self);
    int rc = 0;

    BUG_ON(!d->used);
    if (d->dying != DOMAIN_DEAD) {
        if (domain_stop(self, d, now)) {
            domain_release(self, d, now);
            d->dying = DOMAIN_DEAD;
            trace_domain(self, d, SOP_TRACE_EV_DOMAIN_DESTROY, 0, 0);
            domain_notify(self, d, now);
        } else {
            rc = -XEN_EAGAIN;
        }
    }
    core_leave(self);
    return rc;
}

void sop_domain_free(struct sop_domain *d)
{
    struct sop_system *sys = d->sys;
    unsigned i;

    core_lock(sys, NULL);
    BUG_ON(!d->used || d->dying != DOMAIN_DEAD);
    list_remove(&d->changed);
    for (i = 0; i < d->nr_vcpus; i++) {
        d->vcpu[i]->domain = NULL;
    }
    unlist_by_id(sys, d);
    if (sys->hardware == d) {
        sys->hardware = NULL;
    }
    if (sys->cfg.own_ports) {
        evtchn_free_pages(d);
    }
    d->used = false;
    /* Its last reference is gone: the third notification (spec 7.2). */
    virq_raise_global(NULL, sys, VIRQ_DOM_EXC, sys->now);
    core_unlock(sys);
}
