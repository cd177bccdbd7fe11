/* SPDX-License-Identifier: MIT */
/*
 * What the workload wants done to cpupools while the machine runs, by the
 * controller's functions and in the steps in which xl does it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/errno.h>

#include "memory.h"
#include "task.h"

/* ---- knobs of pools ---- */

int pool_set_frame(struct lab_run *r, unsigned index,
                   const struct lab_pool *frame)
{
    struct policy_pool_knobs *knobs = sim_alloc(sizeof(*knobs));
    struct policy_arinc653 *a = &knobs->u.arinc653;
    uint64_t sum = 0;
    int rc;

    knobs->sched_id = XEN_SCHEDULER_ARINC653;
    a->count = (uint32_t)frame->nr_windows;
    for (size_t i = 0; i < frame->nr_windows && i < SOP_WINDOWS_MAX; i++) {
        const struct lab_window *w = &frame->window[i];

        if (w->domain != UINT32_MAX) {
            memcpy(a->window[i].handle, &w->domain, sizeof(w->domain));
            a->window[i].handle[15] = 1;
        }
        a->window[i].vcpu_id = w->vcpu;
        a->window[i].runtime_ns = w->ns;
        sum += w->ns;
    }
    a->major_frame_ns = frame->frame_ns != 0 ? frame->frame_ns : sum;
    rc = frame->nr_windows > SOP_WINDOWS_MAX
             ? -XEN_EINVAL
             : sop_pool_knobs(sim_self(r->m), r->pool_id[index], knobs, true);
    free(knobs);
    return rc;
}

int pool_set_ratelimit(struct lab_run *r, unsigned index, uint64_t ns)
{
    struct policy_pool_knobs *knobs = sim_alloc(sizeof(*knobs));
    int rc = -XEN_EINVAL;

    knobs->sched_id = XEN_SCHEDULER_CREDIT2;
    if (ns / 1000 <= UINT32_MAX) {
        knobs->u.credit2.ratelimit_us = (uint32_t)(ns / 1000);
        rc = sop_pool_knobs(sim_self(r->m), r->pool_id[index], knobs, true);
    }
    free(knobs);
    return rc;
}

/* ---- pCPUs of pools ---- */

/* Each of the list in turn; those done are not done again. */
static int each_pcpu(struct lab_run *r, struct lab_pending *p, uint64_t mask,
                     int (*act)(struct sop_pcpu *, uint32_t, uint32_t))
{
    uint32_t id = r->pool_id[p->act->value];
    int rc = 0;

    for (unsigned i = 0; i < sim_nr_cpus(r->m) && rc == 0; i++) {
        if ((mask & ~p->done) >> i & 1) {
            rc = act(sim_self(r->m), id, i);
            p->done |= (uint64_t)(rc == 0) << i;
        }
    }
    return rc;
}

static bool pool_info(struct lab_run *r, size_t index,
                      struct sop_pool_info *info)
{
    return sop_pool_info(sim_self(r->m), r->pool_id[index], info) == 0 &&
           info->id == r->pool_id[index];
}

/* As xl: nobody may live there, then the pCPUs go, then the pool. */
static int destroy(struct lab_run *r, struct lab_pending *p)
{
    struct sop_pool_info info;
    int rc;

    if (!pool_info(r, p->act->value, &info)) {
        return -XEN_ENOENT;
    }
    if (info.nr_domains != 0 || info.id == 0) {
        return -XEN_EBUSY;
    }
    rc = each_pcpu(r, p, info.pcpus, sop_pool_remove);
    if (rc == 0) {
        rc = sop_pool_destroy(sim_self(r->m), info.id);
    }
    if (rc == 0) {
        r->pool_id[p->act->value] = SOP_POOL_ANY;
    }
    return rc;
}

/* pCPUs that are not free are refused before anything is done. */
static int create(struct lab_run *r, struct lab_pending *p)
{
    struct sop_pcpu *self = sim_self(r->m);
    uint32_t id = SOP_POOL_ANY;
    int rc;

    if ((p->act->mask & ~sop_pool_free_pcpus(self)) != 0) {
        return -XEN_EBUSY;
    }
    rc = sop_pool_create(self, run_sched_id(r, (unsigned)p->act->value), &id);
    if (rc == 0) {
        r->pool_id[p->act->value] = id;
        rc = each_pcpu(r, p, p->act->mask, sop_pool_add);
    }
    return rc;
}

int act_on_pool(struct lab_run *r, struct lab_pending *p)
{
    const struct lab_act *a = p->act;
    struct sop_pool_info info;

    if (a->kind == ACT_POOL_CREATE) {
        return create(r, p);
    }
    if (!pool_info(r, a->value, &info)) {
        return -XEN_ENOENT; /* not yet, or no longer */
    }
    if (a->kind == ACT_POOL_DESTROY) {
        return destroy(r, p);
    }
    if (a->kind == ACT_POOL_ADD || a->kind == ACT_POOL_REMOVE) {
        return each_pcpu(r, p, a->mask,
                         a->kind == ACT_POOL_ADD ? sop_pool_add
                                                 : sop_pool_remove);
    }
    if (a->kind == ACT_POOL_RENAME) {
        r->renamed[a->value] = true;
        return 0;
    }
    return a->kind == ACT_FRAME
               ? pool_set_frame(r, (unsigned)a->value, a->frame)
               : pool_set_ratelimit(r, (unsigned)a->value, a->value2);
}
