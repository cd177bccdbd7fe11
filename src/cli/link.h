/* SPDX-License-Identifier: MIT */
/*
 * The link of docs/link.md, as the host sees it: cuts the hypervisor's bytes
 * into lines, takes the lines apart, and writes lines for the hypervisor.
 *
 * The other side may be broken: any byte, any length, any number is answered
 * by LINK_BAD or a dropped line, never by worse.
 */
#ifndef SCHEDOP_CLI_LINK_H
#define SCHEDOP_CLI_LINK_H

#include <schedop/link.h>

#include <jansson.h>

#include "cli.h"

#define LINK_COMMANDS 8u

enum link_verb {
    LINK_BAD,     /* no line of this protocol */
    LINK_UNKNOWN, /* well-formed, of a verb of a later version */
    LINK_HELLO,   /* number: protocol version; text: hypervisor's version */
    LINK_BOOT,    /* boot */
    LINK_LOG,     /* level; text */
    LINK_CREATE,  /* domid, name */
    LINK_START,   /* domid; number: ns */
    LINK_FAIL,    /* name, text */
    LINK_CON,     /* domid, text: any bytes */
    LINK_END,     /* domid, name, code, action, stats */
    LINK_CRASH,   /* domid, text */
    LINK_TRACE,   /* ring */
    LINK_EXIT,    /* number: code */
    LINK_PANIC,   /* text */
    LINK_GONE,    /* domid, name */
    LINK_STOPPED, /* domid, name */
    LINK_DUMP,    /* domid, name, area: its record */
    LINK_TOOK,    /* domid; number: bytes of its input */
    LINK_ROOM,    /* in the ring of our lines */
    LINK_STORE,   /* the ring of our xenstore has news */
    LINK_ROW,     /* number: tag; text */
    LINK_DID,     /* number: tag; error; text */
};

struct link_boot {
    uint64_t pcpus, memory_kib, hypervisor_kib, boot_ns;
    uint64_t ring; /* address of a struct schedop_link_ring; 0: none */
};

struct link_stats {
    uint64_t run_ns, cpu_ns;
    uint64_t commands[LINK_COMMANDS];
};

struct link_ring {
    uint64_t pcpu, pa, records;
};

struct link_area {
    uint64_t pa, bytes;
};

struct link_message {
    enum link_verb verb;
    uint16_t domid;
    uint8_t code;
    unsigned error; /* Xen's number, 0 for none */
    uint64_t number;
    char name[SCHEDOP_NAME_MAX + 1];
    char action[SCHEDOP_ACTION_MAX + 1]; /* one that docs/link.md lists */
    char level[8];                       /* likewise */
    const char *text;                    /* unescaped; lives in the line */
    size_t text_len;
    struct link_boot boot;
    struct link_ring ring;
    struct link_area area;
    struct link_stats stats;
};

/* The names of the eight commands, in the order of link_stats. */
extern const char *const link_command[LINK_COMMANDS];

/* Takes a line without its newline apart, unescaping its text in place. */
void link_parse(char *line, size_t len, struct link_message *m);

/* "key=value" words, of a row or an answer, as an object. */
json_t *link_row_object(const char *row);

struct link_reader {
    char line[SCHEDOP_LINK_LINE_MAX];
    size_t len;
    bool skipping;    /* the rest of a line that was too long */
    unsigned dropped; /* such lines */
};

/* Calls `fn` for each line that `data` completes. */
void link_feed(struct link_reader *r, const char *data, size_t len,
               void (*fn)(void *ctx, char *line, size_t len), void *ctx);

/* Adds `con DOMID TEXT` lines that carry `len` bytes typed. */
void link_add_con(struct cli_text *t, uint16_t domid, const char *data,
                  size_t len);

/*
 * Input for a domain goes no faster than it is taken: *room, at first
 * SCHEDOP_LINK_INPUT, is how many bytes may be sent now. link_type() moves
 * that much of `typed` into lines of `t`; link_took() makes room again.
 */
size_t link_type(struct cli_text *t, uint16_t domid, struct cli_text *typed,
                 size_t *room);
void link_took(const struct link_message *m, size_t *room);

#endif
