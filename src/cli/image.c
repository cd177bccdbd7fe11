/* SPDX-License-Identifier: MIT */
/* Files for guests: see image.h. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/elf.h"

static bool is_gzip(const uint8_t *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static bool is_elf(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data, "\177ELF", 4) == 0;
}

/* Linux's boot protocol: a bzImage, whose vmlinux is what PVH boots. */
static bool is_bzimage(const uint8_t *data, size_t size)
{
    return size >= 0x206 && memcmp(data + 0x202, "HdrS", 4) == 0;
}

void cli_image_free(struct cli_image *image)
{
    free(image->path);
    free(image->data);
    *image = (struct cli_image){0};
}

/* Reads until the end; the size that stat told is only a first guess. */
static int read_all(int fd, size_t guess, struct cli_image *file, char **why)
{
    size_t room = guess + 1;

    file->data = cli_alloc(room);
    for (;;) {
        ssize_t n;

        if (file->size == room) {
            room *= 2;
            file->data = cli_grow(file->data, room, 1);
        }
        n = read(fd, file->data + file->size, room - file->size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            *why = cli_format("cannot be read: %s", strerror(errno));
            return -1;
        }
        if (n == 0) {
            return 0;
        }
        file->size += (size_t)n;
        if (file->size > CLI_FILE_MAX) {
            *why = cli_format("is longer than %zu MiB", CLI_FILE_MAX >> 20);
            return -1;
        }
    }
}

int cli_file_read(const char *path, struct cli_image *file, char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int rc = -1;

    *file = (struct cli_image){.path = cli_strdup(path)};
    if (fd < 0 || fstat(fd, &st) != 0) {
        *why = cli_format("cannot be opened: %s", strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        *why = cli_strdup("is a directory, not a file");
    } else if (st.st_size > (off_t)CLI_FILE_MAX) {
        *why = cli_format("is longer than %zu MiB", CLI_FILE_MAX >> 20);
    } else {
        rc = read_all(fd, (size_t)st.st_size, file, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (rc != 0) {
        cli_image_free(file);
    }
    return rc;
}

/*
 * Unpacks `in` into `out`, which grows up to CLI_KERNEL_MAX: a few KiB of gzip
 * can hold GiBs. What follows the first member is ignored, as Xen and GRUB do.
 */
static int inflate_all(z_stream *z, struct cli_image *out, char **why)
{
    size_t room = (size_t)1 << 20;
    int rc = Z_OK;

    out->data = cli_alloc(room);
    while (rc != Z_STREAM_END) {
        if (out->size == room) {
            if (room >= CLI_KERNEL_MAX) {
                *why = cli_format("unpacks to more than %zu MiB",
                                  CLI_KERNEL_MAX >> 20);
                return -1;
            }
            room *= 2;
            out->data = cli_grow(out->data, room, 1);
        }
        z->next_out = out->data + out->size;
        z->avail_out = (uInt)(room - out->size);
        rc = inflate(z, Z_NO_FLUSH);
        out->size = room - z->avail_out;
        if (rc == Z_BUF_ERROR ||
            (rc == Z_OK && z->avail_in == 0 && z->avail_out != 0)) {
            *why = cli_strdup("is gzip-compressed, but cut short");
            return -1;
        }
        if (rc != Z_OK && rc != Z_STREAM_END) {
            *why = cli_format("is gzip-compressed, but damaged: %s",
                              z->msg != NULL ? z->msg : "no details");
            return -1;
        }
    }
    return 0;
}

static int gunzip(struct cli_image *image, char **why)
{
    struct cli_image out = {0};
    z_stream z = {.next_in = image->data, .avail_in = (uInt)image->size};
    int rc;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        *why = cli_strdup("cannot be unpacked: zlib does not start");
        return -1;
    }
    rc = inflate_all(&z, &out, why);
    inflateEnd(&z);
    free(image->data);
    image->data = out.data;
    image->size = out.size;
    return rc;
}

/* What to do about it, for the errors that people really meet. */
static const char *advice(const struct cli_image *image, int error)
{
    if (error == ELF_NOT_ELF && is_bzimage(image->data, image->size)) {
        return "; it is a Linux bzImage: give the vmlinux inside it "
               "(scripts/extract-vmlinux of the kernel source)";
    }
    if (error == ELF_NO_PVH_NOTE) {
        return "; build the guest for PVH (for Linux: CONFIG_PVH=y), with the "
               "ELF note XEN_ELFNOTE_PHYS32_ENTRY";
    }
    if (error == ELF_TRUNCATED) {
        return "; copy or build the file again";
    }
    return "";
}

static int kernel_check(struct cli_image *image, char **why)
{
    struct elf_image elf;
    uint64_t low;
    uint32_t entry;
    int rc;

    if (image->size == 0) {
        *why = cli_strdup("is empty");
        return -1;
    }
    rc = elf_open(&elf, image->data, image->size);
    if (rc == ELF_OK) {
        rc = elf_bounds(&elf, &low, &image->high);
    }
    if (rc == ELF_OK) {
        rc = elf_pvh_entry(&elf, &entry);
    }
    if (rc != ELF_OK) {
        *why = cli_format("is not a PVH kernel: %s%s", elf_explain(rc),
                          advice(image, rc));
        return -1;
    }
    return 0;
}

int cli_kernel_open(struct cli_image *image, char **why)
{
    if ((is_gzip(image->data, image->size) && gunzip(image, why) != 0) ||
        kernel_check(image, why) != 0) {
        cli_image_free(image);
        return -1;
    }
    return 0;
}

enum cli_file_kind cli_file_kind(const struct cli_image *file)
{
    size_t head = file->size < 4096 ? file->size : 4096;

    if (is_elf(file->data, head) || is_gzip(file->data, head) ||
        is_bzimage(file->data, head)) {
        return CLI_FILE_KERNEL;
    }
    return memchr(file->data, 0, head) != NULL ? CLI_FILE_OTHER
                                               : CLI_FILE_CONFIG;
}

uint64_t cli_image_memory_mib(const struct cli_image *image, size_t extra)
{
    const uint64_t mib = (uint64_t)1 << 20;
    uint64_t up = image->high > UINT64_MAX - 3 * mib - extra
                      ? UINT64_MAX - 2 * mib
                      : image->high + extra;

    /* Start info, command line and modules' records want a little more. */
    return up / mib + 1;
}
