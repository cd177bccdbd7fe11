/* SPDX-License-Identifier: MIT */
/* Programs as the guest gets them. */
#include "tool.h"

#include <stdlib.h>
#include <string.h>

void batch_add(struct batch_writer *w, const struct listing *p)
{
    if (w->count == w->room) {
        w->room = w->room == 0 ? 64 : w->room * 2;
        w->all = realloc(w->all, w->room * sizeof(*w->all));
        if (!w->all) {
            fail("out of memory");
        }
    }
    w->all[w->count++] = *p;
}

static void put(FILE *to, const void *bytes, size_t size)
{
    if (size != 0 && fwrite(bytes, size, 1, to) != 1) {
        fail("cannot write the batch");
    }
}

void batch_close(struct batch_writer *w)
{
    const struct batch head = {PROGRAM_MAGIC, PROGRAM_VERSION, w->count, 0};

    put(w->to, &head, sizeof(head));
    for (uint32_t i = 0; i < w->count; i++) {
        const struct program p = {w->all[i].id, w->all[i].count};

        put(w->to, &p, sizeof(p));
        put(w->to, w->all[i].statement,
            p.statements * sizeof(struct statement));
    }
    if (fflush(w->to) != 0) {
        fail("cannot write the batch");
    }
    free(w->all);
    memset(w, 0, sizeof(*w));
}

static void get(FILE *from, void *bytes, size_t size)
{
    if (size != 0 && fread(bytes, size, 1, from) != 1) {
        fail("the batch is cut short");
    }
}

struct listing *batch_read(FILE *from, uint32_t *count)
{
    struct batch head;
    struct listing *all;

    get(from, &head, sizeof(head));
    if (head.magic != PROGRAM_MAGIC || head.version != PROGRAM_VERSION ||
        head.programs > 1000000) {
        fail("this is no batch");
    }
    all = calloc(head.programs + 1u, sizeof(*all));
    if (!all) {
        fail("out of memory");
    }
    for (uint32_t i = 0; i < head.programs; i++) {
        struct program p;

        get(from, &p, sizeof(p));
        if (p.statements > PROGRAM_STATEMENTS_MAX) {
            fail("program %u is too long", p.id);
        }
        all[i].id = p.id;
        all[i].count = p.statements;
        get(from, all[i].statement, p.statements * sizeof(struct statement));
    }
    *count = head.programs;
    return all;
}
