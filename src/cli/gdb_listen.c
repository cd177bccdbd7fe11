/* SPDX-License-Identifier: MIT */
/* Sockets of a gdb server: see gdb_listen.h. */
#include "gdb_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int give_up(struct gdb_listener *l, const char *where)
{
    cli_error("cannot wait for gdb at %s: %s", where, strerror(errno));
    gdb_listener_close(l);
    return -1;
}

static int listen_tcp(struct gdb_listener *l, uint16_t port)
{
    const struct sockaddr_in a = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;

    l->where = cli_format(":%u", port);
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 ||
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(l->fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(l->fd, 1) != 0) {
        return give_up(l, l->where);
    }
    return 0;
}

/* A socket that nobody listens on is left over, and in the way. */
static void clear_stale(const struct sockaddr_un *a)
{
    struct stat st;
    int fd;

    if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 &&
        errno == ECONNREFUSED) {
        (void)unlink(a->sun_path);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int listen_unix(struct gdb_listener *l, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    mode_t mask;
    int rc;

    if (strlen(path) >= sizeof(a.sun_path)) {
        errno = ENAMETOOLONG;
        return give_up(l, path);
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    clear_stale(&a);
    l->where = cli_strdup(path);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mask = umask(0077);
    rc = l->fd >= 0 ? bind(l->fd, (const struct sockaddr *)&a, sizeof(a)) : -1;
    (void)umask(mask);
    if (rc != 0) {
        return give_up(l, path);
    }
    l->path = cli_strdup(path);
    return listen(l->fd, 1) == 0 ? 0 : give_up(l, path);
}

int gdb_listen(struct gdb_listener *l, const char *where)
{
    uint64_t port;

    *l = (struct gdb_listener){.fd = -1};
    if (strchr(where, '/') != NULL) {
        return listen_unix(l, where);
    }
    if (!cli_number(where, 65535, &port) || port == 0) {
        cli_error("gdb at '%s': must be a TCP port from 1 to 65535, or the "
                  "path of a socket, with a slash in it",
                  where);
        return -1;
    }
    return listen_tcp(l, (uint16_t)port);
}

int gdb_accept(const struct gdb_listener *l)
{
    int on = 1, fd;

    do {
        fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0) {
        cli_error("no gdb comes to %s: %s", l->where, strerror(errno));
        return -1;
    }
    /* Each packet waits for an answer. Fails, as it may, on a Unix socket. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

void gdb_listener_close(struct gdb_listener *l)
{
    if (l->fd >= 0) {
        close(l->fd);
    }
    if (l->path != NULL) {
        (void)unlink(l->path);
    }
    free(l->path);
    free(l->where);
    *l = (struct gdb_listener){.fd = -1};
}

void gdb_say_waiting(const struct gdb_listener *l, const char *symbols)
{
    cli_note("waiting for: gdb %s%s-ex 'target remote %s'",
             symbols != NULL ? symbols : "", symbols != NULL ? " " : "",
             l->where);
}
