/* SPDX-License-Identifier: MIT */
/*
 * See build.h. A PVH domain is memory with the image in it, a start info page,
 * a vCPU in 32-bit protected mode at the image's entry, and a console ring.
 * Foreign frames are written to through one page of our own whose mapping is
 * replaced for each of them.
 */
#include <schedop/kit.h>

#include "../../src/lib/elf.h"
#include "build.h"
#include "lab.h"
#include "pair.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/io/console.h>
#include <xen/memory.h>

#define PAGE 4096u
#define RAM_PAGES 1024u /* from guest frame 0 */
#define START_GFN 1u    /* start info, memory map, command line */
#define CONSOLE_GFN 0xfeff0u
#define BUILT_MAX 2u
#define CONTEXT_MAX 16384u

struct built {
    uint16_t domid;
    evtchn_port_t port; /* our end of its console */
    char line[512];
    unsigned int length;
};

static struct built built[BUILT_MAX];
static unsigned int nr_built;
static uint8_t consoles[BUILT_MAX][PAGE] __attribute__((aligned(4096)));
static uint8_t window[PAGE] __attribute__((aligned(4096)));
static struct xen_domctl op;

static bool failed(const char *what, long rc)
{
    if (rc != 0) {
        kit_printf("building a domain: %s: %s\n", what,
                   schedop_error_name((int)rc));
    }
    return rc != 0;
}

static int ctl(uint32_t command, uint16_t domid)
{
    return pair_domctl(command, domid, &op);
}

static int map(void *page, uint64_t frame, uint16_t domid)
{
    return (int)schedop_hypercall5(__HYPERVISOR_update_va_mapping_otherdomain,
                                   (uintptr_t)page, frame << 12 | 7,
                                   UVMF_INVLPG, domid, 0);
}

/* ---- the empty domain ---- */

static uint16_t create(void)
{
    memset(&op, 0, sizeof(op));
    op.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    op.u.createdomain.max_vcpus = 3;
    op.u.createdomain.max_evtchn_port = UINT32_MAX;
    op.u.createdomain.max_grant_frames = 4;
    op.u.createdomain.max_maptrack_frames = 4;
    op.u.createdomain.grant_opts = 1;
    op.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    return failed("createdomain", ctl(XEN_DOMCTL_createdomain, 0)) ? 0
                                                                   : op.domain;
}

static bool set_limits(uint16_t domid)
{
    memset(&op, 0, sizeof(op));
    op.u.paging_mempool.size = UINT64_C(2) << 20;
    if (failed("paging pool", ctl(XEN_DOMCTL_set_paging_mempool_size, domid))) {
        return false;
    }
    memset(&op, 0, sizeof(op));
    op.u.max_vcpus.max = 3;
    if (failed("max_vcpus", ctl(XEN_DOMCTL_max_vcpus, domid))) {
        return false;
    }
    memset(&op, 0, sizeof(op));
    op.u.max_mem.max_memkb = (RAM_PAGES + 16) * 4;
    return !failed("max_mem", ctl(XEN_DOMCTL_max_mem, domid));
}

/* Gives the domain memory at `count` frames from `gfn` on. */
static bool populate(uint16_t domid, uint64_t gfn, unsigned int count)
{
    static xen_pfn_t frames[RAM_PAGES];
    struct xen_memory_reservation r;
    long done;

    for (unsigned int i = 0; i < count; i++) {
        frames[i] = gfn + i;
    }
    memset(&r, 0, sizeof(r));
    set_xen_guest_handle(r.extent_start, frames);
    r.nr_extents = count;
    r.domid = domid;
    done = (long)raw_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap,
                          (uintptr_t)&r, 0);
    return !failed("memory", done == (long)count ? 0 : -XEN_ENOMEM);
}

/* ---- what is in its memory ---- */

/* Copies to guest-physical memory; NULL data is zeroes. */
static bool put(uint16_t domid, uint64_t at, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t offset = at % PAGE, n = PAGE - offset;

        n = n < size ? n : size;
        if (failed("writing to it", map(window, at / PAGE, domid))) {
            return false;
        }
        if (data != NULL) {
            memcpy(window + offset, data, n);
            data += n;
        } else {
            memset(window + offset, 0, n);
        }
        at += n;
        size -= n;
    }
    return true;
}

static bool load_image(uint16_t domid, uint32_t *entry)
{
    struct elf_image image;
    struct elf_segment s;
    size_t size = 0;
    const void *data = kit_module(0, &size);
    uint32_t next = 0;
    int rc;

    if (data == NULL) {
        kit_printf("building a domain: there is no boot module\n");
        return false;
    }
    rc = elf_open(&image, data, size);
    if (rc == ELF_OK) {
        rc = elf_pvh_entry(&image, entry);
    }
    while (rc == ELF_OK && (rc = elf_load_next(&image, &next, &s)) > 0) {
        rc = put(domid, s.paddr, s.data, s.file_size) &&
                     put(domid, s.paddr + s.file_size, NULL,
                         (size_t)s.mem_size - s.file_size)
                 ? ELF_OK
                 : ELF_BAD_SEGMENT;
    }
    if (rc != ELF_OK) {
        kit_printf("building a domain: %s\n", elf_explain(rc));
    }
    return rc == ELF_OK;
}

static bool put_start_info(uint16_t domid, const char *cmdline)
{
    static struct {
        struct hvm_start_info info;
        struct hvm_memmap_table_entry map[1];
        char cmdline[256];
    } page;
    uint64_t base = (uint64_t)START_GFN * PAGE;
    size_t length = strlen(cmdline);

    memset(&page, 0, sizeof(page));
    page.info.magic = XEN_HVM_START_MAGIC_VALUE;
    page.info.version = 1;
    page.info.cmdline_paddr = base + offsetof(__typeof__(page), cmdline);
    page.info.memmap_paddr = base + offsetof(__typeof__(page), map);
    page.info.memmap_entries = 1;
    page.map[0].size = (uint64_t)RAM_PAGES * PAGE;
    page.map[0].type = XEN_HVM_MEMMAP_TYPE_RAM;
    memcpy(page.cmdline, cmdline, length < 255 ? length : 255);
    return put(domid, base, (const uint8_t *)&page, sizeof(page));
}

/* ---- its vCPU 0 ---- */

static uint8_t context[CONTEXT_MAX];
static size_t context_size;

static void add(const void *data, size_t size)
{
    memcpy(context + context_size, data, size);
    context_size += size;
}

static void add_record(uint16_t type, const void *data, uint32_t size)
{
    struct hvm_save_descriptor d = {type, 0, size};

    add(&d, sizeof(d));
    add(data, size);
}

/* Protected mode without paging, flat segments, ebx: start info (spec 8.2). */
static void registers(struct hvm_hw_cpu *r, uint32_t entry)
{
    memset(r, 0, sizeof(*r));
    r->rip = entry;
    r->rbx = (uint64_t)START_GFN * PAGE;
    r->rflags = 2;
    r->cr0 = 0x11;
    r->dr6 = 0xffff0ff0;
    r->dr7 = 0x400;
    r->cs_arbytes = 0xc9b;
    r->ds_arbytes = r->es_arbytes = r->ss_arbytes = 0xc93;
    r->fs_arbytes = r->gs_arbytes = 0xc93;
    r->cs_limit = r->ds_limit = r->es_limit = r->ss_limit = UINT32_MAX;
    r->fs_limit = r->gs_limit = UINT32_MAX;
    r->tr_arbytes = 0x8b;
    r->tr_limit = 0x67;
    r->ldtr_arbytes = 0x82;
}

/* The header record is Xen's own; then the registers; then the end. */
static bool set_registers(uint16_t domid, uint32_t entry)
{
    static uint8_t old[CONTEXT_MAX] __attribute__((aligned(8)));
    static struct hvm_hw_cpu cpu;
    struct hvm_save_descriptor header;

    memset(&op, 0, sizeof(op));
    op.u.hvmcontext.size = sizeof(old);
    set_xen_guest_handle(op.u.hvmcontext.buffer, old);
    if (failed("gethvmcontext", ctl(XEN_DOMCTL_gethvmcontext, domid))) {
        return false;
    }
    memcpy(&header, old, sizeof(header));
    context_size = 0;
    add(old, sizeof(header) + header.length);
    registers(&cpu, entry);
    add_record(HVM_SAVE_CODE(CPU), &cpu, sizeof(cpu));
    add_record(HVM_SAVE_CODE(END), NULL, 0);
    memset(&op, 0, sizeof(op));
    op.u.hvmcontext.size = (uint32_t)context_size;
    set_xen_guest_handle(op.u.hvmcontext.buffer, context);
    return !failed("sethvmcontext", ctl(XEN_DOMCTL_sethvmcontext, domid));
}

/* ---- its console ---- */

static int set_param(uint16_t domid, uint32_t index, uint64_t value)
{
    struct xen_hvm_param p = {.domid = domid, .index = index, .value = value};

    return (int)raw_call(__HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)&p,
                         0);
}

static bool give_console(struct built *b, uint8_t *page)
{
    struct evtchn_alloc_unbound a = {.dom = b->domid, .remote_dom = DOMID_SELF};
    int rc;

    if (!populate(b->domid, CONSOLE_GFN, 1) ||
        !put(b->domid, (uint64_t)CONSOLE_GFN * PAGE, NULL, PAGE) ||
        failed("console page", map(page, CONSOLE_GFN, b->domid))) {
        return false;
    }
    rc = evtchn_op(EVTCHNOP_alloc_unbound, &a);
    if (rc == 0) {
        rc = schedop_evtchn_bind_interdomain(b->domid, a.port, &b->port);
        set_mask(b->port, true);
    }
    if (rc == 0) {
        rc = set_param(b->domid, HVM_PARAM_CONSOLE_PFN, CONSOLE_GFN);
    }
    if (rc == 0) {
        rc = set_param(b->domid, HVM_PARAM_CONSOLE_EVTCHN, a.port);
    }
    return !failed("console", rc);
}

static void take(struct built *b, char c)
{
    if (b->length < sizeof(b->line)) {
        b->line[b->length++] = c;
    }
    if (c == '\n') {
        kit_write(b->line, b->length);
        b->length = 0;
    }
}

static void pump(struct built *b, struct xencons_interface *ring)
{
    XENCONS_RING_IDX end = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);

    if (end == ring->out_cons) {
        return;
    }
    while (ring->out_cons != end) {
        take(b, ring->out[MASK_XENCONS_IDX(ring->out_cons, ring->out)]);
        __atomic_store_n(&ring->out_cons, ring->out_cons + 1, __ATOMIC_RELEASE);
    }
    clear_pending(b->port);
    (void)send(b->port);
}

void build_pump(void)
{
    for (unsigned int i = 0; i < nr_built; i++) {
        pump(&built[i], (struct xencons_interface *)(void *)consoles[i]);
    }
}

/* ---- all of it ---- */

uint16_t build_domain(const char *cmdline)
{
    struct built *b = &built[nr_built];
    uint32_t entry = 0;

    b->domid = create();
    if (b->domid == 0 || !set_limits(b->domid) ||
        !populate(b->domid, 0, RAM_PAGES) || !load_image(b->domid, &entry) ||
        !put_start_info(b->domid, cmdline) ||
        !give_console(b, consoles[nr_built]) ||
        !set_registers(b->domid, entry)) {
        return 0;
    }
    (void)schedop_hypercall5(__HYPERVISOR_update_va_mapping, (uintptr_t)window,
                             0, UVMF_INVLPG, 0, 0);
    nr_built++;
    pair_idle = build_pump;
    memset(&op, 0, sizeof(op));
    return failed("unpause", ctl(XEN_DOMCTL_unpausedomain, b->domid))
               ? 0
               : b->domid;
}
