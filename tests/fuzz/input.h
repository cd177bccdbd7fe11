/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share: each is one function that takes a byte string
 * and does whatever it means. libFuzzer calls it with strings of its own;
 * replay.c with files and with random strings from a seed.
 *
 * A target aborts, or trips a sanitizer, when something is wrong. It keeps no
 * state from one call to the next, so that any input can be replayed alone.
 */
#ifndef SCHEDOP_TESTS_FUZZ_INPUT_H
#define SCHEDOP_TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert(), but never compiled out. */
#define MUST(cond)                                                             \
    do {                                                                       \
        if (!(cond)) {                                                         \
            (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__,   \
                          #cond);                                              \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* The rest of the input; what is asked for beyond its end is zero. */
struct input {
    const uint8_t *at, *end;
};

static inline struct input input_of(const uint8_t *data, size_t size)
{
    return (struct input){data, data + size};
}

static inline size_t input_left(const struct input *in)
{
    return (size_t)(in->end - in->at);
}

/* Returns how many bytes there were; the others are zero. */
static inline size_t take(struct input *in, void *out, size_t len)
{
    size_t n = len < input_left(in) ? len : input_left(in);

    memset(out, 0, len);
    if (n != 0) {
        memcpy(out, in->at, n);
        in->at += n;
    }
    return n;
}

static inline uint8_t take_u8(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static inline uint16_t take_u16(struct input *in)
{
    uint16_t value;

    (void)take(in, &value, sizeof(value));
    return value;
}

static inline uint32_t take_u32(struct input *in)
{
    uint32_t value;

    (void)take(in, &value, sizeof(value));
    return value;
}

static inline uint64_t take_u64(struct input *in)
{
    uint64_t value;

    (void)take(in, &value, sizeof(value));
    return value;
}

#endif
