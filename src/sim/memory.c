/* SPDX-License-Identifier: MIT */
/* See memory.h. */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
    (void)fputs("schedop: out of memory\n", stderr);
    exit(1);
}

void *sim_alloc(size_t size)
{
    void *p = calloc(1, size != 0 ? size : 1);

    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *sim_grow(void *p, size_t count, size_t size)
{
    void *grown = NULL;

    if (count != 0 && size != 0 && count <= SIZE_MAX / size) {
        grown = realloc(p, count * size);
    }
    if (grown == NULL) {
        out_of_memory();
    }
    return grown;
}

char *sim_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = sim_alloc(size);

    memcpy(copy, s, size);
    return copy;
}
