/* SPDX-License-Identifier: MIT */
/*
 * One statement on the vCPU that carries it out.
 *
 * Interrupts are what the program said, but only inside a statement: between
 * them they are off, so that a vCPU that waits for its turn takes no upcall.
 * What is due is taken at the beginning and at the end of a statement.
 */
#include "guest.h"

#include <xen/version.h>

struct performer performers[VCPUS];

static const uint8_t flags[] = {
#define FLAGS(name, operands, flags) flags,
    OPERATIONS(FLAGS)};

/* ---- upcalls, NMIs ---- */

/*
 * "up" once an upcall; one that found nothing shows in the next, or at the end
 * of the statement, as a count. QEMU 7.2 can deliver an interrupt that a
 * hypervisor injects a second time, within the handler, when its loop over
 * instructions ends right then (CAVEATS.md): only those that find the pending
 * byte set are counted.
 */
static void tell_upcalls(struct performer *p)
{
    uint32_t count = kit_upcalls_pending() - p->upcalls;

    p->upcalls += count;
    if (count == 1) {
        tell(" up");
    } else if (count > 1) {
        tell(" up*%u", count);
    }
}

static void on_event(void *context, evtchn_port_t port)
{
    (void)context;
    tell_upcalls(&performers[kit_cpu()]);
    tell("<%u>", port);
}

static bool on_trap(struct kit_regs *regs)
{
    if (regs->vector != 2) {
        return false;
    }
    if (performers[kit_cpu()].nmi_unsaid) {
        performers[kit_cpu()].nmi_unsaid = false;
    } else {
        tell(" nmi");
    }
    return true;
}

void perform_start(void)
{
    kit_on_trap(on_trap);
    for (evtchn_port_t port = 1; port < PORT_LIMIT; port++) {
        (void)kit_on_event(port, on_event, NULL);
    }
}

/* ---- what to expect ---- */

uint32_t perform_length(const struct statement *s, uint32_t left)
{
    uint32_t count = 1;

    if (s->operation != DO_multicall) {
        return 1;
    }
    while (count < left && count <= CALLS_MAX && count <= s->arg[0] &&
           s[count].vcpu == s->vcpu && s[count].operation != DO_multicall &&
           !(flags[s[count].operation] & (OP_GUEST | OP_CONDUCTOR))) {
        count++;
    }
    return count;
}

static bool any(const struct statement *s, uint32_t count, uint8_t flag)
{
    /* A multicall sleeps only where one of its entries does. */
    for (uint32_t i = count > 1 ? 1 : 0; i < count; i++) {
        if (flags[s[i].operation] & flag) {
            return true;
        }
    }
    return false;
}

bool perform_may_sleep(const struct statement *s, uint32_t count)
{
    return any(s, count, OP_SLEEPS);
}

bool perform_takes_time(const struct statement *s, uint32_t count)
{
    return any(s, count, OP_WAITS | OP_SLEEPS);
}

/* ---- the guest's own acts ---- */

static void change_bit(volatile uint32_t *words, evtchn_port_t port, bool set)
{
    uint32_t bit = UINT32_C(1) << port % 32;

    if (port >= kit_events()->nr_ports) {
        tell("=no port");
    } else if (set) {
        __atomic_fetch_or(&words[port / 32], bit, __ATOMIC_SEQ_CST);
    } else {
        __atomic_fetch_and(&words[port / 32], ~bit, __ATOMIC_SEQ_CST);
    }
}

static void change_port(const struct statement *s, evtchn_port_t port)
{
    bool set = s->operation == DO_mask || s->operation == DO_set_pending;
    bool mask = s->operation == DO_mask || s->operation == DO_clear_mask;
    volatile uint32_t *word;

    if (!fifo_is_on()) {
        change_bit(mask ? kit_events()->mask : kit_events()->pending, port,
                   set);
        return;
    }
    word = fifo_word(port);
    if (word == NULL) {
        tell("=no port");
    } else if (s->operation == DO_word) {
        fifo_spoil(port, s->arg[0]);
    } else {
        change_bit(word, mask ? EVTCHN_FIFO_MASKED : EVTCHN_FIFO_PENDING, set);
    }
}

/* One vCPU changes the domain, before there is anything else. */
static void change_ports(const struct statement *s)
{
    if (kit_cpu() != 0 || traces.ports != 0 || traces.fifo ||
        conduct_is_engaged(1) || conduct_is_engaged(2)) {
        tell("=avoided");
    } else {
        fifo_change(s->arg[0]);
    }
}

static void change_vcpu(const struct statement *s)
{
    volatile struct vcpu_info *info;

    /* One that runs might take it at any time. */
    if (s->arg[0] >= VCPUS || performers[s->arg[0]].spinning) {
        tell("=avoided");
        return;
    }
    info = info_of(s->arg[0]);
    switch (s->operation) {
    case DO_clear_upcall:
        info->evtchn_upcall_pending = 0;
        info->evtchn_pending_sel = 0;
        break;
    case DO_set_upcall:
        info->evtchn_upcall_pending = 1;
        break;
    default:
        info->evtchn_upcall_mask = (uint8_t)s->arg[1];
        break;
    }
    __sync_synchronize();
    /* An exit, in which the hypervisor sees it now rather than sometime. */
    (void)schedop_hypercall3(__HYPERVISOR_xen_version, XENVER_version, 0, 0);
}

static void spin(struct performer *p)
{
    p->stop = false;
    p->spinning = true;
    while (!p->stop) {
        for (volatile unsigned int i = 0; i < 200; i++) {
        }
        __builtin_ia32_pause();
    }
    p->spinning = false;
    tell("=stopped");
}

static void act(const struct statement *s, struct performer *p)
{
    evtchn_port_t port = port_of(s->ref[0]);

    switch (s->operation) {
    case DO_mask:
    case DO_clear_mask:
    case DO_set_pending:
    case DO_clear_pending:
        change_port(s, port);
        break;
    case DO_word:
        if (fifo_is_on()) {
            change_port(s, port);
        } else {
            tell("=no word");
        }
        break;
    case DO_fifo:
        change_ports(s);
        break;
    case DO_take:
        if (fifo_is_on()) {
            fifo_take(s->arg[0]);
        } else {
            tell("=no queue");
        }
        break;
    case DO_sti:
        p->interrupts = true;
        break;
    case DO_cli:
        p->interrupts = false;
        break;
    case DO_hlt:
        traces.may_be_down |= !p->interrupts;
        __asm__ volatile("hlt" ::: "memory");
        tell("=woken");
        break;
    case DO_spin:
        spin(p);
        break;
    default:
        change_vcpu(s);
        break;
    }
}

/* ---- hypercalls ---- */

/*
 * On Xen, but not on schedop, the time of a poll that ended early stays set
 * and ends a later poll without a time (fact 58). So that it cannot be seen,
 * it is replaced by one that is over.
 */
static void forget_poll_time(void)
{
    (void)schedop_poll(NULL, 0, 1);
}

static void one_call(const struct statement *s)
{
    struct call call;
    const char *why = call_prepare(&call, s, 0);

    if (why) {
        tell("=%s", why);
        return;
    }
    call_issue(&call);
    call_report(&call);
}

struct entry64 {
    uint64_t op, result, args[6];
};

struct entry32 {
    uint32_t op, result, args[6];
};

static void put_entry(const struct call *c, uint64_t at, bool narrow)
{
    struct entry64 wide = {
        c->number, 0x5a5a, {c->arg[0], c->arg[1], c->arg[2]}};
    struct entry32 small = {
        c->number,
        0x5a5a,
        {(uint32_t)c->arg[0], (uint32_t)c->arg[1], (uint32_t)c->arg[2]}};

    if (narrow) {
        memory_put(at, &small, sizeof(small));
    } else {
        memory_put(at, &wide, sizeof(wide));
    }
}

static uint64_t entry_result(uint64_t at, bool narrow)
{
    struct entry64 wide;
    struct entry32 small;

    memset(&wide, 0, sizeof(wide));
    memset(&small, 0, sizeof(small));
    if (narrow) {
        memory_get(at, &small, &small, sizeof(small));
        return small.result;
    }
    memory_get(at, &wide, &wide, sizeof(wide));
    return wide.result;
}

/* Entries that are to be avoided are left out. */
static void multicall(const struct statement *s, uint32_t count)
{
    struct statement entries[CALLS_MAX]; /* all of one width */
    struct call calls[CALLS_MAX];
    bool narrow = s->narrow != 0;
    uint32_t size = narrow ? sizeof(struct entry32) : sizeof(struct entry64);
    uint32_t n = 0;
    uint64_t at = memory_at(kit_cpu(), REGION_ENTRIES, s->array_place,
                            size * (count - 1));
    uint64_t rc;

    for (uint32_t i = 1; i < count; i++) {
        entries[n] = s[i];
        entries[n].narrow = s->narrow;
        if (call_prepare(&calls[n], &entries[n], n) == NULL) {
            n++;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        put_entry(&calls[i], at + i * size, narrow);
    }
    rc = raw_call(narrow, __HYPERVISOR_multicall, at, n, 0);
    call_tell_result(s, rc);
    for (uint32_t i = 0; i < n; i++) {
        calls[i].result = entry_result(at + i * size, narrow);
        if (calls[i].result == 0x5a5a) {
            tell(" [not made]");
        } else {
            tell(" [");
            call_report(&calls[i]);
            tell("]");
        }
    }
}

static void carry_out(const struct statement *s, uint32_t count,
                      struct performer *p)
{
    if (s->operation == DO_multicall) {
        multicall(s, count);
    } else if (flags[s->operation] & OP_GUEST) {
        act(s, p);
    } else {
        one_call(s);
    }
}

/* vCPU 0 too may go down in the end. */
static bool is_last_act(const struct statement *s)
{
    return traces.finale && (s->operation == DO_down || s->operation == DO_hlt);
}

void perform(const struct statement *s, uint32_t count)
{
    struct performer *p = &performers[kit_cpu()];

    if (kit_cpu() == 0 && perform_may_sleep(s, count) && !is_last_act(s)) {
        tell("=avoided"); /* it conducts */
        return;
    }
    if (perform_may_sleep(s, count)) {
        forget_poll_time();
    }
    if (p->interrupts) {
        __asm__ volatile("sti; nop; nop" ::: "memory");
    }
    carry_out(s, count, p);
    if (p->interrupts) {
        __asm__ volatile("sti; nop; nop" ::: "memory");
    }
    __asm__ volatile("cli" ::: "memory");
    tell_upcalls(p);
}

/* ---- afterwards ---- */

void perform_cleanup(void)
{
    unsigned int cpu = kit_cpu();
    struct sched_pin_override none = {-1};

    performers[cpu].interrupts = false;
    if (traces.timers[cpu]) {
        (void)schedop_set_timer(0);
    }
    if (traces.pins[cpu]) {
        (void)schedop_hypercall3(__HYPERVISOR_sched_op, SCHEDOP_pin_override,
                                 (uintptr_t)&none, 0);
    }
}
