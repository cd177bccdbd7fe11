/* SPDX-License-Identifier: MIT */
/* The terminal while one domain owns it. */
#ifndef SCHEDOP_CLI_TERMINAL_H
#define SCHEDOP_CLI_TERMINAL_H

#include <stdbool.h>

#define TERMINAL_ESCAPE 0x1d /* Ctrl-], as xl console has it */

/* May this process read `fd`? Not when a terminal has put it aside. */
bool terminal_readable(int fd);

/*
 * Hands every key to the reader, without echo. Newlines are still printed
 * with a carriage return. False when `fd` is no terminal of ours. Restored
 * by terminal_restore() and when the program exits.
 */
bool terminal_raw(int fd);
void terminal_restore(void);

#endif
