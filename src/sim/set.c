/* SPDX-License-Identifier: MIT */
/* Changing a workload after it was read: what `--set` of the lab does. */
#include <stdlib.h>
#include <string.h>

#include "workload.h"

static bool number(const char *s, uint64_t max, unsigned *value)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    if (*s < '0' || *s > '9' || *end != '\0' || n > max) {
        return false;
    }
    *value = (unsigned)n;
    return true;
}

static bool set_cpus(struct lab_domain *d, const char *value)
{
    uint64_t mask;

    if (!lab_parse_cpus(value, &mask)) {
        return false;
    }
    for (unsigned n = 0; n < d->nr_vcpus; n++) {
        d->hard[n] = mask;
    }
    return true;
}

static bool set_pool(const struct lab_workload *w, struct lab_domain *d,
                     const char *value)
{
    unsigned pool = workload_find_pool(w, value);

    if (pool == UINT32_MAX) {
        return false;
    }
    d->pool = pool;
    return true;
}

static bool set_one(const struct lab_workload *w, struct lab_domain *d,
                    const char *key, const char *value, bool *known)
{
    *known = true;
    if (strcmp(key, "weight") == 0) {
        return number(value, 65535, &d->weight) && d->weight != 0;
    }
    if (strcmp(key, "cap") == 0) {
        return number(value, SOP_VCPUS_MAX * 100, &d->cap);
    }
    if (strcmp(key, "budget") == 0) {
        return lab_parse_time(value, &d->budget_ns);
    }
    if (strcmp(key, "period") == 0) {
        return lab_parse_time(value, &d->period_ns);
    }
    if (strcmp(key, "cpus") == 0) {
        return set_cpus(d, value);
    }
    if (strcmp(key, "pool") == 0) {
        return set_pool(w, d, value);
    }
    *known = false;
    return false;
}

static bool is_meant(const char *pattern, size_t len, const char *name)
{
    if (len != 0 && pattern[len - 1] == '*') {
        return strncmp(pattern, name, len - 1) == 0;
    }
    return strlen(name) == len && strncmp(pattern, name, len) == 0;
}

bool lab_set(struct lab_workload *w, const char *assignment, char *error,
             size_t room)
{
    const char *dot = strchr(assignment, '.'), *equals;
    struct lab_error e = {error, room};
    char key[16];
    bool known, any = false;

    equals = dot != NULL ? strchr(dot, '=') : NULL;
    if (equals == NULL || (size_t)(equals - dot) > sizeof(key)) {
        return lab_fail(&e, "'%s' is not of the form domain.knob=value",
                        assignment);
    }
    memcpy(key, dot + 1, (size_t)(equals - dot) - 1);
    key[equals - dot - 1] = '\0';
    for (size_t i = 0; i < w->nr_domains; i++) {
        struct lab_domain *d = &w->domain[i];

        if (!is_meant(assignment, (size_t)(dot - assignment), d->name)) {
            continue;
        }
        any = true;
        if (!set_one(w, d, key, equals + 1, &known)) {
            return known ? lab_fail(&e, "'%s': that is no %s", assignment, key)
                         : lab_fail(&e,
                                    "'%s': knobs are weight, cap, budget, "
                                    "period, cpus, pool",
                                    assignment);
        }
    }
    return any || lab_fail(&e, "'%s': there is no such domain", assignment);
}
