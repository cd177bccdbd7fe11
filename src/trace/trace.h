/* SPDX-License-Identifier: MIT */
/*
 * Files of trace records (docs/trace.md): written in any of five formats, and
 * read in our own, the native one, from which all others are made.
 *
 * A writer takes records in the order of time, as port_trace() gets them
 * (<schedop/trace.h>). Errors stick: what comes after the first is ignored,
 * and trace_writer_close() tells. Nothing here locks or looks at a clock; two
 * writers given the same records write the same bytes.
 */
#ifndef SCHEDOP_TRACE_TRACE_H
#define SCHEDOP_TRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <schedop/trace.h>

enum trace_format {
    TRACE_NATIVE,   /* .sop: all there is; what trace_reader_open() reads */
    TRACE_TEXT,     /* .txt: one line a record */
    TRACE_PERFETTO, /* .json: for ui.perfetto.dev */
    TRACE_XENTRACE, /* .xentrace: Xen's records, for xenalyze */
    TRACE_SVG,      /* .svg: a picture */
    TRACE_FORMATS,
};

#define TRACE_NAME_MAX 80  /* of a domain, 63 used, with its end */
#define TRACE_TITLE_MAX 96 /* with its end */

/* By its name (native, text, perfetto, xentrace, svg) or, for a path, by its
   suffix; -1 when there is none such. */
int trace_format_by_name(const char *name);
int trace_format_by_path(const char *path);
const char *trace_format_name(enum trace_format format);

/* The class of events called so (sched, wakeup...), 0 if none is. */
uint32_t trace_class_by_name(const char *name);

/* ---- writing ---- */

struct trace_writer;

/*
 * A writer to `out`, which stays the caller's and may be a pipe. `title` says
 * in one line what ran, NULL for nothing. NULL when there is no memory.
 */
struct trace_writer *trace_writer_open(enum trace_format format, FILE *out,
                                       const char *title);

/* The name of domain `domid` from now on: longer ones are cut. */
void trace_writer_name(struct trace_writer *w, uint16_t domid,
                       const char *name);

void trace_writer_record(struct trace_writer *w,
                         const struct sop_trace_rec *rec);

/*
 * Finishes the file at time `end_ns` (0: the last record's) and frees `w`.
 * Returns 0 or the host's errno of the first error.
 */
int trace_writer_close(struct trace_writer *w, uint64_t end_ns);

/* ---- reading ---- */

struct trace_reader;

/*
 * Reads the header of a native file. NULL when it is none, or there is no
 * memory; `*why` then says so in words for people.
 */
struct trace_reader *trace_reader_open(FILE *in, const char **why);

const char *trace_reader_title(const struct trace_reader *r);

/* The next record: 1; 0 at the end of a whole file; -1 when it is damaged or
   cut off, for which trace_reader_error() has words. */
int trace_reader_next(struct trace_reader *r, struct sop_trace_rec *rec);
const char *trace_reader_error(const struct trace_reader *r);

/* When the trace ends, once all was read; not before its last record. */
uint64_t trace_reader_end_ns(const struct trace_reader *r);
void trace_reader_close(struct trace_reader *r);

/* ---- choosing records ---- */

#define TRACE_FILTER_VCPUS 64

struct trace_filter {
    uint64_t from_ns, to_ns; /* inclusive, exclusive */
    uint8_t events[128];     /* 0: all, else which are wanted */
    bool some_events;
    unsigned nr_subjects; /* 0: all */
    struct {
        uint16_t domid;
        uint16_t vcpu; /* SOP_TRACE_NONE: the whole domain */
    } subject[TRACE_FILTER_VCPUS];
    uint64_t pcpus[1024]; /* bits; all 0: all */
    bool some_pcpus;
};

/* A filter that lets everything through. */
void trace_filter_init(struct trace_filter *f);

/* Adds what `words` names: an event or class; a domain D or vCPU D.V; a
   pCPU. False when there is no such thing. */
bool trace_filter_event(struct trace_filter *f, const char *words);
bool trace_filter_vcpu(struct trace_filter *f, uint16_t domid, uint16_t vcpu);
void trace_filter_pcpu(struct trace_filter *f, uint16_t pcpu);

/* Records about the trace itself always pass. */
bool trace_filter_pass(const struct trace_filter *f,
                       const struct sop_trace_rec *rec);

#endif
