/* SPDX-License-Identifier: MIT */
/*
 * `xenstore-ls` and its relatives, as Debian's xenstore-utils have them: their
 * options, output, messages and statuses. They are made with the same library
 * and speak to the socket of a host that is xenstored's; so the originals do
 * as well, with XENSTORED_PATH in their environment.
 *
 * What changes or reads more than one node does so in a transaction, which is
 * tried again when somebody else was faster. verb_store_ls.c has the tree,
 * verb_store_text.c how values are written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "host_dir.h"
#include "verb_store.h"

bool store_has(const struct store *s, int option)
{
    return s->args->count[option] != 0;
}

int store_complain(const struct store *s, const char *format, ...)
{
    va_list ap;
    char *text = NULL;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) >= 0) {
        (void)fprintf(stderr, "%s: %s\n", s->name, text);
        free(text);
    }
    va_end(ap);
    return CLI_ERROR;
}

char *store_below(const char *path, const char *name)
{
    return cli_format("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
}

/* ---- the others ---- */

static int do_read(struct store *s)
{
    for (size_t i = 0; i < s->args->nr_operands; i++) {
        const char *path = s->args->operand[i];
        unsigned len = 0;
        char *value = xs_read(s->xs, s->txn, path, &len);

        if (value == NULL) {
            return store_complain(s, "couldn't read path %s", path);
        }
        if (store_has(s, OPT_PREFIX)) {
            cli_text_printf(&s->out, "%s: ", path);
        }
        if (store_has(s, OPT_RAW)) {
            cli_text_add(&s->out, value, len);
        } else {
            store_add_value(&s->out, value, len);
            cli_text_str(&s->out, "\n");
        }
        free(value);
    }
    return CLI_OK;
}

static int do_write(struct store *s)
{
    for (size_t i = 0; i + 1 < s->args->nr_operands; i += 2) {
        const char *path = s->args->operand[i];
        struct cli_text t = {0};
        bool done;

        if (store_has(s, OPT_RAW)) {
            cli_text_str(&t, s->args->operand[i + 1]);
        } else {
            store_add_unescaped(&t, s->args->operand[i + 1]);
        }
        done = xs_write(s->xs, s->txn, path, t.len > 0 ? t.data : "",
                        (unsigned)t.len);
        cli_text_free(&t);
        if (!done) {
            return store_complain(s, "could not write path %s", path);
        }
    }
    return CLI_OK;
}

/* Is there nothing in it, neither a value nor a child? */
static bool is_empty(struct store *s, const char *path)
{
    unsigned nr = 0, len = 0;
    char **names = xs_directory(s->xs, s->txn, path, &nr);
    char *value = xs_read(s->xs, s->txn, path, &len);
    bool empty = names != NULL && nr == 0 && len == 0;

    free(names);
    free(value);
    return empty;
}

static void tidy(struct store *s, const char *path)
{
    char *parent = cli_strdup(path), *slash;

    while ((slash = strrchr(parent, '/')) != NULL && slash != parent) {
        *slash = '\0';
        if (!is_empty(s, parent) || !xs_rm(s->xs, s->txn, parent)) {
            break;
        }
    }
    free(parent);
}

static int do_rm(struct store *s)
{
    for (size_t i = 0; i < s->args->nr_operands; i++) {
        const char *path = s->args->operand[i];

        if (!xs_rm(s->xs, s->txn, path)) {
            return store_complain(s, "could not remove path %s", path);
        }
        if (store_has(s, OPT_TIDY)) {
            tidy(s, path);
        }
    }
    return CLI_OK;
}

static int do_list(struct store *s)
{
    for (size_t i = 0; i < s->args->nr_operands; i++) {
        const char *path = s->args->operand[i];
        unsigned nr = 0;
        char **names = xs_directory(s->xs, s->txn, path, &nr);

        if (names == NULL) {
            return store_complain(s, "could not list path %s", path);
        }
        for (unsigned n = 0; n < nr; n++) {
            if (store_has(s, OPT_PREFIX)) {
                cli_text_printf(&s->out, "%s/", path);
            }
            cli_text_printf(&s->out, "%s\n", names[n]);
        }
        free(names);
    }
    return CLI_OK;
}

static int do_exists(struct store *s)
{
    for (size_t i = 0; i < s->args->nr_operands; i++) {
        char *value =
            xs_read(s->xs, s->txn, s->args->operand[i], &(unsigned){0});

        if (value == NULL) {
            return CLI_ERROR;
        }
        free(value);
    }
    return CLI_OK;
}

static bool set_perms(struct store *s, const char *path,
                      struct xs_permissions *perms, unsigned nr)
{
    if (xs_set_permissions(s->xs, s->txn, path, perms, nr)) {
        return true;
    }
    (void)store_complain(s, "Error occurred setting permissions on '%s': %s",
                         path, strerror(errno));
    return false;
}

/* `path` and all below it, in the order of ls. */
static bool set_perms_below(struct store *s, const char *path,
                            struct xs_permissions *perms, unsigned nr)
{
    struct store ls = *s;
    struct verb_args full = {.count[OPT_FULL] = 1};
    char *line, *save = NULL;
    bool good = set_perms(s, path, perms, nr);

    ls.args = &full;
    ls.out = (struct cli_text){0};
    good = good && store_list_tree(&ls, path) == 0;
    for (line = good ? strtok_r(ls.out.data, "\n", &save) : NULL;
         good && line != NULL; line = strtok_r(NULL, "\n", &save)) {
        line[strcspn(line, " :")] = '\0'; /* paths have neither blanks... */
        good = set_perms(s, line, perms, nr);
    }
    cli_text_free(&ls.out);
    return good;
}

static bool set_perms_above(struct store *s, const char *path,
                            struct xs_permissions *perms, unsigned nr)
{
    char *parent = cli_strdup(path), *slash;
    bool good = true;

    while (good && (slash = strrchr(parent, '/')) != NULL && slash != parent) {
        *slash = '\0';
        good = set_perms(s, parent, perms, nr);
    }
    free(parent);
    return good;
}

static int do_chmod(struct store *s)
{
    const char *path = s->args->operand[0];
    unsigned nr = (unsigned)s->args->nr_operands - 1;
    struct xs_permissions perms[PERMS_MAX];
    bool good;

    for (unsigned i = 0; i < nr && nr <= PERMS_MAX; i++) {
        char *word = cli_strdup(s->args->operand[i + 1]);

        good = xs_strings_to_perms(&perms[i], 1, word);
        if (!good) {
            (void)store_complain(s, "Invalid permission specification: '%c'",
                                 word[0]);
        }
        free(word);
        if (!good) {
            return CLI_ERROR;
        }
    }
    if (nr > PERMS_MAX) {
        return store_complain(s,
                              "Too many permissions specified.  Maximum per "
                              "invocation is %u.",
                              PERMS_MAX);
    }
    good = store_has(s, OPT_RECURSE) ? set_perms_below(s, path, perms, nr)
                                     : set_perms(s, path, perms, nr);
    if (good && store_has(s, OPT_UPTO)) {
        good = set_perms_above(s, path, perms, nr);
    }
    return good ? CLI_OK : CLI_ERROR;
}

static int do_watch(struct store *s)
{
    uint64_t left = UINT64_MAX;

    if (store_has(s, OPT_COUNT) &&
        !cli_number(s->args->value[OPT_COUNT], UINT32_MAX, &left)) {
        return store_complain(s, "-n %s: must be a number of events",
                              s->args->value[OPT_COUNT]);
    }
    for (size_t i = 0; i < s->args->nr_operands; i++) {
        if (!xs_watch(s->xs, s->args->operand[i], s->args->operand[i])) {
            return store_complain(s, "Unable to add watch on %s",
                                  s->args->operand[i]);
        }
    }
    while (left != 0) {
        unsigned nr;
        char **event = xs_read_watch(s->xs, &nr);

        if (event == NULL) {
            return store_complain(s, "the host is gone");
        }
        (void)printf("%s\n", event[XS_WATCH_PATH]);
        (void)fflush(stdout);
        free(event);
        left -= left > 0;
    }
    return CLI_OK;
}

/* ---- the verbs ---- */

#define SOCKET                                                                 \
    {                                                                          \
        "socket", 's', CLI_FLAG, OPT_SOCKET, NULL,                             \
            "Accepted: there is only the socket."                              \
    }
#define PREFIX(what)                                                           \
    {                                                                          \
        "prefix", 'p', CLI_FLAG, OPT_PREFIX, NULL, what                        \
    }
#define RAW(what)                                                              \
    {                                                                          \
        "raw", 'R', CLI_FLAG, OPT_RAW, NULL, what                              \
    }

static const struct cli_option ls_options[] = {
    {"full", 'f', CLI_FLAG, OPT_FULL, NULL, "Show the full path of each."},
    {"perms", 'p', CLI_FLAG, OPT_PERMS, NULL, "Show who may access each."},
    SOCKET,
    VERB_OPTIONS};
static const struct cli_option read_options[] = {
    PREFIX("Print the path before each value."),
    RAW("Print the bytes as they are, without a newline."), SOCKET,
    VERB_OPTIONS};
static const struct cli_option write_options[] = {
    RAW("Take values as they are: a backslash means itself."), SOCKET,
    VERB_OPTIONS};
static const struct cli_option rm_options[] = {
    {"tidy", 't', CLI_FLAG, OPT_TIDY, NULL,
     "Remove what is above, too, while it is empty."},
    SOCKET,
    VERB_OPTIONS};
static const struct cli_option list_options[] = {
    PREFIX("Print the path before each name."), SOCKET, VERB_OPTIONS};
static const struct cli_option exists_options[] = {PREFIX("Accepted."), SOCKET,
                                                   VERB_OPTIONS};
static const struct cli_option chmod_options[] = {
    {"recurse", 'r', CLI_FLAG, OPT_RECURSE, NULL, "All that is below, too."},
    {"upto", 'u', CLI_FLAG, OPT_UPTO, NULL, "All that is above, too."},
    SOCKET,
    VERB_OPTIONS};
static const struct cli_option watch_options[] = {
    {"number", 'n', CLI_VALUE, OPT_COUNT, "NR", "End after so many events."},
    SOCKET,
    VERB_OPTIONS};

static const char *const ls_words[] = {"[-f] [-p] [PATH]", NULL};
static const char *const read_words[] = {"[-p] [-R] PATH...", NULL};
static const char *const write_words[] = {"[-R] PATH VALUE...", NULL};
static const char *const rm_words[] = {"[-t] PATH...", NULL};
static const char *const list_words[] = {"[-p] PATH...", NULL};
static const char *const exists_words[] = {"PATH...", NULL};
static const char *const chmod_words[] = {"[-u] [-r] PATH MODE...", NULL};
static const char *const watch_words[] = {"[-n NR] PATH...", NULL};

static int store_main(const struct cli_command *self, int argc, char **argv);

#define VERB(verb, text, more)                                                 \
    const struct cli_command cli_xenstore_##verb##_command = {                 \
        .name = "xenstore-" #verb,                                             \
        .summary = (text),                                                     \
        .synopsis = verb##_words,                                              \
        .description = (more),                                                 \
        .options = verb##_options,                                             \
        .parts = verb_no_parts,                                                \
        .main = store_main,                                                    \
    }

VERB(ls, "list the xenstore of a host",
     "Lists all nodes below PATH, or all there are, with their values.");
VERB(read, "read values of a host's xenstore",
     "Prints the value of each node.");
VERB(write, "write values into a host's xenstore",
     "Writes each VALUE to the PATH before it, and makes the nodes that are "
     "missing. In a value \\t, \\n, \\r, \\xHH and octal \\NNN stand for "
     "bytes.");
VERB(rm, "remove nodes of a host's xenstore",
     "Removes each node with all below it.");
VERB(list, "list the children of nodes of a host's xenstore",
     "Prints the names of the children of each node.");
VERB(exists, "tell whether nodes of a host's xenstore exist",
     "Ends with status 0 when all of them do, else with 1.");
VERB(chmod, "set who may access a node of a host's xenstore",
     "The first MODE names the owner and what all others may do, the rest what "
     "one domain may do: n (nothing), r, w or b (both) and a domain id.");
VERB(watch, "print changes of a host's xenstore",
     "Prints the path of each change at or below PATH, the first at once.");

/* The verbs, and what they do. */
static const struct {
    const struct cli_command *command;
    int (*run)(struct store *s);
    size_t min, max;
    bool transaction, pairs;
} verbs[] = {
    {&cli_xenstore_ls_command, store_ls, 0, 1, false, false},
    {&cli_xenstore_read_command, do_read, 1, SIZE_MAX, true, false},
    {&cli_xenstore_write_command, do_write, 2, SIZE_MAX, true, true},
    {&cli_xenstore_rm_command, do_rm, 1, SIZE_MAX, true, false},
    {&cli_xenstore_list_command, do_list, 1, SIZE_MAX, true, false},
    {&cli_xenstore_exists_command, do_exists, 1, SIZE_MAX, true, false},
    {&cli_xenstore_chmod_command, do_chmod, 2, SIZE_MAX, true, false},
    {&cli_xenstore_watch_command, do_watch, 1, SIZE_MAX, false, false},
};

/* Once, or in a transaction as often as somebody else comes between. */
static int run(struct store *s, int (*act)(struct store *s), bool transaction)
{
    int rc;

    for (;;) {
        s->txn = transaction ? xs_transaction_start(s->xs) : XBT_NULL;
        if (transaction && s->txn == XBT_NULL) {
            return store_complain(s, "couldn't start transaction");
        }
        rc = act(s);
        if (!transaction || xs_transaction_end(s->xs, s->txn, rc != CLI_OK)) {
            return rc;
        }
        if (errno != EAGAIN) {
            return store_complain(s, "couldn't end transaction");
        }
        s->out.len = 0;
    }
}

/* The library finds the socket by its environment. */
static struct xs_handle *connect_to(const struct host_dir *dir)
{
    char *path = cli_format("/proc/self/fd/%d/" HOST_STORE_SOCKET, dir->fd);
    struct xs_handle *xs = NULL;

    if (setenv("XENSTORED_PATH", path, 1) == 0) {
        xs = xs_open(0);
    }
    free(path);
    return xs;
}

static int usage(const struct cli_command *self)
{
    (void)fprintf(stderr, "%s: Usage: %s [-h] [-s] %s\n", self->name,
                  self->name, self->synopsis[0]);
    return CLI_ERROR;
}

static int with_host(struct store *s, size_t verb)
{
    struct control c;
    struct host_dir dir;
    const char *name = host_dir_name(verb_host(s->args));
    int rc;

    if (name == NULL || verb_connect(s->args, &c) != 0) {
        return CLI_ERROR; /* whether it is there, and what became of it */
    }
    control_close(&c);
    if (host_dir_open(&dir, name, false) != 0) {
        return CLI_ERROR;
    }
    s->xs = connect_to(&dir);
    if (s->xs == NULL) {
        rc = store_complain(s, "xs_open: %s", strerror(errno));
    } else {
        rc = run(s, verbs[verb].run, verbs[verb].transaction);
        xs_close(s->xs);
    }
    host_dir_close(&dir);
    if (s->out.len > 0 && !cli_text_print(&s->out, STDOUT_FILENO)) {
        rc = CLI_ERROR;
    }
    return rc;
}

/* Wrong usage has status 1, as with the originals. */
static int store_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct store s = {.name = self->name, .args = &a};
    size_t verb = 0;
    int rc = verb_parse(self, argc, argv, 0, SIZE_MAX, &a);

    if (rc >= 0) {
        return rc == CLI_USAGE ? CLI_ERROR : rc;
    }
    while (verbs[verb].command != self) {
        verb++;
    }
    if (a.nr_operands < verbs[verb].min || a.nr_operands > verbs[verb].max ||
        (verbs[verb].pairs && a.nr_operands % 2 != 0)) {
        rc = usage(self);
    } else {
        rc = with_host(&s, verb);
    }
    cli_text_free(&s.out);
    verb_args_free(&a);
    return rc;
}
