/* SPDX-License-Identifier: MIT */
/*
 * The runner of facts: see check.h. One line is gathered in a buffer and
 * written when the fact has been looked at, so that other output on the same
 * console never cuts it. Only one vCPU may call saw() and its like.
 */
#include "check.h"
#include "lab.h"

#include <schedop/schedop.h>

#define LINE_MAX 500u

static char line[LINE_MAX];
static unsigned int used;
static bool first_seen;
static enum verdict verdict;
static bool has_other;
static uint64_t other_value;

static const char *const verdict_names[] = {"ERROR", "SUCCESS", "DEPARTURE",
                                            "SKIP",  "ERROR",   "FAILURE"};

/* ---- the line ---- */

static void add(const char *text)
{
    while (*text && used < LINE_MAX - 20) { /* room for the verdict */
        line[used++] = *text++;
    }
}

static void add_number(uint64_t value, unsigned int base, unsigned int digits)
{
    char text[24];
    unsigned int n = sizeof(text);

    text[--n] = '\0';
    do {
        text[--n] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0 || sizeof(text) - 1 - n < digits);
    add(text + n);
}

static void add_result(long value)
{
    const char *name = schedop_error_name((int)value);

    if (value < 0 && value > -4096 && name[0] != '?') {
        add("-");
        add(name);
    } else if (value < 0) {
        add("-");
        add_number(0 - (uint64_t)value, 10, 1);
    } else {
        add_number((uint64_t)value, 10, 1);
    }
}

static void finish_line(void)
{
    used = used < LINE_MAX - 20 ? used : LINE_MAX - 20;
    line[used++] = ' ';
    line[used++] = '|';
    line[used++] = ' ';
    for (const char *p = verdict_names[verdict]; *p; p++) {
        line[used++] = *p;
    }
    line[used++] = '\n';
    lab_print(line, used);
    used = 0;
}

/* ---- what the facts call ---- */

static void worsen(enum verdict v)
{
    if (v > verdict) {
        verdict = v;
    }
}

static void begin_value(const char *what)
{
    add(first_seen ? ", " : "");
    first_seen = true;
    add(what);
    add(" ");
}

/* Takes the verdict of one value; true if what was expected must be said. */
static bool judge(uint64_t observed, uint64_t expected)
{
    bool departs = has_other && observed == other_value;

    has_other = false;
    if (observed == expected) {
        worsen(VERDICT_SUCCESS);
    } else if (departs) {
        add(" (allowed)");
        worsen(VERDICT_DEPARTURE);
    } else {
        worsen(VERDICT_FAILURE);
        return true;
    }
    return false;
}

void may_be(uint64_t other)
{
    has_other = true;
    other_value = other;
}

void saw(const char *what, long observed, long expected)
{
    begin_value(what);
    add_result(observed);
    if (judge((uint64_t)observed, (uint64_t)expected)) {
        add(" (want ");
        add_result(expected);
        add(")");
    }
}

void saw_bits(const char *what, uint64_t observed, uint64_t expected)
{
    begin_value(what);
    add("0x");
    add_number(observed, 16, 1);
    if (judge(observed, expected)) {
        add(" (want 0x");
        add_number(expected, 16, 1);
        add(")");
    }
}

void saw_that(const char *what, bool is_so)
{
    begin_value(what);
    add(is_so ? "yes" : "no");
    if (judge(is_so, true)) {
        add(" (want yes)");
    }
}

void skip(const char *why)
{
    add(first_seen ? ", " : "");
    first_seen = true;
    add(why);
    worsen(VERDICT_SKIP);
}

void broken(const char *why)
{
    add(first_seen ? ", " : "");
    first_seen = true;
    add(why);
    worsen(VERDICT_ERROR);
}

/* ---- the run ---- */

static bool is_word(const char *list, const char *word)
{
    while (*list) {
        const char *w = word;

        while (*w && *list == *w) {
            list++;
            w++;
        }
        if (*w == '\0' && (*list == ' ' || *list == '\0')) {
            return true;
        }
        while (*list && *list != ' ') {
            list++;
        }
        while (*list == ' ') {
            list++;
        }
    }
    return false;
}

static void fact_name(char name[5], unsigned int number)
{
    name[0] = 'F';
    name[1] = (char)('0' + number / 100 % 10);
    name[2] = (char)('0' + number / 10 % 10);
    name[3] = (char)('0' + number % 10);
    name[4] = '\0';
}

/* Why the fact cannot be looked at in this world, NULL if it can. */
static const char *what_is_missing(const struct fact *fact, unsigned int world)
{
    unsigned int missing = fact->needs & ~world;

    if ((fact->needs & world & IN_ALL) == 0) {
        return world & IN_PV ? "not for PV guests" : "only for PV guests";
    }
    if (missing & (WITH_SUBJECT | WITH_DEAF)) {
        return "needs a second domain";
    }
    if (missing & WITH_CPU) {
        return "needs a processor";
    }
    if (missing & AS_HARDWARE) {
        return "needs the hardware domain";
    }
    if (missing & AS_DOMU) {
        return "needs a domain without privilege";
    }
    return NULL;
}

/* Of two domains that are run together, which one looks at the fact? */
static bool is_ours(const struct fact *fact, unsigned int world)
{
    bool pair = (fact->needs & (WITH_SUBJECT | WITH_DEAF)) != 0;

    if (world & WITH_SUBJECT) {
        return pair;
    }
    return !(pair && lab_is_subject());
}

static enum verdict look_at(const struct topic *topic, const struct fact *fact,
                            unsigned int world)
{
    const char *missing;
    char name[5];

    verdict = VERDICT_NONE;
    first_seen = false;
    has_other = false;
    fact_name(name, fact->number);
    add(name);
    add(" ");
    add(topic->name);
    add(": ");
    add(fact->claim);
    add(" | ");
    missing = what_is_missing(fact, world);
    if (missing != NULL) {
        skip(missing);
    } else {
        lab_reset();
        fact->look();
        lab_reset();
    }
    if (verdict == VERDICT_NONE) {
        broken("nothing was looked at");
    }
    finish_line();
    return verdict;
}

static bool is_wanted(const struct topic *topic, const struct fact *fact,
                      const char *only)
{
    char name[5];

    fact_name(name, fact->number);
    return is_word(only, topic->name) || is_word(only, name);
}

static bool names_any(const struct topic *const *topics, const char *only)
{
    for (; *topics; topics++) {
        for (unsigned int i = 0; i < (*topics)->nr_facts; i++) {
            if (is_wanted(*topics, &(*topics)->facts[i], only)) {
                return true;
            }
        }
    }
    return false;
}

/* DEPARTURE is a success, and a SKIP beside anything else does not matter. */
static enum verdict worst_of(enum verdict a, enum verdict b)
{
    b = b == VERDICT_DEPARTURE ? VERDICT_SUCCESS : b;
    if (a == VERDICT_NONE || b > VERDICT_SKIP) {
        return b > a ? b : a;
    }
    return a == VERDICT_SKIP ? b : a;
}

void check_topics(const struct topic *const *topics, unsigned int world,
                  const char *only)
{
    bool all = !names_any(topics, only);
    enum verdict worst = VERDICT_NONE;

    for (; *topics; topics++) {
        for (unsigned int i = 0; i < (*topics)->nr_facts; i++) {
            const struct fact *fact = &(*topics)->facts[i];

            if (is_ours(fact, world) &&
                (all || is_wanted(*topics, fact, only))) {
                worst = worst_of(worst, look_at(*topics, fact, world));
            }
        }
    }
    add("Test result: ");
    add(verdict_names[worst]);
    line[used++] = '\n';
    lab_print(line, used);
    used = 0;
}

void check_list(const struct topic *const *topics)
{
    for (; *topics; topics++) {
        for (unsigned int i = 0; i < (*topics)->nr_facts; i++) {
            char name[5];

            fact_name(name, (*topics)->facts[i].number);
            name[0] = 'L';
            add(name);
            add(" ");
            add((*topics)->name);
            add(": ");
            add((*topics)->facts[i].claim);
            line[used++] = '\n';
            lab_print(line, used);
            used = 0;
        }
    }
}
