/* SPDX-License-Identifier: MIT */
/* The machine's memory: see ram.h. */
#include "ram.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB (1ull << 30)

/*
 * QEMU's machine q35 puts RAM at 0 and, what does not fit below its hole for
 * devices, at 4 GiB; how much fits depends on how much there is.
 */
#define HIGH (4 * GIB)
#define LOW_MAX 0xb0000000ull /* a machine with less has it all below */
#define LOW_OF_MORE (2 * GIB)

int ram_open(struct ram *ram, uint64_t size)
{
    void *base = MAP_FAILED;

    *ram = (struct ram){.fd = -1};
    ram->fd = memfd_create("schedop-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (ram->fd >= 0 && ftruncate(ram->fd, (off_t)size) == 0 &&
        /* Nobody can take away what we have mapped. */
        fcntl(ram->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0) {
        base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE, ram->fd, 0);
    }
    if (base == MAP_FAILED) {
        cli_error("cannot make %llu MiB of memory for the machine: %s",
                  (unsigned long long)(size >> 20), strerror(errno));
        ram_close(ram);
        return -1;
    }
    ram->base = base;
    ram->size = size;
    return 0;
}

int ram_attach(struct ram *ram, const char *path)
{
    void *base = MAP_FAILED;
    struct stat st;

    *ram = (struct ram){.fd = open(path, O_RDWR | O_CLOEXEC)};
    if (ram->fd >= 0 && fstat(ram->fd, &st) == 0 && S_ISREG(st.st_mode)) {
        base = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE, ram->fd, 0);
    }
    if (base == MAP_FAILED) {
        cli_error("cannot see the memory of the host's machine (%s): %s", path,
                  strerror(errno));
        ram_close(ram);
        return -1;
    }
    ram->base = base;
    ram->size = (uint64_t)st.st_size;
    return 0;
}

void ram_close(struct ram *ram)
{
    if (ram->base != NULL) {
        (void)munmap(ram->base, ram->size);
    }
    if (ram->fd >= 0) {
        close(ram->fd);
    }
    *ram = (struct ram){.fd = -1};
}

/* Bytes of RAM below the hole. */
static uint64_t low_size(const struct ram *ram)
{
    if (ram->size < LOW_MAX) {
        return ram->size;
    }
    return LOW_OF_MORE;
}

uint8_t *ram_at(const struct ram *ram, uint64_t pa, uint64_t len)
{
    uint64_t low = low_size(ram), offset = pa, end = low;

    if (ram->base == NULL) {
        return NULL;
    }
    if (pa >= HIGH) {
        offset = pa - HIGH + low;
        end = ram->size;
    }
    if (offset > end || len > end - offset) {
        return NULL;
    }
    return ram->base + offset;
}

bool ram_read(const struct ram *ram, uint64_t pa, void *to, size_t len)
{
    const uint8_t *from = ram_at(ram, pa, len);

    if (from == NULL) {
        return false;
    }
    memcpy(to, from, len);
    return true;
}

bool ram_write(struct ram *ram, uint64_t pa, const void *from, size_t len)
{
    uint8_t *to = ram_at(ram, pa, len);

    if (to == NULL) {
        return false;
    }
    memcpy(to, from, len);
    return true;
}
