/* SPDX-License-Identifier: MIT */
/*
 * The interpreter of differential programs: what its files share.
 *
 * conduct.c runs programs statement by statement in lock-step on vCPUs 0 to
 * 2, undo.c cleans up after them; perform.c carries out one statement on the
 * vCPU it is called on; hypercalls are made by calls*.c in memory from memory.c
 * and told by report.c; record.c makes the transcript.
 */
#ifndef SCHEDOP_TESTS_DIFFERENTIAL_GUEST_H
#define SCHEDOP_TESTS_DIFFERENTIAL_GUEST_H

#include <schedop/kit.h>
#include <xen/event_channel.h>

#include "../program.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

/* ---- conduct.c ---- */

/*
 * A tick of logical time: statements in the first 80 ms, times that Xen
 * replaces by 100 ms ahead until 180, what a program sets for "soon" at 220,
 * periodic timers set in the tick before from 250, in this one from 375 on.
 */
#define TICK_NS (500 * MS)
#define SOON_NS (220 * MS)

/* Ports that vCPUs wake each other with are this and the next. */
#define BELL_PORT 200u

/* How a program ended. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_LATE, /* a tick's statements took too long: run it again */
    OUTCOME_STUCK /* a vCPU does not come back: nothing can follow */
};

/* What each vCPU does for itself first (main.c). */
void start_vcpu(void);

void conduct_start(void);
enum outcome conduct(const struct statement *statements, uint32_t count);

/* To be called before a program may close all ports. */
void conduct_lose_bells(void);

/* When TIME_* is, in this tick; `now` for those relative to it. */
uint64_t conduct_time(uint32_t kind);

/* Whether the vCPU is asleep or spinning in a statement. */
bool conduct_is_engaged(unsigned int vcpu);

/* ---- undo.c ---- */

void undo_periodic(void);
void undo_domain(void); /* watchdogs, areas, periodic timers, assists */
void undo_ports(void);

/* ---- perform.c ---- */

/* Per vCPU, for the statement it carries out. */
struct performer {
    bool interrupts;          /* what the program set: sti, cli */
    volatile bool spinning;   /* in `spin` ... */
    volatile bool stop;       /* ... until this */
    volatile bool nmi_unsaid; /* the next is the conductor's */
    uint32_t upcalls;         /* those already told */
};

extern struct performer performers[VCPUS];

/* What programs did that has to be undone after them. */
struct traces {
    bool watchdogs, periodic, assist, may_be_down, nmis;
    bool pins[VCPUS], timers[VCPUS], areas;
    uint32_t ports;          /* how many it tried to bind */
    uint32_t periodic_ticks; /* since one was set, from 1; 0: none is set */
    bool finale;             /* the domain may end */
    bool fifo;               /* it has had FIFO ports */
};

extern struct traces traces;
extern evtchn_port_t slots[PORT_SLOTS];

void perform_start(void);

/* How many statements `s` is: a multicall has its entries behind it. */
uint32_t perform_length(const struct statement *s, uint32_t left);
bool perform_may_sleep(const struct statement *s, uint32_t count);
bool perform_takes_time(const struct statement *s, uint32_t count);

/* Carries out `count` statements, one or a multicall, on this vCPU. */
void perform(const struct statement *s, uint32_t count);

/* Undoes what a program may have left on this vCPU. */
void perform_cleanup(void);

/* ---- calls.c ---- */

#define CALLS_MAX 4u /* entries of a multicall */

/* An operand in guest memory. */
struct operand {
    uint64_t address;
    uint32_t size;
    uint8_t bytes[128]; /* what was put there */
    uint8_t place, region;
};

struct call {
    const struct statement *s;
    uint32_t number;
    uint64_t arg[3];
    uint64_t result;
    struct operand operand;
};

/* Makes the hypercall of a statement, its operands in the memory of entry
 * `index`; or the reason why it is not to be made, as a word. */
const char *call_prepare(struct call *c, const struct statement *s,
                         unsigned int index);
void call_issue(struct call *c);
/* ---- report.c ---- */

/* Tells the result, and keeps ports. */
void call_report(struct call *c);
/* Tells the result of a statement alone, and counts it. */
void call_tell_result(const struct statement *s, uint64_t result);

/* Results of the operation of this name are told wrongly: to see whether
 * anybody notices. NULL: of none. */
void calls_alter(const char *name);

/* Prints "+ OPERATION RESULT COUNT" of all there was. */
void calls_print_coverage(void);

/* The raw hypercall, from 32-bit code if `narrow`. */
uint64_t raw_call(bool narrow, uint32_t number, uint64_t a1, uint64_t a2,
                  uint64_t a3);
uint32_t wide_to_narrow_call(uint32_t number, uint32_t a1, uint32_t a2,
                             uint32_t a3);

evtchn_port_t port_of(uint8_t ref);

/* ---- fifo.c ---- */

bool fifo_is_on(void); /* now */

/* FIFO ports, with control blocks for the vCPUs of the set `vcpus`. */
void fifo_change(uint32_t vcpus);
void fifo_take(uint32_t vcpu);
void fifo_spoil(evtchn_port_t port, uint32_t value);

/* The event word of a port that is looked at; NULL of others. */
volatile uint32_t *fifo_word(evtchn_port_t port);

/* Operands: numbers choose good and bad ones. */
void fifo_control(uint32_t vcpu, uint32_t how, struct evtchn_init_control *op);
uint64_t fifo_array(uint32_t how);

struct fifo_state {
    uint32_t ready[VCPUS], head[VCPUS][16];
    uint32_t word[PORT_LIMIT];
};

void fifo_look(struct fifo_state *s);

/* ---- memory.c ---- */

/* Per vCPU: operand and array of each entry of a multicall, then others. */
#define REGIONS (2 * CALLS_MAX)
enum region { REGION_RUNSTATE = REGIONS, REGION_TIME, REGION_ENTRIES };
#define REGIONS_OTHER 3u

void memory_start(void);

/* The address of `size` bytes at AT_* of a region of vCPU `cpu`. */
uint64_t memory_at(unsigned int cpu, unsigned int region, uint32_t place,
                   uint32_t size);

/* Copies to and from it, past what the mapping allows; bytes that do not
 * exist are not written and read as `otherwise` has them. */
void memory_put(uint64_t address, const void *bytes, uint32_t size);
void memory_get(uint64_t address, void *bytes, const void *otherwise,
                uint32_t size);

/* ---- memory.c as well: runstate and time areas ---- */

/* Where AT_* puts the area of `vcpu`, and what is to be seen of it. */
uint64_t area_address(unsigned int vcpu, uint32_t place, bool time);
void areas_clear(void);
bool area_is_used(unsigned int vcpu);
int area_state(unsigned int vcpu);
bool area_time_is_sane(unsigned int vcpu);

/* ---- record.c ---- */

/* Adds to what is told of the calling vCPU at the next record. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell_of(unsigned int vcpu, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void record_begin(uint32_t id, bool show);
/* One line: what was told, and how the shared state changed. */
void record(uint32_t statement, unsigned int vcpu);
uint64_t record_hash(void);
void record_print(void); /* the lines, if shown */
void record_show(void);  /* from here on */

/* Puts the shared state of events into the one programs begin with. */
void state_reset(void);

volatile struct vcpu_info *info_of(unsigned int vcpu);
int runstate_of(unsigned int vcpu, uint64_t *since);

#endif
