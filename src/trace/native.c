/* SPDX-License-Identifier: MIT */
/* Our own format, written: see native.h. */
#include "native.h"

#include <string.h>
#include <zlib.h>

#include "backend.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are");
_Static_assert(sizeof(struct sop_trace_rec) == 32, "the format of files");

struct native {
    uint64_t records;
    uint32_t crc;
};

static void native_open(struct trace_writer *w)
{
    struct native_header h = {
        .version = NATIVE_VERSION,
        .header_bytes = sizeof(h),
        .record_bytes = sizeof(struct sop_trace_rec),
    };

    memcpy(h.magic, NATIVE_MAGIC, sizeof(h.magic));
    memcpy(h.title, w->title, sizeof(h.title));
    trace_put(w, &h, sizeof(h));
}

static void native_record(struct trace_writer *w,
                          const struct sop_trace_rec *rec)
{
    struct native *n = w->state;

    n->records++;
    n->crc = (uint32_t)crc32(n->crc, (const Bytef *)rec, sizeof(*rec));
    trace_put(w, rec, sizeof(*rec));
}

static void native_close(struct trace_writer *w, uint64_t end_ns)
{
    struct native *n = w->state;
    struct sop_trace_rec rec = {
        .time_ns = end_ns,
        .event = SOP_TRACE_EV_END,
        .pcpu = SOP_TRACE_NONE,
        .domid = SOP_TRACE_NONE,
        .vcpu = SOP_TRACE_NONE,
        .arg = {n->records, n->crc},
    };

    trace_put(w, &rec, sizeof(rec));
}

const struct trace_backend trace_native = {
    .name = "native",
    .suffix = ".sop",
    .size = sizeof(struct native),
    .open = native_open,
    .record = native_record,
    .close = native_close,
};
