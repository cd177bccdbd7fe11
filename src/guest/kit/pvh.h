/* SPDX-License-Identifier: MIT */
/* PVH code that depends on the width: segments64.c or segments32.c. */
#ifndef SCHEDOP_KIT_PVH_H
#define SCHEDOP_KIT_PVH_H

#include "private.h"

/* Guest-physical address of an object of the image. */
uintptr_t kit_pvh_paddr(const void *object);

/* Loads GDT and IDT of vCPU `cpu`, the calling one. */
void kit_pvh_set_traps(unsigned int cpu);

/* Gives vCPU `cpu` the registers to enter kit_entry_vcpu. */
int kit_pvh_init_vcpu(unsigned int cpu, uintptr_t stack_top);

#endif
