/* SPDX-License-Identifier: MIT */
/*
 * schedop start-up kit: everything a small Xen guest needs below its main().
 *
 * A guest is one main.c with `int main(void)` and one link line (pkg-config
 * schedop-kit). The 64-bit image boots both as a PV domain and as a PVH one;
 * the 32-bit image is PVH. The kit sets up the transport, traps, shared info,
 * the event upcall and the console, masks all ports, and calls main() with
 * events on. When main() returns 0 the domain powers off, otherwise it crashes.
 *
 * `kit_upcall=0` on the command line of a PVH guest: no event upcall is asked
 * for, so events are seen only by looking at their pending bits.
 *
 * All functions may be called from any vCPU. Those that say so may not be
 * called from event handlers, which run with upcalls off.
 */
#ifndef SCHEDOP_KIT_H
#define SCHEDOP_KIT_H

#include <stdarg.h>
#include <schedop/guest.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef __cplusplus
/* The guest's entry. 0: power off; anything else: crash. */
int main(void);
#endif

/* ---- what and where we are ---- */

#define KIT_NORETURN __attribute__((noreturn))
#define KIT_VCPUS_MAX 16u
#define KIT_DOMID_UNKNOWN 0xffffu

struct kit_info {
    const char *kind;       /* "PV", "PVH", "PVH 32-bit" */
    bool pv;                /* else PVH */
    uint32_t flags;         /* SIF_*: 3 in the hardware domain, else 0 */
    uint32_t start_version; /* of PVH start info; 0 on PV */
    uint32_t nr_modules;    /* PVH start info; 0 on PV */
    int xen_version;        /* major << 16 | minor */
    uint32_t domid;         /* KIT_DOMID_UNKNOWN on PV domUs */
    const char *cmdline;    /* "" if there is none */
    const char *console;    /* "console_io", "ring", "port e9" */
};

const struct kit_info *kit_info(void);

/*
 * The value of the last word `name=value` on the command line ("" for a bare
 * `name`), copied into `value`; false if there is none or it does not fit.
 */
bool kit_arg(const char *name, char *value, size_t size);

/* The same as a number, decimal or 0x; `otherwise` if absent or malformed. */
uint64_t kit_arg_u64(const char *name, uint64_t otherwise);

struct kit_region {
    uint64_t addr, size; /* bytes, guest-physical */
    uint32_t type;       /* 1 is RAM */
};

/* Memory map from start info, or asked of Xen; how many, or -XEN_E*. */
int kit_memory_map(struct kit_region *regions, uint32_t count);

/* A guest-physical address below 4 GiB as a pointer. */
void *kit_virt(uint64_t paddr);

/*
 * Boot module `index`, from 0, and its size; NULL if there is none. A PV
 * domain has at most one, its initial ramdisk.
 */
const void *kit_module(uint32_t index, size_t *size);

/* Machine frame (PV) or guest frame (PVH) of an object of this image. */
uintptr_t kit_frame(const void *object);

/* ---- printing: to console_io or the PV console ring ---- */

/*
 * %d %i %u %x %X %c %s %p %% with flags - and 0, width, precision of %s, and
 * h hh l ll z j. At most 511 bytes a call; the output of a call is not
 * interleaved with that of other vCPUs.
 */
void kit_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kit_vprintf(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));
/* Writes at most size-1 bytes and a NUL; returns the full length. */
size_t kit_snprintf(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t kit_vsnprintf(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* Raw bytes. */
void kit_write(const char *text, size_t length);
/* What was typed so far, at most `length` bytes. */
size_t kit_read(char *text, size_t length);

/* ---- time and waiting ---- */

uint64_t kit_now_ns(void);

/* Sleeps by poll, at least that long. Not in handlers. */
void kit_sleep_ns(uint64_t delta_ns);

/* Burns time. */
void kit_spin_ns(uint64_t delta_ns);

/* Own one-shot timer: wakes this vCPU at `deadline_ns`. 0 or -XEN_E*. */
int kit_timer(uint64_t deadline_ns);

/* Sleeps (block on PV, hlt on PVH) until `ready`; see schedop_wait_*(). */
int kit_wait(bool (*ready)(void *context), void *context);

/* Poll with an outcome, see schedop_poll_wait(); one port. */
int kit_poll(evtchn_port_t port, uint64_t deadline_ns);

/* ---- events ---- */

const struct schedop_events *kit_events(void);
volatile struct vcpu_info *kit_vcpu_info(void); /* of this vCPU */
unsigned int kit_cpu(void);                     /* own vCPU number */

/*
 * From now on `handler` runs on each event of `port`, which is unmasked, and
 * on the vCPU the port is bound to: call it again when you moved the port, or
 * closed it and opened it anew. On any vCPU, if the port is not open yet. A
 * NULL handler masks it. 0, or -XEN_ENOSPC beyond the kit's table.
 */
int kit_on_event(evtchn_port_t port,
                 void (*handler)(void *context, evtchn_port_t port),
                 void *context);

/* Holds event handlers off on this vCPU; returns what to restore. */
bool kit_events_off(void);
void kit_events_restore(bool on);

/* How many upcalls this vCPU took, and how many found the pending byte set. */
uint32_t kit_upcalls(void);
uint32_t kit_upcalls_pending(void);

/* ---- more vCPUs ---- */

/*
 * Starts vCPU `vcpu` in `function(context)` with events on; it goes down when
 * the function returns, and can be started again then. 0 or -XEN_E*.
 */
int kit_start_vcpu(unsigned int vcpu, void (*function)(void *context),
                   void *context);

/* ---- start-up ---- */

/*
 * A guest may define this: it runs on vCPU 0 as soon as hypercalls and shared
 * info work, before the kit masks any port; nothing else of the kit does yet.
 */
void kit_early(void);

/* ---- traps ---- */

/* Registers at a trap, in the order the stubs push them. */
struct kit_regs {
#if defined(__x86_64__)
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx,
        rax, vector, error, rip, cs, rflags, rsp, ss;
#else
    uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax, vector, error, eip, cs,
        eflags;
#endif
};

/*
 * `hook` sees every exception first; true resumes with the registers as it
 * leaves them. Otherwise, or with no hook, the kit prints them and crashes.
 */
void kit_on_trap(bool (*hook)(struct kit_regs *regs));

/* ---- ending ---- */

/*
 * Suspends the domain with the start-info frame filled in: SCHEDOP_CANCELLED,
 * SCHEDOP_RESUMED after the kit has rebuilt shared info, upcall and console
 * (ports, timers and other vCPUs are the caller's), or -XEN_E*.
 */
int kit_suspend(void);

/* Shuts down for `reason` (SHUTDOWN_*). */
KIT_NORETURN void kit_exit(uint32_t reason);

/* Prints the line and crashes the domain. */
KIT_NORETURN void kit_panic(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* ---- libc subset, under its usual names; weak: yours win ---- */

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
char *strchr(const char *text, int c);

#ifdef __cplusplus
}
#endif

#endif
