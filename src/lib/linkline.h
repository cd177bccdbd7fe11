/* SPDX-License-Identifier: MIT */
/*
 * Lines of the link between the hypervisor and the host tool, as
 * docs/link.md describes them: escaped text, and the commands that come from
 * the tool. Portable and without state of its own, for both ends.
 */
#ifndef SCHEDOP_LIB_LINKLINE_H
#define SCHEDOP_LIB_LINKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/link.h>

/*
 * Escapes as much of `text` as fits into `room` bytes; returns the bytes
 * written (no NUL) and in *used how much of `text` they stand for.
 */
size_t linkline_escape(char *out, size_t room, const char *text, size_t len,
                       size_t *used);

/*
 * Undoes the escapes; `out` may be `text` itself. False when malformed.
 * *out_len is at most `len`.
 */
bool linkline_unescape(char *out, size_t *out_len, const char *text,
                       size_t len);

/* Puts received bytes together to lines. Zeroed at the start. */
struct linkline_reader {
    char line[SCHEDOP_LINK_LINE_MAX + 1];
    size_t len;
    bool overlong; /* the rest of it is thrown away */
};

/*
 * Takes one byte; true when it ended a line, which is then in `line` without
 * its newline, NUL-terminated. Lines that are too long are dropped whole.
 */
bool linkline_feed(struct linkline_reader *r, char c);

enum linkline_verb {
    LINKLINE_CON,
    LINKLINE_SHUTDOWN,
    LINKLINE_DESTROY,
    LINKLINE_DUMPED, /* the core that a `dump` line announced is written */
    LINKLINE_STOP,
    LINKLINE_ASK,     /* `text` is what follows the verb */
    LINKLINE_UNKNOWN, /* to be ignored */
    LINKLINE_BAD,     /* a known verb whose fields are wrong */
};

struct linkline_command {
    enum linkline_verb verb;
    uint16_t domid;
    uint8_t code;     /* of shutdown */
    const char *text; /* of con (unescaped) and ask, inside `line` */
    size_t len;
};

/* Decodes a line from the host tool; text is unescaped in place. */
void linkline_parse(char *line, struct linkline_command *cmd);

#endif
