/* SPDX-License-Identifier: MIT */
/* Lists of pCPUs: see cpulist.h. */
#include "cpulist.h"

#include <ctype.h>
#include <string.h>

#include <schedop/limits.h>

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

static bool number(const char **s, unsigned *value)
{
    unsigned n = 0;

    if (!isdigit((unsigned char)**s)) {
        return false;
    }
    for (; isdigit((unsigned char)**s); (*s)++) {
        n = n < 100000 ? n * 10 + (unsigned)(**s - '0') : n;
    }
    *value = n;
    return true;
}

static uint64_t range_mask(unsigned first, unsigned last)
{
    uint64_t low_bits =
        last == 63 ? UINT64_MAX : ((uint64_t)1 << (last + 1)) - 1;

    return low_bits & ~(((uint64_t)1 << first) - 1);
}

/* One item, without the "^". Moves *s behind it. */
static const char *item(const char **s, uint64_t *mask)
{
    unsigned first, last;

    if (strncmp(*s, "all", 3) == 0) {
        *s += 3;
        *mask = UINT64_MAX;
        return NULL;
    }
    if (strncmp(*s, "node", 4) == 0) {
        return "lists of NUMA nodes are not supported: name the pCPUs";
    }
    if (!number(s, &first)) {
        return "expected \"all\", a pCPU number or a range such as 0-3";
    }
    last = first;
    *s = skip_blanks(*s);
    if (**s == '-') {
        *s = skip_blanks(*s + 1);
        if (!number(s, &last)) {
            return "a range needs a number after the \"-\"";
        }
    }
    if (last < first) {
        return "a range runs from the lower to the higher number";
    }
    if (last >= SOP_PCPUS_MAX) {
        return "pCPU numbers end at 63";
    }
    *mask = range_mask(first, last);
    return NULL;
}

const char *cli_cpulist(const char *list, uint64_t *mask)
{
    const char *s = skip_blanks(list);

    *mask = 0;
    while (*s != '\0') {
        bool remove = *s == '^';
        const char *wrong;
        uint64_t some;

        s = remove ? skip_blanks(s + 1) : s;
        wrong = item(&s, &some);
        if (wrong != NULL) {
            return wrong;
        }
        *mask = remove ? *mask & ~some : *mask | some;
        s = skip_blanks(s);
        if (*s == ',') {
            s = skip_blanks(s + 1);
        } else if (*s != '\0') {
            return "expected a comma between items";
        }
    }
    return *mask == 0 ? "it names no pCPU" : NULL;
}
