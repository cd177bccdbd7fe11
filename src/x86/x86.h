/* SPDX-License-Identifier: MIT */
/*
 * The bare-metal port: what its rooms offer each other.
 *
 *   boot/  from the boot loader to x86_main(): multiboot 1 and 2, page tables,
 *          pCPU bring-up            cpu/   descriptors, exceptions, panic
 *   irq/   local APIC, IO-APIC      mm/    physical pages, windows, W^X map
 *   console.c  serial ports         time.c TSC scale, timer
 *   virt/  domains: SVM, nested paging, exits, vLAPIC, builder
 *   link.c the link to the host tool   host.c  consoles, xenstore, controller
 *   port.c the ten and more functions of <schedop/port.h>
 *
 * Everything runs with interrupts off but port_idle() and the instant after a
 * guest exit; interrupt handlers only set flags in the pCPU's record.
 */
#ifndef SCHEDOP_X86_H
#define SCHEDOP_X86_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/core.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ull
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define SUPERPAGE_SIZE (2ull << 20)

#define X86_PCPUS_MAX 16u

/* ---------------------------------------------------------- boot/: what we got
 */

#define BOOT_MODULES_MAX 64u
#define BOOT_RAM_MAX 64u

struct boot_module {
    uint64_t pa;         /* page-aligned start */
    uint64_t size;       /* bytes */
    const char *cmdline; /* copied, NUL-terminated */
    const void *data;    /* where it is mapped; NULL: at its own address */
};

struct boot_ram {
    uint64_t pa, size; /* usable RAM, ascending, page-aligned */
};

struct boot_info {
    const char *cmdline;
    unsigned nr_modules, nr_ram;
    struct boot_module module[BOOT_MODULES_MAX];
    struct boot_ram ram[BOOT_RAM_MAX];
    uint64_t rsdp_pa; /* 0 when the loader did not say: search for it */
};

extern struct boot_info boot_info;

/* The bytes of a module; NULL if they are not mapped. */
const void *module_data(const struct boot_module *m);

/* Called on the boot pCPU with paging, heap, IDT and serial ready. */
__attribute__((noreturn)) void x86_main(void);

/* ------------------------------------------------------ cpu/: a pCPU's record
 */

struct x86_vcpu;
struct x86_svm_pcpu; /* virt/'s own per-pCPU state */

struct x86_pcpu {
    struct x86_pcpu *self; /* at %gs:0 */
    unsigned index;        /* 0 is the boot pCPU */
    uint32_t apic_id;
    struct sop_pcpu *sop;
    const uint32_t *work; /* not 0: ask the core what to run */
    union {
        struct {
            volatile bool timer_fired; /* set by the timer interrupt */
            volatile bool kicked;      /* set by the kick interrupt */
            volatile bool host_check;  /* host_pending() is to be asked */
        };
        volatile uint32_t flags; /* any of these */
    };
    volatile bool online;
    struct x86_vcpu *loaded; /* whose registers are in this pCPU */
    struct x86_svm_pcpu *svm;
    /* boot/, cpu/, mm/ append what they need below: GDT, TSS, windows... */
    struct x86_pcpu_private *priv;
};

static inline struct x86_pcpu *x86_self(void)
{
    struct x86_pcpu *self;

    __asm__("movq %%gs:0, %0" : "=r"(self));
    return self;
}

struct x86_pcpu *x86_pcpu(unsigned index); /* NULL beyond the last */
unsigned x86_nr_pcpus(void);               /* found and usable, <= pcpus= */

/* Where a processor is: numbers of its thread, its core and its socket. */
struct topology {
    unsigned thread; /* in its core */
    uint16_t core;   /* in its socket */
    uint16_t socket;
};

/* From CPUID and the id of its local APIC. Any context. */
struct topology topology_of(uint32_t apic_id);

/* How many threads a core, cores a socket and sockets there are at most. */
struct topology topology_size(void);

/* Starts all other pCPUs; each calls `entry` on its own stack. */
void x86_start_pcpus(void (*entry)(struct x86_pcpu *self));

__attribute__((noreturn, format(printf, 1, 2))) void x86_panic(const char *fmt,
                                                               ...);

/* ------------------------------------------------------------------- mm/ */

/*
 * Hypervisor memory: zeroed, contiguous pages that are mapped (data, not
 * executable). NULL when exhausted. Any pCPU; takes its own lock.
 */
void *hv_alloc(size_t bytes);
void hv_free(void *p, size_t bytes);
uint64_t hv_pa(const void *p);
uint64_t hv_bytes_used(void); /* image, tables, stacks and heap */

/*
 * Guest memory: 2 MiB-aligned physical ranges that are *not* mapped here.
 * Returns the physical address, 0 when exhausted. Contents undefined.
 */
uint64_t ram_alloc(uint64_t bytes);
void ram_free(uint64_t pa, uint64_t bytes);

/*
 * Windows: the only way to touch guest memory. Each pCPU has WINDOWS slots of
 * one page; window_open() maps the frame at `pa` (any, page-aligned) in a
 * slot of the calling pCPU and returns its address, window_close() unmaps.
 */
#define WINDOWS 4u
void *window_open(unsigned slot, uint64_t pa);
void window_close(unsigned slot);

/* Long-lived mapping of one frame, for shared pages; NULL when exhausted. */
void *frame_map(uint64_t pa);
void frame_unmap(void *va);

/* Whole-range helpers over windows, for building domains. */
void pa_copy_in(uint64_t pa, const void *src, size_t len);
void pa_copy_out(void *dst, uint64_t pa, size_t len);
void pa_copy(uint64_t dst_pa, uint64_t src_pa, size_t len);
void pa_zero(uint64_t pa, uint64_t len);

/*
 * Maps a whole range from ram_alloc() for a while, say to unpack an image
 * into it; writable, for all pCPUs. NULL when there are too many at a time.
 * ram_unmap() waits for all pCPUs: fine when building, too slow elsewhere.
 */
void *ram_map(uint64_t pa, uint64_t bytes);
void ram_unmap(void *va);

/* ------------------------------------------------------------------- irq/ */

#define VECTOR_TIMER 0xf0u
#define VECTOR_KICK 0xf1u
#define VECTOR_SERIAL1 0x30u
#define VECTOR_SERIAL2 0x31u
#define VECTOR_SPURIOUS 0xffu

void irq_send_kick(const struct x86_pcpu *target);

/* Opens interrupts for an instant so that pending ones run their handlers. */
void irq_take_pending(void);

/* sti; hlt; cli as one step that loses nothing. */
void irq_wait(void);

/* ------------------------------------------------------------------ time.c */

/* Finds the TSC rate; fills the scale the guests will use. Boot pCPU. */
void time_init(void);
const struct sop_time_scale *time_scale(void);
uint64_t time_tsc_khz(void);
uint64_t time_now(void);             /* ns, monotonic over pCPUs */
uint64_t time_wall_ns_at_boot(void); /* from the RTC, ns since 1970 */
void time_arm(uint64_t deadline_ns, uint64_t now_ns); /* own pCPU; NEVER off */

/* --------------------------------------------------------------- console.c */

/* COM1: text for people. */
void console_write(const char *text, size_t len);
/* Bytes typed there since the last call; 0 when none. Boot pCPU only. */
size_t console_read(char *bytes, size_t max);
bool console_has_input(void);

/* COM2: the link, when the command line says link=com2. */
bool link_present(void);
void link_port_write(const char *bytes, size_t len); /* own lock; polls */
/* Bytes received since the last call; 0 when none. Boot pCPU only. */
size_t link_port_read(char *bytes, size_t max);
bool link_port_has_input(void);

/* After `exit`: the qemu-exit device, else reboot or halt as asked. */
__attribute__((noreturn)) void machine_stop(bool reboot);

/* Value of key= on the hypervisor's command line, into `out`; false if absent.
 */
bool cmdline_get(const char *cmdline, const char *key, char *out, size_t size);

/* The same of the nth such word, from 0: false beyond the last. */
bool cmdline_nth(const char *cmdline, const char *key, unsigned n, char *out,
                 size_t size);

/* Is this very word on it? */
bool cmdline_has(const char *cmdline, const char *word);

/* snprintf of src/lib, under the port's name: %s %d %u %x %llu %016llx %c %% */
int x86_snprintf(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int x86_vsnprintf(char *out, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/*
 * One line of log: to the link as `log LEVEL TEXT`, to COM1 when there is no
 * link. Takes its own lock, allowed under the core lock.
 */
void x86_log(enum sop_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
