/* SPDX-License-Identifier: MIT */
/*
 * A small machine under the core for fuzzing: up to four pCPUs in one thread,
 * four places for domains, guest memory with holes. It implements the port
 * interface and checks on every call that the core keeps its side.
 *
 * Other pCPUs may act whenever the core holds no lock: when the fuse has
 * burnt down, a call of an unlocked port function runs one more step of the
 * program, on a pCPU that is not itself inside the core. So the windows
 * between two holds of the lock are open to everything that could happen in
 * them on real hardware, and a failure is repeatable.
 */
#ifndef SCHEDOP_TESTS_FUZZ_CORE_WORLD_H
#define SCHEDOP_TESTS_FUZZ_CORE_WORLD_H

#include "input.h"

#include <setjmp.h>

#include "core/private.h"

#define PCPUS 4u
#define GUESTS 4u
#define GUEST_VCPUS 3u
#define PAGE 4096u
#define PAGES 4u

/* Guest memory lies here; all else is a hole. */
#define MEM_BASE 0x10000u
#define MEM_END (MEM_BASE + PAGES * PAGE)

struct guest;

struct guest_vcpu {
    struct guest *g;
    struct sop_vcpu *v;
    bool irq_on, apic_off, timer_irq;
    bool bad_context; /* what port_vcpu_load() says */
    uint8_t irr;      /* interrupts pending */
};

enum guest_life { GUEST_NONE, GUEST_ALIVE, GUEST_DEAD /* not yet freed */ };

struct guest {
    enum guest_life life;
    struct sop_domain *d;
    struct guest_vcpu vcpu[GUEST_VCPUS];
    uint8_t holes, read_only; /* a bit for each page */
    uint32_t host_port;
    unsigned frames; /* mapped and not unmapped */
    uint8_t shared[PAGE] __attribute__((aligned(4096)));
    uint8_t mem[PAGES * PAGE] __attribute__((aligned(4096)));
};

struct cpu {
    struct sop_pcpu *p;
    uint64_t armed;
    bool kicked;
    bool busy; /* inside the core */
    bool out;  /* must go through sop_exit_to_guest() before its guest acts */
    bool may_idle;
    struct sop_vcpu *loaded;
    jmp_buf idle;
};

struct world {
    struct input in;
    struct sop_system *sys;
    unsigned nr_cpus;
    uint64_t now, tick;
    bool stopped; /* the hardware domain ended */
    unsigned fuse, depth, steps;
    struct cpu cpu[PCPUS];
    struct guest guest[GUESTS];
};

extern struct world world;

/* Runs one step of the program; given by fuzz_core.c. */
void world_step(void);

void world_open(unsigned nr_cpus, uint64_t seed);

/* Ends all domains and looks that nothing of them is left. */
void world_close(void);

/* Creates a domain with number `n` in its empty place. */
void guest_create(unsigned n, struct sop_domain_config *cfg);
bool guest_destroy(struct cpu *c, struct guest *g); /* false: not yet */
void guest_free(struct guest *g);

/* Lets a pCPU choose. Afterwards c->loaded is what it runs, NULL for idle. */
void cpu_run(struct cpu *c);

/* Delivers a kick, if there is one, and lets the pCPU choose. */
void cpu_kicked(struct cpu *c);
void cpu_timer(struct cpu *c);
void world_settle(void);
void world_advance(uint64_t ns);

#endif
