/* SPDX-License-Identifier: MIT */
/*
 * Results for programs: JSON and CSV with all figures, in ns, counts, and
 * per cent of one pCPU with three decimals. docs/lab.md lists them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xen/vcpu.h>

#include "lab.h"

static const char *const percentile[4] = {"p50", "p90", "p99", "p999"};
static const char *const command[8] = {
    "yield",    "block",           "shutdown",      "poll",
    "watchdog", "remote_shutdown", "shutdown_code", "pin_override"};

/* ---- JSON ---- */

static json_t *number(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static void put(json_t *o, const char *key, json_t *value)
{
    (void)json_object_set_new(o, key, value);
}

/* Three decimals exactly: text, as no two printers of fractions agree. */
static json_t *per_cent(uint64_t share)
{
    char *text =
        cli_format("%" PRIu64 ".%03" PRIu64, share / 1000, share % 1000);
    json_t *s = json_string(text);

    free(text);
    return s;
}

static json_t *spread(const uint64_t at[4], uint64_t max)
{
    json_t *o = json_object();

    for (unsigned i = 0; i < 4; i++) {
        put(o, percentile[i], number(at[i]));
    }
    put(o, "max", number(max));
    return o;
}

static json_t *times(const struct lab_figures *f)
{
    json_t *o = json_object();

    put(o, "running", number(f->time[RUNSTATE_running]));
    put(o, "runnable", number(f->time[RUNSTATE_runnable]));
    put(o, "blocked", number(f->time[RUNSTATE_blocked]));
    put(o, "offline", number(f->time[RUNSTATE_offline]));
    put(o, "age", number(f->age_ns));
    return o;
}

static json_t *commands(const struct lab_figures *f)
{
    json_t *o = json_object();

    for (unsigned i = 0; i < 8; i++) {
        if (f->commands[i] != 0) {
            put(o, command[i], number(f->commands[i]));
        }
    }
    return o;
}

static json_t *figures(const struct lab_figures *f, bool domain)
{
    json_t *o = json_object();

    put(o, "name", json_string(f->name));
    put(o, "pool", json_string(f->pool));
    put(o, "sched", json_string(f->sched));
    put(o, "weight", number(f->weight));
    put(o, "cap", number(f->cap));
    put(o, "time_ns", times(f));
    put(o, "share", per_cent(f->share));
    put(o, "ideal", per_cent(f->ideal));
    put(o, "demand", per_cent(f->demand));
    put(o, "wakeups", number(f->woken));
    put(o, "latency_ns", spread(f->latency, f->latency_max));
    put(o, "jobs", number(f->jobs));
    put(o, "missed", number(f->missed));
    put(o, "late_max_ns", number(f->late_max));
    put(o, "response_ns", spread(f->response, f->response_max));
    put(o, "switches", number(f->switches));
    put(o, "preempted", number(f->preempted));
    put(o, "migrations", number(f->migrated));
    put(o, "migrations_far", number(f->far));
    if (domain) {
        put(o, "commands", commands(f));
        put(o, "ended", f->ended >= 0 ? json_integer(f->ended) : json_null());
        put(o, "ended_ns", number(f->ended_ns));
    }
    return o;
}

static json_t *list(const struct lab_figures *f, size_t count, bool domains)
{
    json_t *a = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(a, figures(&f[i], domains));
    }
    return a;
}

static json_t *result(const struct lab_results *s, const char *label)
{
    json_t *o = json_object(), *m = json_object();

    if (label != NULL) {
        put(o, "label", json_string(label));
    }
    put(o, "workload", json_string(s->workload));
    put(o, "sched", json_string(s->sched));
    put(m, "pcpus", number(s->pcpus));
    put(m, "sockets", number(s->sockets));
    put(m, "cores", number(s->cores));
    put(m, "threads", number(s->threads));
    put(o, "machine", m);
    put(o, "seed", number(s->seed));
    put(o, "time_ns", number(s->now_ns));
    put(o, "busy_ns", number(s->busy_ns));
    put(o, "idle_ns", number(s->idle_ns));
    put(o, "events", number(sim_events(&s->stats)));
    put(o, "switches", number(s->stats.switches));
    put(o, "why", json_string(s->why));
    put(o, "domains", list(s->domain, s->nr_domains, true));
    put(o, "vcpus", list(s->vcpu, s->nr_vcpus, false));
    return o;
}

void lab_json(struct cli_text *t, const struct lab_results *const *s,
              const char *const *label, size_t count)
{
    json_t *o = json_array();
    char *text;

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(
            o, result(s[i], label != NULL ? label[i] : NULL));
    }
    text = json_dumps(label != NULL ? o : json_array_get(o, 0),
                      JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (text != NULL) {
        cli_text_printf(t, "%s\n", text);
    }
    free(text);
    json_decref(o);
}

/* ---- CSV ---- */

/* Names of domains come from files: quoted, as RFC 4180 has it. */
static void quoted(struct cli_text *t, const char *s)
{
    cli_text_str(t, "\"");
    for (; *s != '\0'; s++) {
        cli_text_add(t, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    }
    cli_text_str(t, "\"");
}

static void csv_share(struct cli_text *t, uint64_t share)
{
    cli_text_printf(t, ",%" PRIu64 ".%03" PRIu64, share / 1000, share % 1000);
}

static void csv_spread(struct cli_text *t, const uint64_t at[4], uint64_t max)
{
    for (unsigned i = 0; i < 4; i++) {
        cli_text_printf(t, ",%" PRIu64, at[i]);
    }
    cli_text_printf(t, ",%" PRIu64, max);
}

static void csv_row(struct cli_text *t, const struct lab_figures *f,
                    const char *label, const char *kind)
{
    if (label != NULL) {
        quoted(t, label);
        cli_text_str(t, ",");
    }
    cli_text_printf(t, "%s,", kind);
    quoted(t, f->name);
    cli_text_printf(t, ",%s,%u,%u", f->sched, f->weight, f->cap);
    for (unsigned i = 0; i < 4; i++) {
        cli_text_printf(t, ",%" PRIu64, f->time[i]);
    }
    csv_share(t, f->share);
    csv_share(t, f->ideal);
    csv_share(t, f->demand);
    cli_text_printf(t, ",%" PRIu64, f->woken);
    csv_spread(t, f->latency, f->latency_max);
    cli_text_printf(t, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, f->jobs, f->missed,
                    f->late_max);
    csv_spread(t, f->response, f->response_max);
    cli_text_printf(t, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                    f->switches, f->preempted, f->migrated, f->far);
}

void lab_csv(struct cli_text *t, const struct lab_results *const *s,
             const char *const *label, size_t count)
{
    cli_text_printf(
        t,
        "%skind,name,sched,weight,cap,running_ns,runnable_ns,blocked_ns,"
        "offline_ns,share,ideal,demand,wakeups,latency_p50_ns,"
        "latency_p90_ns,latency_p99_ns,latency_p999_ns,latency_max_ns,jobs,"
        "missed,late_max_ns,response_p50_ns,response_p90_ns,"
        "response_p99_ns,response_p999_ns,response_max_ns,switches,"
        "preempted,migrations,migrations_far\n",
        label != NULL ? "run," : "");
    for (size_t i = 0; i < count; i++) {
        const char *run = label != NULL ? label[i] : NULL;

        for (size_t k = 0; k < s[i]->nr_domains; k++) {
            csv_row(t, &s[i]->domain[k], run, "domain");
        }
        for (size_t k = 0; k < s[i]->nr_vcpus; k++) {
            csv_row(t, &s[i]->vcpu[k], run, "vcpu");
        }
    }
}
