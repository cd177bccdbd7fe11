/* SPDX-License-Identifier: MIT */
/* See cut.h. */
#include "cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 16u

/* The latest runstate of a vCPU before the part begins. */
struct state {
    struct sop_trace_rec rec;
    bool used;
};

struct cut {
    const char *path;
    FILE *file;
    struct trace_reader *reader;
    char *name[SOP_TRACE_NONE]; /* by domain; NULL none */
    struct state *state;        /* hash table of these, */
    size_t nr_states, room;     /* never more than half full */
    bool begun;                 /* what was the case has been told */
};

/* ---- opening ---- */

/* Standard input is copied: it is read twice. */
static FILE *copy_of_stdin(void)
{
    FILE *copy = tmpfile();
    char data[65536];
    size_t n;

    while (copy != NULL && (n = fread(data, 1, sizeof(data), stdin)) > 0) {
        if (fwrite(data, 1, n, copy) != n) {
            (void)fclose(copy);
            return NULL;
        }
    }
    return copy;
}

static bool rewind_reader(struct cut *c)
{
    const char *why = NULL;

    if (c->reader != NULL) {
        trace_reader_close(c->reader);
        c->reader = NULL;
    }
    if (fseek(c->file, 0, SEEK_SET) != 0) {
        why = strerror(errno);
    } else {
        c->reader = trace_reader_open(c->file, &why);
    }
    if (c->reader == NULL) {
        cli_error("%s: %s", c->path, why);
    }
    return c->reader != NULL;
}

static void note_name(struct cut *c, const struct sop_trace_rec *rec)
{
    size_t at = (size_t)rec->vcpu * PIECE;

    if (rec->domid >= SOP_TRACE_NONE || at + PIECE >= TRACE_NAME_MAX) {
        return;
    }
    if (c->name[rec->domid] == NULL) {
        c->name[rec->domid] = cli_alloc(TRACE_NAME_MAX);
    }
    memcpy(c->name[rec->domid] + at, rec->arg, PIECE);
    c->name[rec->domid][at + PIECE] = '\0';
}

struct cut *cut_open(const char *path)
{
    bool input = strcmp(path, "-") == 0;
    struct cut *c = cli_alloc(sizeof(*c));
    struct sop_trace_rec rec;
    int rc = -1;

    c->path = input ? "standard input" : path;
    c->file = input ? copy_of_stdin() : fopen(path, "rbe");
    if (c->file == NULL) {
        cli_error("%s: %s", c->path, strerror(errno));
    } else if (rewind_reader(c)) {
        while ((rc = trace_reader_next(c->reader, &rec)) == 1) {
            if (rec.event == SOP_TRACE_EV_NAME) {
                note_name(c, &rec);
            }
        }
        if (rc != 0) {
            cli_error("%s: %s", c->path, trace_reader_error(c->reader));
        }
    }
    if (rc != 0 || !rewind_reader(c)) {
        cut_close(c);
        return NULL;
    }
    return c;
}

void cut_close(struct cut *c)
{
    if (c->reader != NULL) {
        trace_reader_close(c->reader);
    }
    if (c->file != NULL) {
        (void)fclose(c->file);
    }
    for (size_t i = 0; i < SOP_TRACE_NONE; i++) {
        free(c->name[i]);
    }
    free(c->state);
    free(c);
}

const char *cut_title(const struct cut *c)
{
    return trace_reader_title(c->reader);
}

bool cut_name_is(const struct cut *c, uint16_t domid, const char *name)
{
    return c->name[domid] != NULL && strcmp(c->name[domid], name) == 0;
}

/* ---- what is the case when the part begins ---- */

static struct state *state_of(struct cut *c, const struct sop_trace_rec *rec)
{
    size_t at =
        (SOP_TRACE_VCPU(rec->domid, (uint32_t)rec->vcpu) * 2654435761u) %
        c->room;

    while (c->state[at].used && (c->state[at].rec.domid != rec->domid ||
                                 c->state[at].rec.vcpu != rec->vcpu)) {
        at = (at + 1) % c->room;
    }
    return &c->state[at];
}

static void grow(struct cut *c)
{
    struct state *old = c->state;
    size_t was = c->room;

    c->room = was == 0 ? 256 : was * 4;
    c->state = cli_alloc(c->room * sizeof(*c->state));
    for (size_t i = 0; i < was; i++) {
        if (old[i].used) {
            *state_of(c, &old[i].rec) = old[i];
        }
    }
    free(old);
}

static void note_state(struct cut *c, const struct sop_trace_rec *rec)
{
    struct state *s;

    if (rec->event != SOP_TRACE_EV_RUNSTATE) {
        return;
    }
    if (c->nr_states * 2 >= c->room) {
        grow(c);
    }
    s = state_of(c, rec);
    c->nr_states += !s->used;
    s->used = true;
    s->rec = *rec;
}

static int by_subject(const void *a, const void *b)
{
    const struct state *x = a, *y = b;
    uint32_t kx = SOP_TRACE_VCPU(x->rec.domid, (uint32_t)x->rec.vcpu);
    uint32_t ky = SOP_TRACE_VCPU(y->rec.domid, (uint32_t)y->rec.vcpu);

    if (x->used != y->used) {
        return x->used ? -1 : 1;
    }
    return kx < ky ? -1 : kx > ky;
}

/* Ends the table: afterwards it is a list. */
static void begin(struct cut *c, const struct trace_filter *filter,
                  struct trace_writer *w)
{
    c->begun = true;
    if (c->nr_states == 0) {
        return;
    }
    qsort(c->state, c->room, sizeof(*c->state), by_subject);
    for (size_t i = 0; i < c->nr_states; i++) {
        struct sop_trace_rec rec = c->state[i].rec;

        rec.time_ns = filter->from_ns;
        rec.arg[0] = rec.arg[1];
        if (trace_filter_pass(filter, &rec)) {
            trace_writer_record(w, &rec);
        }
    }
}

/* ---- copying ---- */

int cut_copy(struct cut *c, const struct trace_filter *filter,
             struct trace_writer *w)
{
    struct sop_trace_rec rec;
    uint64_t end_ns;
    int error;

    while (trace_reader_next(c->reader, &rec) == 1) {
        if (!c->begun && rec.time_ns < filter->from_ns) {
            note_state(c, &rec);
        } else if (!c->begun) {
            begin(c, filter, w);
        }
        if (trace_filter_pass(filter, &rec)) {
            trace_writer_record(w, &rec);
        }
    }
    if (!c->begun) {
        begin(c, filter, w);
    }
    end_ns = trace_reader_end_ns(c->reader);
    error =
        trace_writer_close(w, end_ns < filter->to_ns ? end_ns : filter->to_ns);
    if (trace_reader_error(c->reader)[0] != '\0' && error == 0) {
        error = EIO; /* it changed since it was read to its end */
    }
    return error;
}
