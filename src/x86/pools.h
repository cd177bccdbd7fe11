/* SPDX-License-Identifier: MIT */
/*
 * Policies and cpupools by the names that people give them.
 */
#ifndef SCHEDOP_X86_POOLS_H
#define SCHEDOP_X86_POOLS_H

#include <schedop/core.h>
#include <schedop/link.h>

/* The id of a policy (XEN_SCHEDULER_*), or -1. */
int pools_policy_id(const char *name);
const char *pools_policy_name(uint32_t sched_id);

/* Says in `cfg` which policies there are, and pool 0's: sched= or credit2. */
void pools_configure(struct sop_config *cfg);

/*
 * Makes the pools that the command line asks for (cpupool=), when all pCPUs
 * are there and nothing runs yet. What cannot be is said and left out.
 */
void pools_start(struct sop_pcpu *self);

/* The pool that is called so; false when there is none. Any context. */
bool pools_find(const char *name, uint32_t *id);

struct policy_arinc653;

/* Adds the window "DOMAIN:VCPU:NS", cut up; false if it is none, or full. */
bool pools_window(struct policy_arinc653 *a, char *text);

/* The name of a pool that there is, else "". Good until the next change. */
const char *pools_name(uint32_t id);

/*
 * A new pool of that name and policy, without pCPUs: 0 and *id, or the error
 * of sop_pool_create(); -EEXIST also for a name in use.
 */
int pools_create(struct sop_pcpu *self, const char *name, uint32_t sched_id,
                 uint32_t *id);
int pools_destroy(struct sop_pcpu *self, uint32_t id);

/* -EEXIST another pool has that name, -ENOENT there is no such pool. */
int pools_rename(uint32_t id, const char *name);

/*
 * Where `spec` wants to be and with what knobs, into `cfg`; `knobs` is where
 * cfg->knobs may point to. False with a reason in `why`.
 */
struct domain_spec;
bool pools_place(struct sop_pcpu *self, const struct domain_spec *spec,
                 struct sop_domain_config *cfg,
                 struct policy_domain_knobs *knobs, char *why, size_t why_size);

/* The handle (UUID) of a domain of that name: the same in every life. */
void pools_handle(const char *domain, uint8_t handle[16]);

#endif
