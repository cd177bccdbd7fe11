/* SPDX-License-Identifier: MIT */
/*
 * Facts, what was seen of them, and the verdict.
 *
 * A fact is a numbered line of the specification (section 9) and a function
 * that looks whether it is true here. Facts are grouped into topics, one file
 * each. Every fact prints exactly one line,
 *
 *     F044 poll: a port that is not live is -EINVAL | 0 -EINVAL, ... | SUCCESS
 *
 * that is number, topic, claim, what was observed, verdict. A line never holds
 * a raw time, address or count that could differ between two runs, so the
 * transcripts of two hosts can be compared byte for byte.
 *
 * Verdicts, from good to bad; the worst one of a fact sticks:
 *   SUCCESS    as real Xen does it
 *   DEPARTURE  different in the one way the specification allows (3.10)
 *   SKIP       cannot be looked at here; the observation says why
 *   ERROR      the test itself is broken or could not be set up
 *   FAILURE    the claim is false here
 * The last line of all is "Test result: " and SUCCESS, ERROR or FAILURE (SKIP
 * if nothing else was there).
 */
#ifndef SCHEDOP_TESTS_CHECK_H
#define SCHEDOP_TESTS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum verdict {
    VERDICT_NONE, /* nothing was looked at: counts as an error */
    VERDICT_SUCCESS,
    VERDICT_DEPARTURE,
    VERDICT_SKIP,
    VERDICT_ERROR,
    VERDICT_FAILURE,
};

/* What a claim needs: a kind of guest, and perhaps more. */
#define IN_PV 1u
#define IN_PVH 2u
#define IN_ALL 3u
#define AS_HARDWARE 4u   /* the hardware domain */
#define AS_DOMU 8u       /* a domain without privilege */
#define WITH_SUBJECT 16u /* the hardware domain and a domain to try it on */
#define WITH_CPU 64u     /* a processor, not the core alone */
#define WITH_DEAF 32u    /* ... and one that never asked for upcalls */

struct fact {
    unsigned int number;
    unsigned int needs;
    const char *claim;
    void (*look)(void); /* calls saw(), skip() or broken() at least once */
};

struct topic {
    const char *name;
    const struct fact *facts;
    unsigned int nr_facts;
};

#define TOPIC(ident, title, table)                                             \
    const struct topic ident = {                                               \
        title, table, (unsigned int)(sizeof(table) / sizeof((table)[0]))}

/*
 * Looks at every fact of `topics` (NULL ends the list) whose topic or number
 * is named in `only`, words separated by spaces such as "poll F057"; all of
 * them if `only` is empty or names none. Prints their lines and the result.
 *
 * `world` is what there is of the needs above. A fact that needs more is
 * skipped; but facts about two domains are left to the one of them that
 * controls the other, which looks at no others.
 */
void check_topics(const struct topic *const *topics, unsigned int world,
                  const char *only);

/* Prints "L044 poll: claim" for each fact, looking at none. */
void check_list(const struct topic *const *topics);

/* A call's result, printed as a number or as minus the error's name. */
void saw(const char *what, long observed, long expected);

/* A register, printed in hexadecimal. */
void saw_bits(const char *what, uint64_t observed, uint64_t expected);

/* Something that ought to be so; printed as yes or no. */
void saw_that(const char *what, bool is_so);

/* The allowed other value, or answer, of the next saw, and only of that. */
void may_be(uint64_t other);

/* Ends the looking: it cannot be done here, or the set-up went wrong. */
void skip(const char *why);
void broken(const char *why);

#endif
