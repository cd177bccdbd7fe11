/* SPDX-License-Identifier: MIT */
/* `mem-set` and `mem-max`: the balloon of a domain, as xl has them. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "verb.h"

static int set_main(const struct cli_command *self, int argc, char **argv);
static int max_main(const struct cli_command *self, int argc, char **argv);

static const char *const synopsis[] = {"DOMAIN MEMORY[b|k|m|g|t]", NULL};

#define UNITS                                                                  \
    "MEMORY is in MiB, or in bytes, KiB, MiB, GiB or TiB with the letter "     \
    "after it."

const struct cli_command cli_mem_set_command = {
    .name = "mem-set",
    .summary = "set the current memory usage for a domain",
    .synopsis = synopsis,
    .description =
        "Asks a domain to use so much memory, by memory/target in its "
        "xenstore. It is for the domain's balloon driver to act on that: what "
        "it gives back it can take again later. " UNITS,
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = set_main,
};

const struct cli_command cli_mem_max_command = {
    .name = "mem-max",
    .summary = "set the maximum amount reservation for a domain",
    .synopsis = synopsis,
    .description =
        "Sets how much memory a domain may have at most, and up to what "
        "mem-set may raise it (memory/static-max in its xenstore). " UNITS,
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = max_main,
};

/*
 * KiB; false when it is no size. An empty word is none either, though xl takes
 * it for 0 and so ends the domain.
 */
static bool parse(const char *word, int64_t *kib)
{
    char *end;
    int shift;

    errno = 0;
    *kib = strtoll(word, &end, 10);
    switch (tolower((unsigned char)*end)) {
    case 't':
        shift = 30;
        break;
    case 'g':
        shift = 20;
        break;
    case 'm':
    case '\0':
        shift = 10;
        break;
    case 'k':
        shift = 0;
        break;
    case 'b':
        *kib /= 1024;
        shift = 0;
        break;
    default:
        return false;
    }
    if (errno != 0 || end == word || (*end != '\0' && end[1] != '\0') ||
        *kib > INT64_MAX >> shift || *kib < INT64_MIN >> shift) {
        return false;
    }
    *kib *= (int64_t)1 << shift;
    return true;
}

/*
 * Whoever asks for less than nothing asks xl for more than there can be: it
 * refuses the one, and we the other, too.
 */
static int set(struct control *c, const char *const *word, const char *request,
               const char *what)
{
    int domid = verb_domid(c, word[0]);
    char *error = NULL;
    json_t *answer = NULL;
    int64_t kib;

    if (domid < 0) {
        return CLI_ERROR;
    }
    if (!parse(word[1], &kib)) {
        cli_error("invalid memory size: %s", word[1]);
        return CLI_ERROR;
    }
    if (kib >= 0) {
        answer = control_do(
            c, request,
            json_pack("{s:i, s:I}", "domid", domid, "kib", (json_int_t)kib),
            &error);
    }
    if (error != NULL || kib < 0) {
        cli_error("Domain %d:%s", domid, kib < 0 ? "out of range" : error);
        cli_error("cannot set domid %d %s max memory to : %s", domid, what,
                  word[1]);
    }
    free(error);
    json_decref(answer);
    return answer != NULL ? CLI_OK : CLI_ERROR;
}

static int set_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);

    return rc >= 0 ? rc
                   : verb_end(&a, &c,
                              set(&c, a.operand, "memory-target", "dynamic"));
}

static int max_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);

    return rc >= 0
               ? rc
               : verb_end(&a, &c, set(&c, a.operand, "memory-max", "static"));
}
