/* SPDX-License-Identifier: MIT */
/* Domains as ELF cores: see core_file.h. */
#include "core_file.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core_notes.h"
#include "core_walk.h"

#define PAGE 4096u

/* The 64-bit headers; those of 32 bits are made of them. */
struct core {
    const struct schedop_state *s;
    const struct ram *ram;
    bool narrow;
    Elf64_Phdr *load;
    size_t nr_loads;
    struct cli_text notes;
    uint64_t memory_at; /* offset of the first run */
};

/* ---- what is where ---- */

/* Offset in the file of guest-physical `pa`, which is in a run. */
static uint64_t offset_of(const struct core *c, uint64_t pa)
{
    const struct schedop_state_run *run = state_runs(c->s);
    uint64_t at = c->memory_at;

    for (uint64_t i = 0; i < c->s->nr_runs; i++) {
        uint64_t into = pa - run[i].gfn * PAGE;

        if (into < run[i].frames * PAGE) {
            return at + into;
        }
        at += run[i].frames * PAGE;
    }
    return at; /* not to happen */
}

static void add_load(struct core *c, uint64_t va, uint64_t pa, uint64_t size)
{
    c->load = cli_grow(c->load, c->nr_loads + 1, sizeof(*c->load));
    c->load[c->nr_loads++] = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_vaddr = va,
        .p_paddr = pa,
        .p_filesz = size,
        .p_memsz = size,
        .p_align = PAGE,
    };
}

/* All memory, what follows each other in one. */
static void add_physical(struct core *c)
{
    const struct schedop_state_run *run = state_runs(c->s);

    for (uint64_t i = 0; i < c->s->nr_runs; i++) {
        uint64_t pa = run[i].gfn * PAGE, size = run[i].frames * PAGE;
        Elf64_Phdr *last = c->nr_loads > 0 ? &c->load[c->nr_loads - 1] : NULL;

        if (last != NULL && last->p_vaddr >= CORE_PHYSICAL &&
            last->p_paddr + last->p_memsz == pa) {
            last->p_filesz = last->p_memsz = last->p_memsz + size;
        } else {
            add_load(c, CORE_PHYSICAL + pa, pa, size);
        }
    }
}

/* In ascending order of address, as a core should have them. */
static void lay_out(struct core *c)
{
    struct core_maps maps = {0};
    size_t i = 0;

    core_walk(c->s, c->ram, &maps);
    for (; i < maps.nr && maps.map[i].va < CORE_PHYSICAL; i++) {
        add_load(c, maps.map[i].va, maps.map[i].pa, maps.map[i].size);
    }
    if (!c->narrow) {
        add_physical(c);
    }
    for (; i < maps.nr; i++) {
        add_load(c, maps.map[i].va, maps.map[i].pa, maps.map[i].size);
    }
    if (maps.cut) {
        cli_warning("the domain's page tables have more than %u mappings: "
                    "the core does not have all",
                    CORE_MAPS_MAX);
    }
    core_maps_free(&maps);
}

/* ---- writing ---- */

static Elf32_Phdr narrowed(const Elf64_Phdr *p)
{
    return (Elf32_Phdr){
        .p_type = p->p_type,
        .p_offset = (uint32_t)p->p_offset,
        .p_vaddr = (uint32_t)p->p_vaddr,
        .p_paddr = (uint32_t)p->p_paddr,
        .p_filesz = (uint32_t)p->p_filesz,
        .p_memsz = (uint32_t)p->p_memsz,
        .p_flags = p->p_flags,
        .p_align = (uint32_t)p->p_align,
    };
}

static void add_header(const struct core *c, struct cli_text *out)
{
    const uint8_t ident[EI_NIDENT] = {ELFMAG0,
                                      ELFMAG1,
                                      ELFMAG2,
                                      ELFMAG3,
                                      c->narrow ? ELFCLASS32 : ELFCLASS64,
                                      ELFDATA2LSB,
                                      EV_CURRENT};
    Elf64_Ehdr wide = {
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(wide),
        .e_ehsize = sizeof(wide),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t)(c->nr_loads + 1),
    };
    Elf32_Ehdr small = {
        .e_type = ET_CORE,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(small),
        .e_ehsize = sizeof(small),
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = (uint16_t)(c->nr_loads + 1),
    };

    memcpy(wide.e_ident, ident, sizeof(ident));
    memcpy(small.e_ident, ident, sizeof(ident));
    if (c->narrow) {
        cli_text_add(out, &small, sizeof(small));
    } else {
        cli_text_add(out, &wide, sizeof(wide));
    }
}

static void add_program_header(const struct core *c, struct cli_text *out,
                               const Elf64_Phdr *p)
{
    Elf32_Phdr small = narrowed(p);

    if (c->narrow) {
        cli_text_add(out, &small, sizeof(small));
    } else {
        cli_text_add(out, p, sizeof(*p));
    }
}

/* Everything before memory. */
static void add_head(struct core *c, struct cli_text *out)
{
    size_t each = c->narrow ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
    size_t header = c->narrow ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
    size_t notes_at = header + (c->nr_loads + 1) * each;
    const Elf64_Phdr note = {.p_type = PT_NOTE,
                             .p_offset = notes_at,
                             .p_filesz = c->notes.len,
                             .p_align = 4};
    static const char zeros[PAGE];

    c->memory_at = (notes_at + c->notes.len + PAGE - 1) / PAGE * PAGE;
    add_header(c, out);
    add_program_header(c, out, &note);
    for (size_t i = 0; i < c->nr_loads; i++) {
        c->load[i].p_offset = offset_of(c, c->load[i].p_paddr);
        add_program_header(c, out, &c->load[i]);
    }
    cli_text_add(out, c->notes.data, c->notes.len);
    cli_text_add(out, zeros, c->memory_at - out->len);
}

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* Pages of zeros are left out. */
static int write_run(const struct whole_file *f, const uint8_t *at,
                     uint64_t frames)
{
    int rc = 0;

    for (uint64_t i = 0, n; i < frames && rc == 0; i += n) {
        bool zero = is_zero(at + i * PAGE);

        for (n = 1; i + n < frames && is_zero(at + (i + n) * PAGE) == zero;) {
            n++;
        }
        rc = zero ? whole_skip(f, n * PAGE)
                  : whole_write(f, at + i * PAGE, n * PAGE);
    }
    return rc;
}

static int write_memory(const struct core *c, const struct whole_file *f)
{
    const struct schedop_state_run *run = state_runs(c->s);

    for (uint64_t i = 0; i < c->s->nr_runs; i++) {
        const uint8_t *at = ram_at(c->ram, run[i].pa, run[i].frames * PAGE);

        if (at == NULL) {
            cli_error("%s: the domain's memory is not where it should be",
                      f->path);
            return -1;
        }
        if (write_run(f, at, run[i].frames) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Does all of it fit into offsets and addresses of 32 bits? */
static bool fits_narrow(const struct schedop_state *s)
{
    const struct schedop_state_run *run = state_runs(s);
    uint64_t frames = 0;

    for (uint64_t i = 0; i < s->nr_runs; i++) {
        frames += run[i].frames;
        if (run[i].gfn + run[i].frames > UINT32_MAX / PAGE) {
            return false;
        }
    }
    return frames < (UINT32_MAX >> 1) / PAGE;
}

int core_write(const struct whole_file *f, const struct schedop_state *s,
               const struct ram *ram)
{
    struct core c = {.s = s, .ram = ram};
    struct cli_text head = {0};
    int rc;

    c.narrow = core_is_narrow(s) && fits_narrow(s);
    core_notes(&c.notes, s, c.narrow);
    lay_out(&c);
    add_head(&c, &head);
    rc = whole_write(f, head.data, head.len);
    if (rc == 0) {
        rc = write_memory(&c, f);
    }
    cli_text_free(&head);
    cli_text_free(&c.notes);
    free(c.load);
    return rc;
}
