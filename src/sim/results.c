/* SPDX-License-Identifier: MIT */
/* What each vCPU and domain got, and what it should have got. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/vcpu.h>

#include "memory.h"
#include "share.h"
#include "task.h"

__extension__ typedef unsigned __int128 wide;

static const unsigned permilles[4] = {500, 900, 990, 999};

/* part of whole in thousandths of a per cent, without overflow. */
static uint64_t ratio(uint64_t part, uint64_t whole)
{
    if (whole == 0) {
        return 0;
    }
    return (uint64_t)((wide)part * SHARE_CPU / whole);
}

static void percentiles(const struct sim_hist *h, uint64_t at[4], uint64_t *max)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = sim_hist_at(h, permilles[i]);
    }
    *max = h->max;
}

/* Histograms of a domain, merged from its vCPUs. */
struct sums {
    struct sim_hist latency, response;
};

static void add(struct lab_figures *to, const struct lab_figures *f)
{
    for (unsigned i = 0; i < 4; i++) {
        to->time[i] += f->time[i];
    }
    for (unsigned i = 0; i < 8; i++) {
        to->commands[i] += f->commands[i];
    }
    to->age_ns += f->age_ns;
    to->woken += f->woken;
    to->switches += f->switches;
    to->preempted += f->preempted;
    to->migrated += f->migrated;
    to->far += f->far;
    to->jobs += f->jobs;
    to->missed += f->missed;
    to->late_max = f->late_max > to->late_max ? f->late_max : to->late_max;
    to->share += f->share;
    to->ideal += f->ideal;
    to->demand += f->demand;
}

/*
 * What a vCPU would use had it a pCPU for itself: its time running, as part
 * of that and of what it would have slept (task.c, job_ends).
 */
static uint64_t demand_of(const struct task *t, const struct lab_figures *f)
{
    uint64_t run = f->time[RUNSTATE_running];
    uint64_t slept = f->time[RUNSTATE_blocked] + t->spare_ns;
    uint64_t up = f->age_ns - f->time[RUNSTATE_offline];

    /* Never got to run: all it could have. */
    if (f->switches == 0 && f->time[RUNSTATE_runnable] != 0) {
        return ratio(up, f->age_ns);
    }
    return (uint64_t)((wide)ratio(run, run + slept) * up /
                      (f->age_ns != 0 ? f->age_ns : 1));
}

static void vcpu_figures(struct lab_run *r, const struct task *t,
                         struct lab_figures *f, struct sums *sums)
{
    const struct sim_vcpu_stats *s = &t->v->stats;

    sim_vcpu_times(t->v, f->time);
    for (unsigned i = 0; i < 4; i++) {
        f->age_ns += f->time[i];
    }
    percentiles(&s->latency, f->latency, &f->latency_max);
    percentiles(&t->response, f->response, &f->response_max);
    sim_hist_merge(&sums->latency, &s->latency);
    sim_hist_merge(&sums->response, &t->response);
    f->woken = s->woken;
    f->switches = s->switched_in;
    f->preempted = s->preempted;
    f->migrated = s->migrated;
    f->far = s->far;
    f->jobs = t->jobs;
    f->missed = t->missed;
    f->late_max = t->late_max;
    f->share = ratio(f->time[RUNSTATE_running], f->age_ns);
    f->demand = demand_of(t, f);
    f->ended = t->v->d->ended ? t->v->d->code : -1;
    f->ended_ns = t->v->d->ended_ns;
    (void)r;
}

static void names(struct lab_run *r, struct lab_figures *f, unsigned domain,
                  unsigned vcpu, bool whole)
{
    const struct lab_domain *d = &r->w->domain[domain];
    char name[LAB_NAME_MAX + 40];

    (void)snprintf(name, sizeof(name), whole ? "%s" : "%s/%u", d->name, vcpu);
    f->name = sim_strdup(name);
    f->domain = domain;
    f->vcpu = vcpu;
    f->pool = sim_strdup(run_pool_name(r, r->domain_pool[domain]));
    f->sched = sim_strdup(run_sched(r, r->domain_pool[domain]));
    f->weight = d->weight;
    f->cap = d->cap;
    f->ended = -1;
}

static void domain_figures(struct lab_run *r, struct lab_results *s,
                           unsigned index, struct sums *all)
{
    struct lab_figures *d = &s->domain[index];
    struct sums sums = {0};

    names(r, d, index, 0, true);
    for (unsigned n = 0; n < r->w->domain[index].nr_vcpus; n++) {
        struct lab_figures *v = &s->vcpu[s->nr_vcpus++];

        names(r, v, index, n, false);
        if (r->task[index][n].v == NULL) {
            continue; /* never began */
        }
        vcpu_figures(r, &r->task[index][n], v, &sums);
        add(d, v);
        d->ended = v->ended;
        d->ended_ns = v->ended_ns;
    }
    if (r->domain[index] != NULL && !r->domain[index]->gone) {
        struct sop_domain_info info;

        sop_domain_info(r->domain[index]->d, sim_now(r->m), &info);
        memcpy(d->commands, info.commands, sizeof(d->commands));
    }
    percentiles(&sums.latency, d->latency, &d->latency_max);
    percentiles(&sums.response, d->response, &d->response_max);
    sim_hist_merge(&all->latency, &sums.latency);
    sim_hist_merge(&all->response, &sums.response);
    sim_hist_free(&sums.latency);
    sim_hist_free(&sums.response);
}

/* ---- the ideal ---- */

static uint64_t pool_cpus(struct lab_run *r, unsigned pool)
{
    struct sop_pool_info info;

    if (sop_pool_info(sim_self(r->m), r->pool_id[pool], &info) != 0 ||
        info.id != r->pool_id[pool]) {
        return 0;
    }
    return info.pcpus;
}

/* Divided by weight, within caps. */
static void ideal_by_weight(struct lab_run *r, struct lab_results *s,
                            unsigned pool)
{
    struct share_vcpu *v = sim_alloc(s->nr_vcpus * sizeof(*v));
    uint64_t *cap = sim_alloc(s->nr_domains * sizeof(*cap));
    size_t nr = 0, i;

    for (i = 0; i < s->nr_domains; i++) {
        cap[i] = (uint64_t)s->domain[i].cap * (SHARE_CPU / 100);
    }
    for (i = 0; i < s->nr_vcpus; i++) {
        const struct lab_figures *f = &s->vcpu[i];
        const struct lab_domain *d = &r->w->domain[f->domain];

        if (d->pool == pool) {
            v[nr++] = (struct share_vcpu){
                .weight = f->weight,
                .demand = f->demand,
                .cpus = d->hard[f->vcpu] != 0 ? d->hard[f->vcpu] : UINT64_MAX,
                .group = f->domain,
            };
        }
    }
    share_divide(v, nr, pool_cpus(r, pool), cap, s->nr_domains);
    for (i = nr = 0; i < s->nr_vcpus; i++) {
        if (r->w->domain[s->vcpu[i].domain].pool == pool) {
            s->vcpu[i].ideal = v[nr++].ideal;
        }
    }
    free(v);
    free(cap);
}

/* What is reserved for it, at most what it demands. */
static uint64_t reserved(struct lab_run *r, const struct lab_figures *f)
{
    const struct lab_domain *d = &r->w->domain[f->domain];
    const struct lab_pool *p = &r->w->pool[d->pool];
    uint64_t ns = 0, frame = p->frame_ns, sum = 0;

    if (run_sched_id(r, d->pool) == XEN_SCHEDULER_RTDS) {
        /* 4 ms in 10 ms is what the policy gives who says nothing. */
        return d->budget_ns != 0 ? ratio(d->budget_ns, d->period_ns)
                                 : ratio(4, 10);
    }
    for (size_t i = 0; i < p->nr_windows; i++) {
        sum += p->window[i].ns;
        if (p->window[i].domain == f->domain && p->window[i].vcpu == f->vcpu) {
            ns += p->window[i].ns;
        }
    }
    return ratio(ns, frame != 0 ? frame : sum);
}

/* Does nobody reserve anything there? Then fairness is the measure, even for a
   policy that does not care about it (null). */
static bool is_fair(const struct lab_run *r, unsigned pool)
{
    uint32_t id = run_sched_id(r, pool);

    return id == XEN_SCHEDULER_CREDIT2 || id == XEN_SCHEDULER_NULL;
}

static void ideals(struct lab_run *r, struct lab_results *s)
{
    for (unsigned pool = 0; pool < r->w->nr_pools; pool++) {
        if (is_fair(r, pool)) {
            ideal_by_weight(r, s, pool);
        }
    }
    for (size_t i = 0; i < s->nr_vcpus; i++) {
        struct lab_figures *f = &s->vcpu[i];
        unsigned pool = r->w->domain[f->domain].pool;

        if (!is_fair(r, pool)) {
            uint64_t most = reserved(r, f);

            f->ideal = f->demand < most ? f->demand : most;
        }
    }
}

/* ---- all of it ---- */

static void machine_figures(struct lab_run *r, struct lab_results *s)
{
    unsigned cpus = sim_nr_cpus(r->m);

    s->workload = sim_strdup(r->w->path);
    s->sched = sim_strdup(run_sched(r, 0));
    s->pcpus = cpus;
    s->sockets = sim_socket_of(r->m, cpus - 1) + 1;
    s->cores = (sim_core_of(r->m, cpus - 1) + 1) / s->sockets;
    s->threads = cpus / (s->sockets * s->cores);
    s->seed = r->seed;
    s->duration_ns = r->duration_ns;
    s->now_ns = sim_now(r->m);
    s->stats = *sim_stats(r->m);
    s->busy_ns = s->total.time[RUNSTATE_running];
    s->idle_ns = s->now_ns * cpus - s->busy_ns;
    s->why = sim_strdup(lab_why(r));
}

struct lab_results *lab_results(struct lab_run *r)
{
    struct lab_results *s = sim_alloc(sizeof(*s));
    struct sums all = {0};
    size_t vcpus = 0;

    s->nr_domains = r->w->nr_domains;
    for (size_t i = 0; i < s->nr_domains; i++) {
        vcpus += r->w->domain[i].nr_vcpus;
    }
    s->domain = sim_alloc(s->nr_domains * sizeof(*s->domain));
    s->vcpu = sim_alloc(vcpus * sizeof(*s->vcpu));
    for (unsigned i = 0; i < s->nr_domains; i++) {
        domain_figures(r, s, i, &all);
    }
    ideals(r, s);
    for (size_t i = 0; i < s->nr_vcpus; i++) {
        s->domain[s->vcpu[i].domain].ideal += s->vcpu[i].ideal;
    }
    for (size_t i = 0; i < s->nr_domains; i++) {
        add(&s->total, &s->domain[i]);
    }
    percentiles(&all.latency, s->total.latency, &s->total.latency_max);
    percentiles(&all.response, s->total.response, &s->total.response_max);
    sim_hist_free(&all.latency);
    sim_hist_free(&all.response);
    machine_figures(r, s);
    return s;
}

static void free_names(struct lab_figures *f)
{
    free(f->name);
    free(f->pool);
    free(f->sched);
}

void lab_results_free(struct lab_results *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->nr_domains; i++) {
        free_names(&s->domain[i]);
    }
    for (size_t i = 0; i < s->nr_vcpus; i++) {
        free_names(&s->vcpu[i]);
    }
    free(s->domain);
    free(s->vcpu);
    free(s->workload);
    free(s->sched);
    free(s->why);
    free(s);
}
