/* SPDX-License-Identifier: MIT */
/*
 * A guest that does everything wrong, and one that must not notice.
 *
 * One image, its role chosen by the command line:
 *
 *   role=sentinel seconds=N   watches its own memory, timers, events, clock
 *   role=calls seed=N count=N bad hypercalls, then random ones
 *   role=sweep seed=N         MSRs, ports, CPUID leaves
 *   role=insns                privileged and odd instructions, odd MMIO
 *   role=vandal seed=N        rubbish in the pages shared with the hypervisor
 *   role=flipper              operands that change while they are read
 *   role=fuzz seed=N count=N  all of it at random on 2 vCPUs (fuzz.c); with
 *                             wild=1 also what ends the domain
 *   role=deed deed=NAME       one thing that should end the domain
 *
 * All but the last end by powering off. A domain that finds itself treated
 * wrongly (a call that should fail works, an instruction that should trap does
 * not) says so and crashes.
 */
#ifndef SCHEDOP_TESTS_HOSTILE_H
#define SCHEDOP_TESTS_HOSTILE_H

#include <schedop/kit.h>

#define MS UINT64_C(1000000)

/* Prints the line and counts a complaint; main() crashes if there is one. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

void sentinel(void);
void bad_calls(void);
void sweep(void);
void odd_instructions(void);
void cpuid_of_users(void);
void spoil_shared_pages(void); /* powers off */
void change_operands(void);
void abuse_apic(void); /* powers off */
void init_self(void);  /* ends by its watchdog */
void deed(const char *name);
void fuzz(void);

/* ---- random numbers: each vCPU has its own from the same seed ---- */

void random_seed(uint64_t seed);
uint64_t random_next(void);
uint32_t random_below(uint32_t limit);
/* Any magnitude: small ones as likely as 64-bit ones, extremes often. */
uint64_t random_odd(void);

/* ---- doing what may trap (try.S) ---- */

#define NO_TRAP (-1)

/* Vector of the exception that `function(argument)` ends in, or NO_TRAP. The
 * registers C wants kept are put back. Not nested; any vCPU. */
int attempt(void (*function)(void *), void *argument);

/* Installs what attempt() needs. */
void attempts_start(void);

/* Error code of the last trap of an attempt on this vCPU. */
uint64_t last_error(void);

/* What to attempt on an MSR or a port, of a struct access. */
struct access {
    uint32_t index;
    uint64_t value; /* read or to be written */
};
void try_rdmsr(void *access);
void try_wrmsr(void *access);

/* ---- memory to aim at ---- */

#define ARENA_SIZE 0x8000u

/* The only memory calls may write to: of vCPU 0, and of the calling one. */
extern uint8_t arena[ARENA_SIZE];
uint8_t *own_arena(void);

/* Maps addresses below; once, PVH. */
void targets_start(void);

/* Before each call: fills the end of the mapped page, so that an operand that
 * lies there is none that we would sleep for ever or end by. */
void targets_refresh(void);

/* Some address: in the arena, at its end before nothing, nowhere, in MMIO,
 * beyond RAM, in the upper half, not canonical. */
uint64_t random_target(void);

/* The first page after a mapped one that is not mapped. */
uint64_t unmapped_page(void);

/* Writing that MSR pulls away what we stand on (sweep.c). */
bool msr_is_ours(uint32_t msr);

/* ---- hypercalls at random (calls.c) ---- */

struct call {
    uint64_t nr, arg[5];
};

/* Fills the arena and makes up a call. */
void random_call(struct call *c);

/*
 * False if it might end or maim this domain by its own right. Operands in the
 * arena are made harmless.
 */
bool is_mild(struct call *c);
void make_call(struct call *c);

/* A multicall of random entries that are mild. */
void random_multicall(void);

/* Stops watchdogs. */
void release_watchdogs(void);

/* A linear address for guest-physical `paddr`, any 40 bits; one at a time. */
void *physical(uint64_t paddr);

#endif
