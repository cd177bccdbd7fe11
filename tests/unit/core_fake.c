/* SPDX-License-Identifier: MIT */
/* See core_fake.h. */
#include "core_fake.h"

#include <stdio.h>
#include <stdlib.h>

struct world *fake_world;

static unsigned index_of(const struct sop_pcpu *p)
{
    return sop_pcpu_index(p);
}

static struct fake_vcpu *fake_vcpu(const struct sop_vcpu *v)
{
    return sop_vcpu_port(v);
}

static void must_be_unlocked(void)
{
    assert_int_equal(fake_world->sys->lock.held, 0);
}

static void must_be_locked(void)
{
    assert_int_equal(fake_world->sys->lock.held, 1);
}

static int loaded_on(const struct sop_vcpu *v)
{
    unsigned i;

    for (i = 0; i < fake_world->nr_pcpus; i++) {
        if (fake_world->loaded[i] == v) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- the port interface ---- */

uint64_t port_now(const struct sop_pcpu *self)
{
    assert_non_null(self);
    fake_world->clock_reads++;
    fake_world->now += fake_world->tick;
    return fake_world->now;
}

void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    must_be_locked();
    fake_world->armed[index_of(self)] = deadline_ns;
}

void port_kick(struct sop_pcpu *target)
{
    must_be_locked();
    fake_world->kicked[index_of(target)] = true;
}

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    struct world *w = fake_world;
    unsigned cpu = index_of(self);
    void (*hook)(struct world *, unsigned) = w->in_switch;

    must_be_unlocked();
    assert_ptr_equal(w->loaded[cpu], prev);
    assert_true(prev != next);
    if (next != NULL) {
        assert_int_equal(loaded_on(next), -1);
    }
    w->switches++;
    w->in_switch = NULL;
    if (hook != NULL) {
        hook(w, cpu);
    }
    w->loaded[cpu] = next;
}

void port_idle(struct sop_pcpu *self)
{
    must_be_unlocked();
    assert_null(fake_world->loaded[index_of(self)]);
    assert_true(fake_world->may_idle);
    longjmp(fake_world->idle, 1);
}

static int copy(struct sop_vcpu *v, uint64_t addr, void *data, size_t len,
                bool out)
{
    struct fake_domain *d = fake_vcpu(v)->d;
    uint8_t *at = data;

    must_be_unlocked();
    assert_true(loaded_on(v) >= 0);
    for (; len > 0; len--, addr++, at++) {
        if (addr < MEM_BASE || addr >= MEM_END ||
            d->hole[(addr - MEM_BASE) / FAKE_PAGE]) {
            return -XEN_EFAULT;
        }
        if (out && d->read_only[(addr - MEM_BASE) / FAKE_PAGE]) {
            return -XEN_EFAULT;
        }
        if (out) {
            d->mem[addr - MEM_BASE] = *at;
        } else {
            *at = d->mem[addr - MEM_BASE];
        }
    }
    return 0;
}

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    return copy(v, guest_addr, dst, len, false);
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    uint8_t data[4096];

    assert_true(len <= sizeof(data));
    memcpy(data, src, len);
    fake_world->out[fake_world->outs % 4].addr = guest_addr;
    memcpy(&fake_world->out[fake_world->outs % 4].head, data,
           len < 8 ? len : 8);
    fake_world->outs++;
    return copy(v, guest_addr, data, len, true);
}

void *port_frame_map(struct sop_domain *d, uint64_t gfn)
{
    struct fake_domain *f = sop_domain_port(d);
    uint64_t first = MEM_BASE / FAKE_PAGE;

    must_be_unlocked();
    if (gfn < first || gfn >= first + FAKE_PAGES || f->hole[gfn - first]) {
        return NULL;
    }
    f->frames++;
    return &f->mem[(gfn - first) * FAKE_PAGE];
}

void port_frame_unmap(struct sop_domain *d, void *frame)
{
    struct fake_domain *f = sop_domain_port(d);
    const uint8_t *at = frame;

    must_be_unlocked();
    assert_true(at >= f->mem && at < f->mem + sizeof(f->mem));
    assert_int_equal((at - f->mem) % FAKE_PAGE, 0);
    assert_true(--f->frames >= 0);
}

unsigned fake_pages, fake_pages_max = UINT_MAX;

void *port_page_alloc(struct sop_domain *d)
{
    (void)d;
    must_be_locked();
    if (fake_pages == fake_pages_max) {
        return NULL;
    }
    fake_pages++;
    return memset(malloc(FAKE_PAGE), 0x5a, FAKE_PAGE);
}

void port_page_free(struct sop_domain *d, void *page)
{
    (void)d;
    must_be_locked();
    assert_true(fake_pages-- > 0);
    free(page);
}

bool port_deliverable(const struct sop_vcpu *v)
{
    struct fake_vcpu *f = fake_vcpu(v);

    must_be_locked();
    assert_true(loaded_on(v) >= 0);
    return f->irq_on && (f->irr != 0 || sop_vcpu_upcall_vector(v) >= 0);
}

bool port_inject(struct sop_vcpu *v, uint8_t vector)
{
    struct fake_vcpu *f = fake_vcpu(v);

    must_be_locked();
    if (f->apic_off) {
        return false;
    }
    f->irr++;
    f->injected++;
    f->vector = vector;
    return true;
}

void port_inject_nmi(struct sop_vcpu *v)
{
    must_be_locked();
    fake_vcpu(v)->nmis++;
}

bool port_vcpu_timer(struct sop_vcpu *v, uint64_t now)
{
    must_be_locked();
    assert_true(now <= fake_world->now);
    fake_vcpu(v)->timers++;
    if (fake_vcpu(v)->timer_irq) {
        fake_vcpu(v)->irr++;
    }
    return fake_vcpu(v)->timer_irq;
}

int port_vcpu_load(struct sop_vcpu *v, const void *context)
{
    must_be_unlocked();
    assert_non_null(context);
    assert_int_equal(loaded_on(v), -1);
    fake_vcpu(v)->loads++;
    if (fake_world->in_load != NULL) {
        void (*hook)(struct world *) = fake_world->in_load;

        fake_world->in_load = NULL;
        hook(fake_world);
    }
    return fake_vcpu(v)->load_result;
}

int64_t port_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *c)
{
    must_be_unlocked();
    assert_ptr_equal(fake_world->loaded[index_of(self)], v);
    fake_world->last_port_call = *c;
    fake_world->port_calls++;
    return fake_world->port_result;
}

void port_console(struct sop_domain *d, const char *text, size_t len)
{
    struct world *w = fake_world;

    must_be_unlocked();
    assert_non_null(d);
    assert_true(w->console_len + len < sizeof(w->console));
    memcpy(w->console + w->console_len, text, len);
    w->console_len += len;
}

size_t port_console_read(struct sop_domain *d, char *text, size_t len)
{
    struct world *w = fake_world;
    size_t n = 0;

    must_be_unlocked();
    assert_non_null(d);
    while (n < len && w->typed != NULL && *w->typed != '\0') {
        text[n++] = *w->typed++;
    }
    return n;
}

void port_host_event(struct sop_domain *d, uint32_t port)
{
    struct fake_domain *f = sop_domain_port(d);

    must_be_locked();
    f->host_events++;
    f->host_port = port;
}

void port_domain_changed(struct sop_domain *d)
{
    struct fake_domain *f = sop_domain_port(d);

    must_be_locked();
    f->changed++;
}

void port_machine_stop(struct sop_domain *d, uint8_t code)
{
    must_be_locked();
    assert_true(sop_domain_is_hardware(d));
    assert_int_equal(fake_world->stopped, -1);
    fake_world->stopped = code;
}

void port_log(enum sop_log_level level, const char *text, size_t len)
{
    struct world *w = fake_world;
    size_t have = strlen(w->log);

    must_be_unlocked();
    assert_true(level <= SOP_LOG_DEBUG);
    assert_null(memchr(text, '\n', len));
    if (have + len + 2 < sizeof(w->log)) {
        memcpy(w->log + have, text, len);
        w->log[have + len] = '\n';
        w->log[have + len + 1] = '\0';
    }
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    struct world *w = fake_world;

    assert_ptr_equal(sop_pcpu_system(self), w->sys);
    w->trace[w->records++ % FAKE_RECORDS] = *rec;
}

_Noreturn void port_panic(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
    if (fake_world != NULL && fake_world->seed != 0) {
        (void)fprintf(stderr, "seed %llu\n",
                      (unsigned long long)fake_world->seed);
    }
    abort();
}

/* ---- worlds ---- */

struct world *world_new(unsigned nr_pcpus)
{
    return world_new_partly(nr_pcpus, nr_pcpus);
}

const struct policy_ops *fake_policies[4] = {&policy_credit2, &policy_rtds,
                                             &policy_null, &policy_arinc653};

struct world *world_new_partly(unsigned nr_pcpus, unsigned online)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct sop_config cfg = {
        .nr_pcpus = nr_pcpus,
        .nr_domains = FAKE_DOMAINS,
        .nr_vcpus = FAKE_VCPUS,
        .seed = 1,
        .wall_ns = 1700000000123456789u,
        .time = {.tsc_base = 5, .ns_base = 7, .mul = 0x80000000u, .shift = 1},
        .policy = &policy_credit2,
        .policies = fake_policies,
        .nr_policies = ARRAY_SIZE(fake_policies),
    };
    unsigned i;

    fake_world = w;
    w->nr_pcpus = online;
    w->stopped = -1;
    w->port_result = -XEN_ENOSYS;
    w->now = SEC;
    w->size = sop_system_size(&cfg);
    assert_true(w->size != 0);
    w->arena = aligned_alloc(64, w->size);
    /* Nothing may depend on the arena being zero. */
    memset(w->arena, 0xa5, w->size);
    w->sys = sop_system_init(w->arena, w->size, &cfg);
    assert_non_null(w->sys);
    for (i = 0; i < nr_pcpus; i++) {
        w->armed[i] = SOP_TIME_NEVER;
        w->p[i] = sop_pcpu(w->sys, i);
        if (i < online) {
            sop_pcpu_online(w->p[i]);
        }
    }
    world_settle(w);
    return w;
}

void world_free(struct world *w)
{
    unsigned i;

    for (i = 0; i < FAKE_DOMAINS; i++) {
        if (w->dom[i] != NULL) {
            world_domain_destroy(w, w->dom[i]);
        }
    }
    /* Slots and timers are back where they were. */
    for (i = 0; i < FAKE_DOMAINS; i++) {
        assert_false(w->sys->domain[i].used);
    }
    for (i = 0; i < FAKE_VCPUS; i++) {
        assert_null(w->sys->vcpu[i].domain);
    }
    for (i = 0; i < w->nr_pcpus; i++) {
        timer_cancel(&w->p[i]->slice);
        assert_int_equal(w->p[i]->timers.count, 0);
    }
    assert_true(list_is_empty(&w->sys->changed));
    assert_int_equal(w->sys->pool[0].pol.waiting, 0);
    free(w->arena);
    test_free(w);
    fake_world = NULL;
}

struct fake_domain *world_domain_cfg(struct world *w,
                                     struct sop_domain_config *cfg)
{
    struct fake_domain *d =
        aligned_alloc(4096, (sizeof(*d) + 4095) & ~(size_t)4095);
    void *port[SOP_VCPUS_MAX];
    unsigned i, slot = 0;

    memset(d, 0, sizeof(*d));
    for (i = 0; i < SOP_VCPUS_MAX; i++) {
        d->vcpu[i].d = d;
        d->vcpu[i].irq_on = true;
        port[i] = &d->vcpu[i];
    }
    cfg->weight = cfg->weight == 0 ? 256 : cfg->weight;
    cfg->hard = cfg->hard == 0 ? SOP_CPUMASK_ALL : cfg->hard;
    cfg->soft = cfg->soft == 0 ? SOP_CPUMASK_ALL : cfg->soft;
    cfg->shared_info = d->shared;
    cfg->port = d;
    assert_int_equal(sop_domain_create(w->sys, w->now, cfg, port, &d->d), 0);
    for (i = 0; i < cfg->nr_vcpus; i++) {
        d->vcpu[i].v = sop_domain_vcpu(d->d, i);
    }
    while (w->dom[slot] != NULL) {
        slot++;
    }
    w->dom[slot] = d;
    world_settle(w); /* knobs make pCPUs look */
    return d;
}

struct fake_domain *world_domain(struct world *w, uint16_t domid,
                                 enum sop_guest_kind kind, unsigned nr_vcpus,
                                 bool hardware)
{
    struct sop_domain_config cfg = {
        .domid = domid,
        .hardware = hardware,
        .kind = kind,
        .nr_vcpus = nr_vcpus,
    };
    struct fake_domain *d = world_domain_cfg(w, &cfg);

    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    return d;
}

void world_domain_destroy(struct world *w, struct fake_domain *d)
{
    unsigned i;

    while (sop_domain_destroy(w->p[0], d->d) == -XEN_EAGAIN) {
        world_settle(w);
    }
    sop_check(w->sys, w->now);
    sop_domain_free(d->d);
    for (i = 0; i < FAKE_DOMAINS; i++) {
        if (w->dom[i] == d) {
            w->dom[i] = NULL;
        }
    }
    free(d);
    world_settle(w);
}

struct sop_vcpu *world_run(struct world *w, unsigned cpu)
{
    struct sop_vcpu *volatile v = NULL;

    w->may_idle = true;
    if (setjmp(w->idle) == 0) {
        v = sop_exit_to_guest(w->p[cpu]);
        assert_ptr_equal(w->loaded[cpu], v);
    }
    w->may_idle = false;
    return v;
}

static bool any_kicked(const struct world *w)
{
    unsigned i;

    for (i = 0; i < w->nr_pcpus; i++) {
        if (w->kicked[i]) {
            return true;
        }
    }
    return false;
}

void world_settle(struct world *w)
{
    unsigned i, rounds = 0;

    do {
        for (i = 0; i < w->nr_pcpus; i++) {
            if (w->kicked[i]) {
                w->kicked[i] = false;
                sop_kicked(w->p[i]);
            }
            (void)world_run(w, i);
        }
        assert_true(++rounds < 100);
    } while (any_kicked(w));
    sop_check(w->sys, w->now);
}

void world_advance(struct world *w, uint64_t ns)
{
    uint64_t end = w->now + ns;

    for (;;) {
        uint64_t first = SOP_TIME_NEVER;
        unsigned i, cpu = 0;

        for (i = 0; i < w->nr_pcpus; i++) {
            if (w->armed[i] < first) {
                first = w->armed[i];
                cpu = i;
            }
        }
        if (first > end) {
            break;
        }
        if (first > w->now) {
            w->now = first;
        }
        w->armed[cpu] = SOP_TIME_NEVER;
        sop_timer_expired(w->p[cpu]);
        world_settle(w);
    }
    if (end > w->now) {
        w->now = end;
    }
    sop_check(w->sys, w->now);
}

bool is_running(struct fake_domain *d, unsigned n)
{
    return loaded_on(d->vcpu[n].v) >= 0 && d->vcpu[n].v->running != NULL;
}

unsigned cpu_of(struct world *w, struct fake_domain *d, unsigned n)
{
    (void)w;
    assert_true(is_running(d, n));
    return (unsigned)loaded_on(d->vcpu[n].v);
}

/* ---- calls ---- */

enum sop_call_status call_raw(struct world *w, struct fake_domain *d,
                              unsigned n, struct sop_call *c)
{
    return sop_hypercall(w->p[cpu_of(w, d, n)], d->vcpu[n].v, c);
}

static int64_t do_call(struct world *w, struct fake_domain *d, unsigned n,
                       struct sop_call *c)
{
    /* Goes on as a guest does that executes the instruction again. */
    while (call_raw(w, d, n, c) == SOP_CALL_AGAIN) {
        world_settle(w);
        while (!is_running(d, n)) {
            world_advance(w, MS);
        }
    }
    world_settle(w);
    return c->result;
}

int64_t call(struct world *w, struct fake_domain *d, unsigned n, uint64_t nr,
             uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct sop_call c = {.nr = nr, .arg = {a0, a1, a2}, .wide = true};

    return do_call(w, d, n, &c);
}

int64_t call32(struct world *w, struct fake_domain *d, unsigned n, uint64_t nr,
               uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct sop_call c = {.nr = nr, .arg = {a0, a1, a2}, .wide = false};

    return do_call(w, d, n, &c);
}

/* ---- guest memory ---- */

void put_at(struct fake_domain *d, uint64_t addr, const void *data, size_t len)
{
    assert_true(addr >= MEM_BASE && addr + len <= MEM_END);
    memcpy(&d->mem[addr - MEM_BASE], data, len);
}

void get_at(struct fake_domain *d, uint64_t addr, void *data, size_t len)
{
    assert_true(addr >= MEM_BASE && addr + len <= MEM_END);
    memcpy(data, &d->mem[addr - MEM_BASE], len);
}

uint64_t put(struct fake_domain *d, const void *data, size_t len)
{
    /* Odd, because no alignment may be needed (spec 1.4). */
    put_at(d, MEM_BASE + 1, data, len);
    return MEM_BASE + 1;
}

uint64_t put_torn(struct fake_domain *d, const void *data, size_t len,
                  size_t out)
{
    uint64_t addr = MEM_BASE + FAKE_PAGE - (len - out);

    put_at(d, addr, data, len);
    d->hole[1] = true;
    return addr;
}

/* ---- shared info ---- */

static uint32_t *words(struct fake_domain *d, size_t at)
{
    return (uint32_t *)(void *)(d->shared + at);
}

bool pending(struct fake_domain *d, uint32_t port)
{
    return atomic_test_bit(words(d, d->d->layout->pending), port);
}

void clear_pending(struct fake_domain *d, uint32_t port)
{
    (void)atomic_test_and_clear_bit(words(d, d->d->layout->pending), port);
}

void set_masked(struct fake_domain *d, uint32_t port, bool on)
{
    uint32_t *mask = words(d, d->d->layout->mask);

    if (on) {
        (void)atomic_test_and_set_bit(mask, port);
    } else {
        (void)atomic_test_and_clear_bit(mask, port);
    }
}

bool masked(struct fake_domain *d, uint32_t port)
{
    return atomic_test_bit(words(d, d->d->layout->mask), port);
}

uint8_t *upcall_pending(struct fake_domain *d, unsigned n)
{
    return &d->vcpu[n].v->info[0];
}

uint8_t *upcall_mask(struct fake_domain *d, unsigned n)
{
    return &d->vcpu[n].v->info[1];
}

uint64_t selector(struct fake_domain *d, unsigned n)
{
    uint64_t value = 0;

    memcpy(&value, d->vcpu[n].v->info + d->d->layout->selector,
           d->d->layout->word_bits / 8);
    return value;
}

void consume(struct fake_domain *d, unsigned n)
{
    uint64_t none = 0;

    *upcall_pending(d, n) = 0;
    memcpy(d->vcpu[n].v->info + d->d->layout->selector, &none,
           d->d->layout->word_bits / 8);
    d->vcpu[n].irr = 0;
}

/* ---- short forms ---- */

int64_t evtchn_op(struct world *w, struct fake_domain *d, unsigned n, int cmd,
                  void *op, size_t size)
{
    uint64_t addr = put(d, op, size);
    int64_t rc =
        call(w, d, n, __HYPERVISOR_event_channel_op, (uint64_t)cmd, addr, 0);

    get_at(d, addr, op, size);
    return rc;
}

uint32_t bind_ipi(struct world *w, struct fake_domain *d, unsigned n,
                  unsigned target)
{
    struct evtchn_bind_ipi op = {.vcpu = target};

    assert_int_equal(evtchn_op(w, d, n, EVTCHNOP_bind_ipi, &op, sizeof(op)), 0);
    return op.port;
}

uint32_t bind_virq(struct world *w, struct fake_domain *d, unsigned n,
                   uint32_t virq, unsigned target)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = target};

    assert_int_equal(evtchn_op(w, d, n, EVTCHNOP_bind_virq, &op, sizeof(op)),
                     0);
    return op.port;
}

int64_t send(struct world *w, struct fake_domain *d, unsigned n, uint32_t port)
{
    struct evtchn_send op = {.port = port};

    return evtchn_op(w, d, n, EVTCHNOP_send, &op, sizeof(op));
}

int64_t sched(struct world *w, struct fake_domain *d, unsigned n, int cmd,
              const void *op, size_t size)
{
    uint64_t addr = op != NULL ? put(d, op, size) : 0;

    return call(w, d, n, __HYPERVISOR_sched_op, (uint64_t)cmd, addr, 0);
}

int64_t vcpu_call(struct world *w, struct fake_domain *d, unsigned n, int cmd,
                  unsigned target, uint64_t operand)
{
    return call(w, d, n, __HYPERVISOR_vcpu_op, (uint64_t)cmd, target, operand);
}

int64_t poll_ports(struct world *w, struct fake_domain *d, unsigned n,
                   const uint32_t *ports, uint32_t nr, uint64_t timeout)
{
    uint64_t array = MEM_BASE + 0x201;
    struct {
        uint64_t ports;
        uint32_t nr, pad;
        uint64_t timeout;
    } op = {array, nr, 0, timeout};

    if (nr != 0) {
        put_at(d, array, ports, nr * sizeof(*ports));
    }
    return sched(w, d, n, SCHEDOP_poll, &op, sizeof(op));
}

void set_callback(struct world *w, struct fake_domain *d, uint8_t vector)
{
    struct xen_hvm_param op = {
        .domid = DOMID_SELF,
        .index = HVM_PARAM_CALLBACK_IRQ,
        .value = (uint64_t)2 << 56 | vector,
    };
    uint64_t addr = put(d, &op, sizeof(op));

    assert_int_equal(
        call(w, d, 0, __HYPERVISOR_hvm_op, HVMOP_set_param, addr, 0), 0);
}

void bring_up(struct world *w, struct fake_domain *d, unsigned n)
{
    static const uint8_t context[sizeof(struct vcpu_guest_context)];
    uint64_t addr = MEM_BASE + 0x401;

    put_at(d, addr, context, sizeof(context));
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_initialise, n, addr), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, n, 0), 0);
}

int runstate(struct fake_domain *d, unsigned n)
{
    return d->vcpu[n].v->runstate.state;
}

struct sop_domain_info info_of(struct world *w, struct fake_domain *d)
{
    struct sop_domain_info info;

    sop_domain_info(d->d, w->now, &info);
    return info;
}

int code_of(struct fake_domain *d)
{
    return d->d->code;
}

bool logged(struct world *w, const char *text)
{
    bool found = strstr(w->log, text) != NULL;

    w->log[0] = '\0';
    return found;
}
