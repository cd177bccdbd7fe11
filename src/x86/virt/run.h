/* SPDX-License-Identifier: MIT */
#ifndef SCHEDOP_X86_VIRT_RUN_H
#define SCHEDOP_X86_VIRT_RUN_H

#include "../x86.h"

/* Passes on to the core what interrupt handlers noted. */
void pcpu_take_flags(struct x86_pcpu *self);

/* The host side has got something to look at: do so before the next entry. */
void pcpu_host_check(void);

#endif
