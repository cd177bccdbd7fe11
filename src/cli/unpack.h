/* SPDX-License-Identifier: MIT */
/*
 * Compressed files: gzip, XZ, LZ4 (frames, and the older form that Linux
 * uses) and Zstandard, unpacked into memory by the libraries made for them.
 */
#ifndef SCHEDOP_CLI_UNPACK_H
#define SCHEDOP_CLI_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_UNPACK_HEAD 6u /* bytes that tell what a file is */

/* Does it begin as one of these formats does? */
bool cli_is_packed(const uint8_t *data, size_t size);

/*
 * Unpacks the first stream or frame of `data` into *out, which the caller
 * frees; what follows it is ignored, as Xen and GRUB do. Returns 0, or -1 with
 * *why set to a sentence to be freed by the caller: a format that is not known,
 * damage, a cut end, or more than `max` bytes.
 */
int cli_unpack(const uint8_t *data, size_t size, size_t max, uint8_t **out,
               size_t *out_size, char **why);

#endif
