/* SPDX-License-Identifier: MIT */
/*
 * The way into the upper half: tables, domains from the boot modules, then
 * each pCPU to its loop.
 */
#include "boot/boot.h"
#include "host.h"

#include <xen/errno.h>

#include "../lib/string.h"
#include "cpu/lock.h"
#include "trace.h"
#include "pools.h"
#include "virt/spec.h"

#define DOMAINS_SPARE 16u /* kept, stopped ones beside those that restart */
#define POOLS_SPARE 2u    /* pools beyond one for each pCPU */
#define WHY_MAX 256u

/* At one time, in a host that lives on when its last domain has ended. */
#define HOST_DOMAINS 128u
#define HOST_VCPUS 512u

static struct domain_spec *specs; /* room for one a module */
static unsigned nr_specs;

/* Ended domains may be kept, and restart beside that. The end of a hardware
   domain is the machine's: alone it leaves nothing. */
static unsigned nr_spare(void)
{
    bool alone = nr_specs == 1 && specs[0].hardware;

    return alone ? 0 : DOMAINS_SPARE;
}

unsigned x86_nr_domains(void)
{
    return host.stays ? HOST_DOMAINS : nr_specs + nr_spare();
}

/* ----------------------------------------------------------------------
 * modules */

static struct domain_spec *spec_by_name(const char *name)
{
    for (unsigned i = 0; i < nr_specs; i++) {
        if (strcmp(specs[i].name, name) == 0) {
            return &specs[i];
        }
    }
    return NULL;
}

static bool hardware_taken(const struct domain_spec *spec)
{
    for (unsigned i = 0; i < nr_specs; i++) {
        if (spec->hardware && specs[i].hardware) {
            return true;
        }
    }
    return false;
}

static void add_domain(const struct domain_spec *spec)
{
    if (spec_by_name(spec->name)) {
        host_domain_failed(spec->name, "another domain has this name");
    } else if (hardware_taken(spec)) {
        host_domain_failed(spec->name, "there is a hardware domain already");
    } else {
        specs[nr_specs++] = *spec;
    }
}

static void attach(const struct boot_module *m, const char *name)
{
    struct domain_spec *spec = spec_by_name(name);
    unsigned max = sizeof(spec->module) / sizeof(spec->module[0]);

    if (!spec) {
        host_domain_failed(name, "module-of: there is no such domain");
    } else if (spec->nr_modules == max) {
        host_domain_failed(name, "module-of: it has too many modules");
    } else {
        spec->module[spec->nr_modules++] = m;
    }
}

/* Domains first, so that a module may come before its domain. */
static void read_modules(void)
{
    struct spec_module module;
    struct domain_spec spec;
    char why[WHY_MAX];

    if (boot_info.nr_modules == 0) {
        return;
    }
    specs = hv_alloc(boot_info.nr_modules * sizeof(*specs));
    if (!specs) {
        x86_panic("no memory for what %u modules say", boot_info.nr_modules);
    }
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        if (!spec_parse(&boot_info.module[i], nr_specs, &spec, &module, why,
                        sizeof(why))) {
            host_domain_failed(spec.name, why);
        } else if (module.of[0] == '\0') {
            add_domain(&spec);
        }
    }
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        if (spec_parse(&boot_info.module[i], 0, &spec, &module, why,
                       sizeof(why)) &&
            module.of[0] != '\0') {
            attach(&boot_info.module[i], module.of);
        }
    }
}

/* -----------------------------------------------------------------------
 * system */

static uint64_t seed(void)
{
    char text[24];
    uint64_t value = 0;

    if (!cmdline_get(boot_info.cmdline, "seed", text, sizeof(text))) {
        return 0;
    }
    for (const char *c = text; *c >= '0' && *c <= '9'; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
    }
    return value;
}

static struct sop_system *make_system(void)
{
    struct sop_config cfg = {
        .nr_pcpus = x86_nr_pcpus(),
        .nr_domains = x86_nr_domains(),
        .seed = seed(),
        .wall_ns = time_wall_ns_at_boot(),
        .time = *time_scale(),
        .noreboot = cmdline_has(boot_info.cmdline, "noreboot"),
        .own_ports = true,
        .nr_pools = x86_nr_pcpus() + POOLS_SPARE,
    };
    struct sop_system *sys = NULL;
    unsigned most = 1; /* vCPUs of one domain */
    size_t size;
    void *arena;

    pools_configure(&cfg);
    for (unsigned i = 0; i < nr_specs; i++) {
        cfg.nr_vcpus += specs[i].vcpus;
        most = specs[i].vcpus > most ? specs[i].vcpus : most;
    }
    cfg.nr_vcpus += host.stays ? HOST_VCPUS : nr_spare() * most;
    if (cfg.nr_pools > SOP_POOLS_MAX) {
        cfg.nr_pools = SOP_POOLS_MAX;
    }
    size = sop_system_size(&cfg);
    arena = hv_alloc(size);
    if (arena) {
        sys = sop_system_init(arena, size, &cfg);
    }
    if (!sys) {
        x86_panic("no memory for the tables of the core (%zu bytes)", size);
    }
    return sys;
}

static void place(const struct x86_pcpu *p)
{
    struct topology t = topology_of(p->apic_id);

    sop_pcpu_set_topology(p->sop, t.core, t.socket);
}

static _Atomic unsigned nr_begun;

static void pcpu_begin(struct x86_pcpu *self)
{
    virt_init_pcpu(self);
    sop_pcpu_online(self->sop);
    atomic_fetch_add(&nr_begun, 1);
}

__attribute__((noreturn)) static void pcpu_run(struct x86_pcpu *self)
{
    pcpu_begin(self);
    virt_run(self);
}

/* ----------------------------------------------------------------------
 * domains */

static struct x86_domain *
build_one(struct sop_pcpu *self, const struct domain_spec *spec, uint16_t domid)
{
    char why[WHY_MAX];
    struct x86_domain *d = domain_build(self, spec, domid, why, sizeof(why));

    if (d) {
        host_domain_created(d);
    } else {
        host_domain_failed(spec->name, why);
    }
    return d;
}

/* All are built before the first one runs, so that they find each other. */
static void start_domains(struct sop_pcpu *self)
{
    struct x86_domain *built[BOOT_MODULES_MAX] = {0};
    uint16_t domid = 1;

    if (nr_specs == 0 && !host.stays) {
        host_domain_failed("", "no module is the image of a guest");
    }
    for (unsigned i = 0; i < nr_specs; i++) {
        built[i] = build_one(self, &specs[i], specs[i].hardware ? 0 : domid++);
    }
    for (unsigned i = 0; i < nr_specs; i++) {
        if (built[i] && strcmp(specs[i].name, boot_options.debug) != 0) {
            sop_domain_unpause(self, domain_sop(built[i]));
        }
    }
}

void x86_main(void)
{
    struct x86_pcpu *self = x86_self();
    struct sop_system *sys;

    host.stays = boot_options.host;
    host.answers = host.stays || boot_options.debug[0] != '\0';
    read_modules();
    sys = make_system();
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        struct x86_pcpu *p = x86_pcpu(i);

        p->sop = sop_pcpu(sys, i);
        p->work = sop_pcpu_work(p->sop);
        sop_pcpu_set_port(p->sop, p);
        place(p);
    }
    virt_init(sys);
    pcpu_begin(self);
    host_init(sys);
    trace_init();
    x86_start_pcpus(pcpu_run);
    while (atomic_load(&nr_begun) < x86_nr_pcpus()) {
        pause();
    }
    trace_begin(self->sop);
    pools_start(self->sop);
    start_domains(self->sop);
    virt_run(self);
}
