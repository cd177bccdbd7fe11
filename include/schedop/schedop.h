/* SPDX-License-Identifier: MIT */
/*
 * schedop guest library: the eight commands of HYPERVISOR_sched_op, typed.
 *
 * Freestanding: no libc, no heap, no start-up code, C11 or C++. The only state
 * is one table of two function pointers, the transport, which says how a
 * hypercall is made; choose one before the first command. Everything else is a
 * pure function of its arguments.
 *
 * Conventions of every function below, unless it says otherwise:
 *  - Context: guest kernel mode, any vCPU, interrupts in any state, no locks
 *    taken, so callable from handlers. "Blocks" means the vCPU may be
 *    descheduled inside the call.
 *  - Result: 0 or positive is success, negative is minus a XEN_E* number of
 *    <xen/errno.h>; schedop_error_name() and schedop_error_text() explain it.
 *    Registers are narrowed to a signed 32-bit integer first, which hides a
 *    quirk of Xen (a full watchdog table reads as +4294967268 on 64 bits).
 *  - Time is system time in nanoseconds since the hypervisor booted, the same
 *    for all domains; deadlines are absolute.
 *  - "Any" under errors: every command may also return -XEN_ENOSYS when there
 *    is no hypervisor or no transport, and -XEN_EPERM from user mode.
 *
 * "Spec" refers to the behavioural specification of the scheduler hypercall.
 *
 * The other halves: <schedop/guest.h> has event channels, waiting, vCPUs and
 * HVM set-up; <schedop/kit.h> boots a guest that is one main.c.
 */
#ifndef SCHEDOP_SCHEDOP_H
#define SCHEDOP_SCHEDOP_H

#if !defined(__XEN_INTERFACE_VERSION__) && !defined(__XEN_TOOLS__)
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/sched.h>
#include <xen/errno.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- transport: how a hypercall leaves the guest (spec 1.2) ---- */

/*
 * Transports are written and called through these macros, because the cheapest
 * order of parameters differs: it is the one in which the C ABI puts most of
 * them where the hypercall wants them. A function made with the first two has
 * the parameters a1 … a5 and number, and returns the raw result register; it
 * must act as a compiler barrier. Absent arguments may be anything.
 */
#if defined(__i386__)
#define SCHEDOP_HYPERCALL3(name)                                               \
    intptr_t __attribute__((regparm(3)))                                       \
    name(uintptr_t number, uintptr_t a3, uintptr_t a2, uintptr_t a1)
#define SCHEDOP_HYPERCALL5(name)                                               \
    intptr_t __attribute__((regparm(3)))                                       \
    name(uintptr_t number, uintptr_t a3, uintptr_t a2, uintptr_t a1,           \
         uintptr_t a4, uintptr_t a5)
#define SCHEDOP_CALL3(function, number, a1, a2, a3) function(number, a3, a2, a1)
#define SCHEDOP_CALL5(function, number, a1, a2, a3, a4, a5)                    \
    function(number, a3, a2, a1, a4, a5)
#else
#define SCHEDOP_HYPERCALL3(name)                                               \
    intptr_t name(uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t number)
#define SCHEDOP_HYPERCALL5(name)                                               \
    intptr_t name(uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4,      \
                  uintptr_t a5, uintptr_t number)
#define SCHEDOP_CALL3(function, number, a1, a2, a3) function(a1, a2, a3, number)
#define SCHEDOP_CALL5(function, number, a1, a2, a3, a4, a5)                    \
    function(a1, a2, a3, a4, a5, number)
#endif

/* A transport is one file that defines one of these. */
struct schedop_transport {
    const char *name;
    SCHEDOP_HYPERCALL3((*hypercall3));
    SCHEDOP_HYPERCALL5((*hypercall5));
};

/* Answers -XEN_ENOSYS to everything; in force until another is chosen. */
extern const struct schedop_transport schedop_transport_none;
/* Calls into a hypercall page: PV (32-byte slots named by an ELF note) and
 * PVH/HVM (filled through the MSR). See schedop_hypercall_page_at(). */
extern const struct schedop_transport schedop_transport_page;
/* PVH/HVM without a page: the instruction of Intel's and of AMD's vendors. */
extern const struct schedop_transport schedop_transport_vmcall;
extern const struct schedop_transport schedop_transport_vmmcall;
/* Calls a C function in the same address space, for tests and simulators. */
extern const struct schedop_transport schedop_transport_inprocess;

/*
 * Makes `transport` the one every function of this library uses. Copies it.
 * Once, before other vCPUs start: it is not atomic.
 */
void schedop_transport_use(const struct schedop_transport *transport);

/* Name of the transport in use; never NULL. */
const char *schedop_transport_name(void);

/*
 * Picks vmcall or vmmcall from the vendor that CPUID reports: vmmcall for AMD
 * and Hygon, vmcall for all others. PVH/HVM kernels only; does not select it.
 */
const struct schedop_transport *schedop_transport_detect(void);

/*
 * Tells schedop_transport_page where the page is: its address as mapped for
 * execution in this guest. Before the first hypercall through it.
 */
void schedop_hypercall_page_at(const void *page);

/*
 * The function schedop_transport_inprocess calls: `args` are the five
 * arguments (those of a shorter call end in zeros), and the result is what the
 * guest would find in its register. NULL answers -XEN_ENOSYS.
 */
void schedop_inprocess_at(intptr_t (*function)(void *context,
                                               unsigned int number,
                                               const uintptr_t args[5]),
                          void *context);

/*
 * Any hypercall, by number (__HYPERVISOR_* of <xen/xen.h>), with up to three
 * or five arguments. Returns the raw register, not narrowed.
 */
intptr_t schedop_hypercall3(unsigned int number, uintptr_t a1, uintptr_t a2,
                            uintptr_t a3);
intptr_t schedop_hypercall5(unsigned int number, uintptr_t a1, uintptr_t a2,
                            uintptr_t a3, uintptr_t a4, uintptr_t a5);

/* ---- the commands ---- */

/*
 * Gives up the rest of the quantum. The vCPU stays runnable; the call may
 * return at once for ever, so it is no way to wait. Result 0. Spec 3.1.
 */
int schedop_yield(void);

/*
 * Makes events deliverable and deschedules the vCPU until one is. Result 0,
 * possibly without an event: wait in a loop, best schedop_wait_pv(). On PV the
 * upcall mask is 0 afterwards. Hazard on PVH/HVM: with interrupts off an event
 * that is already pending does not end it; idle with schedop_wait_hvm().
 * Blocks. Spec 3.2.
 */
int schedop_block(void);

/*
 * Shuts the own domain down for `reason` (SHUTDOWN_*; only the low 8 bits
 * count, none is refused; a latched code wins over it). Stops all vCPUs.
 * Returns only if the controller resumes the domain: 0. For SHUTDOWN_suspend
 * use schedop_suspend(). Blocks. Spec 3.3, 7.1.
 */
int schedop_shutdown(uint32_t reason);

/* What schedop_suspend() returns when it succeeds. Spec 7.4. */
#define SCHEDOP_RESUMED 0 /* new domain: rebuild everything bound to Xen */
#define SCHEDOP_CANCELLED                                                      \
    1 /* same domain, or checkpoint: all still in place                        \
       */

/*
 * Shuts the own domain down for suspend. `start_info_frame` is the machine
 * frame number of the start-info page of a PV guest, which the controller
 * rewrites; 0 on PVH/HVM. Quiesce other vCPUs first. Returns SCHEDOP_RESUMED,
 * SCHEDOP_CANCELLED or -XEN_E*. Blocks. Spec 3.3, 7.4.
 */
int schedop_suspend(uintptr_t start_info_frame);

#define SCHEDOP_NO_DEADLINE UINT64_C(0)

/*
 * Waits until one of `nr_ports` (at most 128) local event channels is
 * pending, masked or not, or until `deadline_ns`; SCHEDOP_NO_DEADLINE waits
 * for ever. With no ports: until any event for the vCPU or the deadline.
 * Result 0 for all of: pending, deadline, another event, nothing at all; the
 * pending bit is not cleared. Errors: -XEN_EINVAL too many ports, or one that
 * is not bound and precedes every pending one; -XEN_EFAULT `ports` not
 * readable. Blocks. Spec 3.4. See schedop_poll_wait() for a typed outcome.
 */
int schedop_poll(const evtchn_port_t *ports, uint32_t nr_ports,
                 uint64_t deadline_ns);

/*
 * Declares domain `domain` shut down for `reason` (low 8 bits). Privileged.
 * DOMID_SELF is not understood. Result 0, also if it was down already.
 * Errors: -XEN_ESRCH no such domain, -XEN_EPERM. Spec 3.5.
 */
int schedop_remote_shutdown(domid_t domain, uint32_t reason);

/*
 * Latches `reason` (low 8 bits) as the code that the next shutdown of this
 * domain reports, whatever causes it; the first latch wins. Result 0.
 * Spec 3.6.
 */
int schedop_shutdown_code(uint32_t reason);

/*
 * One of the domain's two watchdog timers, shared by all its vCPUs. The handle
 * is the operand of the next command itself: not for two vCPUs at a time.
 */
struct schedop_watchdog {
    struct sched_watchdog operand; /* id 1 or 2; any other is no watchdog */
};

/*
 * Claims a free watchdog, arms it to shut the domain down in `timeout_s`
 * seconds (0: at once, before the call returns) and fills in the handle.
 * Result: its id, 1 or 2. Errors: -XEN_ENOSPC both are taken; the handle is no
 * watchdog then. Neither expiry nor suspend releases it. Spec 3.7.
 */
int schedop_watchdog_start(struct schedop_watchdog *watchdog,
                           uint32_t timeout_s);

/*
 * Re-arms it for `timeout_s` seconds from now; 0 is refused here with
 * -XEN_EINVAL because to Xen it means release. Result 0. Errors: -XEN_EINVAL
 * it is not claimed. Spec 3.7.
 */
int schedop_watchdog_poke(struct schedop_watchdog *watchdog,
                          uint32_t timeout_s);

/*
 * Disarms and releases it. Forget the handle: its id may be given out again.
 * Result 0. Errors: -XEN_EINVAL it is not claimed. Spec 3.7.
 */
int schedop_watchdog_stop(struct schedop_watchdog *watchdog);

/*
 * Pins the calling vCPU to physical CPU `pcpu`, over its affinity, until
 * undone; it is there when the call returns. Hardware domain only. Result 0.
 * Errors, in this order: -XEN_EPERM, -XEN_EINVAL out of range (or negative:
 * use schedop_unpin()), -XEN_EBUSY pinned already, -XEN_EINVAL not online in
 * the domain's cpupool. Blocks while it moves. Spec 3.8.
 */
int schedop_pin(int32_t pcpu);

/*
 * Undoes schedop_pin(). Result 0. Errors: -XEN_EPERM, -XEN_EINVAL not pinned.
 * Spec 3.8.
 */
int schedop_unpin(void);

/* ---- any command as data ---- */

/*
 * A command with its operand in Xen's own layout, so that it can be queued,
 * logged, compared and issued later. `op` is SCHEDOP_yield … _pin_override;
 * other values are carried as they are and answered -XEN_ENOSYS.
 */
struct schedop_command {
    int32_t op;
    union {
        struct sched_shutdown shutdown; /* also for shutdown_code */
        struct sched_poll poll;         /* see schedop_command_poll() */
        struct sched_remote_shutdown remote_shutdown;
        struct sched_watchdog watchdog;
        struct sched_pin_override pin_override;
    } u;
    uintptr_t start_info_frame; /* only for a suspend of a PV guest */
};

/*
 * Issues it. Result: that of the command as Xen gives it (the watchdog id for
 * a set-up, 0 or 1 for a suspend), narrowed; or its error. Blocks if the
 * command does. Spec 3.
 */
int schedop_issue(const struct schedop_command *command);

/*
 * Fills in a poll; `ports` must stay valid until it is issued. Saves callers
 * the guest handle inside struct sched_poll.
 */
void schedop_command_poll(struct schedop_command *command,
                          const evtchn_port_t *ports, uint32_t nr_ports,
                          uint64_t deadline_ns);

/* ---- names ---- */

/*
 * "EINVAL" and the like for minus an error number; also for the positive one.
 * "OK" for 0, "?" for a number Xen does not define. Static strings.
 */
const char *schedop_error_name(int error);

/* One sentence that says what the error means to a caller of this library. */
const char *schedop_error_text(int error);

/* "yield" … "pin_override", or "?". */
const char *schedop_command_name(int32_t op);

/* "poweroff" … "soft_reset" for 0 … 5, or "other". */
const char *schedop_reason_name(uint32_t reason);

/* ---- time (spec 1.5, 5.1) ---- */

/*
 * Absolute deadline `delta_ns` after `now_ns`, saturating: Xen takes a time
 * with bit 63 set for one in the past, and 0 for no deadline, so the result
 * lies in 1 … INT64_MAX.
 */
uint64_t schedop_deadline_ns(uint64_t now_ns, uint64_t delta_ns);

/*
 * System time at time-stamp counter value `tsc` according to one consistent
 * copy of the time record. Exact to the full 96-bit product.
 */
uint64_t schedop_time_at(const struct vcpu_time_info *copy, uint64_t tsc);

/*
 * System time now, from the own vCPU's live record, retrying while Xen
 * updates it; `counter` reads the time-stamp counter and is called between
 * the two looks at the version.
 */
uint64_t schedop_time_read(const volatile struct vcpu_time_info *live,
                           uint64_t (*counter)(void));

/* The same with this CPU's own counter. x86. */
uint64_t schedop_now_ns(const volatile struct vcpu_time_info *live);

/* ---- 2-level event-channel bits (spec 4.2) ---- */

/* Word size of the shared info page, which PVH/HVM latches (spec 8.5). */
enum schedop_layout {
    SCHEDOP_LAYOUT_32 = 32,
    SCHEDOP_LAYOUT_64 = 64,
#if defined(__i386__)
    SCHEDOP_LAYOUT_NATIVE = SCHEDOP_LAYOUT_32
#else
    SCHEDOP_LAYOUT_NATIVE = SCHEDOP_LAYOUT_64
#endif
};

/* Where the bits are. Either layout can be used from a build of either kind. */
struct schedop_events {
    volatile uint32_t *pending;
    volatile uint32_t *mask;
    uint32_t word_bits; /* ports per selector bit: 32 or 64 */
    uint32_t nr_ports;  /* 1024 or 4096 */
};

/* `shared_info` is the page as mapped here, 8-byte aligned. x86 layouts. */
void schedop_events_init(struct schedop_events *events, void *shared_info,
                         enum schedop_layout layout);

/* A port beyond nr_ports is never pending and always masked. */
bool schedop_event_is_pending(const struct schedop_events *events,
                              evtchn_port_t port);
bool schedop_event_is_masked(const struct schedop_events *events,
                             evtchn_port_t port);

/* Clears the pending bit, atomically; returns whether it was set. Do it
 * before handling the event, never after. */
bool schedop_event_clear(const struct schedop_events *events,
                         evtchn_port_t port);

/* Sets the mask bit, atomically. For the opposite see schedop_event_unmask()
 * in <schedop/guest.h>: it needs the hypervisor. */
void schedop_event_mask(const struct schedop_events *events,
                        evtchn_port_t port);

/* ---- poll with an outcome ---- */

enum schedop_wake {
    SCHEDOP_WAKE_EVENT = 0,   /* a polled port is pending */
    SCHEDOP_WAKE_TIMEOUT = 1, /* none is, and the deadline has passed */
    SCHEDOP_WAKE_OTHER = 2    /* another event, a stale timer, or nothing */
};

/*
 * Classifies the return of a poll from what is true now: events win over the
 * deadline. `first`, if not NULL, gets the index in `ports` of the first
 * pending one, or nr_ports. Pure.
 */
enum schedop_wake schedop_poll_outcome(const struct schedop_events *events,
                                       const evtchn_port_t *ports,
                                       uint32_t nr_ports, uint64_t deadline_ns,
                                       uint64_t now_ns, uint32_t *first);

/* What a poll of the own vCPU is judged by. */
struct schedop_poller {
    struct schedop_events events;
    const volatile struct vcpu_time_info *time; /* live record */
};

/*
 * schedop_poll() and schedop_poll_outcome() in one: an enum schedop_wake or
 * -XEN_E*. The clock is read only if it matters. Blocks. Spec 3.4.
 */
int schedop_poll_wait(const struct schedop_poller *poller,
                      const evtchn_port_t *ports, uint32_t nr_ports,
                      uint64_t deadline_ns, uint32_t *first);

#ifdef __cplusplus
}
#endif

#endif
