/* SPDX-License-Identifier: MIT */
/*
 * Builds PVH domains (spec section 8): memory, image, start info, special
 * pages, vCPUs. domain.c takes them down again.
 *
 * The image is hostile: elf.c has checked that its parts lie inside the file,
 * here they are checked against the memory of the domain. Layout, from below:
 * the image where its segments say, start info with everything it points to,
 * the modules, free memory.
 */
#include "domain.h"

#include <xen/errno.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>
#include <xen/xen.h>

#include "../../lib/elf.h"
#include "../../lib/string.h"
#include "../pools.h"
#include "acpi.h"
#include "start_info.h"

#define ACPI_BYTES PAGE_SIZE
#define INFO_BYTES (4 * PAGE_SIZE) /* start info and what it points to */
#define CHUNK_MIN SUPERPAGE_SIZE
#define SLACK_FRAMES 256u /* xl lets a domain have 1 MiB more than it has */
#define RESTORE_EXTRA (4ull << 20) /* shared info and grant frames count */

/* A domain under construction. */
struct build {
    struct x86_domain *d;
    const struct domain_spec *spec;
    struct elf_image elf;
    uint32_t entry;
    uint64_t image_end; /* first address above the image */
    uint64_t info_gpa;
    uint64_t module_gpa[START_INFO_MODULES];
    const struct save_area *record; /* to restore; else NULL */
    char *why;
    size_t why_size;
};

static bool fail(struct build *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct build *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    x86_vsnprintf(b->why, b->why_size, fmt, ap);
    va_end(ap);
    return false;
}

static uint64_t page_up(uint64_t n)
{
    return (n + PAGE_SIZE - 1) & PAGE_MASK;
}

/* ------------------------------------------------------------------ memory */

/* Takes RAM in as few pieces as there are. */
static bool take_ram(struct build *b, uint64_t bytes)
{
    struct x86_domain *d = b->d;
    uint64_t want = bytes;

    while (bytes > 0 && d->nr_chunks < CHUNKS_MAX) {
        uint64_t pa;

        if (want > bytes) {
            want = bytes;
        }
        pa = ram_alloc(want);
        if (pa != 0) {
            d->chunk[d->nr_chunks++] = (struct ram_chunk){pa, want};
            bytes -= want;
        } else if (want > CHUNK_MIN) {
            want = (want / 2 + CHUNK_MIN - 1) & ~(CHUNK_MIN - 1);
        } else {
            break;
        }
    }
    return bytes == 0 ||
           fail(b,
                "memory=%u: only %llu MiB of RAM are left; give the machine "
                "more",
                b->spec->memory_mib,
                (unsigned long long)((uint64_t)b->spec->memory_mib -
                                     (bytes >> 20)));
}

/* RAM counted from the bottom, the hole left out. */
static uint64_t ram_offset(uint64_t gpa)
{
    return gpa < MEMMAP_HOLE ? gpa : gpa - MEMMAP_4G + MEMMAP_HOLE;
}

/* Maps each piece; one that spans the hole in two parts. */
static bool map_ram(struct build *b)
{
    struct x86_domain *d = b->d;
    uint64_t at = 0;

    for (unsigned i = 0; i < d->nr_chunks; i++) {
        uint64_t pa = d->chunk[i].pa, left = d->chunk[i].bytes;

        pa_zero(pa, left);
        while (left > 0) {
            uint64_t gpa = at < MEMMAP_HOLE ? at : at - MEMMAP_HOLE + MEMMAP_4G;
            uint64_t part = left;

            if (at < MEMMAP_HOLE && at + part > MEMMAP_HOLE) {
                part = MEMMAP_HOLE - at;
            }
            if (p2m_map_range(d, gpa / PAGE_SIZE, pa, part / PAGE_SIZE) != 0) {
                return fail(b, "no memory for page tables");
            }
            at += part;
            pa += part;
            left -= part;
        }
    }
    return true;
}

/* Takes `bytes` of RAM and makes what is needed to map it. */
static bool own_ram(struct build *b, uint64_t bytes)
{
    struct x86_domain *d = b->d;

    if (!take_ram(b, bytes)) {
        return false;
    }
    d->frames_now = d->frames_max = bytes / PAGE_SIZE;
    d->frames_limit =
        ((uint64_t)domain_target_mib(b->spec) << 20) / PAGE_SIZE + SLACK_FRAMES;
    d->free_map = hv_alloc((d->frames_max + 63) / 64 * 8);
    if (!d->free_map || p2m_init(d, bytes) != 0) {
        return fail(b, "no memory for page tables");
    }
    memmap_build(&d->memmap, (uint64_t)b->spec->memory_mib << 20, ACPI_BYTES);
    return true;
}

static bool build_memory(struct build *b)
{
    return own_ram(b, (uint64_t)b->spec->memory_mib << 20) && map_ram(b);
}

/* Writes RAM of the domain; a NULL source copies from `src_pa`. */
static void ram_write(struct x86_domain *d, uint64_t gpa, const void *src,
                      uint64_t src_pa, uint64_t len)
{
    uint64_t offset = ram_offset(gpa);

    for (unsigned i = 0; i < d->nr_chunks && len > 0; i++) {
        const struct ram_chunk *c = &d->chunk[i];
        uint64_t part = len;

        if (offset >= c->bytes) {
            offset -= c->bytes;
            continue;
        }
        if (part > c->bytes - offset) {
            part = c->bytes - offset;
        }
        if (src) {
            pa_copy_in(c->pa + offset, src, part);
            src = (const uint8_t *)src + part;
        } else {
            pa_copy(c->pa + offset, src_pa, part);
            src_pa += part;
        }
        len -= part;
        offset = 0;
    }
}

/* ------------------------------------------------------------------- image */

static bool is_gzip(const uint8_t *data, uint64_t size)
{
    return size > 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static bool check_image(struct build *b)
{
    const struct boot_module *image = b->spec->image;
    const void *data = module_data(image);
    uint64_t low, high, room = (uint64_t)b->spec->memory_mib << 20;
    int rc;

    if (!data) {
        return fail(b, "the image cannot be mapped");
    }
    if (is_gzip(data, image->size)) {
        return fail(b, "the image is gzip-compressed: unpack it, or start it "
                       "with schedop run, which does");
    }
    rc = elf_open(&b->elf, data, image->size);
    if (rc == ELF_OK) {
        rc = elf_bounds(&b->elf, &low, &high);
    }
    if (rc == ELF_OK) {
        rc = elf_pvh_entry(&b->elf, &b->entry);
    }
    if (rc != ELF_OK) {
        return fail(b, "not a PVH kernel: %s", elf_explain(rc));
    }
    if (high > MEMMAP_HOLE) {
        return fail(b, "the image ends at %llx, beyond the memory below 4 GiB",
                    (unsigned long long)high);
    }
    if (high > room) {
        return fail(b,
                    "the image ends at %llx, beyond its memory; give at least "
                    "memory=%llu",
                    (unsigned long long)high,
                    (unsigned long long)(high >> 20) + 1);
    }
    b->image_end = page_up(high);
    return true;
}

static void load_image(struct build *b)
{
    struct elf_segment s;
    uint32_t cursor = 0;

    while (elf_load_next(&b->elf, &cursor, &s) == 1) {
        ram_write(b->d, s.paddr, s.data, 0, s.file_size);
    }
}

/* -------------------------------------------------------------- start info */

/* Start info above the image, then the modules, each on its own pages. */
static bool place(struct build *b)
{
    uint64_t at = b->image_end + INFO_BYTES;
    uint64_t room = (uint64_t)b->spec->memory_mib << 20;

    b->info_gpa = b->image_end;
    for (unsigned n = 0; n < b->spec->nr_modules; n++) {
        b->module_gpa[n] = at;
        at = page_up(at + b->spec->module[n]->size);
    }
    if (room > MEMMAP_HOLE) {
        room = MEMMAP_HOLE;
    }
    return at <= room ||
           fail(b, "image and modules take %llu KiB; give at least memory=%llu",
                (unsigned long long)at >> 10,
                (unsigned long long)(at >> 20) + 1);
}

static size_t fill_info(const struct build *b, uint8_t *bytes)
{
    const struct domain_spec *spec = b->spec;
    struct start_info_source from = {
        .hardware = spec->hardware,
        .rsdp = GPA_ACPI,
        .cmdline = spec->cmdline,
        .memmap = &b->d->memmap,
        .nr_modules = spec->nr_modules,
    };

    for (unsigned n = 0; n < spec->nr_modules; n++) {
        from.module[n].gpa = b->module_gpa[n];
        from.module[n].bytes = spec->module[n]->size;
    }
    return start_info_build(bytes, INFO_BYTES, b->info_gpa, &from);
}

static bool write_info(struct build *b)
{
    uint8_t *bytes = hv_alloc(INFO_BYTES);
    size_t used;

    if (!bytes) {
        return fail(b, "no memory to build start info");
    }
    used = fill_info(b, bytes);
    ram_write(b->d, b->info_gpa, bytes, 0, used);
    hv_free(bytes, INFO_BYTES);
    if (used == 0) {
        return fail(b, "the command line is too long");
    }
    for (unsigned n = 0; n < b->spec->nr_modules; n++) {
        ram_write(b->d, b->module_gpa[n], NULL, b->spec->module[n]->pa,
                  b->spec->module[n]->size);
    }
    return true;
}

/* ----------------------------------------------------------- special pages */

static bool special(struct x86_domain *d, void **page, uint64_t gfn)
{
    *page = hv_alloc(PAGE_SIZE);
    return *page && (gfn == GFN_NONE ||
                     p2m_set_locked(d, gfn, hv_pa(*page), P2M_SPECIAL) == 0);
}

/* Xen sets its hardware domain no limit but that of the ABI. */
static uint32_t nr_ports(const struct domain_spec *spec)
{
    return spec->hardware ? SOP_PORTS_MAX : spec->max_event_channels + 1;
}

static bool build_special(struct build *b)
{
    struct x86_domain *d = b->d;
    bool rings = !b->spec->hardware;

    d->shared_info_gfn = GFN_NONE;
    d->ports_bytes = sop_ports_size(nr_ports(b->spec), b->spec->vcpus);
    d->ports = hv_alloc(d->ports_bytes);
    if (!d->ports || !special(d, &d->shared_info, GFN_NONE) ||
        !special(d, &d->acpi, GPA_ACPI >> PAGE_SHIFT) ||
        (rings && (!special(d, &d->console, GFN_CONSOLE) ||
                   !special(d, &d->xenstore, GFN_XENSTORE))) ||
        grant_frame_locked(d, 0) == 0) {
        return fail(b, "no memory for the domain's special pages");
    }
    acpi_build(d->acpi, GPA_ACPI, b->spec->vcpus);
    return true;
}

/* ------------------------------------------------------------------- vCPUs */

static bool create_vcpus(struct build *b)
{
    struct x86_domain *d = b->d;

    for (unsigned i = 0; i < b->spec->vcpus; i++) {
        struct x86_vcpu *v = hv_alloc(sizeof(*v));

        if (!v) {
            return fail(b, "no memory for vCPU %u", i);
        }
        d->vcpu[i] = v;
        d->nr_vcpus = i + 1;
        v->domain = d;
        v->id = i;
        if (vcpu_init(v) != 0) {
            return fail(b, "no memory for vCPU %u", i);
        }
    }
    return true;
}

static bool build_vcpus(struct build *b)
{
    struct x86_domain *d = b->d;

    if (!create_vcpus(b)) {
        return false;
    }
    vcpu_reset_flat(d->vcpu[0], b->entry, b->info_gpa);
    d->vcpu[0]->initialised = true;
    return true;
}

/* ------------------------------------------------------------------ in the
 * core */

static bool set_affinities(struct build *b, struct sop_pcpu *self)
{
    for (unsigned i = 0; i < b->spec->vcpus; i++) {
        sop_cpumask_t hard = b->spec->hard[i], soft = b->spec->soft[i];
        struct sop_vcpu *v = b->d->vcpu[i]->sop;

        if (sop_vcpu_set_affinity(self, v,
                                  SOP_AFFINITY_HARD | SOP_AFFINITY_SOFT, &hard,
                                  &soft) != 0) {
            return fail(b, "cpus=%llx: there is no such pCPU in %s",
                        (unsigned long long)b->spec->hard[i], b->spec->pool);
        }
    }
    return true;
}

static bool refused(struct build *b, int rc)
{
    switch (rc) {
    case -XEN_EEXIST:
        return fail(b, "domain id %u is in use", b->d->domid);
    case -XEN_ENODEV:
        return fail(b, "pool=%s: it has no pCPU", b->spec->pool);
    case -XEN_ENOSPC:
        return fail(b,
                    "%s cannot guarantee budget=%u of period=%u for %u vCPUs; "
                    "do with less, or give it more pCPUs",
                    b->spec->pool, b->spec->budget_us, b->spec->period_us,
                    b->spec->vcpus);
    case -XEN_EINVAL:
        return fail(b, "the scheduler of %s does not take its knobs",
                    b->spec->pool);
    default:
        return fail(b, "no room for domain %u", b->d->domid);
    }
}

static bool create_in_core(struct build *b, struct sop_pcpu *self)
{
    struct x86_domain *d = b->d;
    void *ports[SOP_VCPUS_MAX];
    struct sop_domain_config cfg = {
        .domid = d->domid,
        .hardware = b->spec->hardware,
        .kind = SOP_GUEST_HVM,
        .nr_vcpus = d->nr_vcpus,
        .hard = SOP_CPUMASK_ALL,
        .soft = SOP_CPUMASK_ALL,
        .shared_info = d->shared_info,
        .nr_ports = nr_ports(b->spec),
        .ports = d->ports,
        .port = d,
    };
    struct policy_domain_knobs knobs;
    int rc;

    if (!pools_place(self, b->spec, &cfg, &knobs, b->why, b->why_size)) {
        return false;
    }
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        ports[i] = d->vcpu[i];
    }
    rc = sop_domain_create(sop_pcpu_system(self), time_now(), &cfg, ports,
                           &d->sop);
    if (rc != 0) {
        d->sop = NULL;
        return refused(b, rc);
    }
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        d->vcpu[i]->sop = sop_domain_vcpu(d->sop, i);
        d->vcpu[i]->upcall_byte = sop_vcpu_upcall_byte(d->vcpu[i]->sop);
    }
    return true;
}

/* Parameters; ports in Xen's order, so that xenstore has port 1 and the console
 * port 2. */
static bool set_params(struct build *b)
{
    struct x86_domain *d = b->d;
    int store, console;

    sop_domain_set_param(d->sop, HVM_PARAM_TRIPLE_FAULT_REASON,
                         SHUTDOWN_reboot);
    if (b->spec->hardware) {
        return true;
    }
    store = sop_evtchn_host_port(d->sop);
    console = sop_evtchn_host_port(d->sop);
    if (store < 0 || console < 0) {
        return fail(b, "no event channels for console and xenstore");
    }
    d->xenstore_port = (uint32_t)store;
    d->console_port = (uint32_t)console;
    sop_domain_set_param(d->sop, HVM_PARAM_STORE_PFN, GFN_XENSTORE);
    sop_domain_set_param(d->sop, HVM_PARAM_STORE_EVTCHN, d->xenstore_port);
    sop_domain_set_param(d->sop, HVM_PARAM_CONSOLE_PFN, GFN_CONSOLE);
    sop_domain_set_param(d->sop, HVM_PARAM_CONSOLE_EVTCHN, d->console_port);
    return true;
}

static bool build(struct build *b, struct sop_pcpu *self)
{
    if (!check_image(b) || !place(b) || !build_memory(b)) {
        return false;
    }
    load_image(b);
    return write_info(b) && build_special(b) && build_vcpus(b) &&
           create_in_core(b, self) && set_affinities(b, self) && set_params(b);
}

/* Says what is wrong with a record; true if nothing is. */
static bool good(struct build *b, const char *why)
{
    return why == NULL || fail(b, "it cannot be restored: %s", why);
}

/* The same from a record: its memory, zeroed and mapped, its registers. */
static bool restore(struct build *b, struct sop_pcpu *self)
{
    struct x86_domain *d = b->d;
    uint64_t bytes = (uint64_t)b->spec->memory_mib << 20, most;

    if (!good(b, save_check(b->record, b->spec->vcpus))) {
        return false;
    }
    most = save_frames(b->record);
    if (most > (bytes + RESTORE_EXTRA) / PAGE_SIZE) {
        return good(b, "it has more memory than it may have");
    }
    if (most > bytes / PAGE_SIZE) {
        bytes = most * PAGE_SIZE;
    }
    if (!own_ram(b, bytes)) {
        return false;
    }
    for (unsigned i = 0; i < d->nr_chunks; i++) {
        pa_zero(d->chunk[i].pa, d->chunk[i].bytes);
    }
    return good(b, save_map(b->record, d)) && build_special(b) &&
           create_vcpus(b) && good(b, save_load_vcpus(b->record, d)) &&
           create_in_core(b, self) && set_affinities(b, self) &&
           set_params(b) && good(b, save_start_vcpus(b->record, d));
}

static struct x86_domain *build_or_restore(struct sop_pcpu *self,
                                           struct build *b, uint16_t domid)
{
    b->d = hv_alloc(sizeof(*b->d));
    if (!b->d) {
        fail(b, "no memory for the domain");
        return NULL;
    }
    b->d->spec = b->spec;
    b->d->domid = domid;
    if (b->record ? restore(b, self) : build(b, self)) {
        return b->d;
    }
    if (b->d->sop) {
        sop_domain_destroy(self, b->d->sop); /* it never ran: done at once */
    }
    domain_release(b->d);
    return NULL;
}

struct x86_domain *domain_build(struct sop_pcpu *self,
                                const struct domain_spec *spec, uint16_t domid,
                                char *why, size_t why_size)
{
    struct build b = {.spec = spec, .why = why, .why_size = why_size};

    return build_or_restore(self, &b, domid);
}

struct x86_domain *domain_restore(struct sop_pcpu *self,
                                  const struct domain_spec *spec,
                                  uint16_t domid, struct save_area area,
                                  char *why, size_t why_size)
{
    struct build b = {
        .spec = spec, .record = &area, .why = why, .why_size = why_size};

    return build_or_restore(self, &b, domid);
}
