/* SPDX-License-Identifier: MIT */
/*
 * Encoding: how commands, operands and results travel (spec section 1).
 *
 * A guest library is written against exactly this: which register part names
 * the command, how wide a result is, which addresses are refused and when. A
 * failure here means that a correct guest reads a success as an error or the
 * other way round, or that a hypervisor looks at memory it should not.
 */
#include "arch.h"
#include "lab.h"

static void unknown_commands(void)
{
    static const int commands[] = {8, 9, 10, 11, 99, -1, INT32_MIN};
    static const char *const names[] = {"8",  "9",  "10",        "11",
                                        "99", "-1", "0x80000000"};

    for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        saw(names[i], sched_op(commands[i], NULL), -XEN_ENOSYS);
    }
}

static void upper_half_of_command(void)
{
    saw("0x100000000", (int)raw_call(__HYPERVISOR_sched_op, 0x100000000, 0, 0),
        0);
    saw("0x100000063", (int)raw_call(__HYPERVISOR_sched_op, 0x100000063, 0, 0),
        -XEN_ENOSYS);
}

static void unknown_numbers(void)
{
    static const unsigned int numbers[] = {11, 43, 55, 99, 127};
    static const char *const names[] = {"11", "43", "55", "99", "127"};

    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        saw(names[i], (int)raw_call(numbers[i], 0, 0, 0), -XEN_ENOSYS);
    }
}

static void errors_are_wide(void)
{
    saw_bits("rax", raw_call(__HYPERVISOR_sched_op, 99, 0, 0),
             (uint64_t)-XEN_ENOSYS);
}

/* Claims both watchdogs for a time that never comes, and lets them go. */
static void watchdogs_full(bool claim)
{
    for (uint32_t id = 1; id <= 2; id++) {
        struct sched_watchdog w = {claim ? 0 : id, claim ? 1000000 : 0};

        (void)sched_op(SCHEDOP_watchdog, &w);
    }
}

static void no_slot_pattern(void)
{
    struct sched_watchdog w = {0, 1000000};

    watchdogs_full(true);
    may_be((uint64_t)-XEN_ENOSPC);
    saw_bits(
        "rax",
        raw_call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (uintptr_t)&w, 0),
        0xffffffe4);
    watchdogs_full(false);
}

static void no_slot_pattern_32(void)
{
    struct sched_watchdog *w = low_memory(sizeof(*w));

    w->id = 0;
    w->timeout = 1000000;
    watchdogs_full(true);
    saw_bits(
        "eax",
        call32(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (uint32_t)(uintptr_t)w),
        0xffffffe4);
    watchdogs_full(false);
}

/* "poll at 0x8" in a static buffer, the address by its name. */
static const char *label(int command, const char *name)
{
    static char text[80];
    unsigned int n = 0;

    for (const char *p = schedop_command_name(command); *p; p++) {
        text[n++] = *p;
    }
    text[n++] = ' ';
    while (*name && n < sizeof(text) - 1) {
        text[n++] = *name++;
    }
    text[n] = '\0';
    return text;
}

static void bad_operands(void)
{
    uint64_t address;
    const char *name;

    for (unsigned int i = 0; bad_address(i, &address, &name); i++) {
        for (int c = SCHEDOP_shutdown; c <= SCHEDOP_pin_override; c++) {
            int rc =
                (int)raw_call(__HYPERVISOR_sched_op, (uint64_t)c, address, 0);
            int want = c == SCHEDOP_pin_override && (lab_world() & AS_DOMU)
                           ? -XEN_EPERM /* before the operand is read */
                           : -XEN_EFAULT;

            if (rc != want) {
                saw(label(c, name), rc, want);
            }
        }
        saw(name, -XEN_EFAULT, -XEN_EFAULT); /* none reported above */
    }
}

static void operand_at_zero(void)
{
    uint32_t result = poll_at_zero_without_paging();

    saw("poll", (int)result, -XEN_EINVAL);
}

static void torn_operand(void)
{
    uint8_t *p = edge(16);

    saw("tail missing", sched_op(SCHEDOP_poll, p), -XEN_EFAULT);
    p = edge(24);
    p[16] = 1; /* the past: returns at once */
    saw("all there", sched_op(SCHEDOP_poll, p), 0);
}

static void odd_addresses(void)
{
    static uint8_t bytes[64];
    struct sched_poll *poll_arg = (void *)(bytes + 1);
    evtchn_port_t *ports = (void *)(bytes + 33);
    evtchn_port_t port = open_ipi(0);

    set_pending(port);
    __builtin_memset(bytes, 0, sizeof(bytes));
    __builtin_memcpy(ports, &port, sizeof(port));
    uint64_t where = (uintptr_t)ports;
    uint32_t one = 1;

    __builtin_memcpy(poll_arg, &where, sizeof(where));
    __builtin_memcpy(bytes + 1 + 8, &one, sizeof(one));
    saw("poll", sched_op(SCHEDOP_poll, poll_arg), 0);
    uint32_t nine = 9;

    __builtin_memcpy(bytes + 1, &nine, sizeof(nine)); /* no such watchdog */
    saw("watchdog", sched_op(SCHEDOP_watchdog, bytes + 1), -XEN_EINVAL);
}

static void block_with_garbage(void)
{
    found.result = (int)raw_call(__HYPERVISOR_sched_op, SCHEDOP_block,
                                 0x8000000000000000, 0);
}

static void operand_is_ignored(void)
{
    evtchn_port_t port = open_ipi(1);

    saw("yield",
        (int)raw_call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0x1234567, 0), 0);
    found.result = 1;
    victim_start(block_with_garbage);
    if (!victim_sleeps()) {
        broken("the second vCPU did not block");
    }
    set_mask(port, false);
    (void)send(port);
    (void)victim_ends(SOON);
    saw("block", found.result, 0);
}

static void registers_survive(void)
{
    uint32_t changed = registers_changed_by_yield();

    saw_bits("changed", changed, 0);
}

static void user_mode(void)
{
    int results[2];

    call_from_user_mode(results);
    saw("yield", results[0], -XEN_EPERM);
    saw("unknown number", results[1], -XEN_EPERM);
}

static void layout_follows_mode(void)
{
    /* Laid out so that the 32-bit reading has 129 ports and the 64-bit
     * reading none and a deadline long past. */
    uint32_t *words = low_memory(24);

    __builtin_memset(words, 0, 24);
    words[1] = 129;
    words[4] = 1;
    saw("32-bit caller",
        (int)call32(__HYPERVISOR_sched_op, SCHEDOP_poll,
                    (uint32_t)(uintptr_t)words),
        -XEN_EINVAL);
    words[0] = 0;
    saw("64-bit caller", sched_op(SCHEDOP_poll, words), 0);
}

static int legacy(int command)
{
    return (int)raw_call(__HYPERVISOR_sched_op_compat, (uint64_t)command, 0, 0);
}

static void legacy_yield(void)
{
    saw("yield", legacy(0), lab_world() & IN_PV ? 0 : -XEN_ENOSYS);
}

static void legacy_others(void)
{
    saw("3", legacy(3), -XEN_ENOSYS);
    saw("5", legacy(5), -XEN_ENOSYS);
    saw("99", legacy(99), -XEN_ENOSYS);
    saw("-1", legacy(-1), -XEN_ENOSYS);
}

static void multicall_results(void)
{
    static struct sched_watchdog w = {0, 1000000};
    static struct multicall_entry e[4];
    uint64_t bad = 0;
    const char *name;

    watchdogs_full(true);
    for (unsigned int i = 0; i < 4; i++) {
        e[i].op = __HYPERVISOR_sched_op;
        e[i].result = 0x55;
    }
    e[0].args[0] = SCHEDOP_yield;
    e[1].args[0] = 99;
    e[2].args[0] = SCHEDOP_watchdog;
    e[2].args[1] = (uintptr_t)&w;
    e[3].args[0] = SCHEDOP_watchdog;
    if (!bad_address(0, &bad, &name)) {
        broken("no bad address");
    }
    e[3].args[1] = bad;
    saw("multicall", (int)raw_call(__HYPERVISOR_multicall, (uintptr_t)e, 4, 0),
        0);
    saw("yield", (long)e[0].result, 0);
    saw("99", (long)e[1].result, -XEN_ENOSYS);
    may_be((uint64_t)-XEN_ENOSPC);
    saw_bits("no slot", e[2].result, 0xffffffe4);
    saw("bad operand", (long)e[3].result, -XEN_EFAULT);
    watchdogs_full(false);
}

static struct multicall_entry pause_and_error[2];

static void multicall_pause(void)
{
    found.result =
        (int)raw_call(__HYPERVISOR_multicall, (uintptr_t)pause_and_error, 2, 0);
}

static void multicall_stops(void)
{
    static struct sched_poll arg;
    evtchn_port_t port = open_ipi(1);

    set_xen_guest_handle(arg.ports, &port);
    arg.nr_ports = 1;
    arg.timeout = in(SOON);
    pause_and_error[0] = (struct multicall_entry){
        __HYPERVISOR_sched_op, 0x55, {SCHEDOP_poll, (uintptr_t)&arg}};
    pause_and_error[1] =
        (struct multicall_entry){__HYPERVISOR_sched_op, 0x55, {99}};
    found.result = 1;
    victim_start(multicall_pause);
    saw_that("sleeps", victim_sleeps());
    saw("second result meanwhile",
        (long)*(volatile xen_ulong_t *)&pause_and_error[1].result, 0x55);
    (void)send(port);
    saw_that("ends", victim_ends(SOON));
    saw("multicall", found.result, 0);
    saw("poll", (long)pause_and_error[0].result, 0);
    saw("99", (long)pause_and_error[1].result, -XEN_ENOSYS);
}

static void page_slots(void)
{
    static const uint8_t call29[] = {0xb8, 29, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};
    static const uint8_t call23[] = {0x0f, 0x0b};
    const uint8_t *page = hypercall_page_bytes();

    saw_that("slot 29 is mov, vmmcall, ret",
             __builtin_memcmp(page + 29 * 32, call29, sizeof(call29)) == 0);
    saw_that("slot 23 is ud2",
             __builtin_memcmp(page + 23 * 32, call23, sizeof(call23)) == 0);
}

static const struct fact facts[] = {
    {1, IN_ALL, "unknown commands are -ENOSYS", unknown_commands},
    {2, IN_ALL, "the upper half of the command is ignored",
     upper_half_of_command},
    {3, IN_ALL, "unknown hypercall numbers are -ENOSYS", unknown_numbers},
    {4, IN_ALL, "errors are sign-extended to 64 bits", errors_are_wide},
    {5, IN_ALL, "no free watchdog is a 32-bit -ENOSPC, zero-extended",
     no_slot_pattern},
    {6, IN_PVH, "the same from 32-bit code is -ENOSPC", no_slot_pattern_32},
    {7, IN_PV, "each command refuses bad operand addresses", bad_operands},
    {8, IN_PVH | WITH_CPU, "with paging off an operand at address 0 is read",
     operand_at_zero},
    {9, IN_PVH, "operand addresses with no RAM behind them are -EFAULT",
     bad_operands},
    {10, IN_ALL, "an operand whose tail is not mapped is -EFAULT",
     torn_operand},
    {11, IN_ALL, "operands and port arrays need no alignment", odd_addresses},
    {12, IN_ALL, "yield and block ignore their operand", operand_is_ignored},
    {13, IN_ALL | WITH_CPU,
     "a yield through the page changes no other register", registers_survive},
    {15, IN_PVH, "from user mode everything is -EPERM", user_mode},
    {16, IN_PVH, "the operand layout follows the caller's mode",
     layout_follows_mode},
    {17, IN_ALL, "hypercall 6 is for PV guests", legacy_yield},
    {18, IN_ALL, "hypercall 6 knows no newer command", legacy_others},
    {20, IN_ALL, "multicall entries get what direct calls get",
     multicall_results},
    {21, IN_ALL, "an entry that sleeps holds up the next one", multicall_stops},
    {22, IN_PVH | WITH_CPU, "slots of the hypercall page on AMD", page_slots},
};

TOPIC(topic_encoding, "encoding", facts);
