/* SPDX-License-Identifier: MIT */
/*
 * A core for policies alone: pCPUs and vCPUs in virtual time that keep the
 * contract on top of core/policy.h to the letter, and hold the policy to its
 * part. Each broken rule ends the program with a line that names it.
 *
 * vCPUs run in bursts: `burst` ns of running, then `pause` ns asleep, for
 * ever; a hog never sleeps. Time passes in fake_run() alone.
 */
#ifndef SCHEDOP_TESTS_POLICY_FAKE_H
#define SCHEDOP_TESTS_POLICY_FAKE_H

#include "core/policy.h"
#include "lib/prng.h"

#define FAKE_HOG UINT64_MAX

struct fake_vcpu {
    struct policy_vcpu v;
    struct policy_domain *domain;
    bool present;                /* in the pool */
    uint64_t ran;                /* ns, until it was last charged */
    uint64_t burst, pause, left; /* of the workload; `left` of the burst */
    uint64_t wake_at;            /* NEVER: not by time */
    uint64_t woken;              /* last wake, until it runs */
    uint64_t latency_max;
    uint64_t switches; /* times it came onto a pCPU */
};

struct fake_pcpu {
    struct policy_pcpu p;
    bool asked;
    uint64_t until;
    uint64_t since;             /* curr runs since; charged until then */
    struct policy_vcpu *saving; /* left it, registers still here */
};

struct fake {
    struct policy_pool pool;
    struct fake_pcpu pcpu[SOP_PCPUS_MAX];
    unsigned nr_pcpus;
    struct policy_domain *domain;
    unsigned nr_domains;
    struct fake_vcpu *vcpu;
    unsigned nr_vcpus, capacity;
    uint64_t now;
    struct prng prng;
    bool checks;     /* policy_check() after every operation */
    bool slow_saves; /* saved() comes some time after the switch */
    uint64_t picks, kicks;
};

/* With all pCPUs online, in sockets of `per_socket` pCPUs (0: one socket). */
struct fake *fake_new(const struct policy_ops *ops, unsigned nr_pcpus,
                      unsigned capacity, unsigned per_socket, uint64_t seed);
void fake_free(struct fake *f);

struct policy_domain *fake_domain(struct fake *f);

/* A vCPU that is up, asleep, and may run anywhere. */
struct fake_vcpu *fake_vcpu(struct fake *f, struct policy_domain *d);
void fake_vcpu_gone(struct fake *f, struct fake_vcpu *v);

void fake_wake(struct fake *f, struct fake_vcpu *v);
void fake_sleep(struct fake *f, struct fake_vcpu *v);
void fake_up(struct fake *f, struct fake_vcpu *v, bool up);
void fake_yield(struct fake *f, unsigned pcpu);
void fake_affinity(struct fake *f, struct fake_vcpu *v, sop_cpumask_t hard,
                   sop_cpumask_t soft);
void fake_pcpu_add(struct fake *f, unsigned pcpu);
void fake_pcpu_remove(struct fake *f, unsigned pcpu);
void fake_ask_all(struct fake *f);

/* As before a change of knobs: what runs has run until now. */
void fake_charge_all(struct fake *f);

/* A pick on that pCPU; all picks that are due. */
void fake_pick(struct fake *f, unsigned pcpu);
void fake_settle(struct fake *f);

/* Lets time pass, with all that happens in it. */
void fake_run(struct fake *f, uint64_t ns);

/* Wakes it and gives it its workload. */
void fake_work(struct fake *f, struct fake_vcpu *v, uint64_t burst,
               uint64_t pause);

/* Until now, even while it runs. */
uint64_t fake_ran(const struct fake *f, const struct fake_vcpu *v);
bool fake_is_running(const struct fake_vcpu *v);
void fake_check(struct fake *f);

/* Random operations of every kind, `count` of them, checked throughout. */
void fake_storm(struct fake *f, unsigned count);

#endif
