/* SPDX-License-Identifier: MIT */
/*
 * Results for people: what ran, then one table, a row a domain and if wanted a
 * row a vCPU. Columns that say nothing in a run are left out.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "lab.h"

#define BAR 10u

struct layout {
    const struct lab_results *s;
    size_t name_room;
    bool weights, caps, pools, jobs, latency, far;
};

/* ---- cells ---- */

static void cell_ratio(struct cli_text *t, uint64_t part, uint64_t whole)
{
    char out[LAB_TIME_MAX];
    uint64_t permille = whole / 1000 != 0 ? part / (whole / 1000) : 0;

    lab_percent(out, permille * 100);
    cli_text_printf(t, "  %8s", out);
}

static void cell_time(struct cli_text *t, uint64_t ns)
{
    char out[LAB_TIME_MAX];

    lab_time(out, ns);
    cli_text_printf(t, "  %7s", out);
}

static void cell_share(struct cli_text *t, uint64_t share)
{
    char out[LAB_TIME_MAX];

    lab_percent(out, share);
    cli_text_printf(t, "  %7s", out);
}

/*
 * The share as a bar, of all pCPUs' time; the ideal is marked in it.
 */
static void cell_bar(struct cli_text *t, const struct layout *l,
                     const struct lab_figures *f)
{
    uint64_t all = (uint64_t)l->s->pcpus * 100000u;
    uint64_t full = (f->share * BAR + all / 2) / all;
    uint64_t mark = f->ideal * BAR / all;

    cli_text_str(t, "  ");
    for (uint64_t i = 0; i < BAR; i++) {
        bool here = i == mark && f->ideal != 0;

        cli_text_str(t, here ? "|" : i < full ? "#" : ".");
    }
}

static const char *reason_name(int code)
{
    static const char *const names[] = {"poweroff", "reboot",   "suspend",
                                        "crash",    "watchdog", "soft_reset"};

    return code >= 0 && code < 6 ? names[code] : "an unknown reason";
}

/* ---- rows ---- */

static void head(struct cli_text *t, const struct layout *l)
{
    cli_text_printf(t, "%-*s", (int)l->name_room, "Name");
    if (l->pools) {
        cli_text_str(t, "  Sched   ");
    }
    if (l->weights) {
        cli_text_str(t, "  Weight");
    }
    if (l->caps) {
        cli_text_str(t, "   Cap");
    }
    cli_text_printf(t, "  %7s  %7s  %-10s  %8s", "Share", "Ideal", "Of machine",
                    "Waiting");
    if (l->latency) {
        cli_text_str(t, "    Wakes  lat p50  lat p99  lat max");
    }
    if (l->jobs) {
        cli_text_str(t, "    Jobs  Missed  resp p99  resp max");
    }
    cli_text_str(t, "  Switches   Moves");
    if (l->far) {
        cli_text_str(t, "     Far");
    }
    cli_text_str(t, "\n");
}

static void row(struct cli_text *t, const struct layout *l,
                const struct lab_figures *f, const char *name)
{
    uint64_t up = f->age_ns - f->time[RUNSTATE_offline];

    cli_text_printf(t, "%-*s", (int)l->name_room, name);
    if (l->pools) {
        cli_text_printf(t, "  %-8s", f->sched != NULL ? f->sched : "");
    }
    if (l->weights) {
        cli_text_printf(t, "  %6u", f->weight);
    }
    if (l->caps && f->cap != 0) {
        cli_text_printf(t, "  %4u", f->cap);
    } else if (l->caps) {
        cli_text_str(t, "     -");
    }
    cell_share(t, f->share);
    cell_share(t, f->ideal);
    cell_bar(t, l, f);
    cell_ratio(t, f->time[RUNSTATE_runnable], up);
    if (l->latency) {
        cli_text_printf(t, "  %7" PRIu64, f->woken);
        cell_time(t, f->latency[0]);
        cell_time(t, f->latency[2]);
        cell_time(t, f->latency_max);
    }
    if (l->jobs) {
        cli_text_printf(t, "  %6" PRIu64 "  %6" PRIu64, f->jobs, f->missed);
        cli_text_str(t, " ");
        cell_time(t, f->response[2]);
        cli_text_str(t, " ");
        cell_time(t, f->response_max);
    }
    cli_text_printf(t, "  %8" PRIu64 "  %6" PRIu64, f->switches, f->migrated);
    if (l->far) {
        cli_text_printf(t, "  %6" PRIu64, f->far);
    }
    cli_text_str(t, "\n");
}

static void look(struct layout *l, const struct lab_figures *f, size_t count,
                 bool vcpus)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(f[i].name) + (vcpus ? 2 : 0);

        l->name_room = len > l->name_room ? len : l->name_room;
        if (strcmp(f[i].sched, "credit2") == 0) {
            l->weights |= f[i].weight != 256;
            l->caps |= f[i].cap != 0;
        }
        l->jobs |= f[i].jobs != 0;
        l->latency |= f[i].woken != 0;
        l->pools |= strcmp(f[i].sched, f[0].sched) != 0;
    }
}

/* ---- the whole ---- */

static void heading(struct cli_text *t, const struct lab_results *s)
{
    char time[LAB_TIME_MAX], busy[LAB_TIME_MAX];
    uint64_t all = s->busy_ns + s->idle_ns;

    lab_time(time, s->now_ns);
    lab_percent(busy, all / 1000 != 0 ? s->busy_ns / (all / 1000) * 100 : 0);
    cli_text_printf(t, "%s: %s of %s on %u pCPU%s", s->workload, time, s->sched,
                    s->pcpus, s->pcpus == 1 ? "" : "s");
    if (s->sockets > 1 || s->threads > 1) {
        cli_text_printf(t, " (%u:%u:%u)", s->sockets, s->cores, s->threads);
    }
    cli_text_printf(t, ", %s busy, seed %" PRIu64 "\n\n", busy, s->seed);
}

static void endings(struct cli_text *t, const struct lab_results *s)
{
    for (size_t i = 0; i < s->nr_domains; i++) {
        const struct lab_figures *f = &s->domain[i];
        char time[LAB_TIME_MAX];

        if (f->ended >= 0) {
            lab_time(time, f->ended_ns);
            cli_text_printf(t, "%s ended at %s: %s\n", f->name, time,
                            reason_name(f->ended));
        }
    }
}

void lab_table(struct cli_text *t, const struct lab_results *s, bool vcpus)
{
    struct layout l = {.s = s, .name_room = 5, .far = s->sockets > 1};
    size_t v = 0;

    look(&l, s->domain, s->nr_domains, false);
    if (vcpus) {
        look(&l, s->vcpu, s->nr_vcpus, true);
    }
    heading(t, s);
    head(t, &l);
    for (size_t i = 0; i < s->nr_domains; i++) {
        row(t, &l, &s->domain[i], s->domain[i].name);
        for (; v < s->nr_vcpus && s->vcpu[v].domain == i; v++) {
            if (vcpus) {
                char *name = cli_format("  %s", s->vcpu[v].name);

                row(t, &l, &s->vcpu[v], name);
                free(name);
            }
        }
    }
    endings(t, s);
}
