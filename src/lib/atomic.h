/* SPDX-License-Identifier: MIT */
/*
 * Atomic access to memory that others write at the same time: other pCPUs,
 * and guests, whose pages are ordinary memory to the compiler.
 *
 * Bit numbers count from the lowest address of a little-endian array, so one
 * function serves arrays of 32-bit and of 64-bit words. Unless a name says
 * otherwise an operation is a full barrier.
 */
#ifndef SCHEDOP_LIB_ATOMIC_H
#define SCHEDOP_LIB_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/* Says to the processor that we spin. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

static inline void atomic_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline uint8_t atomic_load_u8(const uint8_t *p)
{
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void atomic_store_u8(uint8_t *p, uint8_t value)
{
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static inline uint8_t atomic_swap_u8(uint8_t *p, uint8_t value)
{
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}

/* No ordering at all: for counters and hints read without a lock. */
static inline uint32_t atomic_peek_u32(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void atomic_poke_u32(uint32_t *p, uint32_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static inline uint64_t atomic_peek_u64(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void atomic_poke_u64(uint64_t *p, uint64_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static inline bool atomic_test_bit(const uint32_t *words, uint32_t bit)
{
    uint32_t word = __atomic_load_n(&words[bit / 32], __ATOMIC_SEQ_CST);

    return (word >> (bit % 32)) & 1u;
}

/* Both return whether the bit was set before. */
static inline bool atomic_test_and_set_bit(uint32_t *words, uint32_t bit)
{
    uint32_t mask = 1u << (bit % 32);

    return (__atomic_fetch_or(&words[bit / 32], mask, __ATOMIC_SEQ_CST) &
            mask) != 0;
}

static inline bool atomic_test_and_clear_bit(uint32_t *words, uint32_t bit)
{
    uint32_t mask = 1u << (bit % 32);

    return (__atomic_fetch_and(&words[bit / 32], ~mask, __ATOMIC_SEQ_CST) &
            mask) != 0;
}

#endif
