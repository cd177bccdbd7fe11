/* SPDX-License-Identifier: MIT */
/*
 * The native format, read. A file may come from anywhere: nothing in it is
 * believed. What a record says is up to whoever uses it; that all of them are
 * there, and as written, the end record tells.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "native.h"

struct trace_reader {
    FILE *in;
    char title[TRACE_TITLE_MAX];
    uint64_t records;
    uint32_t crc;
    bool ended;
    uint64_t end_ns;
    char error[160];
};

/* Why the header is not one of ours, or NULL. */
static const char *header_fault(const struct native_header *h)
{
    if (memcmp(h->magic, NATIVE_MAGIC, sizeof(h->magic)) != 0) {
        return "not a trace of schedop (it begins otherwise)";
    }
    if (h->version != NATIVE_VERSION) {
        return "a trace of another version of the format than 1";
    }
    if (h->header_bytes < sizeof(*h) ||
        h->record_bytes != sizeof(struct sop_trace_rec)) {
        return "damaged: the sizes in its header are impossible";
    }
    if (memchr(h->title, '\0', sizeof(h->title)) == NULL) {
        return "damaged: its title has no end";
    }
    return NULL;
}

static const char *read_header(struct trace_reader *r)
{
    struct native_header h;
    const char *fault;
    size_t got = fread(&h, 1, sizeof(h), r->in), i;
    unsigned more;

    if (ferror(r->in)) {
        return strerror(errno);
    }
    if (got < sizeof(h)) {
        return "too short to be a trace of schedop";
    }
    fault = header_fault(&h);
    if (fault != NULL) {
        return fault;
    }
    memcpy(r->title, h.title, sizeof(r->title));
    for (i = 0; r->title[i] != '\0'; i++) {
        if (r->title[i] < 0x20 || r->title[i] > 0x7e) {
            r->title[i] = '?';
        }
    }
    for (more = sizeof(h); more < h.header_bytes; more++) {
        if (fgetc(r->in) == EOF) {
            return "cut off in its header";
        }
    }
    return NULL;
}

struct trace_reader *trace_reader_open(FILE *in, const char **why)
{
    struct trace_reader *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        *why = "no memory";
        return NULL;
    }
    r->in = in;
    *why = read_header(r);
    if (*why != NULL) {
        free(r);
        return NULL;
    }
    return r;
}

const char *trace_reader_title(const struct trace_reader *r)
{
    return r->title;
}

const char *trace_reader_error(const struct trace_reader *r)
{
    return r->error;
}

static int short_read(struct trace_reader *r, size_t got)
{
    if (ferror(r->in)) {
        (void)snprintf(r->error, sizeof(r->error),
                       "after record %" PRIu64 ": %s", r->records,
                       strerror(errno));
    } else {
        (void)snprintf(r->error, sizeof(r->error),
                       "cut off %s record %" PRIu64 ": there is no end record",
                       got != 0 ? "within" : "before", r->records + 1);
    }
    return -1;
}

/* The end record: it must fit what came before, and be the last. */
static int check_end(struct trace_reader *r, const struct sop_trace_rec *rec)
{
    if (rec->arg[0] != r->records || rec->arg[1] != r->crc) {
        (void)snprintf(r->error, sizeof(r->error),
                       "damaged: %" PRIu64 " records with CRC %08" PRIx32
                       ", but its end says %" PRIu64 " with %08" PRIx64,
                       r->records, r->crc, rec->arg[0], rec->arg[1]);
        return -1;
    }
    if (fgetc(r->in) != EOF) {
        (void)snprintf(r->error, sizeof(r->error),
                       "damaged: something follows its end record");
        return -1;
    }
    r->ended = true;
    r->end_ns = rec->time_ns;
    return 0;
}

int trace_reader_next(struct trace_reader *r, struct sop_trace_rec *rec)
{
    size_t got;

    if (r->ended) {
        return 0;
    }
    if (r->error[0] != '\0') {
        return -1;
    }
    got = fread(rec, 1, sizeof(*rec), r->in);
    if (got < sizeof(*rec)) {
        return short_read(r, got);
    }
    if (rec->event == SOP_TRACE_EV_END) {
        return check_end(r, rec);
    }
    r->records++;
    r->crc = (uint32_t)crc32(r->crc, (const Bytef *)rec, sizeof(*rec));
    return 1;
}

uint64_t trace_reader_end_ns(const struct trace_reader *r)
{
    return r->end_ns;
}

void trace_reader_close(struct trace_reader *r)
{
    free(r);
}
