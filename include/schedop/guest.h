/* SPDX-License-Identifier: MIT */
/*
 * schedop guest library: what a guest kernel needs besides the eight commands.
 *
 * Event channels, waiting without losing a wake-up, vCPUs, timers, and the few
 * HVM and memory operations of start-up. Same conventions as
 * <schedop/schedop.h>: 0 or -XEN_E*, any context, no state.
 */
#ifndef SCHEDOP_GUEST_H
#define SCHEDOP_GUEST_H

#include <schedop/schedop.h>
#include <xen/event_channel.h>
#include <xen/vcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- event channels (spec 4.1) ---- */

/*
 * Allocates the lowest free port and leaves it for domain `remote` to bind.
 * Error: -XEN_ENOSPC none is free.
 */
int schedop_evtchn_alloc_unbound(domid_t remote, evtchn_port_t *port);

/*
 * Binds a new local port to port `remote_port` that domain `remote` left
 * unbound for this one. The new port starts pending. Errors: -XEN_ESRCH no
 * such domain, -XEN_EINVAL no such port for us, -XEN_ENOSPC.
 */
int schedop_evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port,
                                    evtchn_port_t *port);

/*
 * Binds VIRQ_* `virq` of vCPU `vcpu` (0 for global ones). Errors, in order:
 * -XEN_EINVAL, -XEN_ENOENT no such vCPU, -XEN_EEXIST, -XEN_ENOSPC.
 */
int schedop_evtchn_bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port);

/* A port on which the domain can signal vCPU `vcpu`. Error: -XEN_ENOENT. */
int schedop_evtchn_bind_ipi(uint32_t vcpu, evtchn_port_t *port);

/* Moves a port to `vcpu`. Errors: -XEN_ENOENT, -XEN_EINVAL not movable. */
int schedop_evtchn_bind_vcpu(evtchn_port_t port, uint32_t vcpu);

/* Closes a port. Error: -XEN_EINVAL not open. */
int schedop_evtchn_close(evtchn_port_t port);

/* Signals the other end. Error: -XEN_EINVAL not a port one can send on. */
int schedop_evtchn_send(evtchn_port_t port);

/* Fills in what `status->port` of domain `status->dom` is. */
int schedop_evtchn_status(struct evtchn_status *status);

/* Closes every port of the own domain. */
int schedop_evtchn_reset(void);

/*
 * Unmasks a port and delivers it if it is pending. By hypercall, which is
 * right whichever vCPU the port is bound to. Error: -XEN_EINVAL.
 */
int schedop_event_unmask(evtchn_port_t port);

/* ---- consuming events (spec 4.2) ---- */

/*
 * Takes every pending, unmasked event of the vCPU whose vcpu_info is at
 * `vcpu_info`: selector words and ports in ascending order, each pending bit
 * cleared before `handler` sees the port, again until nothing new is
 * selected. Returns how many were handled. Call it from the upcall, with
 * upcalls of this vCPU held off.
 */
uint32_t schedop_events_drain(
    const struct schedop_events *events, volatile struct vcpu_info *vcpu_info,
    void (*handler)(void *context, evtchn_port_t port), void *context);

/*
 * The same, but leaves alone what is another vCPU's: ports whose bit is clear
 * in `own`, of events->nr_ports bits, a port's in word port / 32. All vCPUs
 * share the pending words, and what is pending for another has its own
 * selector there: without this, which handler runs where depends on who comes
 * first, and a vCPU that waits may find its event gone. NULL: all.
 */
uint32_t schedop_events_drain_own(
    const struct schedop_events *events, volatile struct vcpu_info *vcpu_info,
    const volatile uint32_t *own,
    void (*handler)(void *context, evtchn_port_t port), void *context);

/* Masks every port: what a guest does first, since Xen starts with all open. */
void schedop_events_mask_all(const struct schedop_events *events);

/* ---- waiting (spec 3.2) ---- */

/*
 * x86 PV: holds upcalls off, and lets them in again; the latter takes one at
 * once if it is pending. `vcpu_info` is the own vCPU's.
 */
void schedop_upcalls_off_pv(volatile struct vcpu_info *vcpu_info);
void schedop_upcalls_on_pv(volatile struct vcpu_info *vcpu_info);

/*
 * Wait until `ready(context)` is true, asleep in between, without ever losing
 * the wake-up of an event whose handler makes it true. `ready` runs with
 * upcalls (interrupts) held off; both functions return with them on. PV waits
 * with block, PVH/HVM with sti;hlt. Return 0, or the error of block. Block.
 * The second needs an event callback and kernel mode.
 */
int schedop_wait_pv(volatile struct vcpu_info *vcpu_info,
                    bool (*ready)(void *context), void *context);
int schedop_wait_hvm(bool (*ready)(void *context), void *context);

/* ---- vCPUs and timers (spec 2.4, 5) ---- */

/*
 * Gives vCPU `vcpu` its registers: `context` is a struct vcpu_guest_context
 * on PV, a struct vcpu_hvm_context on PVH/HVM. Errors: -XEN_ENOENT,
 * -XEN_EFAULT, -XEN_EEXIST, -XEN_EINVAL.
 */
int schedop_vcpu_initialise(uint32_t vcpu, const void *context);

/* Starts, stops, asks after a vCPU. Errors: -XEN_ENOENT, -XEN_EINVAL. Down of
 * the last one powers the domain off. is_up: 1, 0 or -XEN_ENOENT. */
int schedop_vcpu_up(uint32_t vcpu);
int schedop_vcpu_down(uint32_t vcpu);
int schedop_vcpu_is_up(uint32_t vcpu);

/* Current runstate of an own vCPU, times up to date (spec 2.3). */
int schedop_vcpu_runstate(uint32_t vcpu, struct vcpu_runstate_info *info);

/* Moves a vcpu_info to `offset` of guest frame `frame`, once (spec 4.6). */
int schedop_vcpu_register_info(uint32_t vcpu, uint64_t frame, uint32_t offset);

/*
 * Arms the own vCPU's one-shot timer, which raises VIRQ_TIMER. A deadline in
 * the past fires at once; one 2^50 ns (13 days) or more ahead would fire in
 * 100 ms: re-arm instead. 0 cancels. Result 0.
 */
int schedop_set_timer(uint64_t deadline_ns);

/*
 * Periodic VIRQ_TIMER of `period_ns` (at least 1 ms) while the vCPU runs;
 * 0 stops it. PV vCPUs start with one of 10 ms. Error: -XEN_EINVAL.
 */
int schedop_vcpu_periodic_timer(uint32_t vcpu, uint64_t period_ns);

/* ---- PVH/HVM set-up (spec 8) ---- */

#if defined(__i386__) || defined(__x86_64__)
/* HVM_PARAM_* of the own domain. Errors: -XEN_EINVAL, -XEN_EPERM. */
int schedop_hvm_param_get(uint32_t index, uint64_t *value);
int schedop_hvm_param_set(uint32_t index, uint64_t value);

/* Upcall by `vector` on every vCPU, without a local APIC (no EOI). */
int schedop_hvm_callback_vector(uint8_t vector);

/* Upcall of one vCPU by local-APIC interrupt `vector` (EOI needed); raises
 * it once. Errors: -XEN_EINVAL below 0x10, -XEN_ENOENT. */
int schedop_hvm_upcall_vector(uint32_t vcpu, uint8_t vector);

/*
 * Finds the hypervisor's first CPUID leaf: 0x40000000 or a multiple of 0x100
 * above it. 0 when there is no Xen interface. PVH/HVM and native only.
 */
uint32_t schedop_hvm_cpuid_base(void);

/*
 * Makes the hypervisor fill the page at guest-physical `page_paddr` with the
 * hypercall page, through the MSR that `cpuid_base`+2 names. This also sets
 * the layout of shared info to the width of the calling mode. Faults (#GP)
 * if the page is not aligned RAM. Kernel mode.
 */
void schedop_hvm_install_page(uint32_t cpuid_base, uint64_t page_paddr);
#endif

/* ---- the domain ---- */

/*
 * Puts page `index` of XENMAPSPACE_* `space` at guest frame `frame`; what was
 * there is gone. For shared info: XENMAPSPACE_shared_info, 0. PVH/HVM.
 */
int schedop_add_to_physmap(uint32_t space, uintptr_t index, uintptr_t frame);

/*
 * Asks for the memory map (XENMEM_memory_map). `entries` receives up to
 * `count` entries of 20 bytes: base u64, length u64, type u32. Returns how
 * many were stored.
 */
int schedop_memory_map(void *entries, uint32_t count);

/*
 * Gives the `count` guest frames of `frames` back to the host; whatever is
 * there is gone. Returns how many it were, which stops at the first that
 * cannot be. PVH/HVM.
 */
int schedop_memory_give(const uintptr_t *frames, uint32_t count);

/*
 * Puts fresh, zeroed memory to those frames; returns how many got some: fewer
 * when the domain has as much as it may have, or the host has no more.
 */
int schedop_memory_take(const uintptr_t *frames, uint32_t count);

/* major << 16 | minor of the hypervisor. */
int schedop_xen_version(void);

/* The first word of XENFEAT_* bits. */
int schedop_xen_features(uint32_t *features);

/* Writes to, or reads what was typed at, the hypervisor's console; read
 * returns how many bytes came. Error: -XEN_EPERM in ordinary domains. */
int schedop_console_write(const char *text, size_t length);
int schedop_console_read(char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
