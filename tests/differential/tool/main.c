/* SPDX-License-Identifier: MIT */
/*
 * The tool of the differential test; batches go from and to files named or
 * standard streams.
 *
 *   make SEED FIRST COUNT   a batch of generated programs, ids FIRST ...; the
 *                           last one ends the domain
 *   text                    batch to text
 *   assemble FILE...        text to a batch, ids 1 ... in that order
 *   pick ID...              a batch of some programs of a batch
 *   cut SIZE                of a batch of one program, all programs that lack
 *                           SIZE statements in a row, at multiples of SIZE;
 *                           ids 1 ... in that order
 */
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number(const char *word)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(word, &end, 0);
    if (errno != 0 || end == word || *end != '\0') {
        fail("no number: %s", word);
    }
    return value;
}

static void make(char **words)
{
    static struct listing p;
    struct batch_writer w = {.to = stdout};
    uint64_t seed = number(words[0]);
    uint32_t first = (uint32_t)number(words[1]);
    uint32_t count = (uint32_t)number(words[2]);

    for (uint32_t i = 0; i < count; i++) {
        p.id = first + i;
        generate(seed, &p, i == count - 1);
        batch_add(&w, &p);
    }
    batch_close(&w);
}

static void text(void)
{
    uint32_t count;
    struct listing *all = batch_read(stdin, &count);

    for (uint32_t i = 0; i < count; i++) {
        text_write(stdout, &all[i]);
    }
    free(all);
}

static void assemble(char **names)
{
    static struct listing p;
    struct batch_writer w = {.to = stdout};

    for (; *names; names++) {
        FILE *from = fopen(*names, "r");
        unsigned int line = 0;

        if (!from) {
            fail("%s: %s", *names, strerror(errno));
        }
        while (text_read(from, *names, &line, &p)) {
            p.id = w.count + 1;
            batch_add(&w, &p);
        }
        (void)fclose(from);
    }
    batch_close(&w);
}

static void pick(char **words)
{
    struct batch_writer w = {.to = stdout};
    uint32_t count;
    struct listing *all = batch_read(stdin, &count);

    for (; *words; words++) {
        uint64_t id = number(*words);

        for (uint32_t i = 0; i < count; i++) {
            if (all[i].id == id) {
                batch_add(&w, &all[i]);
            }
        }
    }
    free(all);
    batch_close(&w);
}

static void cut(const char *word)
{
    static struct listing p;
    struct batch_writer w = {.to = stdout};
    uint32_t count, size = (uint32_t)number(word);
    struct listing *all = batch_read(stdin, &count);

    if (count != 1 || size == 0) {
        fail("want one program and a size above 0");
    }
    for (uint32_t at = 0; at < all->count; at += size) {
        uint32_t end = at + size < all->count ? at + size : all->count;

        p.id = at / size + 1;
        p.count = all->count - (end - at);
        memcpy(p.statement, all->statement, at * sizeof(*p.statement));
        memcpy(p.statement + at, all->statement + end,
               (all->count - end) * sizeof(*p.statement));
        batch_add(&w, &p);
    }
    free(all);
    batch_close(&w);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (strcmp(verb, "make") == 0 && argc == 5) {
        make(argv + 2);
    } else if (strcmp(verb, "text") == 0 && argc == 2) {
        text();
    } else if (strcmp(verb, "assemble") == 0 && argc > 2) {
        assemble(argv + 2);
    } else if (strcmp(verb, "pick") == 0 && argc > 2) {
        pick(argv + 2);
    } else if (strcmp(verb, "cut") == 0 && argc == 3) {
        cut(argv[2]);
    } else {
        (void)fputs("usage: tool make SEED FIRST COUNT | text | assemble "
                    "FILE... | pick ID... | cut SIZE\n",
                    stderr);
        return 2;
    }
    return 0;
}
