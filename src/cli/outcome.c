/* SPDX-License-Identifier: MIT */
/* What became of a run: see outcome.h. */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

struct outcome_row *outcome_by_id(struct outcome *o, uint16_t domid)
{
    for (size_t i = o->count; i-- > 0;) {
        if (o->row[i].domid == domid) {
            return &o->row[i];
        }
    }
    return NULL;
}

const struct outcome_row *outcome_last(const struct outcome *o,
                                       const char *name)
{
    for (size_t i = o->count; i-- > 0;) {
        if (strcmp(o->row[i].name, name) == 0) {
            return &o->row[i];
        }
    }
    return NULL;
}

struct outcome_row *outcome_create(struct outcome *o,
                                   const struct link_message *m)
{
    struct outcome_row *row;

    if (o->count == OUTCOME_ROWS) {
        return NULL;
    }
    o->row = cli_grow(o->row, o->count + 1, sizeof(*o->row));
    row = &o->row[o->count++];
    *row = (struct outcome_row){.domid = m->domid};
    memcpy(row->name, m->name, sizeof(row->name));
    return row;
}

/* After these the same domain goes on, and will end again. */
static bool is_passing(const char *action)
{
    return strcmp(action, "resume") == 0 || strcmp(action, "soft-reset") == 0;
}

void outcome_ended(struct outcome_row *row, const struct link_message *m)
{
    struct outcome_end *end;

    if (row->ends >= OUTCOME_ENDS) {
        memmove(&row->end[0], &row->end[1],
                sizeof(row->end) - sizeof(row->end[0]));
    }
    end = &row->end[row->ends < OUTCOME_ENDS ? row->ends : OUTCOME_ENDS - 1];
    row->ends++;
    end->code = m->code;
    memcpy(end->action, m->action, sizeof(end->action));
    row->over = !is_passing(m->action);
    row->restarts += strstr(m->action, "restart") != NULL ||
                     strcmp(m->action, "soft-reset") == 0;
    if (strcmp(m->action, "killed") != 0) {
        row->crashed |= m->code == CLI_CRASHED;
        row->watchdog |= m->code == CLI_WATCHDOG_FIRED;
    }
    row->stats = m->stats;
}

unsigned outcome_ends_kept(const struct outcome_row *row)
{
    return row->ends < OUTCOME_ENDS ? row->ends : OUTCOME_ENDS;
}

unsigned outcome_restarts(const struct outcome *o, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < o->count; i++) {
        if (strcmp(o->row[i].name, name) == 0) {
            n += o->row[i].restarts;
        }
    }
    return n;
}

int outcome_reason(const struct outcome_row *row)
{
    const struct outcome_end *end;

    if (!row->over) {
        return CLI_REASON_KILLED;
    }
    end = &row->end[outcome_ends_kept(row) - 1];
    return strcmp(end->action, "killed") == 0 ? CLI_REASON_KILLED : end->code;
}

/* ---- XTF ---- */

static const struct {
    const char *word;
    int status;
} xtf_results[] = {
    {"SUCCESS", CLI_OK},       {"SKIP", CLI_TEST_SKIP},
    {"ERROR", CLI_TEST_ERROR}, {"FAILURE", CLI_TEST_FAILURE},
    {"CRASH", CLI_CRASH},
};

static void xtf_line(struct outcome_xtf *x)
{
    static const char lead[] = "Test result: ";
    size_t lead_len = sizeof(lead) - 1;

    while (x->len > 0 &&
           (x->line[x->len - 1] == '\r' || x->line[x->len - 1] == ' ')) {
        x->len--;
    }
    if (x->len < lead_len || memcmp(x->line, lead, lead_len) != 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(xtf_results) / sizeof(xtf_results[0]); i++) {
        size_t n = strlen(xtf_results[i].word);

        if (x->len == lead_len + n &&
            memcmp(x->line + lead_len, xtf_results[i].word, n) == 0) {
            x->status = xtf_results[i].status;
        }
    }
}

void outcome_xtf_feed(struct outcome_xtf *x, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            xtf_line(x);
            x->len = 0;
        } else if (x->len < sizeof(x->line)) {
            x->line[x->len++] = data[i];
        }
    }
}

static int judge_xtf(const struct outcome *o)
{
    struct outcome_xtf x = o->xtf;

    if (x.len != 0) {
        xtf_line(&x); /* a last line without its newline */
    }
    if (x.status < 0) {
        cli_error("no line \"Test result: ...\": counted as CRASH");
        return CLI_CRASH;
    }
    return x.status;
}

/* ---- judgement ---- */

/* To be freed. */
static char *reason_text(int code)
{
    const char *name = cli_reason_name(code);

    return name != NULL ? cli_strdup(name) : cli_format("reason %d", code);
}

static void complain(const char *name, int got, const char *but, int other)
{
    char *got_text = reason_text(got), *other_text = reason_text(other);

    cli_error("%s: ended with %s, %s %s", name, got_text, but, other_text);
    free(got_text);
    free(other_text);
}

static int status_of(int code)
{
    return code == CLI_CRASHED          ? CLI_CRASH
           : code == CLI_WATCHDOG_FIRED ? CLI_WATCHDOG
                                        : CLI_ERROR;
}

/* Which of two statuses the program exits with. */
static int worse(int a, int b)
{
    static const int order[] = {CLI_TIME, CLI_CRASH, CLI_WATCHDOG, CLI_ERROR};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (a == order[i] || b == order[i]) {
            return order[i];
        }
    }
    return CLI_OK;
}

/*
 * Without an expectation, a crash or watchdog counts even when the domain was
 * restarted after it and later ended well.
 */
static int judge_history(const struct outcome *o, const char *name)
{
    int status = CLI_OK;

    for (size_t i = 0; i < o->count; i++) {
        const struct outcome_row *row = &o->row[i];

        if (strcmp(row->name, name) == 0) {
            status = worse(status, row->crashed ? CLI_CRASH : CLI_OK);
            status = worse(status, row->watchdog ? CLI_WATCHDOG : CLI_OK);
        }
    }
    return status;
}

static int judge_domain(const struct outcome *o, const struct run *run,
                        const char *name)
{
    const struct run_expect *expect = run_expectation(run, name);
    const struct outcome_row *row = outcome_last(o, name);
    int want = expect != NULL ? expect->code : CLI_POWEROFF;
    int history = expect == NULL ? judge_history(o, name) : CLI_OK;
    int got;

    if (row == NULL) {
        if (!o->error && !o->timed_out) {
            cli_error("%s: was never started", name);
        }
        return o->timed_out ? CLI_TIME : CLI_ERROR;
    }
    got = outcome_reason(row);
    if (got == CLI_REASON_KILLED && want != got && o->timed_out) {
        cli_error("%s: still running at the time limit", name);
        return CLI_TIME;
    }
    if (got != want) {
        complain(name, got, "expected", want);
        return worse(history, status_of(got));
    }
    if (history != CLI_OK) {
        complain(name, got, "but only after a",
                 history == CLI_CRASH ? CLI_CRASHED : CLI_WATCHDOG_FIRED);
    }
    return history;
}

int outcome_judge(const struct outcome *o, const struct run *run)
{
    int status = CLI_OK;

    if (run->xtf && !o->error && !o->timed_out && !o->escaped) {
        return judge_xtf(o);
    }
    for (size_t i = 0; i < run->nr_domains && !o->escaped; i++) {
        status = worse(status, judge_domain(o, run, run->domain[i].name));
    }
    if (o->escaped) {
        cli_error("ended by Ctrl-]");
    }
    if (o->error || o->escaped) {
        return CLI_ERROR;
    }
    if (o->limited) {
        status = worse(status, CLI_ERROR);
    }
    return o->timed_out ? CLI_TIME : status;
}

void outcome_free(struct outcome *o)
{
    free(o->row);
    *o = (struct outcome){0};
}
