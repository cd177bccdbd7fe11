/* SPDX-License-Identifier: MIT */
/* Chooses the role: see hostile.h. */
#include "hostile.h"

static unsigned int complaints;

void complain(const char *format, ...)
{
    va_list args;

    complaints++;
    kit_printf("COMPLAINT: ");
    va_start(args, format);
    kit_vprintf(format, args);
    va_end(args);
    kit_printf("\n");
}

int main(void)
{
    char role[16], name[32];

    if (!kit_arg("role", role, sizeof(role))) {
        kit_panic("no role= on the command line");
    }
    attempts_start();
    targets_start();
    random_seed(kit_arg_u64("seed", 1));
    if (strcmp(role, "sentinel") == 0) {
        sentinel();
    } else if (strcmp(role, "calls") == 0) {
        bad_calls();
    } else if (strcmp(role, "sweep") == 0) {
        sweep();
    } else if (strcmp(role, "insns") == 0) {
        odd_instructions();
        cpuid_of_users();
    } else if (strcmp(role, "vandal") == 0) {
        spoil_shared_pages();
    } else if (strcmp(role, "flipper") == 0) {
        change_operands();
    } else if (strcmp(role, "fuzz") == 0) {
        fuzz();
    } else if (strcmp(role, "deed") == 0 &&
               kit_arg("deed", name, sizeof(name))) {
        deed(name);
        complain("still alive after the deed %s", name);
    } else {
        kit_panic("no such role: %s", role);
    }
    kit_printf("%s: %u complaints\n", role, complaints);
    return complaints == 0 ? 0 : 1;
}
