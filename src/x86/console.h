/* SPDX-License-Identifier: MIT */
/*
 * console.c for the rooms of the lower half; what virt/ and the host side
 * need is in x86.h.
 */
#ifndef SCHEDOP_X86_CONSOLE_H
#define SCHEDOP_X86_CONSOLE_H

#include <stddef.h>

void console_init(void); /* COM1; may be written to from now on */
void link_init(void);    /* COM2, if boot_options say so */

/* Interrupt handlers' part: move what arrived into the buffer. Boot pCPU. */
void console_input(void);
void link_input(void);

void console_drain(void); /* waits, not for ever, until all bytes are out */

/* For panic: the locks' owners are stopped; `panic TEXT` on the link. */
void console_break_locks(void);
void link_panic(const char *text);

#endif
