/* SPDX-License-Identifier: MIT */
/*
 * The native format: a header, records, and an end record that says how many
 * there were and their CRC-32 (zlib's). Everything is little-endian; so is
 * every machine this runs on, which native.c checks.
 */
#ifndef SCHEDOP_TRACE_NATIVE_H
#define SCHEDOP_TRACE_NATIVE_H

#include "trace.h"

#define NATIVE_MAGIC "SOPTRACE"
#define NATIVE_VERSION 1

struct native_header {
    char magic[8];
    uint16_t version;
    uint16_t header_bytes; /* a reader skips what it does not know */
    uint16_t record_bytes;
    uint16_t reserved;
    char title[TRACE_TITLE_MAX]; /* ends with 0 */
    uint8_t more[16];            /* 0 */
};

_Static_assert(sizeof(struct native_header) == 128, "the format of files");

#endif
