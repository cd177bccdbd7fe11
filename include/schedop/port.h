/* SPDX-License-Identifier: MIT */
/*
 * The port interface: everything the core asks of the machine below it.
 *
 * A port (src/x86 on bare metal, a fake one in tests/unit) implements these
 * functions, all of them in one port.c, and calls the core through the entry
 * points of <schedop/core.h>. The core may leave nothing undefined but these
 * and memcpy, memmove, memset and memcmp.
 *
 * "Locked" means: called with the core lock held. Such a function must be
 * short, must not call back into the core, and may take only locks that rank
 * below the core lock (src/core/locks.h). "Unlocked" functions are called with
 * no core lock held and may call back where they say so.
 */
#ifndef SCHEDOP_PORT_H
#define SCHEDOP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sop_call;
struct sop_domain;
struct sop_pcpu;
struct sop_trace_rec;
struct sop_vcpu;

#define SOP_TIME_NEVER UINT64_MAX

enum sop_log_level {
    SOP_LOG_ERROR,
    SOP_LOG_WARNING,
    SOP_LOG_INFO,
    SOP_LOG_DEBUG
};

/* ---- clock, timer, interrupts ---- */

/*
 * System time in ns since boot (spec 5.1). Never steps back, not even between
 * pCPUs ordered by a lock or a kick. Either.
 */
uint64_t port_now(const struct sop_pcpu *self);

/*
 * Arms the one-shot timer of the calling pCPU, replacing what was armed;
 * SOP_TIME_NEVER disarms it. May fire early or late, never inside the call;
 * on firing the port calls sop_timer_expired(). Locked.
 */
void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns);

/*
 * Makes `target` leave its guest or its idle wait and call
 * sop_exit_to_guest() soon. May coalesce or be spurious; self is allowed;
 * stores made before it are visible to the entry it causes. Locked.
 */
void port_kick(struct sop_pcpu *target);

/* ---- running ---- */

/*
 * Saves `prev` wholly to memory and makes `next` what this pCPU runs; NULL is
 * idle on either side. On return another pCPU may take `prev`. Cannot fail.
 * Unlocked.
 */
void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next);

/*
 * Unmasks interrupts and waits as one step, so that a kick already sent is
 * not lost. Returns, interrupts masked again, after any interrupt; the port
 * does its own background work here and may call the core's controller
 * functions. Unlocked.
 */
void port_idle(struct sop_pcpu *self);

/* ---- guest memory ---- */

/*
 * Copies from or to the memory of the domain of `v`. `guest_addr` is a linear
 * address translated with the vCPU's current paging state (spec 1.4).
 * Returns 0 or -EFAULT, in which case any prefix may have been copied. A bad
 * address can never fault the core. `v` is current on the calling pCPU.
 * Unlocked.
 */
int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr,
                 size_t len);
int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len);

/*
 * Keeps guest frame `gfn` mapped for the core until it is unmapped as often as
 * it was mapped, or the domain is freed, and returns its address, page-aligned;
 * NULL when the frame is not ordinary RAM of the domain. The frame stays this
 * one whatever the guest puts there later. For register_vcpu_info (spec 4.6)
 * and the FIFO ABI (spec 4.3): at most SOP_FRAMES_MAX of a domain. Unlocked.
 */
void *port_frame_map(struct sop_domain *d, uint64_t gfn);

/* Undoes one port_frame_map() that returned `frame`. Unlocked. */
void port_frame_unmap(struct sop_domain *d, void *frame);

/*
 * A page for records of the ports of `d`, of 4096 bytes with any content,
 * 8-byte aligned, that stays until port_page_free(); NULL if there is none:
 * then the guest's command fails with -ENOMEM. Only asked for with
 * sop_config.own_ports. Locked.
 */
void *port_page_alloc(struct sop_domain *d);

/* Undoes that; in sop_domain_free() at the latest. Locked. */
void port_page_free(struct sop_domain *d, void *page);

/* ---- the vCPU as a processor ---- */

/*
 * True when an interrupt or NMI is pending for this HVM vCPU *and* it is not
 * held off (spec 3.2, "deliverable now": RFLAGS.IF, interrupt shadow, task
 * priority). Includes the event upcall by callback vector, which the port
 * derives from sop_vcpu_upcall_vector(). `v` is current. Locked.
 */
bool port_deliverable(const struct sop_vcpu *v);

/*
 * Raises an edge interrupt with `vector` in the local APIC of `v` (spec 4.5,
 * HVMOP 23). Returns false, with no effect, when that APIC is disabled. The
 * core then kicks or wakes the vCPU itself. Locked.
 */
bool port_inject(struct sop_vcpu *v, uint8_t vector);

/* Makes an NMI pending for `v` (vcpu_op 11). Locked. */
void port_inject_nmi(struct sop_vcpu *v);

/*
 * The timer set by sop_vcpu_timer_set() reached its time. May call
 * port_inject(); the core kicks or wakes `v` when this returns true (an
 * interrupt is now pending). Locked.
 */
bool port_vcpu_timer(struct sop_vcpu *v, uint64_t now);

/*
 * Checks a `struct vcpu_hvm_context` (or for a PV domain a
 * `struct vcpu_guest_context`) already copied in, and loads it into the
 * registers of `v`, which has never run. Returns 0 or -EINVAL. Unlocked.
 */
int port_vcpu_load(struct sop_vcpu *v, const void *context);

/*
 * A hypercall that is about the machine and not about scheduling: memory_op,
 * grant_table_op, hvm_op parameters the core does not own, and every number
 * the core does not know. Returns the result, -ENOSYS for what is unknown to
 * the port as well; or PORT_CALL_AGAIN when only a part was done: then
 * call->arg says what is left, and the guest makes the call again. Unlocked.
 */
#define PORT_CALL_AGAIN INT64_MIN

int64_t port_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call);

/* ---- out of the machine ---- */

/* `len` bytes that domain `d` wrote by console_io. Unlocked. */
void port_console(struct sop_domain *d, const char *text, size_t len);

/*
 * Bytes typed for domain `d`, up to `len`; returns how many. For console_io
 * read. Unlocked.
 */
size_t port_console_read(struct sop_domain *d, char *text, size_t len);

/*
 * The guest signalled a port that the host side consumes (made by
 * sop_evtchn_host_port()). Only note it: the port's background work looks
 * into the ring behind it later. Locked.
 */
void port_host_event(struct sop_domain *d, uint32_t port);

/*
 * Domain `d` became shut down, dying or dead: the controller should call
 * sop_controller_next() soon. Locked.
 */
void port_domain_changed(struct sop_domain *d);

/*
 * The hardware domain ended with the latched `code` (spec 7.5): stop or
 * reboot the machine soon. The core has already logged the line and paused
 * the domain. Locked.
 */
void port_machine_stop(struct sop_domain *d, uint8_t code);

/* One finished line without its newline. Any context; may drop; never blocks.
 */
void port_log(enum sop_log_level level, const char *text, size_t len);

/*
 * A record of <schedop/trace.h>, while sop_trace_set() has asked for some;
 * wait-free; may drop it, but then counts it. `self` is the calling pCPU, or
 * where the core does not know that any of the system; rec->pcpu may be
 * another. Any context.
 */
void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec);

/* Stops everything. Any context. */
__attribute__((noreturn)) void port_panic(const char *file, int line,
                                          const char *what);

#endif
