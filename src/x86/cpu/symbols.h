/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses in the image's text. The table is made from the linked
 * image and linked in behind it (mk/x86.mk).
 */
#ifndef SCHEDOP_X86_CPU_SYMBOLS_H
#define SCHEDOP_X86_CPU_SYMBOLS_H

#include <stdint.h>

/* The function that holds `address`, and how far in; NULL outside the text. */
const char *symbol_find(uint64_t address, uint64_t *offset);

#endif
