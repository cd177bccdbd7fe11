/* SPDX-License-Identifier: MIT */
/*
 * Faults that last: a domain dies, or a pCPU goes off line and comes back, at
 * any step. A controller does it, and goes on until it is done, as after
 * -EAGAIN. It acts alone: a port has one controller at a time, so a script of
 * another does not call meanwhile, nor is it interrupted amid a call of its.
 */
#include <stdint.h>

#include "explore_machine.h"
#include "explore_world.h"

static void add(struct ex_step *list, unsigned *n, enum ex_step_kind kind,
                const struct ex_pcpu *c, unsigned what)
{
    ex_add_step(list, n,
                (struct ex_step){.kind = (uint8_t)kind,
                                 .pcpu = (uint8_t)c->index,
                                 .what = (uint8_t)what});
}

static bool may_act(const struct ex_pcpu *c)
{
    return ex_is_open(c) && !c->off && !ex_world.setting_up &&
           !ex_world.strike.acting && ex_world.controllers == 0;
}

static bool may_die(const struct ex_domain *d)
{
    return d->d != NULL && !d->dying && !d->moving;
}

/* pCPU 0 cannot go. */
void ex_strike_begin(struct ex_step *list, unsigned *n, const struct ex_pcpu *c,
                     unsigned kinds)
{
    unsigned i;

    if (!may_act(c) || ex_world.strike.kind != 0) {
        return;
    }
    for (i = 0; (kinds & 1u << EX_STEP_DEATH) != 0 && i < EX_DOMAINS; i++) {
        if (may_die(&ex_world.domain[i])) {
            add(list, n, EX_STEP_DEATH, c, i);
        }
    }
    if ((kinds & 1u << EX_STEP_OFFLINE) == 0) {
        return;
    }
    for (i = 1; i < ex_scenario->nr_pcpus; i++) {
        if (!ex_world.pcpu[i].off && i != c->index) {
            add(list, n, EX_STEP_OFFLINE, c, i);
        }
    }
}

void ex_strike_go_on(struct ex_step *list, unsigned *n, const struct ex_pcpu *c)
{
    const struct ex_strike *s = &ex_world.strike;

    if (s->kind != 0 && s->by == c->index && may_act(c)) {
        add(list, n, (enum ex_step_kind)s->kind, c, s->what);
    }
}

/* Any pCPU may bring one back that is away. */
void ex_strike_undo(struct ex_step *list, unsigned *n, const struct ex_pcpu *c)
{
    unsigned i;

    for (i = 1; i < ex_scenario->nr_pcpus && may_act(c); i++) {
        if ((ex_world.strike.away & 1u << i) != 0 &&
            ex_world.strike.kind == 0) {
            add(list, n, EX_STEP_ONLINE, c, i);
        }
    }
}

/* Scripts may have taken it away, or brought it back, themselves. */
static int hotplug(struct ex_pcpu *c, unsigned pcpu, bool online)
{
    int rc;

    c->wait = true;
    rc = ex_hotplug(c, pcpu, online, true);
    ex_settle_effect(c, rc);
    c->wait = false;
    if (rc != -XEN_EAGAIN) {
        ex_world.strike.away &= (uint8_t) ~(1u << pcpu);
        ex_world.strike.away |=
            (uint8_t)((unsigned)(rc == 0 && !online) << pcpu);
    }
    return rc;
}

static int death(struct ex_pcpu *c, unsigned id)
{
    int rc;

    if (ex_world.domain[id].d == NULL) {
        return 0; /* a script was faster */
    }
    rc = ex_domain_kill(c, &ex_world.domain[id]);
    if (rc != 0 && rc != -XEN_EAGAIN) {
        ex_fail("result", "domain %u cannot be destroyed: %d", id, rc);
    }
    return rc;
}

void ex_strike(struct ex_pcpu *c, struct ex_step step)
{
    struct ex_strike *s = &ex_world.strike;
    int rc;

    s->struck = true;
    s->acting = true;
    s->kind = step.kind;
    s->what = step.what;
    s->by = (uint8_t)c->index;
    rc = step.kind == EX_STEP_DEATH
             ? death(c, step.what)
             : hotplug(c, step.what, step.kind == EX_STEP_ONLINE);
    s->acting = false;
    if (rc != -XEN_EAGAIN) {
        s->kind = 0;
    }
}
