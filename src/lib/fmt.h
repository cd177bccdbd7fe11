/* SPDX-License-Identifier: MIT */
/*
 * A small snprintf. Conversions: %d %i %u %x %X %c %s %p %%; flags '-' and
 * '0'; width and precision (of %s; '*' allowed for both); lengths h hh l ll z
 * j. No floating point. An unknown conversion is copied as it stands.
 */
#ifndef SCHEDOP_LIB_FMT_H
#define SCHEDOP_LIB_FMT_H

#include <stdarg.h>
#include <stddef.h>

#include "compiler.h"

/*
 * Writes at most `size` bytes including the closing NUL (nothing at all if
 * `size` is 0) and returns the length the whole text would have.
 */
size_t fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
size_t fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

#endif
