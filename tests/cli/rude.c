/* SPDX-License-Identifier: MIT */
/*
 * Clients of a host that behave badly, many at a time: bytes at random, lines
 * cut off, without end, of great depth, arguments of wrong types, requests
 * whose answers nobody reads, a byte now and then, descriptors nobody wants.
 * In between an honest client asks for the host, and is served.
 * usage: rude SOCKET [SECONDS [SEED]]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 40, PATIENCE_MS = 60000, CHUNK = 16384 };

static const char *path;
static uint64_t state;

static unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

/* -1 when the host takes no more. */
static int call(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Whether the host reads it or not. */
static void put(int fd, const void *data, size_t len)
{
    (void)!send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void text(int fd, const char *s)
{
    put(fd, s, strlen(s));
}

static void garbage(int fd)
{
    uint8_t bytes[CHUNK];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)any(any(2) != 0 ? 256 : 128);
    }
    put(fd, bytes, 1 + any(sizeof(bytes)));
}

static void deep(int fd)
{
    static const char *const open[] = {"[", "{\"a\":", "[{\"b\":["};
    const char *o = open[any(3)];

    text(fd, "{\"id\":1,\"do\":\"host\",\"args\":");
    for (unsigned i = 0; i < 9000; i++) {
        text(fd, o);
    }
    text(fd, "\n");
}

static void endless(int fd)
{
    char bytes[CHUNK];

    memset(bytes, any(2) != 0 ? ' ' : 'a', sizeof(bytes));
    text(fd, "{\"id\":\"");
    for (int i = 0; i < 8; i++) {
        put(fd, bytes, sizeof(bytes));
    }
}

static const char *const verbs[] = {
    "host",         "machine",       "domains",    "vcpus",
    "create",       "pause",         "unpause",    "shutdown",
    "rename",       "vcpu-pin",      "trigger",    "store-read",
    "store-write",  "debug",         "pools",      "pool-create",
    "pool-destroy", "pool-rename",   "pool-add",   "pool-remove",
    "pool-move",    "sched-credit2", "sched-rtds", "sched-credit2-pool",
    "dmesg",        "watch",         "console",    "input",
    "window",       "window-free",   "save-begin", "save-state",
    "save-end",     "restore",       "restored",   "nothing",
};

static const char *const keys[] = {
    "domid", "vcpu", "hard",   "soft",   "name",  "pool",  "pcpu",    "path",
    "value", "data", "parts",  "config", "image", "state", "pa",      "bytes",
    "then",  "key",  "weight", "period", "sched", "code",  "trigger",
};

/* None of them names the domain that is to live, whose id is 1. */
static const char *const values[] = {
    "0",
    "-1",
    "2",
    "1e300",
    "18446744073709551615",
    "\"\"",
    "\"a b\"",
    "\"\\u0000\"",
    "null",
    "true",
    "[]",
    "{}",
    "[[1]]",
    "\"\\ud800\"",
    "9223372036854775807",
    "4294967296",
    "0.5",
    "\"../..\"",
    "{\"domid\":1}",
    "\"\\n\"",
};

#define ANY(table) table[any(sizeof(table) / sizeof(*(table)))]

static void wrong(int fd)
{
    char line[1024];
    int n = snprintf(line, sizeof(line), "{\"id\":%s,\"do\":\"%s\",\"args\":{",
                     ANY(values), ANY(verbs));

    for (unsigned i = any(6); i > 0; i--) {
        n += snprintf(line + n, sizeof(line) - (size_t)n, "\"%s\":%s,",
                      ANY(keys), ANY(values));
    }
    n += snprintf(line + n, sizeof(line) - (size_t)n, "\"z\":0}}\n");
    put(fd, line, any(10) == 0 ? any((unsigned)n) : (size_t)n);
}

/* Many requests, whose answers stay where they are. */
static void deaf(int fd)
{
    for (int i = 0; i < 2000; i++) {
        text(fd, "{\"id\":1,\"do\":\"dmesg\"}\n{\"id\":2,\"do\":\"vcpus\"}\n");
    }
}

static void descriptors(int fd)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    char room[CMSG_SPACE(8 * sizeof(int))] = {0};
    char line[] = "{\"id\":1,\"do\":\"create\",\"args\":{\"parts\":[\"x\"]}}\n";
    struct iovec io = {line, sizeof(line) - 1};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(8 * sizeof(int));
    for (int i = 0; i < 8; i++) {
        memcpy(CMSG_DATA(c) + i * (int)sizeof(int), &zero, sizeof(int));
    }
    (void)!sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(zero);
}

static void some_bytes(int fd)
{
    static const char line[] = "{\"id\":1,\"do\":\"host\"}\n";

    put(fd, line + any(sizeof(line) - 2), 1);
}

static void (*const deeds[])(int fd) = {
    garbage, deep, endless, wrong, wrong, wrong, deaf, descriptors, some_bytes,
};

/* Asks for the host and waits for the answer: false when there is none. */
static bool honest(void)
{
    struct timespec nap = {.tv_nsec = 20000000};
    char heard[8192];
    size_t len = 0;
    int fd = -1;

    for (int i = 0; i < PATIENCE_MS / 20 && fd < 0; i++) {
        fd = call();
        if (fd < 0) {
            (void)nanosleep(&nap, NULL);
        }
    }
    if (fd < 0) {
        return false;
    }
    text(fd, "{\"id\":4711,\"do\":\"domains\"}\n");
    while (len < sizeof(heard) - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, PATIENCE_MS) == 1
                        ? read(fd, heard + len, sizeof(heard) - 1 - len)
                        : -1;

        if (n <= 0) {
            break;
        }
        len += (size_t)n;
        heard[len] = '\0';
        if (strstr(heard, "4711") != NULL && strstr(heard, "\"ok\"") != NULL) {
            close(fd);
            return true;
        }
    }
    close(fd);
    return false;
}

int main(int argc, char **argv)
{
    int fd[CLIENTS];
    unsigned long steps = 0, served = 0, refused = 0;
    time_t end;

    if (argc < 2) {
        return 2;
    }
    path = argv[1];
    end = time(NULL) + (argc > 2 ? strtol(argv[2], NULL, 10) : 3);
    state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
    for (int i = 0; i < CLIENTS; i++) {
        fd[i] = -1;
    }
    while (time(NULL) < end || served < 3) {
        int *f = &fd[any(CLIENTS)];

        if (*f >= 0 && any(6) == 0) {
            close(*f);
            *f = -1;
        }
        *f = *f < 0 ? call() : *f;
        if (*f >= 0) {
            deeds[any(sizeof(deeds) / sizeof(*deeds))](*f);
        }
        if (++steps % 100 == 0) {
            if (honest()) {
                served++;
            } else if (++refused > 0) {
                printf("after %lu steps nobody answers: %s\n", steps,
                       strerror(errno));
                return 1;
            }
        }
    }
    printf("%lu steps, %lu honest requests served\n", steps, served);
    return 0;
}
