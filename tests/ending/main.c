/* SPDX-License-Identifier: MIT */
/*
 * ender: a domain that ends as its command line says, so that a test can see
 * what the controller makes of it. Run by tests/ending/run.sh, and on real
 * Xen under real xl, whose answers that script holds.
 *
 *   code=N     shut down with this reason (default 0) after wait=MS
 *   state=NAME crash, deep in calls, or stay for good in that state: paused
 *              is the caller's, spin, block, poll, dogs, storm
 *   reset      a soft reset, and what is left of the domain after it
 */
#include <schedop/kit.h>

#include <xen/hvm/params.h>
#include <xen/vcpu.h>

#define PORTS 8u
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

/* ---- a soft reset ---- */

static vcpu_info_t info[2] __attribute__((aligned(64)));
static vcpu_runstate_info_t runstate;

static long vcpu_op(unsigned long command, unsigned long vcpu, void *operand)
{
    long result;

    __asm__ volatile("vmmcall"
                     : "=a"(result), "+D"(command), "+S"(vcpu), "+d"(operand)
                     : "0"((long)__HYPERVISOR_vcpu_op)
                     : "memory");
    return result;
}

static long register_info(unsigned vcpu)
{
    struct vcpu_register_vcpu_info op = {
        .mfn = kit_frame(&info[vcpu]),
        .offset = (uint32_t)((uintptr_t)&info[vcpu] & 4095),
    };

    return vcpu_op(VCPUOP_register_vcpu_info, vcpu, &op);
}

static long register_runstate(void)
{
    struct vcpu_register_runstate_memory_area op = {.addr.v = &runstate};

    return vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op);
}

static uint64_t param(uint32_t index)
{
    uint64_t value = 0;

    return schedop_hvm_param_get(index, &value) == 0 ? value : ~0ull;
}

static void print_ports(void)
{
    for (evtchn_port_t port = 1; port <= PORTS; port++) {
        struct evtchn_status status = {.dom = DOMID_SELF, .port = port};
        int rc = schedop_evtchn_status(&status);

        kit_printf(" %d", rc == 0 ? (int)status.status : rc);
    }
}

/* What a guest can see of itself; the console must work. */
static void print_state(const char *when)
{
    kit_printf("%s: ports", when);
    print_ports();
    kit_printf("\n%s: console %llx/%llu store %llx/%llu callback %llx\n", when,
               (unsigned long long)param(HVM_PARAM_CONSOLE_PFN),
               (unsigned long long)param(HVM_PARAM_CONSOLE_EVTCHN),
               (unsigned long long)param(HVM_PARAM_STORE_PFN),
               (unsigned long long)param(HVM_PARAM_STORE_EVTCHN),
               (unsigned long long)param(HVM_PARAM_CALLBACK_IRQ));
    kit_printf("%s: vcpu 1 is up: %ld\n", when, vcpu_op(VCPUOP_is_up, 1, NULL));
}

/* The pending words are in the page of shared info, behind the vCPUs. */
static const unsigned long *shared_page(void)
{
    return (const void *)((uintptr_t)kit_events()->pending & ~4095ul);
}

static int reset(void)
{
    const unsigned long *words = shared_page();
    struct schedop_watchdog dog, other;
    evtchn_port_t port, unbound;
    uint64_t callback, spun, entered;
    unsigned long page[512];
    int rc;

    kit_printf("before: vcpu 1 starts: %d\n", kit_start_vcpu(1, spin, NULL));
    kit_printf("before: bind_ipi: %d", schedop_evtchn_bind_ipi(0, &port));
    kit_printf(" %u, alloc_unbound: %d", port,
               schedop_evtchn_alloc_unbound(0, &unbound));
    kit_printf(" %u\n", unbound);
    kit_printf("before: vcpu_info of 1: %ld runstate: %ld watchdog: %d\n",
               register_info(1), register_runstate(),
               schedop_watchdog_start(&dog, 3600));
    print_state("before");
    (void)kit_events_off();
    (void)schedop_evtchn_send(port); /* stays pending */
    kit_sleep_ns(10000000);
    entered = runstate.state_entry_time;
    spun = spins;
    rc = schedop_shutdown(SHUTDOWN_soft_reset);

    /* Nothing was said to Xen yet: this is what it left. */
    callback = param(HVM_PARAM_CALLBACK_IRQ);
    for (unsigned i = 0; i < 512; i++) {
        page[i] = words[i];
    }
    for (unsigned i = 0; i < 1000 && spins == spun; i++) {
        kit_spin_ns(1000000);
    }
    if (kit_reattach() != 0) {
        return 1;
    }
    kit_printf("after: shutdown gave %d, callback was %llx\n", rc,
               (unsigned long long)callback);
    for (unsigned i = 0; i < 512; i++) {
        if (page[i] != 0 && i >= 256) {
            kit_printf("after: word %u of the page was %lx\n", i, page[i]);
        }
    }
    print_state("after");
    kit_printf("after: vcpu 1 %s\n", spins != spun ? "goes on" : "stands");
    kit_printf("after: vcpu_info of 1: %ld runstate was %s: %ld\n",
               register_info(1),
               runstate.state_entry_time == entered ? "forgotten" : "kept",
               register_runstate());
    kit_printf("after: watchdog stops: %d, new: %d\n",
               schedop_watchdog_stop(&dog), schedop_watchdog_start(&other, 60));
    kit_printf("after: bind_ipi: %d", schedop_evtchn_bind_ipi(0, &port));
    kit_printf(" %u\n", port);
    return 0;
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

    kit_printf("ender is domain %u\n", kit_info()->domid);
    if (kit_arg("state", state, sizeof(state))) {
        stay(state);
    }
    if (kit_arg("reset", state, sizeof(state)) && reset() != 0) {
        return 1;
    }
    kit_sleep_ns(kit_arg_u64("wait", 100) * 1000000);
    kit_exit((uint32_t)kit_arg_u64("code", 0));
}
