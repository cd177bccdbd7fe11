/* SPDX-License-Identifier: MIT */
/*
 * System time is the TSC, scaled exactly as guests scale it, and begins with
 * the hypervisor's first instruction. The TSC's rate is measured against the
 * ACPI timer, or channel 2 of the PIT where there is none; the local APIC
 * timer's in the same run.
 *
 * A measurement is two samples some milliseconds apart. An emulator may lose
 * the host's processor between two reads of a sample, so each sample is the
 * best of several: the one whose reads lie closest together.
 */
#include "time.h"

#include "boot/acpi.h"
#include "boot/boot.h"
#include "cpu/asm.h"
#include "cpu/cpu.h"
#include "irq/irq.h"

#define NS_PER_S 1000000000ull
#define PM_TIMER_HZ 3579545u
#define PM_TIMER_MASK 0xffffffu
#define PIT_HZ 1193182u
#define PIT_MASK 0xffffu
#define MEASURE_DIVISOR 100u /* of a second: 10 ms */
#define SAMPLE_TRIES 8u
#define SYNC_ROUNDS 8ull /* an emulator may take a time slice for each */

struct time_clock time_clock;
static uint64_t tsc_khz, wall_at_boot_ns;
static uint64_t apic_mul;   /* APIC timer ticks per ns, times 2^32 */
static uint32_t tsc_per_ns; /* TSC ticks per ns, times 2^20 */
static bool has_deadline, is_ready;
static _Atomic uint64_t last_ns; /* only if time_clock.warped */

/* ---------------------------------------------------------------- reference */

struct sample {
    uint64_t tsc;
    uint32_t reference, apic_left;
};

static void pit_start(void)
{
    outb(0x61, (uint8_t)((inb(0x61) & ~2u) | 1u)); /* gate on, speaker off */
    outb(0x43, 0xb0); /* channel 2, both bytes, count down once */
    outb(0x42, 0xff);
    outb(0x42, 0xff);
}

/* Counts up, whichever it is. */
static uint32_t reference_read(void)
{
    uint32_t low;

    if (acpi_info.pm_timer != 0) {
        return inl(acpi_info.pm_timer) & PM_TIMER_MASK;
    }
    outb(0x43, 0x80);
    low = inb(0x42);
    return PIT_MASK - (low | (uint32_t)inb(0x42) << 8);
}

static struct sample take_sample(void)
{
    struct sample best = {0, 0, 0};
    uint64_t best_spread = UINT64_MAX;

    for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = rdtsc_ordered();
        uint32_t reference = reference_read();
        uint32_t left = apic_timer_left();
        uint64_t after = rdtsc_ordered();

        if (after - before < best_spread) {
            best_spread = after - before;
            best =
                (struct sample){before + (after - before) / 2, reference, left};
        }
    }
    return best;
}

static uint64_t rate(uint64_t ticks, uint64_t reference, uint64_t reference_hz)
{
    return ticks * reference_hz / reference; /* fits for hours */
}

static void set_scale(uint64_t hz)
{
    uint64_t mul;
    int8_t shift = 0;

    /* ns = (ticks shifted) * mul / 2^32. A faster counter gets a smaller mul,
       not a shift to the right: then time_read() need not shift. */
    while (hz <= NS_PER_S) {
        hz <<= 1;
        shift++;
    }
    mul = (NS_PER_S << 32) / hz;
    time_clock.scale =
        (struct sop_time_scale){boot_tsc, 0, (uint32_t)mul, shift};
    time_clock.mul = mul << shift;
}

static void measure(void)
{
    bool pm = acpi_info.pm_timer != 0;
    uint32_t mask = pm ? PM_TIMER_MASK : PIT_MASK;
    uint32_t hz = pm ? PM_TIMER_HZ : PIT_HZ;
    struct sample first, last;
    uint32_t passed;
    uint64_t tsc_hz;

    if (!pm) {
        pit_start();
    }
    apic_timer_mode(false, true);
    apic_timer_start(UINT32_MAX);
    first = take_sample();
    while (((reference_read() - first.reference) & mask) <
           hz / MEASURE_DIVISOR) {
        pause();
    }
    last = take_sample();
    apic_timer_start(0);

    passed = (last.reference - first.reference) & mask;
    tsc_hz = rate(last.tsc - first.tsc, passed, hz);
    if (tsc_hz < 1000000) {
        x86_panic("the TSC does not count");
    }
    tsc_khz = tsc_hz / 1000;
    tsc_per_ns = (uint32_t)((tsc_hz << 20) / NS_PER_S);
    apic_mul =
        (rate(first.apic_left - last.apic_left, passed, hz) << 32) / NS_PER_S;
    set_scale(tsc_hz);
}

/* --------------------------------------------------------------- wall clock */

static uint8_t rtc_read(uint8_t reg)
{
    outb(0x70, reg | 0x80);
    return inb(0x71);
}

struct rtc {
    uint8_t second, minute, hour, day, month, year;
};

static struct rtc rtc_sample(void)
{
    for (unsigned i = 0; i < 10000 && (rtc_read(0x0a) & 0x80) != 0; i++) {
        pause();
    }
    return (struct rtc){rtc_read(0), rtc_read(2), rtc_read(4),
                        rtc_read(7), rtc_read(8), rtc_read(9)};
}

static unsigned decoded(uint8_t value, bool binary)
{
    return binary ? value : (value >> 4) * 10u + (value & 15u);
}

/* Days from 1970-01-01 to the given date (proleptic Gregorian). */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    /* Years begin in March, so that a leap day is the last of its year. */
    uint64_t y = month <= 2 ? year - 1 : year;
    uint64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 -
           719468;
}

static uint64_t rtc_seconds(void)
{
    struct rtc now = rtc_sample(), again = rtc_sample();
    uint8_t mode = rtc_read(0x0b);
    bool binary = (mode & 4) != 0;
    unsigned hour, month, day;

    for (unsigned i = 0;
         i < 8 && __builtin_memcmp(&now, &again, sizeof(now)) != 0; i++) {
        now = again;
        again = rtc_sample();
    }
    hour = decoded(now.hour & 0x7f, binary);
    if ((mode & 2) == 0) { /* 12-hour clock, bit 7 is p.m. */
        hour = hour % 12 + ((now.hour & 0x80) != 0 ? 12 : 0);
    }
    month = decoded(now.month, binary);
    day = decoded(now.day, binary);
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        return 0; /* no clock here */
    }
    return days_since_1970(2000 + decoded(now.year, binary), month, day) *
               86400 +
           hour * 3600ull + decoded(now.minute, binary) * 60ull +
           decoded(now.second, binary);
}

/* -------------------------------------------------------------------- clock */

uint64_t time_never_back(uint64_t now)
{
    uint64_t last = atomic_load(&last_ns);

    while (now > last) {
        if (atomic_compare_exchange_weak(&last_ns, &last, now)) {
            return now;
        }
    }
    return last;
}

uint64_t time_now(void)
{
    return time_read();
}

const struct sop_time_scale *time_scale(void)
{
    return &time_clock.scale;
}

uint64_t time_tsc_khz(void)
{
    return tsc_khz;
}

uint64_t time_wall_ns_at_boot(void)
{
    return wall_at_boot_ns;
}

void time_init_pcpu(void)
{
    apic_timer_mode(has_deadline, false);
}

void time_init(void)
{
    uint64_t now;

    if (is_ready) {
        return;
    }
    has_deadline = (cpuid(1, 0).c & 1u << 24) != 0;
    measure();
    time_init_pcpu();
    now = rtc_seconds() * NS_PER_S;
    wall_at_boot_ns = now > time_now() ? now - time_now() : 0;
    is_ready = true;
}

void time_arm(uint64_t deadline_ns, uint64_t now_ns)
{
    uint64_t wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    uint64_t ticks;

    if (deadline_ns == SOP_TIME_NEVER) {
        if (has_deadline) {
            wrmsr(MSR_TSC_DEADLINE, 0);
        } else {
            apic_timer_start(0);
        }
        return;
    }
    /* An early interrupt is allowed, so a far deadline is cut short. */
    if (wait_ns > NS_PER_S) {
        wait_ns = NS_PER_S;
    }
    if (has_deadline) {
        ticks = (wait_ns * tsc_per_ns >> 20) + 1;
        wrmsr(MSR_TSC_DEADLINE, rdtsc_ordered() + ticks);
        return;
    }
    ticks = (wait_ns * apic_mul >> 32) + 1;
    apic_timer_start(ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX);
}

/* ---------------------------------------------------------- TSCs in step? */

/*
 * The two take turns: each reads its TSC after it has seen the other's last
 * reading, so no reading may be below the one before.
 */
static _Atomic uint64_t sync_turn, sync_tsc;
static _Atomic bool sync_warp;

static void sync_rounds(uint64_t mine)
{
    for (uint64_t turn = mine; turn < 2 * SYNC_ROUNDS; turn += 2) {
        uint64_t tsc;

        while (atomic_load(&sync_turn) != turn) {
            pause();
        }
        tsc = rdtsc_ordered();
        if (tsc < atomic_load(&sync_tsc)) {
            atomic_store(&sync_warp, true);
        }
        atomic_store(&sync_tsc, tsc);
        atomic_store(&sync_turn, turn + 1);
    }
}

void time_check_sync_source(void)
{
    sync_rounds(0);
    while (atomic_load(&sync_turn) != 2 * SYNC_ROUNDS) {
        pause();
    }
    atomic_store(&sync_tsc, 0);
    atomic_store(&sync_turn, 0);
    if (atomic_load(&sync_warp) && !time_clock.warped) {
        time_clock.warped = true;
        x86_log(SOP_LOG_WARNING, "the TSCs of the pCPUs are not in step: "
                                 "guests may see time step back");
    }
}

void time_check_sync_target(void)
{
    sync_rounds(1);
}

bool time_is_warped(void)
{
    return time_clock.warped;
}
