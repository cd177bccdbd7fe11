/* SPDX-License-Identifier: MIT */
/* See acpi.h. */
#include "acpi.h"

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t checksum2, reserved[3];
} __attribute__((packed));

struct header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} __attribute__((packed));

struct xsdt {
    struct header header;
    uint64_t entry[2];
} __attribute__((packed));

/* Only the fields that say "no legacy hardware, hardware-reduced". */
struct fadt {
    struct header header;
    uint32_t facs, dsdt;
    uint8_t legacy[65];
    uint16_t boot_flags;
    uint8_t reserved;
    uint32_t flags;
    uint8_t rest[140 - 116];
    uint64_t x_dsdt;
    uint8_t more[276 - 148];
} __attribute__((packed));

struct madt_apic {
    uint8_t type, length, processor, apic;
    uint32_t flags;
} __attribute__((packed));

struct madt {
    struct header header;
    uint32_t apic_base, flags;
    struct madt_apic apic[];
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36, "ACPI");
_Static_assert(sizeof(struct header) == 36, "ACPI");
_Static_assert(offsetof(struct fadt, boot_flags) == 109, "ACPI");
_Static_assert(offsetof(struct fadt, flags) == 112, "ACPI");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI");
_Static_assert(sizeof(struct fadt) == 276, "ACPI");

#define XSDT_AT 64u
#define FADT_AT 128u
#define DSDT_AT 448u
#define MADT_AT 512u

#define FADT_HARDWARE_REDUCED (1u << 20)
#define FADT_NO_VGA (1u << 2)
#define FADT_NO_MSI (1u << 3)
#define FADT_NO_ASPM (1u << 4)
#define FADT_NO_CMOS (1u << 5)

static uint8_t checksum(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint8_t sum = 0;

    while (len-- > 0) {
        sum = (uint8_t)(sum + *p++);
    }
    return (uint8_t)-sum;
}

static void header_fill(struct header *h, const char *signature,
                        uint8_t revision, size_t length)
{
    __builtin_memcpy(h->signature, signature, 4);
    h->length = (uint32_t)length;
    h->revision = revision;
    __builtin_memcpy(h->oem, "SCHDOP", 6);
    __builtin_memcpy(h->oem_table, "SCHEDOP ", 8);
    h->oem_revision = 1;
    __builtin_memcpy(h->creator, "SOP ", 4);
    h->creator_revision = 1;
}

static void madt_fill(struct madt *m, unsigned vcpus)
{
    size_t length = sizeof(*m) + vcpus * sizeof(m->apic[0]);

    header_fill(&m->header, "APIC", 2, length);
    m->apic_base = 0xfee00000;
    for (unsigned i = 0; i < vcpus; i++) {
        m->apic[i] = (struct madt_apic){
            .type = 0,
            .length = sizeof(struct madt_apic),
            .processor = (uint8_t)i,
            .apic = (uint8_t)(i * 2),
            .flags = 1,
        };
    }
    m->header.checksum = checksum(m, length);
}

/* The DSDT holds no code: there is nothing to describe. */
static void fadt_fill(struct fadt *f, struct header *dsdt, uint64_t dsdt_gpa)
{
    header_fill(dsdt, "DSDT", 2, sizeof(*dsdt));
    dsdt->checksum = checksum(dsdt, sizeof(*dsdt));
    f->dsdt = (uint32_t)dsdt_gpa;
    f->x_dsdt = dsdt_gpa;
    header_fill(&f->header, "FACP", 5, sizeof(*f));
    f->boot_flags = FADT_NO_VGA | FADT_NO_MSI | FADT_NO_ASPM | FADT_NO_CMOS;
    f->flags = FADT_HARDWARE_REDUCED;
    f->header.checksum = checksum(f, sizeof(*f));
}

void acpi_build(void *page, uint64_t gpa, unsigned vcpus)
{
    uint8_t *at = page;
    struct rsdp *rsdp = page;
    void *xsdt_at = at + XSDT_AT, *fadt_at = at + FADT_AT;
    void *dsdt_at = at + DSDT_AT, *madt_at = at + MADT_AT;
    struct xsdt *xsdt = xsdt_at;

    __builtin_memcpy(rsdp->signature, "RSD PTR ", 8);
    __builtin_memcpy(rsdp->oem, "SCHDOP", 6);
    rsdp->revision = 2;
    rsdp->length = sizeof(*rsdp);
    rsdp->xsdt = gpa + XSDT_AT;
    rsdp->checksum = checksum(rsdp, 20);
    rsdp->checksum2 = checksum(rsdp, sizeof(*rsdp));
    header_fill(&xsdt->header, "XSDT", 1, sizeof(*xsdt));
    xsdt->entry[0] = gpa + FADT_AT;
    xsdt->entry[1] = gpa + MADT_AT;
    xsdt->header.checksum = checksum(xsdt, sizeof(*xsdt));
    fadt_fill(fadt_at, dsdt_at, gpa + DSDT_AT);
    madt_fill(madt_at, vcpus);
}
