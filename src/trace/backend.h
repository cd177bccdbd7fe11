/* SPDX-License-Identifier: MIT */
/* What a format is: one const struct trace_backend a file of this room. */
#ifndef SCHEDOP_TRACE_BACKEND_H
#define SCHEDOP_TRACE_BACKEND_H

#include <stddef.h>

#include "trace.h"

struct trace_writer {
    const struct trace_backend *backend;
    FILE *out;
    int error; /* host's errno of the first failure, 0 none */
    char title[TRACE_TITLE_MAX];
    uint64_t last_ns;
    /* Names of domains so far, by id; NULL none. */
    char *name[0x10000];
    void *state; /* backend->size zeroed bytes */
};

/* All may set w->error and then are not called again, but for fini. */
struct trace_backend {
    const char *name, *suffix;
    size_t size; /* of its state */
    void (*open)(struct trace_writer *w);
    /* After a name record has been noted in w->name. */
    void (*record)(struct trace_writer *w, const struct sop_trace_rec *rec);
    void (*close)(struct trace_writer *w, uint64_t end_ns);
    void (*fini)(struct trace_writer *w); /* or NULL: frees what it made */
};

extern const struct trace_backend trace_native, trace_text, trace_perfetto,
    trace_xentrace, trace_svg;

/* Notes a failure, the first only. */
void trace_fail(struct trace_writer *w, int error);

void trace_put(struct trace_writer *w, const void *data, size_t len);
void trace_printf(struct trace_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Room for `count + 1` elements of `size` bytes in the growing `array`; NULL,
 * and the writer fails, when there is no memory.
 */
void *trace_room(struct trace_writer *w, void *array, size_t *capacity,
                 size_t count, size_t size);

/* "web", or "d1" for a domain without a name. */
#define TRACE_LABEL_MAX (TRACE_NAME_MAX + 16)
void trace_domain_label(const struct trace_writer *w, uint16_t domid,
                        char label[TRACE_LABEL_MAX]);

#endif
