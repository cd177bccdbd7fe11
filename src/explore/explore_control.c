/* SPDX-License-Identifier: MIT */
/*
 * What controllers do, each on a pCPU of its own choice between two guest
 * entries there: one function a line of their scripts.
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "explore_world.h"

static struct ex_result next(int64_t value)
{
    return (struct ex_result){.next = EX_NEXT, .value = value};
}

static struct ex_domain *domain(const struct ex_op *op)
{
    return &ex_world.domain[op->arg[0]];
}

static struct ex_result op_at(struct ex_pcpu *c, const struct ex_op *op)
{
    (void)c;
    (void)op;
    return next(0);
}

uint64_t ex_control_due(const struct ex_op *op)
{
    return op->verb->control == op_at ? EX_START_NS + op->arg[0] : 0;
}

/* ---- domains ---- */

static void pause_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)x;
    if (arg != 0) {
        d->pauses++;
    } else if (d->pauses != 0) {
        d->pauses--;
    }
}

static struct ex_result op_pause(struct ex_pcpu *c, const struct ex_op *op)
{
    ex_effect(c, pause_effect, domain(op), NULL, 1);
    return next(sop_domain_pause(c->p, domain(op)->d));
}

static struct ex_result op_unpause(struct ex_pcpu *c, const struct ex_op *op)
{
    ex_effect(c, pause_effect, domain(op), NULL, 0);
    return next(sop_domain_unpause(c->p, domain(op)->d));
}

static struct ex_result op_shutdown(struct ex_pcpu *c, const struct ex_op *op)
{
    ex_effect(c, ex_shutdown_effect, domain(op), NULL, op->arg[1]);
    sop_domain_shutdown(c->p, domain(op)->d, (uint32_t)op->arg[1]);
    (void)sop_controller_next(ex_sys);
    return next(0);
}

static void resume_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)x;
    (void)arg;
    d->shut = false;
    d->code = -1;
}

static struct ex_result op_resume(struct ex_pcpu *c, const struct ex_op *op)
{
    ex_effect(c, resume_effect, domain(op), NULL, 0);
    return next(sop_domain_resume(c->p, domain(op)->d));
}

int ex_domain_kill(struct ex_pcpu *c, struct ex_domain *d)
{
    int rc;

    d->dying = true;
    rc = sop_domain_destroy(c->p, d->d);
    if (rc == 0) {
        sop_domain_free(d->d);
        memset(d, 0, sizeof(*d));
    }
    return rc;
}

/* Comes back until every pCPU has let go of it. */
static struct ex_result op_destroy(struct ex_pcpu *c, const struct ex_op *op)
{
    int rc = ex_domain_kill(c, domain(op));

    return rc == -XEN_EAGAIN ? (struct ex_result){.next = EX_AGAIN} : next(rc);
}

static struct ex_result op_create(struct ex_pcpu *c, const struct ex_op *op)
{
    if (domain(op)->d != NULL) {
        return next(-XEN_EEXIST);
    }
    return next(ex_domain_make(c, (unsigned)op->arg[0]));
}

bool ex_is_create(const struct ex_op *op)
{
    return op->verb->control == op_create;
}

/* ---- vCPUs ---- */

static void affinity_effect(struct ex_domain *d, struct ex_vcpu *x,
                            uint64_t arg)
{
    (void)d;
    x->hard = arg;
}

/* affinity VCPU HARD [SOFT] */
static struct ex_result op_affinity(struct ex_pcpu *c, const struct ex_op *op)
{
    struct ex_vcpu *x = ex_vcpu_arg(op->arg[0]);
    sop_cpumask_t hard = op->arg[1];
    sop_cpumask_t soft = op->nr_args > 2 ? op->arg[2] : SOP_CPUMASK_ALL;

    if (!op->checked || op->want == 0) {
        ex_effect(c, affinity_effect, x->d, x, hard);
    }
    return next(sop_vcpu_set_affinity(
        c->p, x->v, SOP_AFFINITY_HARD | SOP_AFFINITY_SOFT, &hard, &soft));
}

static struct ex_result op_kick(struct ex_pcpu *c, const struct ex_op *op)
{
    sop_vcpu_kick(c->p, ex_vcpu_arg(op->arg[0])->v);
    return next(0);
}

const struct ex_verb ex_control_verbs[] = {
    {"at", "t", NULL, op_at},           {"pause", "d", NULL, op_pause},
    {"unpause", "d", NULL, op_unpause}, {"shutdown", "dn", NULL, op_shutdown},
    {"resume", "d", NULL, op_resume},   {"destroy", "d", NULL, op_destroy},
    {"create", "d", NULL, op_create},   {"affinity", "vm?m", NULL, op_affinity},
    {"kick", "v", NULL, op_kick},       {NULL, NULL, NULL, NULL},
};
