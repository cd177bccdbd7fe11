/* SPDX-License-Identifier: MIT */
/* The client's side of the control channel: see control.h. */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_dir.h"

enum { ANSWER_MS = 120000 }; /* a host that is stopped, say by a debugger */

/* ---- a host that is not there ---- */

static void explain_absence(const struct host_dir *dir)
{
    pid_t pid;
    enum host_state_seen seen = host_dir_look(dir, &pid);
    char *last = host_dir_last_end(dir);
    const char *option = strcmp(dir->name, HOST_DEFAULT) == 0 ? "" : " --host ";
    const char *name = option[0] != '\0' ? dir->name : "";

    if (seen == HOST_RUNS) {
        cli_error("the host '%s' (process %ld) is about to start or to end: "
                  "try again",
                  dir->name, (long)pid);
    } else if (seen == HOST_DIED) {
        cli_error("the host '%s' (process %ld) died without a word and its "
                  "domains with it; see %s/log; start one with `schedop host "
                  "start%s%s`",
                  dir->name, (long)pid, dir->path, option, name);
    } else if (last != NULL) {
        cli_error("no host '%s' runs: the last one ended because %s; start "
                  "one with `schedop host start%s%s`",
                  dir->name, last, option, name);
    } else {
        cli_error("no host '%s' runs; start one with `schedop host start%s%s`",
                  dir->name, option, name);
    }
    free(last);
}

static int lost(struct control *c)
{
    struct host_dir dir;

    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
        if (host_dir_open(&dir, c->name, false) == 0) {
            char *last = host_dir_last_end(&dir);
            pid_t pid;
            bool died = host_dir_look(&dir, &pid) == HOST_DIED;

            cli_error("the host '%s' ended: %s", c->name,
                      died || last == NULL ? "it died without a word" : last);
            free(last);
            host_dir_close(&dir);
        }
    }
    return -1;
}

int control_open(struct control *c, const char *name, bool quiet)
{
    struct host_dir dir;
    const char *host = host_dir_name(name);

    *c = (struct control){.fd = -1, .next_id = 1};
    if (host == NULL || host_dir_open(&dir, host, false) != 0) {
        return -1;
    }
    c->name = cli_strdup(host);
    c->fd = host_dir_connect(&dir);
    if (c->fd < 0) {
        pid_t pid;
        bool none = host_dir_look(&dir, &pid) != HOST_RUNS;

        if (!quiet || !none) {
            explain_absence(&dir);
        }
        host_dir_close(&dir);
        control_close(c);
        return quiet && none ? 1 : -1;
    }
    host_dir_close(&dir);
    c->greeting = control_receive(c, -1);
    if (c->greeting == NULL) {
        control_close(c);
        return -1;
    }
    if (json_integer_value(json_object_get(c->greeting, "schedop-control")) !=
        CONTROL_VERSION) {
        const char *why = json_string_value(
            json_object_get(json_object_get(c->greeting, "error"), "message"));

        cli_error("the host '%s': %s", c->name,
                  why != NULL ? why
                              : "it speaks another version of the control "
                                "channel; stop it with the program that "
                                "started it");
        control_close(c);
        return -1;
    }
    return 0;
}

void control_close(struct control *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    json_decref(c->greeting);
    json_decref(c->events);
    cli_text_free(&c->in);
    free(c->name);
    *c = (struct control){.fd = -1};
}

/* ---- lines ---- */

/* Sends all of `text`, the files with its first byte. */
static int send_all(int fd, const char *text, size_t len, const int *files,
                    size_t nr_files)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CONTROL_FILES_MAX)];
    } control = {.bytes = {0}};
    struct iovec io = {.iov_base = (void *)(uintptr_t)text, .iov_len = len};
    struct msghdr msg = {.msg_iov = &io, .msg_iovlen = 1};

    if (nr_files > 0) {
        struct cmsghdr *m = &control.align;

        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * nr_files);
        m->cmsg_level = SOL_SOCKET;
        m->cmsg_type = SCM_RIGHTS;
        m->cmsg_len = CMSG_LEN(sizeof(int) * nr_files);
        memcpy(CMSG_DATA(m), files, sizeof(int) * nr_files);
    }
    while (io.iov_len > 0) {
        ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        io.iov_base = (char *)io.iov_base + n;
        io.iov_len -= (size_t)n;
        msg.msg_control = NULL;
        msg.msg_controllen = 0;
    }
    return 0;
}

json_int_t control_send(struct control *c, const char *verb, json_t *args,
                        const int *files, size_t nr_files)
{
    json_int_t id = c->next_id++;
    json_t *line = json_pack("{s:I, s:s}", "id", id, "do", verb);
    char *text;
    int rc = -1;

    if (args != NULL) {
        json_object_set_new(line, "args", args);
    }
    text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(line);
    if (text != NULL && c->fd >= 0) {
        char *whole = cli_format("%s\n", text);

        rc = send_all(c->fd, whole, strlen(whole), files, nr_files);
        free(whole);
    }
    free(text);
    if (rc != 0) {
        return lost(c);
    }
    return id;
}

/* The first whole line of what came; NULL when there is none. */
static json_t *take_line(struct control *c, bool *bad)
{
    char *newline = c->in.len > 0 ? memchr(c->in.data, '\n', c->in.len) : NULL;
    json_t *object;

    *bad = c->in.len > CONTROL_REPLY_MAX;
    if (newline == NULL) {
        return NULL;
    }
    object = json_loadb(c->in.data, (size_t)(newline - c->in.data),
                        JSON_ALLOW_NUL, NULL);
    cli_text_drop(&c->in, (size_t)(newline + 1 - c->in.data));
    *bad = !json_is_object(object);
    if (*bad) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

bool control_pending(const struct control *c)
{
    return c->in.len > 0 && memchr(c->in.data, '\n', c->in.len) != NULL;
}

json_t *control_receive(struct control *c, int timeout_ms)
{
    int64_t end = (int64_t)cli_clock_ms() + timeout_ms;
    bool bad;

    while (c->fd >= 0) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        json_t *line = take_line(c, &bad);
        int64_t left =
            timeout_ms < 0 ? ANSWER_MS : end - (int64_t)cli_clock_ms();
        char data[16384];
        ssize_t n;

        if (line != NULL) {
            return line;
        }
        if (bad) {
            cli_error("the host '%s' sends what is no answer", c->name);
            close(c->fd);
            c->fd = -1;
            break;
        }
        n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n == 0 && timeout_ms < 0) {
            cli_error("the host '%s' does not answer", c->name);
            close(c->fd);
            c->fd = -1;
            break;
        }
        if (n == 0) {
            return NULL;
        }
        n = n > 0 ? recv(c->fd, data, sizeof(data), 0) : -1;
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            lost(c);
            break;
        }
        cli_text_add(&c->in, data, (size_t)n);
    }
    return NULL;
}

/* ---- requests ---- */

json_t *control_bytes(const char *data, size_t len)
{
    struct cli_text t = {0};
    json_t *text;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        char two[2] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))};

        if (c < 0x80) {
            cli_text_add(&t, &data[i], 1);
        } else {
            cli_text_add(&t, two, 2);
        }
    }
    text = json_stringn(t.data != NULL ? t.data : "", t.len);
    cli_text_free(&t);
    return text;
}

json_t *control_do(struct control *c, const char *verb, json_t *args,
                   char **error)
{
    json_int_t id = control_send(c, verb, args, NULL, 0);

    return id < 0 ? NULL : control_wait(c, id, error);
}

json_t *control_wait(struct control *c, json_int_t id, char **error)
{
    json_t *line, *result = NULL;

    if (error != NULL) {
        *error = NULL;
    }
    while ((line = control_receive(c, -1)) != NULL) {
        const json_t *e = json_object_get(line, "error");
        bool ours = json_integer_value(json_object_get(line, "id")) == id;

        if (ours && json_object_get(line, "event") == NULL) {
            const char *text = json_string_value(json_object_get(e, "message"));

            result = json_incref(json_object_get(line, "ok"));
            if (result == NULL && error != NULL) {
                *error = cli_strdup(text != NULL ? text : "no reason given");
            } else if (result == NULL) {
                cli_error("%s", text != NULL ? text : "no reason given");
            }
            json_decref(line);
            return result;
        }
        if (json_object_get(line, "event") != NULL) {
            json_array_append(c->events, line); /* fails without an array */
        }
        json_decref(line);
    }
    return NULL;
}
