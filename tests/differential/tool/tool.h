/* SPDX-License-Identifier: MIT */
/*
 * The host's side of differential programs: making, reading and cutting them.
 */
#ifndef SCHEDOP_TESTS_DIFFERENTIAL_TOOL_H
#define SCHEDOP_TESTS_DIFFERENTIAL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../program.h"

/* A program in memory. */
struct listing {
    uint32_t id;
    uint32_t count;
    struct statement statement[PROGRAM_STATEMENTS_MAX];
};

/* Prints why to stderr and ends the tool with status 1. */
void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* ---- text.c ---- */

struct operation_info {
    const char *name, *operands;
    uint8_t flags;
};

extern const struct operation_info operations[OPERATION_COUNT];
extern const uint32_t literals[LITERAL_COUNT];

void text_write(FILE *to, const struct listing *p);

/*
 * Reads the next program of a text: lines of statements after `program ID`.
 * False at the end. `name` and `*line` are for messages.
 */
bool text_read(FILE *from, const char *name, unsigned int *line,
               struct listing *p);

/* ---- batch.c ---- */

/* Programs are added at the end; the header is right only after the close. */
struct batch_writer {
    FILE *to;
    struct listing *all;
    uint32_t count, room;
};

void batch_add(struct batch_writer *w, const struct listing *p);
void batch_close(struct batch_writer *w);

/* Reads a whole batch: the programs, `*count` of them. */
struct listing *batch_read(FILE *from, uint32_t *count);

/* ---- generate.c ---- */

/* Fills in a program; the same for the same seed and id, whatever else is
 * generated. One that `ends` takes the domain with it. */
void generate(uint64_t seed, struct listing *p, bool ends);

#endif
