/* SPDX-License-Identifier: MIT */
/*
 * `console`: standard input and output joined to a domain's console, as
 * xenconsole does it. What is typed goes one request at a time, and the host
 * answers when the domain has room for it, so that a domain that reads slowly
 * holds back its own keyboard and nothing else. A terminal is read on for a
 * while even then: for the key that leaves the console.
 */
#include "verb_console.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "host_daemon.h"
#include "terminal.h"
#include "verb.h"

enum {
    INPUT_CHUNK = 8192, /* of one request; escaped it fits a line */
    INPUT_BACKLOG_RAW = 64 << 10,
    INPUT_AGAIN_MS = 100, /* the host has enough of others' typing */
};

enum { OPT_TYPE = 1, OPT_NUMBER, OPT_ESCAPE };

static const struct cli_option options[] = {
    {"type", 't', CLI_VALUE, OPT_TYPE, "TYPE",
     "The type of the console: pv is the one there is."},
    {"num", 'n', CLI_VALUE, OPT_NUMBER, "N",
     "The number of the console: 0 is the one there is."},
    {"escape", 'e', CLI_VALUE, OPT_ESCAPE, "KEY",
     "The key that leaves the console: a letter or one of [ ] \\ ^ _, typed "
     "with Ctrl (default ])."},
    VERB_OPTIONS,
};

static const struct cli_part parts[] = {
    {"Console of a running domain",
     "What the domain printed before is shown first, up to 64 KiB. Several "
     "readers may be attached at a time: each sees all that is printed, and "
     "what any of them types goes to the domain.",
     NULL, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {"[options] DOMAIN", NULL};

static int console_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_console_command = {
    .name = "console",
    .summary = "attach to a domain's console; Ctrl-] leaves it",
    .synopsis = synopsis,
    .description = "Attaches to a domain's console. Ctrl-] detaches.",
    .options = options,
    .parts = parts,
    .main = console_main,
};

struct attached {
    struct control *c;
    json_int_t id;       /* of the console request */
    json_int_t input_id; /* of what was sent and not yet taken; 0: none */
    size_t input_sent;   /* bytes of `typed` that it carries */
    bool input_later;    /* it was refused for now */
    struct cli_text typed;
    int domid;
    char escape;
    bool raw, input_open, done;
    int status;
};

/* A signal that should end us: the terminal is put right first. */
static volatile sig_atomic_t ended_by;

static void on_signal(int number)
{
    ended_by = number;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT};
    const struct sigaction action = {.sa_handler = on_signal};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

static bool write_all(const char *data, size_t len)
{
    while (len > 0 && ended_by == 0) {
        ssize_t n = write(STDOUT_FILENO, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Output is text of U+0000 to U+00FF, a character a byte. */
static bool print(const json_t *data)
{
    const unsigned char *s = (const unsigned char *)json_string_value(data);
    size_t len = json_string_length(data);
    struct cli_text t = {0};
    bool good;

    for (size_t i = 0; i < len; i++) {
        char c = (char)s[i];

        if (s[i] >= 0xc0 && i + 1 < len) {
            c = (char)((s[i] & 3) << 6 | (s[i + 1] & 0x3f));
            i++;
        }
        cli_text_add(&t, &c, 1);
    }
    good = t.len == 0 || write_all(t.data, t.len);
    cli_text_free(&t);
    return good;
}

/* To what was typed: it is taken, to be tried again, or nobody's. */
static void on_answer(struct attached *a, const json_t *line)
{
    const json_t *error = json_object_get(line, "error");

    a->input_id = 0;
    a->input_later =
        error != NULL && strcmp(verb_string(error, "code"), "busy") == 0;
    if (!a->input_later) {
        cli_text_drop(&a->typed, a->input_sent);
    }
}

static void on_line(struct attached *a, const json_t *line)
{
    const char *event = verb_string(line, "event");
    json_int_t id = verb_int(line, "id");

    if (id == a->input_id && *event == '\0') {
        on_answer(a, line);
    } else if (id != a->id) {
        return;
    } else if (strcmp(event, "console") == 0) {
        if (json_object_get(line, "lost") != NULL) {
            cli_warning("%lld bytes of output were not read in time",
                        (long long)verb_int(line, "lost"));
        }
        if (json_object_get(line, "domid") != NULL) {
            a->domid = (int)verb_int(line, "domid");
        }
        if (!print(json_object_get(line, "data"))) {
            a->status = CLI_ERROR;
            a->done = true;
        }
    } else if (strcmp(event, "console-end") == 0) {
        a->done = true;
    }
}

/* The next piece of what was typed, if the last one is done with. */
static void send_input(struct attached *a)
{
    if (a->input_id > 0 || a->typed.len == 0 || a->c->fd < 0) {
        return;
    }
    a->input_later = false;
    a->input_sent = a->typed.len < INPUT_CHUNK ? a->typed.len : INPUT_CHUNK;
    a->input_id =
        control_send(a->c, "input",
                     json_pack("{s:i, s:o}", "domid", a->domid, "data",
                               control_bytes(a->typed.data, a->input_sent)),
                     NULL, 0);
}

static void read_input(struct attached *a)
{
    char data[4096];
    ssize_t n = read(STDIN_FILENO, data, sizeof(data));
    const char *escape;

    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        a->input_open = false;
        return;
    }
    escape = a->raw ? memchr(data, a->escape, (size_t)n) : NULL;
    if (escape != NULL) {
        n = escape - data;
        a->done = true;
    }
    cli_text_add(&a->typed, data, (size_t)n);
}

/* One look at both sides. False when the host is lost. */
static bool serve(struct attached *a)
{
    size_t limit = a->raw ? INPUT_BACKLOG_RAW : INPUT_CHUNK;
    bool listens = a->input_open && a->typed.len < limit;
    json_t *line;
    struct pollfd p[2] = {
        {.fd = a->c->fd, .events = POLLIN},
        {.fd = listens ? STDIN_FILENO : -1, .events = POLLIN},
    };
    int n = 0;

    if (!control_pending(a->c)) {
        n = poll(p, 2, a->input_later ? INPUT_AGAIN_MS : -1);
    }
    if (n < 0) {
        return errno == EINTR;
    }
    if (p[1].revents != 0) {
        read_input(a);
    }
    while (!a->done && (line = control_receive(a->c, 0)) != NULL) {
        on_line(a, line);
        json_decref(line);
    }
    if (!a->input_later || n == 0) {
        send_input(a);
    }
    return a->c->fd >= 0;
}

/*
 * Hands over what was typed before the key that leaves, and waits until the
 * host has it: it may be waiting for the domain for long.
 */
static void leave(struct attached *a)
{
    json_t *answer;

    if (a->input_id > 0) {
        cli_text_drop(&a->typed, a->input_sent);
        a->input_id = 0;
    }
    while (a->typed.len > 0 && a->c->fd >= 0) {
        send_input(a);
        cli_text_drop(&a->typed, a->input_sent);
        a->input_id = 0;
    }
    answer = a->c->fd >= 0 ? control_do(a->c, "host", NULL, NULL) : NULL;
    json_decref(answer);
}

int console_attach(struct control *c, int domid, bool follow, bool fresh,
                   char escape)
{
    struct attached a = {.c = c, .domid = domid, .escape = escape};
    json_t *args = json_pack("{s:i, s:b, s:b}", "domid", domid, "follow",
                             (int)follow, "new", (int)fresh);

    a.id = control_send(c, "console", args, NULL, 0);
    if (a.id < 0) {
        return CLI_ERROR;
    }
    catch_signals();
    a.input_open = terminal_readable(STDIN_FILENO);
    a.raw = a.input_open && terminal_raw(STDIN_FILENO);
    while (!a.done && ended_by == 0 && serve(&a)) {
    }
    terminal_restore();
    if (a.done && a.input_open && a.status == CLI_OK) {
        leave(&a);
    }
    cli_text_free(&a.typed);
    if (ended_by != 0) {
        (void)signal(ended_by, SIG_DFL);
        (void)raise(ended_by);
    }
    if (a.raw && a.status == CLI_OK) {
        (void)!write(STDOUT_FILENO, "\n", 1);
    }
    return a.done ? a.status : CLI_ERROR;
}

/* "]" or "^]"; 0 for neither. */
static char escape_of(const char *word)
{
    const char *key = word[0] == '^' && word[1] != '\0' ? word + 1 : word;

    if (key[0] == '\0' || key[1] != '\0' || key[0] < '@' || key[0] > 'z' ||
        key[0] == '`') {
        return 0;
    }
    return (char)(key[0] & 0x1f);
}

static int console_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    char escape = TERMINAL_ESCAPE;
    int rc = verb_parse(self, argc, argv, 1, 1, &a);
    int domid;

    if (rc >= 0) {
        return rc;
    }
    if (a.value[OPT_TYPE] != NULL && strcmp(a.value[OPT_TYPE], "pv") != 0) {
        cli_error("-t %s: only pv is supported here", a.value[OPT_TYPE]);
        rc = CLI_USAGE;
    } else if (a.value[OPT_NUMBER] != NULL &&
               strcmp(a.value[OPT_NUMBER], "0") != 0) {
        cli_error("-n %s: a domain has console 0 alone", a.value[OPT_NUMBER]);
        rc = CLI_USAGE;
    } else if (a.value[OPT_ESCAPE] != NULL &&
               (escape = escape_of(a.value[OPT_ESCAPE])) == 0) {
        cli_error("-e %s: not a key", a.value[OPT_ESCAPE]);
        rc = CLI_USAGE;
    }
    if (rc >= 0 || verb_connect(&a, &c) != 0) {
        verb_args_free(&a);
        return rc >= 0 ? rc : CLI_ERROR;
    }
    domid = verb_domid(&c, a.operand[0]);
    rc =
        domid < 0 ? CLI_ERROR : console_attach(&c, domid, false, false, escape);
    return verb_end(&a, &c, rc);
}
