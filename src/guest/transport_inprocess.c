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

static intptr_t call(unsigned int number, const uintptr_t args[5])
{
    return target ? target(target_context, number, args) : -XEN_ENOSYS;
}

static SCHEDOP_HYPERCALL5(inprocess5)
{
    const uintptr_t args[5] = {a1, a2, a3, a4, a5};

    return call((unsigned int)number, args);
}

static SCHEDOP_HYPERCALL3(inprocess3)
{
    const uintptr_t args[5] = {a1, a2, a3, 0, 0};

    return call((unsigned int)number, args);
}

const struct schedop_transport schedop_transport_inprocess = {
    "in-process", inprocess3, inprocess5};
