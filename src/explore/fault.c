/* SPDX-License-Identifier: MIT */
/* See fault.h. */
#include "fault.h"

#include <string.h>

#include "../lib/prng.h"

static const struct {
    const char *name;
    enum ex_step_kind kind;
} faults[] = {
    {"spurious-kicks", EX_STEP_SPURIOUS_KICK},
    {"spurious-timers", EX_STEP_SPURIOUS_TIMER},
    {"copy-faults", EX_STEP_COPY_FAULT},
};

unsigned fault_kinds(const char *names)
{
    unsigned i, set = 0;

    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (names == NULL || strcmp(names, "all") == 0 ||
            strstr(names, faults[i].name) != NULL) {
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

int fault_campaign(const struct explore_request *req)
{
    (void)req;
    return 2;
}
