/* SPDX-License-Identifier: MIT */
/*
 * What the three guests share: hypercalls, a console by ring, a few words of
 * assembly. Each guest is one file that asks the hypervisor what its model in
 * the field asks, and calls bad() for an answer the model could not use.
 */
#ifndef SCHEDOP_TESTS_FIELD_H
#define SCHEDOP_TESTS_FIELD_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

#define PAGE __attribute__((aligned(4096)))

extern volatile uint32_t faulted, upcalls;
extern struct shared_info shared_info;
extern const struct hvm_start_info *start_info;

/* The guest's own part. */
void guest(void);
void on_upcall(void);

void say(const char *text);
void say_number(const char *what, uint64_t value);
/* Says so, and makes the verdict a failure. */
void bad(const char *what, uint64_t value);
void expect(bool good, const char *what, uint64_t value);
__attribute__((noreturn)) void end(uint32_t reason);
bool failed(void);

long call(unsigned number, uint64_t a, uint64_t b, uint64_t c);
int map_page(unsigned space, uint64_t idx, const void *page);
uint64_t hvm_param(uint32_t index, long *result);
long set_hvm_param(uint32_t index, uint64_t value);
uint32_t bind_timer(void);
uint64_t now_ns(void);
void set_vector(unsigned vector);
void take_events(void);       /* clears what is pending, as a handler must */
uint64_t rdmsr(uint32_t msr); /* `faulted` tells whether there is one */
void wrmsr(uint32_t msr, uint64_t value);
uint32_t mmio_read(uint32_t address);
void mmio_write(uint32_t address, uint32_t value);

#define POINTER(p) ((uint64_t)(uintptr_t)(p))

#endif
