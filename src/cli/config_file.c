/* SPDX-License-Identifier: MIT */
/* See config_file.h. */
#include "config_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpulist.h"

char *config_where(const struct config *c, const char *key)
{
    unsigned line = cli_keys_line(&c->keys, key);

    return line != 0 ? cli_format("%s:%u", c->path, line) : cli_strdup(c->path);
}

int config_bad(const struct config *c, const char *key, const char *what)
{
    cli_error("%s:%u: %s", c->path, cli_keys_line(&c->keys, key), what);
    return -1;
}

int config_string(const struct config *c, const char *key, const char **value)
{
    const char *s;
    int rc = xlu_cfg_get_string(c->xlu, key, &s, 1);

    if (rc == ESRCH) {
        return 0;
    }
    if (rc != 0) {
        cli_error("%s:%u: %s must be one value, not a list", c->path,
                  cli_keys_line(&c->keys, key), key);
        return -1;
    }
    *value = s;
    return 0;
}

int config_number(const struct config *c, const char *key, uint64_t min,
                  uint64_t max, uint64_t *value)
{
    const char *s = NULL;
    uint64_t n;

    if (config_string(c, key, &s) != 0) {
        return -1;
    }
    if (s == NULL) {
        return 0;
    }
    if (!cli_number(s, UINT64_MAX, &n)) {
        cli_error("%s:%u: %s = %s is not a number", c->path,
                  cli_keys_line(&c->keys, key), key, s);
        return -1;
    }
    if (n < min || n > max) {
        cli_error("%s:%u: %s = %s: must be %" PRIu64 " to %" PRIu64, c->path,
                  cli_keys_line(&c->keys, key), key, s, min, max);
        return -1;
    }
    *value = n;
    return 0;
}

int config_unsigned(const struct config *c, const char *key, unsigned min,
                    unsigned max, unsigned *value)
{
    uint64_t n = *value;
    int rc = config_number(c, key, min, max, &n);

    *value = (unsigned)n;
    return rc;
}

int config_cpulist(const struct config *c, const char *key, const char *text,
                   uint64_t *mask)
{
    const char *wrong = cli_cpulist(text, mask);

    if (wrong != NULL) {
        cli_error("%s:%u: %s = \"%s\": %s", c->path,
                  cli_keys_line(&c->keys, key), key, text, wrong);
        return -1;
    }
    return 0;
}

/* Xen's parser reports lines of its own; they become messages of ours. */
static void relay(char *report)
{
    char *rest = report, *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line != '\0') {
            cli_error("%s", line);
        }
    }
}

int config_open(struct config *c, const struct cli_image *file)
{
    char *report = NULL;
    size_t report_len = 0;
    FILE *f = open_memstream(&report, &report_len);
    int rc = -1;

    c->path = file->path;
    if (f == NULL || (c->xlu = xlu_cfg_init(f, c->path)) == NULL) {
        cli_error("out of memory");
        goto out;
    }
    rc = xlu_cfg_readdata(c->xlu, (const char *)file->data, (int)file->size);
    if (fflush(f) != 0 || rc != 0) {
        relay(report);
        if (memchr(file->data, '\r', file->size) != NULL) {
            cli_error("%s: its lines end as on DOS: remove the carriage "
                      "returns",
                      c->path);
        }
        rc = -1;
    } else {
        cli_keys_scan(&c->keys, (const char *)file->data, file->size);
    }
out:
    if (f != NULL) {
        (void)fclose(f); /* memory, not a file */
    }
    free(report);
    return rc;
}

void config_close(struct config *c)
{
    cli_keys_free(&c->keys);
    if (c->xlu != NULL) {
        xlu_cfg_destroy(c->xlu);
    }
}
