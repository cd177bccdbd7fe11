/* SPDX-License-Identifier: MIT */
/*
 * ender: a domain that ends as its command line says, so that a test can see
 * what the controller makes of it: tests/ending/run.sh and tests/dump/run.sh.
 *
 *   code=N     shut down with this reason (default 0) after wait=MS
 *   state=NAME crash, deep in calls, or stay for good in that state: paused
 *              is the caller's, spin, block, poll, dogs, storm
 *   churn=N    with all it can hold, to be built anew: until its id is N
 *   life=N     the Nth of these lives
 *   hold=BITS  with those things (churn.c) whatever else it does
 */
#include "churn.h"

#define HOUR_NS 3600000000000ull

/* Read by a debugger from a dump. */
volatile uint64_t ender_mark = 0x1122334455667788ull;
struct {
    char name[8];
    uint32_t values[4];
} ender_table = {"ender", {2, 3, 5, 7}};

static volatile uint64_t spins;

static void spin(void *context)
{
    (void)context;
    for (;;) {
        spins++;
    }
}

/* ---- states to be destroyed in, and to be dumped in ---- */

static bool never(void *context)
{
    (void)context;
    return false;
}

__attribute__((noinline)) static void crash_inner(unsigned depth)
{
    if (depth == 0) {
        __asm__ volatile("ud2");
    } else {
        crash_inner(depth - 1);
        __asm__ volatile(""); /* a call, no jump */
    }
}

static void stay(const char *state)
{
    struct schedop_watchdog dog;
    evtchn_port_t port;

    if (strcmp(state, "spin") == 0) {
        (void)kit_start_vcpu(1, spin, NULL);
        spin(NULL);
    } else if (strcmp(state, "block") == 0) {
        (void)kit_wait(never, NULL);
    } else if (strcmp(state, "poll") == 0) {
        (void)schedop_evtchn_bind_ipi(0, &port);
        (void)kit_poll(port, kit_now_ns() + HOUR_NS);
    } else if (strcmp(state, "dogs") == 0) {
        (void)schedop_watchdog_start(&dog, 3600);
        (void)schedop_watchdog_start(&dog, 3600);
        (void)kit_wait(never, NULL);
    } else if (strcmp(state, "suspend") == 0) {
        (void)schedop_shutdown(SHUTDOWN_suspend);
    } else if (strcmp(state, "crash") == 0) {
        (void)kit_start_vcpu(1, spin, NULL);
        while (kit_arg_u64("vcpus", 1) > 1 && spins == 0) {
            kit_sleep_ns(1000000);
        }
        crash_inner(3);
    }
    kit_panic("no state %s", state);
}

int main(void)
{
    char state[16];

    uint64_t lives = kit_arg_u64("churn", 0);

    if (kit_arg_u64("life", 0) != 0) {
        churn((uint32_t)kit_arg_u64("life", 0));
    }
    if (kit_info()->domid < lives) {
        churn(kit_info()->domid);
    } else if (lives != 0) {
        kit_exit(99); /* enough: nobody restarts that */
    }
    kit_printf("ender is domain %u\n", kit_info()->domid);
    churn_hold((uint32_t)kit_arg_u64("hold", 0));
    if (kit_arg("state", state, sizeof(state))) {
        stay(state);
    }
    kit_sleep_ns(kit_arg_u64("wait", 100) * 1000000);
    kit_exit((uint32_t)kit_arg_u64("code", 0));
}
