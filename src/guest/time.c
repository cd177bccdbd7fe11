/* SPDX-License-Identifier: MIT */
/* System time from the vCPU's time record, and deadlines (spec 1.5, 5.1). */
#include "private.h"

uint64_t schedop_deadline_ns(uint64_t now_ns, uint64_t delta_ns)
{
    uint64_t deadline_ns;

    if (now_ns > INT64_MAX || delta_ns > INT64_MAX - now_ns) {
        return INT64_MAX;
    }
    deadline_ns = now_ns + delta_ns;
    return deadline_ns == SCHEDOP_NO_DEADLINE ? 1 : deadline_ns;
}

/* (delta * mul) >> 32 without a 128-bit type: exact, modulo 2^64. */
static uint64_t scale(uint64_t delta, uint32_t mul)
{
    uint64_t high = (delta >> 32) * mul;
    uint64_t low = (delta & UINT32_MAX) * mul;

    return high + (low >> 32);
}

uint64_t schedop_time_at(const struct vcpu_time_info *copy, uint64_t tsc)
{
    uint64_t delta = tsc - copy->tsc_timestamp;
    int_fast8_t shift = copy->tsc_shift;

    if (shift >= 64 || shift <= -64) {
        delta = 0; /* as a hardware shifter wide enough would have it */
    } else if (shift >= 0) {
        delta <<= shift;
    } else {
        delta >>= -shift;
    }
    return copy->system_time + scale(delta, copy->tsc_to_system_mul);
}

/* Loads are not reordered with loads on x86; the compiler must not either. */
#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

static void copy_fields(const volatile struct vcpu_time_info *live,
                        struct vcpu_time_info *copy)
{
    COMPILER_BARRIER();
    copy->tsc_timestamp = live->tsc_timestamp;
    copy->system_time = live->system_time;
    copy->tsc_to_system_mul = live->tsc_to_system_mul;
    copy->tsc_shift = live->tsc_shift;
}

/* True when the record changed while it was copied, or was being changed. */
static bool stale(const volatile struct vcpu_time_info *live, uint32_t version)
{
    COMPILER_BARRIER();
    return (version & 1u) != 0 || live->version != version;
}

uint64_t schedop_time_read(const volatile struct vcpu_time_info *live,
                           uint64_t (*counter)(void))
{
    struct vcpu_time_info copy;
    uint32_t version;
    uint64_t tsc;

    do {
        version = live->version;
        copy_fields(live, &copy);
        tsc = counter();
    } while (stale(live, version));
    return schedop_time_at(&copy, tsc);
}

/* lfence: the counter is not read before the record is. */
static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

uint64_t schedop_now_ns(const volatile struct vcpu_time_info *live)
{
    return schedop_time_read(live, read_tsc);
}
