/* SPDX-License-Identifier: MIT */
/* See hist.h. */
#include "hist.h"

#include <stdlib.h>

#include "memory.h"

/* Octave 0 holds 0 to 15, one value a part; octave n > 0 holds values from
   2^(n+3) on, in parts of 2^(n-1). */
static unsigned octave_of(uint64_t value)
{
    return value < HIST_PARTS ? 0 : 60u - (unsigned)__builtin_clzll(value);
}

static unsigned part_of(uint64_t value, unsigned octave)
{
    return octave == 0 ? (unsigned)value
                       : (unsigned)(value >> (octave - 1)) & (HIST_PARTS - 1);
}

static struct hist_part *part_at(struct sim_hist *h, unsigned n, unsigned i)
{
    if (h->octave[n] == NULL) {
        h->octave[n] = sim_alloc(sizeof(struct hist_octave));
    }
    return &h->octave[n]->part[i];
}

void sim_hist_add(struct sim_hist *h, uint64_t value)
{
    unsigned n = octave_of(value);
    struct hist_part *part = part_at(h, n, part_of(value, n));

    part->count++;
    if (value > part->largest) {
        part->largest = value;
    }
    h->count++;
    h->sum += value;
    if (value > h->max) {
        h->max = value;
    }
}

void sim_hist_merge(struct sim_hist *to, const struct sim_hist *from)
{
    for (unsigned n = 0; n < HIST_OCTAVES; n++) {
        for (unsigned i = 0; from->octave[n] != NULL && i < HIST_PARTS; i++) {
            const struct hist_part *part = &from->octave[n]->part[i];
            struct hist_part *into = part_at(to, n, i);

            into->count += part->count;
            if (part->largest > into->largest) {
                into->largest = part->largest;
            }
        }
    }
    to->count += from->count;
    to->sum += from->sum;
    if (from->max > to->max) {
        to->max = from->max;
    }
}

void sim_hist_free(struct sim_hist *h)
{
    for (unsigned n = 0; n < HIST_OCTAVES; n++) {
        free(h->octave[n]);
    }
    *h = (struct sim_hist){0};
}

uint64_t sim_hist_at(const struct sim_hist *h, unsigned permille)
{
    /* The rank of the value, counted from 1 and rounded up. */
    uint64_t rank =
        h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
    uint64_t seen = 0;

    for (unsigned n = 0; n < HIST_OCTAVES; n++) {
        for (unsigned i = 0; h->octave[n] != NULL && i < HIST_PARTS; i++) {
            const struct hist_part *part = &h->octave[n]->part[i];

            seen += part->count;
            if (part->count != 0 && seen >= rank) {
                return part->largest;
            }
        }
    }
    return h->max;
}
