/* SPDX-License-Identifier: MIT */
/* See fault.h. */
#include "fault.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/prng.h"
#include "explore_machine.h"
#include "explore_search.h"
#include "explore_world.h"

/* ---- kinds ---- */

static const struct {
    const char *name;
    enum ex_step_kind kind;
} faults[] = {
    {"spurious-kicks", EX_STEP_SPURIOUS_KICK},
    {"spurious-timers", EX_STEP_SPURIOUS_TIMER},
    {"copy-faults", EX_STEP_COPY_FAULT},
    {"late", EX_STEP_LATE},
    {"death", EX_STEP_DEATH},
    {"hotplug", EX_STEP_OFFLINE},
};

#define NR_FAULTS (sizeof(faults) / sizeof(faults[0]))

static bool is_named(const char *names, const char *name)
{
    size_t len = strlen(name);

    for (; names != NULL; names = strchr(names, ',')) {
        names += *names == ',';
        if (strncmp(names, name, len) == 0 &&
            (names[len] == ',' || names[len] == '\0')) {
            return true;
        }
    }
    return false;
}

bool fault_known(const char *names)
{
    size_t len, i;

    for (; names != NULL && *names != '\0'; names += len + (names[len] != 0)) {
        len = strcspn(names, ",");
        for (i = 0; i < NR_FAULTS && (strlen(faults[i].name) != len ||
                                      strncmp(names, faults[i].name, len) != 0);
             i++) {
        }
        if (i == NR_FAULTS && strncmp(names, "all", len) != 0 &&
            strncmp(names, "none", len) != 0) {
            return false;
        }
    }
    return true;
}

bool fault_lasts(unsigned kind)
{
    return kind == EX_STEP_DEATH || kind == EX_STEP_OFFLINE ||
           kind == EX_STEP_ONLINE;
}

bool fault_begins(struct ex_step step)
{
    return step.kind > EX_STEP_TIME && step.kind != EX_STEP_ONLINE &&
           !(fault_lasts(step.kind) && ex_world.strike.kind != 0);
}

unsigned fault_kinds(const char *names)
{
    unsigned i, set = 0;

    for (i = 0; i < NR_FAULTS; i++) {
        if (names == NULL || is_named(names, "all") ||
            is_named(names, faults[i].name)) {
            set |= 1u << faults[i].kind;
        }
    }
    return set;
}

unsigned fault_swarm(uint64_t seed, unsigned kinds)
{
    struct prng p = {.state = seed ^ 0x7377u};

    return kinds & (unsigned)prng_next(&p);
}

/* ---- campaigns ---- */

struct campaign {
    const struct explore_request *req;
    uint64_t seed;
    unsigned lines;
    bool keep[FAULT_LINES_MAX];
    struct ex_scenario s;
    struct ex_way way;
    uint64_t steps;
    uint64_t faults; /* struck, one a way */
    unsigned unused; /* scenarios that could not be set up */
};

static void read_made(struct campaign *k)
{
    char *text = fault_make(k->seed, k->req->policy, k->keep, &k->lines);
    char name[32];

    (void)snprintf(name, sizeof(name), "made-%llu",
                   (unsigned long long)k->seed);
    if (!ex_scenario_read(&k->s, name, text, stderr)) {
        (void)fprintf(stderr, "%s\n", text);
        abort(); /* ours, and wrong */
    }
    free(text);
    ex_world_forget();
}

/* "3,7,9" */
static void read_keep(struct campaign *k, const char *list)
{
    char *end;

    memset(k->keep, list == NULL, sizeof(k->keep));
    while (list != NULL && *list != '\0') {
        unsigned long n = strtoul(list, &end, 10);

        if (n < FAULT_LINES_MAX && end != list) {
            k->keep[n] = true;
        }
        list = *end != '\0' ? end + 1 : end;
    }
}

/* Leaves out lines as long as the same invariant breaks on the same way. */
static void shrink_lines(struct campaign *k)
{
    char invariant[sizeof(ex_failure.invariant)];
    unsigned size, at, i, nr = k->lines;

    memcpy(invariant, ex_failure.invariant, sizeof(invariant));
    for (size = (nr + 1) / 2; size != 0; size /= 2) {
        for (at = 0; at < nr; at += size) {
            bool before[FAULT_LINES_MAX];

            memcpy(before, k->keep, sizeof(before));
            for (i = at; i < at + size && i < nr; i++) {
                k->keep[i] = false;
            }
            read_made(k);
            if (ex_search_way(&k->s, &k->way, NULL) ||
                strcmp(ex_failure.invariant, invariant) != 0) {
                memcpy(k->keep, before, sizeof(before));
            }
        }
    }
    read_made(k);
    (void)ex_search_way(&k->s, &k->way, NULL);
}

static void print_keep(const struct campaign *k)
{
    const char *comma = "";
    unsigned i;

    for (i = 0; i < k->lines; i++) {
        if (k->keep[i]) {
            (void)fprintf(k->req->out, "%s%u", comma, i);
            comma = ",";
        }
    }
}

static int say_broken(struct campaign *k)
{
    FILE *out = k->req->out;
    unsigned before = k->way.nr, i, kept = 0;

    ex_search_shrink(&k->s, &k->way);
    shrink_lines(k);
    ex_search_shrink(&k->s, &k->way);
    for (i = 0; i < k->lines; i++) {
        kept += k->keep[i];
    }
    (void)fprintf(out, "BROKEN %s: %s: %s\n", k->s.name, ex_failure.invariant,
                  ex_failure.text);
    (void)fprintf(out,
                  "  seed %llu, %u steps chosen, shortened from %u; %u lines "
                  "of %u\n",
                  (unsigned long long)k->seed, k->way.nr, before, kept,
                  k->lines);
    (void)fprintf(out,
                  "  repeat with: schedop lab explore --made 1 --seed %llu",
                  (unsigned long long)k->seed);
    if (k->req->policy != NULL) {
        (void)fprintf(out, " --sched %s", k->req->policy);
    }
    (void)fprintf(out, " --keep ");
    print_keep(k);
    (void)fprintf(out, " --trace --schedule '");
    ex_way_print(&k->way, out);
    (void)fprintf(out, "'\n");
    return 1;
}

static int repeat(struct campaign *k)
{
    const struct explore_request *req = k->req;
    char *text;

    if (!ex_way_read(req->schedule, &k->way)) {
        (void)fprintf(stderr, "not a schedule: %s\n", req->schedule);
        return 2;
    }
    if (req->trace) {
        text = fault_make(k->seed, k->req->policy, k->keep, &k->lines);
        (void)fprintf(req->out, "%s\n", text);
        free(text);
    }
    if (ex_search_way(&k->s, &k->way, req->trace ? req->out : NULL)) {
        (void)fprintf(req->out, "ok %s: this schedule breaks nothing\n",
                      k->s.name);
        return 0;
    }
    (void)fprintf(req->out, "BROKEN %s: %s: %s\n", k->s.name,
                  ex_failure.invariant, ex_failure.text);
    return 1;
}

/* Where somebody cannot run to bind its ports there is nothing to explore. */
static bool one_seed(struct campaign *k)
{
    unsigned kinds = fault_swarm(k->seed, fault_kinds(k->req->swarm));

    read_made(k);
    if (k->req->each != NULL) {
        kinds = 0;
    }
    if (ex_search_random(&k->s, k->seed, kinds, &k->way)) {
        k->steps += ex_nr_steps;
        return k->req->each == NULL ||
               ex_search_each(&k->s, fault_kinds(k->req->each), &k->way,
                              &k->faults);
    }
    if (strcmp(ex_failure.invariant, "setup") == 0) {
        k->unused++;
        return true;
    }
    return false;
}

static void say_done(const struct campaign *k)
{
    const struct explore_request *req = k->req;

    (void)fprintf(req->out,
                  "ok made: %llu scenarios from seed %llu, %llu steps, %u "
                  "not used",
                  (unsigned long long)req->seeds, (unsigned long long)req->seed,
                  (unsigned long long)k->steps, k->unused);
    if (req->each != NULL) {
        (void)fprintf(req->out, ", %llu times with one of %s",
                      (unsigned long long)k->faults, req->each);
    }
    (void)fprintf(req->out, "\n");
}

int fault_campaign(const struct explore_request *req)
{
    struct campaign *k = calloc(1, sizeof(*k));
    int rc = 0;
    uint64_t i;

    if (k == NULL) {
        abort();
    }
    k->req = req;
    read_keep(k, req->keep);
    for (i = 0; i < req->seeds && rc == 0; i++) {
        k->seed = req->seed + i;
        if (req->schedule != NULL) {
            read_made(k);
            rc = repeat(k);
            break;
        }
        rc = one_seed(k) ? 0 : say_broken(k);
    }
    if (rc == 0 && req->schedule == NULL) {
        say_done(k);
    }
    ex_world_forget();
    free(k);
    return rc;
}
