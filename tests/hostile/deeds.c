/* SPDX-License-Identifier: MIT */
/*
 * Deeds: each ends the domain, if nothing else. run.sh says with what reason;
 * whoever comes back from one has found a hole in its own coffin.
 */
#include "hostile.h"

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

static void off(void)
{
    __asm__ volatile("cli");
}

struct __attribute__((packed)) table {
    uint16_t limit;
    uint64_t base;
};

static void triple_fault(void)
{
    struct table none = {0, 0};

    off();
    __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

/* A state that the processor refuses to enter. The emulator lets the guest load
 * it; a real processor would not. */
static void bad_cr0(void)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(UINT64_C(0xa0010011)));
    (void)schedop_yield();
}

static void bad_cr3(void)
{
    off();
    __asm__ volatile("mov %0, %%cr3; nop" : : "r"(UINT64_C(1) << 63 | 0x1000));
}

/* The same through a stack that is not there. */
static void no_stack(void)
{
    off();
    __asm__ volatile("mov %0, %%rsp; push %%rax"
                     :
                     : "r"(UINT64_C(0x700000000000)));
}

/* Exceptions pushed into a hole. */
static void stack_in_hole(void)
{
    off();
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(UINT64_C(0xd0001000)));
}

static void tables_in_hole(void)
{
    off();
    __asm__ volatile("mov %0, %%cr3; nop" : : "r"(UINT64_C(0xd0000000)));
}

static void tables_beyond(void)
{
    off();
    __asm__ volatile("mov %0, %%cr3; nop" : : "r"(UINT64_C(0xfffffff000)));
}

static void idt_in_hole(void)
{
    struct table hole = {0xfff, 0xd0000000};

    off();
    __asm__ volatile("lidt %0; ud2" : : "m"(hole));
}

static void halt_for_good(void)
{
    off();
    for (;;) {
        __asm__ volatile("hlt");
    }
}

static void last_vcpu_down(void)
{
    (void)schedop_vcpu_down(0);
}

static void reason_200(void)
{
    (void)schedop_shutdown(200);
}

static void soft_reset(void)
{
    (void)schedop_shutdown(SHUTDOWN_soft_reset);
}

static void watchdog_now(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 0);
}

/* Time stands still for others if this is not interrupted. */
static void hog(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 1);
    off();
    for (;;) {
        __asm__ volatile("");
    }
}

/* Calls without end, from both vCPUs, until the watchdog. */
static void call_forever(void *context)
{
    evtchn_port_t port;

    (void)context;
    if (schedop_evtchn_bind_ipi(kit_cpu(), &port) != 0) {
        return;
    }
    for (;;) {
        (void)schedop_yield();
        (void)schedop_evtchn_send(port);
        (void)schedop_set_timer(1);
        (void)schedop_poll(&port, 1, 1);
    }
}

static void flood(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 1);
    (void)kit_start_vcpu(1, call_forever, NULL);
    call_forever(NULL);
}

/* A console that never stops. */
static void chatter(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 1);
    for (;;) {
        kit_printf("la la la la la la la la la la la la la la la la la\n");
    }
}

/* Another vCPU with a context that leads nowhere. */
static void wild_vcpu(void)
{
    struct vcpu_hvm_context context;

    memset(&context, 0, sizeof(context));
    context.mode = VCPU_HVM_MODE_64B;
    context.cpu_regs.x86_64.rip = UINT64_C(0x700000000000);
    context.cpu_regs.x86_64.cr0 = 0x80000011;
    context.cpu_regs.x86_64.cr3 = 0xd0000000;
    context.cpu_regs.x86_64.cr4 = 0x20;
    context.cpu_regs.x86_64.efer = 0x500;
    (void)schedop_vcpu_initialise(1, &context);
    (void)schedop_vcpu_up(1);
    kit_sleep_ns(1000 * MS);
}

/* Gives away the page it runs on. */
static void no_code(void)
{
    static uint64_t frame;
    struct xen_memory_reservation r;

    frame = kit_frame((const void *)(uintptr_t)no_code);
    memset(&r, 0, sizeof(r));
    set_xen_guest_handle(r.extent_start, &frame);
    r.nr_extents = 1;
    r.domid = DOMID_SELF;
    off();
    (void)schedop_hypercall3(__HYPERVISOR_memory_op,
                             XENMEM_decrease_reservation, (uintptr_t)&r, 0);
    __asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax");
}

/* Puts shared info over its own stack. */
static void shared_info_on_stack(void)
{
    (void)schedop_add_to_physmap(XENMAPSPACE_shared_info, 0,
                                 kit_frame(__builtin_frame_address(0)));
}

#define FRAMES_1G (1u << 18)

/*
 * Uses up the tables of its physical map, so that no large mapping can be
 * split any more, and then moves a frame out of one. Found at both places it
 * could be given away and still be used.
 */
static void frame_at_two_places(void)
{
    const uint64_t from = 0x700; /* 7 MiB: nothing of ours is there */
    uint64_t far = FRAMES_1G, to = 0;
    volatile uint32_t *word;

    while (schedop_add_to_physmap(XENMAPSPACE_shared_info, 0, far) == 0) {
        to = far + 1;
        far += FRAMES_1G;
    }
    if (schedop_add_to_physmap(XENMAPSPACE_gmfn, from, to) == 0) {
        word = physical(to << 12);
        *word = 1;
        word = physical(from << 12);
        *word = 2;
        word = physical(to << 12);
        if (*word == 2) {
            complain("a frame is at two places");
            return;
        }
    }
    (void)schedop_shutdown(SHUTDOWN_poweroff);
}

/* Gives away more frames by one call than are done in one go. */
static void many_frames(void)
{
    enum { FIRST = 0xc00, COUNT = 5000 }; /* from 12 MiB on */
    static uint64_t frames[COUNT];
    struct xen_memory_reservation r;
    long done;

    for (unsigned int i = 0; i < COUNT; i++) {
        frames[i] = FIRST + i;
    }
    memset(&r, 0, sizeof(r));
    set_xen_guest_handle(r.extent_start, frames);
    r.nr_extents = COUNT;
    r.domid = DOMID_SELF;
    done = schedop_hypercall3(__HYPERVISOR_memory_op,
                              XENMEM_decrease_reservation, (uintptr_t)&r, 0);
    if (done != COUNT) {
        complain("%ld frames given away, not %d", done, COUNT);
        return;
    }
    (void)schedop_shutdown(SHUTDOWN_poweroff);
}

/* Upcalls on the vector of page faults. */
static void upcall_on_exception(void)
{
    evtchn_port_t port;

    (void)schedop_evtchn_bind_ipi(0, &port);
    (void)schedop_hvm_param_set(HVM_PARAM_CALLBACK_IRQ, UINT64_C(2) << 56 | 14);
    (void)schedop_event_unmask(port);
    (void)schedop_evtchn_send(port);
    (void)schedop_yield();
}

/* An interrupt that is never acknowledged, at the highest priority. */
static void interrupt_storm(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 1);
    for (;;) {
        (void)schedop_hvm_upcall_vector(0, 0x20);
        (void)schedop_hvm_upcall_vector(0, 0x10);
    }
}

static const struct {
    const char *name;
    void (*act)(void);
} deeds[] = {
    {"triple_fault", triple_fault},
    {"bad_cr0", bad_cr0},
    {"bad_cr3", bad_cr3},
    {"no_stack", no_stack},
    {"stack_in_hole", stack_in_hole},
    {"tables_in_hole", tables_in_hole},
    {"tables_beyond", tables_beyond},
    {"idt_in_hole", idt_in_hole},
    {"halt_for_good", halt_for_good},
    {"last_vcpu_down", last_vcpu_down},
    {"reason_200", reason_200},
    {"soft_reset", soft_reset},
    {"watchdog_now", watchdog_now},
    {"hog", hog},
    {"flood", flood},
    {"chatter", chatter},
    {"wild_vcpu", wild_vcpu},
    {"no_code", no_code},
    {"shared_info_on_stack", shared_info_on_stack},
    {"frame_at_two_places", frame_at_two_places},
    {"many_frames", many_frames},
    {"upcall_on_exception", upcall_on_exception},
    {"interrupt_storm", interrupt_storm},
    {"abuse_apic", abuse_apic},
    {"init_self", init_self},
};

void deed(const char *name)
{
    for (unsigned int i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
        if (strcmp(deeds[i].name, name) == 0) {
            kit_printf("deed: %s\n", name);
            deeds[i].act();
            return;
        }
    }
    kit_panic("no such deed: %s", name);
}
