/* SPDX-License-Identifier: MIT */
/*
 * The few functions on bytes that freestanding code needs, with their usual
 * names and meanings. Compilers call the first four on their own.
 */
#ifndef SCHEDOP_LIB_STRING_H
#define SCHEDOP_LIB_STRING_H

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

#endif
