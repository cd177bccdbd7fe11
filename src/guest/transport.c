/* SPDX-License-Identifier: MIT */
/* The transport in use, the one that answers nothing, and raw hypercalls. */
#include "private.h"

static SCHEDOP_HYPERCALL3(none3)
{
    (void)a1, (void)a2, (void)a3, (void)number;
    return -XEN_ENOSYS;
}

static SCHEDOP_HYPERCALL5(none5)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)number;
    return -XEN_ENOSYS;
}

const struct schedop_transport schedop_transport_none = {"none", none3, none5};

struct schedop_transport current_transport = {"none", none3, none5};

void schedop_transport_use(const struct schedop_transport *transport)
{
    current_transport = *transport;
}

const char *schedop_transport_name(void)
{
    return current_transport.name;
}

intptr_t schedop_hypercall3(unsigned int number, uintptr_t a1, uintptr_t a2,
                            uintptr_t a3)
{
    return SCHEDOP_CALL3(current_transport.hypercall3, number, a1, a2, a3);
}

intptr_t schedop_hypercall5(unsigned int number, uintptr_t a1, uintptr_t a2,
                            uintptr_t a3, uintptr_t a4, uintptr_t a5)
{
    return SCHEDOP_CALL5(current_transport.hypercall5, number, a1, a2, a3, a4,
                         a5);
}
