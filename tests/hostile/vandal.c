/* SPDX-License-Identifier: MIT */
/*
 * Vandals: what is shared with the hypervisor and its back ends, filled with
 * rubbish while they use it; and operands that change under their eyes.
 *
 * Whoever serves a ring or copies an operand must read each word once and
 * believe none of them.
 */
#include "hostile.h"

#include <xen/hvm/params.h>
#include <xen/memory.h>

extern uint8_t kit_shared_info[];

#define ROUNDS 2000u

/* ---- shared pages ---- */

static uint32_t *console, *xenstore;
static evtchn_port_t console_port, xenstore_port;

static uint32_t *page_of(uint32_t pfn_param, uint32_t port_param,
                         evtchn_port_t *port)
{
    uint64_t frame, number;

    if (schedop_hvm_param_get(pfn_param, &frame) != 0 ||
        schedop_hvm_param_get(port_param, &number) != 0 || frame == 0) {
        return NULL;
    }
    *port = (evtchn_port_t)number;
    return kit_virt(frame << 12);
}

static void spoil(uint32_t *page)
{
    unsigned int n = random_below(8);

    if (!page) {
        return;
    }
    for (unsigned int i = 0; i < n; i++) { /* the indices, mostly */
        uint32_t at =
            random_below(2) ? 512 + random_below(16) : random_below(1024);

        page[at] = (uint32_t)random_odd();
    }
}

static void spoil_shared_info(void)
{
    uint64_t *words = (void *)kit_shared_info;

    for (unsigned int i = 0; i < 4; i++) {
        words[random_below(512)] = random_odd();
    }
}

static void spoil_grants(void)
{
    static uint32_t *table;
    static uint8_t page[4096] __attribute__((aligned(4096)));

    if (!table) {
        if (schedop_add_to_physmap(XENMAPSPACE_grant_table, 0,
                                   kit_frame(page)) != 0) {
            return;
        }
        table = (void *)page;
    }
    table[random_below(1024)] = (uint32_t)random_odd();
}

/* Upcalls off for good: our own tables are rubbish as well. */
void spoil_shared_pages(void)
{
    console =
        page_of(HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN, &console_port);
    xenstore =
        page_of(HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN, &xenstore_port);
    kit_printf("vandal: console ring %s, xenstore ring %s\n",
               console ? "there" : "absent", xenstore ? "there" : "absent");
    (void)kit_events_off();
    for (unsigned int i = 0; i < ROUNDS; i++) {
        spoil(console);
        spoil(xenstore);
        spoil_shared_info();
        spoil_grants();
        (void)schedop_evtchn_send(console_port);
        (void)schedop_evtchn_send(xenstore_port);
        (void)schedop_yield();
    }
    (void)schedop_shutdown(SHUTDOWN_poweroff);
}

/* ---- operands that change ---- */

static volatile struct {
    evtchn_port_t *ports;
    uint32_t nr_ports, pad;
    uint64_t timeout;
} poll_operand;

static volatile struct sched_watchdog dog_operand;
static volatile bool done;
static evtchn_port_t good_port;

static void flip(void *context)
{
    (void)context;
    while (!done) {
        poll_operand.nr_ports = 1;
        dog_operand.id = 1;
        poll_operand.ports = &good_port;
        poll_operand.nr_ports = 0x10000000;
        dog_operand.id = 0xfffffff0;
        poll_operand.ports = (evtchn_port_t *)(uintptr_t)unmapped_page();
        poll_operand.nr_ports = 128;
    }
}

static int call(int command, const volatile void *operand)
{
    return (int)schedop_hypercall3(__HYPERVISOR_sched_op, (uintptr_t)command,
                                   (uintptr_t)operand, 0);
}

void change_operands(void)
{
    unsigned int seen = 0;

    poll_operand.timeout = 1;
    dog_operand.id = 1; /* 0 would claim one before the other vCPU is there */
    dog_operand.timeout = 1000;
    if (schedop_evtchn_bind_ipi(0, &good_port) != 0 ||
        kit_start_vcpu(1, flip, NULL) != 0) {
        complain("cannot set up");
        return;
    }
    for (unsigned int i = 0; i < 20000; i++) {
        int rc = call(SCHEDOP_poll, &poll_operand);

        if (rc != 0 && rc != -XEN_EINVAL && rc != -XEN_EFAULT) {
            complain("poll: %d", rc);
        }
        seen |= rc == 0 ? 1 : rc == -XEN_EINVAL ? 2 : 4;
        rc = call(SCHEDOP_watchdog, &dog_operand);
        if (rc != -XEN_EINVAL) { /* 1 is not claimed, the other no id */
            complain("watchdog: %d", rc);
        }
    }
    done = true;
    kit_printf("vandal: poll gave %s\n", seen == 1 ? "only 0" : "all sorts");
}

/* ---- the local APIC ---- */

#define X2APIC 0x800u
#define ICR 0x30u
#define INIT_BIT 0x400u /* delivery modes 4 to 7: NMI, INIT, start-up */
#define ABUSES 3000u

/* Any value, but not one that stops this vCPU: that is a deed of its own. */
static uint32_t harsh(uint32_t reg)
{
    uint32_t value = (uint32_t)random_odd();

    return reg == ICR ? value & ~INIT_BIT : value;
}

static void write_apic(void *context)
{
    uint32_t reg = random_below(0x40);

    (void)context;
    __asm__ volatile("wrmsr"
                     :
                     : "c"(X2APIC + reg), "a"(harsh(reg)),
                       "d"((uint32_t)random_odd()));
}

/* Interrupts of all kinds to all vCPUs, never taken. */
void abuse_apic(void)
{
    volatile uint32_t *registers = (void *)(uintptr_t)0xfee00000;

    (void)kit_events_off();
    for (unsigned int i = 0; i < ABUSES; i++) {
        uint32_t reg = random_below(0x40);

        registers[reg * 4] = harsh(reg);
        (void)registers[random_below(1024)];
    }
    __asm__ volatile("wrmsr" : : "c"(0x1b), "a"(0xfee00c00), "d"(0));
    for (unsigned int i = 0; i < ABUSES; i++) {
        (void)attempt(write_apic, NULL);
    }
    (void)schedop_shutdown(SHUTDOWN_poweroff);
}

/* A vCPU that waits for a start-up IPI nobody sends. */
void init_self(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 1);
    (void)kit_events_off();
    *(volatile uint32_t *)(uintptr_t)0xfee00310 = 0;
    *(volatile uint32_t *)(uintptr_t)0xfee00300 = 0x4500;
    for (;;) {
        kit_sleep_ns(1000 * MS);
    }
}
