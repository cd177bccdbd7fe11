/* SPDX-License-Identifier: MIT */
/* What the lines of the hypervisor do to a run: see session_private.h. */
#include "session_private.h"

#include <inttypes.h>
#include <string.h>

static void on_hello(struct session *s, const struct link_message *m)
{
    if (m->number != SCHEDOP_LINK_VERSION) {
        cli_error("the hypervisor speaks link version %" PRIu64
                  ", this program version %d: build or install both anew",
                  m->number, SCHEDOP_LINK_VERSION);
        session_give_up(s);
        return;
    }
    s->hello = true;
    if (s->phase == BOOTING) {
        session_enter(s, RUNNING, 0);
        s->phase_end_ms = UINT64_MAX;
    }
}

static void on_boot(struct session *s, const struct link_message *m)
{
    s->outcome->boot = m->boot;
    s->outcome->booted = true;
    if (!s->run->seeded) {
        qemu_ring(s->q, m->boot.ring);
    }
    if (s->run->verbose > 0) {
        cli_note("hypervisor: up after %.3f s: %" PRIu64 " pCPUs, %" PRIu64
                 " MiB of memory, %" PRIu64 " KiB of it for itself",
                 (double)m->boot.boot_ns / 1e9, m->boot.pcpus,
                 m->boot.memory_kib / 1024, m->boot.hypervisor_kib);
    }
}

static void on_log(struct session *s, const struct link_message *m)
{
    if (strcmp(m->level, "error") == 0) {
        cli_error("hypervisor: %s", m->text);
    } else if (strcmp(m->level, "warning") == 0) {
        cli_warning("hypervisor: %s", m->text);
    } else if (s->run->verbose > 0) {
        cli_note("hypervisor: %s", m->text);
    }
}

static void on_create(struct session *s, const struct link_message *m)
{
    unsigned restarts = outcome_restarts(s->outcome, m->name);

    if (outcome_create(s->outcome, m) == NULL) {
        cli_error("the hypervisor reports more than %u domains", OUTCOME_ROWS);
        session_give_up(s);
        return;
    }
    if (restarts > s->run->restarts_max) {
        cli_text_printf(&s->to_link, "destroy %u\n", m->domid);
    }
}

static void on_start(struct session *s, const struct link_message *m)
{
    struct outcome_row *row = outcome_by_id(s->outcome, m->domid);

    if (row == NULL) {
        return;
    }
    row->started = true;
    row->start_ns = m->number;
    if (s->run->verbose > 0) {
        cli_note("%s: first instruction after %.3f s", row->name,
                 (double)m->number / 1e9);
    }
    if (s->input_name != NULL && strcmp(row->name, s->input_name) == 0) {
        s->input_ready = true;
        s->input_domid = m->domid;
        s->input_room = SCHEDOP_LINK_INPUT;
    }
}

static void on_took(struct session *s, const struct link_message *m)
{
    if (s->input_ready && s->input_domid == m->domid) {
        link_took(m, &s->input_room);
    }
}

static void on_con(struct session *s, const struct link_message *m)
{
    const struct outcome_row *row = outcome_by_id(s->outcome, m->domid);

    if (row != NULL) {
        outcome_xtf_feed(&s->outcome->xtf, m->text, m->text_len);
        console_write(&s->console, row->name, m->text, m->text_len, s->now_ms);
    }
}

static void limit_restarts(struct session *s, const struct outcome_row *row)
{
    const char *action = row->end[outcome_ends_kept(row) - 1].action;

    if (outcome_restarts(s->outcome, row->name) != s->run->restarts_max + 1 ||
        (strstr(action, "restart") == NULL &&
         strcmp(action, "soft-reset") != 0)) {
        return;
    }
    cli_error("%s: restarted more than %u times: destroyed; do "
              "--max-restarts N to allow more, or --expect %s=REASON to end "
              "with the first",
              row->name, s->run->restarts_max, row->name);
    s->outcome->limited = true;
    if (strcmp(action, "soft-reset") == 0) {
        cli_text_printf(&s->to_link, "destroy %u\n", row->domid);
    }
}

static void on_end(struct session *s, const struct link_message *m)
{
    struct outcome_row *row = outcome_by_id(s->outcome, m->domid);

    if (row == NULL || row->over) {
        return;
    }
    outcome_ended(row, m);
    console_end_line(&s->console, row->name);
    if (row->over && s->input_ready && s->input_domid == m->domid) {
        s->input_ready = false;
    }
    limit_restarts(s, row);
}

static void on_crash(struct session *s, const struct link_message *m)
{
    const struct outcome_row *row = outcome_by_id(s->outcome, m->domid);
    const struct run_expect *e =
        row != NULL ? run_expectation(s->run, row->name) : NULL;

    if (row != NULL && (e == NULL || e->code != CLI_CRASHED)) {
        cli_error("%s: crashed: %s", row->name, m->text);
    } else if (row != NULL && s->run->verbose > 0) {
        cli_note("%s: crashed as expected: %s", row->name, m->text);
    }
}

static void on_trace(struct session *s, const struct link_message *m)
{
    if (s->recorder == NULL) {
        return; /* nobody asked */
    }
    if (!recorder_ring(s->recorder, &s->q->ram, m->ring.pcpu, m->ring.pa,
                       m->ring.records)) {
        cli_error("the hypervisor announces a trace ring that cannot be");
        session_give_up(s);
    }
}

/* The domain waits for the answer. */
static void on_dump(struct session *s, const struct link_message *m)
{
    if (!dump_start(&s->dumps, &s->q->ram, m)) {
        cli_text_printf(&s->to_link, "dumped %u\n", m->domid);
    }
}

static void on_message(struct session *s, const struct link_message *m)
{
    switch (m->verb) {
    case LINK_HELLO:
        on_hello(s, m);
        break;
    case LINK_BOOT:
        on_boot(s, m);
        break;
    case LINK_LOG:
        on_log(s, m);
        break;
    case LINK_CREATE:
        on_create(s, m);
        break;
    case LINK_START:
        on_start(s, m);
        break;
    case LINK_FAIL:
        cli_error("%s: %s", m->name, m->text);
        s->outcome->error = true;
        break;
    case LINK_CON:
        on_con(s, m);
        break;
    case LINK_END:
        on_end(s, m);
        break;
    case LINK_CRASH:
        on_crash(s, m);
        break;
    case LINK_TRACE:
        on_trace(s, m);
        break;
    case LINK_EXIT:
        session_enter(s, LEAVING, LEAVE_MS);
        break;
    case LINK_PANIC:
        cli_error("the hypervisor failed: %s", m->text);
        s->panicked = true;
        s->outcome->error = true;
        session_enter(s, LEAVING, LEAVE_MS);
        break;
    case LINK_BAD:
        s->garbage++;
        break;
    case LINK_TOOK:
        on_took(s, m);
        break;
    case LINK_DUMP:
        on_dump(s, m);
        break;
    case LINK_UNKNOWN:
    case LINK_GONE:
    case LINK_STOPPED:
    case LINK_ROOM:
        qemu_room(s->q);
        break;
    case LINK_STORE:
    case LINK_ROW:
    case LINK_DID:
        break;
    }
}

void session_line(void *ctx, char *line, size_t len)
{
    struct session *s = ctx;
    struct link_message m;

    link_parse(line, len, &m);
    if (s->hello || m.verb == LINK_HELLO || m.verb == LINK_PANIC) {
        gdb_run_line(&s->gdb, &m);
        on_message(s, &m);
    } else {
        s->garbage++;
    }
}
