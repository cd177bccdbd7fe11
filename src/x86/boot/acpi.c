/* SPDX-License-Identifier: MIT */
/*
 * Finds the RSDP (from the loader or by search), walks RSDT or XSDT, and reads
 * MADT and FADT. Tables are firmware's, yet a length that makes no sense ends
 * the walk instead of the boot: without a MADT we run on one pCPU.
 */
#include "acpi.h"

#include "../mm/mm.h"
#include "boot.h"

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    /* revision 2 */
    uint32_t length;
    uint64_t xsdt;
    uint8_t checksum2, reserved[3];
} __attribute__((packed));

struct sdt {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct fadt {
    struct sdt header;
    uint8_t skipped[76 - sizeof(struct sdt)];
    uint32_t pm_timer;
} __attribute__((packed));

struct madt {
    struct sdt header;
    uint32_t lapic, flags;
} __attribute__((packed));

struct madt_entry {
    uint8_t type, length;
    union {
        struct {
            uint8_t acpi_id, apic_id;
            uint32_t flags;
        } __attribute__((packed)) lapic;
        struct {
            uint8_t id, reserved;
            uint32_t pa, first_gsi;
        } __attribute__((packed)) ioapic;
        struct {
            uint8_t bus, irq;
            uint32_t gsi;
            uint16_t flags;
        } __attribute__((packed)) isa;
        struct {
            uint16_t reserved;
            uint32_t x2apic_id, flags, acpi_id;
        } __attribute__((packed)) x2apic;
    } u;
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36, "ACPI 5.2.5.3");
_Static_assert(sizeof(struct sdt) == 36, "ACPI 5.2.6");
_Static_assert(offsetof(struct fadt, pm_timer) == 76, "ACPI 5.2.9");
_Static_assert(sizeof(struct madt) == 44, "ACPI 5.2.12");

#define MADT_LAPIC 0u
#define MADT_IOAPIC 1u
#define MADT_ISA 2u
#define MADT_X2APIC 9u
#define LAPIC_ENABLED 1u

#define READABLE_END (4 * GIB)
#define TABLE_MAX (1u << 20)

struct acpi_info acpi_info;

static bool sums_to_zero(const void *p, size_t len)
{
    const uint8_t *byte = p;
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + byte[i]);
    }
    return sum == 0;
}

static const struct sdt *table_at(uint64_t pa)
{
    const struct sdt *t = (const struct sdt *)pa;

    if (pa == 0 || pa + sizeof(*t) > READABLE_END || t->length < sizeof(*t) ||
        t->length > TABLE_MAX || pa + t->length > READABLE_END ||
        !sums_to_zero(t, t->length)) {
        return NULL;
    }
    return t;
}

static const struct rsdp *search(uint64_t start, uint64_t end)
{
    for (uint64_t pa = start; pa + sizeof(struct rsdp) <= end; pa += 16) {
        if (__builtin_memcmp((const void *)pa, "RSD PTR ", 8) == 0 &&
            sums_to_zero((const void *)pa, 20)) {
            return (const struct rsdp *)pa;
        }
    }
    return NULL;
}

static const struct rsdp *find_rsdp(void)
{
    const struct rsdp *r = NULL;
    uint64_t ebda;

    if (boot_info.rsdp_pa != 0) {
        return (const struct rsdp *)boot_info.rsdp_pa;
    }
    /* The BIOS left the segment of its extended data area here. */
    __asm__ volatile("movzwl 0x40e, %k0" : "=r"(ebda));
    ebda <<= 4;
    if (ebda >= 0x80000 && ebda < 0xa0000) {
        r = search(ebda, ebda + 1024);
    }
    if (r == NULL) {
        r = search(0xe0000, 0x100000);
    }
    boot_info.rsdp_pa = (uint64_t)r;
    return r;
}

static void add_cpu(uint32_t id, uint32_t flags)
{
    struct acpi_info *a = &acpi_info;

    if ((flags & LAPIC_ENABLED) == 0 || a->nr_cpus == ACPI_CPUS_MAX) {
        return;
    }
    for (unsigned i = 0; i < a->nr_cpus; i++) {
        if (a->apic_id[i] == id) {
            return; /* listed twice, as LAPIC and as x2APIC */
        }
    }
    a->apic_id[a->nr_cpus++] = id;
}

static void read_madt_entry(const struct madt_entry *e)
{
    struct acpi_info *a = &acpi_info;

    switch (e->type) {
    case MADT_LAPIC:
        add_cpu(e->u.lapic.apic_id, e->u.lapic.flags);
        break;
    case MADT_X2APIC:
        if (e->length >= 2 + sizeof(e->u.x2apic)) {
            add_cpu(e->u.x2apic.x2apic_id, e->u.x2apic.flags);
        }
        break;
    case MADT_IOAPIC:
        if (a->nr_ioapics < ACPI_IOAPICS_MAX &&
            e->length >= 2 + sizeof(e->u.ioapic)) {
            a->ioapic[a->nr_ioapics++] =
                (struct acpi_ioapic){e->u.ioapic.pa, e->u.ioapic.first_gsi};
        }
        break;
    case MADT_ISA:
        if (e->u.isa.bus == 0 && e->u.isa.irq < ACPI_ISA_IRQS &&
            e->length >= 2 + sizeof(e->u.isa)) {
            a->isa[e->u.isa.irq] =
                (struct acpi_isa){e->u.isa.gsi, e->u.isa.flags};
        }
        break;
    default:
        break;
    }
}

static void read_madt(const struct sdt *t)
{
    uint64_t at = (uint64_t)t + sizeof(struct madt);
    uint64_t end = (uint64_t)t + t->length;

    while (at + 8 <= end) {
        const struct madt_entry *e = (const struct madt_entry *)at;

        if (e->length < 8 || at + e->length > end) {
            break;
        }
        read_madt_entry(e);
        at += e->length;
    }
}

static void read_table(uint64_t pa)
{
    const struct sdt *t = table_at(pa);

    if (t == NULL) {
        return;
    }
    if (__builtin_memcmp(t->signature, "APIC", 4) == 0) {
        read_madt(t);
    } else if (__builtin_memcmp(t->signature, "FACP", 4) == 0 &&
               t->length >= sizeof(struct fadt)) {
        acpi_info.pm_timer =
            (uint16_t)((const struct fadt *)(const void *)t)->pm_timer;
    }
}

static uint64_t pointer_at(const struct sdt *root, size_t width, uint64_t n)
{
    const char *p = (const char *)(root + 1) + n * width;
    uint32_t narrow;
    uint64_t wide;

    if (width == sizeof(narrow)) {
        __builtin_memcpy(&narrow, p, sizeof(narrow));
        return narrow;
    }
    __builtin_memcpy(&wide, p, sizeof(wide));
    return wide;
}

void acpi_init(void)
{
    const struct rsdp *r = find_rsdp();
    const struct sdt *root = NULL;
    size_t width = 8;

    for (unsigned i = 0; i < ACPI_ISA_IRQS; i++) {
        acpi_info.isa[i].gsi = i;
    }
    if (r == NULL) {
        x86_log(SOP_LOG_WARNING, "no ACPI tables: using one pCPU");
        return;
    }
    if (r->revision >= 2) {
        root = table_at(r->xsdt);
    }
    if (root == NULL) {
        width = 4;
        root = table_at(r->rsdt);
    }
    if (root == NULL) {
        x86_log(SOP_LOG_WARNING, "bad ACPI tables: using one pCPU");
        return;
    }
    for (uint64_t n = 0; n < (root->length - sizeof(*root)) / width; n++) {
        read_table(pointer_at(root, width, n));
    }
}
