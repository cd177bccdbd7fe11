/* SPDX-License-Identifier: MIT */
/*
 * Files for guests: read whole into memory, unpacked when compressed, and
 * checked before anything is started. The memory copy is what the
 * hypervisor gets, so a file that changes later changes nothing.
 */
#ifndef SCHEDOP_CLI_IMAGE_H
#define SCHEDOP_CLI_IMAGE_H

#include "cli.h"

#define CLI_FILE_MAX ((size_t)1 << 30)   /* no file may be longer */
#define CLI_KERNEL_MAX ((size_t)1 << 28) /* no kernel may unpack to more */

struct cli_image {
    char *path; /* as opened */
    uint8_t *data;
    size_t size;
    uint64_t high; /* kernels: first address above the image in the guest */
};

/*
 * Reads `path` as it is. Returns 0, or -1 with *why set to a sentence to be
 * freed by the caller.
 */
int cli_file_read(const char *path, struct cli_image *file, char **why);

/*
 * Makes a kernel of a file: unpacks it if it is compressed, takes the kernel
 * out of a Linux bzImage, then checks that it is an ELF image for x86 with a
 * PVH entry. Same returns; the file is freed on errors.
 */
int cli_kernel_open(struct cli_image *image, char **why);

void cli_image_free(struct cli_image *image);

enum cli_file_kind {
    CLI_FILE_KERNEL, /* ELF, a compressed file or a Linux bzImage */
    CLI_FILE_CONFIG, /* text */
    CLI_FILE_OTHER,
};

/* What the first bytes look like. */
enum cli_file_kind cli_file_kind(const struct cli_image *file);

/* MiB of domain memory that the image and `extra` bytes more need. */
uint64_t cli_image_memory_mib(const struct cli_image *image, size_t extra);

#endif
