/* SPDX-License-Identifier: MIT */
/*
 * One run: see session.h. A single poll() loop serves the link, the text of
 * the hypervisor and of QEMU, standard input, the output queue, and signals
 * (through a signalfd). A session passes through these phases:
 *
 *   BOOTING   until the hypervisor's first line
 *   RUNNING   until `exit`, the time limit, a signal, Ctrl-] or an error
 *   STOPPING  after `stop` was sent: a short while to end in order
 *   LEAVING   after `exit`: QEMU is about to end by itself
 *
 * and is done when QEMU is dead and its pipes are empty. When a phase takes
 * too long, QEMU is killed. What lines of the link do: session_link.c.
 */
#include "session_private.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "terminal.h"

void session_enter(struct session *s, enum phase phase, uint64_t ms)
{
    s->phase = phase;
    s->phase_end_ms = s->now_ms + ms;
}

void session_kill(struct session *s)
{
    if (s->q->pid > 0) {
        kill(s->q->pid, SIGKILL);
    }
    s->phase_end_ms = UINT64_MAX;
}

/* Ends what is queued, if it is much, after the line that is on its way. */
static void cut_queue(struct session *s)
{
    const char *end;

    if (s->to_link.len <= INPUT_KEPT) {
        return;
    }
    end = s->to_link_mid_line ? memchr(s->to_link.data, '\n', s->to_link.len)
                              : NULL;

    s->to_link.len = end != NULL ? (size_t)(end + 1 - s->to_link.data) : 0;
}

void session_stop(struct session *s)
{
    if (s->phase == BOOTING || s->phase == STOPPING) {
        session_kill(s);
        s->phase = STOPPING;
    } else if (s->phase == RUNNING) {
        cut_queue(s);
        cli_text_str(&s->to_link, "stop\n");
        session_enter(s, STOPPING, STOP_MS);
    }
}

void session_give_up(struct session *s)
{
    s->outcome->error = true;
    session_kill(s);
    s->phase = STOPPING;
}

/* ---- files ---- */

static void read_link(struct session *s)
{
    char data[16384];
    ssize_t n = tail_take(&s->q->link_out, data, sizeof(data));

    if (n > 0) {
        link_feed(&s->reader, data, (size_t)n, session_line, s);
    }
}

static void read_tails(struct session *s)
{
    tail_read(&s->com1, &s->q->com1);
    tail_read(&s->messages, &s->q->messages);
    if (s->run->verbose > 0) {
        tail_follow(&s->com1, false);
    }
}

static void send_input(struct session *s)
{
    if (s->input_ready && s->phase == RUNNING) {
        (void)link_type(&s->to_link, s->input_domid, &s->typed, &s->input_room);
    }
}

static void read_input(struct session *s)
{
    char data[1024];
    ssize_t n = read(STDIN_FILENO, data, sizeof(data));
    char *escape = NULL;

    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        s->input_open = false;
        return;
    }
    if (s->raw) {
        escape = memchr(data, TERMINAL_ESCAPE, (size_t)n);
    }
    if (escape != NULL) {
        n = escape - data;
        s->outcome->escaped = true;
    }
    cli_text_add(&s->typed, data, (size_t)n);
    if (escape != NULL) {
        send_input(s);
        session_stop(s);
    }
}

static void write_link(struct session *s)
{
    size_t before = s->to_link.len;
    bool whole = before == 0 || s->to_link.data[before - 1] == '\n';

    qemu_send(s->q, &s->to_link);
    /* Only lines are ever added: a line is cut where bytes are left of one. */
    if (s->to_link.len < before) {
        s->to_link_mid_line = s->to_link.len > 0 || !whole;
    }
}

static void reap_dumps(struct session *s)
{
    struct dump *dump;

    while ((dump = dump_next(&s->dumps)) != NULL) {
        cli_text_printf(&s->to_link, "dumped %u\n", dump->domid);
        dump_free(dump);
    }
}

static void read_signals(struct session *s)
{
    struct signalfd_siginfo info;

    while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGCHLD) {
            s->signal = (int)info.ssi_signo;
            s->console.patience_ms = SIGNAL_PATIENCE_MS;
            session_stop(s);
        }
    }
    reap_dumps(s);
    s->dead = s->dead || qemu_reap(s->q, &s->wait_status);
}

/* ---- the loop ---- */

enum {
    P_SIGNAL,
    P_LINK,
    P_COM1,
    P_MESSAGES,
    P_INPUT,
    P_TO_LINK,
    P_OUT,
    P_GDB,
    P_N
};

static bool wants_input(const struct session *s)
{
    size_t limit = s->raw ? INPUT_BACKLOG_RAW : INPUT_BACKLOG;

    return s->input_open && s->input_ready && s->phase == RUNNING &&
           s->typed.len < limit;
}

static void fill(const struct session *s, struct pollfd *p)
{
    bool full = console_full(&s->console);

    p[P_SIGNAL] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    p[P_LINK] =
        (struct pollfd){.fd = full ? -1 : s->q->link_out, .events = POLLIN};
    p[P_COM1] = (struct pollfd){.fd = s->q->com1, .events = POLLIN};
    p[P_MESSAGES] = (struct pollfd){.fd = s->q->messages, .events = POLLIN};
    p[P_INPUT] = (struct pollfd){.fd = wants_input(s) ? STDIN_FILENO : -1,
                                 .events = POLLIN};
    p[P_TO_LINK] =
        (struct pollfd){.fd = qemu_waits(s->q, &s->to_link), .events = POLLOUT};
    p[P_GDB] = (struct pollfd){.fd = gdb_run_fd(&s->gdb), .events = POLLIN};
    p[P_OUT] =
        (struct pollfd){.fd = console_pending(&s->console) ? s->console.fd : -1,
                        .events = POLLOUT};
}

static int wait_ms(const struct session *s, uint64_t console_ms)
{
    uint64_t next = s->phase_end_ms;

    next = s->limit_ms < next ? s->limit_ms : next;
    next = console_ms < next ? console_ms : next;
    if (s->recorder != NULL && next > s->now_ms + RECORDER_MS) {
        next = s->now_ms + RECORDER_MS;
    }
    if (next == UINT64_MAX) {
        return -1;
    }
    if (next <= s->now_ms) {
        return 0;
    }
    return next - s->now_ms > 60000 ? 60000 : (int)(next - s->now_ms);
}

static void check_times(struct session *s)
{
    if (s->now_ms >= s->limit_ms) {
        s->limit_ms = UINT64_MAX;
        if (s->phase == BOOTING || s->phase == RUNNING) {
            s->outcome->timed_out = true;
            cli_error("time limit of %g s reached%s",
                      (double)s->run->timeout_ms / 1000,
                      s->hello ? "" : " before the hypervisor was up");
            session_stop(s);
        }
    }
    if (s->now_ms < s->phase_end_ms) {
        return;
    }
    if (s->phase == BOOTING) {
        cli_error("the hypervisor did not start within %d s", BOOT_MS / 1000);
        s->panicked = true; /* its text may say why */
        session_give_up(s);
    } else {
        session_kill(s);
    }
}

static void serve(struct session *s)
{
    struct pollfd p[P_N];
    uint64_t console_ms = console_tick(&s->console, s->now_ms);

    fill(s, p);
    if (poll(p, P_N, wait_ms(s, console_ms)) < 0) {
        return; /* EINTR cannot happen, and anything else passes */
    }
    s->now_ms = cli_clock_ms();
    if (p[P_LINK].revents != 0) {
        read_link(s);
    }
    if (s->recorder != NULL) {
        recorder_drain(s->recorder, &s->q->ram);
    }
    if (p[P_COM1].revents != 0 || p[P_MESSAGES].revents != 0) {
        read_tails(s);
    }
    if (p[P_OUT].revents != 0) {
        console_pump(&s->console);
    }
    if (p[P_INPUT].revents != 0) {
        read_input(s);
    }
    if (p[P_GDB].revents != 0) {
        gdb_run_serve(&s->gdb, &s->to_link);
    }
    send_input(s);
    if (p[P_TO_LINK].revents != 0) {
        write_link(s);
    }
    if (p[P_SIGNAL].revents != 0) {
        read_signals(s);
    }
    if (s->console.failed && s->phase == RUNNING) {
        cli_error("cannot write to standard output: stopping");
        s->outcome->error = true;
        session_stop(s);
    }
    check_times(s);
}

/* QEMU is dead: what it wrote before is still in the pipes. */
static void drain(struct session *s)
{
    while (s->q->link_out >= 0) {
        struct pollfd p = {.fd = s->q->link_out, .events = POLLIN};

        if (poll(&p, 1, 0) <= 0) {
            break;
        }
        read_link(s);
    }
    while (tail_read(&s->com1, &s->q->com1) ||
           tail_read(&s->messages, &s->q->messages)) {
    }
    if (s->run->verbose > 0) {
        tail_follow(&s->com1, true);
    }
}

/* ---- the end ---- */

/* After an end that nobody ordered. */
static void explain_death(struct session *s)
{
    bool expected = s->phase == LEAVING || s->phase == STOPPING;

    if (!expected) {
        s->outcome->error = true;
        if (WIFSIGNALED(s->wait_status)) {
            cli_error("QEMU was killed by signal %d (%s)%s",
                      WTERMSIG(s->wait_status),
                      strsignal(WTERMSIG(s->wait_status)),
                      s->hello ? "" : " before the hypervisor was up");
        } else {
            cli_error("QEMU ended unexpectedly, exit status %d%s",
                      WEXITSTATUS(s->wait_status),
                      s->hello ? "" : ", before the hypervisor was up");
        }
    }
    if (!expected || s->panicked) {
        tail_show(&s->messages);
        if (s->run->verbose == 0) {
            tail_show(&s->com1);
        }
    }
    if (s->garbage + s->reader.dropped != 0 &&
        (s->run->verbose > 0 || s->outcome->error)) {
        cli_note("%u lines on the link were no link lines, %u too long",
                 s->garbage, s->reader.dropped);
    }
}

static void settle(void *ctx)
{
    struct session *s = ctx;

    console_settle(&s->console);
}

static void init_input(struct session *s)
{
    const struct run *run = s->run;

    s->input_name = run->console != NULL   ? run->console
                    : run->nr_domains == 1 ? run->domain[0].name
                                           : NULL;
    s->input_open = s->input_name != NULL && terminal_readable(STDIN_FILENO);
    if (s->input_open && s->console.single && s->console.tty &&
        isatty(STDIN_FILENO) == 1) {
        s->raw = terminal_raw(STDIN_FILENO);
        if (s->raw && !run->quiet) {
            cli_note("%s has this terminal; Ctrl-] ends the run",
                     s->input_name);
        }
    }
}

/* False after an error message. */
static bool start_recorder(struct session *s)
{
    const struct run *run = s->run;
    struct cli_text title = {0};

    if (run->trace == NULL) {
        return true;
    }
    for (size_t i = 0; i < run->nr_domains; i++) {
        cli_text_printf(&title, "%s%s", i != 0 ? ", " : "",
                        run->domain[i].name);
    }
    cli_text_printf(&title, " on %u pCPU%s", run->pcpus,
                    run->pcpus == 1 ? "" : "s");
    s->recorder = recorder_open(run->trace, run->trace_format, title.data);
    cli_text_free(&title);
    return s->recorder != NULL;
}

static void end_recorder(struct session *s)
{
    if (s->recorder != NULL && recorder_close(s->recorder, &s->q->ram) != 0) {
        s->outcome->error = true;
    }
}

/* With a gdb server beside it, if asked for; false after an error message. */
static bool start_machine(struct session *s, const struct qemu_config *config)
{
    const struct cli_domain *d = &s->run->domain[0];
    struct gdb_kernel kernel;

    gdb_kernel_read(&kernel, d->kernel.data, d->kernel.size);
    return gdb_run_listen(&s->gdb, s->run->gdb, d->name, d->kernel.path) == 0 &&
           qemu_start(s->q, config, s->run->verbose > 0) == 0 &&
           gdb_run_start(&s->gdb, &s->q->ram, &kernel) == 0;
}

static int block_signals(sigset_t *old)
{
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaddset(&set, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &set, old);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void loop(struct session *s)
{
    init_input(s);
    cli_message_before(settle, s);
    while (!s->dead) {
        serve(s);
    }
    drain(s);
    terminal_restore();
    explain_death(s);
    console_settle(&s->console);
    cli_message_before(NULL, NULL);
}

int session_run(const struct run *run, struct qemu *q,
                const struct qemu_config *config, struct outcome *outcome)
{
    struct session s = {.run = run,
                        .q = q,
                        .outcome = outcome,
                        .gdb = {.listener = {.fd = -1}, .fd = -1},
                        .dumps = {.dir = run->dump_dir},
                        .com1 = {.label = "com1"},
                        .messages = {.label = "qemu"}};
    void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);
    sigset_t old;

    s.signal_fd = block_signals(&old);
    s.now_ms = cli_clock_ms();
    s.limit_ms = run->timeout_ms != 0 ? s.now_ms + run->timeout_ms : UINT64_MAX;
    session_enter(&s, BOOTING, BOOT_MS);
    console_init(&s.console, run->json ? STDERR_FILENO : STDOUT_FILENO,
                 run->nr_domains == 1, run->seeded);
    s.console.wait_mask = &old;
    for (size_t i = 0; i < run->nr_domains; i++) {
        console_add(&s.console, run->domain[i].name);
    }
    outcome->xtf.status = -1;
    if (s.signal_fd < 0) {
        cli_error("cannot receive signals: %s", strerror(errno));
        outcome->error = true;
    } else if (!start_recorder(&s) || !start_machine(&s, config)) {
        outcome->error = true;
    } else {
        loop(&s);
    }
    gdb_run_end(&s.gdb);
    dumps_end(&s.dumps);
    end_recorder(&s);
    qemu_end(q);
    console_free(&s.console);
    cli_text_free(&s.to_link);
    cli_text_free(&s.typed);
    cli_text_free(&s.com1.text);
    cli_text_free(&s.messages.text);
    if (s.signal_fd >= 0) {
        close(s.signal_fd);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    (void)signal(SIGPIPE, old_pipe);
    return s.signal;
}
