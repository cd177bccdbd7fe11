/* SPDX-License-Identifier: MIT */
/* Packets of GDB's remote protocol: see gdb_packet.h. */
#include "gdb_packet.h"

#include <string.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void begin(struct gdb_stream *s)
{
    s->state = GDB_INSIDE;
    s->bad = s->escaped = false;
    s->sum = 0;
    s->len = 0;
}

static void inside(struct gdb_stream *s, uint8_t byte)
{
    if (byte == '#') {
        s->bad |= s->escaped;
        s->state = GDB_SUM1;
        return;
    }
    s->sum = (uint8_t)(s->sum + byte);
    if (byte == '}' && !s->escaped) {
        s->escaped = true;
    } else if (s->len == GDB_PACKET_MAX) {
        s->bad = true;
    } else {
        s->body[s->len++] = (char)(s->escaped ? byte ^ 0x20 : byte);
        s->escaped = false;
    }
}

static enum gdb_seen end(struct gdb_stream *s, uint8_t byte, char *ack)
{
    int low = digit_of((char)byte);

    s->state = GDB_OUTSIDE;
    s->bad |= low < 0 || (uint8_t)(s->seen_sum | low) != s->sum;
    if (!s->quiet) {
        *ack = s->bad ? '-' : '+';
    }
    s->body[s->len] = '\0';
    return s->bad ? GDB_NOTHING : GDB_PACKET;
}

static enum gdb_seen outside(struct gdb_stream *s, uint8_t byte)
{
    if (byte == '$') {
        begin(s);
    } else if (byte == 3) {
        return GDB_BREAK;
    } else if (byte == '-' && !s->quiet) {
        return GDB_AGAIN;
    }
    return GDB_NOTHING; /* '+', and whatever else there is between packets */
}

enum gdb_seen gdb_stream_byte(struct gdb_stream *s, uint8_t byte, char *ack)
{
    int high;

    *ack = 0;
    if (s->state == GDB_OUTSIDE) {
        return outside(s, byte);
    }
    if (byte == '$') { /* never in a packet: another one begins */
        begin(s);
        return GDB_NOTHING;
    }
    if (s->state == GDB_INSIDE) {
        inside(s, byte);
        return GDB_NOTHING;
    }
    if (s->state == GDB_SUM2) {
        return end(s, byte, ack);
    }
    high = digit_of((char)byte);
    s->bad |= high < 0;
    s->seen_sum = (uint8_t)((high & 15) << 4);
    s->state = GDB_SUM2;
    return GDB_NOTHING;
}

void gdb_packet_add(struct cli_text *out, const char *body, size_t len)
{
    uint8_t sum = 0;

    cli_text_str(out, "$");
    for (size_t i = 0; i < len; i++) {
        char byte[2] = {'}', body[i]};
        bool escape = strchr("#$}*", body[i]) != NULL && body[i] != '\0';

        if (escape) {
            byte[1] = (char)(body[i] ^ 0x20);
            sum = (uint8_t)(sum + '}');
        }
        sum = (uint8_t)(sum + (uint8_t)byte[1]);
        cli_text_add(out, escape ? byte : byte + 1, escape ? 2 : 1);
    }
    cli_text_printf(out, "#%02x", sum);
}

bool gdb_number(const char **at, uint64_t *value)
{
    uint64_t n = 0;
    const char *c = *at;

    for (; digit_of(*c) >= 0; c++) {
        if (n >> 60 != 0) {
            return false;
        }
        n = n << 4 | (uint64_t)digit_of(*c);
    }
    if (c == *at) {
        return false;
    }
    *at = c;
    *value = n;
    return true;
}

bool gdb_skip(const char **at, char c)
{
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

bool gdb_unhex(const char *hex, size_t digits, uint8_t *out, size_t len)
{
    if (digits % 2 != 0 || digits / 2 != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void gdb_hex(struct cli_text *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        cli_text_printf(out, "%02x", bytes[i]);
    }
}
