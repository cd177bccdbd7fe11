/* SPDX-License-Identifier: MIT */
/* See explore.h: a request carried out, and what is said about it. */
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "explore_machine.h"
#include "explore_private.h"
#include "explore_search.h"
#include "explore_world.h"
#include "fault.h"
#include "invariant.h"

#define STATES_DEFAULT 2000000u

/* ---- the scenarios that ship ---- */

const char *explore_name(unsigned i)
{
    return ex_builtin[i].name;
}

static const char *builtin_text(const char *name)
{
    unsigned i;

    for (i = 0; ex_builtin[i].name != NULL; i++) {
        if (strcmp(ex_builtin[i].name, name) == 0) {
            return ex_builtin[i].text;
        }
    }
    return NULL;
}

const char *explore_about(unsigned i)
{
    static char line[160];
    const char *text = ex_builtin[i].text, *about = strstr(text, "about ");

    if (about == NULL) {
        return "";
    }
    (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(about, "\n") - 6,
                   about + 6);
    return line;
}

/* ---- reading ---- */

static char *file_text(const char *path, FILE *err)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    ssize_t len;

    if (f == NULL) {
        (void)fprintf(err, "%s: cannot be read\n", path);
        return NULL;
    }
    len = getdelim(&text, &size, '\0', f);
    (void)fclose(f);
    if (len < 0) {
        (void)fprintf(err, "%s: is empty\n", path);
        free(text);
        return NULL;
    }
    return text;
}

static bool read_scenario(const struct explore_request *req,
                          struct ex_scenario *s)
{
    const char *name = req->path != NULL ? req->path : req->name, *base;
    char *text = NULL;
    bool fine;

    if (req->path != NULL) {
        text = file_text(req->path, stderr);
    } else if (name != NULL && builtin_text(name) != NULL) {
        text = strdup(builtin_text(name));
    } else {
        (void)fprintf(stderr, "%s: no such scenario\n",
                      name != NULL ? name : "(none)");
    }
    if (text == NULL) {
        return false;
    }
    base = strrchr(name, '/');
    fine = ex_scenario_read(s, base != NULL ? base + 1 : name, text, stderr);
    free(text);
    if (fine && req->policy != NULL) {
        s->pool[0].policy = (uint8_t)ex_policy_by_name(req->policy);
    }
    ex_world_forget();
    return fine;
}

/* ---- saying ---- */

static const char *count_text(double n)
{
    static char text[32];

    if (n < 1e6) {
        (void)snprintf(text, sizeof(text), "%.0f", n);
    } else {
        (void)snprintf(text, sizeof(text), "%.3g", n);
    }
    return text;
}

static void say_repeat(const struct explore_request *req,
                       const struct ex_way *way)
{
    (void)fprintf(req->out, "  repeat with: schedop lab explore %s",
                  req->path != NULL ? req->path : req->name);
    if (req->policy != NULL) {
        (void)fprintf(req->out, " --sched %s", req->policy);
    }
    (void)fprintf(req->out, " --trace --schedule '");
    ex_way_print(way, req->out);
    (void)fprintf(req->out, "'\n");
}

static int say_broken(const struct explore_request *req,
                      const struct ex_scenario *s, struct ex_way *way)
{
    unsigned before = way->nr;

    if (strcmp(ex_failure.invariant, "setup") != 0) {
        ex_search_shrink(s, way);
    }
    (void)fprintf(req->out, "BROKEN %s: %s: %s\n", s->name,
                  ex_failure.invariant, ex_failure.text);
    (void)fprintf(req->out, "  %u steps chosen, shortened from %u\n", way->nr,
                  before);
    say_repeat(req, way);
    return 1;
}

static void say_explored(const struct explore_request *req,
                         const struct ex_scenario *s,
                         const struct ex_limits *limits,
                         const struct ex_totals *t)
{
    (void)fprintf(req->out,
                  "ok %s: %s%s interleavings, %llu states, %llu steps, "
                  "%llu ends, depth %u",
                  s->name, t->bounded ? "at least " : "",
                  count_text(t->interleavings), (unsigned long long)t->states,
                  (unsigned long long)t->steps, (unsigned long long)t->ends,
                  t->longest);
    if (limits->preemptions >= 0) {
        (void)fprintf(req->out, ", at most %d preemptions",
                      limits->preemptions);
    }
    if (s->early != 0) {
        (void)fprintf(req->out, ", clock early %u times", s->early);
    }
    if (req->each != NULL) {
        (void)fprintf(req->out, ", one of %s at any step", req->each);
    }
    (void)fprintf(req->out, "\n");
}

/* ---- doing ---- */

static int replay(const struct explore_request *req,
                  const struct ex_scenario *s, struct ex_way *way)
{
    bool fine;

    if (!ex_way_read(req->schedule, way)) {
        (void)fprintf(stderr, "not a schedule: %s\n", req->schedule);
        return 2;
    }
    fine = ex_search_way(s, way, req->trace ? req->out : NULL);
    if (fine) {
        (void)fprintf(req->out, "ok %s: this schedule breaks nothing\n",
                      s->name);
        return 0;
    }
    (void)fprintf(req->out, "BROKEN %s: %s: %s\n", s->name,
                  ex_failure.invariant, ex_failure.text);
    return 1;
}

static int explore_order(const struct explore_request *req,
                         const struct ex_scenario *s, struct ex_way *way)
{
    way->nr = 0;
    if (!ex_search_order(s, req->trace ? req->out : NULL)) {
        return say_broken(req, s, way);
    }
    (void)fprintf(req->out, "ok %s: in the fixed order, %u steps, %llu ms\n",
                  s->name, ex_nr_steps,
                  (unsigned long long)(ex_world.now - EX_START_NS) / EX_MS);
    return 0;
}

/* Fewest preemptions first, so that what breaks is easy to read. */
static int explore_all(const struct explore_request *req,
                       const struct ex_scenario *s, struct ex_way *way)
{
    struct ex_limits limits = {.states = req->states != 0 ? req->states
                                                          : STATES_DEFAULT};
    struct ex_totals totals;
    int most = req->preemptions < 0 ? s->preemptions : req->preemptions;
    int last = most < 0 ? 2 : most, n;

    limits.faults = req->each != NULL ? fault_kinds(req->each) : 0;
    for (n = 0; n < last; n++) {
        limits.preemptions = n;
        if (!ex_search_all(s, &limits, &totals, way)) {
            return say_broken(req, s, way);
        }
    }
    limits.preemptions = most;
    if (!ex_search_all(s, &limits, &totals, way)) {
        return say_broken(req, s, way);
    }
    say_explored(req, s, &limits, &totals);
    return 0;
}

static int explore_random(const struct explore_request *req,
                          const struct ex_scenario *s, struct ex_way *way)
{
    unsigned faults = fault_kinds(req->swarm);
    uint64_t i;

    for (i = 0; i < req->seeds; i++) {
        uint64_t seed = req->seed + i;

        if (!ex_search_random(s, seed, fault_swarm(seed, faults), way)) {
            (void)fprintf(req->out, "seed %llu:\n", (unsigned long long)seed);
            return say_broken(req, s, way);
        }
    }
    (void)fprintf(req->out, "ok %s: %llu random schedules from seed %llu\n",
                  s->name, (unsigned long long)req->seeds,
                  (unsigned long long)req->seed);
    return 0;
}

int explore_run(const struct explore_request *req)
{
    struct ex_scenario *s;
    struct ex_way *way;
    int rc = 2;

    if (!fault_known(req->each) || !fault_known(req->swarm)) {
        (void)fprintf(stderr, "no such fault in '%s'\n",
                      fault_known(req->each) ? req->swarm : req->each);
        return 2;
    }
    ex_own_checks = !req->no_checks;
    if (req->policy != NULL && ex_policy_by_name(req->policy) < 0) {
        (void)fprintf(stderr, "%s: no such policy\n", req->policy);
        return 2;
    }
    if (req->made) {
        return fault_campaign(req);
    }
    s = calloc(1, sizeof(*s));
    way = calloc(1, sizeof(*way));
    if (s == NULL || way == NULL) {
        abort();
    }
    if (!read_scenario(req, s)) {
        rc = 2;
    } else if (req->schedule != NULL) {
        rc = replay(req, s, way);
    } else if (req->order) {
        rc = explore_order(req, s, way);
    } else if (req->seeds != 0) {
        rc = explore_random(req, s, way);
    } else {
        rc = explore_all(req, s, way);
    }
    free(s);
    free(way);
    ex_world_forget();
    return rc;
}
