/* SPDX-License-Identifier: MIT */
/*
 * A file that gets its name when all of it is on disk. Where the file system
 * can, it has none before, so that a writer that is killed leaves nothing.
 * Its mode is 0600: it holds the memory of a domain. All functions print an
 * error message that names the file before they fail.
 */
#ifndef SCHEDOP_CLI_WHOLE_FILE_H
#define SCHEDOP_CLI_WHOLE_FILE_H

#include "cli.h"

struct whole_file {
    int fd; /* -1: none */
    const char *path;
    char *temp;
};

/* 0 or -1. `path` must stay as it is. */
int whole_create(struct whole_file *f, const char *path);
int whole_write(const struct whole_file *f, const void *data, size_t len);
/* Zeros that take no room, where the file system can; 0 or -1. */
int whole_skip(const struct whole_file *f, uint64_t len);
/* Everything is on disk and the file has its name when this returns 0. */
int whole_finish(struct whole_file *f);
/* Removes what was written, unless it was finished. */
void whole_close(struct whole_file *f);

#endif
