/* SPDX-License-Identifier: MIT */
/* What machine.c and port.c share: the machine's state. */
#ifndef SCHEDOP_TESTS_MACHINE_PORT_H
#define SCHEDOP_TESTS_MACHINE_PORT_H

#include <setjmp.h>

#include "machine.h"

struct machine {
    struct sop_system *sys;
    struct sop_pcpu *pcpu[MACHINE_PCPUS];
    uint64_t now;
    uint64_t armed[MACHINE_PCPUS];
    bool kicked[MACHINE_PCPUS];
    int stopped; /* code of the hardware domain, -1 */
    jmp_buf idle;
};

extern struct machine machine;

/* Addresses below 4 GiB are good inside this one piece only. */
void port_low_memory(void *start, size_t size);

#endif
