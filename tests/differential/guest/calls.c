/* SPDX-License-Identifier: MIT */
/*
 * From a statement to its hypercall, and from the result to what is told.
 *
 * What is left out on purpose is answered "avoided" on every host: what would
 * end the domain or the conductor, what cannot be undone for the next
 * program, and where schedop may differ from Xen (specification 3.10).
 */
#include "calls.h"

#define WATCHDOG_MIN_S 10000u /* programs never get that old */

const char avoided[] = "avoided";

evtchn_port_t slots[PORT_SLOTS];
struct traces traces;

static const uint32_t literals[] = {
#define LITERAL(value) value,
    LITERALS(LITERAL)};
_Static_assert(sizeof(literals) / sizeof(*literals) == LITERAL_COUNT, "");

evtchn_port_t port_of(uint8_t ref)
{
    if (ref < PORT_SLOTS) {
        return slots[ref];
    }
    return ref < REF_COUNT ? literals[ref - PORT_SLOTS] : 0;
}

/* Past the hypercall page. */
static uint64_t vmmcall(uint32_t number, uint64_t a1, uint64_t a2, uint64_t a3)
{
    uint64_t result = number;

    __asm__ volatile("vmmcall"
                     : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3)
                     :
                     : "r10", "r8", "memory");
    return result;
}

uint64_t raw_call(bool narrow, uint32_t number, uint64_t a1, uint64_t a2,
                  uint64_t a3)
{
    if (narrow) {
        return wide_to_narrow_call(number, (uint32_t)a1, (uint32_t)a2,
                                   (uint32_t)a3);
    }
    return vmmcall(number, a1, a2, a3);
}

/* ---- making operands ---- */

/* Whether the hypervisor can read an operand there: of the address only so
 * many bits count. */
bool readable(const struct statement *s)
{
    return s->place <= AT_edge || s->place == AT_ro ||
           s->place == AT_noncanon || (s->place == AT_xen && s->narrow);
}

uint64_t put_operand(struct call *c, const void *bytes, uint32_t size)
{
    struct operand *o = &c->operand;

    if (size > sizeof(o->bytes)) {
        kit_panic("operand of %u bytes", size);
    }
    o->size = size;
    o->address = memory_at(kit_cpu(), o->region, c->s->place, size);
    memcpy(o->bytes, bytes, size);
    memory_put(o->address, bytes, size);
    return o->address;
}

/* A call whose operand is the second argument. */
const char *make2(struct call *c, uint32_t number, uint32_t command,
                  const void *bytes, uint32_t size)
{
    c->number = number;
    c->arg[0] = command;
    c->arg[1] = put_operand(c, bytes, size);
    return NULL;
}

const char *make_vcpu(struct call *c, uint32_t command, const void *bytes,
                      uint32_t size)
{
    c->number = __HYPERVISOR_vcpu_op;
    c->arg[0] = command;
    c->arg[1] = c->s->arg[0];
    c->arg[2] = size != 0 ? put_operand(c, bytes, size) : 0;
    return NULL;
}

/* ---- sched_op ---- */

static const char *make_poll(struct call *c)
{
    const struct statement *s = c->s;
    uint32_t entries = s->arg[0] < 128 ? s->arg[0] : 128;
    uint32_t ports[128] = {0};
    uint32_t size = entries != 0 ? entries * 4 : 4;
    uint64_t array =
        memory_at(kit_cpu(), c->operand.region + 1u, s->array_place, size);
    struct {
        uint64_t ports;
        uint32_t nr_ports, pad;
        uint64_t timeout;
    } wide = {array, s->arg[0], 0, conduct_time(s->arg[1])};
    struct {
        uint32_t ports, nr_ports;
        uint64_t timeout;
    } narrow = {(uint32_t)array, s->arg[0], wide.timeout};

    for (uint32_t i = 0; i < entries && s->refs != 0; i++) {
        ports[i] = port_of(s->ref[i % s->refs]);
    }
    memory_put(array, ports, size);
    if (s->narrow) {
        return make2(c, __HYPERVISOR_sched_op, SCHEDOP_poll, &narrow,
                     sizeof(narrow));
    }
    return make2(c, __HYPERVISOR_sched_op, SCHEDOP_poll, &wide, sizeof(wide));
}

/* What is pending already ends block on schedop, but not on Xen (fact 33). */
static const char *make_block(struct call *c)
{
    if (!performers[kit_cpu()].interrupts &&
        info_of(kit_cpu())->evtchn_upcall_pending != 0) {
        return avoided;
    }
    c->number = __HYPERVISOR_sched_op;
    c->arg[0] = SCHEDOP_block;
    return NULL;
}

static const char *make_watchdog(struct call *c)
{
    struct sched_watchdog op = {c->s->arg[0], c->s->arg[1]};

    if (!traces.finale && ((op.id == 0 && op.timeout == 0) ||
                           (op.timeout != 0 && op.timeout < WATCHDOG_MIN_S))) {
        return avoided; /* it could fire */
    }
    traces.watchdogs = true;
    return make2(c, __HYPERVISOR_sched_op, SCHEDOP_watchdog, &op, sizeof(op));
}

/* The domain has to live: only what fails, up to the finale. */
static const char *make_shutdown(struct call *c)
{
    if (!traces.finale && readable(c->s)) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &c->s->arg[0], 4);
}

static const char *make_remote(struct call *c)
{
    struct sched_remote_shutdown op;

    memset(&op, 0, sizeof(op));
    op.domain_id = (domid_t)c->s->arg[0];
    op.reason = c->s->arg[1];
    if (!traces.finale && op.domain_id == 0 && readable(c->s)) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &op,
                 sizeof(op));
}

static const char *make_sched_raw(struct call *c)
{
    uint32_t command = c->s->arg[0];

    if (command > SCHEDOP_yield && command <= SCHEDOP_pin_override) {
        return avoided;
    }
    c->number = __HYPERVISOR_sched_op;
    c->arg[0] = UINT64_C(1) << 32 | command; /* 32 bits of it count */
    return NULL;
}

const char *make_sched(struct call *c)
{
    switch (c->s->operation) {
    case DO_yield:
        c->number = __HYPERVISOR_sched_op;
        c->arg[0] = SCHEDOP_yield;
        return NULL;
    case DO_block:
        return make_block(c);
    case DO_poll:
        return make_poll(c);
    case DO_shutdown:
        return make_shutdown(c);
    case DO_remote_shutdown:
        return make_remote(c);
    case DO_shutdown_code:
        return make2(c, __HYPERVISOR_sched_op, SCHEDOP_shutdown_code,
                     &c->s->arg[0], 4);
    case DO_watchdog:
        return make_watchdog(c);
    case DO_pin:
        traces.pins[kit_cpu()] = true;
        return make2(c, __HYPERVISOR_sched_op, SCHEDOP_pin_override,
                     &c->s->arg[0], 4);
    default:
        return make_sched_raw(c);
    }
}

/* ---- event_channel_op ---- */

static const char *make_bind(struct call *c)
{
    const struct statement *s = c->s;
    uint32_t word[3] = {0};

    traces.ports++;
    switch (s->operation) {
    case DO_alloc_unbound:
        word[0] = (s->arg[0] & 0xffff) | s->arg[1] << 16;
        return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                     word, 8);
    case DO_bind_interdomain:
        word[0] = s->arg[0] & 0xffff;
        word[1] = port_of(s->ref[0]);
        return make2(c, __HYPERVISOR_event_channel_op,
                     EVTCHNOP_bind_interdomain, word, 12);
    case DO_bind_virq:
        word[0] = s->arg[0];
        word[1] = s->arg[1];
        return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, word,
                     12);
    default:
        word[0] = s->arg[0];
        return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, word,
                     8);
    }
}

static const char *make_status(struct call *c)
{
    struct evtchn_status op;

    memset(&op, 0x5a, sizeof(op));
    op.dom = (domid_t)c->s->arg[0];
    op.port = port_of(c->s->ref[0]);
    return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_status, &op,
                 sizeof(op));
}

static const char *make_evtchn_raw(struct call *c)
{
    static const uint8_t zero[32];

    if (c->s->arg[0] <= EVTCHNOP_set_priority) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_event_channel_op, c->s->arg[0], zero,
                 sizeof(zero));
}

/* Changing over in the midst of a program would leave ports pending in later
 * ones (fifo.c). */
static const char *make_init_control(struct call *c)
{
    struct evtchn_init_control op;

    if (!fifo_is_on()) {
        return avoided;
    }
    fifo_control(c->s->arg[0], c->s->arg[1], &op);
    return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, &op,
                 sizeof(op));
}

/* Those whose operand begins with a port, and may have one word more. */
static const char *make_port(struct call *c)
{
    uint32_t word[2] = {port_of(c->s->ref[0]), c->s->arg[0]};
    uint32_t command, size = 4;

    switch (c->s->operation) {
    case DO_close:
        command = EVTCHNOP_close;
        break;
    case DO_send:
        command = EVTCHNOP_send;
        break;
    case DO_unmask:
        command = EVTCHNOP_unmask;
        break;
    case DO_bind_vcpu:
        command = EVTCHNOP_bind_vcpu;
        size = 8;
        break;
    default:
        command = EVTCHNOP_set_priority;
        size = 8;
        break;
    }
    return make2(c, __HYPERVISOR_event_channel_op, command, word, size);
}

const char *make_evtchn(struct call *c)
{
    uint64_t wide = c->s->arg[0];

    switch (c->s->operation) {
    case DO_alloc_unbound:
    case DO_bind_interdomain:
    case DO_bind_virq:
    case DO_bind_ipi:
        return make_bind(c);
    case DO_status:
        return make_status(c);
    case DO_reset:
        conduct_lose_bells();
        return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, &wide,
                     2);
    case DO_init_control:
        return make_init_control(c);
    case DO_expand_array:
        wide = fifo_array(c->s->arg[0]);
        return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array,
                     &wide, 8);
    case DO_evtchn_raw:
        return make_evtchn_raw(c);
    default:
        return make_port(c);
    }
}

/* ---- all ---- */

const char *call_prepare(struct call *c, const struct statement *s,
                         unsigned int index)
{
    memset(c, 0, sizeof(*c));
    c->s = s;
    c->operand.region = (uint8_t)(2 * index);
    if (s->operation <= DO_sched_raw) {
        return make_sched(c);
    }
    if (s->operation <= DO_evtchn_raw) {
        return make_evtchn(c);
    }
    if (s->operation <= DO_vcpu_raw) {
        return make_vcpu_op(c);
    }
    return make_other(c);
}

void call_issue(struct call *c)
{
    c->result =
        raw_call(c->s->narrow != 0, c->number, c->arg[0], c->arg[1], c->arg[2]);
}
