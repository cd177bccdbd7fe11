/* SPDX-License-Identifier: MIT */
/*
 * Text of any length out of a pool of fixed pieces.
 *
 * The store keeps names, values, paths and tokens as texts: immutable, counted
 * references, made of a chain of 64-byte chunks. A pool can therefore never
 * fragment, its worst case is known when it is made, and two versions of a
 * node share what did not change. It takes its memory a page at a time when
 * it first needs it, and keeps it. No locks: the owner of the store has one.
 */
#ifndef SCHEDOP_BACKEND_TEXT_H
#define SCHEDOP_BACKEND_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NONE 0u  /* no text; also what a full pool returns */
#define TEXT_HEAD 52u /* bytes in the first chunk of a text */
#define TEXT_REST 60u /* bytes in each further one */

struct text_chunk {
    uint32_t next; /* in the text or the free list; 0 ends */
    union {
        struct {
            uint32_t refs;
            uint32_t len;
            char data[TEXT_HEAD];
        } head;
        char data[TEXT_REST];
    } u;
};

#define TEXT_PAGE_CHUNKS 64u
#define TEXT_PAGE (TEXT_PAGE_CHUNKS * sizeof(struct text_chunk))

struct text_pool {
    struct text_chunk **page; /* chunk 0 of page 0 is never used */
    uint32_t nr, nr_pages;
    uint32_t fresh; /* chunks from here on were never used */
    uint32_t free;  /* first free chunk below */
    uint32_t nr_free;
    void *(*more)(void *context); /* a page, NULL when there is none */
    void *context;
};

/* Pages, and entries of `page`, that a pool of `nr` chunks may come to. */
uint32_t text_pool_pages(uint32_t nr);

/*
 * A pool of `nr` chunks whose pages `more` gives; what is in `page` already
 * is used as it is.
 */
void text_pool_init(struct text_pool *pool, struct text_chunk **page,
                    uint32_t nr, void *(*more)(void *context), void *context);

/*
 * Sees to it that the next `chunks` chunks, or all there are, need no further
 * page; false when it cannot be had.
 */
bool text_reserve(struct text_pool *pool, uint32_t chunks);

/* Chunks that a text of `len` bytes takes; at least one. */
uint32_t text_cost(size_t len);

/* A text with one reference, TEXT_NONE when the pool has too little room. */
uint32_t text_make(struct text_pool *pool, const char *bytes, size_t len);

/* One more, one less reference; the last one frees. NONE is ignored. */
uint32_t text_hold(struct text_pool *pool, uint32_t text);
void text_drop(struct text_pool *pool, uint32_t text);

/* NONE is empty. */
size_t text_len(const struct text_pool *pool, uint32_t text);

/* Copies up to `max` bytes from the start; returns how many. */
size_t text_copy(const struct text_pool *pool, uint32_t text, char *out,
                 size_t max);

/* True when the first `n` bytes are these; `n` is at most its length. */
bool text_starts(const struct text_pool *pool, uint32_t text, const char *bytes,
                 size_t n);

bool text_equal(const struct text_pool *pool, uint32_t text, const char *bytes,
                size_t len);

/* The byte at `at`, which is inside the text. */
char text_at(const struct text_pool *pool, uint32_t text, size_t at);

#endif
