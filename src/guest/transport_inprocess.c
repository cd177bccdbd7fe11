/* SPDX-License-Identifier: MIT */
/* Transport: a function call, for tests and simulators. */
#include "private.h"

static intptr_t (*target)(void *context, unsigned int number,
                          const uintptr_t args[5]);
static void *target_context;

void schedop_inprocess_at(intptr_t (*function)(void *context,
                                               unsigned int number,
                                               const uintptr_t args[5]),
                          void *context)
{
    target = function;
    target_context = context;
}

static intptr_t SCHEDOP_REGS inprocess5(uintptr_t a1, uintptr_t a2,
                                        uintptr_t a3, uintptr_t a4,
                                        uintptr_t a5, uintptr_t number)
{
    const uintptr_t args[5] = {a1, a2, a3, a4, a5};

    if (!target) {
        return -XEN_ENOSYS;
    }
    return target(target_context, (unsigned int)number, args);
}

static intptr_t SCHEDOP_REGS inprocess3(uintptr_t a1, uintptr_t a2,
                                        uintptr_t a3, uintptr_t number)
{
    return inprocess5(a1, a2, a3, 0, 0, number);
}

const struct schedop_transport schedop_transport_inprocess = {
    "in-process", inprocess3, inprocess5};
