/* SPDX-License-Identifier: MIT */
/*
 * The command line of a boot module (docs/link.md): what domain it is to
 * become, or which domain it belongs to. Pure, for the unit tests.
 */
#ifndef SCHEDOP_X86_VIRT_SPEC_H
#define SCHEDOP_X86_VIRT_SPEC_H

#include "virt.h"

/* A module for a domain rather than one itself. */
struct spec_module {
    char of[64]; /* name of the domain; "" when it is a domain */
    const char *cmdline;
};

/*
 * Decodes the command line of boot module `m`, the `number`th to become a
 * domain. False with one line in `why` when it cannot be understood; the
 * name is filled as far as it is known.
 */
bool spec_parse(const struct boot_module *m, unsigned number,
                struct domain_spec *spec, struct spec_module *module, char *why,
                size_t why_size);

#endif
