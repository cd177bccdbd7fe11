/* SPDX-License-Identifier: MIT */
/* Dice, statements and ports for generate.c. */
#include "maker.h"

#include <string.h>
#include <xen/event_channel.h>
#include <xen/xen.h>

#define LITERAL_REF(n) ((uint8_t)(PORT_SLOTS + (n)))

/* ---- dice ---- */

uint32_t roll(struct maker *m, uint32_t sides)
{
    return (uint32_t)(prng_next(&m->prng) >> 33) % sides;
}

bool chance(struct maker *m, uint32_t per_cent)
{
    return roll(m, 100) < per_cent;
}

uint32_t one_of(struct maker *m, const uint32_t *list, uint32_t count)
{
    return list[roll(m, count)];
}

/* A vCPU to act: one that is probably awake. */
uint8_t actor(struct maker *m)
{
    uint8_t v = (uint8_t)ONE_OF(m, 0, 1, 1, 1, 2, 2, 2);

    return m->may_sleep[v] && !chance(m, 3) ? (uint8_t)((v + 1) % VCPUS) : v;
}

uint8_t worker(struct maker *m)
{
    uint8_t v = (uint8_t)(1 + roll(m, 2));

    return m->may_sleep[v] ? (uint8_t)(3 - v) : v;
}

uint32_t any_vcpu(struct maker *m)
{
    if (chance(m, 4)) {
        return ONE_OF(m, 3, 3, 4, 31, 32, 64, 128, 255, 256, 65536, UINT32_MAX);
    }
    return roll(m, VCPUS);
}

uint8_t bad_place(struct maker *m)
{
    return (uint8_t)ONE_OF(m, AT_tail, AT_gap, AT_hole, AT_mmio, AT_xen,
                           AT_top);
}

static uint8_t any_place(struct maker *m)
{
    if (chance(m, 88)) {
        return AT_ok;
    }
    if (chance(m, 50)) {
        return (uint8_t)ONE_OF(m, AT_odd, AT_cross, AT_edge);
    }
    return chance(m, 70) ? bad_place(m)
                         : (uint8_t)ONE_OF(m, AT_ro, AT_noncanon);
}

/* A port: mostly one that is open. */
uint8_t any_port(struct maker *m)
{
    uint8_t slot = (uint8_t)roll(m, PORT_SLOTS);

    if (chance(m, 4)) {
        return LITERAL_REF(roll(m, LITERAL_COUNT));
    }
    for (unsigned int i = 0; i < PORT_SLOTS; i++) {
        uint8_t s = (uint8_t)((slot + i) % PORT_SLOTS);

        if (m->kind[s] != EVTCHNSTAT_closed) {
            return s;
        }
    }
    return slot;
}

static uint8_t free_slot(struct maker *m)
{
    for (uint8_t s = 0; s < PORT_SLOTS; s++) {
        if (m->kind[s] == EVTCHNSTAT_closed) {
            return s;
        }
    }
    return (uint8_t)roll(m, PORT_SLOTS);
}

/* ---- statements ---- */

/* The next statement, all operands in good places. */
struct statement *emit(struct maker *m, uint8_t vcpu, enum operation operation)
{
    static struct statement nowhere;
    struct statement *s;

    if (m->p->count >= PROGRAM_STATEMENTS_MAX) {
        return &nowhere;
    }
    s = &m->p->statement[m->p->count++];
    memset(s, 0, sizeof(*s));
    s->vcpu = vcpu;
    s->operation = (uint8_t)operation;
    if (strchr(operations[operation].operands, 'Q')) {
        s->place = any_place(m);
    }
    if (strchr(operations[operation].operands, 'A')) {
        s->array_place = any_place(m);
    }
    if (!(operations[operation].flags & (OP_GUEST | OP_CONDUCTOR))) {
        s->narrow = chance(m, 6);
    }
    m->in_tick++;
    return s;
}

void advance(struct maker *m)
{
    emit(m, 0, DO_advance);
    m->in_tick = 0;
}

struct statement *on_port(struct maker *m, enum operation operation)
{
    struct statement *s = emit(m, actor(m), operation);

    s->ref[0] = any_port(m);
    return s;
}

struct statement *on_vcpu(struct maker *m, uint8_t who,
                          enum operation operation, uint32_t vcpu)
{
    struct statement *s = emit(m, who, operation);

    s->arg[0] = vcpu;
    return s;
}

/* ---- ports ---- */

uint32_t any_domain(struct maker *m)
{
    if (chance(m, 90)) {
        return ONE_OF(m, DOMID_SELF, DOMID_SELF, DOMID_SELF, 0);
    }
    return ONE_OF(m, 1, 7, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fff, 0x8000, 0xffff);
}

static void open_pair(struct maker *m)
{
    uint8_t a = free_slot(m), b;
    struct statement *s = emit(m, actor(m), DO_alloc_unbound);

    s->ref[REFS_MAX - 1] = a;
    s->arg[0] = any_domain(m);
    s->arg[1] = any_domain(m);
    m->kind[a] = EVTCHNSTAT_unbound;
    m->vcpu_of[a] = 0;
    if (chance(m, 20)) {
        return;
    }
    b = free_slot(m);
    s = emit(m, actor(m), DO_bind_interdomain);
    s->ref[REFS_MAX - 1] = b;
    s->ref[0] = chance(m, 95) ? a : any_port(m);
    s->arg[0] = any_domain(m);
    m->kind[a] = EVTCHNSTAT_interdomain;
    m->kind[b] = EVTCHNSTAT_interdomain;
    m->vcpu_of[b] = 0;
}

static void open_virq(struct maker *m)
{
    uint8_t slot = free_slot(m);
    struct statement *s = emit(m, actor(m), DO_bind_virq);

    s->ref[REFS_MAX - 1] = slot;
    s->arg[0] = chance(m, 75) ? VIRQ_TIMER
                              : ONE_OF(m, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                       13, 14, 15, 16, 23, 24, UINT32_MAX);
    s->arg[1] = chance(m, 85) || s->arg[0] == 0 ? any_vcpu(m) : 0;
    m->kind[slot] = EVTCHNSTAT_virq;
    m->vcpu_of[slot] = s->arg[1] < VCPUS ? (uint8_t)s->arg[1] : 0;
}

static void open_ipi(struct maker *m)
{
    uint8_t slot = free_slot(m);
    struct statement *s = emit(m, actor(m), DO_bind_ipi);

    s->ref[REFS_MAX - 1] = slot;
    s->arg[0] = any_vcpu(m);
    m->kind[slot] = EVTCHNSTAT_ipi;
    m->vcpu_of[slot] = s->arg[0] < VCPUS ? (uint8_t)s->arg[0] : 0;
}

void open_port(struct maker *m)
{
    uint32_t r = roll(m, 100);

    if (r < 45) {
        open_ipi(m);
    } else if (r < 75) {
        open_virq(m);
    } else {
        open_pair(m);
    }
}

void interrupts(struct maker *m, uint8_t v, bool on)
{
    if (m->interrupts[v] != on) {
        emit(m, v, on ? DO_sti : DO_cli);
        m->interrupts[v] = on;
    }
}

void set_up(struct maker *m)
{
    uint32_t ports = 2 + roll(m, 6);

    if (m->fifo) {
        emit(m, 0, DO_fifo)->arg[0] = chance(m, 80) ? 7 : roll(m, 8);
    }
    for (uint32_t i = 0; i < ports; i++) {
        open_port(m);
    }
    for (uint8_t s = 0; s < PORT_SLOTS; s++) {
        if (m->kind[s] != EVTCHNSTAT_closed && chance(m, 50)) {
            emit(m, actor(m), chance(m, 80) ? DO_unmask : DO_clear_mask)
                ->ref[0] = s;
        }
    }
    for (uint8_t v = 0; v < VCPUS; v++) {
        interrupts(m, v, chance(m, 50));
    }
}
