/* SPDX-License-Identifier: MIT */
/* See core_world.h. */
#include "core_world.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define FORBID(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define ALLOW(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define FORBID(at, size) ((void)(at), (void)(size))
#define ALLOW(at, size) ((void)(at), (void)(size))
#endif

#define DEPTH_MAX 3u
#define ROUNDS_MAX 64u

struct world world;

static struct cpu *cpu_of(const struct sop_pcpu *p)
{
    return &world.cpu[sop_pcpu_index(p)];
}

static struct guest_vcpu *vcpu_of(const struct sop_vcpu *v)
{
    return sop_vcpu_port(v);
}

static struct guest *guest_of(const struct sop_domain *d)
{
    struct guest *g = sop_domain_port(d);

    MUST(g->life != GUEST_NONE);
    return g;
}

static bool is_loaded(const struct sop_vcpu *v)
{
    for (unsigned i = 0; i < world.nr_cpus; i++) {
        if (world.cpu[i].loaded == v) {
            return true;
        }
    }
    return false;
}

static void locked(void)
{
    MUST(world.sys->lock.held == 1);
}

/* The lock is free: others may act now. */
static void unlocked(void)
{
    MUST(world.sys->lock.held == 0);
    if (world.fuse == 0 || --world.fuse != 0) {
        return;
    }
    if (world.depth < DEPTH_MAX) {
        world.depth++;
        world_step();
        world.depth--;
    }
}

/* ---- the port interface ---- */

uint64_t port_now(const struct sop_pcpu *self)
{
    MUST(self != NULL);
    world.now += world.tick;
    return world.now;
}

void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    locked();
    cpu_of(self)->armed = deadline_ns;
}

void port_kick(struct sop_pcpu *target)
{
    locked();
    cpu_of(target)->kicked = true;
}

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    struct cpu *c = cpu_of(self);

    MUST(c->busy && c->loaded == prev && prev != next);
    MUST(next == NULL || !is_loaded(next));
    unlocked();
    MUST(c->loaded == prev);
    MUST(next == NULL || !is_loaded(next));
    c->loaded = next;
}

void port_idle(struct sop_pcpu *self)
{
    struct cpu *c = cpu_of(self);

    MUST(world.sys->lock.held == 0);
    MUST(c->loaded == NULL && c->may_idle);
    longjmp(c->idle, 1);
}

/* How much of `len` bytes at `addr` may be accessed. */
static size_t reachable(const struct guest *g, uint64_t addr, size_t len,
                        bool out)
{
    uint8_t bad = out ? g->holes | g->read_only : g->holes;
    size_t n = 0;

    while (n < len && addr >= MEM_BASE && addr < MEM_END &&
           (bad >> (addr - MEM_BASE) / PAGE & 1) == 0) {
        size_t page = PAGE - addr % PAGE;

        n += page;
        addr += page;
    }
    return n < len ? n : len;
}

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    struct guest *g = vcpu_of(v)->g;
    size_t n;

    unlocked();
    MUST(is_loaded(v) && len <= sizeof(struct vcpu_guest_context));
    n = reachable(g, guest_addr, len, false);
    if (n != 0) {
        memcpy(dst, &g->mem[guest_addr - MEM_BASE], n);
    }
    return n == len ? 0 : -XEN_EFAULT;
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    struct guest *g = vcpu_of(v)->g;
    uint8_t data[PAGE];
    size_t n;

    MUST(len <= sizeof(data));
    memcpy(data, src, len); /* all of it must be there */
    unlocked();
    MUST(is_loaded(v));
    n = reachable(g, guest_addr, len, true);
    if (n != 0) {
        memcpy(&g->mem[guest_addr - MEM_BASE], data, n);
    }
    return n == len ? 0 : -XEN_EFAULT;
}

void *port_frame_map(struct sop_domain *d, uint64_t gfn)
{
    struct guest *g = guest_of(d);
    uint64_t page = gfn - MEM_BASE / PAGE;

    unlocked();
    if (page >= PAGES || (g->holes >> page & 1) != 0) {
        return NULL;
    }
    g->frames++;
    return &g->mem[page * PAGE];
}

void port_frame_unmap(struct sop_domain *d, void *frame)
{
    struct guest *g = guest_of(d);
    uint8_t *at = frame;

    unlocked();
    MUST(at >= g->mem && (size_t)(at - g->mem) % PAGE == 0);
    MUST((size_t)(at - g->mem) / PAGE < PAGES);
    MUST(g->frames-- > 0);
}

/* Not asked for: without own_ports the arena has all. */
void *port_page_alloc(struct sop_domain *d)
{
    (void)d;
    return NULL;
}

void port_page_free(struct sop_domain *d, void *page)
{
    (void)d;
    (void)page;
}

bool port_deliverable(const struct sop_vcpu *v)
{
    const struct guest_vcpu *gv = vcpu_of(v);

    locked();
    MUST(is_loaded(v));
    return gv->irq_on && (gv->irr != 0 || sop_vcpu_upcall_vector(v) >= 0);
}

bool port_inject(struct sop_vcpu *v, uint8_t vector)
{
    struct guest_vcpu *gv = vcpu_of(v);

    locked();
    MUST(vector >= 16);
    if (!gv->apic_off) {
        gv->irr = 1;
    }
    return !gv->apic_off;
}

void port_inject_nmi(struct sop_vcpu *v)
{
    locked();
    vcpu_of(v)->irr = 1;
}

bool port_vcpu_timer(struct sop_vcpu *v, uint64_t now)
{
    struct guest_vcpu *gv = vcpu_of(v);

    locked();
    MUST(now <= world.now);
    gv->irr |= gv->timer_irq;
    return gv->timer_irq;
}

int port_vcpu_load(struct sop_vcpu *v, const void *context)
{
    uint8_t first = *(const uint8_t *)context;

    MUST(!is_loaded(v));
    unlocked();
    MUST(!is_loaded(v));
    return vcpu_of(v)->bad_context || first == 0xee ? -XEN_EINVAL : 0;
}

int64_t port_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call)
{
    MUST(cpu_of(self)->loaded == v);
    unlocked();
    return call->nr % 3 == 0 ? (int64_t)call->arg[0] & 0xffff : -XEN_ENOSYS;
}

void port_console(struct sop_domain *d, const char *text, size_t len)
{
    uint8_t sum = 0;

    MUST(guest_of(d)->d == d);
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + (uint8_t)text[i]);
    }
    world.tick ^= sum == 0xa7; /* so that it is read */
    unlocked();
}

size_t port_console_read(struct sop_domain *d, char *text, size_t len)
{
    size_t n = guest_of(d)->holes;

    unlocked();
    n = n < len ? n : len;
    memset(text, 'x', n);
    return n;
}

void port_host_event(struct sop_domain *d, uint32_t port)
{
    locked();
    MUST(port < SOP_PORTS_MAX);
    MUST(guest_of(d)->life == GUEST_ALIVE);
}

void port_domain_changed(struct sop_domain *d)
{
    locked();
    MUST(guest_of(d)->d == d);
}

void port_machine_stop(struct sop_domain *d, uint8_t code)
{
    (void)code;
    locked();
    MUST(sop_domain_is_hardware(d) && !world.stopped);
    world.stopped = true;
}

void port_log(enum sop_log_level level, const char *text, size_t len)
{
    MUST(level <= SOP_LOG_DEBUG && memchr(text, '\n', len) == NULL);
    unlocked();
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    (void)self;
    (void)rec;
}

_Noreturn void port_panic(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/* ---- pCPUs ---- */

void cpu_run(struct cpu *c)
{
    MUST(!c->busy);
    c->busy = true;
    c->may_idle = true;
    c->out = false;
    if (setjmp(c->idle) == 0) {
        struct sop_vcpu *v = sop_exit_to_guest(c->p);

        MUST(v != NULL && c->loaded == v);
    }
    c->may_idle = false;
    c->busy = false;
}

void cpu_kicked(struct cpu *c)
{
    if (c->kicked) {
        c->kicked = false;
        c->busy = true;
        sop_kicked(c->p);
        c->busy = false;
    }
    cpu_run(c);
}

void cpu_timer(struct cpu *c)
{
    c->armed = SOP_TIME_NEVER;
    c->busy = true;
    sop_timer_expired(c->p);
    c->busy = false;
    c->out = true;
}

static bool any_kicked(void)
{
    for (unsigned i = 0; i < world.nr_cpus; i++) {
        if (!world.cpu[i].busy && world.cpu[i].kicked) {
            return true;
        }
    }
    return false;
}

void world_settle(void)
{
    unsigned rounds = 0;

    do {
        for (unsigned i = 0; i < world.nr_cpus; i++) {
            if (!world.cpu[i].busy) {
                cpu_kicked(&world.cpu[i]);
            }
        }
        MUST(++rounds < ROUNDS_MAX);
    } while (any_kicked());
}

static struct cpu *next_timer(uint64_t end)
{
    struct cpu *next = NULL;

    for (unsigned i = 0; i < world.nr_cpus; i++) {
        struct cpu *c = &world.cpu[i];

        if (!c->busy && c->armed <= end &&
            (next == NULL || c->armed < next->armed)) {
            next = c;
        }
    }
    return next;
}

void world_advance(uint64_t ns)
{
    uint64_t end = world.now + ns;
    struct cpu *c;
    unsigned n;

    for (n = 0; n < ROUNDS_MAX && !world.stopped; n++) {
        c = next_timer(end);
        if (c == NULL) {
            break;
        }
        if (c->armed > world.now) {
            world.now = c->armed;
        }
        cpu_timer(c);
        world_settle();
        sop_check(world.sys, world.now);
    }
    if (end > world.now) {
        world.now = end;
    }
}

/* ---- domains ---- */

void guest_create(unsigned n, struct sop_domain_config *cfg)
{
    struct guest *g = &world.guest[n];
    void *port[GUEST_VCPUS];

    MUST(g->life == GUEST_NONE);
    ALLOW(g->shared, sizeof(g->shared));
    ALLOW(g->mem, sizeof(g->mem));
    memset(g, 0, sizeof(*g));
    for (unsigned i = 0; i < GUEST_VCPUS; i++) {
        g->vcpu[i].g = g;
        g->vcpu[i].irq_on = true;
        port[i] = &g->vcpu[i];
    }
    cfg->shared_info = g->shared;
    cfg->port = g;
    g->life = GUEST_ALIVE;
    if (sop_domain_create(world.sys, world.now, cfg, port, &g->d) != 0) {
        g->life = GUEST_NONE;
        return;
    }
    for (unsigned i = 0; i < cfg->nr_vcpus; i++) {
        g->vcpu[i].v = sop_domain_vcpu(g->d, i);
    }
}

bool guest_destroy(struct cpu *c, struct guest *g)
{
    int rc;

    c->busy = true;
    rc = sop_domain_destroy(c->p, g->d);
    c->busy = false;
    c->out = true;
    MUST(rc == 0 || rc == -XEN_EAGAIN);
    if (rc == 0) {
        g->life = GUEST_DEAD;
        for (unsigned i = 0; i < sop_domain_nr_vcpus(g->d); i++) {
            MUST(!is_loaded(g->vcpu[i].v));
        }
    }
    return rc == 0;
}

void guest_free(struct guest *g)
{
    sop_domain_free(g->d);
    g->life = GUEST_NONE;
    g->d = NULL;
    /* The port gives this memory to somebody else. */
    FORBID(g->shared, sizeof(g->shared));
    FORBID(g->mem, sizeof(g->mem));
}

/* ---- worlds ---- */

static const struct sop_config config_small = {
    .nr_pcpus = PCPUS,
    .nr_domains = GUESTS,
    .nr_vcpus = 10, /* so that they may run out */
    .wall_ns = 1700000000123456789u,
    .time = {.tsc_base = 5, .ns_base = 7, .mul = 0x80000000u, .shift = 1},
    .policy = &policy_credit2,
};

/* The arena is used again as it was left: the core may not rely on zeroes. */
static void *arena(size_t *size)
{
    static void *at;
    static size_t bytes;

    if (at == NULL) {
        bytes = sop_system_size(&config_small);
        MUST(bytes != 0);
        at = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
        MUST(at != NULL);
        memset(at, 0xa5, bytes);
    }
    *size = bytes;
    return at;
}

void world_open(unsigned nr_cpus, uint64_t seed)
{
    struct sop_config cfg = config_small;
    void *at;
    size_t size;

    cfg.nr_pcpus = nr_cpus;
    cfg.seed = seed;
    at = arena(&size);
    memset(world.cpu, 0, sizeof(world.cpu));
    for (unsigned i = 0; i < GUESTS; i++) {
        world.guest[i].life = GUEST_NONE;
    }
    world.nr_cpus = nr_cpus;
    world.now = 1000000000u;
    world.tick = 0;
    world.stopped = false;
    world.fuse = world.depth = world.steps = 0;
    world.sys = sop_system_init(at, size, &cfg);
    MUST(world.sys != NULL);
    for (unsigned i = 0; i < nr_cpus; i++) {
        struct cpu *c = &world.cpu[i];

        c->p = sop_pcpu(world.sys, i);
        c->armed = SOP_TIME_NEVER;
        sop_pcpu_online(c->p);
    }
    world_settle();
}

static void end_guest(struct guest *g)
{
    unsigned tries = 0;

    if (g->life == GUEST_NONE) {
        return;
    }
    while (g->life != GUEST_DEAD && !guest_destroy(&world.cpu[0], g)) {
        world_settle();
        MUST(++tries < 8);
    }
    guest_free(g);
    sop_check(world.sys, world.now);
}

void world_close(void)
{
    world.fuse = 0;
    for (unsigned i = 0; i < GUESTS; i++) {
        end_guest(&world.guest[i]);
    }
    world_settle();
    sop_check(world.sys, world.now);
    for (unsigned i = 0; i < config_small.nr_domains; i++) {
        MUST(!world.sys->domain[i].used);
    }
    for (unsigned i = 0; i < config_small.nr_vcpus; i++) {
        MUST(world.sys->vcpu[i].domain == NULL);
    }
    for (unsigned i = 0; i < world.nr_cpus; i++) {
        timer_cancel(&world.cpu[i].p->slice);
        MUST(world.cpu[i].p->timers.count == 0);
        MUST(world.cpu[i].loaded == NULL);
    }
    MUST(list_is_empty(&world.sys->changed));
    MUST(world.sys->pool[0].pol.waiting == 0);
}
