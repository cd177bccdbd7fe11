/* SPDX-License-Identifier: MIT */
/*
 * schedop gdb: debugs a domain of a running host. By default gdb is started,
 * which starts this verb once more, as its server, on a pipe.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gdb_control.h"
#include "gdb_listen.h"
#include "gdb_server.h"
#include "host_dir.h"
#include "image.h"
#include "verb.h"
#include "verb_save.h"

enum { OPT_SERVER = 1, OPT_SYMBOLS, OPT_HOST, OPT_HELP };

struct debug {
    bool serves;
    const char *where; /* of --server; NULL: the host's directory */
    const char *symbols;
    const char *host;
    const char *domain;
    const char **rest; /* for gdb */
    size_t nr_rest;
    bool help;
};

static int take_option(void *ctx, int id, const char *value)
{
    struct debug *d = ctx;

    switch (id) {
    case OPT_SERVER:
        d->serves = true;
        d->where = value;
        return 0;
    case OPT_SYMBOLS:
        d->symbols = value;
        return 0;
    case OPT_HOST:
        d->host = value;
        return 0;
    case OPT_HELP:
        d->help = true;
        return 0;
    case CLI_REST:
        d->rest = cli_grow(d->rest, d->nr_rest + 1, sizeof(*d->rest));
        d->rest[d->nr_rest++] = value;
        return 0;
    default:
        if (d->domain != NULL) {
            cli_error("one domain at a time: '%s' is too much", value);
            return CLI_USAGE;
        }
        d->domain = value;
        return 0;
    }
}

/* ---- the server ---- */

static void read_kernel(struct gdb_kernel *k, const char *path)
{
    struct cli_image file = {0};
    char *why = NULL;

    gdb_kernel_read(k, NULL, 0);
    if (path != NULL && cli_file_read(path, &file, &why) == 0) {
        gdb_kernel_read(k, file.data, file.size);
        cli_image_free(&file);
    }
    free(why);
}

static int serve(struct control *c, int domid, const struct gdb_kernel *kernel,
                 int in, int out)
{
    struct gdb_control g;
    struct ram ram;
    enum gdb_end end = GDB_END_LOST;

    if (verb_ram(c, &ram) == 0 && gdb_control_open(&g, c, domid) == 0) {
        end = gdb_serve(in, out, &g.link, &ram, kernel, NULL, NULL);
    }
    ram_close(&ram);
    return end == GDB_END_LOST ? CLI_ERROR : CLI_OK;
}

/* The socket's path in the directory of the host; NULL after a message. */
static char *default_path(const struct debug *d, int domid)
{
    const char *name = host_dir_name(d->host);
    struct host_dir dir;
    char *path = NULL;

    if (name != NULL && host_dir_open(&dir, name, false) == 0) {
        path = cli_format("%s/gdb-%d", dir.path, domid);
        host_dir_close(&dir);
    }
    return path;
}

static int serve_socket(const struct debug *d, struct control *c, int domid,
                        const char *symbols, const struct gdb_kernel *kernel)
{
    struct gdb_listener l;
    char *path = d->where == NULL ? default_path(d, domid) : NULL;
    const char *where = d->where != NULL ? d->where : path;
    int rc = CLI_ERROR, client;

    if (where != NULL && gdb_listen(&l, where) == 0) {
        gdb_say_waiting(&l, symbols);
        client = gdb_accept(&l);
        gdb_listener_close(&l);
        if (client >= 0) {
            rc = serve(c, domid, kernel, client, client);
            close(client);
        }
    }
    free(path);
    return rc;
}

static int run_server(const struct debug *d, struct control *c, int domid,
                      const char *symbols, const struct gdb_kernel *kernel)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (d->where == NULL || strcmp(d->where, "-") != 0) {
        return serve_socket(d, c, domid, symbols, kernel);
    }
    /* Ctrl-C at gdb's terminal is for gdb, which passes it on. */
    (void)signal(SIGINT, SIG_IGN);
    return serve(c, domid, kernel, STDIN_FILENO, STDOUT_FILENO);
}

/* ---- gdb ---- */

/* As a word for a shell. */
static void quote(struct cli_text *t, const char *word)
{
    cli_text_str(t, "'");
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            cli_text_str(t, "'\\''");
        } else {
            cli_text_add(t, word, 1);
        }
    }
    cli_text_str(t, "'");
}

static int run_gdb(const struct debug *d, int domid, const char *symbols)
{
    const char *named = getenv("SCHEDOP_GDB");
    const char *program = named != NULL && named[0] != '\0' ? named : "gdb";
    const char *host = host_dir_name(d->host);
    const char **argv = cli_alloc((d->nr_rest + 10) * sizeof(*argv));
    struct cli_text target = {0};
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    size_t n = 0;

    self[len > 0 ? len : 0] = '\0';
    cli_text_str(&target, "target remote | ");
    quote(&target, self);
    cli_text_printf(&target, " --host %s gdb --server=- ",
                    host != NULL ? host : "");
    if (symbols != NULL) {
        cli_text_str(&target, "--symbols ");
        quote(&target, symbols);
    }
    cli_text_printf(&target, " %d", domid);
    argv[n++] = program;
    argv[n++] = "-q";
    argv[n++] = "-iex";
    argv[n++] = "set remotetimeout 60"; /* an emulator is in no hurry */
    argv[n++] = "-ex";
    argv[n++] = target.data;
    for (size_t i = 0; i < d->nr_rest; i++) {
        argv[n++] = d->rest[i];
    }
    if (symbols != NULL) {
        argv[n++] = symbols;
    }
    argv[n] = NULL;
    (void)execvp(program, (char **)(uintptr_t)argv);
    cli_error("cannot start %s: %s; install gdb, or name it by SCHEDOP_GDB",
              program, strerror(errno));
    cli_text_free(&target);
    free(argv);
    return CLI_ERROR;
}

/* ---- the verb ---- */

/* The kernel of the domain's configuration, if gdb can read it. */
static char *symbols_of(const struct debug *d, const json_t *domain,
                        struct gdb_kernel *kernel)
{
    const json_t *b =
        json_object_get(json_object_get(domain, "config"), "b_info");
    const char *path = d->symbols != NULL
                           ? d->symbols
                           : json_string_value(json_object_get(b, "kernel"));

    read_kernel(kernel, path);
    if (path == NULL || (d->symbols == NULL && !kernel->known)) {
        return NULL;
    }
    return cli_strdup(path);
}

static int debug(const struct debug *d, struct control *c)
{
    json_t *domain = verb_domain(c, d->domain);
    struct gdb_kernel kernel;
    char *symbols;
    int domid, rc;

    if (domain == NULL) {
        return CLI_ERROR;
    }
    domid = (int)verb_int(domain, "domid");
    symbols = symbols_of(d, domain, &kernel);
    json_decref(domain);
    rc = d->serves ? run_server(d, c, domid, symbols, &kernel)
                   : run_gdb(d, domid, symbols);
    free(symbols);
    return rc;
}

static int gdb_main(const struct cli_command *self, int argc, char **argv)
{
    const struct verb_args none = {.nr_given = 0};
    struct debug d = {.host = verb_host(&none)};
    struct cli_text text = {0};
    struct control c;
    int rc = cli_options_parse(self, argc, argv, take_option, &d);

    if (rc == 0 && d.help) {
        cli_help(&text, self);
        rc = cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (rc == 0 && d.domain == NULL) {
        cli_error("which domain? do `schedop gdb DOMAIN`");
        rc = CLI_USAGE;
    } else if (rc == 0 && control_open(&c, d.host, false) != 0) {
        rc = CLI_ERROR;
    } else if (rc == 0) {
        rc = debug(&d, &c);
        control_close(&c);
    }
    free(d.rest);
    return rc;
}

static const struct cli_option options[] = {
    {"server", 0, CLI_OPTIONAL, OPT_SERVER, "WHERE",
     "Do not start gdb but wait for one, at a TCP port of localhost (a number) "
     "or a Unix socket (a path with a slash in it; default: gdb-ID in the "
     "host's directory). With --server=- speak on standard input and output."},
    {"symbols", 0, CLI_VALUE, OPT_SYMBOLS, "FILE",
     "The ELF file that gdb is to read (default: the domain's kernel, if it "
     "is one)."},
    {"host", 0, CLI_VALUE, OPT_HOST, "NAME",
     "The host to speak to (default: SCHEDOP_HOST, else \"default\")."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Examples",
     "  schedop gdb web                        stop it, and look\n"
     "  schedop gdb web -- -batch -ex bt       what is it doing?\n"
     "  schedop gdb --server=1234 web          for a gdb elsewhere",
     NULL, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {"[options] DOMAIN [-- GDB-ARGUMENTS]",
                                       NULL};

const struct cli_command cli_gdb_command = {
    .name = "gdb",
    .summary = "Debug a domain with gdb",
    .synopsis = synopsis,
    .description =
        "Stops the vCPUs of a domain and starts gdb on them: they are its "
        "threads, memory is seen by the domain's own addresses, and other "
        "domains run on. The domain goes on when gdb ends.",
    .options = options,
    .parts = parts,
    .main = gdb_main,
};
