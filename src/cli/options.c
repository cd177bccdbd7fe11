/* SPDX-License-Identifier: MIT */
/* Parsing options by table, and the help made from it: see options.h. */
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELP_WIDTH = 78, HELP_TEXT = 22 };

static const char *option_name(const void *ctx, size_t index)
{
    const struct cli_option *options = ctx;

    return options[index].name;
}

static const struct cli_option *find_long(const struct cli_command *command,
                                          const char *name, size_t len)
{
    for (const struct cli_option *o = command->options; o->name; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
            return o;
        }
    }
    return NULL;
}

static const struct cli_option *find_letter(const struct cli_command *command,
                                            char letter)
{
    for (const struct cli_option *o = command->options; o->name; o++) {
        if (o->letter != 0 && o->letter == letter) {
            return o;
        }
    }
    return NULL;
}

static int unknown(const struct cli_command *command, const char *arg,
                   size_t name_len)
{
    char *name = cli_format("%.*s", (int)name_len, arg);
    const char *near =
        strncmp(arg, "--", 2) == 0
            ? cli_nearest(name + 2, option_name, command->options)
            : NULL;

    if (cli_message_is_plain()) {
        cli_error("option `%s' not supported.", name + strspn(name, "-"));
    } else if (near != NULL) {
        cli_error("unknown option %s; did you mean --%s?", name, near);
    } else {
        cli_error("unknown option %s; `schedop %s --help` lists all", name,
                  command->name);
    }
    free(name);
    return CLI_USAGE;
}

static bool is_digits(const char *s)
{
    return s != NULL && *s != '\0' && strspn(s, "0123456789") == strlen(s);
}

struct parse {
    const struct cli_command *command;
    char **argv; /* ends with NULL, as main's does */
    int next;
    cli_option_fn *handler;
    void *ctx;
};

/* `inline_value` is what followed "=" or the letter, NULL for nothing. */
static int option(struct parse *p, const struct cli_option *o,
                  const char *inline_value)
{
    const char *value = inline_value;

    switch (o->kind) {
    case CLI_FLAG:
        if (value != NULL) {
            cli_error("--%s takes no value", o->name);
            return CLI_USAGE;
        }
        break;
    case CLI_VALUE:
        if (value == NULL) {
            value = p->argv[p->next];
            if (value == NULL && cli_message_is_plain() && o->letter != 0) {
                cli_error("option `%c' not supported.", o->letter);
                return CLI_USAGE;
            }
            if (value == NULL) {
                cli_error("--%s needs a value: --%s %s", o->name, o->name,
                          o->value);
                return CLI_USAGE;
            }
            p->next++;
        }
        break;
    case CLI_OPTIONAL:
        if (value == NULL && is_digits(p->argv[p->next])) {
            value = p->argv[p->next++];
        }
        break;
    }
    return p->handler(p->ctx, o->id, value);
}

static int long_option(struct parse *p, const char *arg)
{
    size_t len = strcspn(arg, "=");
    const struct cli_option *o = find_long(p->command, arg + 2, len - 2);

    if (o == NULL) {
        return unknown(p->command, arg, len);
    }
    return option(p, o, arg[len] == '=' ? arg + len + 1 : NULL);
}

static int short_options(struct parse *p, const char *arg)
{
    for (const char *c = arg + 1; *c != '\0'; c++) {
        const struct cli_option *o = find_letter(p->command, *c);
        int rc;

        if (o == NULL) {
            return unknown(p->command, arg, strlen(arg));
        }
        if (o->kind != CLI_FLAG && c[1] != '\0') {
            return option(p, o, c + 1);
        }
        rc = option(p, o, NULL);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int cli_options_parse(const struct cli_command *command, int argc, char **argv,
                      cli_option_fn *handler, void *ctx)
{
    struct parse p = {command, argv, 0, handler, ctx};
    bool rest = false;

    while (p.next < argc) {
        const char *arg = argv[p.next++];
        int rc;

        if (rest) {
            rc = handler(ctx, CLI_REST, arg);
        } else if (strcmp(arg, "--") == 0) {
            rest = true;
            rc = 0;
        } else if (strncmp(arg, "--", 2) == 0) {
            rc = long_option(&p, arg);
        } else if (arg[0] == '-' && arg[1] != '\0') {
            rc = short_options(&p, arg);
        } else {
            rc = handler(ctx, CLI_OPERAND, arg);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* ---- --help ---- */

static int pad(struct cli_text *t, int column, int to)
{
    if (column > to || (column == to && column > 0)) {
        cli_text_str(t, "\n");
        column = 0;
    }
    cli_text_printf(t, "%*s", to - column, "");
    return to;
}

/* One line of the source text, kept as it is. Returns what follows it. */
static const char *verbatim(struct cli_text *t, const char *text, int indent)
{
    size_t len = strcspn(text, "\n");

    cli_text_printf(t, "%*s%.*s\n", indent, "", (int)len, text);
    return text + len + (text[len] == '\n');
}

/* One paragraph, refilled. Returns what follows it. */
static const char *paragraph(struct cli_text *t, const char *text, int indent,
                             int column)
{
    bool first = true;

    column = pad(t, column, indent);
    while (*text != '\0' && !(text[0] == '\n' && text[1] == '\n')) {
        size_t len;

        if (*text == '\n' && text[1] == ' ') {
            text++;
            break;
        }
        if (*text == ' ' || *text == '\n') {
            text++;
            continue;
        }
        len = strcspn(text, " \n");
        if (!first && column + 1 + (int)len > HELP_WIDTH) {
            cli_text_str(t, "\n");
            column = pad(t, 0, indent);
        } else if (!first) {
            cli_text_str(t, " ");
            column++;
        }
        cli_text_printf(t, "%.*s", (int)len, text);
        column += (int)len;
        text += len;
        first = false;
    }
    cli_text_str(t, "\n");
    return text;
}

void cli_fill(struct cli_text *t, const char *text, int indent, int column)
{
    while (*text != '\0') {
        if (*text == '\n') {
            cli_text_str(t, "\n");
            text++;
            text += *text == '\n';
            column = 0;
        } else if (*text == ' ') {
            text = verbatim(t, text, indent);
        } else {
            text = paragraph(t, text, indent, column);
            column = 0;
        }
    }
}

static char *option_term(const struct cli_option *o)
{
    struct cli_text t = {0};

    if (o->letter != 0) {
        cli_text_printf(&t, "-%c, ", o->letter);
    }
    cli_text_printf(&t, "--%s", o->name);
    if (o->kind == CLI_VALUE) {
        cli_text_printf(&t, " %s", o->value);
    } else if (o->kind == CLI_OPTIONAL) {
        cli_text_printf(&t, " [%s]", o->value);
    }
    return t.data;
}

static void help_item(struct cli_text *t, const char *term, const char *text)
{
    int column = 2 + (int)strlen(term);

    cli_text_printf(t, "  %s", term);
    if (column > HELP_TEXT - 2) {
        cli_text_str(t, "\n");
        column = 0;
    }
    cli_fill(t, text, HELP_TEXT, column);
}

static void help_options(struct cli_text *t, const struct cli_command *command)
{
    cli_text_str(t, "\nOptions:\n");
    for (const struct cli_option *o = command->options; o->name; o++) {
        char *term = option_term(o);

        help_item(t, term, o->help);
        free(term);
    }
}

void cli_help(struct cli_text *t, const struct cli_command *command)
{
    const char *lead = "Usage:";

    for (const char *const *s = command->synopsis; *s != NULL; s++) {
        cli_text_printf(t, "%-6s schedop %s %s\n", lead, command->name, *s);
        lead = "";
    }
    cli_text_str(t, "\n");
    cli_fill(t, command->description, 0, 0);
    if (command->sub != NULL) {
        cli_text_str(t, "\nVerbs:\n");
    }
    for (const struct cli_command *const *s = command->sub; s && *s; s++) {
        help_item(t, (*s)->name, (*s)->summary);
    }
    help_options(t, command);
    for (const struct cli_part *p = command->parts; p->title; p++) {
        if (!p->in_help) {
            continue;
        }
        cli_text_printf(t, "\n%s:\n", p->title);
        if (p->text != NULL) {
            cli_fill(t, p->text, p->items != NULL ? 2 : 0, 0);
        }
        for (const struct cli_item *i = p->items; i && i->term; i++) {
            help_item(t, i->term, i->text);
        }
    }
}

/* ---- the man page ---- */

static void man_text(struct cli_text *t, const char *text, size_t len)
{
    bool line_start = true;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (line_start && (c == '.' || c == '\'')) {
            cli_text_str(t, "\\&");
        }
        line_start = c == '\n';
        if (c == '\\') {
            cli_text_str(t, "\\e");
        } else if (c == '-') {
            cli_text_str(t, "\\-");
        } else {
            cli_text_add(t, &c, 1);
        }
    }
}

static void man_string(struct cli_text *t, const char *text)
{
    man_text(t, text, strlen(text));
}

/* Paragraphs, and runs of lines that start with a blank as examples. */
static void man_body(struct cli_text *t, const char *text)
{
    bool example = false;

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        bool indented = *text == ' ';

        if (len != 0 && indented != example) {
            cli_text_str(t, indented ? ".nf\n" : ".fi\n");
            example = indented;
        }
        if (len == 0) {
            cli_text_str(t, example ? "\n" : ".PP\n");
        } else {
            man_text(t, text, len);
            cli_text_str(t, "\n");
        }
        text += len + (text[len] == '\n');
    }
    if (example) {
        cli_text_str(t, ".fi\n");
    }
}

static void man_item(struct cli_text *t, const char *term, const char *text)
{
    cli_text_str(t, ".TP\n.B ");
    man_string(t, term);
    cli_text_str(t, "\n");
    man_body(t, text);
}

static void man_upper(struct cli_text *t, const char *title)
{
    for (const char *c = title; *c != '\0'; c++) {
        char up = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;

        cli_text_add(t, &up, 1);
    }
}

static void man_command(struct cli_text *t, const struct cli_command *command)
{
    cli_text_str(t, ".SH SCHEDOP ");
    man_upper(t, command->name);
    cli_text_str(t, "\n");
    man_body(t, command->description);
    cli_text_str(t, ".SS Options\n");
    for (const struct cli_option *o = command->options; o->name; o++) {
        char *term = option_term(o);

        man_item(t, term, o->help);
        free(term);
    }
    for (const struct cli_part *p = command->parts; p->title; p++) {
        cli_text_str(t, ".SS ");
        man_string(t, p->title);
        cli_text_str(t, "\n");
        if (p->text != NULL) {
            man_body(t, p->text);
        }
        for (const struct cli_item *i = p->items; i && i->term; i++) {
            man_item(t, i->term, i->text);
        }
    }
}

static void man_synopsis(struct cli_text *t, const struct cli_command *command)
{
    for (const char *const *s = command->synopsis; *s != NULL; s++) {
        cli_text_printf(t, ".B schedop %s\n", command->name);
        man_string(t, *s);
        cli_text_str(t, "\n.br\n");
    }
}

void cli_man(struct cli_text *t, const struct cli_command *const *commands)
{
    cli_text_str(
        t, ".\\\" SPDX-License-Identifier: MIT\n"
           ".\\\" Generated by `schedop --man`: change src/cli instead.\n"
           ".TH SCHEDOP 1 \"\" \"schedop " CLI_VERSION "\" \"schedop manual\"\n"
           ".SH NAME\n"
           "schedop \\- run Xen guests without Xen\n"
           ".SH SYNOPSIS\n");
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        if ((*c)->sub == NULL) {
            man_synopsis(t, *c);
        }
        for (const struct cli_command *const *s = (*c)->sub; s && *s; s++) {
            man_synopsis(t, *s);
        }
    }
    cli_text_str(t, ".B schedop \\-\\-help\n.br\n.B schedop \\-\\-version\n"
                    ".br\n.B schedop \\-\\-completion\n"
                    ".SH DESCRIPTION\n"
                    "schedop runs Xen guests without Xen.\n"
                    ".B run\n"
                    "does so in the foreground;\n"
                    ".B host\n"
                    "keeps a host in the background, which the other verbs, "
                    "those of xl, speak to. Under the name xl it takes xl's "
                    "command lines. What a verb prints with \\-\\-help is "
                    "what stands here.\n");
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        man_command(t, *c);
        for (const struct cli_command *const *s = (*c)->sub; s && *s; s++) {
            man_command(t, *s);
        }
    }
}

/* ---- verbs of verbs ---- */

static const char *sub_word(const struct cli_command *self,
                            const struct cli_command *sub)
{
    return sub->name + strlen(self->name) + 1;
}

static const char *sub_name(const void *ctx, size_t index)
{
    const struct cli_command *self = ctx;

    return self->sub[index] != NULL ? sub_word(self, self->sub[index]) : NULL;
}

static int sub_help(const struct cli_command *self, int fd)
{
    struct cli_text t = {0};

    cli_help(&t, self);
    return cli_text_print(&t, fd) ? CLI_OK : CLI_ERROR;
}

int cli_sub_main(const struct cli_command *self, int argc, char **argv)
{
    const char *near;

    if (argc == 0) {
        (void)sub_help(self, STDERR_FILENO);
        return CLI_USAGE;
    }
    for (const struct cli_command *const *s = self->sub; *s != NULL; s++) {
        if (strcmp(argv[0], sub_word(self, *s)) == 0) {
            cli_message_verb((*s)->name);
            return (*s)->main(*s, argc - 1, argv + 1);
        }
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0) {
        return sub_help(self, STDOUT_FILENO);
    }
    near = cli_nearest(argv[0], sub_name, self);
    if (near != NULL) {
        cli_error("unknown verb '%s'; did you mean 'schedop %s %s'?", argv[0],
                  self->name, near);
    } else {
        cli_error("unknown verb '%s'; `schedop %s --help` lists the verbs",
                  argv[0], self->name);
    }
    return CLI_USAGE;
}
