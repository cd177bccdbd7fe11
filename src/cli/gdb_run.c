/* SPDX-License-Identifier: MIT */
/* The run's side of its debugger: see gdb_run.h; the child: gdb_child.c. */
#include "gdb_run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gdb_child.h"

#define END_MS 3000u /* for the child to tell its client */

/* A compressed kernel or a bzImage is nothing for gdb. */
static bool has_symbols(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "re");
    bool is_elf = f != NULL && fread(magic, 1, sizeof(magic), f) == 4 &&
                  memcmp(magic, "\177ELF", sizeof(magic)) == 0;

    if (f != NULL) {
        (void)fclose(f);
    }
    return is_elf;
}

int gdb_run_listen(struct gdb_run *g, const char *where, const char *name,
                   const char *symbols)
{
    *g = (struct gdb_run){.fd = -1, .listener = {.fd = -1}};
    if (where == NULL) {
        return 0;
    }
    if (gdb_listen(&g->listener, where) != 0) {
        return -1;
    }
    g->name = name;
    gdb_say_waiting(&g->listener, has_symbols(symbols) ? symbols : NULL);
    return 0;
}

/* In the child: it ends with us, and Ctrl-C is for us. */
static void settle_in(pid_t parent)
{
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(CLI_ERROR);
    }
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    cli_message_before(NULL, NULL);
}

int gdb_run_start(struct gdb_run *g, const struct ram *ram,
                  const struct gdb_kernel *kernel)
{
    pid_t parent = getpid();
    int pair[2];

    if (g->listener.fd < 0) {
        return 0;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        cli_error("cannot start the gdb server: %s", strerror(errno));
        return -1;
    }
    g->pid = fork();
    if (g->pid == 0) {
        close(pair[0]);
        settle_in(parent);
        gdb_child(pair[1], &g->listener, ram, kernel);
        _exit(CLI_OK);
    }
    close(pair[1]);
    g->fd = pair[0];
    if (g->pid < 0) {
        cli_error("cannot start the gdb server: %s", strerror(errno));
        close(g->fd);
        g->fd = -1;
        return -1;
    }
    return 0;
}

/* ---- lines ---- */

/* One line to the child: it reads them as they come, or has died. */
static void tell(struct gdb_run *g, const char *format, ...) CLI_PRINTF(2, 3);
static void tell(struct gdb_run *g, const char *format, ...)
{
    struct cli_text visible = {0};
    char line[SCHEDOP_LINK_LINE_MAX];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    cli_text_visible(&visible, line, strlen(line));
    cli_text_str(&visible, "\n");
    if (send(g->fd, visible.data, visible.len, MSG_NOSIGNAL) < 0) {
        cli_warning("the gdb server is gone: %s", strerror(errno));
        close(g->fd);
        g->fd = -1;
    }
    cli_text_free(&visible);
}

void gdb_run_line(struct gdb_run *g, const struct link_message *m)
{
    if (g->fd < 0) {
        return;
    }
    if (m->verb == LINK_CREATE && strcmp(m->name, g->name) == 0) {
        tell(g, "create %u", m->domid);
    } else if (m->verb == LINK_STOPPED) {
        tell(g, "stopped %u", m->domid);
    } else if (m->verb == LINK_CRASH) {
        tell(g, "crash %u %s", m->domid, m->text);
    } else if (m->verb == LINK_END) {
        tell(g, "end %u %u %s", m->domid, m->code, m->action);
    } else if (m->verb == LINK_DID && m->number == g->tag) {
        tell(g, "did %u %s", m->error, m->text);
    }
}

int gdb_run_fd(const struct gdb_run *g)
{
    return g->fd;
}

void gdb_run_serve(struct gdb_run *g, struct cli_text *to)
{
    char data[512], *newline;
    ssize_t n = g->fd >= 0 ? recv(g->fd, data, sizeof(data), MSG_DONTWAIT) : -1;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        if (g->fd >= 0) {
            close(g->fd);
        }
        g->fd = -1;
        return;
    }
    cli_text_add(&g->in, data, n > 0 ? (size_t)n : 0);
    while (g->in.len > 0 &&
           (newline = memchr(g->in.data, '\n', g->in.len)) != NULL) {
        size_t len = (size_t)(newline - g->in.data);

        cli_text_printf(to, "ask %" PRIu32 " %.*s\n", ++g->tag, (int)len,
                        g->in.data);
        cli_text_drop(&g->in, len + 1);
    }
}

void gdb_run_end(struct gdb_run *g)
{
    uint64_t end = cli_clock_ms() + END_MS;

    if (g->fd >= 0) {
        close(g->fd); /* what it was sent it still reads */
        g->fd = -1;
    }
    while (g->pid > 0 && waitpid(g->pid, NULL, WNOHANG) == 0) {
        if (cli_clock_ms() > end) {
            kill(g->pid, SIGKILL);
        }
        (void)poll(NULL, 0, 10);
    }
    g->pid = 0;
    gdb_listener_close(&g->listener);
    cli_text_free(&g->in);
}
