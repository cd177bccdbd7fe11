/* SPDX-License-Identifier: MIT */
/* One line a record, for eyes, grep and diff. */
#include "backend.h"
#include "event.h"

static void text_open(struct trace_writer *w)
{
    if (w->title[0] != '\0') {
        trace_printf(w, "# %s\n", w->title);
    }
}

/* A name once it is whole: its last piece is the one that is not full. */
static void put_name(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    char label[TRACE_LABEL_MAX];

    if (rec->arg[1] >> 56 == 0) {
        trace_domain_label(w, rec->domid, label);
        trace_printf(w, "# d%u is %s\n", rec->domid, label);
    }
}

static void text_record(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    char line[EVENT_LINE_MAX];

    if (rec->event == SOP_TRACE_EV_NAME) {
        put_name(w, rec);
        return;
    }
    event_line(line, rec);
    trace_printf(w, "%s\n", line);
}

static void text_close(struct trace_writer *w, uint64_t end_ns)
{
    (void)w;
    (void)end_ns;
}

const struct trace_backend trace_text = {
    .name = "text",
    .suffix = ".txt",
    .open = text_open,
    .record = text_record,
    .close = text_close,
};
