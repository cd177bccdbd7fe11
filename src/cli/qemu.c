/* SPDX-License-Identifier: MIT */
/* QEMU as a child process: see qemu.h. */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <schedop/link.h>

/* Ends of pipes that the child gets, in qemu.child_fd. */
enum { CHILD_LINK_OUT, CHILD_LINK_IN, CHILD_COM1, CHILD_MESSAGES };

/*
 * Pipes from the machine are as large as anybody may make them: a guest that
 * prints a lot should not wait for us, least of all when its clock counts
 * instructions. The one to it is small: `stop` should not wait behind much.
 */
enum { OUT_BYTES = 1 << 20, IN_BYTES = 4096 };

static int open_pipe(int *reader, int *writer, int bytes)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) != 0) {
        cli_error("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    (void)fcntl(fd[1], F_SETPIPE_SZ, bytes); /* another size works as well */
    *reader = fd[0];
    *writer = fd[1];
    return 0;
}

static int set_nonblock(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

int qemu_init(struct qemu *q)
{
    *q = (struct qemu){.link_out = -1,
                       .link_in = -1,
                       .com1 = -1,
                       .messages = -1,
                       .ram = {.fd = -1},
                       .child_fd = {-1, -1, -1, -1}};
    if (open_pipe(&q->link_out, &q->child_fd[CHILD_LINK_OUT], OUT_BYTES) != 0 ||
        open_pipe(&q->child_fd[CHILD_LINK_IN], &q->link_in, IN_BYTES) != 0 ||
        open_pipe(&q->com1, &q->child_fd[CHILD_COM1], OUT_BYTES) != 0 ||
        open_pipe(&q->messages, &q->child_fd[CHILD_MESSAGES], OUT_BYTES) != 0) {
        return -1;
    }
    if (set_nonblock(q->link_out) != 0 || set_nonblock(q->link_in) != 0 ||
        set_nonblock(q->com1) != 0 || set_nonblock(q->messages) != 0) {
        cli_error("cannot set up a pipe: %s", strerror(errno));
        return -1;
    }
    return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* QEMU separates modules by a comma; a comma inside one is doubled. */
static void add_initrd(struct cli_text *initrd, const char *module)
{
    if (initrd->len != 0) {
        cli_text_str(initrd, ",");
    }
    for (const char *c = module; *c != '\0'; c++) {
        cli_text_add(initrd, c, 1);
        if (*c == ',') {
            cli_text_str(initrd, ",");
        }
    }
}

int qemu_add_module(struct qemu *q, const void *data, size_t size,
                    char *(*make)(const void *ctx, const char *path),
                    const void *ctx)
{
    int fd = memfd_create("schedop", MFD_CLOEXEC);
    char *path, *module;

    if (fd < 0 || write_all(fd, data, size) != 0) {
        cli_error("cannot stage a guest image in memory: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    q->module_fd =
        cli_grow(q->module_fd, q->nr_modules + 1, sizeof(*q->module_fd));
    q->module_fd[q->nr_modules++] = fd;
    path = cli_format("/dev/fd/%d", fd);
    module = make(ctx, path);
    add_initrd(&q->initrd, module);
    free(module);
    free(path);
    return 0;
}

/* ---- the command line ---- */

struct args {
    char **v;
    size_t n;
};

static void arg(struct args *a, const char *text)
{
    a->v = cli_grow(a->v, a->n + 2, sizeof(*a->v));
    a->v[a->n++] = cli_strdup(text);
    a->v[a->n] = NULL;
}

CLI_PRINTF(3, 4)
static void option(struct args *a, const char *name, const char *format, ...)
{
    va_list ap;
    char *text = NULL;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0) {
        text = NULL;
    }
    va_end(ap);
    arg(a, name);
    arg(a, text != NULL ? text : "");
    free(text);
}

static void free_args(struct args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(a->v[i]);
    }
    free(a->v);
}

/*
 * One thread for all pCPUs. With several, QEMU (7.2 at least) lets an
 * instruction that restores the FPU on one pCPU overwrite virtualisation
 * state of the first: its host then runs with nested paging on, or its guest
 * without, which is the end of the machine or of all isolation.
 *
 * With a seed instructions are counted and no clock of the host is read.
 */
static void add_timing(struct args *a, const struct qemu_config *c)
{
    option(a, "-accel", "tcg,thread=single");
    if (!c->seeded) {
        return;
    }
    option(a, "-icount", "shift=1,sleep=off");
    option(a, "-rtc", "base=2026-01-01T00:00:00,clock=vm");
    option(a, "-seed", "%" PRIu32, (uint32_t)c->seed);
}

static struct args make_args(const struct qemu *q, const struct qemu_config *c)
{
    struct args a = {0};

    arg(&a, c->program);
    option(&a, "-object",
           "memory-backend-file,id=ram,share=on,size=%" PRIu64
           "M,mem-path=/dev/fd/%d",
           c->memory_mib, q->ram.fd);
    option(&a, "-machine", "q35,memory-backend=ram");
    /* check=off: no page of warnings about what the emulation lacks. */
    option(&a, "-cpu", "EPYC,+svm,+npt,check=off");
    option(&a, "-smp", "%u", c->pcpus);
    option(&a, "-m", "%" PRIu64, c->memory_mib);
    add_timing(&a, c);
    option(&a, "-display", "none");
    arg(&a, "-nodefaults");
    arg(&a, "-no-user-config");
    arg(&a, "-no-reboot");
    option(&a, "-chardev", "file,id=com1,path=/dev/fd/%d",
           q->child_fd[CHILD_COM1]);
    arg(&a, "-chardev");
    arg(&a, "stdio,id=link,signal=off");
    option(&a, "-serial", "chardev:com1");
    option(&a, "-serial", "chardev:link");
    option(&a, "-device", "isa-debug-exit,iobase=0x501,iosize=2");
    option(&a, "-kernel", "%s", c->hypervisor);
    option(&a, "-append", "%s", c->append);
    if (q->initrd.data != NULL) {
        option(&a, "-initrd", "%s", q->initrd.data);
    }
    for (size_t i = 0; i < c->nr_extra; i++) {
        arg(&a, c->extra[i]);
    }
    return a;
}

static void show_args(const struct args *a)
{
    struct cli_text t = {0};

    for (size_t i = 0; i < a->n; i++) {
        bool plain = a->v[i][0] != '\0' &&
                     strpbrk(a->v[i], " \t\n'\"\\$`&|;<>()*?[]#~") == NULL;

        cli_text_printf(&t, plain ? " %s" : " '%s'", a->v[i]);
    }
    cli_note("starting%s", t.data);
    cli_text_free(&t);
}

/* ---- the process ---- */

static void keep_open(int fd)
{
    (void)fcntl(fd, F_SETFD, 0);
}

/*
 * In the child, between fork and exec: async-signal-safe calls only. `report`
 * carries errno to the parent when exec fails, and closes when it succeeds.
 */
static _Noreturn void child(struct qemu *q, char **argv, pid_t parent,
                            int report)
{
    sigset_t none;
    int error;

    /* Its own group: a key typed at the terminal is for us to handle. */
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    keep_open(q->child_fd[CHILD_COM1]);
    keep_open(q->ram.fd);
    for (size_t i = 0; i < q->nr_modules; i++) {
        keep_open(q->module_fd[i]);
    }
    if (dup2(q->child_fd[CHILD_LINK_IN], 0) == 0 &&
        dup2(q->child_fd[CHILD_LINK_OUT], 1) == 1 &&
        dup2(q->child_fd[CHILD_MESSAGES], 2) == 2) {
        execvp(argv[0], argv);
    }
    error = errno;
    (void)!write(report, &error, sizeof(error));
    _exit(127);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void close_child_fds(struct qemu *q)
{
    for (size_t i = 0; i < 4; i++) {
        close_fd(&q->child_fd[i]);
    }
    for (size_t i = 0; i < q->nr_modules; i++) {
        close_fd(&q->module_fd[i]);
    }
}

static void explain_exec(const char *program, int error)
{
    cli_error("cannot start %s: %s; %s", program, strerror(error),
              error == ENOENT
                  ? "install it with `apt-get install qemu-system-x86`, or "
                    "name another with SCHEDOP_QEMU"
                  : "is that QEMU's program for x86-64?");
}

static int spawn(struct qemu *q, char **argv)
{
    pid_t parent = getpid();
    int report[2];
    int error = 0;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) != 0) {
        cli_error("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    q->pid = fork();
    if (q->pid == 0) {
        child(q, argv, parent, report[1]);
    }
    close(report[1]);
    if (q->pid < 0) {
        q->pid = 0;
        cli_error("cannot start a process: %s", strerror(errno));
        close(report[0]);
        return -1;
    }
    do {
        n = read(report[0], &error, sizeof(error));
    } while (n < 0 && errno == EINTR);
    close(report[0]);
    close_child_fds(q);
    if (n > 0) {
        explain_exec(argv[0], error);
        return -1;
    }
    return 0;
}

int qemu_start(struct qemu *q, const struct qemu_config *config, bool show)
{
    struct args a;
    int rc;

    if (ram_open(&q->ram, config->memory_mib << 20) != 0) {
        return -1;
    }
    a = make_args(q, config);
    if (show) {
        show_args(&a);
    }
    rc = spawn(q, a.v);
    free_args(&a);
    return rc;
}

/* ---- lines to the hypervisor ---- */

void qemu_ring(struct qemu *q, uint64_t pa)
{
    if (ram_at(&q->ram, pa, sizeof(struct schedop_link_ring)) != NULL &&
        pa % sizeof(uint64_t) == 0) {
        q->ring = pa;
    }
}

void qemu_room(struct qemu *q)
{
    q->ring_full = false;
}

int qemu_waits(const struct qemu *q, const struct cli_text *t)
{
    return t->len > 0 && !q->ring_full ? q->link_in : -1;
}

/* How many bytes there is room for. */
static uint32_t ring_room(const struct schedop_link_ring *r)
{
    uint32_t fill = r->head - __atomic_load_n(&r->tail, __ATOMIC_SEQ_CST);

    return fill > SCHEDOP_LINK_RING ? 0 : SCHEDOP_LINK_RING - fill;
}

/* Puts what fits into the ring; returns how many bytes. */
static size_t ring_put(struct qemu *q, const struct cli_text *t)
{
    struct schedop_link_ring *r = (struct schedop_link_ring *)(void *)ram_at(
        &q->ram, q->ring, sizeof(*r));
    uint32_t head = r->head;
    size_t n = ring_room(r);

    if (n < t->len) {
        __atomic_store_n(&r->waits, 1, __ATOMIC_SEQ_CST);
        n = ring_room(r); /* it may have been emptied just now */
        q->ring_full = n < t->len;
    }
    n = n < t->len ? n : t->len;
    for (size_t i = 0; i < n; i++) {
        r->bytes[(head + i) % SCHEDOP_LINK_RING] = t->data[i];
    }
    __atomic_store_n(&r->head, head + (uint32_t)n, __ATOMIC_SEQ_CST);
    return n;
}

void qemu_send(struct qemu *q, struct cli_text *t)
{
    ssize_t n;
    size_t put = 0;

    if (t->len == 0 || q->link_in < 0 || q->ring_full) {
        return;
    }
    if (q->ring != 0) {
        put = ring_put(q, t);
        cli_text_drop(t, put);
        n = put > 0 ? write(q->link_in, "\n", 1) : 0;
    } else {
        n = write(q->link_in, t->data, t->len);
        if (n > 0) {
            cli_text_drop(t, (size_t)n);
        }
    }
    /* If the pipe is full, what is in it will do for a bell. */
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        cli_text_drop(t, t->len); /* QEMU is gone */
        close_fd(&q->link_in);
    }
}

bool qemu_reap(struct qemu *q, int *status)
{
    if (q->pid > 0 && waitpid(q->pid, status, WNOHANG) == q->pid) {
        q->pid = 0;
        return true;
    }
    return false;
}

void qemu_end(struct qemu *q)
{
    if (q->pid > 0) {
        int status;

        kill(q->pid, SIGKILL);
        while (waitpid(q->pid, &status, 0) < 0 && errno == EINTR) {
        }
        q->pid = 0;
    }
    close_child_fds(q);
    ram_close(&q->ram);
    close_fd(&q->link_out);
    close_fd(&q->link_in);
    close_fd(&q->com1);
    close_fd(&q->messages);
    free(q->module_fd);
    q->module_fd = NULL;
    q->nr_modules = 0;
    cli_text_free(&q->initrd);
}
