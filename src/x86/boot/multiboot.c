/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader left, in the form of multiboot 1 (QEMU, GRUB) or 2
 * (GRUB), copied into boot_info. Runs first, while the low 4 GiB are mapped;
 * afterwards nothing of the loader's is needed but the modules' bytes.
 */
#include "boot.h"

#include "../mm/mm.h"

#define MB1_BOOTLOADER_MAGIC 0x2badb002u
#define MB2_BOOTLOADER_MAGIC 0x36d76289u

#define MB1_HAS_CMDLINE (1u << 2)
#define MB1_HAS_MODULES (1u << 3)
#define MB1_HAS_MMAP (1u << 6)

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
    uint32_t mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
};

struct mb1_module {
    uint32_t start, end, cmdline, reserved;
};

struct mb1_mmap {
    uint32_t size; /* of what follows */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

struct mb2_tag {
    uint32_t type, size;
};

#define MB2_END 0u
#define MB2_CMDLINE 1u
#define MB2_MODULE 3u
#define MB2_MMAP 6u
#define MB2_ACPI_OLD 14u
#define MB2_ACPI_NEW 15u

struct mb2_mmap {
    struct mb2_tag tag;
    uint32_t entry_size, entry_version;
};

struct mb2_mmap_entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

#define RAM_USABLE 1u

struct boot_info boot_info;

/* Command lines are copied here: the loader's memory becomes guests'. */
static char text_pool[64 * 1024] BOOT_DATA;
static size_t text_used;

/* Ranges as reported, before sorting and taking away what is not usable. */
#define RAW_MAX 128u
static struct boot_ram raw_free[RAW_MAX] BOOT_DATA,
    raw_taken[RAW_MAX] BOOT_DATA;
static unsigned nr_free, nr_taken;

static char rsdp_copy[36] __attribute__((aligned(16)));

static const char *copy_text(const char *text, size_t limit)
{
    char *copy = text_pool + text_used;
    size_t n = 0;

    while (n < limit && text[n] != '\0') {
        if (text_used + n + 1 >= sizeof(text_pool)) {
            x86_panic("the command lines are too long");
        }
        copy[n] = text[n];
        n++;
    }
    copy[n] = '\0';
    text_used += n + 1;
    return copy;
}

/* Where a text is that may be one of the pool, now that this is at `kept`. */
static const char *moved(const char *text, const char *kept)
{
    bool pooled = text >= text_pool && text < text_pool + text_used;

    return pooled ? kept + (text - text_pool) : text;
}

void multiboot_settle(void)
{
    char *kept = hv_alloc(text_used + 1);

    if (kept == NULL) {
        x86_panic("no memory for the command lines");
    }
    __builtin_memcpy(kept, text_pool, text_used);
    boot_info.cmdline = moved(boot_info.cmdline, kept);
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        struct boot_module *m = &boot_info.module[i];

        m->cmdline = moved(m->cmdline, kept);
    }
}

static void add_module(uint64_t start, uint64_t end, const char *cmdline)
{
    struct boot_module *m = &boot_info.module[boot_info.nr_modules];

    if (boot_info.nr_modules == BOOT_MODULES_MAX) {
        x86_panic("more than %u boot modules", BOOT_MODULES_MAX);
    }
    if (start % PAGE_SIZE != 0 || end < start) {
        x86_panic("boot module %u is not on a page boundary",
                  boot_info.nr_modules);
    }
    m->pa = start;
    m->size = end - start;
    m->cmdline = cmdline;
    boot_info.nr_modules++;
}

static void add_raw(uint64_t base, uint64_t length, uint32_t type)
{
    uint64_t end = base + length < base ? UINT64_MAX : base + length;

    if (type == RAM_USABLE) {
        base = (base + PAGE_SIZE - 1) & PAGE_MASK;
        end &= PAGE_MASK;
        if (nr_free < RAW_MAX && base < end) {
            raw_free[nr_free++] = (struct boot_ram){base, end - base};
        }
    } else if (length > 0 && nr_taken < RAW_MAX) {
        base &= PAGE_MASK;
        end = (end + PAGE_SIZE - 1) & PAGE_MASK;
        raw_taken[nr_taken++] = (struct boot_ram){base, end - base};
    }
}

static void read_mb1(const struct mb1_info *info)
{
    uint64_t at = info->mmap_addr, end = at + info->mmap_length;

    boot_info.cmdline = "";
    if ((info->flags & MB1_HAS_CMDLINE) != 0) {
        boot_info.cmdline =
            copy_text((const char *)(uint64_t)info->cmdline, SIZE_MAX);
    }
    if ((info->flags & MB1_HAS_MODULES) != 0) {
        const struct mb1_module *m =
            (const struct mb1_module *)(uint64_t)info->mods_addr;

        for (uint32_t i = 0; i < info->mods_count; i++) {
            add_module(m[i].start, m[i].end,
                       m[i].cmdline == 0
                           ? ""
                           : copy_text((const char *)(uint64_t)m[i].cmdline,
                                       SIZE_MAX));
        }
    }
    if ((info->flags & MB1_HAS_MMAP) == 0) {
        x86_panic("the boot loader gives no memory map");
    }
    while (at + sizeof(struct mb1_mmap) <= end) {
        const struct mb1_mmap *e = (const struct mb1_mmap *)at;

        add_raw(e->base, e->length, e->type);
        at += e->size + sizeof(e->size);
    }
}

static void read_mb2_mmap(const struct mb2_mmap *map)
{
    uint64_t at = (uint64_t)(map + 1), end = (uint64_t)map + map->tag.size;

    if (map->entry_size < sizeof(struct mb2_mmap_entry)) {
        x86_panic("the boot loader's memory map is malformed");
    }
    for (; at + map->entry_size <= end; at += map->entry_size) {
        const struct mb2_mmap_entry *e = (const struct mb2_mmap_entry *)at;

        add_raw(e->base, e->length, e->type);
    }
}

static void read_mb2_tag(const struct mb2_tag *tag)
{
    const uint32_t *word = (const uint32_t *)(tag + 1);
    size_t size = tag->size - sizeof(*tag);

    switch (tag->type) {
    case MB2_CMDLINE:
        boot_info.cmdline = copy_text((const char *)word, size);
        break;
    case MB2_MODULE:
        if (size >= 8) {
            add_module(word[0], word[1],
                       copy_text((const char *)(word + 2), size - 8));
        }
        break;
    case MB2_MMAP:
        read_mb2_mmap((const struct mb2_mmap *)(const void *)tag);
        break;
    case MB2_ACPI_OLD:
    case MB2_ACPI_NEW:
        /* Both may be there, old first: the later and newer one stays. */
        __builtin_memset(rsdp_copy, 0, sizeof(rsdp_copy));
        __builtin_memcpy(rsdp_copy, word,
                         size < sizeof(rsdp_copy) ? size : sizeof(rsdp_copy));
        boot_info.rsdp_pa = (uint64_t)rsdp_copy;
        break;
    default:
        break;
    }
}

static void read_mb2(uint64_t info_pa)
{
    uint64_t at = info_pa + 8;
    uint64_t end = info_pa + *(const uint32_t *)info_pa;

    boot_info.cmdline = "";
    while (at + sizeof(struct mb2_tag) <= end) {
        const struct mb2_tag *tag = (const struct mb2_tag *)at;

        if (tag->type == MB2_END || tag->size < sizeof(*tag)) {
            break;
        }
        read_mb2_tag(tag);
        at += (tag->size + 7ull) & ~7ull;
    }
}

static void sort(struct boot_ram *r, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        for (unsigned j = i; j > 0 && r[j].pa < r[j - 1].pa; j--) {
            struct boot_ram t = r[j];

            r[j] = r[j - 1];
            r[j - 1] = t;
        }
    }
}

static void add_piece(uint64_t pa, uint64_t end)
{
    if (pa < end && boot_info.nr_ram < BOOT_RAM_MAX) {
        boot_info.ram[boot_info.nr_ram++] = (struct boot_ram){pa, end - pa};
    }
}

/* Adds [pa, end) less what is taken; raw_taken[] is sorted. */
static void add_ram(uint64_t pa, uint64_t end)
{
    for (unsigned i = 0; i < nr_taken && pa < end; i++) {
        uint64_t taken = raw_taken[i].pa;
        uint64_t taken_end = taken + raw_taken[i].size;

        if (taken_end > pa && taken < end) {
            add_piece(pa, taken);
            pa = taken_end;
        }
    }
    add_piece(pa, end);
}

static void build_ram(void)
{
    uint64_t covered = 0; /* everything below has been dealt with */

    sort(raw_free, nr_free);
    sort(raw_taken, nr_taken);
    for (unsigned i = 0; i < nr_free; i++) {
        uint64_t pa = raw_free[i].pa, end = pa + raw_free[i].size;

        if (pa < covered) {
            pa = covered;
        }
        if (pa < end) {
            add_ram(pa, end);
            covered = end;
        }
    }
    if (boot_info.nr_ram == 0) {
        x86_panic("the boot loader reports no usable memory");
    }
}

const void *module_data(const struct boot_module *m)
{
    /* paging_init() mapped those of the boot loader read-only. */
    return m->data != NULL ? m->data : (const void *)m->pa;
}

void multiboot_read(uint32_t magic, uint64_t info_pa)
{
    if (magic == MB1_BOOTLOADER_MAGIC) {
        read_mb1((const struct mb1_info *)info_pa);
    } else if (magic == MB2_BOOTLOADER_MAGIC) {
        read_mb2(info_pa);
    } else {
        x86_panic("not started by a multiboot loader (%x)", magic);
    }
    build_ram();
}
