/* SPDX-License-Identifier: MIT */
/* The directory of a running host: see host_dir.h. */
#include "host_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "domain.h"

const char *host_dir_name(const char *given)
{
    const char *name = given != NULL ? given : getenv("SCHEDOP_HOST");

    if (name == NULL || (given == NULL && name[0] == '\0')) {
        return HOST_DEFAULT;
    }
    if (!cli_domain_name_ok(name) || name[0] == '.') {
        cli_error("'%s' is no name for a host: 1 to %u letters, digits and "
                  "_ . -, with no dot in front",
                  name, SCHEDOP_NAME_MAX);
        return NULL;
    }
    return name;
}

/* The directory of all hosts. */
static char *base_path(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *home = getenv("HOME");

    if (runtime != NULL && runtime[0] == '/') {
        return cli_format("%s/schedop", runtime);
    }
    if (geteuid() == 0) {
        return cli_strdup("/run/schedop");
    }
    return cli_format("%s/.schedop", home != NULL ? home : "");
}

/* Opens one of ours, or makes it. -1 with errno, also when it is another's. */
static int open_own(const char *path, bool make)
{
    int fd = -1;
    struct stat st;

    if (make && mkdir(path, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) != 0 || st.st_uid != geteuid()) {
        close(fd);
        errno = EPERM;
        return -1;
    }
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int host_dir_open(struct host_dir *dir, const char *name, bool make)
{
    char *base = base_path();
    int fd = open_own(base, make);
    bool none;

    *dir = (struct host_dir){.name = name, .fd = -1};
    dir->path = cli_format("%s/%s", base, name);
    free(base);
    if (fd >= 0) {
        close(fd);
        dir->fd = open_own(dir->path, make);
    }
    none = dir->fd < 0 && errno == ENOENT && !make;
    if (dir->fd < 0 && !none) {
        cli_error("%s cannot be used for a host: %s; set XDG_RUNTIME_DIR to a "
                  "directory of your own",
                  dir->path,
                  errno == EPERM ? "it is not ours" : strerror(errno));
        host_dir_close(dir);
        return -1;
    }
    return 0;
}

void host_dir_close(struct host_dir *dir)
{
    if (dir->fd >= 0) {
        close(dir->fd);
    }
    free(dir->path);
    *dir = (struct host_dir){.name = dir->name, .fd = -1};
}

/* ---- the lock ---- */

static int open_lock(const struct host_dir *dir, int flags)
{
    return openat(dir->fd, "lock", flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum host_state_seen host_dir_look(const struct host_dir *dir, pid_t *pid)
{
    char text[24] = "";
    int fd = dir->fd >= 0 ? open_lock(dir, O_RDONLY) : -1;
    bool held;

    *pid = 0;
    if (fd < 0) {
        return HOST_ENDED;
    }
    held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (read(fd, text, sizeof(text) - 1) > 0) {
        *pid = (pid_t)strtol(text, NULL, 10);
    }
    close(fd);
    if (held) {
        return HOST_RUNS;
    }
    return faccessat(dir->fd, HOST_CONTROL_SOCKET, F_OK, 0) == 0 ? HOST_DIED
                                                                 : HOST_ENDED;
}

int host_dir_lock(const struct host_dir *dir)
{
    int fd = open_lock(dir, O_RDWR | O_CREAT);
    char text[24];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        if (errno == EWOULDBLOCK) {
            return -1;
        }
        fd = -1;
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) < n) {
        cli_error("cannot lock %s/lock: %s", dir->path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -2;
    }
    return fd;
}

/* ---- the socket ---- */

static struct sockaddr_un address(const struct host_dir *dir, const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s",
                   dir->fd, name);
    return a;
}

int host_dir_listen(const struct host_dir *dir, const char *name)
{
    const struct sockaddr_un a = address(dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)unlinkat(dir->fd, name, 0); /* we have the lock: it is stale */
    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        fchmodat(dir->fd, name, 0600, 0) != 0 || listen(fd, 64) != 0) {
        cli_error("cannot make the socket %s/%s: %s", dir->path, name,
                  strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

int host_dir_connect(const struct host_dir *dir)
{
    const struct sockaddr_un a = address(dir, HOST_CONTROL_SOCKET);
    int fd, saved;

    if (dir->fd < 0) {
        errno = ENOENT;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* ---- why it ended ---- */

char *host_dir_last_end(const struct host_dir *dir)
{
    char text[512];
    int fd = dir->fd >= 0 ? openat(dir->fd, "last-end",
                                   O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
                          : -1;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

    if (fd >= 0) {
        close(fd);
    }
    if (n <= 0) {
        return NULL;
    }
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return cli_strdup(text);
}

void host_dir_set_last_end(const struct host_dir *dir, const char *why)
{
    int fd =
        openat(dir->fd, "last-end",
               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || dprintf(fd, "%s\n", why) < 0) {
        cli_warning("cannot write %s/last-end: %s", dir->path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
}
