/* SPDX-License-Identifier: MIT */
/*
 * From a statement to its hypercall, and from the result to what is told.
 *
 * What is left out on purpose is answered "avoided" on every host: what would
 * end the domain or the conductor, what cannot be undone for the next
 * program, and where schedop may differ from Xen (specification 3.10).
 */
#include "guest.h"

#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/version.h>
#include <xen/vcpu.h>

#define VECTOR_MIN 0x10u
#define WATCHDOG_MIN_S 10000u /* programs never get that old */
#define GUEST_VCPUS (VCPUS + 1u)

static const char avoided[] = "avoided";

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
static bool readable(const struct statement *s)
{
    return s->place <= AT_edge || s->place == AT_ro ||
           s->place == AT_noncanon || (s->place == AT_xen && s->narrow);
}

static uint64_t put_operand(struct call *c, const void *bytes, uint32_t size)
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
static const char *make2(struct call *c, uint32_t number, uint32_t command,
                         const void *bytes, uint32_t size)
{
    c->number = number;
    c->arg[0] = command;
    c->arg[1] = put_operand(c, bytes, size);
    return NULL;
}

static const char *make_vcpu(struct call *c, uint32_t command,
                             const void *bytes, uint32_t size)
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

static const char *make_sched(struct call *c)
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

static const char *make_evtchn(struct call *c)
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
    case DO_expand_array:
        return make2(c, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array,
                     &wide, 8);
    case DO_evtchn_raw:
        return make_evtchn_raw(c);
    default:
        return make_port(c);
    }
}

/* ---- vcpu_op ---- */

static const char *make_context(struct call *c)
{
    struct vcpu_hvm_context context;

    memset(&context, 0, sizeof(context));
    switch (c->s->arg[1]) {
    case CONTEXT_mode2:
        context.mode = 2;
        break;
    case CONTEXT_moden:
        context.mode = UINT32_MAX;
        break;
    default:
        context.mode = VCPU_HVM_MODE_64B;
        context.pad = 1;
        break;
    }
    return make_vcpu(c, VCPUOP_initialise, &context, sizeof(context));
}

static const char *make_singleshot(struct call *c)
{
    struct vcpu_set_singleshot_timer op;

    memset(&op, 0, sizeof(op));
    op.timeout_abs_ns = conduct_time(c->s->arg[1]);
    op.flags = c->s->arg[2];
    traces.timers[kit_cpu()] = true;
    return make_vcpu(c, VCPUOP_set_singleshot_timer, &op,
                     c->s->narrow ? 12 : sizeof(op));
}

static const char *make_periodic(struct call *c)
{
    static const uint64_t periods[] = {
        [PERIOD_tick] = TICK_NS * 3 / 4,
        [PERIOD_zero] = 0,
        [PERIOD_short] = 999999,
        [PERIOD_long] = UINT64_C(1) << 61,
        [PERIOD_longest] = (UINT64_C(1) << 62) - 1,
        [PERIOD_over] = UINT64_C(1) << 62,
        [PERIOD_all] = UINT64_MAX,
    };

    traces.periodic = true;
    traces.periodic_ticks += traces.periodic_ticks == 0;
    return make_vcpu(c, VCPUOP_set_periodic_timer,
                     &periods[c->s->arg[1] % PERIOD_COUNT], 8);
}

static const char *make_area(struct call *c, bool time)
{
    uint32_t vcpu = c->s->arg[0];
    uint64_t address = 0;

    if (vcpu < VCPUS) {
        traces.areas = true;
        if (readable(c->s)) {
            address = area_address(vcpu, c->s->array_place, time);
        }
    }
    return make_vcpu(c,
                     time ? VCPUOP_register_vcpu_time_memory_area
                          : VCPUOP_register_runstate_memory_area,
                     &address, 8);
}

/* Moving vcpu_info cannot be undone: only what is refused. */
static const char *make_vcpu_info(struct call *c)
{
    struct vcpu_register_vcpu_info op;

    memset(&op, 0, sizeof(op));
    op.mfn = UINT64_C(0xfffff00000) | c->s->arg[1];
    op.offset = c->s->arg[2];
    return make_vcpu(c, VCPUOP_register_vcpu_info, &op, sizeof(op));
}

static const char *make_down(struct call *c)
{
    if (c->s->arg[0] == 0 && !traces.finale) {
        return avoided; /* it conducts */
    }
    traces.may_be_down = true;
    return make_vcpu(c, VCPUOP_down, NULL, 0);
}

static const char *make_vcpu_raw(struct call *c)
{
    static const uint8_t zero[32];

    if (c->s->arg[0] <= VCPUOP_register_vcpu_time_memory_area) {
        return avoided;
    }
    c->number = __HYPERVISOR_vcpu_op;
    c->arg[0] = c->s->arg[0];
    c->arg[1] = c->s->arg[1];
    c->arg[2] = put_operand(c, zero, sizeof(zero));
    return NULL;
}

static const char *make_nmi(struct call *c)
{
    (void)make_vcpu(c, VCPUOP_send_nmi, NULL, 0);
    c->arg[2] = c->s->arg[1];
    return NULL;
}

static const char *make_runstate(struct call *c)
{
    struct vcpu_runstate_info info;

    memset(&info, 0x5a, sizeof(info));
    return make_vcpu(c, VCPUOP_get_runstate_info, &info,
                     c->s->narrow ? 44 : sizeof(info));
}

static const char *make_vcpu_op(struct call *c)
{
    uint64_t zero = 0;

    switch (c->s->operation) {
    case DO_initialise:
        return make_context(c);
    case DO_up:
        return make_vcpu(c, VCPUOP_up, NULL, 0);
    case DO_down:
        return make_down(c);
    case DO_is_up:
        return make_vcpu(c, VCPUOP_is_up, NULL, 0);
    case DO_runstate:
        return make_runstate(c);
    case DO_singleshot:
        return make_singleshot(c);
    case DO_stop_singleshot:
        return make_vcpu(c, VCPUOP_stop_singleshot_timer, NULL, 0);
    case DO_periodic:
        return make_periodic(c);
    case DO_stop_periodic:
        return make_vcpu(c, VCPUOP_stop_periodic_timer, NULL, 0);
    case DO_runstate_area:
    case DO_time_area:
        return make_area(c, c->s->operation == DO_time_area);
    case DO_vcpu_info:
        return make_vcpu_info(c);
    case DO_nmi:
        return make_nmi(c);
    case DO_physid:
        return make_vcpu(c, VCPUOP_get_physid, &zero, 8);
    default:
        return make_vcpu_raw(c);
    }
}

/* ---- the others ---- */

static const char *make_set_timer(struct call *c)
{
    uint64_t when = conduct_time(c->s->arg[0]);

    traces.timers[kit_cpu()] = true;
    c->number = __HYPERVISOR_set_timer_op;
    c->arg[0] = when;
    c->arg[1] = when >> 32;
    if (!c->s->narrow) {
        c->arg[1] = 0;
    }
    return NULL;
}

/* Who the host is may differ; how it is asked may not. */
static const char *make_version(struct call *c)
{
    uint32_t command = c->s->arg[0];
    uint8_t zero[64] = {0};
    uint32_t size = 8;

    switch (command) {
    case XENVER_extraversion:
    case XENVER_guest_handle:
        size = 16;
        break;
    case XENVER_changeset:
        size = 64;
        break;
    case XENVER_platform_parameters:
        size = c->s->narrow ? 4 : 8;
        break;
    case XENVER_compile_info:
    case XENVER_capabilities:
    case XENVER_commandline:
    case XENVER_build_id:
        return avoided;
    default:
        break;
    }
    (void)make2(c, __HYPERVISOR_xen_version, command, zero, size);
    if (command == XENVER_pagesize && c->s->place == AT_ok) {
        c->arg[1] = 0;
    }
    return NULL;
}

static const char *make_param(struct call *c)
{
    struct xen_hvm_param op;

    memset(&op, 0, sizeof(op));
    op.domid = DOMID_SELF;
    op.index = c->s->arg[0];
    if (op.index != HVM_PARAM_CALLBACK_IRQ && op.index < HVM_NR_PARAMS) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_hvm_op, HVMOP_get_param, &op, sizeof(op));
}

/* A vector of its own cannot be taken away again: only what is refused. */
static const char *make_upcall_vector(struct call *c)
{
    struct xen_hvm_evtchn_upcall_vector op;

    memset(&op, 0, sizeof(op));
    op.vcpu = c->s->arg[0];
    op.vector = (uint8_t)c->s->arg[1];
    if (op.vector >= VECTOR_MIN && op.vcpu < GUEST_VCPUS) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &op,
                 sizeof(op));
}

static const char *make_other(struct call *c)
{
    switch (c->s->operation) {
    case DO_set_timer:
        return make_set_timer(c);
    case DO_version:
        return make_version(c);
    case DO_vm_assist:
        traces.assist = true;
        c->number = __HYPERVISOR_vm_assist;
        c->arg[0] = c->s->arg[0];
        c->arg[1] = c->s->arg[1];
        return NULL;
    case DO_hvm_param:
        return make_param(c);
    case DO_upcall_vector:
        return make_upcall_vector(c);
    default: /* hypercall: one that does not exist */
        if (c->s->arg[0] < 56) {
            return avoided;
        }
        c->number = c->s->arg[0];
        return NULL;
    }
}

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

/* ---- reporting ---- */

/* How often each operation had each result: 0, data, -XEN_E*. */
#define ERRORS 128u
static uint32_t coverage[OPERATION_COUNT][ERRORS + 1];
static const char *altered;

static const char *const names[] = {
#define NAME(name, operands, flags) #name,
    OPERATIONS(NAME)};

void calls_alter(const char *name)
{
    altered = name;
}

static void count_result(uint32_t operation, int32_t result)
{
    uint32_t at = ERRORS; /* data */

    if (result <= 0 && result > -(int32_t)ERRORS) {
        at = (uint32_t)-result;
    }
    __atomic_fetch_add(&coverage[operation][at], 1, __ATOMIC_RELAXED);
}

void calls_print_coverage(void)
{
    for (uint32_t i = 0; i < OPERATION_COUNT; i++) {
        for (uint32_t r = 0; r <= ERRORS; r++) {
            if (coverage[i][r] != 0) {
                kit_printf("+ %s %s %u\n", names[i],
                           r == ERRORS ? "data" : schedop_error_name(-(int)r),
                           coverage[i][r]);
            }
        }
    }
    memset(coverage, 0, sizeof(coverage));
}

/* Xen's pattern for a lack of watchdogs is wide; ours need not be (fact 5). */
void call_tell_result(const struct statement *s, uint64_t result)
{
    int64_t r = s->narrow ? (int32_t)result : (int64_t)result;

    if ((uint32_t)r == (uint32_t)-XEN_ENOSPC) {
        r = -XEN_ENOSPC;
    }
    count_result(s->operation, (int32_t)r);
    if (altered && strcmp(altered, names[s->operation]) == 0) {
        tell("=altered");
    } else if (r != (int32_t)r) {
        tell("=wide %lx", (unsigned long)r);
    } else if (r < 0) {
        tell("=%s", schedop_error_name((int)r));
    } else {
        tell("=%d", (int)r);
    }
}

/* The operand as it is now. */
static void look_at_operand(const struct call *c, void *bytes)
{
    memory_get(c->operand.address, bytes, c->operand.bytes, c->operand.size);
}

static void tell_if_changed(const struct call *c)
{
    uint8_t now[sizeof(c->operand.bytes)];

    look_at_operand(c, now);
    if (memcmp(now, c->operand.bytes, c->operand.size) != 0) {
        tell(",changed");
    }
}

static void keep_port(const struct call *c)
{
    uint32_t word[3] = {0};
    uint32_t port;

    look_at_operand(c, word);
    port = c->s->operation == DO_bind_virq ||
                   c->s->operation == DO_bind_interdomain
               ? word[2]
               : word[1];
    /* Outputs are written, inputs stay. */
    tell(" port %u", port);
    slots[c->s->ref[REFS_MAX - 1] % PORT_SLOTS] = port;
}

static void tell_status(const struct call *c)
{
    struct evtchn_status op;
    uint64_t u;

    look_at_operand(c, &op);
    memcpy(&u, &op.u, sizeof(u));
    tell(" status %u vcpu %u u %lx", op.status, op.vcpu, (unsigned long)u);
}

/* Of this vCPU, or of one that is asleep: others come and go. */
static void tell_runstate(const struct call *c)
{
    struct vcpu_runstate_info info;

    look_at_operand(c, &info);
    if (c->s->arg[0] == kit_cpu() || c->s->arg[0] >= VCPUS ||
        (conduct_is_engaged(c->s->arg[0]) &&
         !performers[c->s->arg[0]].spinning)) {
        tell(" state %d", info.state);
    }
}

static void tell_physid(const struct call *c)
{
    uint64_t id;

    look_at_operand(c, &id);
    tell(" %lx", (unsigned long)id);
}

static void tell_features(const struct call *c)
{
    uint32_t word[2];

    look_at_operand(c, word);
    if (c->s->arg[0] == XENVER_get_features) {
        tell(" %x", word[1]);
    }
}

void call_report(struct call *c)
{
    call_tell_result(c->s, c->result);
    if (c->result != 0) {
        switch (c->s->operation) {
        case DO_runstate: /* nothing but output: may be half there */
        case DO_version:
            break;
        default:
            tell_if_changed(c);
            break;
        }
        return;
    }
    switch (c->s->operation) {
    case DO_alloc_unbound:
    case DO_bind_interdomain:
    case DO_bind_virq:
    case DO_bind_ipi:
        keep_port(c);
        break;
    case DO_status:
        tell_status(c);
        break;
    case DO_runstate:
        tell_runstate(c);
        break;
    case DO_version:
        tell_features(c);
        break;
    case DO_physid:
        tell_physid(c);
        break;
    case DO_hvm_param:
        break;
    case DO_time_area:
        if (c->s->arg[0] == kit_cpu() && c->s->array_place <= AT_edge &&
            !area_time_is_sane(kit_cpu())) {
            tell(" insane");
        }
        break;
    default:
        tell_if_changed(c);
        break;
    }
}
