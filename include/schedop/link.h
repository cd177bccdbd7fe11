/* SPDX-License-Identifier: MIT */
/*
 * The link between the hypervisor and the host tool: names and limits that
 * both sides compile. The protocol is described in docs/link.md.
 */
#ifndef SCHEDOP_LINK_H
#define SCHEDOP_LINK_H

#define SCHEDOP_LINK_VERSION 1
#define SCHEDOP_LINK_MAGIC "schedop-link"
#define SCHEDOP_LINK_LINE_MAX 1024u /* bytes, newline included */
#define SCHEDOP_NAME_MAX 63u        /* bytes of a domain name */

/* Statistics of the `end` line, in the order of sched_op's commands. */
#define SCHEDOP_LINK_COMMANDS                                                  \
    {                                                                          \
        "yield", "block", "shutdown", "poll", "remote_shutdown",               \
            "shutdown_code", "watchdog", "pin_override"                        \
    }

#endif
