/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "lib/string.h"

uint32_t text_pool_pages(uint32_t nr)
{
    return (nr + TEXT_PAGE_CHUNKS - 1) / TEXT_PAGE_CHUNKS;
}

void text_pool_init(struct text_pool *pool, struct text_chunk **page,
                    uint32_t nr, void *(*more)(void *context), void *context)
{
    *pool = (struct text_pool){
        .page = page,
        .nr = nr,
        .fresh = 1,
        .nr_free = nr > 1 ? nr - 1 : 0,
        .more = more,
        .context = context,
    };
}

static inline struct text_chunk *piece(const struct text_pool *pool, uint32_t c)
{
    return &pool->page[c / TEXT_PAGE_CHUNKS][c % TEXT_PAGE_CHUNKS];
}

uint32_t text_cost(size_t len)
{
    if (len <= TEXT_HEAD) {
        return 1;
    }
    return 1 + (uint32_t)((len - TEXT_HEAD + TEXT_REST - 1) / TEXT_REST);
}

/* Free chunks that have their memory. */
static uint32_t nr_ready(const struct text_pool *pool)
{
    uint32_t end = pool->nr_pages * TEXT_PAGE_CHUNKS;

    if (end == 0) {
        return 0;
    }
    return end < pool->nr ? pool->nr_free - (pool->nr - end) : pool->nr_free;
}

bool text_reserve(struct text_pool *pool, uint32_t chunks)
{
    uint32_t want = chunks < pool->nr_free ? chunks : pool->nr_free;

    while (nr_ready(pool) < want) {
        struct text_chunk **page = &pool->page[pool->nr_pages];

        if (*page == NULL) {
            *page = pool->more(pool->context);
        }
        if (*page == NULL) {
            return false;
        }
        pool->nr_pages++;
    }
    return true;
}

/* There is one that is ready. */
static uint32_t chunk_take(struct text_pool *pool)
{
    uint32_t c = pool->free;

    if (c != 0) {
        pool->free = piece(pool, c)->next;
    } else {
        c = pool->fresh++;
    }
    pool->nr_free--;
    piece(pool, c)->next = 0;
    return c;
}

uint32_t text_make(struct text_pool *pool, const char *bytes, size_t len)
{
    if (text_cost(len) > pool->nr_free || !text_reserve(pool, text_cost(len))) {
        return TEXT_NONE;
    }
    uint32_t text = chunk_take(pool), last = text;
    size_t part = len < TEXT_HEAD ? len : TEXT_HEAD;

    piece(pool, text)->u.head.refs = 1;
    piece(pool, text)->u.head.len = (uint32_t)len;
    if (part > 0) {
        memcpy(piece(pool, text)->u.head.data, bytes, part);
    }
    for (size_t done = part; done < len; done += part) {
        uint32_t c = chunk_take(pool);

        part = len - done < TEXT_REST ? len - done : TEXT_REST;
        memcpy(piece(pool, c)->u.data, bytes + done, part);
        piece(pool, last)->next = c;
        last = c;
    }
    return text;
}

uint32_t text_hold(struct text_pool *pool, uint32_t text)
{
    if (text != TEXT_NONE) {
        piece(pool, text)->u.head.refs++;
    }
    return text;
}

void text_drop(struct text_pool *pool, uint32_t text)
{
    if (text == TEXT_NONE || --piece(pool, text)->u.head.refs > 0) {
        return;
    }
    uint32_t last = text, n = 1;

    while (piece(pool, last)->next != 0) {
        last = piece(pool, last)->next;
        n++;
    }
    piece(pool, last)->next = pool->free;
    pool->free = text;
    pool->nr_free += n;
}

size_t text_len(const struct text_pool *pool, uint32_t text)
{
    return text == TEXT_NONE ? 0 : piece(pool, text)->u.head.len;
}

size_t text_copy(const struct text_pool *pool, uint32_t text, char *out,
                 size_t max)
{
    size_t len = text_len(pool, text);
    size_t want = len < max ? len : max;
    size_t part = want < TEXT_HEAD ? want : TEXT_HEAD;

    if (want == 0) {
        return 0;
    }
    memcpy(out, piece(pool, text)->u.head.data, part);
    for (size_t done = part; done < want; done += part) {
        text = piece(pool, text)->next;
        part = want - done < TEXT_REST ? want - done : TEXT_REST;
        memcpy(out + done, piece(pool, text)->u.data, part);
    }
    return want;
}

bool text_starts(const struct text_pool *pool, uint32_t text, const char *bytes,
                 size_t n)
{
    size_t part = n < TEXT_HEAD ? n : TEXT_HEAD;

    if (n == 0) {
        return true;
    }
    if (memcmp(piece(pool, text)->u.head.data, bytes, part) != 0) {
        return false;
    }
    for (size_t done = part; done < n; done += part) {
        text = piece(pool, text)->next;
        part = n - done < TEXT_REST ? n - done : TEXT_REST;
        if (memcmp(piece(pool, text)->u.data, bytes + done, part) != 0) {
            return false;
        }
    }
    return true;
}

bool text_equal(const struct text_pool *pool, uint32_t text, const char *bytes,
                size_t len)
{
    return text_len(pool, text) == len && text_starts(pool, text, bytes, len);
}

char text_at(const struct text_pool *pool, uint32_t text, size_t at)
{
    if (at < TEXT_HEAD) {
        return piece(pool, text)->u.head.data[at];
    }
    for (at -= TEXT_HEAD; at >= TEXT_REST; at -= TEXT_REST) {
        text = piece(pool, text)->next;
    }
    return piece(pool, piece(pool, text)->next)->u.data[at];
}
