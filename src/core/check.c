/* SPDX-License-Identifier: MIT */
/*
 * Everything that is always true, checked on request. The first broken one
 * ends in a panic that names it.
 */
#include "private.h"

/* A condition of the checks: always compiled in, named when broken. */
#define CHECK(cond) BUG_ON(!(cond))

static void check_runstate(const struct sop_vcpu *v, uint64_t now)
{
    const struct vcpu_runstate_info *r = &v->runstate;
    uint64_t sum = r->time[0] + r->time[1] + r->time[2] + r->time[3];

    CHECK(r->state_entry_time <= now);
    CHECK(sum == r->state_entry_time - v->created_ns);
    if (v->running != NULL) {
        CHECK(r->state == RUNSTATE_running);
    } else if ((v->holds & VCPU_HOLD_BLOCKED) != 0) {
        CHECK(r->state == RUNSTATE_blocked);
    } else if (v->pol.runnable) {
        CHECK(r->state == RUNSTATE_runnable);
    } else {
        CHECK(r->state == RUNSTATE_offline);
    }
}

static void check_poll(const struct sop_vcpu *v)
{
    bool polling = (v->domain->polling & (1u << v->id)) != 0;

    CHECK(polling == (v->poll_port != POLL_NONE));
    if (polling) {
        CHECK((v->holds & VCPU_HOLD_BLOCKED) != 0);
    } else {
        CHECK(!timer_is_set(&v->poll_timer));
    }
}

static void check_vcpu(const struct sop_vcpu *v, uint64_t now)
{
    const struct sop_pool *pool = v->domain->pool;
    sop_cpumask_t hard = v->hard & pool->cpus;

    if (hard == 0 && v->pinned) {
        hard = v->hard & pool->pol.online;
    }
    CHECK(v->pol.runnable == vcpu_is_runnable(v));
    CHECK(v->pol.up == ((v->holds & VCPU_HOLD_DOWN) == 0));
    CHECK(v->shutdown_pause == v->domain->shutting_down);
    CHECK(v->pause_count >= v->shutdown_pause);
    CHECK(v->pol.hard == hard);
    CHECK((v->pol.soft & ~v->pol.hard) == 0);
    CHECK(v->pol.hard == 0 || v->pol.soft != 0);
    if (v->running != NULL) {
        CHECK(v->running->curr == v);
        CHECK(v->pol.on == &v->running->pol);
    }
    if (timer_is_set(&v->periodic)) {
        CHECK(v->running != NULL);
    }
    check_runstate(v, now);
    check_poll(v);
}

static void check_port(const struct sop_domain *d, uint32_t port)
{
    const struct evtchn *chn = evtchn_at(d, port);
    const struct sop_domain *rd;

    CHECK(chn->vcpu < d->nr_vcpus);
    CHECK(bitmap_test(evtchn_used(d, port), port % 64) ==
          (port == 0 || evtchn_is_usable(chn)));
    if (chn->state == EVTCHNSTAT_virq) {
        CHECK(chn->virq < NR_VIRQS);
        if (!virq_is_global(chn->virq)) {
            CHECK(d->vcpu[chn->vcpu]->virq_port[chn->virq] == port);
        } else {
            CHECK(d->vcpu[0]->virq_port[chn->virq] == port);
        }
    }
    if (chn->state == EVTCHNSTAT_interdomain && chn->remote_port != PORT_HOST) {
        rd = domain_find(d->sys, chn->remote_dom);
        CHECK(rd != NULL);
        CHECK(chn->remote_port < rd->nr_ports);
        CHECK(evtchn_at(rd, chn->remote_port)->state == EVTCHNSTAT_interdomain);
        CHECK(evtchn_at(rd, chn->remote_port)->remote_dom == d->id);
        CHECK(evtchn_at(rd, chn->remote_port)->remote_port == port);
    }
}

/* Of the guest's words nothing can be said. */
static void check_fifo(const struct sop_domain *d)
{
    uint32_t port;
    unsigned i, q;

    CHECK(d->fifo->nr_words % FIFO_WORDS == 0);
    CHECK(d->fifo->nr_words <= SOP_PORTS_MAX);
    for (port = 0; port < d->fifo->nr_words && port < d->max_ports;
         port += FIFO_WORDS) {
        CHECK(d->fifo->words[port / FIFO_WORDS] != NULL);
    }
    for (i = 0; i < d->nr_vcpus; i++) {
        for (q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
            CHECK(d->fifo->vcpu[i].tail[q] < d->nr_ports);
            CHECK(d->fifo->vcpu[i].tail[q] == 0 || d->fifo->on);
            CHECK(d->fifo->vcpu[i].tail[q] == 0 ||
                  d->fifo->vcpu[i].tail[q] < d->fifo->nr_words);
        }
    }
    for (port = 1; port < d->nr_ports; port++) {
        CHECK(fifo_port_at(d, port)->priority <= EVTCHN_FIFO_PRIORITY_MIN);
        CHECK(fifo_port_at(d, port)->last_priority <= EVTCHN_FIFO_PRIORITY_MIN);
        CHECK(fifo_port_at(d, port)->last_vcpu < d->nr_vcpus);
    }
}

static void check_domain(const struct sop_domain *d, uint64_t now)
{
    uint32_t port;
    unsigned i;

    CHECK(domain_find(d->sys, d->id) == d);
    CHECK(d->controller_pause <= SOP_PAUSE_MAX);
    CHECK(!d->shut_down || d->shutting_down);
    CHECK(!d->shutting_down || d->code != CODE_NONE);
    CHECK((d->polling & ~(uint32_t)bits_below(d->nr_vcpus)) == 0);
    CHECK(d->nr_ports % SOP_PORTS_GROW == 0);
    CHECK(!d->fifo->on || d->nr_bits == 0);
    check_fifo(d);
    for (i = 0; i < SOP_WATCHDOGS; i++) {
        CHECK(d->watchdog[i].claimed || !timer_is_set(&d->watchdog[i].timer));
    }
    for (i = 0; i < d->nr_vcpus; i++) {
        CHECK(d->vcpu[i]->domain == d);
        CHECK(d->vcpu[i]->id == i);
        if (d->dying != DOMAIN_DEAD) {
            check_vcpu(d->vcpu[i], now);
        }
    }
    for (port = 0; port < d->nr_ports; port++) {
        check_port(d, port);
    }
}

/* A pCPU is the policy's that has it, and a member unless it is leaving. */
static void check_membership(const struct sop_pcpu *p)
{
    uint64_t bit = bits_one(p->pol.index);
    const struct sop_system *sys = p->sys;
    unsigned i;

    CHECK(p->online || p->pool == NULL);
    CHECK(p->pool != NULL || p->curr == NULL);
    CHECK(p->online || heap_top(&p->timers) == NULL);
    for (i = 0; i < sys->cfg.nr_pools; i++) {
        const struct sop_pool *pool = &sys->pool[i];
        bool ours = pool->used && p->pool == pool;

        if (pool->used) {
            CHECK((pool->pol.online & bit) == 0 || ours);
            CHECK((pool->cpus & ~pool->pol.online) == 0);
            CHECK((pool->pol.pcpu[p->pol.index] == &p->pol) == ours);
            CHECK(((pool->cpus & bit) != 0) == (ours && sys->leaving != p));
        }
    }
}

static void check_pcpu(const struct sop_pcpu *p)
{
    CHECK(heap_check(&p->timers) == NULL);
    if (heap_top(&p->timers) != NULL && p->online) {
        CHECK(p->armed <= heap_top(&p->timers)->key);
    }
    if (p->curr != NULL) {
        CHECK(p->curr->running == p);
        CHECK(p->pol.curr == &p->curr->pol);
        CHECK(p->curr->domain->pool == p->pool);
    }
    check_membership(p);
}

void sop_check(struct sop_system *sys, uint64_t now)
{
    const char *broken;
    unsigned i;

    core_lock(sys, NULL);
    /* Others may have been here since the caller looked at the clock. */
    now = max_u64(now, sys->now);
    for (i = 0; i < sys->cfg.nr_pcpus; i++) {
        check_pcpu(&sys->pcpu[i]);
    }
    for (i = 0; i < sys->cfg.nr_domains; i++) {
        if (sys->domain[i].used) {
            check_domain(&sys->domain[i], now);
        }
    }
    for (i = 0; i < sys->cfg.nr_pools; i++) {
        if (sys->pool[i].used) {
            broken = policy_check(&sys->pool[i].pol);
            if (broken != NULL) {
                port_panic(__FILE__, __LINE__, broken);
            }
        }
    }
    core_unlock(sys);
}
