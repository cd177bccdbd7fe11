/* SPDX-License-Identifier: MIT */
/*
 * A domain as an ELF core, for gdb and whatever else reads cores: vCPUs are
 * its threads, and memory is where their page tables put it (core_walk.h).
 * All of guest-physical memory is there, too, from CORE_PHYSICAL on, if a
 * vCPU is in 64-bit mode; no address of a program can be there. Headers also
 * say what is where in physical memory (p_paddr).
 *
 * A domain whose vCPUs all run 32-bit code has a core for i386. docs/dump.md
 * is the whole story.
 */
#ifndef SCHEDOP_CLI_CORE_FILE_H
#define SCHEDOP_CLI_CORE_FILE_H

#include "state.h"
#include "whole_file.h"

#define CORE_PHYSICAL (1ull << 56)

/*
 * Writes what belongs into `f`, which is the caller's to finish. 0, or -1
 * after an error message.
 */
int core_write(const struct whole_file *f, const struct schedop_state *s,
               const struct ram *ram);

#endif
