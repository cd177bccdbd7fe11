/* SPDX-License-Identifier: MIT */
/*
 * conform-core: the conformance guest on the core alone, in this process.
 * usage: conform-core pvh|pv|domu [WORD...]
 *
 * pvh and pv run the hardware domain of that kind; domu runs a PVH hardware
 * domain with two more to experiment with. Words as of the guest (main.c).
 * Each domain runs its own copy of the guest.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"

int guest_main(void);
int second_guest_main(void);
int third_guest_main(void);

static int first(void)
{
    machine_kit_start();
    return guest_main();
}

static int second(void)
{
    machine_kit_start();
    return second_guest_main();
}

static int third(void)
{
    machine_kit_start();
    return third_guest_main();
}

int main(int argc, char **argv)
{
    char words[1024] = "", control[1100], subject[1100];
    const char *kind = argc > 1 ? argv[1] : "pvh";

    for (int i = 2; i < argc; i++) {
        size_t used = strlen(words);

        (void)snprintf(words + used, sizeof(words) - used, "%s%s",
                       used > 0 ? " " : "", argv[i]);
    }
    if (strcmp(kind, "domu") == 0) {
        (void)snprintf(control, sizeof(control), "subject=1 deaf=2 %s", words);
        (void)snprintf(subject, sizeof(subject), "serve=1 %s", words);
        (void)machine_domain(false, first, control);
        (void)machine_domain(false, second, subject);
        (void)machine_domain(false, third, "serve=1 facts=0 kit_upcall=0");
    } else if (strcmp(kind, "pv") == 0 || strcmp(kind, "pvh") == 0) {
        (void)machine_domain(strcmp(kind, "pv") == 0, first, words);
    } else {
        (void)fprintf(stderr, "usage: conform-core pvh|pv|domu [WORD...]\n");
        return 2;
    }
    if (machine_run() != 0) {
        (void)printf("the machine did not end well\n");
        return 6;
    }
    return 0;
}
