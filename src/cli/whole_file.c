/* SPDX-License-Identifier: MIT */
/* Files that are whole or not there: see whole_file.h. */
#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *path, const char *what)
{
    cli_error("%s: %s: %s", path, what, strerror(errno));
    return -1;
}

int whole_write(const struct whole_file *f, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t n = write(f->fd, at, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail(f->path, "cannot be written");
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int whole_skip(const struct whole_file *f, uint64_t len)
{
    off_t end = lseek(f->fd, (off_t)len, SEEK_CUR);

    return end >= 0 && ftruncate(f->fd, end) == 0
               ? 0
               : fail(f->path, "cannot be written");
}

/* A file without a name, which goes with us however we end; -1: none here. */
static int open_nameless(const char *path)
{
    char *copy = cli_strdup(path);
    int fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    free(copy);
    return fd;
}

int whole_create(struct whole_file *f, const char *path)
{
    struct stat st;

    *f = (struct whole_file){.fd = -1, .path = path};
    /* It will be replaced, which a device should not be. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        cli_error("%s: is there and is not a regular file", path);
        return -1;
    }
    f->fd = open_nameless(path);
    if (f->fd < 0) {
        f->temp = cli_format("%s.XXXXXX", path);
        f->fd = mkostemp(f->temp, O_CLOEXEC);
    }
    if (f->fd < 0) {
        free(f->temp);
        f->temp = NULL;
        return fail(path, "cannot be created");
    }
    return 0;
}

/* Only a file with a name can take the place of another: one for a moment. */
static int give_name(struct whole_file *f)
{
    char *self = cli_format("/proc/self/fd/%d", f->fd);
    int rc = -1;

    errno = EEXIST;
    for (unsigned i = 0; rc != 0 && errno == EEXIST && i < 100; i++) {
        free(f->temp);
        f->temp = cli_format("%s.%ld-%u", f->path, (long)getpid(), i);
        rc = linkat(AT_FDCWD, self, AT_FDCWD, f->temp, AT_SYMLINK_FOLLOW);
    }
    if (rc != 0) {
        free(f->temp);
        f->temp = NULL;
    }
    free(self);
    return rc;
}

/* The name must survive a crash as well as the contents. */
static int sync_directory(const char *path)
{
    char *copy = cli_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 ? fsync(fd) : -1;

    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return rc;
}

int whole_finish(struct whole_file *f)
{
    if (fsync(f->fd) != 0) {
        return fail(f->path, "cannot be written");
    }
    if ((f->temp == NULL && give_name(f) != 0) ||
        rename(f->temp, f->path) != 0) {
        return fail(f->path, "cannot be created");
    }
    free(f->temp);
    f->temp = NULL;
    (void)sync_directory(f->path); /* some file systems cannot: fine */
    return 0;
}

void whole_close(struct whole_file *f)
{
    if (f->temp != NULL) {
        (void)unlink(f->temp);
        free(f->temp);
        f->temp = NULL;
    }
    if (f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
    }
}
