/* SPDX-License-Identifier: MIT */
/*
 * What generated programs are made of: dice, single statements, ports. What is
 * known of the state only steers the dice.
 */
#ifndef SCHEDOP_TESTS_DIFFERENTIAL_MAKER_H
#define SCHEDOP_TESTS_DIFFERENTIAL_MAKER_H

#include "tool.h"

#include "../../../src/lib/prng.h"

struct maker {
    struct prng prng;
    struct listing *p;
    uint8_t kind[PORT_SLOTS]; /* EVTCHNSTAT_*, as far as known */
    uint8_t vcpu_of[PORT_SLOTS];
    bool may_sleep[VCPUS], interrupts[VCPUS], pinned[VCPUS];
    bool fifo; /* it begins by changing to FIFO ports */
    unsigned int in_tick;
};

/* ---- dice ---- */

#define ONE_OF(m, ...)                                                         \
    one_of(m, (const uint32_t[]){__VA_ARGS__},                                 \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

uint32_t roll(struct maker *m, uint32_t sides);
bool chance(struct maker *m, uint32_t per_cent);
uint32_t one_of(struct maker *m, const uint32_t *list, uint32_t count);
uint8_t actor(struct maker *m);
uint8_t worker(struct maker *m);
uint32_t any_vcpu(struct maker *m);
uint8_t bad_place(struct maker *m);
uint8_t any_port(struct maker *m);

/* ---- statements: the next of the program, its other operands to be set ----
 */

struct statement *emit(struct maker *m, uint8_t vcpu, enum operation operation);
void advance(struct maker *m);
struct statement *on_port(struct maker *m, enum operation operation);
struct statement *on_vcpu(struct maker *m, uint8_t who,
                          enum operation operation, uint32_t vcpu);

/* ---- ports, and how every program begins ---- */

uint32_t any_domain(struct maker *m);
void open_port(struct maker *m);
void interrupts(struct maker *m, uint8_t v, bool on);
void set_up(struct maker *m);

#endif
