/* SPDX-License-Identifier: MIT */
/* What is told of a hypercall: its result and what it wrote, but for what may
 * differ between two hosts; and how often there was which result. */
#include "guest.h"

#include <xen/version.h>

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
