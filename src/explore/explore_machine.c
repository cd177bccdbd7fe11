/* SPDX-License-Identifier: MIT */
/*
 * The machine a scenario asks for: pCPUs and the policies they start with.
 */
#include "explore_machine.h"

#include <stdlib.h>
#include <string.h>

#include "explore_world.h"

void ex_world_create(const struct ex_scenario *s)
{
    struct sop_config cfg = {
        .nr_pcpus = s->nr_pcpus,
        .nr_domains = 1,
        .nr_vcpus = 1,
        .seed = s->seed,
        .time = {.mul = 1},
        .policy = s->policy,
    };
    unsigned i;

    for (i = 0; i < EX_DOMAINS; i++) {
        cfg.nr_domains += s->domain[i].used;
        cfg.nr_vcpus += s->domain[i].used ? s->domain[i].nr_vcpus : 0;
    }
    ex_world_empty(s, &cfg);
}

/* The first ones come online at once, each by itself. */
void ex_pcpus_start(const struct ex_scenario *s)
{
    unsigned i;

    for (i = 0; i < s->nr_pcpus; i++) {
        struct ex_pcpu *c = &ex_world.pcpu[i];

        c->at = EX_AT_OFF;
        c->off = i >= s->online;
        if (!c->off) {
            sop_pcpu_online(c->p);
            c->at = EX_AT_CORE; /* its loop starts */
        }
    }
}

/* ---- by name ---- */

static const struct {
    const char *name;
    const struct policy_ops *ops;
} policies[] = {
    {"credit2", &policy_credit2},
};

const struct policy_ops *ex_policy_by_name(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(policies[i].name, name) == 0) {
            return policies[i].ops;
        }
    }
    return NULL;
}

uint64_t ex_pool_id(const struct ex_scenario *s, const char *name)
{
    (void)s;
    return strtoul(name, NULL, 10);
}

bool ex_pool_line(struct ex_scenario *s, char *const *word, unsigned nr)
{
    (void)s;
    (void)word;
    (void)nr;
    return false;
}
