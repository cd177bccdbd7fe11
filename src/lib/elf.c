/* SPDX-License-Identifier: MIT */
/*
 * ELF images of PVH guests; see elf.h for the interface.
 *
 * Fields are fetched byte by byte from checked offsets, so the image needs no
 * alignment and the host's byte order does not matter. Offsets from the file
 * are 64-bit and are only ever compared by subtraction from the image size:
 * no sum of two of them is formed before it is known not to overflow.
 */
#include "elf.h"

/* Values and offsets of the ELF specification, named as there. */
enum {
    EI_CLASS = 4,
    EI_DATA = 5,
    EI_VERSION = 6,
    ELFCLASS32 = 1,
    ELFCLASS64 = 2,
    ELFDATA2LSB = 1,
    EV_CURRENT = 1,
    ET_EXEC = 2,
    ET_DYN = 3,
    EM_386 = 3,
    EM_X86_64 = 62,
    PT_LOAD = 1,
    PT_NOTE = 4,
    SHT_NOTE = 7,
    EHDR32_SIZE = 52,
    EHDR64_SIZE = 64,
    PHDR32_SIZE = 32,
    PHDR64_SIZE = 56,
    SHDR32_SIZE = 40,
    SHDR64_SIZE = 64,
    NOTE_HEADER_SIZE = 12,
    XEN_PHYS32_ENTRY = 18,
};

struct phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz;
};

/* Little-endian load of `bytes` (1 to 8); the caller has checked the range. */
static uint64_t load(const uint8_t *p, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    return value;
}

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)load(p, 4);
}

static uint32_t load16(const uint8_t *p)
{
    return (uint32_t)load(p, 2);
}

/* Does [offset, offset + len) lie inside the image? */
static bool inside(const struct elf_image *image, uint64_t offset, uint64_t len)
{
    return offset <= image->size && len <= image->size - offset;
}

static int check_ident(const uint8_t *d)
{
    if (d[0] != 0x7f || d[1] != 'E' || d[2] != 'L' || d[3] != 'F') {
        return ELF_NOT_ELF;
    }
    if ((d[EI_CLASS] != ELFCLASS32 && d[EI_CLASS] != ELFCLASS64) ||
        d[EI_DATA] != ELFDATA2LSB || d[EI_VERSION] != EV_CURRENT) {
        return ELF_BAD_FORMAT;
    }
    return ELF_OK;
}

/*
 * A 32-bit file may carry 64-bit code and say either machine; a 64-bit file
 * for i386 does not exist.
 */
static int check_kind(const struct elf_image *image)
{
    uint32_t type = load16(image->data + 16);
    uint32_t machine = load16(image->data + 18);

    if (machine != EM_X86_64 && (machine != EM_386 || image->is64)) {
        return ELF_WRONG_MACHINE;
    }
    if (type != ET_EXEC && type != ET_DYN) {
        return ELF_NOT_EXECUTABLE;
    }
    return ELF_OK;
}

static void read_tables(struct elf_image *image)
{
    const uint8_t *d = image->data;

    if (image->is64) {
        image->phoff = load(d + 32, 8);
        image->shoff = load(d + 40, 8);
        d += 54;
    } else {
        image->phoff = load32(d + 28);
        image->shoff = load32(d + 32);
        d += 42;
    }
    image->phentsize = load16(d);
    image->phnum = load16(d + 2);
    image->shentsize = load16(d + 4);
    image->shnum = load16(d + 6);
}

/* The section table is optional: one that is wrong counts as absent. */
static int check_tables(struct elf_image *image)
{
    uint32_t phdr_size = image->is64 ? PHDR64_SIZE : PHDR32_SIZE;
    uint32_t shdr_size = image->is64 ? SHDR64_SIZE : SHDR32_SIZE;

    if (image->phnum == 0 || image->phnum > ELF_PHDRS_MAX ||
        image->phentsize < phdr_size) {
        return ELF_BAD_HEADERS;
    }
    if (!inside(image, image->phoff,
                (uint64_t)image->phnum * image->phentsize)) {
        return ELF_TRUNCATED;
    }
    if (image->shoff == 0 || image->shentsize < shdr_size ||
        !inside(image, image->shoff,
                (uint64_t)image->shnum * image->shentsize)) {
        image->shnum = 0;
    }
    return ELF_OK;
}

int elf_open(struct elf_image *image, const void *data, size_t size)
{
    int rc;

    *image = (struct elf_image){.data = data, .size = size};
    if (size < 4) {
        return ELF_NOT_ELF;
    }
    if (size < EHDR32_SIZE) {
        const uint8_t *d = image->data;

        return load32(d) == 0x464c457fu ? ELF_TRUNCATED : ELF_NOT_ELF;
    }
    rc = check_ident(image->data);
    if (rc != ELF_OK) {
        return rc;
    }
    image->is64 = image->data[EI_CLASS] == ELFCLASS64;
    if (image->is64 && size < EHDR64_SIZE) {
        return ELF_TRUNCATED;
    }
    rc = check_kind(image);
    if (rc != ELF_OK) {
        return rc;
    }
    read_tables(image);
    return check_tables(image);
}

static struct phdr read_phdr(const struct elf_image *image, uint32_t index)
{
    const uint8_t *p =
        image->data + image->phoff + (uint64_t)index * image->phentsize;

    if (image->is64) {
        return (struct phdr){
            .type = load32(p),
            .flags = load32(p + 4),
            .offset = load(p + 8, 8),
            .vaddr = load(p + 16, 8),
            .paddr = load(p + 24, 8),
            .filesz = load(p + 32, 8),
            .memsz = load(p + 40, 8),
        };
    }
    return (struct phdr){
        .type = load32(p),
        .flags = load32(p + 24),
        .offset = load32(p + 4),
        .vaddr = load32(p + 8),
        .paddr = load32(p + 12),
        .filesz = load32(p + 16),
        .memsz = load32(p + 20),
    };
}

int elf_load_next(const struct elf_image *image, uint32_t *cursor,
                  struct elf_segment *segment)
{
    while (*cursor < image->phnum) {
        struct phdr ph = read_phdr(image, (*cursor)++);

        if (ph.type != PT_LOAD || (ph.memsz == 0 && ph.filesz == 0)) {
            continue;
        }
        if (ph.filesz > ph.memsz || ph.memsz > UINT64_MAX - ph.paddr) {
            return ELF_BAD_SEGMENT;
        }
        if (ph.filesz != 0 && !inside(image, ph.offset, ph.filesz)) {
            return ELF_TRUNCATED;
        }
        *segment = (struct elf_segment){
            .paddr = ph.paddr,
            .vaddr = ph.vaddr,
            .mem_size = ph.memsz,
            .data = image->data + (ph.filesz != 0 ? ph.offset : 0),
            .file_size = (size_t)ph.filesz,
            .flags = ph.flags,
        };
        return 1;
    }
    return 0;
}

int elf_bounds(const struct elf_image *image, uint64_t *low, uint64_t *high)
{
    struct elf_segment s;
    uint32_t cursor = 0;
    int rc;

    *low = UINT64_MAX;
    *high = 0;
    while ((rc = elf_load_next(image, &cursor, &s)) > 0) {
        if (s.paddr < *low) {
            *low = s.paddr;
        }
        if (s.paddr + s.mem_size > *high) {
            *high = s.paddr + s.mem_size;
        }
    }
    if (rc < 0) {
        return rc;
    }
    return *high == 0 ? ELF_NO_SEGMENT : ELF_OK;
}

/* What the scan for notes has found so far. */
struct note_scan {
    uint32_t seen; /* well-formed notes of any owner */
    bool found;
    uint64_t entry;
};

static uint64_t round_up4(uint32_t n)
{
    return ((uint64_t)n + 3) & ~(uint64_t)3;
}

static void take_note(struct note_scan *scan, const uint8_t *name,
                      uint32_t namesz, const uint8_t *desc, uint32_t descsz,
                      uint32_t type)
{
    if (type == XEN_PHYS32_ENTRY && namesz == 4 && name[0] == 'X' &&
        name[1] == 'e' && name[2] == 'n' && name[3] == 0 &&
        (descsz == 4 || descsz == 8)) {
        scan->found = true;
        scan->entry = load(desc, descsz);
    }
}

/*
 * Walks the notes of one segment or section. A malformed note ends the walk:
 * whatever follows it cannot be found.
 */
static void scan_notes(const struct elf_image *image, uint64_t offset,
                       uint64_t len, struct note_scan *scan)
{
    const uint8_t *p;

    if (!inside(image, offset, len)) {
        return;
    }
    p = image->data + offset;
    while (len >= NOTE_HEADER_SIZE && scan->seen < ELF_NOTES_MAX) {
        uint32_t namesz = load32(p);
        uint32_t descsz = load32(p + 4);
        uint64_t name_room = round_up4(namesz);
        uint64_t desc_room = round_up4(descsz);

        p += NOTE_HEADER_SIZE;
        len -= NOTE_HEADER_SIZE;
        /* The padding after the last descriptor may be missing. */
        if (name_room > len || descsz > len - name_room) {
            return;
        }
        scan->seen++;
        take_note(scan, p, namesz, p + name_room, descsz,
                  load32(p - NOTE_HEADER_SIZE + 8));
        if (desc_room > len - name_room) {
            return;
        }
        p += name_room + desc_room;
        len -= name_room + desc_room;
    }
}

static void scan_note_sections(const struct elf_image *image,
                               struct note_scan *scan)
{
    for (uint32_t i = 0; i < image->shnum; i++) {
        const uint8_t *s =
            image->data + image->shoff + (uint64_t)i * image->shentsize;

        if (load32(s + 4) != SHT_NOTE) {
            continue;
        }
        if (image->is64) {
            scan_notes(image, load(s + 24, 8), load(s + 32, 8), scan);
        } else {
            scan_notes(image, load32(s + 16), load32(s + 20), scan);
        }
    }
}

static bool in_segment(const struct elf_image *image, uint64_t addr)
{
    struct elf_segment s;
    uint32_t cursor = 0;

    while (elf_load_next(image, &cursor, &s) > 0) {
        if (addr >= s.paddr && addr - s.paddr < s.mem_size) {
            return true;
        }
    }
    return false;
}

int elf_pvh_entry(const struct elf_image *image, uint32_t *entry)
{
    struct note_scan scan = {0};

    for (uint32_t i = 0; i < image->phnum; i++) {
        struct phdr ph = read_phdr(image, i);

        if (ph.type == PT_NOTE) {
            scan_notes(image, ph.offset, ph.filesz, &scan);
        }
    }
    if (scan.seen == 0) {
        scan_note_sections(image, &scan);
    }
    if (!scan.found) {
        return ELF_NO_PVH_NOTE;
    }
    if (scan.entry > UINT32_MAX || !in_segment(image, scan.entry)) {
        return ELF_BAD_ENTRY;
    }
    *entry = (uint32_t)scan.entry;
    return ELF_OK;
}

const char *elf_explain(int error)
{
    static const char *const text[] = {
        [-ELF_OK] = "no error",
        [-ELF_NOT_ELF] = "not an ELF file",
        [-ELF_TRUNCATED] = "cut short: a header or segment is past its end",
        [-ELF_BAD_FORMAT] = "not a little-endian ELF file of version 1",
        [-ELF_WRONG_MACHINE] = "an ELF file for another machine, not x86",
        [-ELF_NOT_EXECUTABLE] = "an ELF file that is not executable: link it",
        [-ELF_BAD_HEADERS] = "the ELF file has no program headers, or too many",
        [-ELF_BAD_SEGMENT] = "a LOAD segment contradicts itself",
        [-ELF_NO_SEGMENT] = "the ELF file has no LOAD segment",
        [-ELF_NO_PVH_NOTE] = "no PVH entry: no note PHYS32_ENTRY of Xen (18)",
        [-ELF_BAD_ENTRY] = "the PVH entry is not inside a LOAD segment",
    };

    if (error > 0 || error < ELF_BAD_ENTRY) {
        return "unknown error";
    }
    return text[-error];
}
