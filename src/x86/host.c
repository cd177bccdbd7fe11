/* SPDX-License-Identifier: MIT */
/*
 * The host side of the hypervisor: what domain 0's daemons and xl do on Xen.
 *
 * Everything is driven by one flag. Whoever has news (a guest signalled a
 * ring, a domain ended, a line came in) sets it, by host_note(), on a pCPU
 * that passes through its loop soon; the loop then calls host_work(). One
 * pCPU works at a time; one that finds another at it goes on, and the worker
 * looks at the flag once more after it has let go. So no note is lost and
 * nobody waits. The flag does not say what the news is: a round looks into
 * all rings, which is a handful of loads a domain.
 */
#include "host.h"

#include <xen/hvm/params.h>

#include "lib/string.h"
#include "trace.h"

#define ROUNDS_MAX 16u /* in a row on one pCPU */

struct host host = {.stop_code = -1};

/* ------------------------------------------------------------------- notes */

void host_note(void)
{
    host.pending = true;
}

void host_port_event(struct x86_domain *d, uint32_t port)
{
    (void)d;
    (void)port;
    host_note();
}

void host_domain_changed(void)
{
    host_note();
}

void host_machine_stop(uint8_t code)
{
    int none = -1;

    atomic_compare_exchange_strong(&host.stop_code, &none, code);
    host_note();
}

/* -------------------------------------------------------------------- work */

bool host_pending(void)
{
    if (x86_self()->index == 0 && (host_has_input() || host.ending)) {
        return true;
    }
    return host.pending && !host.busy;
}

/* One look at everything; true when something waits for other pCPUs. */
static bool host_round(struct sop_pcpu *self)
{
    for (struct host_domain *h = host.first; h != NULL; h = h->next) {
        if (host_serve_console(self, h)) {
            host_note();
        }
    }
    if (xenstore_run(host.store)) {
        host_note();
    }
    return host_control(self);
}

void host_work(struct sop_pcpu *self)
{
    unsigned rounds = 0;
    bool again = false;

    if (x86_self()->index == 0) {
        host_take_input(self);
        host_end_machine(self);
    }
    while (!again && host.pending && x86_trylock(&host.work)) {
        host.busy = true;
        host.pending = false;
        again = host_round(self) || ++rounds == ROUNDS_MAX;
        host.busy = false;
        x86_unlock(&host.work);
    }
    if (again) {
        /* Not before this pCPU has been through the scheduler: what it waits
           for may be current here, and others want to run. The kick makes
           sure that it comes back. */
        host_note();
        irq_send_kick(x86_self());
    }
}

/* ----------------------------------------------------------------- records */

struct host_domain *host_find(uint16_t domid)
{
    struct host_domain *h = host.first;

    while (h != NULL && h->domid != domid) {
        h = h->next;
    }
    return h;
}

struct host_domain *host_of(const struct x86_domain *d)
{
    struct host_domain *h = host.first;

    while (h != NULL && h->x86 != d) {
        h = h->next;
    }
    return h;
}

static struct controller_life *life_of(const struct domain_spec *spec)
{
    struct controller_life *life = image_life(spec);

    if (life != NULL) {
        return life;
    }
    for (unsigned i = 0; i < BOOT_MODULES_MAX; i++) {
        if (host.life[i].spec == NULL) {
            host.life[i].spec = spec;
        }
        if (host.life[i].spec == spec) {
            return &host.life[i].life;
        }
    }
    return NULL; /* there are no more specs than modules */
}

static uint64_t param(const struct host_domain *h, uint32_t index)
{
    uint64_t value = 0;

    (void)sop_domain_get_param(h->sop, index, &value); /* a constant index */
    return value;
}

static void connect_store(struct host_domain *h)
{
    const struct xenstore_domain d = {
        .domid = h->domid,
        .name = h->name,
        .memory_mib = h->spec->memory_mib,
        .target_mib = domain_target_mib(h->spec),
        .start_ns = time_wall_ns_at_boot() + time_now(),
        .vcpus = h->spec->vcpus,
        .online = h->spec->online,
        .console_frame = param(h, HVM_PARAM_CONSOLE_PFN),
        .store_frame = param(h, HVM_PARAM_STORE_PFN),
        .console_port = domain_console_port(h->x86),
        .store_port = domain_xenstore_port(h->x86),
    };
    int err = xenstore_domain_add(host.store, &d);

    if (err == 0) {
        err = xenstore_introduce(host.store, h->domid, h->spec->hardware,
                                 domain_xenstore_page(h->x86));
    }
    h->in_store = err == 0;
    if (err != 0) {
        x86_log(SOP_LOG_WARNING, "%s: no xenstore for domain %u (error %d)",
                h->name, h->domid, err);
    }
}

bool host_add(struct x86_domain *d)
{
    const struct domain_spec *spec = domain_spec(d);
    struct host_domain *h = hv_alloc(sizeof(*h));
    struct host_domain **last = &host.first;
    struct link_domain id;

    if (h == NULL) {
        return false;
    }
    h->x86 = d;
    h->sop = domain_sop(d);
    h->spec = spec;
    h->life = life_of(spec);
    image_hold(spec);
    h->domid = sop_domain_id(h->sop);
    x86_snprintf(h->name, sizeof(h->name), "%s", spec->name);
    h->has_console = domain_console_page(d) != NULL;
    if (h->has_console) {
        console_ring_init(&h->console, domain_console_page(d));
    }
    connect_store(h);
    if (h->domid > host.last_domid) {
        host.last_domid = h->domid;
    }
    x86_lock(&host.list);
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = h;
    x86_unlock(&host.list);
    id = host_link(h);
    link_create(&id);
    trace_name(id.domid, id.name);
    return true;
}

void host_remove(struct host_domain *h)
{
    struct host_domain **at = &host.first;

    x86_lock(&host.list);
    while (*at != h) {
        at = &(*at)->next;
    }
    *at = h->next;
    x86_unlock(&host.list);
    image_put(h->spec);
    hv_free(h, sizeof(*h));
}

void host_domain_created(struct x86_domain *d)
{
    bool added;

    x86_lock(&host.work);
    added = host_add(d);
    x86_unlock(&host.work);
    if (!added) {
        x86_panic("no memory for the record of domain %s",
                  domain_spec(d)->name);
    }
}

void host_domain_failed(const char *name, const char *why)
{
    link_fail(name, why);
    host_note(); /* perhaps there is nobody left to wait for */
}

void host_domain_started(struct x86_domain *d)
{
    struct link_domain id = {sop_domain_id(domain_sop(d)),
                             domain_spec(d)->name};

    link_start(&id, time_now());
}

void host_domain_crash_line(struct x86_domain *d, const char *line)
{
    struct link_domain id = {sop_domain_id(domain_sop(d)),
                             domain_spec(d)->name};

    link_crash(&id, line);
}

/* ------------------------------------------------------------------ set-up */

static void on_complaint(void *context, uint16_t domid, const char *text)
{
    (void)context;
    x86_log(SOP_LOG_WARNING, "domain %u: %s", domid, text);
}

/* Called by the store, so inside host_round() and with `work` held. */
static void on_notify(void *context, uint16_t domid)
{
    const struct host_domain *h;
    struct sop_pcpu *self = x86_self()->sop;

    (void)context;
    if (host_store_notify(domid)) {
        return;
    }
    h = host_find(domid);
    if (h != NULL) {
        sop_evtchn_host_notify(self, h->sop, domain_xenstore_port(h->x86));
    }
}

static void *text_page(void *context)
{
    (void)context;
    return hv_alloc(PAGE_SIZE);
}

#define STORE_SHARES 8u /* of the tool, which speaks for many */

void host_init(struct sop_system *sys)
{
    struct xenstore_config cfg = {
        .domains = host.stays                 ? x86_nr_domains() + 1
                   : boot_info.nr_modules > 0 ? boot_info.nr_modules
                                              : 1,
        .privileged_shares = host.stays ? STORE_SHARES : 1,
        .complain = on_complaint,
        .notify = on_notify,
        .page = text_page,
    };
    size_t size = xenstore_size(&cfg);
    void *arena = hv_alloc(size);

    host.sys = sys;
    host.store = arena == NULL ? NULL : xenstore_init(arena, size, &cfg);
    if (host.store == NULL) {
        x86_panic("no memory for a xenstore of %u domains", cfg.domains);
    }
    host_ask_init();
    link_boot();
}
