/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's linear addresses as a debugger translates them: by the page tables
 * the guest made, without regard to rights and without a trace in them. The
 * tables may say anything: at most four entries are read, each where the one
 * before pointed.
 */
#ifndef SCHEDOP_CLI_GDB_WALK_H
#define SCHEDOP_CLI_GDB_WALK_H

#include "cli.h"

struct gdb_paging {
    uint64_t cr0, cr3, cr4, efer;
    /* Reads guest-physical memory; false where there is none. */
    bool (*read)(void *context, uint64_t gpa, void *to, size_t len);
    void *context;
};

/*
 * The guest-physical address of `linear`, and in *left how many bytes from
 * there on its page has. Without paging that is the address itself. False
 * when nothing is mapped there.
 */
bool gdb_walk(const struct gdb_paging *p, uint64_t linear, uint64_t *gpa,
              uint64_t *left);

#endif
