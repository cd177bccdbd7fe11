/* SPDX-License-Identifier: MIT */
/*
 * Repeatable numbers from a seed (splitmix64). Not for secrets.
 */
#ifndef SCHEDOP_LIB_PRNG_H
#define SCHEDOP_LIB_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
    uint64_t z;

    p->state += 0x9e3779b97f4a7c15u;
    z = p->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif
