/* SPDX-License-Identifier: MIT */
/*
 * Words the compiler understands, under names that say what they are for.
 */
#ifndef SCHEDOP_LIB_COMPILER_H
#define SCHEDOP_LIB_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define likely(cond) __builtin_expect(!!(cond), 1)
#define unlikely(cond) __builtin_expect(!!(cond), 0)

/* For what every entry passes through, and for what hardly any does. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define RARE __attribute__((cold, noinline))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of type `type` whose `member` is at `ptr`. */
#define container_of(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Arguments `f` (the format) and from `a` on are checked as printf's are. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
