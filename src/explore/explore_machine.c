/* SPDX-License-Identifier: MIT */
/*
 * The machine a scenario asks for: pCPUs, pools, and the policies by name.
 */
#include "explore_machine.h"

#include <stdint.h>
#include <string.h>

#include <xen/domctl.h>

#include "../lib/bitmap.h"
#include "explore_world.h"

/* ---- policies ---- */

static const struct {
    const char *name;
    uint32_t id;
} policies[] = {
    {"credit2", XEN_SCHEDULER_CREDIT2},
    {"rtds", XEN_SCHEDULER_RTDS},
    {"null", XEN_SCHEDULER_NULL},
    {"arinc653", XEN_SCHEDULER_ARINC653},
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* In the same order. The core keeps the address. */
static const struct policy_ops *const all[POLICIES] = {
    &policy_credit2, &policy_rtds, &policy_null, &policy_arinc653};

int ex_policy_by_name(const char *name)
{
    unsigned i;

    for (i = 0; i < POLICIES; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t ex_policy_id(unsigned policy)
{
    return policies[policy].id;
}

const char *ex_policy_of(const struct ex_domain *d)
{
    return policies[ex_world.pool[d->pool].policy].name;
}

/* ---- the system ---- */

void ex_world_create(const struct ex_scenario *s)
{
    struct sop_config cfg = {
        .nr_pcpus = s->nr_pcpus,
        .nr_domains = 1,
        .nr_vcpus = 1,
        .seed = s->seed,
        .time = {.mul = 1},
        .policy = all[s->pool[0].policy],
        .policies = all,
        .nr_policies = POLICIES,
    };
    unsigned i;

    for (i = 0; i < EX_DOMAINS; i++) {
        cfg.nr_domains += s->domain[i].used;
        cfg.nr_vcpus += s->domain[i].used ? s->domain[i].nr_vcpus : 0;
    }
    ex_world_empty(s, &cfg);
}

/* All wait in their loops; the first ones come online, each by itself. */
void ex_pcpus_start(const struct ex_scenario *s)
{
    unsigned i;

    for (i = 0; i < s->nr_pcpus; i++) {
        struct ex_pcpu *c = &ex_world.pcpu[i];

        c->at = EX_AT_CORE; /* its loop starts */
        c->off = i >= s->online;
        if (!c->off) {
            sop_pcpu_online(c->p);
        }
    }
    ex_world.pool[0] = s->pool[0];
    ex_world.pool[0].cpus = bits_below(s->online);
}

static void must(int rc, const char *what, unsigned n)
{
    if (rc != 0) {
        ex_fail("setup", "%s %u: error %d", what, n, -rc);
        ex_give_up();
    }
}

static void move_pcpu(unsigned pool, unsigned i)
{
    struct ex_pcpu *first = &ex_world.pcpu[0];
    int rc;

    do {
        rc = sop_pool_remove(first->p, 0, i);
        ex_settle();
    } while (rc == -XEN_EAGAIN);
    must(rc, "cannot remove from pool 0 pCPU", i);
    must(sop_pool_add(first->p, pool, i), "cannot add pCPU", i);
    ex_settle();
    ex_world.pool[0].cpus &= ~bits_one(i);
}

void ex_pools_make(const struct ex_scenario *s)
{
    unsigned n, i;

    for (n = 1; n < EX_POOLS; n++) {
        uint32_t id = n;

        if (!s->pool[n].used) {
            continue;
        }
        ex_world.pool[n] = s->pool[n];
        must(sop_pool_create(ex_world.pcpu[0].p, policies[s->pool[n].policy].id,
                             &id),
             "cannot create pool", n);
        for (i = 0; i < s->online; i++) {
            if ((s->pool[n].cpus & bits_one(i)) != 0) {
                move_pcpu(n, i);
            }
        }
    }
}
