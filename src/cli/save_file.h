/* SPDX-License-Identifier: MIT */
/*
 * The file of a saved domain (docs/save.md): sections with a checksum each.
 * All functions print an error message that names the file before they fail.
 */
#ifndef SCHEDOP_CLI_SAVE_FILE_H
#define SCHEDOP_CLI_SAVE_FILE_H

#include "whole_file.h"

#define SAVE_FILE_VERSION 1u
#define SAVE_FILE_SECTION_MAX (4u << 20) /* bytes of a section's contents */
#define SAVE_FILE_PAGE 4096u

enum save_file_type {
    SAVE_FILE_META = 1, /* JSON text */
    SAVE_FILE_IMAGE,    /* offset, bytes: the files and words of the domain */
    SAVE_FILE_STATE,    /* offset, bytes: its record (schedop/save.h) */
    SAVE_FILE_PAGES,    /* frame number, pages that follow each other there */
    SAVE_FILE_END,      /* number of sections before it, 0 */
};

/* ---- writing ---- */

struct save_writer {
    struct whole_file file; /* fd -1: none */
    uint64_t sections;
};

/* 0 or -1. */
int save_create(struct save_writer *w, const char *path);
/* A section that begins with `number`, but for META. */
int save_section(struct save_writer *w, enum save_file_type type,
                 uint64_t number, const void *data, size_t len);
/* In as many sections as it takes. */
int save_blob(struct save_writer *w, enum save_file_type type,
              const uint8_t *data, uint64_t len);
/* Everything is on disk and the file has its name when this returns 0. */
int save_finish(struct save_writer *w);
/* Removes what was written, unless it was finished. */
void save_close(struct save_writer *w);

/* ---- reading ---- */

struct save_reader {
    int fd; /* -1: none */
    const char *path;
    uint64_t at, sections;
    enum save_file_type type; /* of the last section */
    uint64_t number;          /* what it begins with */
    uint8_t *data;            /* the rest of it */
    size_t len;
};

int save_open(struct save_reader *r, const char *path);
/* 1: a section is in `r`; 0: that was the end, and nothing follows; -1. */
int save_next(struct save_reader *r);
/* Back to the first section. */
void save_rewind(struct save_reader *r);
void save_reader_close(struct save_reader *r);

#endif
