/* SPDX-License-Identifier: MIT */
/*
 * From a scenario to a world in which its domains may run: pCPUs online,
 * domains created, event channels bound by the guests themselves. Nothing is
 * explored before that; where it ends is saved, and each run starts there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/hvm/params.h>
#include <xen/xen.h>

#include "explore_machine.h"
#include "explore_world.h"
#include "invariant.h"

#define CALLBACK_VECTOR ((uint64_t)2 << 56 | 0xf3)
#define SETTLE_MAX 20000u
#define WINDOWS_MOST 100u

static struct ex_pcpu *first_pcpu(void)
{
    return &ex_world.pcpu[0];
}

/* Who is called on behalf of a pCPU lets it look at what that changed. */
static void look_again(struct ex_pcpu *c)
{
    c->kicked = true;
}

static void no_setup(const char *what, unsigned n)
{
    ex_fail("setup", "%s %u", what, n);
    ex_give_up();
}

void ex_settle(void)
{
    struct ex_step list[EX_STEPS_MAX];
    unsigned n = 0;

    while (ex_steps(list, 0) != 0) {
        if (++n > SETTLE_MAX) {
            no_setup("it never settles; steps:", n);
        }
        ex_take(list[0]);
        if (ex_failure.is) {
            ex_give_up();
        }
    }
}

/* ---- domains ---- */

/* 0, or why the core refuses it: then it is not there. */
int ex_domain_make(struct ex_pcpu *c, unsigned id)
{
    struct ex_domain *d = &ex_world.domain[id];
    const struct ex_domain_spec *spec = &ex_scenario->domain[id];
    void *port[EX_VCPUS];
    unsigned i;
    int rc;

    memset(d, 0, sizeof(*d));
    d->spec = spec;
    d->id = id;
    d->code = -1;
    d->pool = spec->pool;
    ex_default_knobs(d);
    d->weight = spec->weight;
    d->cap = spec->cap;
    memset(ex_shared(d), 0, EX_PAGE);
    for (i = 0; i < spec->nr_vcpus; i++) {
        port[i] = &d->vcpu[i];
        d->vcpu[i].d = d;
        d->vcpu[i].id = i;
        d->vcpu[i].on = -1;
        d->vcpu[i].pin = -1;
        d->vcpu[i].down = i >= spec->up;
        d->vcpu[i].born = ex_world.now;
        d->vcpu[i].hard = spec->hard;
        d->vcpu[i].soft = spec->soft;
    }
    rc = ex_domain_create(c, d, port);
    if (rc != 0) {
        memset(d, 0, sizeof(*d));
        return rc;
    }
    for (i = 0; i < spec->nr_vcpus; i++) {
        d->vcpu[i].v = sop_domain_vcpu(d->d, i);
    }
    if (!spec->pv) {
        (void)sop_domain_set_param(d->d, HVM_PARAM_CALLBACK_IRQ,
                                   CALLBACK_VECTOR);
    }
    for (i = 1; i < spec->up; i++) {
        (void)sop_vcpu_set_initialised(d->vcpu[i].v);
        (void)sop_vcpu_up(c->p, d->vcpu[i].v);
    }
    d->pauses = 1;
    return 0;
}

/* As sop_domain_create(), for a domain whose model is ready. */
int ex_domain_create(struct ex_pcpu *c, struct ex_domain *d, void *const *port)
{
    const struct ex_domain_spec *spec = d->spec;
    struct policy_domain_knobs knobs = {.sched_id = UINT32_MAX};
    struct sop_domain_config cfg = {
        .domid = (uint16_t)d->id,
        .hardware = spec->hardware,
        .kind = spec->pv ? SOP_GUEST_PV : SOP_GUEST_HVM,
        .nr_vcpus = spec->nr_vcpus,
        .weight = spec->weight,
        .cap = spec->cap,
        .knobs = spec->strange ? &knobs : NULL,
        .pool = spec->pool,
        .handle = {(uint8_t)d->id},
        .hard = spec->hard,
        .soft = spec->soft,
        .shared_info = ex_shared(d),
        .port = d,
    };

    (void)c;
    return sop_domain_create(ex_sys, ex_world.now, &cfg, port, &d->d);
}

/* ---- event channels ---- */

static struct ex_pcpu *where_is(const struct ex_vcpu *x)
{
    unsigned i;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        struct ex_pcpu *c = &ex_world.pcpu[i];

        if (c->at == EX_AT_GUEST && c->guest == x) {
            return c;
        }
    }
    return NULL;
}

/*
 * Where vCPU 0 of domain `id` is in its guest, brought there if need be; for
 * that time goes on a little, where somebody has windows of it.
 */
static struct ex_pcpu *bring(unsigned id)
{
    static const struct ex_step time = {.kind = EX_STEP_TIME};
    struct ex_vcpu *x = &ex_world.domain[id].vcpu[0];
    struct ex_pcpu *c;
    unsigned n;

    ex_settle();
    for (n = 0; n < WINDOWS_MOST && ex_scenario->frames.nr != 0; n++) {
        if (where_is(x) != NULL) {
            break;
        }
        ex_take(time);
        ex_settle();
    }
    c = where_is(x);
    if (c == NULL) {
        no_setup("to bind its ports vCPU 0 must run first; domain", id);
    }
    return c;
}

static uint32_t event_call(unsigned id, uint64_t cmd, void *op, size_t len,
                           size_t port_at)
{
    struct ex_vcpu *x = &ex_world.domain[id].vcpu[0];
    struct ex_pcpu *c = bring(id);
    uint64_t at = ex_put(x, op, len);
    uint32_t port;

    if (ex_hypercall(c, x, __HYPERVISOR_event_channel_op, cmd, at, 0) != 0) {
        no_setup("cannot bind a port of domain", id);
    }
    look_again(c);
    memcpy(&port, (uint8_t *)x->operand + port_at, sizeof(port));
    return port;
}

static uint32_t bind_near(const struct ex_port_spec *p)
{
    struct evtchn_bind_ipi ipi = {.vcpu = p->vcpu};
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = p->vcpu};
    struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF,
                                           .remote_dom = p->from};
    struct evtchn_bind_vcpu vcpu = {.vcpu = p->vcpu};

    switch (p->kind) {
    case EX_PORT_TIMER:
        return event_call(p->domain, EVTCHNOP_bind_virq, &virq, sizeof(virq),
                          offsetof(struct evtchn_bind_virq, port));
    case EX_PORT_INTERDOMAIN:
        vcpu.port = event_call(p->domain, EVTCHNOP_alloc_unbound, &unbound,
                               sizeof(unbound),
                               offsetof(struct evtchn_alloc_unbound, port));
        (void)event_call(p->domain, EVTCHNOP_bind_vcpu, &vcpu, sizeof(vcpu), 0);
        return vcpu.port;
    case EX_PORT_IPI:
    default:
        return event_call(p->domain, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi),
                          offsetof(struct evtchn_bind_ipi, port));
    }
}

static uint32_t bind_far(const struct ex_port_spec *p, uint32_t near)
{
    struct evtchn_bind_interdomain op = {.remote_dom = p->domain,
                                         .remote_port = near};

    return event_call(p->from, EVTCHNOP_bind_interdomain, &op, sizeof(op),
                      offsetof(struct evtchn_bind_interdomain, local_port));
}

static void set_paused(unsigned id, bool paused)
{
    struct ex_pcpu *c = first_pcpu();
    struct ex_domain *d = &ex_world.domain[id];

    if (paused) {
        (void)sop_domain_pause(c->p, d->d);
        d->pauses++;
    } else {
        (void)sop_domain_unpause(c->p, d->d);
        d->pauses--;
    }
    look_again(c);
    ex_settle();
}

/* First the ends that are told, then those that tell them. */
static void bind_ports(unsigned id, bool far)
{
    const struct ex_scenario *s = ex_scenario;
    bool woken = false;
    unsigned i;

    for (i = 0; i < s->nr_ports; i++) {
        const struct ex_port_spec *p = &s->port[i];

        if ((far ? p->from : p->domain) != id ||
            (far && p->kind != EX_PORT_INTERDOMAIN)) {
            continue;
        }
        if (!woken) {
            set_paused(id, false);
            woken = true;
        }
        if (far) {
            ex_world.port_far[i] = bind_far(p, ex_world.port_near[i]);
        } else {
            ex_world.port_near[i] = bind_near(p);
            if (p->kind == EX_PORT_TIMER) {
                ex_world.domain[id].vcpu[p->vcpu].timer_port =
                    ex_world.port_near[i];
            }
        }
    }
    if (woken) {
        set_paused(id, true);
    }
}

/* Binding signals a port once; forget that, as a guest would. */
static void forget_events(const struct ex_domain *d)
{
    struct shared_info *s = ex_shared(d);
    unsigned i;

    memset(s->evtchn_pending, 0, sizeof(s->evtchn_pending));
    for (i = 0; i < d->spec->nr_vcpus; i++) {
        s->vcpu_info[i].evtchn_upcall_pending = 0;
        s->vcpu_info[i].evtchn_pending_sel = 0;
        s->vcpu_info[i].evtchn_upcall_mask = 0;
    }
}

/* ---- the whole ---- */

static void set_frames(const struct ex_script *s)
{
    unsigned i;

    for (i = 0; i < s->nr; i++) {
        if (s->op[i].verb->control(first_pcpu(), &s->op[i]).value != 0) {
            no_setup("the frame is refused in line", s->op[i].line);
        }
        look_again(first_pcpu());
        ex_settle();
    }
}

static void build(void *context)
{
    const struct ex_scenario *s = context;
    unsigned id;

    ex_pcpus_start(s);
    ex_settle();
    ex_pools_make(s);
    set_frames(&s->frames);
    for (id = 0; id < EX_DOMAINS; id++) {
        if (s->domain[id].used && !s->domain[id].later) {
            if (ex_domain_make(first_pcpu(), id) != 0) {
                no_setup("cannot create domain", id);
            }
            bind_ports(id, false);
        }
    }
    for (id = 0; id < EX_DOMAINS; id++) {
        if (ex_world.domain[id].d != NULL) {
            bind_ports(id, true);
        }
    }
    for (id = 0; id < EX_DOMAINS; id++) {
        if (ex_world.domain[id].d != NULL) {
            forget_events(&ex_world.domain[id]);
            if (!s->domain[id].paused) {
                set_paused(id, false);
            }
        }
    }
    ex_world.setting_up = false;
    ex_world.early = s->early;
    ex_nr_steps = 0;
}

static struct ex_saved *start;
static const struct ex_scenario *start_of;

bool ex_world_reset(const struct ex_scenario *s)
{
    invariant_reset();
    if (start != NULL && start_of == s) {
        ex_world_restore(start);
        ex_nr_steps = 0;
        return true;
    }
    start_of = NULL;
    ex_world_unknown();
    ex_world_create(s);
    if (!ex_protect(build, (void *)(uintptr_t)s)) {
        return false;
    }
    invariant_reset();
    free(start);
    start = ex_world_save(NULL, true);
    ex_world_begin();
    start_of = s;
    return true;
}

/* The scenario at this address is another one now. */
void ex_world_forget(void)
{
    start_of = NULL;
}
