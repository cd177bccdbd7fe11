/* SPDX-License-Identifier: MIT */
/*
 * `schedop trace`: reads a trace in the native format and writes it, or the
 * part of it that is wanted, in any format. The file is read twice: first to
 * the end, so that nothing is written from one that is damaged, and to learn
 * what domains are called; then record by record.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "cut.h"
#include "trace/event.h"
#include "trace/trace.h"

enum {
    OPT_OUTPUT = 1,
    OPT_FORMAT,
    OPT_FROM,
    OPT_TO,
    OPT_DOMAIN,
    OPT_VCPU,
    OPT_PCPU,
    OPT_EVENT,
    OPT_LIST,
    OPT_HELP,
};

static const struct cli_option options[] = {
    {"output", 'o', CLI_VALUE, OPT_OUTPUT, "FILE",
     "Write there (default: standard output)."},
    {"format", 'f', CLI_VALUE, OPT_FORMAT, "FORMAT",
     "native, text, perfetto, xentrace or svg (default: what the suffix of "
     "the output says, .sop, .txt, .json, .xentrace or .svg; else text)."},
    {"from", 0, CLI_VALUE, OPT_FROM, "TIME",
     "Leave out what is before this time since boot: 1.5s, 20ms, 300us, 7ns; "
     "a number alone is seconds."},
    {"to", 0, CLI_VALUE, OPT_TO, "TIME", "Leave out this time and all after."},
    {"domain", 'd', CLI_VALUE, OPT_DOMAIN, "DOMAIN",
     "Only records about this domain, a name or an id. This and the next "
     "three may be repeated."},
    {"vcpu", 0, CLI_VALUE, OPT_VCPU, "DOMAIN.N",
     "Only records about this vCPU."},
    {"pcpu", 0, CLI_VALUE, OPT_PCPU, "N", "Only records of this pCPU."},
    {"event", 'e', CLI_VALUE, OPT_EVENT, "NAME",
     "Only this event, or class of events; --list has them."},
    {"list", 0, CLI_FLAG, OPT_LIST, NULL,
     "Print a table of all events and end."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Examples",
     "  schedop run --trace run.sop a.cfg b.cfg     record\n"
     "  schedop trace run.sop | less                read\n"
     "  schedop trace run.sop -o run.svg            draw\n"
     "  schedop trace run.sop -o run.json           for ui.perfetto.dev\n"
     "  schedop trace run.sop -e wake -d web        who woke domain web\n"
     "  schedop trace run.sop --from 41ms --to 42ms -o millisecond.svg\n"
     "  schedop trace run.sop -o run.xentrace && xenalyze -s run.xentrace",
     NULL, true},
    {"Formats",
     "native holds everything and is what this command reads. text is one "
     "line a record: time, pCPU, event, subject (d1v0 is vCPU 0 of domain 1), "
     "arguments. perfetto has one track a pCPU and one a vCPU with wake-ups "
     "as arrows. xentrace holds what Xen itself would record, in Xen's "
     "format, with time as a counter of 2.4 GHz. svg is a picture that needs "
     "no viewer but a browser.",
     NULL, false},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {
    "[options] FILE",
    NULL,
};

static int trace_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_trace_command = {
    .name = "trace",
    .summary = "read, filter, convert or draw a recorded trace",
    .synopsis = synopsis,
    .description =
        "Reads a trace that `schedop run --trace` or `schedop lab` recorded "
        "and writes it as text, as a picture, for ui.perfetto.dev or in the "
        "format of Xen's own tools. A file that is damaged or cut off is "
        "refused. FILE may be - for standard input.",
    .options = options,
    .parts = parts,
    .main = trace_main,
};

/* ---- options ---- */

#define WORDS_MAX 64

struct asked {
    const char *input, *output, *format;
    struct trace_filter filter;
    /* Domains, alone or with a vCPU: names are known only once it is read. */
    struct {
        const char *text;
        bool vcpu;
    } subject[WORDS_MAX];
    size_t nr_subjects;
    bool list;
};

static int bad_value(const char *option, const char *value, const char *want)
{
    cli_error("--%s %s: must be %s", option, value, want);
    return CLI_USAGE;
}

static int take_time(const char *option, const char *value, uint64_t *ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    char *end;
    double n = strtod(value, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (end != value && strcmp(end, units[i].unit) == 0 && n >= 0 &&
            n * units[i].ns < 1e18) {
            *ns = (uint64_t)(n * units[i].ns + 0.5);
            return 0;
        }
    }
    return bad_value(option, value, "a time such as 1.5s, 20ms, 300us or 7ns");
}

static int take_subject(struct asked *a, const char *value, bool vcpu)
{
    if (a->nr_subjects == WORDS_MAX) {
        cli_error("more than %d domains and vCPUs", WORDS_MAX);
        return CLI_USAGE;
    }
    a->subject[a->nr_subjects].text = value;
    a->subject[a->nr_subjects++].vcpu = vcpu;
    return 0;
}

static const char *event_name(const void *ctx, size_t index)
{
    const struct event_info *e = event_nth(index);

    (void)ctx;
    return e != NULL ? e->name : NULL;
}

static int take_event(struct asked *a, const char *value)
{
    const char *near;

    if (trace_filter_event(&a->filter, value)) {
        return 0;
    }
    near = cli_nearest(value, event_name, NULL);
    cli_error("--event %s: there is no such event or class%s%s%s; `schedop "
              "trace --list` has them",
              value, near != NULL ? "; did you mean " : "",
              near != NULL ? near : "", near != NULL ? "?" : "");
    return CLI_USAGE;
}

static int take_pcpu(struct asked *a, const char *value)
{
    uint64_t n;

    if (!cli_number(value, SOP_TRACE_NONE - 1, &n)) {
        return bad_value("pcpu", value, "the number of a pCPU");
    }
    trace_filter_pcpu(&a->filter, (uint16_t)n);
    return 0;
}

enum { STOP_HELP = -1 };

static int take_option(void *ctx, int id, const char *value)
{
    struct asked *a = ctx;

    switch (id) {
    case CLI_OPERAND:
    case CLI_REST:
        if (a->input != NULL) {
            cli_error("one file at a time: %s or %s", a->input, value);
            return CLI_USAGE;
        }
        a->input = value;
        return 0;
    case OPT_OUTPUT:
        a->output = value;
        return 0;
    case OPT_FORMAT:
        a->format = value;
        return 0;
    case OPT_FROM:
        return take_time("from", value, &a->filter.from_ns);
    case OPT_TO:
        return take_time("to", value, &a->filter.to_ns);
    case OPT_DOMAIN:
    case OPT_VCPU:
        return take_subject(a, value, id == OPT_VCPU);
    case OPT_PCPU:
        return take_pcpu(a, value);
    case OPT_EVENT:
        return take_event(a, value);
    case OPT_LIST:
        a->list = true;
        return 0;
    default:
        return STOP_HELP;
    }
}

static int pick_format(const struct asked *a)
{
    int f = TRACE_TEXT;

    if (a->format != NULL) {
        f = trace_format_by_name(a->format);
        if (f < 0) {
            (void)bad_value("format", a->format,
                            "native, text, perfetto, xentrace or svg");
        }
    } else if (a->output != NULL && trace_format_by_path(a->output) >= 0) {
        f = trace_format_by_path(a->output);
    }
    return f;
}

/* ---- the list of events ---- */

/* As in docs/trace.md, which a test compares. */
static int list_events(void)
{
    const struct event_info *e;
    struct cli_text t = {0};

    cli_text_str(&t, "| event | class | number | arguments | meaning |\n"
                     "| --- | --- | ---: | --- | --- |\n");
    for (size_t i = 0; (e = event_nth(i)) != NULL; i++) {
        cli_text_printf(&t, "| `%s` | %s | %u | ", e->name,
                        event_class_name(e->class), e->number);
        for (size_t n = 0; n < 2; n++) {
            if (e->arg[n].kind != SOP_TRACE_AS_NOTHING) {
                cli_text_printf(&t, "%s%s", n != 0 ? ", " : "", e->arg[n].name);
            }
        }
        cli_text_printf(&t, " | %s |\n", e->text);
    }
    return cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
}

/* ---- subjects ---- */

/* "web.1" or "3.1": the domain and, behind the last dot, the vCPU. */
static bool add_subject(struct asked *a, const struct cut *c, size_t n)
{
    const char *text = a->subject[n].text, *dot = strrchr(text, '.');
    uint64_t vcpu = SOP_TRACE_NONE, id;
    char *domain;
    bool found = false;

    if (a->subject[n].vcpu &&
        (dot == NULL || !cli_number(dot + 1, SOP_TRACE_NONE - 1, &vcpu))) {
        (void)bad_value("vcpu", text, "DOMAIN.N, such as web.0 or 3.0");
        return false;
    }
    domain = a->subject[n].vcpu ? cli_format("%.*s", (int)(dot - text), text)
                                : cli_strdup(text);
    for (id = 0; id < SOP_TRACE_NONE; id++) {
        uint64_t number;

        if (cut_name_is(c, (uint16_t)id, domain) ||
            (cli_number(domain, SOP_TRACE_NONE - 1, &number) && number == id)) {
            found = true;
            if (!trace_filter_vcpu(&a->filter, (uint16_t)id, (uint16_t)vcpu)) {
                cli_error("%s: too many domains are called so", domain);
                found = false;
                break;
            }
        }
    }
    if (!found) {
        cli_error("%s: no domain of the trace is called '%s'", a->input,
                  domain);
    }
    free(domain);
    return found;
}

/* ---- the way through ---- */

static FILE *open_output(const struct asked *a)
{
    FILE *out = a->output != NULL ? fopen(a->output, "wbe") : stdout;

    if (out == NULL) {
        cli_error("%s: %s", a->output, strerror(errno));
    }
    return out;
}

static int convert(struct asked *a, struct cut *c, int format)
{
    struct trace_writer *w;
    FILE *out;
    int error;

    for (size_t i = 0; i < a->nr_subjects; i++) {
        if (!add_subject(a, c, i)) {
            return CLI_USAGE;
        }
    }
    out = open_output(a);
    if (out == NULL) {
        return CLI_ERROR;
    }
    w = trace_writer_open((enum trace_format)format, out, cut_title(c));
    if (w == NULL) {
        cli_error("no memory");
        error = ENOMEM;
    } else {
        error = cut_copy(c, &a->filter, w);
        if (error != 0) {
            cli_error("%s: %s", a->output != NULL ? a->output : "output",
                      strerror(error));
        }
    }
    if (a->output != NULL && fclose(out) != 0 && error == 0) {
        error = errno;
        cli_error("%s: %s", a->output, strerror(error));
    }
    return error != 0 ? CLI_ERROR : CLI_OK;
}

static int trace_main(const struct cli_command *self, int argc, char **argv)
{
    struct asked a = {.input = NULL};
    struct cli_text text = {0};
    struct cut *c;
    int rc, format;

    trace_filter_init(&a.filter);
    rc = cli_options_parse(self, argc, argv, take_option, &a);
    if (rc == STOP_HELP) {
        cli_help(&text, self);
        return cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    }
    if (rc != 0) {
        return rc;
    }
    if (a.list) {
        return list_events();
    }
    if (a.input == NULL) {
        cli_error("no file; `schedop run --trace FILE` records one, and see "
                  "`schedop trace --help`");
        return CLI_USAGE;
    }
    format = pick_format(&a);
    if (format < 0) {
        return CLI_USAGE;
    }
    if (format != TRACE_TEXT && a.output == NULL && isatty(STDOUT_FILENO)) {
        cli_error("not to a terminal: do --output FILE");
        return CLI_USAGE;
    }
    c = cut_open(a.input);
    if (c == NULL) {
        return CLI_ERROR;
    }
    rc = convert(&a, c, format);
    cut_close(c);
    return rc;
}
