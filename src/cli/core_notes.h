/* SPDX-License-Identifier: MIT */
/*
 * The notes of a core: what a debugger reads about threads, here vCPUs. Their
 * numbers are those of the vCPUs, plus one: no thread is 0.
 */
#ifndef SCHEDOP_CLI_CORE_NOTES_H
#define SCHEDOP_CLI_CORE_NOTES_H

#include "state.h"

/* Is none of its vCPUs in 64-bit mode? */
bool core_is_narrow(const struct schedop_state *s);

/*
 * Adds the notes of all vCPUs of a domain that were ever started, for i386 or
 * for x86-64. None says what program it is: a debugger would compare that
 * with the name of the kernel's file.
 */
void core_notes(struct cli_text *out, const struct schedop_state *s,
                bool narrow);

#endif
