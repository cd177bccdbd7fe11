/* SPDX-License-Identifier: MIT */
/* Ways as text, for people and to be read again: see explore_search.h. */
#include <stdlib.h>
#include <string.h>

#include "explore_search.h"
#include "explore_world.h"
#include "fault.h"

static const char letters[] = ".ktcgTsuxldon";

static void print_step(FILE *out, struct ex_step step)
{
    (void)fprintf(out, "%u%c", step.pcpu, letters[step.kind]);
    if (fault_lasts(step.kind)) {
        (void)fprintf(out, "%x", step.what);
    }
}

void ex_step_trace(struct ex_step step, FILE *out)
{
    static const char *const what[] = {"goes on",
                                       "is kicked",
                                       "timer",
                                       "controller",
                                       "guest",
                                       "time passes",
                                       "kicked for nothing",
                                       "timer for nothing",
                                       "guest, its memory gone",
                                       "time passes too soon",
                                       "destroys domain",
                                       "takes off line pCPU",
                                       "brings back pCPU"};
    const struct ex_pcpu *c = &ex_world.pcpu[step.pcpu];

    if (out == NULL) {
        return;
    }
    (void)fprintf(out, "%12llu ns",
                  (unsigned long long)(ex_world.now - EX_START_NS));
    if (step.kind == EX_STEP_TIME || step.kind == EX_STEP_LATE) {
        (void)fprintf(out, "  %s\n", what[step.kind]);
        return;
    }
    (void)fprintf(out, "  pCPU %u %s", step.pcpu, what[step.kind]);
    if (fault_lasts(step.kind)) {
        (void)fprintf(out, " %u", step.what);
    }
    if (step.kind == EX_STEP_GUEST || step.kind == EX_STEP_COPY_FAULT) {
        const struct ex_vcpu *x = c->guest;
        const struct ex_script *s = &x->d->spec->script[x->id];

        (void)fprintf(out, " %u.%u: %s", x->d->id, x->id,
                      x->pc < s->nr ? s->op[x->pc].verb->name : "(end)");
    }
    if (step.kind == EX_STEP_CONTROL) {
        (void)fprintf(out, ": %s",
                      ex_scenario->control[step.pcpu].op[c->pc].verb->name);
    }
    (void)fprintf(out, "\n");
}

void ex_way_print(const struct ex_way *way, FILE *out)
{
    unsigned i, same;

    for (i = 0; i < way->nr; i += same) {
        same = 1;
        while (i + same < way->nr && memcmp(&way->step[i + same], &way->step[i],
                                            sizeof(way->step[i])) == 0) {
            same++;
        }
        if (same > 1) {
            (void)fprintf(out, "%u*", same);
        }
        print_step(out, way->step[i]);
    }
    if (way->nr == 0) {
        (void)fputc('-', out);
    }
}

/* The letter of a step, and of a fault that lasts whom it strikes. */
static bool read_step(const char **text, struct ex_step *step)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = *text, *letter, *digit;

    if (*at < '0' || *at >= '0' + (int)EX_PCPUS || at[1] == '\0') {
        return false;
    }
    letter = strchr(letters, at[1]);
    if (letter == NULL) {
        return false;
    }
    *step = (struct ex_step){.pcpu = (uint8_t)(*at - '0'),
                             .kind = (uint8_t)(letter - letters)};
    *text = at + 2;
    if (fault_lasts(step->kind)) {
        digit = at[2] != '\0' ? strchr(digits, at[2]) : NULL;
        step->what = (uint8_t)(digit != NULL ? digit - digits : 0);
        *text = at + 3;
        return digit != NULL;
    }
    return true;
}

bool ex_way_read(const char *text, struct ex_way *way)
{
    struct ex_step step;

    way->nr = 0;
    while (*text != '\0' && strcmp(text, "-") != 0) {
        unsigned long count = 1;
        char *end;

        if (text[0] >= '0' && text[0] <= '9') {
            unsigned long many = strtoul(text, &end, 10);

            if (*end == '*') {
                count = many;
                text = end + 1;
            }
        }
        if (!read_step(&text, &step)) {
            return false;
        }
        for (; count > 0 && way->nr < EX_WAY_MAX; count--) {
            way->step[way->nr++] = step;
        }
    }
    return true;
}
