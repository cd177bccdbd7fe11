/* SPDX-License-Identifier: MIT */
/*
 * A machine in one thread for conformance guests: the core, two pCPUs, domains
 * whose vCPUs are coroutines of this process, and virtual time.
 *
 * A vCPU runs until it makes a hypercall, reads the clock, halts or relaxes;
 * then the core chooses again, pCPU after pCPU, and a little time passes. When
 * nobody can run, time jumps to the next timer. So a run takes no time for its
 * sleeps and is the same each time. Guest addresses are those of the process:
 * the operating system says which of them are good.
 *
 * Each domain has its own copy of the conformance guest's code and data
 * (mk/conform.mk makes them), as domains have.
 */
#ifndef SCHEDOP_TESTS_MACHINE_H
#define SCHEDOP_TESTS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include <schedop/core.h>

#define MACHINE_PCPUS 2u
#define MACHINE_DOMAINS 3u
#define MACHINE_VCPUS 3u
#define MACHINE_PAGE 4096u

struct machine_domain;

struct machine_vcpu {
    struct sop_vcpu *v;
    struct machine_domain *d;
    unsigned id;
    ucontext_t context;
    void *stack;
    unsigned pcpu; /* that runs it now */
    void (*entry)(void *context);
    void *entry_context;
    struct sop_call call; /* the hypercall it is in */
    bool irq_on;          /* HVM: RFLAGS.IF */
    bool apic_on;
    unsigned irr; /* HVM: injected, not taken */
    uint32_t upcalls;
};

struct machine_domain {
    struct sop_domain *d;
    bool pv, hardware;
    uint16_t domid;
    const char *cmdline;
    int (*main)(void);
    uint8_t *shared; /* a page */
    struct machine_vcpu vcpu[MACHINE_VCPUS];
    void *kit; /* what kit.c keeps of it */
};

/* ---- for whoever starts it ---- */

/* Adds a domain; the hardware domain is first and has id 0. */
struct machine_domain *machine_domain(bool pv, int (*main)(void),
                                      const char *cmdline);

/*
 * Runs until the hardware domain ends. Its code; -1 if nobody could run any
 * more and no timer was left.
 */
int machine_run(void);

/* ---- for the vCPU that runs ---- */

struct machine_vcpu *machine_self(void);
uint64_t machine_now(void); /* some time passes */
void machine_relax(void);   /* lets others run */
void machine_halt(void);

/* A hypercall; `wide` as from 64-bit code, `user` from privilege level 3. */
int64_t machine_call(uint64_t number, const uint64_t args[5], bool wide,
                     bool user);

/* The vCPU's main function: called again whenever it is brought up anew. */
void machine_start(struct machine_vcpu *vcpu, void (*entry)(void *context),
                   void *context);

/* kit.c: makes the kit of the domain that runs; first on its vCPU 0. */
void machine_kit_start(void);

/* Called on the vCPU when an event upcall is due and nothing holds it off. */
void machine_upcall(void);

#endif
