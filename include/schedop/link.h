/* SPDX-License-Identifier: MIT */
/*
 * The link between the hypervisor and the host tool: names and limits that
 * both sides compile. The protocol is described in docs/link.md.
 */
#ifndef SCHEDOP_LINK_H
#define SCHEDOP_LINK_H

#include <stdint.h>

#define SCHEDOP_LINK_VERSION 1
#define SCHEDOP_LINK_MAGIC "schedop-link"
#define SCHEDOP_LINK_LINE_MAX 1024u /* bytes, newline included */
#define SCHEDOP_NAME_MAX 63u        /* bytes of a domain name */
#define SCHEDOP_ACTION_MAX 23u      /* bytes of an action of `end` */
#define SCHEDOP_ASKS_MAX 8u         /* `ask` lines without a `did`, at most */
#define SCHEDOP_LINK_INPUT 4096u    /* typed bytes a domain may have waiting */

/*
 * The start of a window (docs/link.md): the files a domain is made of, the
 * kernel first, and for each the words that a boot module would have.
 */
#define SCHEDOP_WINDOW_MAGIC 0x77646f70u
#define SCHEDOP_WINDOW_PARTS 5u
#define SCHEDOP_WINDOW_TEXT_MAX 8192u /* bytes of words of a part */

struct schedop_window_part {
    uint64_t offset, size;      /* of the file, bytes; offset of a page */
    uint64_t text, text_length; /* of the words, bytes, without a NUL */
};

struct schedop_window {
    uint32_t magic, nr_parts;
    struct schedop_window_part part[SCHEDOP_WINDOW_PARTS];
};

/*
 * The ring by which lines come to the hypervisor, at the address that `boot`
 * names. The tool writes `head`, counts of bytes as both indices are, and sets
 * `waits` before it waits for a `room` line.
 */
#define SCHEDOP_LINK_RING 16384u

struct schedop_link_ring {
    uint32_t head, tail, waits, spare;
    char bytes[SCHEDOP_LINK_RING];
};

/* Statistics of the `end` line, in the order of sched_op's commands. */
#define SCHEDOP_LINK_COMMANDS                                                  \
    {                                                                          \
        "yield", "block", "shutdown", "poll", "remote_shutdown",               \
            "shutdown_code", "watchdog", "pin_override"                        \
    }

#endif
