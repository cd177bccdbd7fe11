/* SPDX-License-Identifier: MIT */
/*
 * `schedop conform`: finds the conformance suite of the source tree this
 * program was built in and becomes it (tests/conformance/suite.sh), or for
 * --fuzz the campaign of random programs (tests/differential/campaign.sh).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"

#define SUITE "tests/conformance/suite.sh"
#define CAMPAIGN "tests/differential/campaign.sh"
#define MATRIX "docs/conformance.md"
#define IMAGE "tests/conformance.elf"

enum {
    OPT_ENV = 1,
    OPT_LIST,
    OPT_TAP,
    OPT_JUNIT,
    OPT_MATRIX,
    OPT_FUZZ,
    OPT_SEED,
    OPT_HELP,
};

static const struct cli_option options[] = {
    {"env", 'e', CLI_VALUE, OPT_ENV, "NAME",
     "Run one environment; repeatable (default: all). `--list` names them."},
    {"list", 'l', CLI_FLAG, OPT_LIST, NULL,
     "Name environments and facts, run nothing."},
    {"tap", 0, CLI_FLAG, OPT_TAP, NULL, "Print TAP, a line for each fact."},
    {"junit", 0, CLI_VALUE, OPT_JUNIT, "FILE", "Write JUnit XML too."},
    {"matrix", 0, CLI_VALUE, OPT_MATRIX, "FILE",
     "Write the divergence matrix there (default: docs/conformance.md of the "
     "source tree, when every fact runs in every environment)."},
    {"fuzz", 0, CLI_VALUE, OPT_FUZZ, "N",
     "Instead of facts, run N random programs of hypercalls on real Xen and "
     "on schedop, and compare."},
    {"seed", 's', CLI_VALUE, OPT_SEED, "N",
     "The seed of --fuzz (default 1): the same seed, the same programs."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_item statuses[] = {
    {"0", "SUCCESS: everything as on real Xen, or departs as published."},
    {"3", "SKIP: nothing could be looked at."},
    {"4", "ERROR: the suite itself failed."},
    {"5", "FAILURE: a fact is false somewhere, or differs."},
    {"6", "CRASH: a run did not come to its end."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Examples of conform",
     "  schedop conform                        all of it, and the matrix\n"
     "  schedop conform --env schedop poll     one topic in one environment\n"
     "  schedop conform F057 F058              two facts everywhere\n"
     "  schedop conform --fuzz 1000 --seed 7   random programs",
     NULL, true},
    {"Exit status of conform",
     "Those of xtf-runner; the last line is \"Test result: VERDICT\".",
     statuses, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {
    "[options] [TOPIC|FACT...]",
    "--fuzz N [--seed N]",
    NULL,
};

struct conform {
    const char **args; /* for the suite, options and words */
    size_t nr_args;
    const char *matrix, *fuzz, *seed;
    bool partly; /* not every fact in every environment */
    bool list, help;
};

static void add(struct conform *c, const char *arg)
{
    c->args = cli_grow(c->args, c->nr_args + 1, sizeof(*c->args));
    c->args[c->nr_args++] = arg;
}

static void add_option(struct conform *c, const char *name, const char *value)
{
    add(c, name);
    add(c, value);
}

/* Words reach a shell script and a guest's command line: names only. */
static int take_word(struct conform *c, const char *word)
{
    if (word[0] == '\0' ||
        strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789_") != strlen(word)) {
        cli_error("'%s' is neither a topic nor a fact; `schedop conform "
                  "--list` names all",
                  word);
        return CLI_USAGE;
    }
    add(c, word);
    c->partly = true;
    return 0;
}

static int take_count(const char *option, const char *value, const char **out)
{
    uint64_t n;

    if (!cli_number(value, UINT64_MAX, &n)) {
        cli_error("--%s %s: must be a number", option, value);
        return CLI_USAGE;
    }
    *out = value;
    return 0;
}

static int handle(void *ctx, int id, const char *value)
{
    struct conform *c = ctx;

    switch (id) {
    case OPT_ENV:
        add_option(c, "--env", value);
        c->partly = true;
        return 0;
    case OPT_LIST:
        c->list = true;
        return 0;
    case OPT_TAP:
        add(c, "--tap");
        return 0;
    case OPT_JUNIT:
        add_option(c, "--junit", value);
        return 0;
    case OPT_MATRIX:
        c->matrix = value;
        return 0;
    case OPT_FUZZ:
        return take_count("fuzz", value, &c->fuzz);
    case OPT_SEED:
        return take_count("seed", value, &c->seed);
    case OPT_HELP:
        c->help = true;
        return 0;
    default:
        return take_word(c, value);
    }
}

/* ---- the tree ---- */

/* The directory of this program: the build directory of a built tree. */
static char *build_directory(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return cli_strdup(self);
}

/* The source tree: named, above the build directory, or where we are. */
static char *find_tree(const char *build, const char *script)
{
    const char *named = getenv("SCHEDOP_TREE");
    char *places[] = {named != NULL ? cli_strdup(named)
                                    : cli_format("%s/..", build),
                      cli_strdup(".")};
    char *tree = NULL;

    for (size_t i = 0; i < 2; i++) {
        char *path = cli_format("%s/%s", places[i], script);

        if (tree == NULL && access(path, R_OK) == 0) {
            tree = places[i];
        } else {
            free(places[i]);
        }
        free(path);
    }
    return tree;
}

static int nothing_here(const char *build)
{
    cli_error(
        "the conformance suites are not installed: they need schedop's "
        "source tree, built with `make`, for their guest images (%s), and "
        "Debian's package of Xen, which they download. Run `build/schedop "
        "conform` there, or set SCHEDOP_TREE (this program is in %s)",
        IMAGE, build);
    return CLI_TEST_ERROR;
}

/* ---- becoming the suite ---- */

static int become(const char *tree, const char *script, const char *build,
                  const struct conform *c)
{
    size_t n = 0;
    char **argv = cli_alloc((c->nr_args + 5) * sizeof(*argv));

    argv[n++] = cli_strdup("bash");
    argv[n++] = cli_format("%s/%s", tree, script);
    if (c->fuzz == NULL) {
        argv[n++] = cli_strdup(build);
    } else if (setenv("SCHEDOP_BUILD", build, 1) != 0) {
        return CLI_TEST_ERROR;
    }
    for (size_t i = 0; i < c->nr_args; i++) {
        argv[n++] = cli_strdup(c->args[i]);
    }
    argv[n] = NULL;
    execvp(argv[0], argv);
    cli_error("cannot run bash: %s", strerror(errno));
    return CLI_TEST_ERROR;
}

static int check(const struct conform *c)
{
    if (c->fuzz == NULL && c->seed != NULL) {
        cli_error("--seed goes with --fuzz");
        return CLI_USAGE;
    }
    if (c->fuzz != NULL && (c->nr_args != 0 || c->matrix != NULL || c->list)) {
        cli_error("--fuzz goes with --seed alone");
        return CLI_USAGE;
    }
    return 0;
}

/* Returns only when there is nothing to become, or no shell. */
static int start(struct conform *c)
{
    const char *script = c->fuzz != NULL ? CAMPAIGN : SUITE;
    char *build = build_directory(), *tree = find_tree(build, script);
    char *matrix = tree != NULL ? cli_format("%s/" MATRIX, tree) : NULL;
    int rc;

    if (c->fuzz != NULL) {
        add_option(c, c->fuzz, c->seed != NULL ? c->seed : "1");
    } else if (c->list) {
        add(c, "--list");
    } else if (c->matrix != NULL || (!c->partly && matrix != NULL)) {
        add_option(c, "--matrix", c->matrix != NULL ? c->matrix : matrix);
    }
    rc = tree != NULL ? become(tree, script, build, c) : nothing_here(build);
    free(matrix);
    free(tree);
    free(build);
    return rc;
}

static int conform_main(const struct cli_command *self, int argc, char **argv)
{
    struct conform c = {0};
    struct cli_text text = {0};
    int rc = cli_options_parse(self, argc, argv, handle, &c);

    if (rc == 0 && c.help) {
        cli_help(&text, self);
        rc = cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (rc == 0) {
        rc = check(&c);
        rc = rc == 0 ? start(&c) : rc;
    }
    free(c.args);
    return rc;
}

const struct cli_command cli_conform_command = {
    .name = "conform",
    .summary = "compare schedop with real Xen, fact by fact",
    .synopsis = synopsis,
    .description =
        "Runs one guest image that looks at the numbered facts of Xen's "
        "scheduler interface: on schedop and on real Xen, as hardware domain "
        "and as ordinary domain, and on schedop's core alone. Judges each "
        "fact, compares schedop with Xen, and writes what was seen as a table, "
        "the divergence matrix.\n"
        "\n"
        "Needs a built source tree. Real Xen is the newest "
        "xen-hypervisor-*-amd64 of the distribution, downloaded and unpacked "
        "but not installed; without it those environments are left out.",
    .options = options,
    .parts = parts,
    .main = conform_main,
};
