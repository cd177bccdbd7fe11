/* SPDX-License-Identifier: MIT */
/*
 * Bad hypercalls: first each command with each bad address, number and state,
 * where the answer is known; then random ones, where only survival is.
 *
 * What would end or maim this domain by its own right (a shutdown, a short
 * watchdog, giving memory away, closing the console's port) is left out of the
 * random part; deeds.c does those one by one.
 */
#include "hostile.h"

#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

static int call3(unsigned int number, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return (int)schedop_hypercall3(number, a1, a2, a3);
}

static void want(const char *what, int got, int expected)
{
    if (got != expected) {
        complain("%s: %d, not %d", what, got, expected);
    }
}

/* ---- known answers ---- */

static const struct {
    const char *name;
    uint64_t address;
} nowhere[] = {
    {"hole", 0xd0000000},
    {"local APIC", 0xfee00000},
    {"end of 4 GiB", 0xfffffffe},
    {"not mapped", 0x700000000000},
    {"upper half", 0xffff800000000000},
    {"where hypervisors live", 0xffff830000000000},
    {"not canonical", 0x1234700000000000},
};

static void bad_pointers(void)
{
    for (unsigned int i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
        uint64_t a = nowhere[i].address;
        const char *n = nowhere[i].name;

        want(n, call3(__HYPERVISOR_sched_op, SCHEDOP_shutdown, a, 0),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_sched_op, SCHEDOP_poll, a, 0), -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, a, 0),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, a, 0),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_sched_op, SCHEDOP_watchdog, a, 0),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_sched_op, SCHEDOP_pin_override, a, 0),
             -XEN_EPERM);
        for (unsigned int op = 0; op <= 13; op++) {
            if (op != 2 && op != 12) { /* bind_pirq; expand_array's feature */
                want(n, call3(__HYPERVISOR_event_channel_op, op, a, 0),
                     -XEN_EFAULT);
            }
        }
        want(n, call3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, a),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, a),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, a),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, a),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_hvm_op, HVMOP_get_param, a, 0), -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, a, 0),
             -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_multicall, a, 1, 0), -XEN_EFAULT);
        want(n, call3(__HYPERVISOR_xen_version, 6, a, 0), -XEN_EFAULT);
    }
}

/* Operands that begin in memory and end in nothing, byte by byte. */
static void straddling(void)
{
    static const struct {
        int command;
        unsigned int size;
    } operands[] = {{SCHEDOP_poll, 24},
                    {SCHEDOP_remote_shutdown, 8},
                    {SCHEDOP_watchdog, 8}};

    for (unsigned int i = 0; i < 3; i++) {
        for (unsigned int n = 1; n < operands[i].size; n++) {
            want("straddling",
                 call3(__HYPERVISOR_sched_op, (uint64_t)operands[i].command,
                       unmapped_page() - n, 0),
                 -XEN_EFAULT);
        }
    }
}

static void bad_numbers(void)
{
    static const uint64_t ports[] = {0,      63,         64,        1023,
                                     1024,   4095,       4096,      131071,
                                     131072, 0x7fffffff, 0xffffffff};
    struct sched_remote_shutdown victim = {0, SHUTDOWN_crash};

    for (unsigned int i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
        evtchn_port_t port = (evtchn_port_t)ports[i];

        want("poll", schedop_poll(&port, 1, 1), -XEN_EINVAL);
        want("send", schedop_evtchn_send(port), -XEN_EINVAL);
        want("close", schedop_evtchn_close(port), -XEN_EINVAL);
    }
    want("poll", schedop_poll((void *)arena, UINT32_MAX, 1), -XEN_EINVAL);
    for (uint32_t dom = 0; dom < 16; dom++) {
        int rc;

        victim.domain_id = (domid_t)dom;
        rc = call3(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
                   (uintptr_t)&victim, 0);
        if (rc != -XEN_EPERM && rc != -XEN_ESRCH) {
            complain("remote_shutdown of %u: %d", dom, rc);
        }
    }
    for (uint32_t v = 1; v < 100000; v = v * 3 + 1) {
        want("up", schedop_vcpu_up(v), v == 1 ? -XEN_EINVAL : -XEN_ENOENT);
    }
    for (unsigned int nr = 64; nr < 100000; nr = nr * 2 + 1) {
        uint64_t rc;

        __asm__ volatile("vmmcall" : "=a"(rc) : "0"((uint64_t)nr) : "memory");
        want("hypercall", (int)rc, -XEN_ENOSYS);
    }
}

/* Others' ports and privileged calls. */
static void not_ours(void)
{
    for (uint32_t dom = 0; dom < 8; dom++) {
        for (evtchn_port_t p = 0; p < 20; p++) {
            evtchn_port_t port;
            int rc = schedop_evtchn_bind_interdomain((domid_t)dom, p, &port);

            if (rc == 0) {
                complain("bound to port %u of domain %u", p, dom);
            }
        }
    }
    for (unsigned int op = 0; op < 64; op++) {
        memset(arena, 0, 4096);
        ((uint32_t *)(void *)arena)[0] = op;
        ((uint32_t *)(void *)arena)[1] = 0x15; /* interface version */
        if (call3(__HYPERVISOR_domctl, (uintptr_t)arena, 0, 0) >= 0) {
            complain("domctl %u works", op);
        }
        if (call3(__HYPERVISOR_sysctl, (uintptr_t)arena, 0, 0) >= 0) {
            complain("sysctl %u works", op);
        }
    }
}

/* All there is, and giving it back. */
static void exhaust_ports(void)
{
    evtchn_port_t first, last = 0, port;
    int rc = schedop_evtchn_alloc_unbound(DOMID_SELF, &first);
    unsigned int n = 0;

    want("alloc_unbound", rc, 0);
    while ((rc = schedop_evtchn_alloc_unbound(DOMID_SELF, &port)) == 0) {
        last = port;
        n++;
    }
    want("no port left", rc, -XEN_ENOSPC);
    if (n < 100 || n > 5000) {
        complain("%u ports", n);
    }
    for (port = first; port <= last; port++) {
        want("close", schedop_evtchn_close(port), 0);
    }
}

/* ---- random ones ---- */

#define WORDS (ARENA_SIZE / 8)

/* Only the first page is refilled: the rest is for arrays to run into. */
static void fill_arena(void)
{
    uint64_t *words = (void *)own_arena();

    targets_refresh();
    for (unsigned int i = 0; i < 64; i++) {
        words[random_below(512)] =
            random_below(3) ? random_odd() : random_target();
    }
}

static bool verbose; /* verbose=1: each random call is printed before */

static uint64_t random_argument(void)
{
    switch (random_below(3)) {
    case 0:
        return random_target();
    case 1:
        return random_below(40);
    default:
        return random_odd();
    }
}

static bool is_in_arena(uint64_t address, uint64_t size)
{
    uintptr_t base = (uintptr_t)own_arena();

    return address >= base && address - base <= ARENA_SIZE - size;
}

/* sched_op: no shutdown, no early watchdog, no sleep without end. */
static bool sched_op_is_mild(struct call *c)
{
    uint32_t command = (uint32_t)c->arg[0];
    uint32_t *words = (void *)(uintptr_t)c->arg[1];

    if (command == SCHEDOP_shutdown || command == SCHEDOP_shutdown_code ||
        command == SCHEDOP_block) {
        return false;
    }
    if (command != SCHEDOP_watchdog && command != SCHEDOP_poll) {
        return true;
    }
    if (!is_in_arena(c->arg[1], 24)) {
        return !is_in_arena(c->arg[1], 0);
    }
    if (command == SCHEDOP_watchdog && words[1] < 1000) {
        words[1] += 1000;
    }
    if (command == SCHEDOP_poll) {
        uint64_t soon = kit_now_ns() + random_below(1000000);

        memcpy(words + 4, &soon, sizeof(soon));
    }
    return true;
}

/* What would take our own legs away by right. */
bool is_mild(struct call *c)
{
    uint32_t command = (uint32_t)c->arg[0];

    switch (c->nr) {
    case __HYPERVISOR_sched_op:
        return sched_op_is_mild(c);
    case __HYPERVISOR_memory_op:
        return (command & 63) != 1 && (command & 63) != 7 &&
               (command & 63) != 11 && (command & 63) != 15 &&
               (command & 63) != 23;
    case __HYPERVISOR_event_channel_op: /* close, reset: the console */
        return command != EVTCHNOP_close && command != EVTCHNOP_reset &&
               command != EVTCHNOP_bind_vcpu &&
               command != EVTCHNOP_init_control;
    case __HYPERVISOR_vcpu_op: /* down, info pages over our own memory */
        return command != VCPUOP_down && command != VCPUOP_register_vcpu_info &&
               command != VCPUOP_register_runstate_memory_area &&
               command != VCPUOP_register_vcpu_time_memory_area &&
               command != VCPUOP_up && command != VCPUOP_send_nmi;
    case __HYPERVISOR_hvm_op:
        return command != HVMOP_set_param &&
               command != HVMOP_set_evtchn_upcall_vector;
    case __HYPERVISOR_console_io:
        return command != CONSOLEIO_write || !is_in_arena(c->arg[2], 0);
    case __HYPERVISOR_grant_table_op: /* answers all over our memory */
        return (uint32_t)c->arg[2] <= 64 || (int32_t)c->arg[2] < 0;
    case __HYPERVISOR_multicall: /* its entries are not looked through */
        return !is_in_arena(c->arg[0], 0);
    default:
        return true;
    }
}

void random_call(struct call *c)
{
    fill_arena();
    c->nr = random_below(8) ? random_below(64) : random_odd();
    for (unsigned int i = 0; i < 5; i++) {
        c->arg[i] = random_argument();
    }
    if (random_below(2)) { /* the most interesting ones, more often */
        static const uint8_t favourites[] = {12, 13, 15, 17, 20, 24,
                                             29, 29, 32, 32, 34};

        c->nr = favourites[random_below(sizeof(favourites))];
        c->arg[0] = random_below(20);
    }
}

void make_call(struct call *c)
{
    register uint64_t r10 __asm__("r10") = c->arg[3];
    register uint64_t r8 __asm__("r8") = c->arg[4];
    register uint64_t r9 __asm__("r9") = c->arg[0] * 3;

    __asm__ volatile("vmmcall"
                     : "+a"(c->nr), "+D"(c->arg[0]), "+S"(c->arg[1]),
                       "+d"(c->arg[2]), "+r"(r10), "+r"(r8), "+r"(r9)
                     :
                     : "memory", "cc");
}

static void one_random_call(void)
{
    struct call c;

    random_call(&c);
    if (!is_mild(&c)) {
        return;
    }
    if (verbose) {
        kit_printf("call %lu(%lx, %lx, %lx, %lx)\n", c.nr, c.arg[0], c.arg[1],
                   c.arg[2], c.arg[3]);
    }
    make_call(&c);
}

/* A multicall of random entries, whose worst would be one of ours. */
void random_multicall(void)
{
    struct multicall_entry *e = (void *)own_arena();
    uint64_t n = 1 + random_below(8);

    memset(e, 0, 4096);
    for (unsigned int i = 0; i < n; i++) {
        struct call c;

        c.nr = random_below(64);
        for (unsigned int k = 0; k < 5; k++) {
            c.arg[k] = random_argument();
        }
        if (!is_mild(&c) || c.nr == __HYPERVISOR_sched_op) {
            c.nr = 99;
        }
        e[i].op = c.nr;
        memcpy(e[i].args, c.arg, sizeof(c.arg));
    }
    (void)call3(__HYPERVISOR_multicall, (uintptr_t)e,
                random_below(4) ? n : n | UINT64_C(1) << 32, 0);
}

void release_watchdogs(void)
{
    struct sched_watchdog one = {1, 0}, two = {2, 0};

    (void)call3(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (uintptr_t)&one, 0);
    (void)call3(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (uintptr_t)&two, 0);
}

void bad_calls(void)
{
    uint64_t count = kit_arg_u64("count", 2000);

    verbose = kit_arg_u64("verbose", 0) != 0;
    bad_pointers();
    straddling();
    bad_numbers();
    not_ours();
    exhaust_ports();
    kit_printf("calls: known answers done\n");
    for (uint64_t i = 0; i < count; i++) {
        if (i % 16 == 15) {
            random_multicall();
        } else {
            one_random_call();
        }
        if (i % 64 == 63) {
            release_watchdogs();
        }
    }
    kit_printf("calls: %lu random ones done\n", count);
}
