/* SPDX-License-Identifier: MIT */
/*
 * The events of a machine. Each pCPU is due when its timer fires, a kick
 * arrives or its vCPU has computed enough, whichever is first; a tree of
 * winners finds the pCPU that is due first. Among pCPUs due at one time the
 * lowest acts first, unless a hook chooses.
 *
 * What a vCPU has computed enough for it has done: its next step, which takes
 * no time, comes before a kick and the timer of the same moment. So who needs
 * exactly the budget it has is not late by the length of nothing.
 */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/errno.h>
#include <xen/vcpu.h>

#define AT_ONCE_MAX 1000000u /* events with the clock standing still */

/* ---- whose turn it is in this thread ---- */

static _Thread_local struct sim_machine *current;

struct sim_machine *machine_current(void)
{
    return current;
}

void machine_enter(struct sim_machine *m)
{
    current = m;
}

/* ---- who is due first ---- */

static unsigned earlier(const struct sim_machine *m, unsigned a, unsigned b)
{
    if (b >= m->nr_cpus) {
        return a;
    }
    return m->due[b] < m->due[a] ? b : a;
}

static uint64_t due_of(const struct sim_cpu *c)
{
    uint64_t due = c->armed < c->kick_at ? c->armed : c->kick_at;

    if (c->loaded != NULL && c->loaded->end < due) {
        due = c->loaded->end;
    }
    return due;
}

void machine_due(struct sim_cpu *c)
{
    struct sim_machine *m = c->m;
    uint64_t due = due_of(c);
    unsigned node = (m->tree_leaves + c->index) / 2;

    if (due == m->due[c->index]) {
        return;
    }
    m->due[c->index] = due;
    for (; node >= 1; node /= 2) {
        m->first[node] =
            (uint8_t)earlier(m, m->first[2 * node], m->first[2 * node + 1]);
    }
}

static void tree_init(struct sim_machine *m)
{
    unsigned i;

    m->tree_leaves = 1;
    while (m->tree_leaves < m->nr_cpus) {
        m->tree_leaves *= 2;
    }
    for (i = 0; i < m->tree_leaves; i++) {
        m->first[m->tree_leaves + i] = (uint8_t)i;
    }
    for (i = 0; i < m->nr_cpus; i++) {
        m->due[i] = SIM_FOREVER;
    }
    for (i = m->tree_leaves - 1; i >= 1; i--) {
        m->first[i] = (uint8_t)earlier(m, m->first[2 * i], m->first[2 * i + 1]);
    }
}

/* ---- what a pCPU does ---- */

static void stuck(struct sim_cpu *c)
{
    struct sim_machine *m = c->m;
    const struct sim_vcpu *v = c->loaded;

    (void)snprintf(m->why, sizeof(m->why),
                   "no end of events at %llu ns: pCPU %u runs %s vCPU %u, "
                   "which calls again and again without computing",
                   (unsigned long long)m->now, c->index,
                   v != NULL ? v->d->name : "nothing,", v != NULL ? v->id : 0);
    m->stop = true;
}

static void make_call(struct sim_cpu *c, struct sim_vcpu *v)
{
    struct sim_machine *m = c->m;
    enum sop_call_status status;

    m->stats.calls++;
    v->call_due = false;
    status = sop_hypercall(c->p, v->v, &v->step.call);
    if (status == SOP_CALL_AGAIN) {
        v->call_due = true;
    } else {
        v->result = v->step.call.result;
    }
}

/* It has done what it was told: asks what next, and begins with that. */
static void next_step(struct sim_cpu *c, struct sim_vcpu *v)
{
    struct sim_machine *m = c->m;

    v->step.until_upcall = false;
    v->step.until_time = false;
    v->behaviour(v, &v->step);
    switch (v->step.act) {
    case SIM_COMPUTE:
        m->stats.computes++;
        if (v->step.until_time) {
            v->end = v->step.ns;
            break;
        }
        v->end = v->step.ns > SIM_FOREVER - m->now ? SIM_FOREVER
                                                   : m->now + v->step.ns;
        break;
    case SIM_CALL:
        v->call_due = true;
        v->end = m->now + m->cfg.call_ns;
        break;
    case SIM_HALT:
        m->stats.halts++;
        sop_vcpu_halt(c->p, v->v, v->step.interrupts_on);
        break;
    }
}

static bool upcall_is_due(const struct sim_vcpu *v)
{
    const struct vcpu_info *info =
        (const struct vcpu_info *)(const void *)v->d->shared + v->id;

    return info->evtchn_upcall_pending != 0 && info->evtchn_upcall_mask == 0;
}

static bool is_interrupted(const struct sim_vcpu *v)
{
    return __builtin_expect(v->step.until_upcall, 0) &&
           v->step.act == SIM_COMPUTE && upcall_is_due(v);
}

/* The guest's turn, until it computes, waits, or has lost the pCPU. */
static void guest_turn(struct sim_cpu *c)
{
    struct sim_machine *m = c->m;

    for (;;) {
        struct sim_vcpu *v;

        if (*c->work != 0 || c->loaded == NULL) {
            (void)sop_pcpu_choose(c->p);
        }
        v = c->loaded;
        if (v == NULL || m->stop) {
            return;
        }
        if (is_interrupted(v)) {
            v->left = v->end - m->now;
            v->end = m->now;
        } else if (v->end > m->now) {
            return;
        }
        if (++m->at_once > AT_ONCE_MAX) {
            stuck(c);
            return;
        }
        if (v->call_due) {
            make_call(c, v);
        } else {
            next_step(c, v);
        }
    }
}

static void cpu_act(struct sim_cpu *c)
{
    struct sim_machine *m = c->m;

    c->busy = true;
    if (c->loaded != NULL && c->loaded->end <= m->now && *c->work == 0) {
        guest_turn(c);
    }
    if (c->kick_at <= m->now) {
        c->kick_at = SIM_FOREVER;
        m->stats.kicks++;
        m->at_once++;
        sop_kicked(c->p);
    }
    if (c->armed <= m->now) {
        c->armed = SIM_FOREVER;
        m->stats.timers++;
        sop_timer_expired(c->p);
    }
    guest_turn(c);
    c->busy = false;
    machine_due(c);
}

void sim_cpu_act(struct sim_machine *m, unsigned cpu)
{
    cpu_act(&m->cpu[cpu]);
}

void sim_kick(struct sim_machine *m, unsigned cpu)
{
    m->cpu[cpu].kick_at = m->now;
    machine_due(&m->cpu[cpu]);
}

/*
 * Whoever enters the core on a pCPU from outside leaves work for that pCPU
 * without a kick: it would look on its way out.
 */
static void look_at_work(struct sim_machine *m)
{
    unsigned i;

    for (i = 0; i < m->nr_cpus; i++) {
        if (*m->cpu[i].work != 0 && !m->cpu[i].busy &&
            m->cpu[i].kick_at == SIM_FOREVER) {
            sim_kick(m, i);
        }
    }
}

/* ---- running ---- */

static void set_now(struct sim_machine *m, uint64_t now)
{
    if (now > m->now) {
        m->now = now;
        m->at_once = 0;
    }
}

static sop_cpumask_t all_due(const struct sim_machine *m)
{
    sop_cpumask_t due = 0;
    unsigned i;

    for (i = 0; i < m->nr_cpus; i++) {
        if (m->due[i] <= m->now) {
            due |= (sop_cpumask_t)1 << i;
        }
    }
    return due;
}

static void run_until(struct sim_machine *m, uint64_t end)
{
    while (!m->stop) {
        unsigned cpu = m->first[1];
        uint64_t due = m->due[cpu];
        uint64_t outside = outside_due(m);

        if (outside < due) {
            if (outside >= end) {
                break;
            }
            set_now(m, outside);
            m->stats.acts++;
            m->at_once++;
            outside_act(m);
            look_at_work(m);
        } else {
            if (due >= end) {
                break;
            }
            set_now(m, due);
            if (m->hooks.choose != NULL) {
                cpu = m->hooks.choose(m->hooks.ctx, all_due(m));
            }
            cpu_act(&m->cpu[cpu]);
        }
        if (m->changed) {
            domain_look_at_changed(m);
        }
        if (m->hooks.step != NULL) {
            m->hooks.step(m->hooks.ctx);
        }
        if (m->at_once > AT_ONCE_MAX && !m->stop) {
            stuck(&m->cpu[cpu]);
        }
    }
}

enum sim_end sim_run(struct sim_machine *m, uint64_t end)
{
    struct sim_machine *volatile outer = current;
    jmp_buf panic;

    if (m->panicked) {
        return SIM_PANIC;
    }
    current = m;
    m->stop = false;
    m->panic = &panic;
    if (setjmp(panic) == 0) {
        look_at_work(m);
        run_until(m, end);
        if (!m->stop) {
            set_now(m, end);
        }
    }
    m->panic = NULL;
    current = outer;
    if (m->panicked) {
        return SIM_PANIC;
    }
    if (m->why[0] != '\0') {
        return SIM_STUCK;
    }
    return m->stop ? SIM_STOPPED : SIM_DONE;
}

void sim_stop(struct sim_machine *m)
{
    m->stop = true;
}

/* ---- making one ---- */

static void cpu_init(struct sim_machine *m, unsigned index)
{
    struct sim_cpu *c = &m->cpu[index];

    c->m = m;
    c->index = index;
    c->p = sop_pcpu(m->sys, index);
    c->work = sop_pcpu_work(c->p);
    c->armed = c->kick_at = SIM_FOREVER;
    sop_pcpu_set_port(c->p, c);
    sop_pcpu_set_topology(c->p, (uint16_t)sim_core_of(m, index),
                          (uint16_t)sim_socket_of(m, index));
}

/* Into use for the first time. */
static void first_online(struct sim_cpu *c)
{
    c->online = c->known = true;
    sop_pcpu_online(c->p);
    (void)sop_pcpu_choose(c->p);
    machine_due(c);
}

int sim_hotplug(struct sim_machine *m, unsigned cpu, bool online)
{
    struct sim_cpu *c;
    int rc;

    if (cpu >= m->nr_cpus) {
        return -XEN_EINVAL;
    }
    c = &m->cpu[cpu];
    if (online && !c->known) {
        machine_enter(m);
        first_online(c);
        return 0;
    }
    rc = online ? sop_hotplug_online(sim_self(m), cpu)
                : sop_hotplug_offline(sim_self(m), cpu);
    if (rc == 0) {
        c->online = online;
    }
    return rc;
}

#define HUGE_PAGE ((size_t)2 << 20)

/* With thousands of vCPUs most of the time went into finding the pages. */
static void *arena_alloc(size_t size)
{
    size_t align = size < HUGE_PAGE ? 64 : HUGE_PAGE;
    void *arena;

    size = (size + align - 1) & ~(align - 1);
    arena = aligned_alloc(align, size);
    if (arena != NULL && align == HUGE_PAGE) {
        (void)madvise(arena, size, MADV_HUGEPAGE); /* a wish */
    }
    return arena;
}

/* The guests' counter is system time itself: shifted left and halved. */
static bool system_init(struct sim_machine *m)
{
    static const struct policy_ops *const policies[] = {
        &policy_credit2, &policy_rtds, &policy_null, &policy_arinc653};
    struct sop_config cfg = {
        .nr_pcpus = m->nr_cpus,
        .nr_domains = m->cfg.nr_domains,
        .nr_vcpus = m->cfg.nr_vcpus,
        .seed = m->cfg.seed,
        .time = {.mul = 0x80000000u, .shift = 1},
        .policy = m->cfg.policy,
        .runqueue = m->cfg.runqueue,
        .policies = policies,
        .nr_policies = sizeof(policies) / sizeof(policies[0]),
        .own_ports = true,
    };
    size_t size = sop_system_size(&cfg);

    if (size == 0) {
        return false;
    }
    m->arena = arena_alloc(size);
    if (m->arena == NULL) {
        return false;
    }
    m->sys = sop_system_init(m->arena, size, &cfg);
    return m->sys != NULL;
}

struct sim_machine *sim_new(const struct sim_config *cfg)
{
    struct sim_machine *m = sim_alloc(sizeof(*m));
    unsigned i;

    m->cfg = *cfg;
    m->cfg.sockets = cfg->sockets != 0 ? cfg->sockets : 1;
    m->cfg.cores = cfg->cores != 0 ? cfg->cores : 1;
    m->cfg.threads = cfg->threads != 0 ? cfg->threads : 1;
    m->cfg.policy = cfg->policy != NULL ? cfg->policy : &policy_credit2;
    if (cfg->hooks != NULL) {
        m->hooks = *cfg->hooks;
    }
    m->nr_cpus = m->cfg.sockets * m->cfg.cores * m->cfg.threads;
    m->last_domain = &m->domains;
    if (m->nr_cpus > SOP_PCPUS_MAX || !system_init(m)) {
        sim_free(m);
        return NULL;
    }
    tree_init(m);
    for (i = 0; i < m->nr_cpus; i++) {
        cpu_init(m, i);
    }
    machine_enter(m);
    for (i = 0; i < m->nr_cpus; i++) {
        if (i == 0 || cfg->online == 0 || (cfg->online >> i & 1) != 0) {
            first_online(&m->cpu[i]);
        }
    }
    return m;
}

void sim_free(struct sim_machine *m)
{
    if (m == NULL) {
        return;
    }
    domain_free_all(m);
    free(m->acts);
    free(m->arena);
    if (current == m) {
        current = NULL;
    }
    free(m);
}

/* ---- asking ---- */

uint64_t sim_now(const struct sim_machine *m)
{
    return m->now;
}

const struct sim_stats *sim_stats(const struct sim_machine *m)
{
    return &m->stats;
}

uint64_t sim_events(const struct sim_stats *s)
{
    return s->calls + s->halts + s->timers + s->kicks + s->switches +
           s->computes + s->acts;
}

const char *sim_why(const struct sim_machine *m)
{
    return m->why;
}

struct sop_system *sim_system(struct sim_machine *m)
{
    return m->sys;
}

unsigned sim_nr_cpus(const struct sim_machine *m)
{
    return m->nr_cpus;
}

struct sop_pcpu *sim_pcpu(struct sim_machine *m, unsigned cpu)
{
    return m->cpu[cpu].p;
}

struct sop_pcpu *sim_self(struct sim_machine *m)
{
    unsigned i = 0;

    machine_enter(m);
    while (i + 1 < m->nr_cpus && (!m->cpu[i].online || m->cpu[i].busy)) {
        i++;
    }
    return m->cpu[i].p;
}

unsigned sim_core_of(const struct sim_machine *m, unsigned cpu)
{
    return cpu / m->cfg.threads;
}

unsigned sim_socket_of(const struct sim_machine *m, unsigned cpu)
{
    return cpu / (m->cfg.threads * m->cfg.cores);
}

struct sim_vcpu *sim_loaded(const struct sim_machine *m, unsigned cpu)
{
    return m->cpu[cpu].loaded;
}

bool sim_busy(const struct sim_machine *m, unsigned cpu)
{
    return m->cpu[cpu].busy;
}

bool sim_online(const struct sim_machine *m, unsigned cpu)
{
    return m->cpu[cpu].online;
}

uint64_t sim_cpu_due(const struct sim_machine *m, unsigned cpu)
{
    return m->due[cpu];
}
