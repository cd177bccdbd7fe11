/* SPDX-License-Identifier: MIT */
/* The beginning and the end of a run: machine, pools, domains, tasks. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/errno.h>

#include "memory.h"
#include "task.h"

#define DURATION_NS 10000000000u /* if nobody says */
#define SEED 1u

/* ---- policies ---- */

static const struct {
    const char *name;
    const struct policy_ops *ops;
    uint32_t id;
} policies[] = {
    {"credit2", &policy_credit2, XEN_SCHEDULER_CREDIT2},
    {"rtds", &policy_rtds, XEN_SCHEDULER_RTDS},
    {"null", &policy_null, XEN_SCHEDULER_NULL},
    {"arinc653", &policy_arinc653, XEN_SCHEDULER_ARINC653},
};

#define NR_POLICIES (sizeof(policies) / sizeof(policies[0]))

static size_t policy_index(const char *name)
{
    size_t i = 0;

    while (i < NR_POLICIES && strcmp(policies[i].name, name) != 0) {
        i++;
    }
    return i;
}

const char *lab_policy_name(size_t index)
{
    return index < NR_POLICIES ? policies[index].name : NULL;
}

const struct policy_ops *lab_policy(const char *name)
{
    size_t i = policy_index(name);

    return i < NR_POLICIES ? policies[i].ops : NULL;
}

const char *run_sched(const struct lab_run *r, unsigned pool)
{
    const char *own = r->w->pool[pool].sched;

    if (pool == 0 && r->options.sched != NULL) {
        return r->options.sched;
    }
    if (own == NULL) {
        own = pool == 0 ? r->w->sched : run_sched(r, 0);
    }
    return own != NULL ? own : "credit2";
}

const char *run_pool_name(const struct lab_run *r, unsigned pool)
{
    const struct lab_pool *p = &r->w->pool[pool];

    return r->renamed[pool] ? p->alias : p->name;
}

uint32_t run_sched_id(const struct lab_run *r, unsigned pool)
{
    return policies[policy_index(run_sched(r, pool))].id;
}

/* ---- notes ---- */

void run_note(struct lab_run *r, const char *format, ...)
{
    size_t len = r->notes != NULL ? strlen(r->notes) : 0;
    char line[400];
    va_list args;

    /* The first few say it all. */
    if (len > 4000) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    r->notes = sim_grow(r->notes, len + sizeof(line) + 1, 1);
    (void)snprintf(r->notes + len, sizeof(line) + 1, "%s\n", line);
}

const char *lab_why(const struct lab_run *r)
{
    const char *why = sim_why(r->m);

    return *why != '\0' ? why : r->notes != NULL ? r->notes : "";
}

const char *run_error_name(int rc)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {XEN_EPERM, "EPERM"},
        {XEN_ENOENT, "ENOENT"},
        {XEN_ESRCH, "ESRCH"},
        {XEN_EAGAIN, "EAGAIN"},
        {XEN_ENOMEM, "ENOMEM"},
        {XEN_EBUSY, "EBUSY"},
        {XEN_EEXIST, "EEXIST"},
        {XEN_ENODEV, "ENODEV"},
        {XEN_EINVAL, "EINVAL"},
        {XEN_ENOSPC, "ENOSPC"},
        {XEN_EOVERFLOW, "EOVERFLOW"},
        {XEN_EADDRINUSE, "EADDRINUSE"},
        {XEN_EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].number == -rc) {
            return names[i].name;
        }
    }
    return "an error";
}

/* ---- domains and their tasks ---- */

static void task_init(struct lab_run *r, unsigned domain, unsigned vcpu)
{
    struct task *t = &r->task[domain][vcpu];
    uint32_t program = r->w->domain[domain].program[vcpu];

    t->r = r;
    t->prog = &r->w->program[program];
    t->began = SIM_FOREVER;
    t->count = sim_alloc(t->prog->nr_slots * sizeof(*t->count));
    t->timer = sim_alloc(t->prog->nr_timers * sizeof(*t->timer));
    /* Numbers of its own, whoever else there is. */
    t->prng.state = r->seed ^ ((uint64_t)domain << 40 | (uint64_t)vcpu << 32);
    t->prng.state = prng_next(&t->prng);
}

/* Real-time parameters are a vCPU's reservation; else the policy's own. */
static void knobs_of(const struct lab_domain *d,
                     struct policy_domain_knobs *knobs)
{
    knobs->sched_id = XEN_SCHEDULER_RTDS;
    knobs->u.rtds = (struct policy_rtds){
        .period_us = (uint32_t)(d->period_ns / 1000),
        .budget_us = (uint32_t)(d->budget_ns / 1000),
        .extratime = d->extratime,
    };
}

int run_begin_domain(struct lab_run *r, unsigned index)
{
    const struct lab_domain *d = &r->w->domain[index];
    void *ctx[SOP_VCPUS_MAX];
    struct policy_domain_knobs knobs;
    struct sim_domain_config cfg = {
        .name = d->name,
        .domid = workload_domid(r->w, index),
        .hardware = d->hardware,
        .kind = SOP_GUEST_PV,
        .nr_vcpus = d->nr_vcpus,
        .weight = d->weight,
        .cap = d->cap,
        .pool = r->pool_id[d->pool],
        .hard = d->hard[0],
        .soft = d->soft[0],
        .behaviour = task_next,
        .ctx = ctx,
        .paused = true,
    };
    unsigned n;
    int rc;

    memcpy(cfg.handle, &index, sizeof(index));
    cfg.handle[15] = 1; /* not nobody's */
    for (n = 0; n < d->nr_vcpus; n++) {
        ctx[n] = &r->task[index][n];
    }
    rc = sim_domain_new(r->m, &cfg, &r->domain[index]);
    if (rc != 0) {
        return rc;
    }
    for (n = 0; n < d->nr_vcpus; n++) {
        r->task[index][n].v = &r->domain[index]->vcpu[n];
    }
    /* For the vCPUs it has: a domain has no reservation before. */
    if (d->budget_ns != 0 && run_sched_id(r, d->pool) == XEN_SCHEDULER_RTDS) {
        knobs_of(d, &knobs);
        rc =
            sop_domain_knobs(sim_self(r->m), r->domain[index]->d, &knobs, true);
    }
    if (rc != 0) {
        return rc;
    }
    (void)sop_domain_unpause(sim_self(r->m), r->domain[index]->d);
    return 0;
}

/* ---- pools ---- */

/* Pools are made before there are domains, so nobody has to leave a pCPU; but
   each pCPU must have come by once. */
static int pool_cpus(struct lab_run *r, unsigned index, uint64_t mask)
{
    struct sop_pcpu *self = sim_self(r->m);
    int rc = 0;

    for (unsigned i = 0; i < sim_nr_cpus(r->m) && rc == 0; i++) {
        if ((mask >> i & 1) == 0 || !sim_online(r->m, i)) {
            continue;
        }
        rc = sop_pool_remove(self, 0, i);
        for (unsigned tries = 0; rc == -XEN_EAGAIN && tries < 8; tries++) {
            sim_cpu_act(r->m, i);
            rc = sop_pool_remove(self, 0, i);
        }
        if (rc == 0 && index != 0) {
            rc = sop_pool_add(self, r->pool_id[index], i);
        }
    }
    return rc;
}

static bool begin_pools(struct lab_run *r, struct lab_error *e)
{
    const struct lab_workload *w = r->w;

    for (unsigned i = 0; i < w->nr_pools; i++) {
        const struct lab_pool *p = &w->pool[i];
        uint32_t id = SOP_POOL_ANY;
        int rc = 0;

        r->pool_id[i] = i == 0 ? 0 : SOP_POOL_ANY;
        if (p->later) {
            continue;
        }
        if (i != 0) {
            rc = sop_pool_create(sim_self(r->m), run_sched_id(r, i), &id);
            r->pool_id[i] = id;
        }
        if (rc == 0 && p->cpus != 0) {
            rc = pool_cpus(r, i, i == 0 ? ~p->cpus : p->cpus);
        }
        if (rc == 0 && run_sched_id(r, i) == XEN_SCHEDULER_ARINC653 &&
            p->nr_windows != 0) {
            rc = pool_set_frame(r, i, p);
        }
        if (rc == 0 && p->ratelimit_given) {
            rc = pool_set_ratelimit(r, i, p->ratelimit_ns);
        }
        if (rc != 0) {
            return lab_fail(e, "%s: pool %s: %s",
                            p->where != NULL ? p->where : w->path, p->name,
                            run_error_name(rc));
        }
    }
    return true;
}

/* ---- the machine ---- */

static void machine_config(const struct lab_run *r, struct sim_config *cfg)
{
    const struct lab_workload *w = r->w;
    const struct lab_options *o = &r->options;

    *cfg = (struct sim_config){
        .sockets = w->sockets,
        .cores = w->cores,
        .threads = w->threads,
        .nr_domains = (unsigned)w->nr_domains,
        .online = w->online,
        .seed = r->seed,
        .policy = lab_policy(run_sched(r, 0)),
        .runqueue = w->runqueue != NULL
                        ? (enum sop_runqueue)sop_runqueue_by_name(w->runqueue)
                        : SOP_RUNQUEUE_SOCKET,
        .call_ns = o->call_given ? o->call_ns : w->call_ns,
        .switch_ns = o->switch_given ? o->switch_ns : w->switch_ns,
        .kick_ns = o->kick_given ? o->kick_ns : w->kick_ns,
        .hooks = o->hooks,
    };
    for (size_t i = 0; i < w->nr_domains; i++) {
        cfg->nr_vcpus += w->domain[i].nr_vcpus;
    }
    if (o->pcpus != 0) {
        cfg->sockets = cfg->threads = 1;
        cfg->cores = o->pcpus;
    }
    cfg->sockets = o->sockets != 0 ? o->sockets : cfg->sockets;
    cfg->cores = o->cores != 0 ? o->cores : cfg->cores;
    cfg->threads = o->threads != 0 ? o->threads : cfg->threads;
}

static bool has_no_pcpu(const struct lab_run *r, const struct lab_domain *d)
{
    unsigned n = sim_nr_cpus(r->m);
    uint64_t there = n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX;

    return d->hard[0] != 0 && (d->hard[0] & there) == 0;
}

static bool begin_domains(struct lab_run *r, struct lab_error *e)
{
    const struct lab_workload *w = r->w;

    for (unsigned i = 0; i < w->nr_domains; i++) {
        r->domain_pool[i] = w->domain[i].pool;
        r->task[i] = sim_alloc(w->domain[i].nr_vcpus * sizeof(struct task));
        for (unsigned n = 0; n < w->domain[i].nr_vcpus; n++) {
            task_init(r, i, n);
        }
    }
    for (unsigned i = 0; i < w->nr_domains; i++) {
        const struct lab_domain *d = &w->domain[i];
        int rc;

        if (d->start_ns != 0) {
            struct lab_pending *p = &r->pending[w->nr_acts + i];

            *p = (struct lab_pending){.r = r, .domain = i};
            sim_at(r->m, d->start_ns, act_do, p);
            continue;
        }
        rc = run_begin_domain(r, i);
        if (rc != 0) {
            return lab_fail(e, "%s: domain %s cannot be made: %s%s", d->where,
                            d->name, run_error_name(rc),
                            has_no_pcpu(r, d) ? ", as there is none of the "
                                                "pCPUs it may run on"
                                              : "");
        }
    }
    for (size_t i = 0; i < w->nr_acts; i++) {
        r->pending[i] = (struct lab_pending){.r = r, .act = &w->act[i]};
        sim_at(r->m, w->act[i].when, act_do, &r->pending[i]);
    }
    return true;
}

static bool begin(struct lab_run *r, struct lab_error *e)
{
    struct sim_config cfg;

    if (r->options.sched != NULL && lab_policy(r->options.sched) == NULL) {
        return lab_fail(e, "there is no scheduler '%s'", r->options.sched);
    }
    machine_config(r, &cfg);
    r->m = sim_new(&cfg);
    if (r->m == NULL) {
        return lab_fail(e,
                        "%s: this machine cannot be: at most %u pCPUs, %u "
                        "domains",
                        r->w->path, SOP_PCPUS_MAX, SOP_DOMAINS_MAX);
    }
    return begin_pools(r, e) && begin_domains(r, e);
}

struct lab_run *lab_start(const struct lab_workload *w,
                          const struct lab_options *options, char *error,
                          size_t room)
{
    struct lab_run *r = sim_alloc(sizeof(*r));
    struct lab_error e = {error, room};

    r->w = w;
    r->options = *options;
    r->seed = options->seed_given ? options->seed
              : w->seed_given     ? w->seed
                                  : SEED;
    r->duration_ns = options->duration_ns != 0 ? options->duration_ns
                     : w->duration_given       ? w->duration_ns
                                               : DURATION_NS;
    r->domain = sim_alloc(w->nr_domains * sizeof(*r->domain));
    r->task = sim_alloc(w->nr_domains * sizeof(*r->task));
    r->shared = sim_alloc(w->nr_objects * sizeof(*r->shared));
    r->pool_id = sim_alloc(w->nr_pools * sizeof(*r->pool_id));
    r->renamed = sim_alloc(w->nr_pools * sizeof(*r->renamed));
    r->domain_pool = sim_alloc(w->nr_domains * sizeof(*r->domain_pool));
    r->pending = sim_alloc((w->nr_acts + w->nr_domains) * sizeof(*r->pending));
    if (!begin(r, &e)) {
        lab_end(r);
        return NULL;
    }
    return r;
}

static void task_free(struct task *t)
{
    free(t->count);
    free(t->timer);
    free(t->peer);
    free(t->send);
    free(t->affinity);
    sim_hist_free(&t->response);
}

void lab_end(struct lab_run *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->w->nr_domains; i++) {
        for (unsigned n = 0; r->task[i] != NULL && n < r->w->domain[i].nr_vcpus;
             n++) {
            task_free(&r->task[i][n]);
        }
        free(r->task[i]);
    }
    sim_free(r->m);
    free(r->domain);
    free(r->task);
    free(r->shared);
    free(r->pool_id);
    free(r->renamed);
    free(r->domain_pool);
    free(r->next);
    free(r->pending);
    free(r->notes);
    free(r);
}

struct sim_machine *lab_machine(struct lab_run *r)
{
    return r->m;
}

uint64_t lab_duration(const struct lab_run *r)
{
    return r->duration_ns;
}

enum sim_end lab_advance(struct lab_run *r, uint64_t until)
{
    return sim_run(r->m, until < r->duration_ns ? until : r->duration_ns);
}
