/* SPDX-License-Identifier: MIT */
/*
 * The memory of the emulated machine, as this process sees it: an anonymous
 * memory file that QEMU maps as its RAM. What is too much for the link (the
 * images of domains, saved memory, traces) is read and written here, at
 * physical addresses that the hypervisor announces on the link.
 *
 * The machine may write any byte at any time: copy first, then look. An
 * address comes from the other side, so every access is checked against what
 * is RAM; one that is not wholly RAM fails and touches nothing.
 */
#ifndef SCHEDOP_CLI_RAM_H
#define SCHEDOP_CLI_RAM_H

#include "cli.h"

struct ram {
    int fd;        /* for QEMU to inherit; -1: none */
    uint8_t *base; /* the whole file */
    uint64_t size; /* bytes, of all RAM */
};

/*
 * Makes the file, which takes memory only where the machine writes. Returns
 * 0, or -1 after an error message; `ram` is then as ram_close() leaves it.
 */
int ram_open(struct ram *ram, uint64_t size);
/* The same memory, made by another process of the same user. */
int ram_attach(struct ram *ram, const char *path);
void ram_close(struct ram *ram);

/*
 * `len` bytes at physical address `pa`, or NULL when not all of them are
 * RAM. Valid until ram_close(), also when the machine is gone.
 */
uint8_t *ram_at(const struct ram *ram, uint64_t pa, uint64_t len);

/* Copies; false when not all of it is RAM. */
bool ram_read(const struct ram *ram, uint64_t pa, void *to, size_t len);
bool ram_write(struct ram *ram, uint64_t pa, const void *from, size_t len);

#endif
