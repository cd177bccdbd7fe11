/* SPDX-License-Identifier: MIT */
/* Comparisons as text: for each domain a bar a variant. */
#include <inttypes.h>
#include <string.h>

#include <xen/vcpu.h>

#include "lab.h"

#define BAR 30u

static const struct lab_figures *find(const struct lab_results *s,
                                      const char *name)
{
    for (size_t i = 0; i < s->nr_domains; i++) {
        if (strcmp(s->domain[i].name, name) == 0) {
            return &s->domain[i];
        }
    }
    return NULL;
}

static void bar(struct cli_text *t, const struct lab_figures *f, uint64_t all)
{
    uint64_t full = (f->share * BAR + all / 2) / all;
    uint64_t mark = f->ideal * BAR / all;

    for (uint64_t i = 0; i <= BAR; i++) {
        cli_text_str(t, i == mark && f->ideal != 0 ? "|"
                        : i < full                 ? "#"
                                                   : " ");
    }
}

static void time_cell(struct cli_text *t, uint64_t count, uint64_t ns)
{
    char out[LAB_TIME_MAX];

    lab_time(out, ns);
    cli_text_printf(t, "  %8s", count != 0 ? out : "-");
}

static void variant(struct cli_text *t, const struct lab_figures *f,
                    const char *label, int room, uint64_t all)
{
    char share[LAB_TIME_MAX], ideal[LAB_TIME_MAX], missed[LAB_COUNT_MAX];

    cli_text_printf(t, "  %-*s  ", room, label);
    if (f == NULL) {
        cli_text_str(t, "not there\n");
        return;
    }
    lab_percent(share, f->share);
    lab_percent(ideal, f->ideal);
    lab_count(missed, f->missed);
    bar(t, f, all);
    cli_text_printf(t, " %8s  %8s", share, ideal);
    time_cell(t, f->woken, f->latency[2]);
    time_cell(t, f->woken, f->latency_max);
    time_cell(t, f->jobs, f->response[2]);
    cli_text_printf(t, "  %8s  %8" PRIu64 "\n", f->jobs != 0 ? missed : "-",
                    f->switches);
}

/* Every domain of any run, in the order of the first that has it. */
static void domain(struct cli_text *t, const struct lab_variants *v,
                   const char *name, int room)
{
    cli_text_printf(t, "\n%s\n", name);
    for (size_t i = 0; i < v->count; i++) {
        variant(t, find(v->s[i], name), v->label[i], room,
                (uint64_t)v->s[i]->pcpus * 100000u);
    }
}

static bool seen_before(const struct lab_variants *v, size_t run,
                        const char *name)
{
    for (size_t i = 0; i < run; i++) {
        if (find(v->s[i], name) != NULL) {
            return true;
        }
    }
    return false;
}

void lab_bars(struct cli_text *t, const struct lab_variants *v)
{
    int room = 8;

    for (size_t i = 0; i < v->count; i++) {
        int len = (int)strlen(v->label[i]);

        room = len > room ? len : room;
    }
    cli_text_printf(t, "%s\n\n", v->title);
    cli_text_printf(t, "  %-*s  %-*s %8s  %8s  %8s  %8s  %8s  %8s  %8s\n", room,
                    "", (int)BAR + 1, "share of the machine, | ideal", "share",
                    "ideal", "lat p99", "lat max", "resp p99", "missed",
                    "switches");
    for (size_t i = 0; i < v->count; i++) {
        for (size_t k = 0; k < v->s[i]->nr_domains; k++) {
            const char *name = v->s[i]->domain[k].name;

            if (!seen_before(v, i, name)) {
                domain(t, v, name, room);
            }
        }
    }
}
