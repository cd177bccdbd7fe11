/* SPDX-License-Identifier: MIT */
/*
 * ELF images of PVH guests: reads the header, the LOAD segments and Xen's
 * PHYS32_ENTRY note of an image that lies in memory as one piece.
 *
 * The image is hostile. Nothing is read outside [data, data + size), nothing
 * needs alignment, and every loop is bounded by the limits below. The image
 * must not change while it is in use. Freestanding: the hypervisor's loader
 * and the command line's checks compile the same file.
 *
 * Use: elf_open(), elf_pvh_entry(), elf_bounds(), then elf_load_next() until
 * it returns 0. All return ELF_OK or a negative enum elf_error; elf_explain()
 * has a sentence for each.
 */
#ifndef SCHEDOP_LIB_ELF_H
#define SCHEDOP_LIB_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_PHDRS_MAX 128u  /* program headers; kernels have about five */
#define ELF_NOTES_MAX 4096u /* notes looked at in one image */

enum elf_error {
    ELF_OK = 0,
    ELF_NOT_ELF = -1,        /* no ELF magic */
    ELF_TRUNCATED = -2,      /* headers or a segment end past the file */
    ELF_BAD_FORMAT = -3,     /* class, byte order or version unknown */
    ELF_WRONG_MACHINE = -4,  /* not for x86 */
    ELF_NOT_EXECUTABLE = -5, /* an object file, a core file, ... */
    ELF_BAD_HEADERS = -6,    /* program headers absent or too many */
    ELF_BAD_SEGMENT = -7,    /* a LOAD segment that contradicts itself */
    ELF_NO_SEGMENT = -8,     /* nothing to load */
    ELF_NO_PVH_NOTE = -9,    /* no PHYS32_ENTRY note of owner Xen */
    ELF_BAD_ENTRY = -10,     /* its entry is not inside a LOAD segment */
};

struct elf_image {
    const uint8_t *data;
    size_t size;
    uint64_t phoff, shoff;
    uint32_t phnum, phentsize;
    uint32_t shnum, shentsize;
    bool is64; /* the container's class; says nothing about the code */
};

/* One LOAD segment: file_size bytes of data, then zeroes up to mem_size. */
struct elf_segment {
    uint64_t paddr;
    uint64_t vaddr;    /* as the header says; anything */
    uint64_t mem_size; /* never 0; paddr + mem_size does not overflow */
    const uint8_t *data;
    size_t file_size; /* at most mem_size */
    uint32_t flags;   /* PF_X 1, PF_W 2, PF_R 4 */
};

/*
 * Checks the file header and that the program header table lies inside the
 * image. Keeps `data`.
 */
int elf_open(struct elf_image *image, const void *data, size_t size);

/*
 * The next LOAD segment at or after program header *cursor (start with 0).
 * Returns 1 and fills `segment`, 0 at the end, or an error. Segments without
 * memory are skipped. They come in file order and may overlap; a loader that
 * writes them in order does what Xen's does.
 */
int elf_load_next(const struct elf_image *image, uint32_t *cursor,
                  struct elf_segment *segment);

/*
 * The lowest physical address of all LOAD segments and the first one above
 * them. Also validates every segment, so that after success elf_load_next()
 * cannot fail.
 */
int elf_bounds(const struct elf_image *image, uint64_t *low, uint64_t *high);

/*
 * The PVH entry point: the descriptor of the last note with owner "Xen" and
 * type PHYS32_ENTRY in the PT_NOTE segments, or in the note sections when no
 * segment holds a note. It must lie inside a LOAD segment.
 */
int elf_pvh_entry(const struct elf_image *image, uint32_t *entry);

/* A short sentence without final stop; never NULL. */
const char *elf_explain(int error);

#endif
