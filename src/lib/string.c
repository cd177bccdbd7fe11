/* SPDX-License-Identifier: MIT */
/*
 * See string.h. A compiler may recognise these loops and replace them by
 * calls of the very functions they implement; KEEP_LOOP() hides the pointer
 * from it.
 */
#include "string.h"

#include <stdint.h>

#define KEEP_LOOP(p) __asm__ volatile("" : "+r"(p))

#define WORD sizeof(uint64_t)

/* Word accesses at any address and to memory of any type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) any_word;

static void copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
    for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
        *(any_word *)d = *(const any_word *)s;
        KEEP_LOOP(d);
    }
    for (; n > 0; n--) {
        *d++ = *s++;
        KEEP_LOOP(d);
    }
}

static void copy_down(unsigned char *d, const unsigned char *s, size_t n)
{
    for (; n >= WORD; n -= WORD) {
        *(any_word *)(d + n - WORD) = *(const any_word *)(s + n - WORD);
        KEEP_LOOP(d);
    }
    for (; n > 0; n--) {
        d[n - 1] = s[n - 1];
        KEEP_LOOP(d);
    }
}

void *memcpy(void *dst, const void *src, size_t n)
{
    copy_up(dst, src, n);
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    if ((uintptr_t)dst - (uintptr_t)src >= n) {
        copy_up(dst, src, n);
    } else {
        copy_down(dst, src, n);
    }
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    unsigned char *d = dst;
    uint64_t word = (unsigned char)byte * (UINT64_MAX / 0xff);

    for (; n >= WORD; n -= WORD, d += WORD) {
        *(any_word *)d = word;
        KEEP_LOOP(d);
    }
    for (; n > 0; n--) {
        *d++ = (unsigned char)byte;
        KEEP_LOOP(d);
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;

    for (; n > 0; n--, p++, q++) {
        if (*p != *q) {
            return *p < *q ? -1 : 1;
        }
        KEEP_LOOP(p);
    }
    return 0;
}

size_t strlen(const char *s)
{
    const char *end = s;

    while (*end != '\0') {
        end++;
        KEEP_LOOP(end);
    }
    return (size_t)(end - s);
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (x == '\0') {
            break;
        }
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (*s == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)s;
}
