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

static struct hist_octave *octave_at(struct sim_hist *h, unsigned n)
{
    if (n >= h->nr_octaves) {
        h->octave = sim_grow(h->octave, n + 1, sizeof(struct hist_octave *));
        while (h->nr_octaves <= n) {
            h->octave[h->nr_octaves++] = NULL;
        }
    }
    if (h->octave[n] == NULL) {
        h->octave[n] = sim_alloc(sizeof(struct hist_octave));
    }
    return h->octave[n];
}

void sim_hist_add(struct sim_hist *h, uint64_t value)
{
    unsigned n = octave_of(value), part = part_of(value, n);
    struct hist_octave *o = octave_at(h, n);

    o->count[part]++;
    if (value > o->largest[part]) {
        o->largest[part] = value;
    }
    h->count++;
    h->sum += value;
    if (value > h->max) {
        h->max = value;
    }
}

void sim_hist_merge(struct sim_hist *to, const struct sim_hist *from)
{
    for (unsigned n = 0; n < from->nr_octaves; n++) {
        const struct hist_octave *o = from->octave[n];
        struct hist_octave *into;

        if (o == NULL) {
            continue;
        }
        into = octave_at(to, n);
        for (unsigned i = 0; i < HIST_PARTS; i++) {
            into->count[i] += o->count[i];
            if (o->largest[i] > into->largest[i]) {
                into->largest[i] = o->largest[i];
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
    for (unsigned n = 0; n < h->nr_octaves; n++) {
        free(h->octave[n]);
    }
    free(h->octave);
    *h = (struct sim_hist){0};
}

uint64_t sim_hist_at(const struct sim_hist *h, unsigned permille)
{
    /* The rank of the value, counted from 1 and rounded up. */
    uint64_t rank =
        h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
    uint64_t seen = 0;

    for (unsigned n = 0; n < h->nr_octaves; n++) {
        const struct hist_octave *o = h->octave[n];

        for (unsigned i = 0; o != NULL && i < HIST_PARTS; i++) {
            seen += o->count[i];
            if (o->count[i] != 0 && seen >= rank) {
                return o->largest[i];
            }
        }
    }
    return h->max;
}
