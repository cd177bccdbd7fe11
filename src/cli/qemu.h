/* SPDX-License-Identifier: MIT */
/*
 * QEMU as a child process: its command line, its pipes, its end. Nothing is
 * written to disk: guest images travel in anonymous memory files, named
 * /dev/fd/N on QEMU's command line, and so is the machine's memory; the link
 * is QEMU's standard input and output, and COM1 another pipe. The child dies
 * with this process, whatever kills it.
 */
#ifndef SCHEDOP_CLI_QEMU_H
#define SCHEDOP_CLI_QEMU_H

#include <sys/types.h>

#include "cli.h"
#include "ram.h"

struct qemu_config {
    const char *program;    /* a name for PATH, or a path */
    const char *hypervisor; /* path */
    const char *append;     /* the hypervisor's command line */
    unsigned pcpus;
    uint64_t memory_mib;
    bool seeded;
    uint64_t seed;
    char *const *extra;
    size_t nr_extra;
};

struct qemu {
    pid_t pid;      /* 0 when not running */
    int link_out;   /* the hypervisor's COM2, for us to read */
    int link_in;    /* to its COM2; non-blocking */
    int com1;       /* text, to read */
    int messages;   /* QEMU's own stderr, to read */
    struct ram ram; /* of the machine, from qemu_start() on */
    uint64_t ring;  /* where our lines go in it; 0: through COM2 */
    bool ring_full; /* until the hypervisor says `room` */
    /* what the child gets */
    int child_fd[4];
    int *module_fd;
    size_t nr_modules;
    struct cli_text initrd;
};

/* Makes the pipes. Returns 0, or -1 after an error message. */
int qemu_init(struct qemu *q);

/*
 * Adds a module. `make` is called with the path QEMU will open and returns
 * the module's command line, to be freed. 0, or -1 after an error message.
 */
int qemu_add_module(struct qemu *q, const void *data, size_t size,
                    char *(*make)(const void *ctx, const char *path),
                    const void *ctx);

/* 0, or -1 after an error message that says what to do. */
int qemu_start(struct qemu *q, const struct qemu_config *config, bool show);

/*
 * Sends lines to the hypervisor: drops from `t` what is on its way.
 * qemu_waits() is the file to poll() for POLLOUT before the next try, or -1.
 */
void qemu_send(struct qemu *q, struct cli_text *t);
int qemu_waits(const struct qemu *q, const struct cli_text *t);
/* What the hypervisor said of the ring: where it is, and that it has room. */
void qemu_ring(struct qemu *q, uint64_t pa);
void qemu_room(struct qemu *q);

/*
 * True once the child has ended; *status is then what waitpid() told. Does
 * not block.
 */
bool qemu_reap(struct qemu *q, int *status);

/* Kills and reaps the child if there is one, closes everything. */
void qemu_end(struct qemu *q);

#endif
