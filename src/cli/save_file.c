/* SPDX-License-Identifier: MIT */
/* The file of a saved domain: see save_file.h and docs/save.md. */
#include "save_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* All little-endian, as is every machine this runs on. */
struct file_head {
    char magic[12];
    uint32_t version;
};

struct section_head {
    uint32_t type, crc; /* of the fields that follow, and the contents */
    uint64_t length;    /* of the contents, bytes */
    uint64_t number;
};

_Static_assert(sizeof(struct file_head) == 16, "file format");
_Static_assert(sizeof(struct section_head) == 24, "file format");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "file format");

static const char magic[12] = "schedop-save";

static uint32_t checksum(const struct section_head *h, const void *data)
{
    uLong crc = crc32(0, (const Bytef *)&h->type, sizeof(h->type));

    crc = crc32(crc, (const Bytef *)&h->length,
                sizeof(h->length) + sizeof(h->number));
    return (uint32_t)crc32(crc, data, (uInt)h->length);
}

/* ---- writing ---- */

int save_create(struct save_writer *w, const char *path)
{
    struct file_head head = {.version = SAVE_FILE_VERSION};

    memcpy(head.magic, magic, sizeof(magic));
    w->sections = 0;
    return whole_create(&w->file, path) == 0
               ? whole_write(&w->file, &head, sizeof(head))
               : -1;
}

int save_section(struct save_writer *w, enum save_file_type type,
                 uint64_t number, const void *data, size_t len)
{
    struct section_head head = {
        .type = (uint32_t)type, .length = len, .number = number};

    head.crc = checksum(&head, data);
    w->sections++;
    return whole_write(&w->file, &head, sizeof(head)) != 0
               ? -1
               : whole_write(&w->file, data, len);
}

int save_blob(struct save_writer *w, enum save_file_type type,
              const uint8_t *data, uint64_t len)
{
    int rc = 0;

    for (uint64_t at = 0; at < len && rc == 0;) {
        size_t part = SAVE_FILE_SECTION_MAX;

        part = part < len - at ? part : (size_t)(len - at);
        rc = save_section(w, type, at, data + at, part);
        at += part;
    }
    return rc;
}

int save_finish(struct save_writer *w)
{
    return save_section(w, SAVE_FILE_END, w->sections, "", 0) != 0
               ? -1
               : whole_finish(&w->file);
}

void save_close(struct save_writer *w)
{
    whole_close(&w->file);
}

/* ---- reading ---- */

static int fail(const char *path, const char *what)
{
    cli_error("%s: %s: %s", path, what, strerror(errno));
    return -1;
}

/* 1: read; 0: nothing was there; -1: less than that, or an error. */
static int read_all(struct save_reader *r, void *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(r->fd, (uint8_t *)data + done, len - done,
                          (off_t)(r->at + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail(r->path, "cannot be read");
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    if (done < len && done > 0) {
        cli_error("%s: is cut short: it ends at byte %" PRIu64
                  ", in the middle of a section",
                  r->path, r->at + done);
        return -1;
    }
    r->at += done;
    return done == len;
}

int save_open(struct save_reader *r, const char *path)
{
    struct file_head head;
    struct stat st;

    *r = (struct save_reader){.fd = open(path, O_RDONLY | O_CLOEXEC),
                              .path = path};
    if (r->fd < 0 || fstat(r->fd, &st) != 0) {
        return fail(path, "cannot be opened");
    }
    if (!S_ISREG(st.st_mode)) {
        cli_error("%s: must be a regular file", path);
        return -1;
    }
    if ((size_t)st.st_size < sizeof(head) ||
        read_all(r, &head, sizeof(head)) != 1 ||
        memcmp(head.magic, magic, sizeof(magic)) != 0) {
        cli_error("%s: is not the file of a saved domain", path);
        return -1;
    }
    if (head.version != SAVE_FILE_VERSION) {
        cli_error("%s: is of version %" PRIu32 ", and this schedop reads "
                  "version %u",
                  path, head.version, SAVE_FILE_VERSION);
        return -1;
    }
    r->data = cli_alloc(SAVE_FILE_SECTION_MAX + 1);
    return 0;
}

static int damaged(const struct save_reader *r, uint64_t at)
{
    cli_error("%s: is damaged: the section at byte %" PRIu64
              " is not what was written",
              r->path, at);
    return -1;
}

static int at_end(struct save_reader *r, uint64_t start)
{
    uint8_t more;
    int rc = read_all(r, &more, 1);

    if (rc < 0) {
        return -1;
    }
    if (r->number != r->sections || rc != 0) {
        return damaged(r, start);
    }
    return 0;
}

int save_next(struct save_reader *r)
{
    uint64_t start = r->at;
    struct section_head head;
    int rc = read_all(r, &head, sizeof(head));

    if (rc == 0) {
        cli_error("%s: is cut short: it ends at byte %" PRIu64
                  ", without its last section",
                  r->path, start);
    }
    if (rc != 1) {
        return -1;
    }
    if (head.length > SAVE_FILE_SECTION_MAX) {
        return damaged(r, start);
    }
    rc = head.length > 0 ? read_all(r, r->data, head.length) : 1;
    if (rc == 0) {
        cli_error("%s: is cut short: it ends at byte %" PRIu64
                  ", in the middle of a section",
                  r->path, r->at);
    }
    if (rc != 1) {
        return -1;
    }
    if (head.crc != checksum(&head, r->data)) {
        return damaged(r, start);
    }
    r->type = (enum save_file_type)head.type;
    r->number = head.number;
    r->len = head.length;
    r->data[r->len] = '\0'; /* META is text */
    if (r->type == SAVE_FILE_END) {
        return at_end(r, start);
    }
    if (head.type < SAVE_FILE_META || head.type > SAVE_FILE_END) {
        return damaged(r, start);
    }
    r->sections++;
    return 1;
}

void save_rewind(struct save_reader *r)
{
    r->at = sizeof(struct file_head);
    r->sections = 0;
}

void save_reader_close(struct save_reader *r)
{
    free(r->data);
    r->data = NULL;
    if (r->fd >= 0) {
        close(r->fd);
        r->fd = -1;
    }
}
