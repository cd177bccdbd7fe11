/* SPDX-License-Identifier: MIT */
/*
 * Connections of a host's clients. A client is trusted no further than its
 * line: it may be of any length, half a line, no JSON; it may go away at any
 * moment, or never read what it is sent.
 */
#include "host_daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void host_client_drop_files(struct host_client *c)
{
    while (c->nr_files > 0) {
        close(c->file[--c->nr_files]);
    }
}

struct host_client *host_client_by_serial(struct host *h, uint64_t serial)
{
    struct host_client *c = h->clients;

    while (c != NULL && c->serial != serial) {
        c = c->next;
    }
    return c != NULL && !c->dead && !c->closing ? c : NULL;
}

static void free_client(struct host_client *c)
{
    host_client_drop_files(c);
    json_decref(c->watch_id);
    json_decref(c->console_id);
    cli_text_free(&c->in);
    cli_text_free(&c->out);
    close(c->fd);
    free(c);
}

void host_clients_reap(struct host *h)
{
    struct host_client **at = &h->clients;

    while (*at != NULL) {
        struct host_client *c = *at;

        if (c->dead || (c->closing && c->out.len == 0)) {
            *at = c->next;
            h->nr_clients--;
            host_save_drop(h, c);
            host_debug_drop(h, c);
            host_dump_drop(h, c);
            free_client(c);
        } else {
            at = &c->next;
        }
    }
}

void host_clients_free(struct host *h)
{
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        c->dead = true;
    }
    host_clients_reap(h);
}

void host_send(struct host_client *c, json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);

    json_decref(message);
    if (text != NULL && !c->dead && !c->closing) {
        cli_text_str(&c->out, text);
        cli_text_str(&c->out, "\n");
    }
    free(text);
    if (c->out.len > HOST_OUT_MAX) {
        cli_warning("a client does not read its answers: dropped");
        c->dead = true;
    }
}

void host_client_write(struct host_client *c)
{
    while (c->out.len > 0 && !c->dead) {
        ssize_t n =
            send(c->fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (n <= 0) {
            c->dead = true;
            return;
        }
        cli_text_drop(&c->out, (size_t)n);
    }
}

/* ---- in ---- */

static void take_files(struct host_client *c, struct msghdr *msg)
{
    for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m != NULL;
         m = CMSG_NXTHDR(msg, m)) {
        size_t count;
        const unsigned char *data = CMSG_DATA(m);

        if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        count = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
            if (c->nr_files < CONTROL_FILES_MAX) {
                c->file[c->nr_files++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

/* What came, with its files; 0 at the end, -1 when there is nothing now. */
static ssize_t receive(struct host_client *c, char *data, size_t size)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CONTROL_FILES_MAX)];
    } control;
    struct iovec io = {.iov_base = data, .iov_len = size};
    struct msghdr msg = {.msg_iov = &io,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n >= 0) {
        take_files(c, &msg);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        return 0;
    }
    return n;
}

static void refuse_line(struct host_client *c, const char *why)
{
    host_send(c, json_pack("{s:n, s:{s:s, s:s}}", "id", "error", "code",
                           "protocol", "message", why));
    c->closing = true;
}

/* The whole lines that are there. */
static void serve_lines(struct host *h, struct host_client *c)
{
    char *newline;

    while (!c->dead && !c->closing && c->in.len > 0 &&
           (newline = memchr(c->in.data, '\n', c->in.len)) != NULL) {
        size_t len = (size_t)(newline - c->in.data);
        char *line = cli_alloc(len + 1);

        memcpy(line, c->in.data, len);
        cli_text_drop(&c->in, len + 1);
        host_serve(h, c, line, len);
        host_client_drop_files(c);
        free(line);
    }
    if (c->in.len > CONTROL_REQUEST_MAX) {
        refuse_line(c, "a request is longer than 65536 bytes");
    }
}

void host_client_read(struct host *h, struct host_client *c)
{
    char data[16384];
    ssize_t n = receive(c, data, sizeof(data));

    if (n == 0) {
        c->dead = true;
    } else if (n > 0 && !c->closing) {
        cli_text_add(&c->in, data, (size_t)n);
        serve_lines(h, c);
    }
}

/* Everybody who may open the socket may use it; we look once more. */
static bool is_allowed(int fd)
{
    struct ucred who;
    socklen_t len = sizeof(who);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

void host_accept(struct host *h)
{
    int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct host_client *c;

    if (fd < 0) {
        return;
    }
    if (!is_allowed(fd)) {
        close(fd);
        return;
    }
    c = cli_alloc(sizeof(*c));
    c->fd = fd;
    c->serial = h->next_serial++;
    c->next = h->clients;
    h->clients = c;
    h->nr_clients++;
    if (h->nr_clients > HOST_CLIENTS_MAX) {
        refuse_line(c, "the host has too many clients");
        return;
    }
    host_send(c, json_pack("{s:i, s:s, s:s, s:i}", "schedop-control",
                           CONTROL_VERSION, "version", CLI_VERSION, "host",
                           h->dir->name, "pid", (int)getpid()));
}
