/* SPDX-License-Identifier: MIT */
/*
 * What every topic uses: raw calls, event-channel bits, a second vCPU that is
 * put to sleep and watched, memory that is not there.
 *
 * vCPU 0 runs the facts with upcalls held off (PV: mask set; PVH: interrupts
 * off). Whatever may fail to come back is done by the *victim*, vCPU 1, while
 * vCPU 0 watches it; an idle victim polls a port of its own. Sleeps are judged
 * by order and by one-sided limits, so a slow or busy host changes nothing:
 * what should end early has SOON to do it, what should not end is looked at
 * after a WHILE.
 */
#ifndef SCHEDOP_TESTS_LAB_H
#define SCHEDOP_TESTS_LAB_H

#include <schedop/guest.h>
#include <xen/version.h>

#include "check.h"

#define MS UINT64_C(1000000)
#define WHILE (20 * MS)  /* nothing more will happen after that */
#define SOON (2000 * MS) /* what is to happen has happened by then */

#define PORT_LIMIT 128u /* above two wires (pair.h) and a few of a topic */

/* ---- the guest ---- */

/* Prepares everything below. Returns the needs that are met (check.h). */
unsigned int lab_start(void);

unsigned int lab_world(void); /* the same again */
unsigned int lab_domid(void);
bool lab_is_subject(void);      /* another domain experiments with this one */
int lab_version(void);          /* major << 16 | minor */
void lab_note_start(void);      /* early: before anybody changed shared info */
bool lab_ports_were_open(void); /* no port was masked then */
int lab_first_mask(void);       /* and the upcall mask of vCPU 0 */
bool lab_saw_first_tick(void);  /* vCPU 1 ticked though nobody asked */

/* Before and after each fact: closes its ports, forgets its events; releases
 * its watchdogs and pins as well. */
void lab_forget(void);
void lab_reset(void);

void lab_print(const char *text, unsigned int length);

/* ---- calls ---- */

/* sched_op and its neighbours, narrowed to 32 bits as every guest must. */
int sched_op(int command, const void *operand);
int evtchn_op(int command, void *operand);
int vcpu_op(int command, unsigned int vcpu, const void *operand);
int poll(const evtchn_port_t *ports, uint32_t nr_ports, uint64_t deadline);

/* The whole result register. */
uint64_t raw_call(unsigned int number, uint64_t a1, uint64_t a2, uint64_t a3);

/* ---- time ---- */

uint64_t now(void);       /* system time, on any vCPU */
uint64_t in(uint64_t ns); /* that much later */
void rest(uint64_t ns);   /* sleeps at least that long */

/* ---- ports: all closed and forgotten by lab_reset() ---- */

evtchn_port_t open_ipi(unsigned int vcpu);   /* masked */
evtchn_port_t open_timer(unsigned int vcpu); /* VIRQ_TIMER, masked */
evtchn_port_t open_unbound(void);            /* for ourselves, masked */
evtchn_port_t closed_port(void);             /* one that is not open */
void keep_open(evtchn_port_t port);          /* lab_reset() closes it too */
void close_port(evtchn_port_t port);
int send(evtchn_port_t port);
void one_shot(uint64_t when); /* own vCPU; 0 cancels */

bool is_pending(evtchn_port_t port);
bool is_masked(evtchn_port_t port);
void set_pending(evtchn_port_t port); /* by hand, no event */
void clear_pending(evtchn_port_t port);
void set_mask(evtchn_port_t port, bool masked); /* by hand, no event */

/* The domain has FIFO ports now: from here on the above is about their event
 * words, at `words`. lab_reset() brings back the 2-level ones. */
void lab_fifo(volatile uint32_t *words);

volatile struct vcpu_info *info_of(unsigned int vcpu);

/* Forgets the selector and the upcall-pending byte of a vCPU. */
void clear_upcall(unsigned int vcpu);

/* ---- upcalls of the own vCPU ---- */

void upcalls_on(void); /* may run handlers */
void upcalls_off(void);

/* Unmasks `port` and runs `handler` in its upcalls. */
void handle(evtchn_port_t port, void (*handler)(void *, evtchn_port_t));

/* A poll of the past, made while an upcall is due but not yet taken. */
int poll_with_upcall_due(const evtchn_port_t *ports, uint32_t nr_ports);

/* ---- the victim ---- */

/* Starts `job` on vCPU 1, upcalls off; it must not be busy. */
void victim_start(void (*job)(void));
bool victim_is_done(void);

/* Waits until it sleeps in the hypervisor (runstate 2); false: not SOON. */
bool victim_sleeps(void);

/* Waits until the job has returned; false: not within `ns`. */
bool victim_ends(uint64_t ns);

/* For the victim's jobs: what they found. */
struct found {
    volatile int result;
    volatile bool in_time; /* before the deadline it had */
};

extern struct found found;

/* A job: polls `aim`, and reports in `found`. */
struct aim {
    evtchn_port_t ports[2];
    uint32_t nr_ports;
    uint64_t deadline;
};

extern struct aim aim;
void job_poll(void);

/* Runstate of a vCPU, -1 when it cannot be had. */
int runstate_of(unsigned int vcpu);

/* ---- memory that is not there ---- */

/* `size` readable bytes whose next neighbour is not mapped; zeroed. */
void *edge(unsigned int size);

/* The n-th address that no operand may have here; false when n is too big. */
bool bad_address(unsigned int n, uint64_t *address, const char **name);

#endif
