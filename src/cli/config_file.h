/* SPDX-License-Identifier: MIT */
/*
 * Files in the syntax of xl.cfg, read by Xen's own parser (libxlutil);
 * keys.c adds the line numbers.
 *
 * Readers return 0 when the key is absent, and then leave *value as it is, or
 * good; and -1 after an error message that names file and line.
 */
#ifndef SCHEDOP_CLI_CONFIG_FILE_H
#define SCHEDOP_CLI_CONFIG_FILE_H

#include <libxlutil.h>

#include "image.h"
#include "keys.h"

struct cli_domain;

struct config {
    const char *path;
    XLU_Config *xlu;
    struct cli_keys keys;
    struct cli_domain *domain; /* for config.c */
};

/* 0, or -1 after error messages. To be closed in both cases. */
int config_open(struct config *c, const struct cli_image *file);
void config_close(struct config *c);

/* "file:line" of a key, or the file; to be freed. */
char *config_where(const struct config *c, const char *key);

/* Says `what` is wrong with a key; returns -1. */
int config_bad(const struct config *c, const char *key, const char *what);
int config_string(const struct config *c, const char *key, const char **value);
int config_number(const struct config *c, const char *key, uint64_t min,
                  uint64_t max, uint64_t *value);
int config_unsigned(const struct config *c, const char *key, unsigned min,
                    unsigned max, unsigned *value);

/* The pCPUs that `text`, of that key, names. */
int config_cpulist(const struct config *c, const char *key, const char *text,
                   uint64_t *mask);

#endif
