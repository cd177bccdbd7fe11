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

#include "lib/elf.h"
#include "unpack.h"

#define BZIMAGE_HEADER 0x250u /* up to and with the payload's length */

static bool is_elf(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data, "\177ELF", 4) == 0;
}

/* Linux's boot protocol: a bzImage, whose vmlinux is what PVH boots. */
static bool is_bzimage(const uint8_t *data, size_t size)
{
    return size >= BZIMAGE_HEADER && memcmp(data + 0x202, "HdrS", 4) == 0;
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

/* Puts what `packed` unpacks to in the place of the file. */
static int unpack(struct cli_image *image, const uint8_t *packed, size_t size,
                  char **why)
{
    uint8_t *data;
    size_t length;

    if (cli_unpack(packed, size, CLI_KERNEL_MAX, &data, &length, why) != 0) {
        return -1;
    }
    free(image->data);
    image->data = data;
    image->size = length;
    return 0;
}

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/*
 * Behind the boot sector, the set-up sectors and some code lies the packed
 * vmlinux. Linux's boot protocol tells where since its version 2.08.
 */
static int bzimage_unpack(struct cli_image *image, char **why)
{
    const uint8_t *d = image->data;
    size_t setup = d[0x1f1] != 0 ? d[0x1f1] : 4;
    size_t from, length;

    if ((unsigned)(d[0x206] | d[0x207] << 8) < 0x208) {
        *why = cli_strdup("is a Linux bzImage too old to tell where its kernel "
                          "is (before 2.6.24)");
        return -1;
    }
    from = (setup + 1) * 512 + word(d + 0x248);
    length = word(d + 0x24c);
    if (from > image->size || length > image->size - from) {
        *why = cli_strdup("is a Linux bzImage, but cut short: copy or build it "
                          "again");
        return -1;
    }
    return unpack(image, d + from, length, why);
}

/* What to do about it, for the errors that people really meet. */
static const char *advice(int error)
{
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
                          advice(rc));
        return -1;
    }
    return 0;
}

int cli_kernel_open(struct cli_image *image, char **why)
{
    int rc = 0;

    if (cli_is_packed(image->data, image->size)) {
        rc = unpack(image, image->data, image->size, why);
    }
    if (rc == 0 && is_bzimage(image->data, image->size)) {
        rc = bzimage_unpack(image, why);
    }
    if (rc != 0 || kernel_check(image, why) != 0) {
        cli_image_free(image);
        return -1;
    }
    return 0;
}

enum cli_file_kind cli_file_kind(const struct cli_image *file)
{
    size_t head = file->size < 4096 ? file->size : 4096;

    if (is_elf(file->data, head) || cli_is_packed(file->data, head) ||
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
