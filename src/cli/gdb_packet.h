/* SPDX-License-Identifier: MIT */
/*
 * Packets of GDB's remote serial protocol on a stream: `$body#checksum`,
 * acknowledged by `+` or `-` until the client asks to leave that out, and the
 * byte 0x03 for "stop it". Any byte may come from the other side: a packet
 * that is too long or has a wrong checksum is dropped, and refused if
 * packets are acknowledged.
 */
#ifndef SCHEDOP_CLI_GDB_PACKET_H
#define SCHEDOP_CLI_GDB_PACKET_H

#include "cli.h"

#define GDB_PACKET_MAX 16384u /* bytes of a body, as it is said to gdb */

enum gdb_seen {
    GDB_NOTHING, /* more bytes are needed */
    GDB_PACKET,  /* one is in body */
    GDB_BREAK,   /* stop what runs */
    GDB_AGAIN,   /* the last reply did not arrive */
};

struct gdb_stream {
    enum { GDB_OUTSIDE, GDB_INSIDE, GDB_SUM1, GDB_SUM2 } state;
    bool quiet; /* nothing is acknowledged */
    bool bad;   /* this packet is dropped at its end */
    uint8_t sum, seen_sum;
    bool escaped;
    char body[GDB_PACKET_MAX + 1]; /* unescaped, and a NUL behind it */
    size_t len;
};

/*
 * Takes one byte. What has to be answered to it as such, '+' or '-', is in
 * *ack (0: nothing).
 */
enum gdb_seen gdb_stream_byte(struct gdb_stream *s, uint8_t byte, char *ack);

/* Adds a packet with that body, escaped. */
void gdb_packet_add(struct cli_text *out, const char *body, size_t len);

/* ---- words of a body ---- */

/*
 * A number in hexadecimal at *at, which moves behind it; false when there is
 * none, or it has more than 64 bits.
 */
bool gdb_number(const char **at, uint64_t *value);
/* Skips that character; false when another is there. */
bool gdb_skip(const char **at, char c);
/* Two digits each; false when they are no hex or not `len` bytes. */
bool gdb_unhex(const char *hex, size_t digits, uint8_t *out, size_t len);
void gdb_hex(struct cli_text *out, const uint8_t *bytes, size_t len);

#endif
