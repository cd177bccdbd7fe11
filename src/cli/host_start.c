/* SPDX-License-Identifier: MIT */
/* Starting a host, in the background or not: see host_start.h. */
#include "host_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PCPUS_DEFAULT = 2, MEMORY_DEFAULT_MIB = 1024, RESTART_MS = 2000 };

/* The log, in place of standard output and error; input is nothing. */
static int use_log(const struct host_dir *dir)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log =
        openat(dir->fd, "log",
               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (null < 0 || log < 0 || dup2(null, 0) != 0) {
        cli_error("cannot open %s/log: %s", dir->path, strerror(errno));
        return -1;
    }
    close(null);
    return log;
}

/* Lines of the log begin with the time. */
static void stamp(void *context)
{
    char text[32];
    time_t now = time(NULL);
    struct tm tm;
    size_t n = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S ",
                        localtime_r(&now, &tm));

    (void)context;
    (void)!write(STDERR_FILENO, text, n);
}

/* Closes what we inherited: whoever waits for its end waits for us, else. */
static void close_others(const int *keep, size_t count)
{
    unsigned first = 3;

    while (true) {
        unsigned next = UINT_MAX;

        for (size_t i = 0; i < count; i++) {
            if (keep[i] >= (int)first && (unsigned)keep[i] < next) {
                next = (unsigned)keep[i];
            }
        }
        if (next > first) {
            (void)close_range(first, next == UINT_MAX ? UINT_MAX : next - 1, 0);
        }
        if (next == UINT_MAX) {
            return;
        }
        first = next + 1;
    }
}

/* A path that the environment names, made to hold wherever we are. */
static void fix_path(const char *variable)
{
    const char *value = getenv(variable);
    char *path = value != NULL && strchr(value, '/') != NULL
                     ? realpath(value, NULL)
                     : NULL;

    if (path != NULL) {
        (void)setenv(variable, path, 1);
    }
    free(path);
}

/*
 * The process in the background. What goes wrong stands in the log, which
 * whoever started it prints if it never gets ready.
 */
static _Noreturn void background(struct host_dir *dir,
                                 const struct host_options *o, int ready)
{
    int log = use_log(dir);
    const int keep[] = {log, dir->fd, ready};
    int rc = CLI_ERROR;

    close_others(keep, sizeof(keep) / sizeof(keep[0]));
    fix_path("SCHEDOP_HYPERVISOR");
    fix_path("SCHEDOP_QEMU");
    if (log >= 0 && setsid() >= 0 && chdir("/") == 0) {
        (void)dup2(log, 1);
        (void)dup2(log, 2);
        close(log);
        cli_message_verb("host");
        cli_message_quiet(false);
        cli_message_before(stamp, NULL);
        rc = host_run(dir, o, ready);
    }
    host_dir_close(dir);
    exit(rc);
}

/* Prints what the log holds from `from` on: why it did not start. */
static void show_log(const struct host_dir *dir, off_t from)
{
    int fd = openat(dir->fd, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char data[4096];
    ssize_t n;

    while (fd >= 0 && (n = pread(fd, data, sizeof(data), from)) > 0) {
        (void)!write(STDERR_FILENO, data, (size_t)n);
        from += n;
    }
    if (fd >= 0) {
        close(fd);
    }
}

static off_t log_size(const struct host_dir *dir)
{
    struct stat st;

    return fstatat(dir->fd, "log", &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size
                                                                  : 0;
}

/* Waits for "ready", or for the end of whoever would say it. */
static bool wait_ready(int fd)
{
    char text[8];
    ssize_t n;

    do {
        n = read(fd, text, sizeof(text));
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

static int start_background(struct host_dir *dir, const struct host_options *o)
{
    off_t from = log_size(dir);
    int ready[2];
    pid_t pid;
    bool up;

    if (pipe2(ready, O_CLOEXEC) != 0) {
        cli_error("cannot make a pipe: %s", strerror(errno));
        return CLI_ERROR;
    }
    pid = fork();
    if (pid == 0) {
        close(ready[0]);
        background(dir, o, ready[1]);
    }
    close(ready[1]);
    if (pid < 0) {
        cli_error("cannot start a process: %s", strerror(errno));
        close(ready[0]);
        return CLI_ERROR;
    }
    up = wait_ready(ready[0]);
    close(ready[0]);
    if (!up) {
        int status;

        show_log(dir, from);
        (void)waitpid(pid, &status, 0);
        return CLI_ERROR;
    }
    return CLI_OK;
}

int host_start(const char *name, const struct host_options *o, bool foreground)
{
    const char *host = host_dir_name(name);
    struct host_dir dir;
    pid_t pid;
    int rc;

    if (host == NULL || host_dir_open(&dir, host, true) != 0) {
        return CLI_ERROR;
    }
    if (host_dir_look(&dir, &pid) == HOST_RUNS) {
        cli_error("the host '%s' runs already (process %ld)", host, (long)pid);
        rc = CLI_ERROR;
    } else {
        rc = foreground ? host_run(&dir, o, -1) : start_background(&dir, o);
    }
    host_dir_close(&dir);
    return rc;
}

void host_defaults(struct host_options *o)
{
    *o = (struct host_options){.pcpus = PCPUS_DEFAULT,
                               .memory_mib = MEMORY_DEFAULT_MIB,
                               .restart_ms = RESTART_MS};
}
