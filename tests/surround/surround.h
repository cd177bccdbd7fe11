/* SPDX-License-Identifier: MIT */
/* What the files of this guest share, see main.c. */
#ifndef SCHEDOP_TESTS_SURROUND_H
#define SCHEDOP_TESTS_SURROUND_H

#include <stdint.h>

#include <schedop/guest.h>
#include <schedop/kit.h>

#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/version.h>

#define NOWHERE 0x700000000000ull

/* Prints what came of a call; returns it. */
int64_t tell(int64_t rc, const char *what);
int64_t tell_n(int64_t rc, const char *what, uint64_t n);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t call(unsigned number, uint64_t a, uint64_t b, uint64_t c);
uint64_t at(const void *p);

void memory(void); /* memory.c */
void others(void); /* the same */
void grants(void); /* grants.c */

#endif
