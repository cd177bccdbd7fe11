/* SPDX-License-Identifier: MIT */
/*
 * workers: two vCPUs of one domain on one pCPU. vCPU 1 spins, vCPU 0 yields
 * whenever it gets to run; then the time that each had is printed. Without
 * the yields the two would share the pCPU evenly.
 *
 * Command line: ms=N, how long (default 300). Needs vcpus = 2.
 */
#include <schedop/kit.h>

static volatile bool stop, spinning;

static void spin(void *context)
{
    (void)context;
    spinning = true;
    while (!stop) {
        /* no pause: as busy as can be */
    }
}

static uint32_t ms_of(uint64_t ns)
{
    return (uint32_t)(ns / 1000000);
}

static uint64_t running_ns(uint32_t vcpu)
{
    struct vcpu_runstate_info info;

    return schedop_vcpu_runstate(vcpu, &info) == 0 ? info.time[RUNSTATE_running]
                                                   : 0;
}

static void compare(uint64_t duration_ns)
{
    uint64_t own, other, start;
    uint32_t yields = 0;

    while (!spinning) {
        schedop_yield();
    }
    own = running_ns(0);
    other = running_ns(1);
    start = kit_now_ns();
    do {
        schedop_yield();
        yields++;
    } while (kit_now_ns() - start < duration_ns);
    own = running_ns(0) - own;
    other = running_ns(1) - other;
    stop = true;
    kit_printf("%u yields in %u ms: the yielder ran %u ms, the spinner %u\n",
               yields, ms_of(kit_now_ns() - start), ms_of(own), ms_of(other));
}

int main(void)
{
    uint64_t duration_ns = kit_arg_u64("ms", 300) * 1000000;
    int rc = kit_start_vcpu(1, spin, NULL);

    if (rc != 0) {
        kit_printf("cannot start vCPU 1: %s\n", schedop_error_text(rc));
        return rc;
    }
    compare(duration_ns);
    while (schedop_vcpu_is_up(1) == 1) {
        schedop_yield();
    }
    return 0;
}
