/* SPDX-License-Identifier: MIT */
/*
 * What should not happen.
 *
 * BUG_ON() is always compiled in: for states in which going on could leak or
 * corrupt. ASSERT() catches our own mistakes early and may be compiled out
 * (-DSOP_DEBUG=0), so it has no side effects and is never error handling. One
 * condition each. Whoever links this room defines sop_bug().
 */
#ifndef SCHEDOP_LIB_BUG_H
#define SCHEDOP_LIB_BUG_H

#include "compiler.h"

#ifndef SOP_DEBUG
#define SOP_DEBUG 1
#endif

/* Stops everything, naming the condition that was met. */
_Noreturn void sop_bug(const char *file, int line, const char *what);

#define BUG_ON(cond)                                                           \
    do {                                                                       \
        if (unlikely(cond)) {                                                  \
            sop_bug(__FILE__, __LINE__, #cond);                                \
        }                                                                      \
    } while (0)

#define ASSERT(cond)                                                           \
    do {                                                                       \
        if (SOP_DEBUG && unlikely(!(cond))) {                                  \
            sop_bug(__FILE__, __LINE__, "!(" #cond ")");                       \
        }                                                                      \
    } while (0)

#endif
