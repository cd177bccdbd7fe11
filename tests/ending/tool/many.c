/* SPDX-License-Identifier: MIT */
/*
 * Thousands of domains on one boot of a host, and nothing of them is left:
 * the memory that is free, and what the hypervisor keeps for itself, are to
 * the byte what they were. A client of the host's control channel; the host
 * must restart domains at once (--restart-delay 0).
 *
 *   states   domains destroyed in every state one can be in, and such that
 *            cannot be built
 *   lives    domains that end by themselves and are built anew, until so
 *            many were made
 *
 * Before memory is looked at all of it is done once, and a crowd of domains is
 * there at the same time, more than ever later: pages of small pieces, which
 * the hypervisor keeps for the next ones, are there then.
 *
 * usage: many KERNEL COUNT
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/domctl.h>
#include <xen/sched.h>

#include "cli/control.h"

#define PATIENCE_MS 300000u /* only what hangs takes so long */
#define CROWD 24u
#define LOOKS 10u

static struct control c;
static int kernel;
static unsigned cases, failures;

static void result(bool good, const char *what)
{
    cases++;
    failures += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", cases, what);
    (void)fflush(stdout);
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* A request whose answer is to come; NULL, and its words, if it is refused. */
static json_t *ask(const char *verb, json_t *args, char **error)
{
    char *why = NULL;
    json_t *answer = control_do(&c, verb, args, &why);

    if (answer == NULL && why == NULL) {
        exit(1); /* the host is gone, and that was said */
    }
    if (error != NULL) {
        *error = why;
    } else {
        if (why != NULL) {
            printf("# %s: %s\n", verb, why);
        }
        free(why);
    }
    return answer;
}

static bool done(const char *verb, json_t *args)
{
    json_t *answer = ask(verb, args, NULL);

    json_decref(answer);
    return answer != NULL;
}

/* ---- domains ---- */

/* The words of a module; its id, or -1 when it cannot be built: *why. */
static int try_to_create(const char *words, bool paused, char **why)
{
    json_t *args =
        json_pack("{s:[s], s:b}", "parts", words, "paused", (int)paused);
    json_int_t id = control_send(&c, "create", args, &kernel, 1);
    json_t *answer = id < 0 ? NULL : control_wait(&c, id, why);
    int domid = answer != NULL ? (int)number(answer, "domid") : -1;

    if (answer == NULL && (id < 0 || *why == NULL)) {
        exit(1);
    }
    json_decref(answer);
    return domid;
}

static int create(const char *words, bool paused)
{
    char *why = NULL;
    int domid = try_to_create(words, paused, &why);

    if (why != NULL) {
        printf("# %s: %s\n", words, why);
    }
    free(why);
    return domid;
}

/* The row of a domain; NULL when it is not there. */
static json_t *look(int domid)
{
    json_t *answer = ask("domains", NULL, NULL), *row, *found = NULL;
    size_t i;

    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        if (number(row, "domid") == domid) {
            found = json_incref(row);
        }
    }
    json_decref(answer);
    return found;
}

/* Waits until it has these flags; it then has used time if it is to run. */
static bool reaches(int domid, unsigned mask, unsigned flags, bool ran)
{
    uint64_t end = cli_clock_ms() + PATIENCE_MS;

    while (cli_clock_ms() < end) {
        json_t *row = look(domid);
        bool there = row != NULL;
        bool good = there && ((unsigned)number(row, "flags") & mask) == flags &&
                    (!ran || number(row, "cpu_ns") > 0);

        json_decref(row);
        if (good || !there) {
            return good;
        }
        (void)poll(NULL, 0, 1);
    }
    return false;
}

/* ---- every state ---- */

enum {
    SHUT = XEN_DOMINF_shutdown | XEN_DOMINF_shutdownmask
                                     << XEN_DOMINF_shutdownshift,
};
#define SHUT_BY(code) (XEN_DOMINF_shutdown | (code) << XEN_DOMINF_shutdownshift)

static const struct state {
    const char *name, *words;
    bool paused; /* never let go */
    unsigned mask, flags;
    bool ran;
} states[] = {
    {"new", "state=spin", true, XEN_DOMINF_paused, XEN_DOMINF_paused, false},
    {"running", "state=spin", false, XEN_DOMINF_shutdown, 0, true},
    {"blocked", "state=block", false, XEN_DOMINF_blocked, XEN_DOMINF_blocked,
     true},
    {"polling", "state=poll", false, XEN_DOMINF_blocked, XEN_DOMINF_blocked,
     true},
    {"guarded", "state=dogs", false, XEN_DOMINF_blocked, XEN_DOMINF_blocked,
     true},
    {"full", "state=block hold=63", false, XEN_DOMINF_blocked,
     XEN_DOMINF_blocked, true},
    {"FIFO", "state=poll hold=127", false, XEN_DOMINF_blocked,
     XEN_DOMINF_blocked, true},
    {"poweroff", "code=0 wait=0", false, SHUT, SHUT_BY(0u), true},
    {"reboot", "code=1 wait=0 hold=127", false, SHUT, SHUT_BY(1u), true},
    {"suspend", "code=2 wait=0 hold=63", false, SHUT, SHUT_BY(2u), true},
    {"crash", "code=3 wait=0", false, SHUT, SHUT_BY(3u), true},
    {"watchdog", "code=4 wait=0 hold=4", false, SHUT, SHUT_BY(4u), true},
    {"soft_reset", "code=5 wait=0", false, SHUT, SHUT_BY(5u), true},
};

static const char preserve[] =
    "on_poweroff=preserve on_reboot=preserve on_crash=preserve "
    "on_watchdog=preserve on_soft_reset=preserve on_suspend=preserve";

/* What may be done to one in any state before it is destroyed. */
static bool handle(int domid, unsigned round)
{
    switch (round % 4) {
    case 1: /* stopped as well */
        return done("pause", json_pack("{s:i}", "domid", domid));
    case 2: /* bound to a pCPU */
        return done("vcpu-pin", json_pack("{s:i, s:i, s:i}", "domid", domid,
                                          "vcpu", 0, "hard", 1));
    case 3: /* its core half written */
        return done("dump-begin", json_pack("{s:i}", "domid", domid));
    default:
        return true;
    }
}

/* A client that had begun something is gone, and all is undone. */
static bool begin_anew(void)
{
    control_close(&c);
    return control_open(&c, NULL, false) == 0;
}

static bool one_state(const struct state *s, unsigned round)
{
    char *words = cli_format("x name=%s memory=4 vcpus=2 %s -- %s", s->name,
                             preserve, s->words);
    int domid = create(words, s->paused);
    bool good = domid > 0 && reaches(domid, s->mask, s->flags, s->ran) &&
                handle(domid, round) &&
                done("destroy", json_pack("{s:i}", "domid", domid));

    free(words);
    if (round % 4 == 3 && !begin_anew()) {
        exit(1);
    }
    return good && !reaches(domid, 0, 1, false); /* it goes */
}

/* Such as cannot be built, for reasons found early and late. */
static bool half_built(void)
{
    static const char *const words[] = {
        "x name=big memory=100000 vcpus=1",
        "x name=wide memory=4 vcpus=99",
        "x name=poolless memory=4 vcpus=1 pool=none",
        "x name=small memory=1 vcpus=1",
        "x name=nowhere memory=4 vcpus=1 cpus=8000",
    };
    bool good = true;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char *why = NULL;
        int domid = try_to_create(words[i], false, &why);

        free(why);
        if (domid >= 0) {
            printf("# built: %s\n", words[i]);
            good = false;
        }
    }
    return good;
}

static bool all_states(unsigned rounds)
{
    bool good = true;

    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            if (!one_state(&states[i], round)) {
                printf("# state %s, round %u\n", states[i].name, round);
                good = false;
            }
        }
        good = half_built() && good;
    }
    return good;
}

/* All there at once, with all they can hold, and all gone again. */
static bool crowd(void)
{
    int domid[CROWD];
    bool good = true;

    for (unsigned i = 0; i < CROWD; i++) {
        char *words = cli_format("x name=crowd%u memory=4 vcpus=2 -- "
                                 "state=poll hold=127",
                                 i);

        domid[i] = create(words, false);
        good = domid[i] > 0 && good;
        free(words);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        good =
            reaches(domid[i], XEN_DOMINF_blocked, XEN_DOMINF_blocked, true) &&
            good;
    }
    for (unsigned i = 0; i < CROWD; i++) {
        good = done("destroy", json_pack("{s:i}", "domid", domid[i])) && good;
    }
    return good;
}

/* ---- many lives ---- */

/* True when all domains are gone for a while: they might be coming back. */
static bool all_gone(void)
{
    uint64_t end = cli_clock_ms() + PATIENCE_MS;
    int newest = 0, old = 0;

    for (unsigned empty = 0; empty < LOOKS && cli_clock_ms() < end;) {
        json_t *answer = ask("domains", NULL, NULL), *row;
        size_t i;

        empty++;
        json_array_foreach(json_object_get(answer, "rows"), i, row)
        {
            newest = (int)number(row, "domid");
            empty = 0;
        }
        json_decref(answer);
        if (newest != old) {
            end = cli_clock_ms() + PATIENCE_MS; /* it goes on */
            old = newest;
        }
        if (cli_clock_ms() >= end) {
            return false;
        }
        (void)poll(NULL, 0, 100);
    }
    return true;
}

/* The id of the latest domain. */
static unsigned last_id(void)
{
    int domid = create("x name=last memory=4 vcpus=1", true);

    return domid > 0 && done("destroy", json_pack("{s:i}", "domid", domid))
               ? (unsigned)domid
               : 0;
}

/* They come back until the last id; that one and others after it do not. */
static bool many_lives(unsigned last)
{
    static const char restart[] =
        "on_poweroff=restart on_reboot=restart on_crash=restart "
        "on_watchdog=restart on_soft_reset=restart";
    bool good = true;

    for (unsigned i = 0; i < 6; i++) {
        char *words = cli_format("x name=life%u memory=2 vcpus=2 %s -- "
                                 "churn=%u",
                                 i, restart, last);

        good = create(words, false) > 0 && good;
        free(words);
    }
    for (unsigned id = 0; good && id < last;) {
        unsigned before = id;

        /* Between two lives a domain is not to be seen. */
        good = all_gone();
        id = last_id();
        good = good && id > before + 1;
    }
    return all_gone() && good;
}

/* ---- memory ---- */

struct memory {
    json_int_t free_kib, hypervisor_kib;
};

static struct memory memory_now(void)
{
    json_t *machine = ask("machine", NULL, NULL);
    struct memory m = {number(machine, "free_kib"),
                       number(machine, "hypervisor_kib")};

    printf("# free %lld KiB, the hypervisor's %lld KiB\n",
           (long long)m.free_kib, (long long)m.hypervisor_kib);
    json_decref(machine);
    return m;
}

static bool same(struct memory a, struct memory b)
{
    return a.free_kib == b.free_kib && a.hypervisor_kib == b.hypervisor_kib;
}

int main(int argc, char **argv)
{
    struct memory before;
    uint64_t count;

    if (argc != 3 || !cli_number(argv[2], 30000, &count) ||
        (kernel = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0 ||
        control_open(&c, NULL, false) != 0) {
        (void)fprintf(stderr, "usage: many KERNEL COUNT\n");
        return 1;
    }
    result(all_states(4) && all_gone(), "domains go from every state");
    result(many_lives(last_id() + 500), "lives, and an end");
    result(crowd() && all_gone(), "a crowd");
    before = memory_now();
    result(all_states(4) && all_gone(), "and once more");
    result(same(before, memory_now()), "all their memory is back");
    result(many_lives((unsigned)count), "lives until enough were made");
    result(same(before, memory_now()), "all memory is back after so many");
    printf("1..%u\n", cases);
    control_close(&c);
    return failures != 0;
}
