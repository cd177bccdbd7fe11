/* SPDX-License-Identifier: MIT */
/*
 * What the debugger's server knows of a domain's kernel from its ELF file:
 * for which processor it is, and where its parts are before its page tables
 * are.
 */
#ifndef SCHEDOP_CLI_GDB_KERNEL_H
#define SCHEDOP_CLI_GDB_KERNEL_H

#include "cli.h"

#define GDB_PARTS_MAX 16u

struct gdb_kernel {
    bool known; /* it is an ELF file for x86 */
    bool wide;  /* x86-64 */
    size_t nr_parts;
    struct gdb_part {
        uint64_t virtual, physical, size;
    } part[GDB_PARTS_MAX];
};

/* Reads an image, which may be anything. */
void gdb_kernel_read(struct gdb_kernel *k, const void *image, size_t size);

/*
 * Where the kernel was loaded to that says it will be at `address`, and how
 * far that goes; false when it says nothing of that address.
 */
bool gdb_kernel_find(const struct gdb_kernel *k, uint64_t address,
                     uint64_t *physical, uint64_t *left);

#endif
