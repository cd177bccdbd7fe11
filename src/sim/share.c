/* SPDX-License-Identifier: MIT */
/*
 * Weighted max-min fairness by filling: the level of service for a weight of 1
 * rises for all who are not finished, until somebody cannot get more; who
 * cannot is finished, and the rest goes on. A level is possible if the pCPUs
 * can carry it, which is a question of flow from masks of affinity to pCPUs.
 *
 * vCPUs with one mask are one source of flow, so there are few sources, and
 * at most 64 pCPUs: flow is found by augmenting paths.
 */
#include "share.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define CPUS 64u
#define LEVEL_ONE ((uint64_t)1 << 20) /* fixed point: a service per weight */

struct mask {
    uint64_t cpus;
    uint64_t want; /* at the level being tried */
    uint64_t flow[CPUS];
};

struct filling {
    struct share_vcpu *v;
    size_t nr;
    uint64_t cpus;
    const uint64_t *cap;
    uint64_t *group_sum;
    size_t nr_groups;
    bool *finished; /* by vCPU */
    size_t *mask_of;
    struct mask *mask;
    size_t nr_masks;
    bool *mask_room; /* by mask */
};

/* ---- flow ---- */

static uint64_t used(const struct filling *f, unsigned cpu)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < f->nr_masks; i++) {
        sum += f->mask[i].flow[cpu];
    }
    return sum;
}

struct path {
    bool seen_mask;
    unsigned via; /* pCPU by which this mask was reached */
    size_t from;  /* ... and the mask before */
};

/*
 * Makes room for mask `start` on some pCPU by moving others' flow away, along
 * the shortest path; returns how much got through.
 */
static uint64_t augment(struct filling *f, size_t start, uint64_t want)
{
    struct path *path = sim_alloc(f->nr_masks * sizeof(*path));
    size_t *queue = sim_alloc(f->nr_masks * sizeof(*queue));
    size_t head = 0, tail = 0;
    uint64_t got = 0;

    path[start].seen_mask = true;
    queue[tail++] = start;
    while (head < tail && got == 0) {
        size_t m = queue[head++];

        for (unsigned c = 0; c < CPUS && got == 0; c++) {
            uint64_t room;

            if ((f->mask[m].cpus >> c & 1) == 0) {
                continue;
            }
            room = SHARE_CPU - used(f, c);
            if (room != 0) {
                size_t at = m;
                uint64_t amount = want < room ? want : room;

                /* What can be moved along the whole path. */
                for (size_t k = at; k != start; k = path[k].from) {
                    uint64_t there = f->mask[k].flow[path[k].via];

                    amount = there < amount ? there : amount;
                }
                f->mask[at].flow[c] += amount;
                for (; at != start; at = path[at].from) {
                    f->mask[at].flow[path[at].via] -= amount;
                    f->mask[path[at].from].flow[path[at].via] += amount;
                }
                got = amount;
                break;
            }
            for (size_t k = 0; k < f->nr_masks; k++) {
                if (!path[k].seen_mask && f->mask[k].flow[c] != 0) {
                    path[k] = (struct path){true, c, m};
                    queue[tail++] = k;
                }
            }
        }
    }
    free(path);
    free(queue);
    return got;
}

/* Can the pCPUs carry what all masks want? */
static bool carries(struct filling *f)
{
    for (size_t i = 0; i < f->nr_masks; i++) {
        memset(f->mask[i].flow, 0, sizeof(f->mask[i].flow));
    }
    for (size_t i = 0; i < f->nr_masks; i++) {
        uint64_t left = f->mask[i].want;

        while (left != 0) {
            uint64_t got = augment(f, i, left);

            if (got == 0) {
                return false;
            }
            left -= got;
        }
    }
    return true;
}

/* ---- filling ---- */

static uint64_t at_level(const struct share_vcpu *v, uint64_t level)
{
    uint64_t whole = level / LEVEL_ONE * v->weight;
    uint64_t part = level % LEVEL_ONE * v->weight / LEVEL_ONE;

    return whole + part < v->demand ? whole + part : v->demand;
}

static uint64_t service(const struct filling *f, size_t i, uint64_t level)
{
    return f->finished[i] ? f->v[i].ideal : at_level(&f->v[i], level);
}

/* Whether a level breaks no cap and can be carried. */
static bool possible(struct filling *f, uint64_t level)
{
    memset(f->group_sum, 0, f->nr_groups * sizeof(*f->group_sum));
    for (size_t i = 0; i < f->nr_masks; i++) {
        f->mask[i].want = 0;
    }
    for (size_t i = 0; i < f->nr; i++) {
        uint64_t s = service(f, i, level);

        f->group_sum[f->v[i].group] += s;
        f->mask[f->mask_of[i]].want += s;
    }
    for (size_t i = 0; i < f->nr_groups; i++) {
        if (f->cap[i] != 0 && f->group_sum[i] > f->cap[i]) {
            return false;
        }
    }
    return carries(f);
}

/* Could some vCPU of mask `k` have a little more than at this level? */
static bool mask_has_room(struct filling *f, size_t k, uint64_t level)
{
    (void)possible(f, level);
    f->mask[k].want += f->nr; /* more than rounding loses */
    return carries(f);
}

/* After possible(): could vCPU `i`, as far as its demand and cap go? */
static bool may_have_more(const struct filling *f, size_t i, uint64_t level)
{
    unsigned group = f->v[i].group;

    return service(f, i, level) < f->v[i].demand &&
           (f->cap[group] == 0 || f->group_sum[group] + f->nr <= f->cap[group]);
}

static uint64_t highest_level(struct filling *f)
{
    uint64_t low = 0, high = (uint64_t)SHARE_CPU * LEVEL_ONE + 1;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (possible(f, middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Finishes all who cannot get more than at this level; how many. */
static size_t finish(struct filling *f, uint64_t level)
{
    size_t count = 0;

    for (size_t k = 0; k < f->nr_masks; k++) {
        f->mask_room[k] = mask_has_room(f, k, level);
    }
    (void)possible(f, level);
    for (size_t i = 0; i < f->nr; i++) {
        if (!f->finished[i] &&
            !(may_have_more(f, i, level) && f->mask_room[f->mask_of[i]])) {
            f->v[i].ideal = at_level(&f->v[i], level);
            f->finished[i] = true;
            count++;
        }
    }
    return count;
}

static void fill(struct filling *f)
{
    size_t open = f->nr;

    while (open > 0) {
        uint64_t level = highest_level(f);
        size_t count = finish(f, level);

        open -= count;
        /* Should rounding hide who cannot get more, all end here. */
        for (size_t i = 0; i < f->nr && count == 0; i++) {
            f->v[i].ideal = service(f, i, level);
        }
        if (count == 0) {
            return;
        }
    }
}

static void find_masks(struct filling *f)
{
    for (size_t i = 0; i < f->nr; i++) {
        uint64_t cpus = f->v[i].cpus & f->cpus;
        size_t k = 0;

        while (k < f->nr_masks && f->mask[k].cpus != cpus) {
            k++;
        }
        if (k == f->nr_masks) {
            f->mask = sim_grow(f->mask, k + 1, sizeof(*f->mask));
            f->mask[f->nr_masks++] = (struct mask){.cpus = cpus};
        }
        f->mask_of[i] = k;
        if (cpus == 0) {
            f->v[i].demand = 0;
        }
    }
}

void share_divide(struct share_vcpu *v, size_t nr, uint64_t cpus,
                  const uint64_t *cap, size_t nr_groups)
{
    struct filling f = {
        .v = v,
        .nr = nr,
        .cpus = cpus,
        .cap = cap,
        .group_sum = sim_alloc(nr_groups * sizeof(uint64_t)),
        .nr_groups = nr_groups,
        .finished = sim_alloc(nr * sizeof(bool)),
        .mask_of = sim_alloc(nr * sizeof(size_t)),
    };

    find_masks(&f);
    f.mask_room = sim_alloc(f.nr_masks * sizeof(bool));
    fill(&f);
    free(f.group_sum);
    free(f.finished);
    free(f.mask_of);
    free(f.mask);
    free(f.mask_room);
}
