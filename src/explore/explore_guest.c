/* SPDX-License-Identifier: MIT */
/*
 * What guests do: one function a line of their scripts. The model learns of
 * sleep before the call is made, so that it is right at every point within.
 */
#include <stdint.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/xen.h>

#include "../lib/atomic.h"
#include "explore_private.h"

static struct ex_result next(int64_t value)
{
    return (struct ex_result){.next = EX_NEXT, .value = value};
}

static struct ex_result again(int64_t value)
{
    return (struct ex_result){.next = EX_AGAIN, .value = value};
}

/* ---- shared info ---- */

static uint32_t *pending_word(const struct ex_domain *d)
{
    struct shared_info *s = ex_shared(d);

    return (uint32_t *)(void *)s->evtchn_pending;
}

bool ex_port_pending(const struct ex_domain *d, uint32_t port)
{
    return atomic_test_bit(pending_word(d), port);
}

bool ex_port_take(const struct ex_domain *d, uint32_t port)
{
    return atomic_test_and_clear_bit(pending_word(d), port);
}

uint8_t *ex_upcall_byte(const struct ex_vcpu *x)
{
    struct shared_info *s = ex_shared(x->d);

    return &s->vcpu_info[x->id].evtchn_upcall_pending;
}

/* A guest's handler of upcalls, which leaves the ports to who waits. */
void ex_handle_upcall(const struct ex_vcpu *x)
{
    struct shared_info *s = ex_shared(x->d);

    atomic_store_u8(ex_upcall_byte(x), 0);
    s->vcpu_info[x->id].evtchn_pending_sel = 0;
}

uint32_t ex_near_port(const struct ex_vcpu *x, unsigned port)
{
    return ex_scenario->port[port].domain == x->d->id ? ex_world.port_near[port]
                                                      : ex_world.port_far[port];
}

struct ex_vcpu *ex_vcpu_arg(uint64_t arg)
{
    return &ex_world.domain[arg >> 8].vcpu[arg & 0xff];
}

/* ---- time ---- */

static struct ex_result op_run(struct ex_pcpu *c, struct ex_vcpu *x,
                               const struct ex_op *op)
{
    (void)c;
    x->left_ns = op->arg[0];
    x->computing = x->left_ns != 0;
    return next(0);
}

static struct ex_result op_spin(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    (void)c;
    (void)op;
    x->left_ns = SOP_TIME_NEVER;
    x->computing = true;
    return next(0);
}

static int64_t timer_set(struct ex_pcpu *c, struct ex_vcpu *x, uint64_t at)
{
    x->timer_at = at;
    return ex_hypercall(c, x, __HYPERVISOR_set_timer_op, at, 0, 0);
}

static struct ex_result op_timer(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    return next(timer_set(c, x, ex_world.now + op->arg[0]));
}

/* Without a port for its timer it polls for nothing until then. */
static struct ex_result poll_until(struct ex_pcpu *c, struct ex_vcpu *x,
                                   uint64_t at)
{
    struct sched_poll p;

    if (at <= ex_world.now) {
        return next(0);
    }
    memset(&p, 0, sizeof(p));
    set_xen_guest_handle(p.ports, x->list);
    p.timeout = at;
    x->nr_poll = 0;
    x->poll_until = at;
    x->sleep = EX_POLLING;
    return next(ex_sched_op(c, x, SCHEDOP_poll, ex_put(x, &p, sizeof(p))));
}

static struct ex_result sleep_until(struct ex_pcpu *c, struct ex_vcpu *x,
                                    uint64_t at)
{
    if (x->timer_port == 0) {
        return poll_until(c, x, at);
    }
    ex_handle_upcall(x);
    if (x->timer_at == 0) {
        if (at <= ex_world.now) {
            return next(0);
        }
        return again(timer_set(c, x, at));
    }
    if (ex_port_take(x->d, x->timer_port)) {
        x->timer_at = 0;
        return next(0);
    }
    x->sleep = EX_BLOCKED;
    return again(ex_sched_op(c, x, SCHEDOP_block, 0));
}

static struct ex_result op_sleep(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    return sleep_until(c, x, ex_world.now + op->arg[0]);
}

static struct ex_result op_until(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    return sleep_until(c, x, EX_START_NS + op->arg[0]);
}

/* align PERIOD OFFSET: sleeps until the next such time. */
static struct ex_result op_align(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    uint64_t at = ex_world.now - ex_world.now % op->arg[0] + op->arg[1];

    if (x->timer_at != 0) {
        at = x->timer_at;
    } else if (at <= ex_world.now) {
        at += op->arg[0];
    }
    return sleep_until(c, x, at);
}

/* ---- waiting ---- */

static struct ex_result op_yield(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    (void)op;
    return next(ex_sched_op(c, x, SCHEDOP_yield, 0));
}

static struct ex_result op_block(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    (void)op;
    x->sleep = EX_BLOCKED;
    return next(ex_sched_op(c, x, SCHEDOP_block, 0));
}

/* As a guest waits: looks, sleeps, looks again. */
static bool take(struct ex_vcpu *x, const struct ex_op *op, unsigned arg)
{
    uint32_t port = ex_near_port(x, (unsigned)op->arg[arg]);

    ex_handle_upcall(x);
    if (!ex_port_take(x->d, port)) {
        return false;
    }
    if (port == x->timer_port) {
        x->timer_at = 0;
    }
    return true;
}

static struct ex_result op_wait(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    if (take(x, op, 0)) {
        return next(0);
    }
    x->sleep = EX_BLOCKED;
    return again(ex_sched_op(c, x, SCHEDOP_block, 0));
}

static int64_t poll(struct ex_pcpu *c, struct ex_vcpu *x,
                    const struct ex_op *op, uint64_t timeout)
{
    struct sched_poll p;
    int64_t rc;
    unsigned i;

    memset(&p, 0, sizeof(p));
    x->nr_poll = 0;
    for (i = 1; i < op->nr_args && x->nr_poll < 8; i++) {
        x->list[x->nr_poll] = ex_near_port(x, (unsigned)op->arg[i]);
        x->poll_port[x->nr_poll] = x->list[x->nr_poll];
        x->nr_poll++;
    }
    set_xen_guest_handle(p.ports, x->list);
    p.nr_ports = x->nr_poll;
    p.timeout = timeout;
    x->poll_until = timeout;
    x->sleep = EX_POLLING;
    rc = ex_sched_op(c, x, SCHEDOP_poll, ex_put(x, &p, sizeof(p)));
    if (rc != 0) {
        x->sleep = EX_AWAKE;
    }
    return rc;
}

/* poll TIME PORT...: once; time 0 is for ever. */
static struct ex_result op_poll(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    return next(
        poll(c, x, op, op->arg[0] != 0 ? ex_world.now + op->arg[0] : 0));
}

/* spinlock TIME PORT: polls until the port is signalled, and takes it. */
static struct ex_result op_pollwait(struct ex_pcpu *c, struct ex_vcpu *x,
                                    const struct ex_op *op)
{
    uint64_t timeout = op->arg[0] != 0 ? ex_world.now + op->arg[0] : 0;

    if (take(x, op, 1)) {
        return next(0);
    }
    return again(poll(c, x, op, timeout));
}

/* ---- events ---- */

static int64_t event_op(struct ex_pcpu *c, struct ex_vcpu *x, uint64_t cmd,
                        unsigned port)
{
    struct evtchn_send send = {.port = ex_near_port(x, port)};

    return ex_hypercall(c, x, __HYPERVISOR_event_channel_op, cmd,
                        ex_put(x, &send, sizeof(send)), 0);
}

static struct ex_result op_send(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    return next(event_op(c, x, EVTCHNOP_send, (unsigned)op->arg[0]));
}

static struct ex_result op_unmask(struct ex_pcpu *c, struct ex_vcpu *x,
                                  const struct ex_op *op)
{
    return next(event_op(c, x, EVTCHNOP_unmask, (unsigned)op->arg[0]));
}

static struct ex_result op_mask(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    struct shared_info *s = ex_shared(x->d);
    uint32_t port = ex_near_port(x, (unsigned)op->arg[0]);

    (void)c;
    s->evtchn_mask[port / 64] |= (xen_ulong_t)1 << port % 64;
    return next(0);
}

static struct ex_result op_clear(struct ex_pcpu *c, struct ex_vcpu *x,
                                 const struct ex_op *op)
{
    (void)c;
    ex_handle_upcall(x);
    (void)ex_port_take(x->d, ex_near_port(x, (unsigned)op->arg[0]));
    return next(0);
}

/* ---- ending ---- */

static unsigned up_count(const struct ex_domain *d)
{
    unsigned i, n = 0;

    for (i = 0; i < d->spec->nr_vcpus; i++) {
        n += !d->vcpu[i].down;
    }
    return n;
}

static void latch(struct ex_domain *d, uint64_t reason)
{
    d->code = d->code < 0 ? (int)reason : d->code;
}

static void down_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)arg;
    if (up_count(d) == 1 && !x->down) {
        latch(d, SHUTDOWN_poweroff);
        d->shut = true;
    } else {
        x->down = true;
    }
}

static struct ex_result op_down(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    (void)op;
    ex_effect(c, down_effect, x->d, x, 0);
    return next(
        ex_hypercall(c, x, __HYPERVISOR_vcpu_op, VCPUOP_down, x->id, 0));
}

static void up_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)d;
    (void)arg;
    x->down = false;
}

static struct ex_result op_up(struct ex_pcpu *c, struct ex_vcpu *x,
                              const struct ex_op *op)
{
    unsigned n = (unsigned)op->arg[0] % x->d->spec->nr_vcpus;

    (void)sop_vcpu_set_initialised(x->d->vcpu[n].v);
    ex_effect(c, up_effect, x->d, &x->d->vcpu[n], 0);
    return next(ex_hypercall(c, x, __HYPERVISOR_vcpu_op, VCPUOP_up, n, 0));
}

void ex_shutdown_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)x;
    latch(d, arg);
    d->shut = true;
}

static struct ex_result op_shutdown(struct ex_pcpu *c, struct ex_vcpu *x,
                                    const struct ex_op *op)
{
    struct sched_shutdown s = {.reason = (unsigned)op->arg[0]};

    ex_effect(c, ex_shutdown_effect, x->d, NULL, op->arg[0]);
    return next(ex_sched_op(c, x, SCHEDOP_shutdown, ex_put(x, &s, sizeof(s))));
}

static void code_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)x;
    latch(d, arg);
}

static struct ex_result op_code(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    struct sched_shutdown s = {.reason = (unsigned)op->arg[0]};

    ex_effect(c, code_effect, x->d, NULL, op->arg[0]);
    return next(
        ex_sched_op(c, x, SCHEDOP_shutdown_code, ex_put(x, &s, sizeof(s))));
}

static struct ex_result op_remote(struct ex_pcpu *c, struct ex_vcpu *x,
                                  const struct ex_op *op)
{
    struct sched_remote_shutdown s = {.domain_id = (domid_t)op->arg[0],
                                      .reason = (unsigned)op->arg[1]};

    ex_effect(c, ex_shutdown_effect, &ex_world.domain[op->arg[0]], NULL,
              op->arg[1]);
    return next(
        ex_sched_op(c, x, SCHEDOP_remote_shutdown, ex_put(x, &s, sizeof(s))));
}

/* ---- watchdogs, pins ---- */

/*
 * A poke that comes as the watchdog bites: which of them was first is for the
 * core to say. A watchdog that has bitten is still set.
 */
static void watchdog_effect(struct ex_domain *d, struct ex_vcpu *x,
                            uint64_t arg)
{
    unsigned id = (unsigned)(arg >> 32);
    uint64_t timeout = (uint32_t)arg, *dog;

    (void)x;
    if (id == 0) {
        for (id = 1; id < SOP_WATCHDOGS && d->claimed[id - 1]; id++) {
        }
    }
    if (id > SOP_WATCHDOGS || (d->claimed[id - 1] && arg >> 32 == 0)) {
        return; /* it will be refused */
    }
    dog = &d->dog[id - 1];
    d->unsure |= d->claimed[id - 1] && *dog <= ex_world.now;
    d->claimed[id - 1] = timeout != 0;
    *dog = ex_world.now + timeout * 1000 * EX_MS;
}

static struct ex_result op_watchdog(struct ex_pcpu *c, struct ex_vcpu *x,
                                    const struct ex_op *op)
{
    struct sched_watchdog w = {.id = (uint32_t)op->arg[0],
                               .timeout = (uint32_t)op->arg[1]};

    ex_effect(c, watchdog_effect, x->d, NULL, (uint64_t)w.id << 32 | w.timeout);
    return next(ex_sched_op(c, x, SCHEDOP_watchdog, ex_put(x, &w, sizeof(w))));
}

static void pin_effect(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg)
{
    (void)d;
    x->pin = (int32_t)arg < 0 ? -1 : (int32_t)arg;
}

static struct ex_result op_pin(struct ex_pcpu *c, struct ex_vcpu *x,
                               const struct ex_op *op)
{
    struct sched_pin_override p = {.pcpu = (int32_t)op->arg[0]};

    if (op->want == 0 || !op->checked) {
        ex_effect(c, pin_effect, x->d, x, op->arg[0]);
    }
    return next(
        ex_sched_op(c, x, SCHEDOP_pin_override, ex_put(x, &p, sizeof(p))));
}

/* ---- the course of a script ---- */

/* Back to the line after the last `mark`, or to the first. */
static void go_back(struct ex_vcpu *x)
{
    const struct ex_script *s = &x->d->spec->script[x->id];

    while (x->pc > 0 && strcmp(s->op[x->pc - 1].verb->name, "mark") != 0) {
        x->pc--;
    }
}

static struct ex_result op_mark(struct ex_pcpu *c, struct ex_vcpu *x,
                                const struct ex_op *op)
{
    (void)c;
    (void)x;
    (void)op;
    return next(0);
}

static struct ex_result op_repeat(struct ex_pcpu *c, struct ex_vcpu *x,
                                  const struct ex_op *op)
{
    (void)c;
    if (op->nr_args == 0 || x->count < op->arg[0]) {
        x->count += op->nr_args != 0;
        go_back(x);
        return again(0);
    }
    x->count = 0;
    return next(0);
}

const struct ex_verb ex_guest_verbs[] = {
    {"run", "t", op_run, NULL},
    {"spin", "", op_spin, NULL},
    {"timer", "t", op_timer, NULL},
    {"sleep", "t", op_sleep, NULL},
    {"until", "t", op_until, NULL},
    {"align", "tt", op_align, NULL},
    {"yield", "", op_yield, NULL},
    {"block", "", op_block, NULL},
    {"wait", "p", op_wait, NULL},
    {"poll", "tp*", op_poll, NULL},
    {"pollwait", "tp", op_pollwait, NULL},
    {"send", "p", op_send, NULL},
    {"unmask", "p", op_unmask, NULL},
    {"mask", "p", op_mask, NULL},
    {"clear", "p", op_clear, NULL},
    {"down", "", op_down, NULL},
    {"up", "n", op_up, NULL},
    {"shutdown", "n", op_shutdown, NULL},
    {"shutdown-code", "n", op_code, NULL},
    {"remote-shutdown", "dn", op_remote, NULL},
    {"watchdog", "nn", op_watchdog, NULL},
    {"pin", "n", op_pin, NULL},
    {"mark", "", op_mark, NULL},
    {"repeat", "?n", op_repeat, NULL},
    {NULL, NULL, NULL, NULL},
};
