/* SPDX-License-Identifier: MIT */
/* `xenstore-ls`: a tree, in the columns of the original. See verb_store.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "verb_store.h"

#define DEPTH_MAX 1536u /* a path has 3,072 bytes at most */

static const char access_letter[] = {'n', 'r', 'w', 'b'};

static void add_perms(struct store *s, const char *path)
{
    unsigned nr = 0;
    struct xs_permissions *p = xs_get_permissions(s->xs, s->txn, path, &nr);

    if (p == NULL) {
        return;
    }
    cli_text_str(&s->out, "  (");
    for (unsigned i = 0; i < nr; i++) {
        cli_text_printf(&s->out, "%s%c%u", i > 0 ? "," : "",
                        access_letter[p[i].perms & 3], p[i].id);
    }
    cli_text_str(&s->out, ")");
    free(p);
}

/*
 * The originals' columns: a line of a tree is cut to the terminal's width, or
 * 80, and rights stand in column 60. Full paths are never cut.
 */
static size_t line_width(const struct store *s)
{
    struct winsize ws;

    if (store_has(s, OPT_FULL)) {
        return SIZE_MAX;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) != 0) {
        return 80;
    }
    return ws.ws_col > 10 ? ws.ws_col - 2u : SIZE_MAX;
}

#define TAG 8u /* bytes of ' = "..."' */

/* Adds the value behind what began at `start`; false: it was cut. */
static bool add_tail(struct store *s, size_t start, const char *value,
                     unsigned len)
{
    size_t width = line_width(s), used = s->out.len - start;
    bool fits = width - (width == SIZE_MAX ? 0 : TAG) >= used + len;
    struct cli_text t = {0};

    store_add_value(&t, value, len);
    cli_text_printf(&s->out, fits ? " = \"%.*s\"" : " = \"%.*s\\...\"",
                    (int)(fits                 ? t.len
                          : width > TAG + used ? width - TAG - used
                                               : 0),
                    t.len > 0 ? t.data : "");
    cli_text_free(&t);
    return fits;
}

static void add_dots(struct store *s, size_t start)
{
    size_t width = line_width(s);

    cli_text_str(&s->out, " ");
    for (size_t at = s->out.len - start;
         width != SIZE_MAX && at < (width < 60 ? width : 60); at++) {
        cli_text_str(&s->out, (at & 1) != 0 ? "." : " ");
    }
}

static void add_node(struct store *s, const char *path, const char *name,
                     unsigned depth)
{
    size_t start = s->out.len;
    unsigned len = 0;
    char *value = xs_read(s->xs, s->txn, path, &len);

    if (store_has(s, OPT_FULL)) {
        cli_text_str(&s->out, path);
    } else {
        cli_text_printf(&s->out, "%*s%s", (int)depth, "", name);
    }
    if (value == NULL) { /* it went meanwhile */
        cli_text_str(&s->out, ":\n");
        return;
    }
    if (add_tail(s, start, value, len) && store_has(s, OPT_PERMS)) {
        add_dots(s, start);
    }
    free(value);
    if (store_has(s, OPT_PERMS)) {
        add_perms(s, path);
    }
    cli_text_str(&s->out, "\n");
}

/* A directory being listed. */
struct level {
    char *path, **name;
    unsigned nr, at;
};

static bool open_level(struct store *s, struct level *l, char *path)
{
    l->path = path;
    l->at = 0;
    l->name = xs_directory(s->xs, s->txn, path, &l->nr);
    return l->name != NULL;
}

static void close_level(struct level *l)
{
    free(l->name);
    free(l->path);
}

/*
 * Depth first, with a place per level. A node that goes while we look has no
 * children any more.
 */
int store_list_tree(struct store *s, const char *path)
{
    struct level level[DEPTH_MAX] = {0};
    size_t depth = 0;

    if (!open_level(s, &level[depth], cli_strdup(path))) {
        int error = errno;

        close_level(&level[0]);
        errno = error;
        return -1;
    }
    for (;;) {
        struct level *l = &level[depth];
        char *child;

        if (l->at == l->nr) {
            close_level(l);
            if (depth-- == 0) {
                return 0;
            }
            continue;
        }
        child = store_below(l->path, l->name[l->at]);
        add_node(s, child, l->name[l->at++], (unsigned)depth);
        if (depth + 1 == DEPTH_MAX) {
            free(child);
        } else if (open_level(s, &level[depth + 1], child)) {
            depth++;
        } else {
            close_level(&level[depth + 1]);
        }
    }
}

int store_ls(struct store *s)
{
    const char *path = s->args->nr_operands > 0 ? s->args->operand[0] : "/";

    return store_list_tree(s, path) == 0
               ? CLI_OK
               : store_complain(s, "xs_directory (%s): %s", path,
                                strerror(errno));
}
