/* SPDX-License-Identifier: MIT */
/*
 * steady: a domain that suspends itself every now and then and looks, each
 * time, whether it is still what it was: memory, registers of all kinds on
 * two vCPUs, and what spec 7.4 says a restored domain has lost and one that
 * goes on in place still has. It prints "steady N RESULT", or what is wrong
 * and crashes. Run by tests/save/run.sh.
 */
#include <schedop/kit.h>

#include <xen/memory.h>

#define WORDS (512u * 1024u) /* 4 MiB, kept in memory */
#define HOLES 97u            /* pages, of which one in seven is returned */
#define PAGE_WORDS 512u
#define MSR_FS_BASE 0xc0000100u
#define MSR_STAR 0xc0000081u
#define FS_VALUE 0x1234567000ull
#define STAR_VALUE 0x0023001000000000ull
#define DR_VALUE 0x4455667788ull
#define CR4_OSFXSR 0x600u
#define XMM_VALUE 0x0123456789abcdefull

static uint64_t memory[WORDS] __attribute__((aligned(4096)));
static volatile uint64_t spins; /* of vCPU 1 */
static volatile bool spoilt;    /* what vCPU 1 keeps in registers */

static uint64_t value_of(uint32_t i, unsigned round)
{
    return (i + 1) * 0x9e3779b97f4a7c15ull ^ round;
}

/* One page in eight stays zero: they are not written to a file. */
static bool is_zero_page(uint32_t i)
{
    return i / PAGE_WORDS % 8 == 3;
}

static void fill(unsigned round)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        memory[i] = is_zero_page(i) ? 0 : value_of(i, round);
    }
}

static bool memory_is(unsigned round)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        if (memory[i] != (is_zero_page(i) ? 0 : value_of(i, round))) {
            return false;
        }
    }
    return true;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32)));
}

static uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

/* vCPU 1 never stops, so it is cut off anywhere, its registers full. */
static void spin(void *context)
{
    uint64_t cr4, kept = XMM_VALUE, back;

    (void)context;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR));
    __asm__ volatile("movq %0, %%xmm7" : : "r"(kept));
    for (;;) {
        __asm__ volatile("movq %%xmm7, %0" : "=r"(back));
        if (back != XMM_VALUE || kept != XMM_VALUE) {
            spoilt = true;
        }
        __asm__ volatile("" : "+r"(kept));
        spins++;
    }
}

static void set_registers(void)
{
    wrmsr(MSR_FS_BASE, FS_VALUE);
    wrmsr(MSR_STAR, STAR_VALUE);
    __asm__ volatile("mov %0, %%dr1" : : "r"(DR_VALUE));
}

static bool registers_are_kept(void)
{
    uint64_t dr;

    __asm__ volatile("mov %%dr1, %0" : "=r"(dr));
    return rdmsr(MSR_FS_BASE) == FS_VALUE && rdmsr(MSR_STAR) == STAR_VALUE &&
           dr == DR_VALUE;
}

static void expect(bool good, const char *what)
{
    if (!good) {
        kit_panic("%s", what);
    }
}

/* One suspend, and all that follows; returns its result. */
static int round_trip(unsigned round)
{
    struct schedop_watchdog first, second;
    evtchn_port_t port;
    uint64_t spun;
    int rc;

    expect(schedop_evtchn_bind_ipi(0, &port) == 0, "bind_ipi");
    expect(schedop_watchdog_start(&first, 3600) == 1, "watchdog");
    fill(round);
    set_registers();
    rc = kit_suspend();
    spun = spins;
    expect(rc == SCHEDOP_RESUMED || rc == SCHEDOP_CANCELLED, "result");
    expect(memory_is(round), "memory is not what it was");
    expect(registers_are_kept(), "registers are not what they were");
    kit_sleep_ns(20000000);
    expect(spins != spun, "vCPU 1 does not go on");
    expect(!spoilt, "registers of vCPU 1 are not what they were");
    if (rc == SCHEDOP_CANCELLED) {
        expect(schedop_evtchn_send(port) == 0, "a port is closed");
        expect(schedop_evtchn_close(port) == 0, "close");
        expect(schedop_watchdog_stop(&first) == 0, "a watchdog is gone");
    } else {
        expect(schedop_evtchn_send(port) == -XEN_EINVAL, "a port is open");
        expect(schedop_watchdog_stop(&first) == -XEN_EINVAL,
               "a watchdog is left");
    }
    expect(schedop_watchdog_start(&second, 3600) == 1, "watchdog 1");
    expect(schedop_watchdog_stop(&second) == 0, "watchdog 1 stops");
    return rc;
}

static long memory_op(unsigned long command, void *operand)
{
    long result;

    __asm__ volatile("vmmcall"
                     : "=a"(result), "+D"(command), "+S"(operand)
                     : "0"((long)__HYPERVISOR_memory_op)
                     : "memory");
    return result;
}

/* Balloons some pages out, so that its memory has holes. */
static void make_holes(void)
{
    static uint8_t spare[HOLES * 4096] __attribute__((aligned(4096)));

    for (size_t at = 0; at < sizeof(spare); at += 7 * 4096) {
        xen_pfn_t frame = kit_frame(spare + at);
        struct xen_memory_reservation op = {
            .nr_extents = 1,
            .domid = DOMID_SELF,
        };
        long rc;

        set_xen_guest_handle(op.extent_start, &frame);
        rc = memory_op(XENMEM_decrease_reservation, &op);
        expect(rc == 1, "a page cannot be returned");
    }
}

int main(void)
{
    char once[4];

    make_holes();
    expect(kit_start_vcpu(1, spin, NULL) == 0, "vCPU 1");
    while (spins == 0) {
        kit_sleep_ns(1000000);
    }
    for (unsigned round = 1;; round++) {
        int rc = round_trip(round);

        kit_printf("steady %u %d\n", round, rc);
        if (rc == SCHEDOP_RESUMED && kit_arg("once", once, sizeof(once))) {
            return 0;
        }
        kit_sleep_ns(100000000);
    }
}
