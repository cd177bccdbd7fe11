/* SPDX-License-Identifier: MIT */
/*
 * Sets of small numbers: one word, or an array of 64-bit words. Not atomic.
 */
#ifndef SCHEDOP_LIB_BITMAP_H
#define SCHEDOP_LIB_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

/* The lowest member of a set that is not empty. */
static inline unsigned bits_lowest(uint64_t set)
{
    return (unsigned)__builtin_ctzll(set);
}

/* The highest member of a set that is not empty. */
static inline unsigned bits_highest(uint64_t set)
{
    return 63u - (unsigned)__builtin_clzll(set);
}

static inline unsigned bits_count(uint64_t set)
{
    unsigned count = 0;

    /* Not the builtin: it may become a call into a compiler library. */
    for (; set != 0; set &= set - 1) {
        count++;
    }
    return count;
}

static inline uint64_t bits_one(unsigned n)
{
    return (uint64_t)1 << n;
}

/* The set of all numbers below `n`, 0 <= n <= 64. */
static inline uint64_t bits_below(unsigned n)
{
    return n >= 64 ? UINT64_MAX : bits_one(n) - 1;
}

static inline bool bitmap_test(const uint64_t *map, uint32_t n)
{
    return (map[n / 64] >> (n % 64)) & 1u;
}

static inline void bitmap_set(uint64_t *map, uint32_t n)
{
    map[n / 64] |= bits_one(n % 64);
}

static inline void bitmap_clear(uint64_t *map, uint32_t n)
{
    map[n / 64] &= ~bits_one(n % 64);
}

/* The lowest number below `limit` that is not a member; `limit` if none. */
static inline uint32_t bitmap_first_clear(const uint64_t *map, uint32_t limit)
{
    uint32_t n;

    for (n = 0; n < limit; n += 64) {
        if (map[n / 64] != UINT64_MAX) {
            n += bits_lowest(~map[n / 64]);
            return n < limit ? n : limit;
        }
    }
    return limit;
}

#endif
