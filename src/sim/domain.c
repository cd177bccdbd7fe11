/* SPDX-License-Identifier: MIT */
/*
 * Domains of a simulated machine: made, watched, destroyed. A domain that was
 * destroyed stays in the list, for its figures; only the core forgets it.
 */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/vcpu.h>

#define PAGE 4096u
#define RETRY_NS 1000u

static struct sim_domain *domain_alloc(struct sim_machine *m,
                                       const struct sim_domain_config *cfg)
{
    struct sim_domain *d = sim_alloc(sizeof(*d));
    char name[16];
    unsigned i;

    (void)snprintf(name, sizeof(name), "d%u", (unsigned)cfg->domid);
    d->m = m;
    d->name = sim_strdup(cfg->name != NULL ? cfg->name : name);
    d->domid = cfg->domid;
    d->nr_vcpus = cfg->nr_vcpus;
    d->shared = aligned_alloc(PAGE, PAGE);
    d->ports = sim_alloc(sop_ports_size(0, cfg->nr_vcpus));
    d->mem = sim_alloc((size_t)cfg->nr_vcpus * SIM_MEM);
    d->vcpu = sim_alloc(cfg->nr_vcpus * sizeof(*d->vcpu));
    if (d->shared == NULL) {
        abort();
    }
    memset(d->shared, 0, PAGE);
    for (i = 0; i < cfg->nr_vcpus; i++) {
        d->vcpu[i].d = d;
        d->vcpu[i].id = i;
        d->vcpu[i].behaviour = cfg->behaviour;
        d->vcpu[i].ctx = cfg->ctx != NULL ? cfg->ctx[i] : NULL;
        d->vcpu[i].last = SIM_NONE;
    }
    return d;
}

static void domain_free(struct sim_domain *d)
{
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        sim_hist_free(&d->vcpu[i].stats.latency);
    }
    free(d->name);
    free(d->shared);
    free(d->ports);
    free(d->mem);
    free(d->vcpu);
    free(d);
}

void domain_free_all(struct sim_machine *m)
{
    while (m->domains != NULL) {
        struct sim_domain *d = m->domains;

        m->domains = d->next;
        domain_free(d);
    }
}

static int create(struct sim_machine *m, const struct sim_domain_config *cfg,
                  struct sim_domain *d)
{
    void *port[SOP_VCPUS_MAX];
    struct sop_domain_config core = {
        .domid = cfg->domid,
        .hardware = cfg->hardware,
        .kind = cfg->kind,
        .nr_vcpus = cfg->nr_vcpus,
        .weight = cfg->weight != 0 ? cfg->weight : 256,
        .cap = cfg->cap,
        .knobs = cfg->knobs,
        .pool = cfg->pool,
        .hard = cfg->hard != 0 ? cfg->hard : SOP_CPUMASK_ALL,
        .soft = cfg->soft != 0 ? cfg->soft : SOP_CPUMASK_ALL,
        .shared_info = d->shared,
        .ports = d->ports,
        .port = d,
    };
    unsigned i;

    memcpy(core.handle, cfg->handle, sizeof(core.handle));

    for (i = 0; i < cfg->nr_vcpus; i++) {
        port[i] = &d->vcpu[i];
    }
    return sop_domain_create(m->sys, m->now, &core, port, &d->d);
}

int sim_domain_new(struct sim_machine *m, const struct sim_domain_config *cfg,
                   struct sim_domain **out)
{
    struct sop_pcpu *self = sim_self(m);
    struct sim_domain *d;
    unsigned i;
    int rc;

    if (cfg->nr_vcpus < 1 || cfg->nr_vcpus > SOP_VCPUS_MAX) {
        return -XEN_EINVAL;
    }
    d = domain_alloc(m, cfg);
    rc = create(m, cfg, d);
    if (rc != 0) {
        domain_free(d);
        return rc;
    }
    for (i = 0; i < d->nr_vcpus; i++) {
        d->vcpu[i].v = sop_domain_vcpu(d->d, i);
        if (i > 0 && !cfg->one_up) {
            (void)sop_vcpu_set_initialised(d->vcpu[i].v);
            (void)sop_vcpu_up(self, d->vcpu[i].v);
        }
    }
    if (!cfg->paused) {
        (void)sop_domain_unpause(self, d->d);
    }
    *m->last_domain = d;
    m->last_domain = &d->next;
    if (out != NULL) {
        *out = d;
    }
    return 0;
}

/* ---- the end of one ---- */

void domain_changed(struct sim_domain *d)
{
    struct sim_machine *m = d->m;

    /* In the core, with its lock held: look when that is over. */
    m->changed = true;
}

void domain_look_at_changed(struct sim_machine *m)
{
    struct sop_domain *core;

    m->changed = false;
    while ((core = sop_controller_next(m->sys)) != NULL) {
        struct sim_domain *d = sop_domain_port(core);
        struct sop_domain_info info;

        sop_domain_info(core, m->now, &info);
        d->ended = (info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)) != 0;
        d->code = (uint8_t)(info.flags >> XEN_DOMINF_shutdownshift);
        d->ended_ns = info.ended_ns;
        if (m->hooks.changed != NULL) {
            m->hooks.changed(m->hooks.ctx, d);
        }
    }
}

void sim_vcpu_times(const struct sim_vcpu *v, uint64_t times[4])
{
    const struct vcpu_runstate_info *r;
    uint64_t now = v->d->m->now;

    if (v->v == NULL) {
        memcpy(times, v->kept, sizeof(v->kept));
        return;
    }
    r = sop_vcpu_runstate_peek(v->v);
    memcpy(times, r->time, sizeof(v->kept));
    if (now > r->state_entry_time) {
        times[r->state] += now - r->state_entry_time;
    }
}

static void keep_figures(struct sim_domain *d)
{
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        struct sim_vcpu *v = &d->vcpu[i];

        sim_vcpu_times(v, v->kept);
        v->v = NULL;
    }
}

static void destroy_act(struct sim_machine *m, void *arg)
{
    struct sim_domain *d = arg;

    if (d->gone) {
        return;
    }
    if (sop_domain_destroy(sim_self(m), d->d) == -XEN_EAGAIN) {
        /* At once when those pCPUs have acted; then, with late kicks, soon. */
        sim_at(m, m->now + (d->tries++ == 0 ? 0 : RETRY_NS), destroy_act, d);
        return;
    }
    domain_look_at_changed(m);
    keep_figures(d);
    sop_domain_free(d->d);
    d->gone = true;
    d->d = NULL;
}

void sim_domain_destroy(struct sim_domain *d)
{
    sim_at(d->m, d->m->now, destroy_act, d);
}

/* ---- finding ---- */

struct sim_domain *sim_domains(struct sim_machine *m)
{
    return m->domains;
}

struct sim_domain *sim_domain_find(struct sim_machine *m, const char *name)
{
    struct sim_domain *d;

    for (d = m->domains; d != NULL; d = d->next) {
        if (strcmp(d->name, name) == 0) {
            return d;
        }
    }
    return NULL;
}

struct sim_vcpu *sim_of(const struct sop_vcpu *v)
{
    return sop_vcpu_port(v);
}

struct sim_machine *sim_machine_of(const struct sim_vcpu *v)
{
    return v->d->m;
}
