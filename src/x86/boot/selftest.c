/* SPDX-License-Identifier: MIT */
/*
 * `test=selftest` on the hypervisor's command line: checks what the lower half
 * promises in x86.h, says so line by line and stops the machine. For
 * tests/boot, and for a first look at a new machine.
 */
#include "boot.h"

#include "../cpu/asm.h"
#include "../cpu/cpu.h"
#include "../irq/irq.h"
#include "../mm/mm.h"
#include "../time.h"

static unsigned nr_failed;

static void check(bool good, const char *what)
{
    x86_log(SOP_LOG_INFO, "selftest: %s %s", good ? "ok" : "FAILED", what);
    nr_failed += good ? 0 : 1;
}

static bool all_bytes(const char *p, size_t len, char value)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

static void test_heap(void)
{
    char *small = hv_alloc(1), *large = hv_alloc(5 << 20);
    uint64_t used = hv_bytes_used();

    check(small != NULL && large != NULL && hv_pa(small) == (uint64_t)small,
          "heap gives pages and blocks");
    if (small == NULL || large == NULL) {
        return;
    }
    check(all_bytes(large, 5 << 20, 0), "heap memory is zero");
    __builtin_memset(large, 0x5a, 5 << 20);
    hv_free(large, 5 << 20);
    large = hv_alloc(5 << 20);
    check(large != NULL && all_bytes(large, 5 << 20, 0),
          "heap memory is zero when used again");
    hv_free(large, 5 << 20);
    hv_free(small, 1);
    check(hv_bytes_used() == used - (5 << 20) - PAGE_SIZE,
          "heap gets back what it gave");
    check(hv_alloc(PA_LIMIT + 1) == NULL && hv_alloc(64 * GIB) == NULL,
          "heap refuses what it does not have");
}

static void test_ram(void)
{
    uint64_t left = ram_bytes_free();
    uint64_t a = ram_alloc(3 << 20), b = ram_alloc(1);

    check(a != 0 && b != 0 && a % SUPERPAGE_SIZE == 0 && b >= a + (4 << 20),
          "guest memory comes in blocks");
    ram_free(a, 3 << 20);
    check(ram_alloc(4 << 20) == a, "guest memory is used again, first fit");
    ram_free(a, 4 << 20);
    ram_free(b, 1);
    check(ram_bytes_free() == left, "guest memory is all back");
    check(ram_alloc(left + 1) == 0 && ram_alloc(0) == 0,
          "guest memory can be exhausted");
}

static void test_windows(void)
{
    uint64_t pa = ram_alloc(8 << 20);
    uint64_t *w0 = window_open(0, pa), *w1 = window_open(1, pa + 0x5000);
    uint64_t got[2] = {0, 0};
    char *whole;

    *w0 = 0x1111;
    *w1 = 0x2222;
    w0 = window_open(0, pa + 0x5000);
    check(*w0 == 0x2222, "a window moves");
    window_close(0);
    window_close(1);
    pa_copy(pa + (3 << 20), pa, 2 << 20); /* crosses blocks on both sides */
    pa_copy_out(&got[0], pa + (3 << 20), 8);
    pa_copy_out(&got[1], pa + (3 << 20) + 0x5000, 8);
    check(got[0] == 0x1111 && got[1] == 0x2222, "guest memory is copied");
    got[0] = 0x3333;
    pa_copy_in(pa + (2 << 20) - 4, got, 8);
    pa_copy_out(&got[1], pa + (2 << 20) - 4, 8);
    check(got[1] == 0x3333, "a copy may cross blocks");
    pa_zero(pa, 8 << 20);
    whole = ram_map(pa, 8 << 20);
    check(whole != NULL && all_bytes(whole, 8 << 20, 0),
          "guest memory is zeroed, and can be mapped in one piece");
    ram_unmap(whole);
    ram_free(pa, 8 << 20);
}

/* More maps than there are places, so that places are used again. */
static void test_frames(void)
{
    uint64_t pa = ram_alloc(SUPERPAGE_SIZE), wrong = 0;

    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t frame = pa + i % 512 * PAGE_SIZE;
        uint64_t *p = frame_map(frame);
        uint64_t seen;

        if (p == NULL) {
            wrong++;
            continue;
        }
        *p = i;
        pa_copy_out(&seen, frame, sizeof(seen));
        wrong += seen == i ? 0 : 1;
        frame_unmap(p);
    }
    check(wrong == 0, "frames can be mapped again and again");
    ram_free(pa, SUPERPAGE_SIZE);
}

static void test_timer(void)
{
    struct x86_pcpu *self = x86_self();
    uint64_t start = time_now(), end, wait = 3000000;

    self->timer_fired = false;
    time_arm(start + wait, start);
    while (!self->timer_fired) {
        irq_wait();
    }
    end = time_now();
    self->timer_fired = false;
    x86_log(SOP_LOG_INFO,
            "selftest: TSC %llu kHz, timer asked %llu ns, took %llu ns",
            (unsigned long long)time_tsc_khz(), (unsigned long long)wait,
            (unsigned long long)(end - start));
    check(end - start > wait - wait / 100, "the timer does not fire early");
    /* Far enough away for an emulator that stands still for a while. */
    time_arm(end + 100000000, end);
    time_arm(SOP_TIME_NEVER, end);
    while (time_now() < end + 120000000) {
        irq_take_pending();
    }
    check(!self->timer_fired, "the timer can be disarmed");
    check(time_wall_ns_at_boot() / 1000000000 > 946684800, "there is a date");
}

static _Atomic unsigned nr_ticked;
static volatile uint64_t latest;

/* Each other pCPU: its own timer fires, and the clock does not step back. */
static void other_pcpu(struct x86_pcpu *self)
{
    uint64_t now = time_now();

    time_arm(now + 1000000, now);
    while (!self->timer_fired) {
        irq_wait();
    }
    self->timer_fired = false;
    if (time_now() > now) {
        atomic_fetch_add(&nr_ticked, 1);
    }
    for (;;) {
        irq_wait();
        if (self->kicked) {
            self->kicked = false;
            latest = time_now();
            irq_send_kick(x86_pcpu(0));
        }
        if (self->timer_fired) {
            self->timer_fired = false;
        }
    }
}

static bool ping(struct x86_pcpu *self, const struct x86_pcpu *other)
{
    uint64_t start = time_now();

    self->kicked = false;
    irq_send_kick(other);
    while (!self->kicked) {
        irq_wait();
    }
    return latest >= start && time_now() >= latest;
}

static void test_pcpus(void)
{
    struct x86_pcpu *self = x86_self();
    uint64_t end = time_now() + 2000000000;
    bool good;

    irq_send_kick(self);
    irq_take_pending();
    check(self->kicked, "a pCPU can kick itself");
    self->kicked = false;
    x86_start_pcpus(other_pcpu);
    while (nr_ticked < x86_nr_pcpus() - 1 && time_now() < end) {
        pause();
    }
    check(nr_ticked == x86_nr_pcpus() - 1, "every pCPU has its timer");
    self->timer_fired = true; /* unseen: must not keep kicks out */
    good = x86_nr_pcpus() == 1 || ping(self, x86_pcpu(1));
    self->timer_fired = false;
    for (unsigned i = 1; i < x86_nr_pcpus(); i++) {
        for (unsigned n = 0; n < 20; n++) {
            good &= ping(self, x86_pcpu(i));
        }
    }
    check(good, "kicks arrive, and the clock never steps back");
    check(!time_is_warped(), "the TSCs are in step");
}

static void test_modules(void)
{
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];
        const volatile char *data = module_data(m);

        if (m->size > 0) {
            (void)data[0]; /* mapped from end to end */
            (void)data[m->size - 1];
        }
        x86_log(SOP_LOG_INFO, "selftest: module %u: %llu bytes, %s", i,
                (unsigned long long)m->size, m->cmdline);
    }
    x86_log(SOP_LOG_INFO, "selftest: %u modules", boot_info.nr_modules);
}

void selftest_run(void)
{
    test_modules();
    test_heap();
    test_ram();
    test_windows();
    test_frames();
    test_timer();
    test_pcpus();
    test_frames(); /* now with others to tell */
    x86_log(SOP_LOG_INFO, "selftest: %u pCPUs, %llu KiB of RAM, %llu KiB used",
            x86_nr_pcpus(), (unsigned long long)ram_bytes_total() / 1024,
            (unsigned long long)hv_bytes_used() / 1024);
    x86_log(SOP_LOG_INFO, "selftest: %s", nr_failed == 0 ? "passed" : "failed");
    machine_stop(false);
}
