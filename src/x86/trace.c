/* SPDX-License-Identifier: MIT */
/* See trace.h. */
#include "trace.h"

#include "boot/boot.h"
#include "lib/string.h"
#include "link.h"
#include "x86.h"

#define PIECE 16u /* bytes of a name in one record */
#define RECORD sizeof(struct sop_trace_rec)

/* By pCPU; NULL where there is none. Set before anybody traces. */
static struct sop_trace_ring *rings[X86_PCPUS_MAX];
static uint64_t nr_records; /* of each; a power of two */

/*
 * The record is whole before it counts. The ring is never full: who reads it
 * too slowly loses the oldest.
 */
void trace_record(const struct sop_trace_rec *rec)
{
    struct sop_trace_ring *ring = rings[x86_self()->index];
    struct sop_trace_rec *record;
    uint64_t n;

    if (!ring) {
        return;
    }
    record = (struct sop_trace_rec *)(ring + 1);
    n = ring->written;
    record[n & (nr_records - 1)] = *rec;
    __atomic_store_n(&ring->written, n + 1, __ATOMIC_RELEASE);
}

/* Also the last, empty piece of a name that fills its pieces: it ends it. */
void trace_name(uint16_t domid, const char *name)
{
    size_t len = strlen(name);

    for (size_t at = 0; at <= len; at += PIECE) {
        struct sop_trace_rec rec = {
            .time_ns = time_now(),
            .event = SOP_TRACE_EV_NAME,
            .pcpu = SOP_TRACE_NONE,
            .domid = domid,
            .vcpu = (uint16_t)(at / PIECE),
        };

        memcpy(rec.arg, name + at, len - at < PIECE ? len - at : PIECE);
        trace_record(&rec);
    }
}

void trace_init(void)
{
    if (boot_options.trace == 0 || !link_present()) {
        return;
    }
    nr_records = 1;
    while (nr_records * 2 * RECORD <= (uint64_t)boot_options.trace_kib << 10) {
        nr_records *= 2;
    }
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        rings[i] = hv_alloc(sizeof(*rings[i]) + nr_records * RECORD);
        if (!rings[i]) {
            x86_panic("no memory for a trace ring of %u KiB",
                      boot_options.trace_kib);
        }
        link_trace(i, hv_pa(rings[i]), nr_records);
    }
}

void trace_begin(struct sop_pcpu *self)
{
    if (rings[0]) {
        sop_trace_set(self, boot_options.trace);
    }
}
