/* SPDX-License-Identifier: MIT */
/*
 * Event channels: the ports of a domain, and the two-level protocol by which
 * guests see them pending (spec 4.1, 4.2).
 *
 * Port records are under the core lock. The bits are in guest pages, where
 * guests race with us, so every access to them is one atomic operation, and
 * nothing read from them is trusted to stay. Bit arrays are little-endian,
 * hence the same for 32- and 64-bit words.
 */
#include "private.h"

#include "../lib/string.h"

static const struct shared_layout layout_wide = {
    .pending = offsetof(struct shared_info, evtchn_pending),
    .mask = offsetof(struct shared_info, evtchn_mask),
    .wc = offsetof(struct shared_info, wc_version),
    .wc_sec_hi = offsetof(struct shared_info, wc_sec_hi),
    .selector = offsetof(struct vcpu_info, evtchn_pending_sel),
    .word_bits = 64,
};

static const struct shared_layout layout_narrow = {
    .pending = offsetof(struct shared_info_x86_32, evtchn_pending),
    .mask = offsetof(struct shared_info_x86_32, evtchn_mask),
    .wc = offsetof(struct shared_info_x86_32, wc_version),
    .wc_sec_hi = offsetof(struct shared_info_x86_32, arch.wc_sec_hi),
    .selector = offsetof(struct vcpu_info_x86_32, evtchn_pending_sel),
    .word_bits = 32,
};

/* ---- bits in guest pages ---- */

static uint32_t *pending_bits(const struct sop_domain *d)
{
    return (uint32_t *)(void *)(d->shared + d->layout->pending);
}

static uint32_t *mask_bits(const struct sop_domain *d)
{
    return (uint32_t *)(void *)(d->shared + d->layout->mask);
}

static uint32_t *selector_bits(const struct sop_vcpu *v)
{
    return (uint32_t *)(void *)(v->info + v->domain->layout->selector);
}

static uint32_t bits_of_layout(const struct sop_domain *d)
{
    return (uint32_t)d->layout->word_bits * d->layout->word_bits;
}

void evtchn_set_bits(struct sop_domain *d)
{
    d->nr_bits = d->fifo->on ? 0 : bits_of_layout(d);
}

uint32_t evtchn_limit(const struct sop_domain *d)
{
    uint32_t limit = d->fifo->on ? SOP_PORTS_MAX : bits_of_layout(d);

    return (uint32_t)min_u64(limit, d->max_ports);
}

/* A port allocated before the layout narrowed has no bit any more, and with
   the FIFO ABI no port has one. */
static bool has_bit(const struct sop_domain *d, uint32_t port)
{
    return likely(port < d->nr_bits);
}

bool evtchn_bit_is_pending(const struct sop_domain *d, uint32_t port)
{
    return port < bits_of_layout(d) && atomic_test_bit(pending_bits(d), port);
}

bool evtchn_is_pending(const struct sop_domain *d, uint32_t port)
{
    if (!has_bit(d, port)) {
        return d->fifo->on && fifo_is_pending(d, port);
    }
    return atomic_test_bit(pending_bits(d), port);
}

/* Spec 4.5. */
void evtchn_upcall(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    struct sop_domain *d = v->domain;

    if (d->kind == SOP_GUEST_PV) {
        vcpu_kick(self, v, now);
    } else if (v->upcall_vector != 0) {
        if (port_inject(v, v->upcall_vector)) {
            vcpu_kick(self, v, now);
        }
    } else if (d->callback_vector != VECTOR_NONE) {
        vcpu_kick(self, v, now);
    }
}

static ALWAYS_INLINE void mark_pending(struct sop_pcpu *self,
                                       struct sop_vcpu *v, uint64_t now)
{
    if ((__atomic_fetch_or(&v->info[0], 1, __ATOMIC_SEQ_CST) & 1u) == 0) {
        evtchn_upcall(self, v, now);
    }
}

void evtchn_mark_pending(struct sop_pcpu *self, struct sop_vcpu *v,
                         uint64_t now)
{
    mark_pending(self, v, now);
}

/* Step 2 of setting a port pending, and the second half of unmasking. */
static void select_port(struct sop_pcpu *self, struct sop_vcpu *v,
                        uint32_t port, uint64_t now)
{
    ASSERT(v != NULL);
    ASSERT(evtchn_is_usable(evtchn_at(v->domain, port)));
    if (!atomic_test_and_set_bit(selector_bits(v),
                                 port / v->domain->layout->word_bits)) {
        mark_pending(self, v, now);
    }
}

static RARE void without_bit(struct sop_pcpu *self, struct sop_domain *d,
                             uint32_t port, uint64_t now)
{
    if (d->fifo->on) {
        fifo_set_pending(self, d, port, now);
    }
}

/*
 * Spec 4.2, each step atomic and a full barrier: guests race with all of it.
 * A bit already set stops here: no selector, no kick, no poller (fact 54).
 * All wake-ups by events go through here, hence as one piece.
 */
__attribute__((flatten)) void evtchn_set_pending(struct sop_pcpu *self,
                                                 struct sop_domain *d,
                                                 uint32_t port, uint64_t now)
{
    /* Looked up here, where callers just did. */
    struct sop_vcpu *v = d->vcpu[evtchn_at(d, port)->vcpu];

    ASSERT(port != 0);
    ASSERT(port < d->nr_ports);
    if (!has_bit(d, port)) {
        without_bit(self, d, port, now);
        return;
    }
    if (atomic_test_and_set_bit(pending_bits(d), port)) {
        return;
    }
    if (trace_wanted(d->sys, SOP_TRACE_CHANNEL)) {
        trace_emit_pending(self, v, port);
    }
    if (!atomic_test_bit(mask_bits(d), port)) {
        select_port(self, v, port, now);
    }
    if (unlikely(d->polling != 0)) {
        poll_wake(self, d, port, now);
    }
}

/* Pollers are not examined: they saw the port when it was signalled. */
void evtchn_unmask(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                   uint64_t now)
{
    ASSERT(port < d->nr_ports);
    if (!has_bit(d, port)) {
        if (d->fifo->on) {
            fifo_unmask(self, d, port, now);
        }
    } else if (atomic_test_and_clear_bit(mask_bits(d), port) &&
               atomic_test_bit(pending_bits(d), port)) {
        select_port(self, d->vcpu[evtchn_at(d, port)->vcpu], port, now);
    }
}

void evtchn_mark_all_selected(struct sop_vcpu *v)
{
    uint32_t *sel = selector_bits(v);
    unsigned i;

    atomic_store_u8(&v->info[0], 1);
    for (i = 0; i < v->domain->layout->word_bits / 32u; i++) {
        __atomic_store_n(&sel[i], UINT32_MAX, __ATOMIC_SEQ_CST);
    }
}

/* Contents are not converted, but for the wall clock (spec 8.5). */
void evtchn_latch_width(struct sop_domain *d, bool wide)
{
    const struct shared_layout *layout = wide ? &layout_wide : &layout_narrow;

    if (d->layout != layout) {
        d->layout = layout;
        evtchn_set_bits(d);
        vtime_wallclock(d);
    }
}

/* ---- ports ---- */

static void *piece(uint8_t *at, size_t *used, size_t count, size_t size)
{
    void *here = at != NULL ? at + *used : NULL;

    *used += (count * size + 7) & ~(size_t)7;
    return here;
}

/* How many pages of `each` there are for `ports`. */
static uint32_t pages(uint32_t ports, uint32_t each)
{
    return (ports + each - 1) / each;
}

size_t evtchn_lay_out(struct sop_domain *d, void *at, uint32_t max_ports,
                      unsigned nr_vcpus)
{
    size_t used = 0;
    struct port_page *first = piece(at, &used, 1, sizeof(*first));
    struct port_page **ports =
        piece(at, &used, pages(max_ports, PORTS_PAGE), sizeof(*ports));
    struct fifo *fifo = piece(at, &used, 1, sizeof(*fifo));
    struct fifo_vcpu *vcpu = piece(at, &used, nr_vcpus, sizeof(*vcpu));
    uint32_t **words =
        piece(at, &used, pages(max_ports, FIFO_WORDS), sizeof(*words));

    if (at != NULL) {
        d->max_ports = max_ports;
        d->ports = ports;
        d->fifo = fifo;
        memset(ports, 0, (size_t)((uint8_t *)at + used - (uint8_t *)ports));
        ports[0] = first;
        *fifo = (struct fifo){.vcpu = vcpu, .words = words};
    }
    return used;
}

void evtchn_give_pages(struct sop_domain *d, struct port_page *page)
{
    uint32_t i;

    for (i = 1; i < pages(d->max_ports, PORTS_PAGE); i++) {
        d->ports[i] = page++;
    }
}

void evtchn_free_pages(struct sop_domain *d)
{
    uint32_t i;

    for (i = 1; i < pages(d->nr_ports, PORTS_PAGE); i++) {
        port_page_free(d, d->ports[i]);
    }
}

/* Records and set grow by the same number of ports, a page at its first. */
static int grow(struct sop_domain *d)
{
    uint32_t port = d->nr_ports;
    struct port_page **page = &d->ports[port / PORTS_PAGE];

    _Static_assert(SOP_PORTS_GROW == 64, "one word of the set");
    ASSERT(port < d->max_ports);
    if (*page == NULL) {
        *page = port_page_alloc(d);
        if (*page == NULL) {
            return -XEN_ENOMEM;
        }
    }
    memset(evtchn_at(d, port), 0, SOP_PORTS_GROW * sizeof(struct evtchn));
    memset(fifo_port_at(d, port), 0, SOP_PORTS_GROW * sizeof(struct fifo_port));
    *evtchn_used(d, port) = 0;
    d->nr_ports += SOP_PORTS_GROW;
    return 0;
}

void evtchn_init(struct sop_domain *d)
{
    d->layout = &layout_wide;
    d->nr_ports = 0;
    evtchn_set_bits(d);
    (void)grow(d); /* in the page that the domain brought */
    ASSERT(d->nr_ports == SOP_PORTS_GROW);
    bitmap_set(evtchn_used(d, 0), 0); /* reserved for ever */
}

struct evtchn *evtchn_lookup(const struct sop_domain *d, uint32_t port)
{
    return port < d->nr_ports ? evtchn_at(d, port) : NULL;
}

bool evtchn_is_usable(const struct evtchn *chn)
{
    return chn->state != EVTCHNSTAT_closed;
}

/* The lowest port below `limit` that is free; `limit` if none is. */
static uint32_t first_free(const struct sop_domain *d, uint32_t limit)
{
    uint32_t port = 0;

    while (port < limit) {
        uint64_t free = ~*evtchn_used(d, port) & ~bits_below(port % 64);

        if (free == 0) {
            port = (port | 63) + 1;
            continue;
        }
        port = (port & ~63u) + bits_lowest(free);
        if (port < limit && !(d->fifo->on && fifo_is_busy(d, port))) {
            return port;
        }
        port++;
    }
    return limit;
}

/*
 * The lowest free port, marked used and still closed; -ENOSPC, or -ENOMEM for
 * its record. A domain whose end has begun gets none: its peers would outlive
 * it.
 */
int evtchn_alloc(struct sop_domain *d)
{
    uint32_t limit = (uint32_t)min_u64(d->nr_ports, evtchn_limit(d));
    uint32_t port = first_free(d, limit);
    int rc;

    if (d->dying != DOMAIN_ALIVE) {
        return -XEN_EINVAL;
    }
    if (port == limit) {
        if (d->nr_ports >= evtchn_limit(d)) {
            return -XEN_ENOSPC;
        }
        port = d->nr_ports;
        rc = grow(d);
        if (rc != 0) {
            return rc;
        }
        ASSERT(d->nr_ports <= SOP_PORTS_MAX);
    }
    ASSERT(!evtchn_is_usable(evtchn_at(d, port)));
    bitmap_set(evtchn_used(d, port), port % 64);
    fifo_port_init(d, port);
    return (int)port;
}

/* Back to closed; pending cleared so that the next user starts clean. */
void evtchn_free(struct sop_domain *d, uint32_t port)
{
    ASSERT(port != 0);
    ASSERT(port < d->nr_ports);
    if (has_bit(d, port)) {
        (void)atomic_test_and_clear_bit(pending_bits(d), port);
    } else if (d->fifo->on) {
        fifo_clear_pending(d, port);
    }
    memset(evtchn_at(d, port), 0, sizeof(struct evtchn));
    bitmap_clear(evtchn_used(d, port), port % 64);
}

static void virq_unbind(struct sop_domain *d, uint32_t port)
{
    uint32_t virq = evtchn_at(d, port)->virq;
    unsigned i;

    ASSERT(virq < NR_VIRQS);
    for (i = 0; i < d->nr_vcpus; i++) {
        if (d->vcpu[i]->virq_port[virq] == port) {
            d->vcpu[i]->virq_port[virq] = 0;
        }
    }
}

/* The peer stays, unbound again and for the same domain (spec 4.1). */
int evtchn_close(struct sop_domain *d, uint32_t port)
{
    struct evtchn *chn = evtchn_lookup(d, port);
    struct sop_domain *rd;

    if (chn == NULL || !evtchn_is_usable(chn)) {
        return -XEN_EINVAL;
    }
    if (chn->state == EVTCHNSTAT_virq) {
        virq_unbind(d, port);
    } else if (chn->state == EVTCHNSTAT_interdomain &&
               chn->remote_port != PORT_HOST) {
        rd = domain_find(d->sys, chn->remote_dom);
        BUG_ON(rd == NULL || chn->remote_port >= rd->nr_ports);
        evtchn_at(rd, chn->remote_port)->state = EVTCHNSTAT_unbound;
        evtchn_at(rd, chn->remote_port)->remote_dom = d->id;
        evtchn_at(rd, chn->remote_port)->remote_port = 0;
    }
    evtchn_free(d, port);
    return 0;
}

void evtchn_close_all(struct sop_domain *d)
{
    uint32_t port;

    for (port = 1; port < d->nr_ports; port++) {
        if (evtchn_is_usable(evtchn_at(d, port))) {
            (void)evtchn_close(d, port);
        }
    }
}

/* What a guest may signal: its peer, or itself by an ipi port. */
int evtchn_send(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                uint64_t now)
{
    const struct evtchn *chn = evtchn_lookup(d, port);
    struct sop_domain *rd;

    if (chn == NULL) {
        return -XEN_EINVAL;
    }
    switch (chn->state) {
    case EVTCHNSTAT_interdomain:
        if (chn->remote_port == PORT_HOST) {
            port_host_event(d, port);
            return 0;
        }
        rd = domain_find(d->sys, chn->remote_dom);
        BUG_ON(rd == NULL);
        ASSERT(chn->remote_port != 0);
        evtchn_set_pending(self, rd, chn->remote_port, now);
        return 0;
    case EVTCHNSTAT_ipi:
        evtchn_set_pending(self, d, port, now);
        return 0;
    case EVTCHNSTAT_unbound:
        return 0; /* dropped */
    default:
        return -XEN_EINVAL;
    }
}

/* ---- virtual interrupts ---- */

/* All but those that belong to one vCPU (spec 4.1). */
bool virq_is_global(uint32_t virq)
{
    switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU:
        return false;
    default:
        /* Architecture virqs are the machine check's, which is global. */
        return true;
    }
}

/* Unbound, and nothing is remembered (spec 5.2). */
void virq_raise_vcpu(struct sop_pcpu *self, struct sop_vcpu *v, uint32_t virq,
                     uint64_t now)
{
    ASSERT(virq < NR_VIRQS);
    if (v->virq_port[virq] != 0) {
        evtchn_set_pending(self, v->domain, v->virq_port[virq], now);
    }
}

/* The hardware domain is the handler of all of them (spec 4.1). */
void virq_raise_global(struct sop_pcpu *self, struct sop_system *sys,
                       uint32_t virq, uint64_t now)
{
    ASSERT(virq_is_global(virq));
    if (sys->hardware != NULL) {
        virq_raise_vcpu(self, sys->hardware->vcpu[0], virq, now);
    }
}

/* ---- for ports ---- */

int sop_vcpu_upcall_vector(const struct sop_vcpu *v)
{
    const struct sop_domain *d = v->domain;
    int32_t vector = __atomic_load_n(&d->callback_vector, __ATOMIC_RELAXED);
    const uint8_t *info = __atomic_load_n(&v->info, __ATOMIC_RELAXED);

    if (vector == VECTOR_NONE || atomic_load_u8(&info[0]) == 0) {
        return VECTOR_NONE;
    }
    return vector;
}

int sop_vcpu_own_vector(const struct sop_vcpu *v)
{
    const uint8_t *info = __atomic_load_n(&v->info, __ATOMIC_RELAXED);
    uint8_t vector = atomic_load_u8(&v->upcall_vector);

    return vector != 0 && atomic_load_u8(&info[0]) != 0 ? vector : VECTOR_NONE;
}

/* To the guest it is a channel to domain 0; nobody can bind to it. */
const uint8_t *const *sop_vcpu_upcall_byte(const struct sop_vcpu *v)
{
    return (const uint8_t *const *)&v->info;
}

int sop_evtchn_host_port(struct sop_domain *d)
{
    int port;

    core_lock(d->sys, NULL);
    port = evtchn_alloc(d);
    if (port >= 0) {
        *evtchn_at(d, (uint32_t)port) = (struct evtchn){
            .state = EVTCHNSTAT_interdomain,
            .remote_port = PORT_HOST,
        };
    }
    core_unlock(d->sys);
    return port;
}

/* At once: until a port has a state evtchn_alloc() finds it again. */
static void connect_end(struct sop_vcpu *v, uint32_t port, struct sop_vcpu *to)
{
    *evtchn_at(v->domain, port) = (struct evtchn){
        .state = EVTCHNSTAT_interdomain,
        .vcpu = (uint8_t)v->id,
        .remote_dom = to->domain->id,
    };
}

int sop_evtchn_connect(struct sop_vcpu *a, struct sop_vcpu *b, uint32_t port[2])
{
    struct sop_system *sys = a->domain->sys;
    int at_a, at_b = -XEN_ENOSPC;

    core_lock(sys, NULL);
    at_a = evtchn_alloc(a->domain);
    if (at_a >= 0) {
        connect_end(a, (uint32_t)at_a, b);
        at_b = evtchn_alloc(b->domain);
    }
    if (at_b >= 0) {
        connect_end(b, (uint32_t)at_b, a);
        port[0] = (uint32_t)at_a;
        port[1] = (uint32_t)at_b;
        evtchn_at(a->domain, port[0])->remote_port = port[1];
        evtchn_at(b->domain, port[1])->remote_port = port[0];
    } else if (at_a >= 0) {
        evtchn_free(a->domain, (uint32_t)at_a);
    }
    core_unlock(sys);
    return at_b < 0 ? -XEN_ENOSPC : 0;
}

void sop_evtchn_host_notify(struct sop_pcpu *self, struct sop_domain *d,
                            uint32_t port)
{
    uint64_t now = core_enter(self);
    const struct evtchn *chn = evtchn_lookup(d, port);

    /* The guest may have closed it: then nobody listens. */
    if (chn != NULL && chn->state == EVTCHNSTAT_interdomain &&
        chn->remote_port == PORT_HOST) {
        self->trace_source = SOP_TRACE_BY_HOST;
        evtchn_set_pending(self, d, port, now);
        self->trace_source = SOP_TRACE_BY_VCPU;
    }
    core_leave(self);
}

void sop_virq_global(struct sop_pcpu *self, struct sop_system *sys,
                     uint32_t virq)
{
    uint64_t now = core_enter(self);

    BUG_ON(virq >= NR_VIRQS || !virq_is_global(virq));
    self->trace_source = SOP_TRACE_BY_HOST;
    virq_raise_global(self, sys, virq, now);
    self->trace_source = SOP_TRACE_BY_VCPU;
    core_leave(self);
}

void sop_domain_latch_width(struct sop_domain *d, bool wide)
{
    core_lock(d->sys, NULL);
    evtchn_latch_width(d, wide);
    core_unlock(d->sys);
}
