/* SPDX-License-Identifier: MIT */
/*
 * The domain that is debugged: its vCPUs' registers, its memory by the
 * addresses of a vCPU, and what lets it run and stops it.
 *
 * The hypervisor does it; how it is asked is the business of a `gdb_link`: a
 * host's control channel (gdb_control.c), or the process that runs the domain
 * (gdb_run.c). Registers and memory are read where they lie, in the machine's
 * RAM; everything that changes the domain is asked for.
 */
#ifndef SCHEDOP_CLI_GDB_TARGET_H
#define SCHEDOP_CLI_GDB_TARGET_H

#include <jansson.h>

#include <schedop/debug.h>

#include "gdb_kernel.h"
#include "ram.h"

/* ---- how the hypervisor is asked ---- */

enum gdb_event_kind {
    GDB_NO_EVENT,
    GDB_STOPPED, /* all vCPUs have */
    GDB_CRASHED, /* text: why; GDB_ENDED follows */
    GDB_ENDED,   /* code: its shutdown code; text: that and what is done now */
    GDB_LOST,    /* nobody can be asked any more; text: why */
};

struct gdb_event {
    enum gdb_event_kind kind;
    uint8_t code;
    bool killed; /* it did not shut down */
    char text[256];
};

/* A named argument of a question; a list ends with a name of NULL. */
struct gdb_arg {
    const char *name;
    uint64_t value;
};

struct gdb_link {
    void *context;
    int fd; /* readable when there may be an event; -1: lost */
    /*
     * Asks `verb` about the domain and waits: its result, or NULL when it was
     * refused or nobody answers.
     */
    json_t *(*ask)(struct gdb_link *l, const char *verb,
                   const struct gdb_arg *args);
    /* The next event if there is one; does not wait. */
    void (*event)(struct gdb_link *l, struct gdb_event *e);
};

/* ---- the domain ---- */

#define GDB_SPANS 16u /* pieces of memory whose place is remembered */
#define GDB_BREAKPOINTS SCHEDOP_DEBUG_BREAKPOINTS

struct gdb_span {
    uint64_t gpa, pa, bytes; /* bytes 0: none */
};

struct gdb_breakpoint {
    uint64_t address, gpa; /* as the client knows it, and where it is */
    uint8_t byte;          /* what was there */
};

struct gdb_target {
    struct gdb_link *link;
    const struct ram *ram;
    const struct gdb_kernel *kernel;
    uint64_t window_pa;
    unsigned nr_vcpus;
    struct schedop_debug_vcpu *vcpu; /* as of the last stop */
    struct gdb_span span[GDB_SPANS];
    unsigned next_span;
    struct gdb_breakpoint breakpoint[GDB_BREAKPOINTS];
    size_t nr_breakpoints;
};

/*
 * Attaches, which stops all vCPUs: a GDB_STOPPED follows. 0, or -1 when that
 * was refused.
 */
int gdb_target_attach(struct gdb_target *t, struct gdb_link *link,
                      const struct ram *ram, const struct gdb_kernel *kernel);
/* Lets the domain go on, if it is still there, and frees everything. */
void gdb_target_leave(struct gdb_target *t);

/* After a GDB_STOPPED: looks at the registers. False: they are not there. */
bool gdb_target_look(struct gdb_target *t);

/* Lets the vCPUs of `run` go on, those of `step` for an instruction. */
bool gdb_target_go(struct gdb_target *t, uint64_t run, uint64_t step);
bool gdb_target_stop(struct gdb_target *t); /* a GDB_STOPPED follows */
bool gdb_target_kill(struct gdb_target *t);

/*
 * Memory by linear addresses of vCPU `n`, in the domain as it is without
 * breakpoints; what its page tables do not map (or not yet) is looked for
 * where the kernel was loaded to. Returns how many bytes could be read or
 * written.
 */
size_t gdb_target_read(struct gdb_target *t, unsigned n, uint64_t address,
                       uint8_t *out, size_t len);
size_t gdb_target_write(struct gdb_target *t, unsigned n, uint64_t address,
                        const uint8_t *in, size_t len);

/* A breakpoint at a linear address of vCPU `n`; both may be said twice. */
bool gdb_target_break(struct gdb_target *t, unsigned n, uint64_t address);
bool gdb_target_unbreak(struct gdb_target *t, uint64_t address);

#endif
