/* SPDX-License-Identifier: MIT */
/* Writers: what all formats have in common. */
#include "backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 16u /* bytes of a name in one record */

static const struct trace_backend *const backends[TRACE_FORMATS] = {
    [TRACE_NATIVE] = &trace_native,     [TRACE_TEXT] = &trace_text,
    [TRACE_PERFETTO] = &trace_perfetto, [TRACE_XENTRACE] = &trace_xentrace,
    [TRACE_SVG] = &trace_svg,
};

/* ---- formats ---- */

int trace_format_by_name(const char *name)
{
    int i;

    for (i = 0; i < TRACE_FORMATS; i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int trace_format_by_path(const char *path)
{
    const char *suffix = strrchr(path, '.');
    int i;

    for (i = 0; suffix != NULL && i < TRACE_FORMATS; i++) {
        if (strcmp(backends[i]->suffix, suffix) == 0) {
            return i;
        }
    }
    return -1;
}

const char *trace_format_name(enum trace_format format)
{
    return backends[format]->name;
}

/* ---- for backends ---- */

void trace_fail(struct trace_writer *w, int error)
{
    if (w->error == 0) {
        w->error = error != 0 ? error : EIO;
    }
}

void trace_put(struct trace_writer *w, const void *data, size_t len)
{
    if (w->error == 0 && fwrite(data, 1, len, w->out) != len) {
        trace_fail(w, errno);
    }
}

void trace_printf(struct trace_writer *w, const char *format, ...)
{
    va_list args;

    if (w->error != 0) {
        return;
    }
    va_start(args, format);
    if (vfprintf(w->out, format, args) < 0) {
        trace_fail(w, errno);
    }
    va_end(args);
}

void *trace_room(struct trace_writer *w, void *array, size_t *capacity,
                 size_t count, size_t size)
{
    size_t want = *capacity == 0 ? 64 : *capacity * 2;
    void *bigger;

    if (count < *capacity) {
        return array;
    }
    bigger = reallocarray(array, want, size);
    if (bigger == NULL) {
        trace_fail(w, ENOMEM);
        return NULL;
    }
    *capacity = want;
    return bigger;
}

void trace_domain_label(const struct trace_writer *w, uint16_t domid,
                        char label[TRACE_LABEL_MAX])
{
    if (w->name[domid] != NULL) {
        (void)snprintf(label, TRACE_LABEL_MAX, "%s", w->name[domid]);
    } else {
        (void)snprintf(label, TRACE_LABEL_MAX, "d%u", domid);
    }
}

/* ---- writers ---- */

struct trace_writer *trace_writer_open(enum trace_format format, FILE *out,
                                       const char *title)
{
    struct trace_writer *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return NULL;
    }
    w->backend = backends[format];
    w->out = out;
    w->state = calloc(1, w->backend->size + 1);
    if (w->state == NULL) {
        free(w);
        return NULL;
    }
    (void)snprintf(w->title, sizeof(w->title), "%s",
                   title != NULL ? title : "");
    w->backend->open(w);
    return w;
}

/* A piece of a name, at 16 * vcpu: whatever a file says, it stays in bounds. */
static void note_name(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    size_t at = (size_t)rec->vcpu * PIECE;
    char **name = &w->name[rec->domid];
    unsigned i;

    if (at + PIECE >= TRACE_NAME_MAX) {
        return;
    }
    if (*name == NULL) {
        *name = calloc(1, TRACE_NAME_MAX);
        if (*name == NULL) {
            trace_fail(w, ENOMEM);
            return;
        }
    }
    memset(*name + at, 0, TRACE_NAME_MAX - at);
    for (i = 0; i < PIECE; i++) {
        char c = (char)(rec->arg[i / 8] >> (i % 8 * 8));

        /* No byte that any of the formats would mind. */
        (*name)[at + i] = (char)(c == 0 || (c >= 0x20 && c < 0x7f) ? c : '?');
    }
}

void trace_writer_record(struct trace_writer *w,
                         const struct sop_trace_rec *rec)
{
    if (w->error != 0 || rec->event == SOP_TRACE_EV_END) {
        return;
    }
    if (rec->event == SOP_TRACE_EV_NAME) {
        note_name(w, rec);
    }
    if (rec->time_ns > w->last_ns) {
        w->last_ns = rec->time_ns;
    }
    w->backend->record(w, rec);
}

void trace_writer_name(struct trace_writer *w, uint16_t domid, const char *name)
{
    size_t len = strnlen(name, TRACE_NAME_MAX - PIECE - 1), at, i;

    for (at = 0; at <= len; at += PIECE) {
        struct sop_trace_rec rec = {
            .time_ns = w->last_ns,
            .event = SOP_TRACE_EV_NAME,
            .pcpu = SOP_TRACE_NONE,
            .domid = domid,
            .vcpu = (uint16_t)(at / PIECE),
        };

        for (i = at; i < len && i < at + PIECE; i++) {
            rec.arg[(i - at) / 8] |= (uint64_t)(uint8_t)name[i]
                                     << ((i - at) % 8 * 8);
        }
        trace_writer_record(w, &rec);
    }
}

int trace_writer_close(struct trace_writer *w, uint64_t end_ns)
{
    int error;
    size_t i;

    if (w->error == 0) {
        w->backend->close(w, end_ns > w->last_ns ? end_ns : w->last_ns);
    }
    if (w->error == 0 && fflush(w->out) != 0) {
        trace_fail(w, errno);
    }
    error = w->error;
    if (w->backend->fini != NULL) {
        w->backend->fini(w);
    }
    for (i = 0; i < sizeof(w->name) / sizeof(w->name[0]); i++) {
        free(w->name[i]);
    }
    free(w->state);
    free(w);
    return error;
}
