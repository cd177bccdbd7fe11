/* SPDX-License-Identifier: MIT */
/*
 * A machine for unit tests of the core: several pCPUs driven in one thread,
 * virtual time, guest memory with holes. It implements the port interface and
 * checks on every call that the core keeps its side: no lock held where none
 * may be, never one vCPU loaded on two pCPUs, time never going back.
 *
 * A test makes a world, domains in it, lets pCPUs choose (world_settle), and
 * then issues hypercalls for the vCPU that runs on a pCPU. After every step
 * the world checks all invariants of the core.
 */
#ifndef SCHEDOP_TESTS_CORE_FAKE_H
#define SCHEDOP_TESTS_CORE_FAKE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/private.h"
#include "lib/prng.h"

#include <xen/domctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/sysctl.h>

#define FAKE_PCPUS 4
#define FAKE_DOMAINS 8
#define FAKE_VCPUS 32
#define FAKE_PAGES 16
#define FAKE_RECORDS 256
#define FAKE_PAGE 4096u
#define MS 1000000u
#define SEC 1000000000u

/* Guest memory lies here; all else is a hole. */
#define MEM_BASE 0x10000u
#define MEM_END (MEM_BASE + FAKE_PAGES * FAKE_PAGE)
#define HOLE 0x1000u                  /* ordinary address, nothing there */
#define XEN_RANGE 0xffff830000000000u /* of the hypervisor, for PV */

/* What port_page_alloc() has given, and the most it gives. */
extern unsigned fake_pages, fake_pages_max;

struct fake_domain;

struct fake_vcpu {
    struct sop_vcpu *v;
    struct fake_domain *d;
    /* HVM interrupt state. */
    bool irq_on; /* RFLAGS.IF */
    bool apic_off;
    unsigned irr;   /* injected and not taken */
    uint8_t vector; /* of the last injection */
    unsigned injected, nmis, loads;
    bool timer_irq; /* what port_vcpu_timer() answers */
    unsigned timers;
    int load_result;
};

struct fake_domain {
    struct sop_domain *d;
    uint8_t shared[FAKE_PAGE] __attribute__((aligned(4096)));
    uint8_t mem[FAKE_PAGES * FAKE_PAGE] __attribute__((aligned(4096)));
    bool hole[FAKE_PAGES];
    bool read_only[FAKE_PAGES];
    struct fake_vcpu vcpu[SOP_VCPUS_MAX];
    unsigned host_events;
    uint32_t host_port;
    unsigned changed;
    int frames; /* mapped and not unmapped */
};

struct world {
    struct sop_system *sys;
    void *arena;
    size_t size;
    uint64_t now;
    uint64_t tick; /* added at every reading of the clock */
    unsigned nr_pcpus;
    struct sop_pcpu *p[FAKE_PCPUS];
    uint64_t armed[FAKE_PCPUS];
    bool kicked[FAKE_PCPUS];
    struct sop_vcpu *loaded[FAKE_PCPUS];
    unsigned switches;
    unsigned clock_reads;
    struct {
        uint64_t addr, head; /* where, and the first 8 bytes */
    } out[4];                /* of the latest writes to guest memory */
    unsigned outs;
    struct fake_domain *dom[FAKE_DOMAINS];

    /* The latest records of a trace, and how many there were. */
    struct sop_trace_rec trace[FAKE_RECORDS];
    unsigned records;

    char log[2048];
    char console[8192];
    size_t console_len;
    const char *typed;
    int stopped; /* code of port_machine_stop(), -1 */
    struct sop_call last_port_call;
    unsigned port_calls;
    int64_t port_result;

    /* Runs inside the next port_context_switch(), between the two locks. */
    void (*in_switch)(struct world *w, unsigned cpu);

    /* Runs inside the next port_vcpu_load(). */
    void (*in_load)(struct world *w);

    uint64_t seed; /* named in a panic, if not 0 */
    jmp_buf idle;
    bool may_idle;
};

/* The one world of the running test. */
extern struct world *fake_world;

/* What cpupools may have; a test may put one of its own in place of another. */
extern const struct policy_ops *fake_policies[4];

struct world *world_new(unsigned nr_pcpus);

/* The same with only the first `online` pCPUs in use yet. */
struct world *world_new_partly(unsigned nr_pcpus, unsigned online);
void world_free(struct world *w);

/* Makes a domain, unpauses it and settles. */
struct fake_domain *world_domain(struct world *w, uint16_t domid,
                                 enum sop_guest_kind kind, unsigned nr_vcpus,
                                 bool hardware);

/* The same, still paused, from a whole config; NULL fields are filled in. */
struct fake_domain *world_domain_cfg(struct world *w,
                                     struct sop_domain_config *cfg);
void world_domain_destroy(struct world *w, struct fake_domain *d);

/* Lets one pCPU choose; returns what it runs, NULL for idle. */
struct sop_vcpu *world_run(struct world *w, unsigned cpu);

/* Lets every pCPU choose until none is kicked any more. */
void world_settle(struct world *w);

/* Time passes; timers fire in order; the world settles after each. */
void world_advance(struct world *w, uint64_t ns);

/* The pCPU that runs vCPU `n` of `d`; fails the test if none does. */
unsigned cpu_of(struct world *w, struct fake_domain *d, unsigned n);
bool is_running(struct fake_domain *d, unsigned n);

/*
 * A hypercall of vCPU `n` of `d`, which must run somewhere; settles after it.
 * The second form is a 32-bit caller's. Results that end in a sleep are
 * returned at once: ask is_running().
 */
int64_t call(struct world *w, struct fake_domain *d, unsigned n, uint64_t nr,
             uint64_t a0, uint64_t a1, uint64_t a2);
int64_t call32(struct world *w, struct fake_domain *d, unsigned n, uint64_t nr,
               uint64_t a0, uint64_t a1, uint64_t a2);

/* The same without settling and with the raw status. */
enum sop_call_status call_raw(struct world *w, struct fake_domain *d,
                              unsigned n, struct sop_call *c);

/* Places `len` bytes in guest memory and returns their address. */
uint64_t put(struct fake_domain *d, const void *data, size_t len);
void put_at(struct fake_domain *d, uint64_t addr, const void *data, size_t len);
void get_at(struct fake_domain *d, uint64_t addr, void *data, size_t len);

/* Places them so that the last `out` bytes are in a hole. */
uint64_t put_torn(struct fake_domain *d, const void *data, size_t len,
                  size_t out);

/* Bits of shared info, in the layout in force. */
bool pending(struct fake_domain *d, uint32_t port);
void clear_pending(struct fake_domain *d, uint32_t port);
void set_masked(struct fake_domain *d, uint32_t port, bool masked);
bool masked(struct fake_domain *d, uint32_t port);
uint8_t *upcall_pending(struct fake_domain *d, unsigned n);
uint8_t *upcall_mask(struct fake_domain *d, unsigned n);
uint64_t selector(struct fake_domain *d, unsigned n);

/* Consumes upcalls as a guest's handler would. */
void consume(struct fake_domain *d, unsigned n);

/* Short forms of common operations; each fails the test on an error. */
uint32_t bind_ipi(struct world *w, struct fake_domain *d, unsigned n,
                  unsigned target);
uint32_t bind_virq(struct world *w, struct fake_domain *d, unsigned n,
                   uint32_t virq, unsigned target);
int64_t evtchn_op(struct world *w, struct fake_domain *d, unsigned n, int cmd,
                  void *op, size_t size);
int64_t send(struct world *w, struct fake_domain *d, unsigned n, uint32_t port);
int64_t sched(struct world *w, struct fake_domain *d, unsigned n, int cmd,
              const void *op, size_t size);
int64_t vcpu_call(struct world *w, struct fake_domain *d, unsigned n, int cmd,
                  unsigned target, uint64_t operand);
int64_t poll_ports(struct world *w, struct fake_domain *d, unsigned n,
                   const uint32_t *ports, uint32_t nr, uint64_t timeout);

/* HVM: vector by callback type 2, or per vCPU. */
void set_callback(struct world *w, struct fake_domain *d, uint8_t vector);
void bring_up(struct world *w, struct fake_domain *d, unsigned n);
int runstate(struct fake_domain *d, unsigned n);
struct sop_domain_info info_of(struct world *w, struct fake_domain *d);
int code_of(struct fake_domain *d); /* latched, -1 none */

/* True if the log holds `text`; forgets the log. */
bool logged(struct world *w, const char *text);

#define assert_rc(rc, name) assert_int_equal((rc), -XEN_##name)

#endif
