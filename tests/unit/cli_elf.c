/* SPDX-License-Identifier: MIT */
/*
 * The ELF reader on images made here byte by byte: good ones of both classes,
 * and every way to be wrong. Images lie at the end of an allocation of their
 * exact size, so that ASan sees any read outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <xen/elfnote.h>

/* libc's <elf.h> above builds the images that this one reads. */
#include "lib/elf.h"

struct image {
    uint8_t *data;
    size_t size;
};

static struct image copy_image(const void *data, size_t size)
{
    struct image i = {malloc(size != 0 ? size : 1), size};

    assert_non_null(i.data);
    memcpy(i.data, data, size);
    return i;
}

/* header, 4 program headers, note, 16 bytes of code */
struct elf32 {
    Elf32_Ehdr eh;
    Elf32_Phdr ph[4];
    Elf32_Nhdr nh;
    char owner[4];
    uint8_t desc[8];
    uint8_t code[16];
};

struct elf64 {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[4];
    Elf64_Nhdr nh;
    char owner[4];
    uint8_t desc[8];
    uint8_t code[16];
};

static void ident(unsigned char *e, int elf_class)
{
    memcpy(e, ELFMAG, SELFMAG);
    e[EI_CLASS] = (unsigned char)elf_class;
    e[EI_DATA] = ELFDATA2LSB;
    e[EI_VERSION] = EV_CURRENT;
}

static struct elf32 good32(void)
{
    struct elf32 f;

    memset(&f, 0, sizeof(f));
    ident(f.eh.e_ident, ELFCLASS32);
    f.eh.e_type = ET_EXEC;
    f.eh.e_machine = EM_386;
    f.eh.e_phoff = offsetof(struct elf32, ph);
    f.eh.e_phentsize = sizeof(f.ph[0]);
    f.eh.e_phnum = 4;
    f.ph[0] = (Elf32_Phdr){.p_type = PT_LOAD,
                           .p_offset = offsetof(struct elf32, code),
                           .p_vaddr = 0xc0100000,
                           .p_paddr = 0x100000,
                           .p_filesz = 16,
                           .p_memsz = 0x2000,
                           .p_flags = PF_R | PF_X};
    f.ph[1] = (Elf32_Phdr){.p_type = PT_LOAD, .p_paddr = 0x10}; /* empty */
    f.ph[2] = (Elf32_Phdr){.p_type = PT_NOTE,
                           .p_offset = offsetof(struct elf32, nh),
                           .p_filesz = 12 + 4 + 4};
    f.ph[3] =
        (Elf32_Phdr){.p_type = PT_LOAD, .p_paddr = 0x400000, .p_memsz = 0x1000};
    f.nh = (Elf32_Nhdr){4, 4, XEN_ELFNOTE_PHYS32_ENTRY};
    memcpy(f.owner, "Xen", 4);
    memcpy(f.desc, "\x04\x00\x10\x00", 4);
    return f;
}

static struct elf64 good64(void)
{
    struct elf64 f;

    memset(&f, 0, sizeof(f));
    ident(f.eh.e_ident, ELFCLASS64);
    f.eh.e_type = ET_EXEC;
    f.eh.e_machine = EM_X86_64;
    f.eh.e_phoff = offsetof(struct elf64, ph);
    f.eh.e_phentsize = sizeof(f.ph[0]);
    f.eh.e_phnum = 4;
    f.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                           .p_offset = offsetof(struct elf64, code),
                           .p_paddr = 0,
                           .p_filesz = 16,
                           .p_memsz = 16};
    f.ph[1] = (Elf64_Phdr){.p_type = PT_NOTE,
                           .p_offset = offsetof(struct elf64, nh),
                           .p_filesz = 12 + 4 + 8};
    f.nh = (Elf64_Nhdr){4, 8, XEN_ELFNOTE_PHYS32_ENTRY};
    memcpy(f.owner, "Xen", 4);
    return f;
}

/* All that a loader does; the first error of any step. */
static int load(const void *data, size_t size, uint32_t *entry, uint64_t *low,
                uint64_t *high)
{
    struct image i = copy_image(data, size);
    struct elf_image elf;
    struct elf_segment s;
    uint32_t cursor = 0;
    volatile uint8_t sink = 0;
    int rc = elf_open(&elf, i.data, i.size);

    if (rc == ELF_OK) {
        rc = elf_bounds(&elf, low, high);
    }
    if (rc == ELF_OK) {
        rc = elf_pvh_entry(&elf, entry);
    }
    while (rc == ELF_OK && elf_load_next(&elf, &cursor, &s) > 0) {
        assert_true(s.mem_size > 0 && s.file_size <= s.mem_size);
        assert_true(s.paddr <= UINT64_MAX - s.mem_size);
        for (size_t n = 0; n < s.file_size; n++) {
            sink = (uint8_t)(sink + s.data[n]);
        }
    }
    (void)sink;
    free(i.data);
    return rc;
}

static int try_load(const void *data, size_t size)
{
    uint32_t entry;
    uint64_t low, high;

    return load(data, size, &entry, &low, &high);
}

static void test_good(void **state)
{
    struct elf32 a = good32();
    struct elf64 b = good64();
    uint32_t entry = 1;
    uint64_t low, high;

    (void)state;
    assert_int_equal(load(&a, sizeof(a), &entry, &low, &high), ELF_OK);
    assert_int_equal(entry, 0x100004);
    assert_int_equal(low, 0x100000);
    assert_int_equal(high, 0x401000);
    a.eh.e_machine = EM_X86_64; /* 64-bit code in a 32-bit file */
    assert_int_equal(try_load(&a, sizeof(a)), ELF_OK);

    assert_int_equal(load(&b, sizeof(b), &entry, &low, &high), ELF_OK);
    assert_int_equal(entry, 0); /* linked at physical 0 */
    assert_int_equal(low, 0);
    assert_int_equal(high, 16);
    b.eh.e_type = ET_DYN;
    assert_int_equal(try_load(&b, sizeof(b)), ELF_OK);
}

static void test_segments(void **state)
{
    struct elf32 a = good32();
    struct image i = copy_image(&a, sizeof(a));
    struct elf_image elf;
    struct elf_segment s;
    uint32_t cursor = 0;

    (void)state;
    assert_int_equal(elf_open(&elf, i.data, i.size), ELF_OK);
    assert_int_equal(elf_load_next(&elf, &cursor, &s), 1);
    assert_int_equal(s.paddr, 0x100000);
    assert_int_equal(s.file_size, 16);
    assert_int_equal(s.mem_size, 0x2000);
    assert_int_equal(s.flags, PF_R | PF_X);
    assert_ptr_equal(s.data, i.data + offsetof(struct elf32, code));
    assert_int_equal(elf_load_next(&elf, &cursor, &s), 1);
    assert_int_equal(s.paddr, 0x400000); /* the empty one is skipped */
    assert_int_equal(s.file_size, 0);
    assert_int_equal(elf_load_next(&elf, &cursor, &s), 0);
    assert_int_equal(elf_load_next(&elf, &cursor, &s), 0);
    free(i.data);
}

static void test_headers(void **state)
{
    struct elf32 a = good32();
    struct elf64 b = good64();
    struct elf32 f;
    struct elf64 g;

    (void)state;
    assert_int_equal(try_load("", 0), ELF_NOT_ELF);
    assert_int_equal(try_load("\177EL", 3), ELF_NOT_ELF);
    assert_int_equal(try_load("#!/bin/sh\n", 10), ELF_NOT_ELF);
    assert_int_equal(try_load("\177ELF", 4), ELF_TRUNCATED);
    assert_int_equal(try_load(&a, sizeof(a.eh) - 1), ELF_TRUNCATED);
    assert_int_equal(try_load(&b, sizeof(Elf32_Ehdr)), ELF_TRUNCATED);
    assert_int_equal(try_load(&a, sizeof(a.eh)), ELF_TRUNCATED);

    f = a;
    f.eh.e_ident[EI_CLASS] = 3;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_FORMAT);
    f = a;
    f.eh.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_FORMAT);
    f = a;
    f.eh.e_machine = EM_ARM;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_WRONG_MACHINE);
    g = b;
    g.eh.e_machine = EM_386;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_WRONG_MACHINE);
    f = a;
    f.eh.e_type = ET_REL;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NOT_EXECUTABLE);
    f = a;
    f.eh.e_phnum = 0;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_HEADERS);
    f.eh.e_phnum = 0xffff;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_HEADERS);
    f = a;
    f.eh.e_phentsize = 8;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_HEADERS);
    f.eh.e_phentsize = 0xffff;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_TRUNCATED);
    f = a;
    f.eh.e_phoff = UINT32_MAX;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_TRUNCATED);
    g = b;
    g.eh.e_phoff = UINT64_MAX - 8;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_TRUNCATED);
}

static void test_bad_segments(void **state)
{
    struct elf64 b = good64();
    struct elf64 g = b;

    (void)state;
    g.ph[0].p_filesz = 17;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_BAD_SEGMENT);
    g.ph[0].p_memsz = 17;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_TRUNCATED);
    g = b;
    g.ph[0].p_offset = UINT64_MAX;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_TRUNCATED);
    g = b;
    g.ph[0].p_filesz = UINT64_MAX;
    g.ph[0].p_memsz = UINT64_MAX;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_TRUNCATED);
    g = b;
    g.ph[0].p_paddr = UINT64_MAX - 8;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_BAD_SEGMENT);
    g = b;
    g.ph[0].p_memsz = 0;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_BAD_SEGMENT);
    g = b;
    g.ph[0].p_type = PT_NULL;
    assert_int_equal(try_load(&g, sizeof(g)), ELF_NO_SEGMENT);
    g = b;
    g.ph[0].p_filesz = 0;
    g.ph[0].p_offset = UINT64_MAX; /* of nothing: harmless */
    assert_int_equal(try_load(&g, sizeof(g)), ELF_OK);
}

static void test_notes(void **state)
{
    struct elf32 a = good32();
    struct elf32 f = a;

    (void)state;
    f.nh.n_type = 6;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    memcpy(f.owner, "GNU", 4);
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.nh.n_namesz = UINT32_MAX;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.nh.n_descsz = UINT32_MAX;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.nh.n_descsz = 2;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.ph[2].p_filesz = 19; /* the descriptor ends outside */
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.ph[2].p_offset = UINT32_MAX;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.ph[2].p_filesz = UINT32_MAX;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_NO_PVH_NOTE);
    f = a;
    f.desc[2] = 0x20; /* behind the segment */
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_ENTRY);
    f = a;
    f.nh.n_descsz = 8;
    f.ph[2].p_filesz = 24;
    assert_int_equal(try_load(&f, sizeof(f)), ELF_OK);
    f.desc[4] = 1; /* above 4 GiB */
    assert_int_equal(try_load(&f, sizeof(f)), ELF_BAD_ENTRY);
}

/* Several notes in one segment, of other owners too; the last one counts. */
static void test_many_notes(void **state)
{
    struct {
        struct elf32 f;
        uint32_t notes[16];
    } m = {good32(),
           {5, 3, 1, 0x41414141, 0x41, 0x424242, /* padded */
            4, 4, 18, 0x6e6558, 0x100008,        /* Xen's */
            4, 0, 18, 0x6e6558, 0}};
    uint32_t entry = 0;
    uint64_t low, high;

    (void)state;
    m.f.ph[2].p_offset = offsetof(__typeof__(m), notes);
    m.f.ph[2].p_filesz = sizeof(m.notes);
    assert_int_equal(load(&m, sizeof(m), &entry, &low, &high), ELF_OK);
    assert_int_equal(entry, 0x100008);
    m.notes[12] = 4; /* the last becomes one that counts */
    assert_int_equal(load(&m, sizeof(m), &entry, &low, &high), ELF_BAD_ENTRY);
}

/* No note segment: the sections are looked at, and a wrong table is none. */
static void test_note_section(void **state)
{
    struct {
        struct elf64 f;
        Elf64_Shdr sh[2];
    } m;

    (void)state;
    memset(&m, 0, sizeof(m));
    m.f = good64();
    m.f.ph[1].p_type = PT_NULL;
    m.f.eh.e_shoff = offsetof(__typeof__(m), sh);
    m.f.eh.e_shentsize = sizeof(m.sh[0]);
    m.f.eh.e_shnum = 2;
    m.sh[1].sh_type = SHT_NOTE;
    m.sh[1].sh_offset = offsetof(struct elf64, nh);
    m.sh[1].sh_size = 24;
    assert_int_equal(try_load(&m, sizeof(m)), ELF_OK);
    m.sh[1].sh_offset = UINT64_MAX - 3;
    assert_int_equal(try_load(&m, sizeof(m)), ELF_NO_PVH_NOTE);
    m.f.eh.e_shoff = UINT64_MAX - 3;
    assert_int_equal(try_load(&m, sizeof(m)), ELF_NO_PVH_NOTE);
    m.f.eh.e_shoff = offsetof(__typeof__(m), sh);
    m.f.eh.e_shnum = 0xffff;
    assert_int_equal(try_load(&m, sizeof(m)), ELF_NO_PVH_NOTE);
}

/* Notes without end cost bounded time: 128 headers over the same 4 MiB. */
static void test_note_bomb(void **state)
{
    size_t size = sizeof(Elf64_Ehdr) + 128 * sizeof(Elf64_Phdr) + (4u << 20);
    uint8_t *data = calloc(1, size);
    struct elf64 g = good64();

    (void)state;
    assert_non_null(data);
    g.eh.e_phnum = 128;
    memcpy(data, &g.eh, sizeof(g.eh));
    for (size_t i = 0; i < 128; i++) {
        Elf64_Phdr ph = {.p_type = i == 0 ? PT_LOAD : PT_NOTE,
                         .p_filesz = i == 0 ? 1 : 4u << 20,
                         .p_memsz = 1,
                         .p_offset = size - (4u << 20)};

        memcpy(data + g.eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph));
    }
    assert_int_equal(try_load(data, size), ELF_NO_PVH_NOTE);
    free(data);
}

/* Every prefix, and every byte replaced by every value that tends to hurt. */
static void test_damage(void **state)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    struct elf32 a = good32();
    struct elf64 b = good64();
    uint8_t bytes[sizeof(b)];

    (void)state;
    for (size_t n = 0; n < sizeof(a); n++) {
        assert_int_not_equal(try_load(&a, n), ELF_OK);
    }
    for (size_t n = 0; n < sizeof(b); n++) {
        assert_int_not_equal(try_load(&b, n), ELF_OK);
    }
    for (size_t at = 0; at < sizeof(b); at++) {
        for (size_t v = 0; v < sizeof(values); v++) {
            memcpy(bytes, &b, sizeof(b));
            bytes[at] = values[v];
            assert_true(try_load(bytes, sizeof(b)) <= 0);
        }
    }
    for (size_t at = 0; at < sizeof(a); at++) {
        for (size_t v = 0; v < sizeof(values); v++) {
            memcpy(bytes, &a, sizeof(a));
            bytes[at] = values[v];
            assert_true(try_load(bytes, sizeof(a)) <= 0);
        }
    }
}

static void test_explain(void **state)
{
    (void)state;
    for (int e = ELF_BAD_ENTRY; e <= 0; e++) {
        assert_non_null(elf_explain(e));
        assert_string_not_equal(elf_explain(e), "unknown error");
    }
    assert_string_equal(elf_explain(1), "unknown error");
    assert_string_equal(elf_explain(-1000), "unknown error");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_bad_segments),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_many_notes),
        cmocka_unit_test(test_note_section),
        cmocka_unit_test(test_note_bomb),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_explain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
