/* SPDX-License-Identifier: MIT */
/*
 * The recorder: see record.h.
 *
 * Each pCPU's records are in the order of time; all of them are merged, by
 * time and then by pCPU. What is written must not depend on when it was read,
 * so the latest second stays in memory until the clock inside has moved on: a
 * pCPU in the middle of an entry may still have something to say of before.
 */
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"

#define PCPUS_MAX 64
#define RECORDS_MAX (1u << 26) /* of a ring */
#define KEPT_NS 1000000000u

/* Records of one pCPU that wait to be written, from `first` on. */
struct queue {
    uint64_t pa, records; /* its ring; 0 none */
    uint64_t taken;       /* records of the ring that were dealt with */
    uint64_t lost;
    struct sop_trace_rec *rec;
    size_t first, count, room;
};

struct recorder {
    FILE *file;
    char *path;
    struct trace_writer *writer;
    struct queue queue[PCPUS_MAX];
    uint64_t newest_ns;
    bool broken; /* a ring says what cannot be: said once */
};

/* ---- the file ---- */

static int pick_format(const char *path, const char *format)
{
    int f = format != NULL ? trace_format_by_name(format)
                           : trace_format_by_path(path);

    if (f < 0 && format != NULL) {
        cli_error("--trace-format %s: must be native, text, perfetto, "
                  "xentrace or svg",
                  format);
    } else if (f < 0) {
        f = TRACE_NATIVE;
    }
    return f;
}

struct recorder *recorder_open(const char *path, const char *format,
                               const char *title)
{
    int f = pick_format(path, format);
    struct recorder *r;
    FILE *file;

    if (f < 0) {
        return NULL;
    }
    file = fopen(path, "wbe");
    if (file == NULL) {
        cli_error("--trace %s: %s", path, strerror(errno));
        return NULL;
    }
    r = cli_alloc(sizeof(*r));
    r->file = file;
    r->path = cli_strdup(path);
    r->writer = trace_writer_open((enum trace_format)f, file, title);
    if (r->writer == NULL) {
        cli_error("--trace %s: no memory", path);
        (void)fclose(file);
        free(r->path);
        free(r);
        return NULL;
    }
    return r;
}

/* ---- rings ---- */

bool recorder_ring(struct recorder *r, const struct ram *ram, uint64_t pcpu,
                   uint64_t pa, uint64_t records)
{
    struct queue *q;

    if (pcpu >= PCPUS_MAX || records == 0 || records > RECORDS_MAX ||
        (records & (records - 1)) != 0 || pa % 8 != 0 ||
        r->queue[pcpu].records != 0 ||
        ram_at(ram, pa,
               sizeof(struct sop_trace_ring) +
                   records * sizeof(struct sop_trace_rec)) == NULL) {
        return false;
    }
    q = &r->queue[pcpu];
    q->pa = pa;
    q->records = records;
    return true;
}

static uint64_t written(const struct sop_trace_ring *ring)
{
    return __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
}

static void add(struct queue *q, const struct sop_trace_rec *rec, size_t count)
{
    if (q->first + q->count + count > q->room) {
        memmove(q->rec, q->rec + q->first, q->count * sizeof(*q->rec));
        q->first = 0;
    }
    if (q->count + count > q->room) {
        q->room = (q->count + count) * 2;
        q->rec = cli_grow(q->rec, q->room, sizeof(*q->rec));
    }
    memcpy(q->rec + q->first + q->count, rec, count * sizeof(*rec));
    q->count += count;
}

/* Says in the file that `lost` records of `pcpu` are missing before `at`. */
static void add_lost(struct queue *q, unsigned pcpu, uint64_t lost,
                     uint64_t at_ns)
{
    struct sop_trace_rec rec = {
        .time_ns = at_ns,
        .event = SOP_TRACE_EV_LOST,
        .pcpu = (uint16_t)pcpu,
        .domid = SOP_TRACE_NONE,
        .vcpu = SOP_TRACE_NONE,
        .arg = {lost, 0},
    };

    q->lost += lost;
    add(q, &rec, 1);
}

/*
 * Copies records `from` to `to` and then looks at the count again: returns
 * the first of them that cannot have been overwritten meanwhile, or `to`.
 */
static uint64_t copy_ring(const struct sop_trace_ring *ring, uint64_t size,
                          uint64_t from, uint64_t to,
                          struct sop_trace_rec *copy)
{
    const struct sop_trace_rec *rec =
        (const struct sop_trace_rec *)(const void *)(ring + 1);
    uint64_t i, count;

    for (i = from; i < to; i++) {
        copy[i - from] = rec[i & (size - 1)];
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    count = written(ring);
    if (count >= size && count - size + 1 > from) {
        return count - size + 1 < to ? count - size + 1 : to;
    }
    return from;
}

/* Everything the machine wrote is checked here: its time alone is believed,
   and that only as far as it does not step back. */
static void take_ring(struct recorder *r, const struct ram *ram, unsigned pcpu)
{
    struct queue *q = &r->queue[pcpu];
    const struct sop_trace_ring *ring =
        (const void *)ram_at(ram, q->pa, sizeof(*ring));
    uint64_t to = written(ring), from = q->taken, good;
    struct sop_trace_rec *copy;
    uint64_t last_ns;

    if (to <= from) {
        r->broken = r->broken || to < from; /* counts only grow */
        return;
    }
    from = to - from > q->records ? to - q->records : from;
    copy = cli_grow(NULL, to - from, sizeof(*copy));
    good = copy_ring(ring, q->records, from, to, copy);
    last_ns = good < to ? copy[to - from - 1].time_ns : r->newest_ns;
    if (good > q->taken) {
        add_lost(q, pcpu, good - q->taken,
                 good < to ? copy[good - from].time_ns : last_ns);
    }
    add(q, copy + (good - from), to - good);
    r->newest_ns = last_ns > r->newest_ns ? last_ns : r->newest_ns;
    q->taken = to;
    free(copy);
}

/* ---- merging ---- */

/* Writes what is older than `until_ns`, in order. */
static void merge(struct recorder *r, uint64_t until_ns)
{
    for (;;) {
        struct queue *next = NULL;

        for (unsigned i = 0; i < PCPUS_MAX; i++) {
            struct queue *q = &r->queue[i];

            if (q->count != 0 && q->rec[q->first].time_ns < until_ns &&
                (next == NULL ||
                 q->rec[q->first].time_ns < next->rec[next->first].time_ns)) {
                next = q;
            }
        }
        if (next == NULL) {
            return;
        }
        trace_writer_record(r->writer, &next->rec[next->first]);
        next->first++;
        next->count--;
    }
}

void recorder_drain(struct recorder *r, const struct ram *ram)
{
    for (unsigned i = 0; i < PCPUS_MAX; i++) {
        if (r->queue[i].records != 0) {
            take_ring(r, ram, i);
        }
    }
    if (r->newest_ns > KEPT_NS) {
        merge(r, r->newest_ns - KEPT_NS);
    }
}

static void say_losses(const struct recorder *r)
{
    uint64_t lost = 0;

    for (unsigned i = 0; i < PCPUS_MAX; i++) {
        lost += r->queue[i].lost;
    }
    if (lost != 0) {
        cli_warning("%s: %" PRIu64 " records were overwritten before they "
                    "could be read; do --trace-buffer MIB with more, or trace "
                    "fewer classes with --trace-events",
                    r->path, lost);
    }
    if (r->broken) {
        cli_warning("%s: the hypervisor's count of records went back: some "
                    "are missing",
                    r->path);
    }
}

int recorder_close(struct recorder *r, const struct ram *ram)
{
    int error;

    recorder_drain(r, ram);
    merge(r, UINT64_MAX);
    say_losses(r);
    error = trace_writer_close(r->writer, r->newest_ns);
    if (fclose(r->file) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        cli_error("--trace %s: %s", r->path, strerror(error));
    }
    for (unsigned i = 0; i < PCPUS_MAX; i++) {
        free(r->queue[i].rec);
    }
    free(r->path);
    free(r);
    return error != 0 ? -1 : 0;
}
