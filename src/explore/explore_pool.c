/* SPDX-License-Identifier: MIT */
/*
 * What controllers do to cpupools, pCPUs and the knobs of policies. A pCPU
 * that has been taken away is gone at once as far as the model goes: that it
 * still runs something when everything has come to rest is a failure.
 */
#include <stdint.h>
#include <string.h>

#include <xen/domctl.h>

#include "../lib/bitmap.h"
#include "explore_machine.h"
#include "explore_world.h"

static struct ex_result done(int64_t value)
{
    return (struct ex_result){.next = value == -XEN_EAGAIN ? EX_AGAIN : EX_NEXT,
                              .value = value};
}

/* Whether the script says that it will be refused. */
static bool is_refused(const struct ex_op *op)
{
    return op->checked && op->want < 0;
}

/* ---- pools ---- */

/* pool-create N POLICY */
static struct ex_result op_create(struct ex_pcpu *c, const struct ex_op *op)
{
    uint32_t id = (uint32_t)op->arg[0];
    int rc = sop_pool_create(c->p, ex_policy_id((unsigned)op->arg[1]), &id);

    if (rc == 0) {
        ex_world.pool[id] =
            (struct ex_pool){.used = true, .policy = (uint8_t)op->arg[1]};
    }
    return done(rc);
}

static struct ex_result op_destroy(struct ex_pcpu *c, const struct ex_op *op)
{
    int rc = sop_pool_destroy(c->p, (uint32_t)op->arg[0]);

    if (rc == 0) {
        ex_world.pool[op->arg[0]].used = false;
    }
    return done(rc);
}

static void add_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)d;
    (void)x;
    ex_world.pool[arg >> 8].cpus |= bits_one(arg & 0xff);
}

/* A mask that names no pCPU of its pool any more becomes all (fact 108). */
static void remove_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    struct ex_pool *pool = &ex_world.pool[arg >> 8];
    unsigned i, n;

    (void)d;
    (void)x;
    pool->cpus &= ~bits_one(arg & 0xff);
    for (i = 0; i < EX_DOMAINS; i++) {
        struct ex_domain *one = &ex_world.domain[i];

        for (n = 0; one->d != NULL && n < one->spec->nr_vcpus; n++) {
            if (one->pool == arg >> 8 &&
                (one->vcpu[n].hard & pool->cpus) == 0) {
                one->vcpu[n].hard = SOP_CPUMASK_ALL;
            }
        }
    }
}

/* pool-add N PCPU, pool-remove N PCPU */
static struct ex_result op_add(struct ex_pcpu *c, const struct ex_op *op)
{
    if (!is_refused(op)) {
        ex_effect(c, add_effect, NULL, NULL, op->arg[0] << 8 | op->arg[1]);
    }
    return done(sop_pool_add(c->p, (uint32_t)op->arg[0], (uint32_t)op->arg[1]));
}

static struct ex_result op_remove(struct ex_pcpu *c, const struct ex_op *op)
{
    if (!is_refused(op)) {
        ex_effect(c, remove_effect, NULL, NULL, op->arg[0] << 8 | op->arg[1]);
    }
    return done(
        sop_pool_remove(c->p, (uint32_t)op->arg[0], (uint32_t)op->arg[1]));
}

/* pool-move N DOMAIN */
static struct ex_result op_move(struct ex_pcpu *c, const struct ex_op *op)
{
    struct ex_domain *d = &ex_world.domain[op->arg[1]];
    int rc = sop_pool_move(c->p, (uint32_t)op->arg[0], d->d);
    unsigned i;

    d->moving = rc == -XEN_EAGAIN;
    if (rc == 0 && d->pool != op->arg[0]) {
        d->pool = (unsigned)op->arg[0];
        ex_default_knobs(d);
        for (i = 0; i < d->spec->nr_vcpus; i++) {
            d->vcpu[i].hard = SOP_CPUMASK_ALL;
        }
    }
    return done(rc);
}

/* ---- pCPUs ---- */

int ex_hotplug(struct ex_pcpu *c, unsigned pcpu, bool online, bool sure)
{
    int rc;

    if (sure) {
        ex_effect(c, online ? add_effect : remove_effect, NULL, NULL, pcpu);
    }
    rc = online ? sop_hotplug_online(c->p, pcpu)
                : sop_hotplug_offline(c->p, pcpu);
    if (rc == 0) {
        ex_world.pcpu[pcpu].off = !online;
    }
    return rc;
}

static struct ex_result op_off(struct ex_pcpu *c, const struct ex_op *op)
{
    return done(ex_hotplug(c, (unsigned)op->arg[0], false, !is_refused(op)));
}

static struct ex_result op_on(struct ex_pcpu *c, const struct ex_op *op)
{
    return done(ex_hotplug(c, (unsigned)op->arg[0], true, !is_refused(op)));
}

/* ---- knobs ---- */

/* weight DOMAIN WEIGHT CAP */
static struct ex_result op_weight(struct ex_pcpu *c, const struct ex_op *op)
{
    struct policy_domain_knobs k = {
        .sched_id = XEN_SCHEDULER_CREDIT2,
        .u.credit2 = {.weight = (uint32_t)op->arg[1],
                      .cap = (uint32_t)op->arg[2]},
    };

    struct ex_domain *d = &ex_world.domain[op->arg[0]];
    int rc = sop_domain_knobs(c->p, d->d, &k, true);

    if (rc == 0) {
        d->weight = k.u.credit2.weight;
        d->cap = k.u.credit2.cap;
        d->meter.since = 0; /* starts anew */
    }
    return done(rc);
}

/* rtds VCPU PERIOD BUDGET EXTRA: periods of any length, to be refused */
static struct ex_result op_rtds(struct ex_pcpu *c, const struct ex_op *op)
{
    struct policy_vcpu_knobs k = {
        .sched_id = XEN_SCHEDULER_RTDS,
        .u.rtds = {.period_us = (uint32_t)(op->arg[1] / 1000),
                   .budget_us = (uint32_t)(op->arg[2] / 1000),
                   .extratime = op->arg[3] != 0},
    };

    struct ex_vcpu *x = ex_vcpu_arg(op->arg[0]);
    int rc = sop_vcpu_knobs(c->p, x->v, &k, true);

    if (rc == 0) {
        x->rtds = (struct ex_reserve){.period = op->arg[1],
                                      .budget = op->arg[2],
                                      .from = ex_world.now + x->rtds.period,
                                      .extra = op->arg[3] != 0};
    }
    return done(rc);
}

/* ratelimit POOL TIME */
static struct ex_result op_ratelimit(struct ex_pcpu *c, const struct ex_op *op)
{
    struct policy_pool_knobs k = {
        .sched_id = XEN_SCHEDULER_CREDIT2,
        .u.credit2 = {.ratelimit_us = (uint32_t)(op->arg[1] / 1000)},
    };

    return done(sop_pool_knobs(c->p, (uint32_t)op->arg[0], &k, true));
}

#define WINDOWS_TOO_MANY 8u

/* Knobs, and room behind them for who believes too high a number. */
struct frame_knobs {
    struct policy_pool_knobs k;
    struct policy_arinc653_window beyond[WINDOWS_TOO_MANY];
};

static void set_window(struct frame_knobs *f, unsigned n, uint64_t who,
                       uint64_t runtime)
{
    struct policy_arinc653_window w = {.handle = {(uint8_t)(who >> 8)},
                                       .vcpu_id = (uint32_t)(who & 0xff),
                                       .runtime_ns = runtime};
    size_t at =
        offsetof(struct policy_pool_knobs, u.arinc653.window) + n * sizeof(w);

    if (at + sizeof(w) <= sizeof(*f)) {
        memcpy((uint8_t *)f + at, &w, sizeof(w));
    }
}

/*
 * frame POOL LENGTH COUNT VCPU TIME ...: windows; those that COUNT has more
 * are as the last one.
 */
static struct ex_result op_frame(struct ex_pcpu *c, const struct ex_op *op)
{
    static struct frame_knobs f;
    unsigned n, i = 3;

    memset(&f, 0, sizeof(f));
    f.k.sched_id = XEN_SCHEDULER_ARINC653;
    f.k.u.arinc653.major_frame_ns = op->arg[1];
    f.k.u.arinc653.count = (uint32_t)op->arg[2];
    for (n = 0; n < op->arg[2]; n++) {
        set_window(&f, n, op->arg[i], op->arg[i + 1]);
        i += i + 3 < op->nr_args ? 2 : 0;
    }
    return done(sop_pool_knobs(c->p, (uint32_t)op->arg[0], &f.k, true));
}

const struct ex_verb ex_pool_verbs[] = {
    {"pool-create", "ny", NULL, op_create},
    {"pool-destroy", "n", NULL, op_destroy},
    {"pool-add", "nn", NULL, op_add},
    {"pool-remove", "nn", NULL, op_remove},
    {"pool-move", "nd", NULL, op_move},
    {"cpu-off", "n", NULL, op_off},
    {"cpu-on", "n", NULL, op_on},
    {"weight", "dnn", NULL, op_weight},
    {"rtds", "vttn", NULL, op_rtds},
    {"ratelimit", "nt", NULL, op_ratelimit},
    {"frame", "ntnvt?vt+", NULL, op_frame},
    {NULL, NULL, NULL, NULL},
};
