/* SPDX-License-Identifier: MIT */
/* Domains from configuration files in xl.cfg syntax. */
#ifndef SCHEDOP_CLI_CONFIG_H
#define SCHEDOP_CLI_CONFIG_H

#include "domain.h"
#include "keys.h"
#include "options.h"

/*
 * Fills `d` (already initialised) from the configuration in `file` and loads
 * its kernel and ramdisk. Warns about keys without effect. Returns 0, or -1
 * after an error message that names file and line.
 */
int cli_config_read(const struct cli_image *file, struct cli_domain *d);

/* Warns about keys that are unknown or have no effect. */
void cli_config_warn(const char *path, const struct cli_keys *keys);

/* For the manual: the keys with an effect. */
extern const struct cli_item cli_config_items[];

#endif
