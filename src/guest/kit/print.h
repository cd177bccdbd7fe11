/* SPDX-License-Identifier: MIT */
/* The formatter behind kit_printf() and kit_snprintf(). */
#ifndef SCHEDOP_KIT_PRINT_H
#define SCHEDOP_KIT_PRINT_H

#include "private.h"

/*
 * Where formatted bytes go: `text`, and when that is full to `flush`, after
 * which it is filled anew; with no `flush`, further bytes are only counted.
 */
struct kit_sink {
    char *text;
    size_t size, length;
    size_t total; /* bytes flushed */
    void (*flush)(const char *text, size_t length);
};

/* va_list may be an array type: wrapped, it can be passed by pointer. */
struct kit_args {
    va_list list;
};

void kit_format(struct kit_sink *sink, const char *format,
                struct kit_args *args);

#endif
