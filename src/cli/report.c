/* SPDX-License-Identifier: MIT */
/*
 * The closing table: see report.h. All text in it is our own or a domain name,
 * which the link's parser holds to harmless characters.
 */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static void add_reason(struct cli_text *t, int code)
{
    const char *name = cli_reason_name(code);

    if (name != NULL) {
        cli_text_str(t, name);
    } else {
        cli_text_printf(t, "%d", code);
    }
}

/*
 * "poweroff", or with what it went on after: "suspend x2, poweroff". To be
 * freed.
 */
static char *reason_text(const struct outcome_row *row)
{
    unsigned kept = outcome_ends_kept(row);
    unsigned last = row->over && kept > 0 ? kept - 1 : kept;
    struct cli_text t = {0};

    if (row->ends > kept) {
        cli_text_printf(&t, "%u earlier, ", row->ends - kept);
    }
    for (unsigned i = 0; i < last;) {
        unsigned n = 1;

        while (i + n < last && row->end[i + n].code == row->end[i].code) {
            n++;
        }
        add_reason(&t, row->end[i].code);
        if (n > 1) {
            cli_text_printf(&t, " x%u", n);
        }
        cli_text_str(&t, ", ");
        i += n;
    }
    add_reason(&t, outcome_reason(row));
    return t.data;
}

/* Right-aligned in ten columns; "-" if the hypervisor never told. */
static void add_time(struct cli_text *t, bool known, uint64_t ns)
{
    if (!known) {
        cli_text_printf(t, "  %10s", "-");
        return;
    }
    cli_text_printf(t, "  %4" PRIu64 ".%03" PRIu64 " s", ns / 1000000000,
                    ns / 1000000 % 1000);
}

static void add_commands(struct cli_text *t, const struct link_stats *s)
{
    const char *separator = "";

    for (size_t i = 0; i < LINK_COMMANDS; i++) {
        if (s->commands[i] != 0) {
            cli_text_printf(t, "%s%s %" PRIu64, separator, link_command[i],
                            s->commands[i]);
            separator = ", ";
        }
    }
    cli_text_str(t, *separator == '\0' ? "-\n" : "\n");
}

static int widest(int room, const char *text)
{
    int len = (int)strlen(text);

    return len > room ? len : room;
}

void report_table(struct cli_text *t, const struct outcome *o)
{
    int name_room = 4, reason_room = 6;

    if (o->count == 0) {
        return;
    }
    for (size_t i = 0; i < o->count; i++) {
        char *reason = reason_text(&o->row[i]);

        name_room = widest(name_room, o->row[i].name);
        reason_room = widest(reason_room, reason);
        free(reason);
    }
    cli_text_printf(t, "%5s  %-*s  %-*s  %10s  %10s  %s\n", "ID", name_room,
                    "Name", reason_room, "Reason", "Run time", "vCPU time",
                    "Commands");
    for (size_t i = 0; i < o->count; i++) {
        const struct outcome_row *row = &o->row[i];
        char *reason = reason_text(row);

        cli_text_printf(t, "%5u  %-*s  %-*s", row->domid, name_room, row->name,
                        reason_room, reason);
        add_time(t, row->ends > 0, row->stats.run_ns);
        add_time(t, row->ends > 0, row->stats.cpu_ns);
        cli_text_str(t, "  ");
        add_commands(t, &row->stats);
        free(reason);
    }
}

/* ---- JSON: numbers as they came, names beside codes ---- */

static json_t *json_ns(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *json_reason(int code)
{
    const char *name = cli_reason_name(code);

    return name != NULL ? json_string(name) : json_null();
}

static json_t *json_code(int code)
{
    return code >= 0 ? json_integer(code) : json_null();
}

static json_t *json_ends(const struct outcome_row *row)
{
    json_t *list = json_array();
    unsigned kept = outcome_ends_kept(row);

    for (unsigned i = 0; i < kept; i++) {
        const struct outcome_end *e = &row->end[i];
        bool killed = strcmp(e->action, "killed") == 0;
        int code = killed ? CLI_REASON_KILLED : e->code;

        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s}", "reason", json_reason(code),
                            "code", json_code(code), "action", e->action));
    }
    return list;
}

static json_t *json_row(const struct outcome_row *row, const struct run *run)
{
    const struct run_expect *expect = run_expectation(run, row->name);
    int code = outcome_reason(row);
    json_t *commands = json_object();

    for (size_t i = 0; i < LINK_COMMANDS; i++) {
        json_object_set_new(commands, link_command[i],
                            json_ns(row->stats.commands[i]));
    }
    return json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
        (int)row->domid, "name", row->name, "reason", json_reason(code), "code",
        json_code(code), "expected",
        json_reason(expect != NULL ? expect->code : CLI_POWEROFF), "start_ns",
        row->started ? json_ns(row->start_ns) : json_null(), "run_ns",
        json_ns(row->stats.run_ns), "cpu_ns", json_ns(row->stats.cpu_ns),
        "commands", commands, "ends", json_ends(row));
}

static json_t *json_boot(const struct link_boot *b)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "pcpus", json_ns(b->pcpus),
                     "memory_kib", json_ns(b->memory_kib), "hypervisor_kib",
                     json_ns(b->hypervisor_kib), "boot_ns",
                     json_ns(b->boot_ns));
}

void report_json(struct cli_text *t, const struct outcome *o,
                 const struct run *run, int status)
{
    json_t *domains = json_array();
    json_t *all;
    char *dump;

    for (size_t i = 0; i < o->count; i++) {
        json_array_append_new(domains, json_row(&o->row[i], run));
    }
    all = json_pack("{s:s, s:i, s:b, s:o, s:o}", "version", CLI_VERSION,
                    "status", status, "timed_out", (int)o->timed_out, "boot",
                    o->booted ? json_boot(&o->boot) : json_null(), "domains",
                    domains);
    dump = all != NULL ? json_dumps(all, JSON_INDENT(2)) : NULL;
    if (dump == NULL) {
        cli_error("cannot write the table as JSON: out of memory");
    } else {
        cli_text_printf(t, "%s\n", dump);
    }
    free(dump);
    json_decref(all);
}
