/* SPDX-License-Identifier: MIT */
/*
 * The core: Xen's scheduler interface as a portable library.
 *
 * A port creates one `struct sop_system` in an arena it owns, tells it about
 * its pCPUs, creates domains in it and then runs, on each pCPU, this loop:
 *
 *     for (;;) {
 *         v = sop_exit_to_guest(self);   // waits in port_idle() if it must
 *         run the guest context of v until it exits;
 *         tell the core why: sop_hypercall(), sop_timer_expired(),
 *             sop_kicked(), sop_vcpu_halt(), sop_domain_crash()...
 *     }
 *
 * There is no stack per vCPU: to block is to mark and return, and
 * sop_exit_to_guest() then chooses somebody else. All functions are called
 * with local interrupts off. Unless said otherwise they take the core lock
 * themselves, never block, and may be called on any pCPU; `self` is always
 * the calling pCPU. Errors are Xen's numbers, negated.
 *
 * Clauses such as "spec 3.4" refer to the behavioural specification of the
 * scheduler hypercall.
 */
#ifndef SCHEDOP_CORE_H
#define SCHEDOP_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/knobs.h>
#include <schedop/limits.h>
#include <schedop/port.h>

struct policy_ops;
struct sop_system;

typedef uint64_t sop_cpumask_t; /* bit n is pCPU n */

#define SOP_CPUMASK_ALL UINT64_MAX

/* ------------------------------------------------------------ the system */

/*
 * How guests convert the counter they can read (TSC) to system time; the
 * same for all vCPUs and for ever (spec 1.5, vcpu_time_info):
 * ns = ns_base + (((tsc - tsc_base) << shift) * mul >> 32).
 * The port's port_now() must compute exactly this.
 */
struct sop_time_scale {
    uint64_t tsc_base;
    uint64_t ns_base;
    uint32_t mul;
    int8_t shift; /* negative means right */
};

/* Which pCPUs share a run queue under credit2, as Xen's credit2_runqueue=. */
enum sop_runqueue {
    SOP_RUNQUEUE_SOCKET, /* Xen's default, and ours */
    SOP_RUNQUEUE_CORE,
    SOP_RUNQUEUE_CPU,
    SOP_RUNQUEUE_ALL, /* or "node": there is one */
};

/* By Xen's name for it; -1 if there is none. */
int sop_runqueue_by_name(const char *name);

struct sop_config {
    unsigned nr_pcpus;   /* possible pCPUs, 1..SOP_PCPUS_MAX */
    unsigned nr_domains; /* alive at one time, 1..SOP_DOMAINS_MAX */
    unsigned nr_vcpus;   /* over all domains */
    uint64_t seed;       /* decides among equals; same seed, same run */
    uint64_t wall_ns;    /* wall clock, ns since 1970, at system time 0 */
    struct sop_time_scale time;
    const struct policy_ops *policy;          /* of cpupool 0 */
    const struct policy_ops *const *policies; /* for other cpupools, beside
                                                 that one */
    unsigned nr_policies;
    unsigned nr_pools; /* at most, 0: SOP_POOLS_MAX */
    enum sop_runqueue runqueue;
    bool noreboot;  /* Xen's boot option: a crash of the hardware domain, or a
                       reason of no meaning, halts the machine (spec 7.5) */
    bool own_ports; /* no tables of ports in the arena: each domain brings
                       its own, struct sop_domain_config, and may then have
                       more, in pages of port_page_alloc() */
};

/* The policies there are: for sop_config.policy. */
extern const struct policy_ops policy_credit2;  /* fair share by weight */
extern const struct policy_ops policy_rtds;     /* budgets and deadlines */
extern const struct policy_ops policy_null;     /* a pCPU for each vCPU */
extern const struct policy_ops policy_arinc653; /* a frame of windows */

/* Bytes of arena that sop_system_init() needs; 0 if `cfg` is out of range. */
size_t sop_system_size(const struct sop_config *cfg);

/*
 * Bytes that a domain brings for its ports, for sop_config.own_ports: one with
 * that nr_ports and nr_vcpus in its struct sop_domain_config. For ports beyond
 * the first few hundred the core calls port_page_alloc().
 */
size_t sop_ports_size(uint32_t nr_ports, unsigned nr_vcpus);

/*
 * Carves all tables out of `arena` (64-byte aligned), after which nothing is
 * ever allocated. Returns NULL if `size` is too small or `cfg` out of range.
 */
struct sop_system *sop_system_init(void *arena, size_t size,
                                   const struct sop_config *cfg);

/* pCPU `index`, NULL beyond nr_pcpus. */
struct sop_pcpu *sop_pcpu(struct sop_system *sys, unsigned index);
unsigned sop_pcpu_index(const struct sop_pcpu *p);
struct sop_system *sop_pcpu_system(const struct sop_pcpu *p);

/* The port's own record of a pCPU, domain or vCPU; the core never looks. */
void sop_pcpu_set_port(struct sop_pcpu *p, void *port);

/*
 * Where pCPU `p` is: those with the same socket share that, and of these those
 * with the same core its threads. Before it comes online; if not said each is
 * a core of its own in one socket.
 */
void sop_pcpu_set_topology(struct sop_pcpu *p, uint16_t core, uint16_t socket);
static inline void *sop_pcpu_port(const struct sop_pcpu *p)
{
    return *(void *const *)(const void *)p; /* its first word */
}
void *sop_domain_port(const struct sop_domain *d);
static inline void *sop_vcpu_port(const struct sop_vcpu *v)
{
    return *(void *const *)(const void *)v; /* its first word */
}

/*
 * Adds the calling pCPU to cpupool 0 and to scheduling. Called once on each
 * pCPU before its first sop_exit_to_guest(), on pCPU 0 first.
 */
void sop_pcpu_online(struct sop_pcpu *self);

/* ------------------------------------------------------------------- cpupools
 */

/*
 * Cpupools (spec 6.3): each has pCPUs and a policy of its own for the domains
 * in it. Pool 0 is there from the start and for ever, and pCPU 0 stays in it.
 * A pCPU in no pool is free, and idles. Unless said otherwise -ENOENT means
 * that there is no pool with that id. Error numbers are those of Xen's
 * XEN_SYSCTL_cpupool_op.
 */
#define SOP_POOL_ANY                                                           \
    UINT32_MAX /* any id that is free, any pCPU that will do                   \
                */

/*
 * Makes a pool without pCPUs whose policy has that XEN_SCHEDULER_* id. `*id`
 * is the wanted pool id; SOP_POOL_ANY is replaced by one that was free.
 * -EEXIST that id is taken; -ENOENT no such policy; -ENOMEM too many pools.
 */
int sop_pool_create(struct sop_pcpu *self, uint32_t sched_id, uint32_t *id);

/* -EBUSY pool 0, or one that has pCPUs or domains. */
int sop_pool_destroy(struct sop_pcpu *self, uint32_t id);

/*
 * Puts a free pCPU into the pool; SOP_POOL_ANY: the lowest. -EINVAL no such
 * pCPU; -ENODEV it is not free, or none is; -EADDRNOTAVAIL it is still leaving
 * another pool. To add a pCPU to the pool it is leaving takes that back;
 * -EAGAIN as for sop_pool_remove().
 */
int sop_pool_add(struct sop_pcpu *self, uint32_t id, uint32_t pcpu);

/*
 * Takes a pCPU out of the pool; SOP_POOL_ANY: the highest. Hard masks that
 * name no other pCPU of the pool become all. Returns 0 when it is free.
 * -EAGAIN: what it ran has not left yet, it was kicked; call again.
 * -EADDRINUSE: some vCPU is pinned to it; it leaves no further until the pin is
 * undone and this is called again. Meanwhile no other pCPU can be removed
 * anywhere: -EADDRNOTAVAIL, as for a pCPU that is in another pool or in none.
 * -EINVAL no such pCPU online, or pCPU 0; -EBUSY the last one, and domains live
 * there.
 */
int sop_pool_remove(struct sop_pcpu *self, uint32_t id, uint32_t pcpu);

/*
 * Moves `d` into the pool: knobs as new domains have them, all masks all.
 * -EAGAIN: one of its vCPUs is still on a pCPU, which was kicked; call again,
 * for until then none of them runs. -ENOENT also when the pool has no pCPU;
 * -EBUSY a vCPU is pinned; -ENOSPC the policy there (rtds) cannot guarantee
 * what its vCPUs need, and it goes on where it was.
 */
int sop_pool_move(struct sop_pcpu *self, uint32_t id, struct sop_domain *d);

struct sop_pool_info {
    uint32_t id;
    uint32_t sched_id;      /* XEN_SCHEDULER_* */
    const char *sched_name; /* as Xen names it */
    unsigned nr_domains;
    sop_cpumask_t pcpus;
};

/* The pool with that id or else the one with the next higher id. */
int sop_pool_info(struct sop_pcpu *self, uint32_t id,
                  struct sop_pool_info *info);
sop_cpumask_t sop_pool_free_pcpus(struct sop_pcpu *self);

/*
 * Read, or with `set` change, the knobs of a domain, a vCPU, a pool. Their
 * sched_id says whose knobs they are. 0, or an error with nothing changed:
 * -EINVAL the pool has another policy, or a value is out of range; -ENOSPC as
 * above; -ESRCH the domain is dead. A policy without knobs of that kind does
 * nothing and returns 0.
 */
int sop_domain_knobs(struct sop_pcpu *self, struct sop_domain *d,
                     struct policy_domain_knobs *knobs, bool set);

/* The policy of `d`'s pool, as Xen names it. */
const char *sop_domain_policy(struct sop_pcpu *self,
                              const struct sop_domain *d);
int sop_vcpu_knobs(struct sop_pcpu *self, struct sop_vcpu *v,
                   struct policy_vcpu_knobs *knobs, bool set);
int sop_pool_knobs(struct sop_pcpu *self, uint32_t id,
                   struct policy_pool_knobs *knobs, bool set);

/*
 * Takes a pCPU out of scheduling, and back into pool 0. One that is offline
 * still waits in port_idle(), and its timers are served by another. Online:
 * -EEXIST it is, -EINVAL no such pCPU. Offline: -EEXIST it is, -EINVAL no such
 * pCPU or pCPU 0, -ENODEV it is in another pool than 0, -EADDRINUSE a vCPU of
 * pool 0 is pinned, anywhere, -EADDRNOTAVAIL another is leaving its pool,
 * -EAGAIN as for sop_pool_remove().
 */
int sop_hotplug_online(struct sop_pcpu *self, uint32_t pcpu);
int sop_hotplug_offline(struct sop_pcpu *self, uint32_t pcpu);

/* -------------------------------------------------------- entries from guests
 */

/* A hypercall as the port decoded it from registers (spec 1.2). */
struct sop_call {
    uint64_t nr;     /* hypercall number */
    uint64_t arg[6]; /* zero-extended for a 32-bit caller */
    int64_t result;  /* for the result register, sign-extended */
    bool wide;       /* 64-bit caller: selects the operand layouts */
    bool user;       /* privilege level above 0: always -EPERM (1.2) */
};

enum sop_call_status {
    SOP_CALL_DONE,  /* store result, step over the instruction */
    SOP_CALL_AGAIN, /* store call->nr and call->arg back into the registers
                       and do not step over the instruction: the call goes on
                       when the vCPU next runs (multicall, spec 1.8) */
};

/*
 * Carries out a hypercall of `v`, which is current on `self`. The result of
 * a call that puts the vCPU to sleep or stops its domain is already final:
 * the port stores it before sop_exit_to_guest() (spec 7.4).
 */
enum sop_call_status sop_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                                   struct sop_call *call);

/*
 * The guest executed HLT. With interrupts on it waits as block does; with
 * interrupts off the vCPU goes down, and if it was the last one up its domain
 * powers off (spec 3.2). The port has already stepped over the instruction.
 */
void sop_vcpu_halt(struct sop_pcpu *self, struct sop_vcpu *v,
                   bool interrupts_on);

/* The timer armed by port_timer_arm() fired (or may have). */
void sop_timer_expired(struct sop_pcpu *self);

/* An interrupt sent by port_kick() arrived. */
void sop_kicked(struct sop_pcpu *self);

/*
 * Chooses what runs next and returns it, with every state change of the
 * switch carried out; the caller enters that vCPU. While nothing may run here
 * it waits in port_idle(). Never NULL. Takes and drops the core lock.
 */
struct sop_vcpu *sop_exit_to_guest(struct sop_pcpu *self);

/*
 * The same, but NULL where sop_exit_to_guest() would wait. For ports that
 * have other things to do meanwhile.
 */
struct sop_vcpu *sop_pcpu_choose(struct sop_pcpu *self);

/*
 * A word that is not 0 when sop_exit_to_guest() would choose; while it is 0
 * and a vCPU is current that vCPU may be entered without asking. For ports
 * that count instructions.
 */
const uint32_t *sop_pcpu_work(const struct sop_pcpu *p);

/* What runs on `self` now, NULL for idle. */
struct sop_vcpu *sop_pcpu_current(const struct sop_pcpu *self);

/* ------------------------------------------------------------------- domains
 */

enum sop_guest_kind {
    SOP_GUEST_HVM, /* PVH or HVM: interrupts decide what is deliverable */
    SOP_GUEST_PV,  /* the upcall mask does (spec 3.2, 4.4) */
};

struct sop_domain_config {
    uint16_t domid; /* 0..0x7fef, not in use */
    bool hardware;  /* hardware and control domain: privileged */
    enum sop_guest_kind kind;
    unsigned nr_vcpus; /* 1..SOP_VCPUS_MAX; vCPU 0 starts initialised, up */
    unsigned weight;   /* 1..65535; of credit2, like the cap */
    unsigned cap;      /* per cent of a pCPU, 0 none */
    const struct policy_domain_knobs *knobs; /* instead of those two: of the
                                                policy of its pool; or NULL */
    uint32_t pool;                           /* cpupool id */
    uint8_t handle[16]; /* its UUID: what arinc653 schedules go by */
    sop_cpumask_t hard; /* affinity of every vCPU; see sop_vcpu_set_affinity */
    sop_cpumask_t soft;
    void *shared_info; /* a zeroed page of 4096 bytes, the port's, that
                          stays until sop_domain_free() */
    uint32_t nr_ports; /* it may ever have, port 0 counts (xl's
                          max_event_channels and one): up to SOP_PORTS_MAX; 0:
                          SOP_PORTS_2L. Without own_ports no more than that */
    void *ports;       /* sop_ports_size() bytes, 8-byte aligned, the port's,
                          that stay as long; only with sop_config.own_ports */
    void *port;        /* sop_domain_port() */
};

/*
 * Creates a domain with its controller pause count at 1 (spec 2.2), and its
 * vCPUs, of which number n has port record vcpu_port[n].
 * -EINVAL bad config, or knobs of another policy or out of range; -ESRCH no
 * such cpupool, -ENODEV one other than 0 and without pCPUs; -EEXIST domid in
 * use; -ENOMEM no free slot; -ENOSPC the policy (rtds) cannot guarantee what
 * the vCPUs need.
 */
int sop_domain_create(struct sop_system *sys, uint64_t now,
                      const struct sop_domain_config *cfg,
                      void *const *vcpu_port, struct sop_domain **out);

struct sop_domain *sop_domain_by_id(struct sop_system *sys, uint16_t domid);
uint16_t sop_domain_id(const struct sop_domain *d);
bool sop_domain_is_hardware(const struct sop_domain *d);
unsigned sop_domain_nr_vcpus(const struct sop_domain *d);
struct sop_vcpu *sop_domain_vcpu(struct sop_domain *d, unsigned n);
struct sop_domain *sop_vcpu_domain(const struct sop_vcpu *v);
unsigned sop_vcpu_id(const struct sop_vcpu *v);

/* Controller operations, spec 7.3. */
int sop_domain_pause(struct sop_pcpu *self, struct sop_domain *d);
int sop_domain_unpause(struct sop_pcpu *self, struct sop_domain *d);
int sop_domain_resume(struct sop_pcpu *self, struct sop_domain *d);
int sop_domain_set_suspend_port(struct sop_domain *d, uint32_t port);

/* Section 7.1 on `d` with the low 8 bits of `reason`; any source. */
void sop_domain_shutdown(struct sop_pcpu *self, struct sop_domain *d,
                         uint32_t reason);

/*
 * Reason crash, from the hypervisor. `why` (one line) is logged as
 * "domain N crashed: why" unless the domain is already shutting down.
 */
void sop_domain_crash(struct sop_pcpu *self, struct sop_domain *d,
                      const char *why);

/*
 * Stops `d` for good and releases its timers, event channels (peers become
 * unbound) and pins. Returns 0 when no pCPU runs or holds any of its vCPUs
 * any more; -EAGAIN when one still does, it was kicked, call again.
 */
int sop_domain_destroy(struct sop_pcpu *self, struct sop_domain *d);

/* Gives the slot back after sop_domain_destroy() returned 0. */
void sop_domain_free(struct sop_domain *d);

struct sop_domain_info {
    uint16_t domid;
    uint32_t pool;  /* the id of its cpupool */
    uint32_t flags; /* XEN_DOMINF_*, code in bits 23:16 (spec 7.2) */
    uint32_t nr_vcpus;
    uint32_t nr_online;
    uint64_t created_ns;
    uint64_t ended_ns; /* first completed shutdown; 0 while none */
    uint64_t cpu_ns;   /* time running, over all vCPUs */
    uint64_t commands[SOP_COMMANDS]; /* sched_op issued, by command */
};

void sop_domain_info(struct sop_domain *d, uint64_t now,
                     struct sop_domain_info *info);

/*
 * A domain that became shut down, dying or dead since it was last returned
 * here, NULL when there is none. The controller calls it until NULL after
 * port_domain_changed().
 */
struct sop_domain *sop_controller_next(struct sop_system *sys);

/* --------------------------------------------------------------------- vCPUs
 */

/* vcpu_op up without a context check of the caller; -EINVAL uninitialised. */
int sop_vcpu_up(struct sop_pcpu *self, struct sop_vcpu *v);

/* vcpu_op down: of the last vCPU that is up it powers the domain off. */
void sop_vcpu_down(struct sop_pcpu *self, struct sop_vcpu *v);

/*
 * Marks `v` initialised: the port has loaded a context by other means than
 * vcpu_op (INIT/SIPI). -EEXIST if it already was.
 */
int sop_vcpu_set_initialised(struct sop_vcpu *v);
bool sop_vcpu_is_up(const struct sop_vcpu *v);

/*
 * For a debugger: a pause of this vCPU alone, on top of all others, and its
 * end. Does not wait for one that runs elsewhere: that pCPU is kicked.
 */
void sop_vcpu_pause(struct sop_pcpu *self, struct sop_vcpu *v);
void sop_vcpu_unpause(struct sop_pcpu *self, struct sop_vcpu *v);

#define SOP_AFFINITY_HARD 1u
#define SOP_AFFINITY_SOFT 2u
#define SOP_AFFINITY_FORCE 4u

/* Spec 6.1; NULL leaves a mask alone, else it is replaced by what is in
   effect. -EINVAL, -EBUSY as there. */
int sop_vcpu_set_affinity(struct sop_pcpu *self, struct sop_vcpu *v,
                          unsigned flags, sop_cpumask_t *hard,
                          sop_cpumask_t *soft);

struct sop_vcpu_info {
    bool online;  /* up */
    bool blocked; /* waits for an event */
    bool running;
    bool pinned; /* by pin_override; `hard` is then the pin */
    unsigned pcpu;
    uint64_t cpu_ns; /* time running */
    sop_cpumask_t hard, soft;
};

/* What the controller may know of `v`, at one moment; `now` as port_now(). */
void sop_vcpu_info(struct sop_pcpu *self, const struct sop_vcpu *v,
                   uint64_t now, struct sop_vcpu_info *info);

/*
 * The runstate of `v` and the ns it has spent in each until now (spec 2.3).
 * `now` is a time port_now() has returned; one that is past counts as the
 * time of the latest entry.
 */
struct vcpu_runstate_info; /* <xen/vcpu.h> */
void sop_vcpu_runstate(const struct sop_vcpu *v, uint64_t now,
                       struct vcpu_runstate_info *info);

/*
 * The record behind it, as of its last change and without the core lock: only
 * where nothing else can be in the core, or in port_context_switch() of its
 * own.
 */
const struct vcpu_runstate_info *
sop_vcpu_runstate_peek(const struct sop_vcpu *v);

/*
 * Calls `act` for vCPU `n` of domain `domid` with the core lock held, so that
 * neither can go away; it must be short and call nothing of the core. Returns
 * what it returns, -ESRCH when there is no such vCPU, -EBUSY when it may run.
 */
int sop_vcpu_inspect(struct sop_pcpu *self, uint16_t domid, unsigned n,
                     int (*act)(struct sop_vcpu *v, void *context),
                     void *context);

/*
 * An interrupt became pending for `v` by the port's own doing (its local APIC
 * timer, an IPI between vCPUs): wakes it or kicks the pCPU it runs on, as an
 * event upcall would (spec 4.5).
 */
void sop_vcpu_kick(struct sop_pcpu *self, struct sop_vcpu *v);

/*
 * One timer per vCPU for the port's own use (the emulated local APIC timer):
 * at `deadline_ns` the core calls port_vcpu_timer(). SOP_TIME_NEVER cancels.
 */
void sop_vcpu_timer_set(struct sop_pcpu *self, struct sop_vcpu *v,
                        uint64_t deadline_ns);

/* ------------------------------------------------------------ event channels
 */

/*
 * The vector of an upcall that is due on `v` by callback type 2: its
 * evtchn_upcall_pending byte is 1 and a callback vector is set. -1 if none.
 * Lock-free; for each guest entry.
 */
int sop_vcpu_upcall_vector(const struct sop_vcpu *v);

/*
 * The same for the vector that HVMOP_set_evtchn_upcall_vector gave this vCPU.
 * It was raised once when the byte became 1 (port_inject()); a port that
 * resets what keeps it has to raise it again. Lock-free.
 */
int sop_vcpu_own_vector(const struct sop_vcpu *v);

/*
 * Where the address of the byte is kept that is not 0 while an upcall may be
 * due: as long as it is 0 there is no need to ask for the vector.
 */
const uint8_t *const *sop_vcpu_upcall_byte(const struct sop_vcpu *v);

/*
 * Allocates in `d` a port whose other end is the host side (a console or
 * xenstore back end). The guest sees an interdomain channel to domain 0.
 * Signals from the guest arrive at port_host_event(). Returns the port or a
 * negative error.
 */
int sop_evtchn_host_port(struct sop_domain *d);

/* Signals such a port to the guest. */
void sop_evtchn_host_notify(struct sop_pcpu *self, struct sop_domain *d,
                            uint32_t port);

/*
 * Makes an interdomain channel between `a` and `b` as if each had bound its
 * end and asked to be told itself: port[0] is that of `a`, port[1] that of
 * `b`, neither pending. For who builds domains that are to find their
 * channels. -ENOSPC.
 */
int sop_evtchn_connect(struct sop_vcpu *a, struct sop_vcpu *b,
                       uint32_t port[2]);

/* Raises a global VIRQ (VIRQ_CONSOLE...) in the hardware domain, if bound. */
void sop_virq_global(struct sop_pcpu *self, struct sop_system *sys,
                     uint32_t virq);

/*
 * The shared-info layout latch (spec 8.5): the guest wrote the hypercall page
 * MSR in 64-bit mode (`wide`) or another. Setting HVM_PARAM_CALLBACK_IRQ by
 * hypercall latches inside the core.
 */
void sop_domain_latch_width(struct sop_domain *d, bool wide);

/*
 * HVM parameters (spec 8.6) as the port presets them before the domain runs;
 * guests read and set them by hvm_op. `index` beyond HVM_NR_PARAMS: -EINVAL.
 */
int sop_domain_set_param(struct sop_domain *d, uint32_t index, uint64_t value);
int sop_domain_get_param(const struct sop_domain *d, uint32_t index,
                         uint64_t *value);

/* -------------------------------------------------------------------- traces
 */

/*
 * From now on gives port_trace() the records of `classes`, a set of
 * SOP_TRACE_SCHED and its kind (<schedop/trace.h>); 0 ends it. First come a
 * begin record and what exists: pools, pCPUs, domains and the runstates of
 * their vCPUs. Only the owner of the machine may turn it on: no hypercall
 * does. While off, which is how a system starts, a record costs the test of
 * one word.
 */
void sop_trace_set(struct sop_pcpu *self, uint32_t classes);
uint32_t sop_trace_get(const struct sop_system *sys);

/* ----------------------------------------------------------------- debugging
 */

/*
 * Checks every invariant of the core (times sum to time, run queue and holds
 * agree, timer heaps ordered, no runnable vCPU waits beside an idle pCPU it
 * may use) and panics naming the broken one. For tests and debug keys.
 */
void sop_check(struct sop_system *sys, uint64_t now);

#endif
