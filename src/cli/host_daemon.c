/* SPDX-License-Identifier: MIT */
/* The loop of a host, its beginning and its end: see host_daemon.h. */
#include "host_daemon.h"
#include "host_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

enum {
    BOOT_MS = 60000, /* a slow machine under load; not a promise */
    STOP_MS = 5000,
    FLUSH_MS = 1000, /* for clients to take their last lines */
};

static void kill_qemu(struct host *h)
{
    if (h->q.pid > 0) {
        kill(h->q.pid, SIGKILL);
    }
    h->phase_end_ms = UINT64_MAX;
}

void host_stop(struct host *h, const char *why)
{
    if (h->why == NULL) {
        h->why = cli_strdup(why);
        cli_note("the host ends: %s", why);
    }
    if (h->phase == HOST_RUNNING) {
        cli_text_str(&h->to_link, "stop\n");
        h->phase = HOST_STOPPING;
        h->phase_end_ms = cli_clock_ms() + STOP_MS;
    } else if (h->phase == HOST_BOOTING) {
        h->phase = HOST_STOPPING;
        kill_qemu(h);
    }
}

/* ---- events of the loop ---- */

static void explain_death(struct host *h, int status)
{
    if (h->why != NULL) {
        return;
    }
    if (WIFSIGNALED(status)) {
        h->why = cli_format("QEMU was killed by signal %d (%s)",
                            WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        h->why = cli_format("QEMU ended unexpectedly, exit status %d",
                            WEXITSTATUS(status));
    }
    cli_error("the host ends: %s", h->why);
    tail_show(&h->messages);
}

static void read_signals(struct host *h)
{
    struct signalfd_siginfo info;
    int status;

    while (read(h->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGCHLD) {
            char *why = cli_format("it got signal %u", info.ssi_signo);

            host_stop(h, why);
            free(why);
        }
    }
    host_dump_reap(h);
    if (h->phase != HOST_OVER && qemu_reap(&h->q, &status)) {
        while (h->q.link_out >= 0) {
            struct pollfd p = {.fd = h->q.link_out, .events = POLLIN};

            if (poll(&p, 1, 0) <= 0) {
                break;
            }
            host_link_read(h);
        }
        while (tail_read(&h->messages, &h->q.messages)) {
        }
        explain_death(h, status);
        h->phase = HOST_OVER;
    }
}

static void read_com1(struct host *h)
{
    char data[4096];
    ssize_t n = tail_take(&h->q.com1, data, sizeof(data));

    if (n > 0) {
        host_dmesg_add(h, data, (size_t)n);
    }
}

/* Tells whoever started us, once. */
static void say_ready(struct host *h)
{
    if (h->ready >= 0 && h->phase == HOST_RUNNING) {
        (void)!write(h->ready, "ready\n", 6);
        close(h->ready);
        h->ready = -1;
    }
}

static void check_time(struct host *h)
{
    if (cli_clock_ms() < h->phase_end_ms) {
        return;
    }
    if (h->phase == HOST_BOOTING) {
        cli_error("the hypervisor did not start within %d s", BOOT_MS / 1000);
        host_stop(h, "the hypervisor did not start");
    } else {
        kill_qemu(h);
    }
}

/* ---- the loop ---- */

enum { P_SIGNALS, P_LISTEN, P_LINK, P_TO_LINK, P_COM1, P_MESSAGES, P_CLIENTS };

static size_t fill(const struct host *h, struct pollfd *p)
{
    bool listens = h->phase == HOST_RUNNING;
    size_t n = P_CLIENTS;

    p[P_SIGNALS] = (struct pollfd){.fd = h->signals, .events = POLLIN};
    p[P_LISTEN] =
        (struct pollfd){.fd = listens ? h->listener : -1, .events = POLLIN};
    p[P_LINK] = (struct pollfd){.fd = h->q.link_out, .events = POLLIN};
    p[P_TO_LINK] = (struct pollfd){.fd = qemu_waits(&h->q, &h->to_link),
                                   .events = POLLOUT};
    p[P_COM1] = (struct pollfd){.fd = h->q.com1, .events = POLLIN};
    p[P_MESSAGES] = (struct pollfd){.fd = h->q.messages, .events = POLLIN};
    for (const struct host_client *c = h->clients; c != NULL; c = c->next) {
        p[n++] = (struct pollfd){
            .fd = c->fd,
            .events = (short)(POLLIN | (c->out.len > 0 ? POLLOUT : 0))};
    }
    return n;
}

static void serve_clients(struct host *h, const struct pollfd *p)
{
    struct host_client *c = h->clients;

    for (size_t i = 0; c != NULL; c = c->next, i++) {
        if ((p[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            host_client_read(h, c);
        }
    }
    for (c = h->clients; c != NULL; c = c->next) {
        host_client_write(c); /* answers were added to others, too */
    }
    host_clients_reap(h);
}

static int wait_ms(const struct host *h)
{
    uint64_t now = cli_clock_ms(), next = host_again_due(h);

    next = h->phase_end_ms < next ? h->phase_end_ms : next;
    if (next == UINT64_MAX) {
        return -1;
    }
    return next <= now ? 0 : (int)(next - now);
}

static void serve(struct host *h)
{
    struct pollfd p[P_CLIENTS + HOST_CLIENTS_MAX + 1 + HOST_STORE_CLIENTS + 1];
    size_t store = fill(h, p), n = store + host_store_fill(h, p + store);

    if (poll(p, (nfds_t)n, wait_ms(h)) < 0) {
        return; /* EINTR cannot happen, and anything else passes */
    }
    if (p[P_LINK].revents != 0) {
        host_link_read(h);
    }
    if (p[P_COM1].revents != 0) {
        read_com1(h);
    }
    if (p[P_MESSAGES].revents != 0) {
        tail_read(&h->messages, &h->q.messages);
    }
    serve_clients(h, p + P_CLIENTS);
    host_store_serve(h, p + store);
    if (p[P_LISTEN].revents != 0 && h->nr_clients <= HOST_CLIENTS_MAX) {
        host_accept(h);
    }
    if (p[P_TO_LINK].revents != 0) {
        host_link_write(h);
    }
    if (p[P_SIGNALS].revents != 0) {
        read_signals(h);
    }
    host_again_serve(h);
    say_ready(h);
    check_time(h);
}

/* ---- the end ---- */

static void flush_clients(struct host *h)
{
    uint64_t end = cli_clock_ms() + FLUSH_MS;

    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        while (c->out.len > 0 && !c->dead && cli_clock_ms() < end) {
            struct pollfd p = {.fd = c->fd, .events = POLLOUT};

            (void)poll(&p, 1, (int)(end - cli_clock_ms()));
            host_client_write(c);
        }
    }
}

static void say_end(struct host *h)
{
    const char *why = h->why != NULL ? h->why : "for no reason that is known";

    host_ask_abandon(h);
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        host_console_end(c, why);
    }
    host_event(h, json_pack("{s:s, s:s}", "event", "host-end", "why", why));
    flush_clients(h);
    host_dir_set_last_end(h->dir, why);
    (void)unlinkat(h->dir->fd, HOST_CONTROL_SOCKET, 0);
}

/* ---- the beginning ---- */

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int start_machine(struct host *h)
{
    static const char *const levels[] = {"warning", "info", "debug"};
    const struct host_options *o = h->options;
    const char *program = getenv("SCHEDOP_QEMU");
    char *hypervisor = run_find_hypervisor();
    char *append =
        cli_format("link=com2 host=1 pcpus=%u loglvl=%s qemu-exit=0x501",
                   o->pcpus, levels[o->verbose < 2 ? o->verbose : 2]);
    const struct qemu_config config = {
        .program = program != NULL && program[0] != '\0' ? program
                                                         : "qemu-system-x86_64",
        .hypervisor = hypervisor,
        .append = append,
        .pcpus = o->pcpus,
        .memory_mib = o->memory_mib,
        .extra = o->qemu,
        .nr_extra = o->nr_qemu,
    };
    int rc = -1;

    if (hypervisor != NULL && qemu_init(&h->q) == 0) {
        rc = qemu_start(&h->q, &config, o->verbose > 0);
    }
    free(append);
    free(hypervisor);
    return rc;
}

/* The lock is ours. */
static int run_locked(struct host *h)
{
    bool ordered;

    (void)unlinkat(h->dir->fd, "last-end", 0); /* it speaks of another */
    h->signals = open_signals();
    h->listener = host_dir_listen(h->dir, HOST_CONTROL_SOCKET);
    if (h->signals < 0 || h->listener < 0 || host_store_open(h) != 0 ||
        start_machine(h) != 0) {
        qemu_end(&h->q);
        host_store_close(h);
        (void)unlinkat(h->dir->fd, HOST_CONTROL_SOCKET, 0);
        return CLI_ERROR;
    }
    while (h->phase != HOST_OVER) {
        serve(h);
    }
    ordered = h->why != NULL && strncmp(h->why, "it ", 3) == 0;
    say_end(h);
    host_clients_free(h);
    host_store_close(h);
    dumps_end(&h->dumps);
    host_again_free(h);
    host_guests_free(h);
    qemu_end(&h->q);
    close(h->listener);
    close(h->signals);
    return ordered ? CLI_OK : CLI_ERROR;
}

int host_run(struct host_dir *dir, const struct host_options *options,
             int ready)
{
    struct host h = {
        .options = options,
        .dir = dir,
        .messages = {.label = "qemu"},
        .ready = ready,
        .dumps = {.dir = options->dump_dir},
        .started = (int64_t)time(NULL),
        .phase_end_ms = cli_clock_ms() + BOOT_MS,
    };
    int lock = host_dir_lock(dir);
    int rc = CLI_ERROR;

    h.q = (struct qemu){.link_out = -1,
                        .link_in = -1,
                        .com1 = -1,
                        .messages = -1,
                        .child_fd = {-1, -1, -1, -1},
                        .ram = {.fd = -1}};
    if (lock == -1) {
        cli_error("the host '%s' runs already", dir->name);
    } else if (lock >= 0) {
        rc = run_locked(&h);
        close(lock);
    }
    cli_text_free(&h.to_link);
    cli_text_free(&h.dmesg);
    cli_text_free(&h.messages.text);
    free(h.why);
    return rc;
}
