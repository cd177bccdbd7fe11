/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "lib/string.h"

void text_pool_init(struct text_pool *pool, struct text_chunk *chunk,
                    uint32_t nr)
{
    pool->chunk = chunk;
    pool->nr = nr;
    pool->free = nr > 1 ? 1 : 0;
    pool->nr_free = nr > 1 ? nr - 1 : 0;
    for (uint32_t i = 1; i < nr; i++) {
        chunk[i].next = i + 1 < nr ? i + 1 : 0;
    }
}

uint32_t text_cost(size_t len)
{
    if (len <= TEXT_HEAD) {
        return 1;
    }
    return 1 + (uint32_t)((len - TEXT_HEAD + TEXT_REST - 1) / TEXT_REST);
}

static uint32_t chunk_take(struct text_pool *pool)
{
    uint32_t c = pool->free;

    pool->free = pool->chunk[c].next;
    pool->nr_free--;
    pool->chunk[c].next = 0;
    return c;
}

uint32_t text_make(struct text_pool *pool, const char *bytes, size_t len)
{
    if (text_cost(len) > pool->nr_free) {
        return TEXT_NONE;
    }
    uint32_t text = chunk_take(pool), last = text;
    size_t part = len < TEXT_HEAD ? len : TEXT_HEAD;

    pool->chunk[text].u.head.refs = 1;
    pool->chunk[text].u.head.len = (uint32_t)len;
    if (part > 0) {
        memcpy(pool->chunk[text].u.head.data, bytes, part);
    }
    for (size_t done = part; done < len; done += part) {
        uint32_t c = chunk_take(pool);

        part = len - done < TEXT_REST ? len - done : TEXT_REST;
        memcpy(pool->chunk[c].u.data, bytes + done, part);
        pool->chunk[last].next = c;
        last = c;
    }
    return text;
}

uint32_t text_hold(struct text_pool *pool, uint32_t text)
{
    if (text != TEXT_NONE) {
        pool->chunk[text].u.head.refs++;
    }
    return text;
}

void text_drop(struct text_pool *pool, uint32_t text)
{
    if (text == TEXT_NONE || --pool->chunk[text].u.head.refs > 0) {
        return;
    }
    uint32_t last = text, n = 1;

    while (pool->chunk[last].next != 0) {
        last = pool->chunk[last].next;
        n++;
    }
    pool->chunk[last].next = pool->free;
    pool->free = text;
    pool->nr_free += n;
}

size_t text_len(const struct text_pool *pool, uint32_t text)
{
    return text == TEXT_NONE ? 0 : pool->chunk[text].u.head.len;
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
    memcpy(out, pool->chunk[text].u.head.data, part);
    for (size_t done = part; done < want; done += part) {
        text = pool->chunk[text].next;
        part = want - done < TEXT_REST ? want - done : TEXT_REST;
        memcpy(out + done, pool->chunk[text].u.data, part);
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
    if (memcmp(pool->chunk[text].u.head.data, bytes, part) != 0) {
        return false;
    }
    for (size_t done = part; done < n; done += part) {
        text = pool->chunk[text].next;
        part = n - done < TEXT_REST ? n - done : TEXT_REST;
        if (memcmp(pool->chunk[text].u.data, bytes + done, part) != 0) {
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
        return pool->chunk[text].u.head.data[at];
    }
    for (at -= TEXT_HEAD; at >= TEXT_REST; at -= TEXT_REST) {
        text = pool->chunk[text].next;
    }
    return pool->chunk[pool->chunk[text].next].u.data[at];
}
