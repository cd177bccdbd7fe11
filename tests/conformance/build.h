/* SPDX-License-Identifier: MIT */
/*
 * On real Xen nobody but the hardware domain makes domains: this file does
 * what a toolstack does, for PVH domains made of the boot module. Runs in a
 * PV hardware domain alone.
 */
#ifndef SCHEDOP_TESTS_BUILD_H
#define SCHEDOP_TESTS_BUILD_H

#include <stdint.h>

/*
 * Makes a PVH domain with `cmdline` out of boot module 0 and starts it. Its
 * console is printed on ours by build_pump(). Returns its id; 0 after printing
 * what failed.
 */
uint16_t build_domain(const char *cmdline);

/* Prints the whole lines that built domains wrote. */
void build_pump(void);

#endif
