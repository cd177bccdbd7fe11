/* SPDX-License-Identifier: MIT */
/*
 * How the machine ends. machine_stop() is in ../x86.h.
 */
#ifndef SCHEDOP_X86_CPU_POWER_H
#define SCHEDOP_X86_CPU_POWER_H

/* After a panic: the qemu-exit device with 1, else stay for a person. */
__attribute__((noreturn)) void power_panic(void);

#endif
