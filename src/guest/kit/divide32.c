/* SPDX-License-Identifier: MIT */
/*
 * Division of 64-bit numbers, which compilers for i386 leave to a library
 * that a guest does not have. The names are the compiler's.
 */
#include "private.h"

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);
uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *rest);
int64_t __divdi3(int64_t dividend, int64_t divisor);
int64_t __moddi3(int64_t dividend, int64_t divisor);

/* Bit by bit, as on paper. `rest` is never NULL here. */
uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *rest)
{
    uint64_t quotient = 0;

    if (divisor == 0) {
        __builtin_trap(); /* what the processor does for 32 bits: an error */
    }
    *rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        bool carry = *rest >> 63 != 0;

        *rest = *rest << 1 | (dividend >> bit & 1);
        if (carry || *rest >= divisor) {
            *rest -= divisor;
            quotient |= UINT64_C(1) << bit;
        }
    }
    return quotient;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t rest;

    return __udivmoddi4(dividend, divisor, &rest);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t rest;

    __udivmoddi4(dividend, divisor, &rest);
    return rest;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

int64_t __divdi3(int64_t dividend, int64_t divisor)
{
    uint64_t rest;
    uint64_t quotient =
        __udivmoddi4(magnitude(dividend), magnitude(divisor), &rest);

    return (int64_t)((dividend < 0) != (divisor < 0) ? 0 - quotient : quotient);
}

int64_t __moddi3(int64_t dividend, int64_t divisor)
{
    uint64_t rest;

    __udivmoddi4(magnitude(dividend), magnitude(divisor), &rest);
    return (int64_t)(dividend < 0 ? 0 - rest : rest);
}
