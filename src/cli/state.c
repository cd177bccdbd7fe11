/* SPDX-License-Identifier: MIT */
/* The record of a domain: see state.h. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX (1ull << 40) /* of guest-physical memory */

const struct schedop_state_vcpu *state_vcpu(const struct schedop_state *s,
                                            unsigned n)
{
    return (const void *)((const uint8_t *)s + s->vcpus +
                          n * sizeof(struct schedop_state_vcpu));
}

const struct schedop_state_run *state_runs(const struct schedop_state *s)
{
    return (const void *)((const uint8_t *)s + s->runs);
}

static bool parts_are_inside(const struct schedop_state *s, uint64_t bytes)
{
    return s->magic == SCHEDOP_STATE_MAGIC &&
           s->version == SCHEDOP_STATE_VERSION && s->bytes == bytes &&
           s->vcpu_bytes == sizeof(struct schedop_state_vcpu) &&
           s->vcpus <= bytes && s->vcpus % 8 == 0 &&
           s->nr_vcpus <= (bytes - s->vcpus) / s->vcpu_bytes &&
           s->nr_vcpus > 0 && s->runs <= bytes && s->runs % 8 == 0 &&
           s->nr_runs == (bytes - s->runs) / sizeof(struct schedop_state_run);
}

static bool runs_ascend(const struct schedop_state *s)
{
    const struct schedop_state_run *run = state_runs(s);
    uint64_t end = 0;

    for (uint64_t i = 0; i < s->nr_runs; i++) {
        if (run[i].gfn < end || run[i].gfn >= FRAMES_MAX ||
            run[i].frames == 0 || run[i].frames >= FRAMES_MAX) {
            return false;
        }
        end = run[i].gfn + run[i].frames;
    }
    return true;
}

struct schedop_state *state_copy(const struct ram *ram, uint64_t pa,
                                 uint64_t bytes)
{
    const uint8_t *at = ram_at(ram, pa, bytes);
    struct schedop_state *s;

    if (at == NULL || bytes < sizeof(*s)) {
        return NULL;
    }
    s = cli_alloc(bytes);
    memcpy(s, at, bytes);
    if (!parts_are_inside(s, bytes) || !runs_ascend(s)) {
        free(s);
        return NULL;
    }
    return s;
}
