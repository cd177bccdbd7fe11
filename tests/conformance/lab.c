/* SPDX-License-Identifier: MIT */
/* See lab.h. */
#include <schedop/kit.h>

#include "arch.h"
#include "lab.h"

#include <xen/version.h>

static unsigned int world;
static bool serving;

unsigned int lab_world(void)
{
    return world;
}

unsigned int lab_domid(void)
{
    return kit_info()->domid;
}

bool lab_is_subject(void)
{
    return serving;
}

int lab_version(void)
{
    return kit_info()->xen_version;
}

void lab_print(const char *text, unsigned int length)
{
    kit_write(text, length);
}

/* ---- calls ---- */

int sched_op(int command, const void *operand)
{
    return (int)schedop_hypercall3(__HYPERVISOR_sched_op, (uintptr_t)command,
                                   (uintptr_t)operand, 0);
}

int evtchn_op(int command, void *operand)
{
    return (int)schedop_hypercall3(__HYPERVISOR_event_channel_op,
                                   (uintptr_t)command, (uintptr_t)operand, 0);
}

int vcpu_op(int command, unsigned int vcpu, const void *operand)
{
    return (int)schedop_hypercall3(__HYPERVISOR_vcpu_op, (uintptr_t)command,
                                   vcpu, (uintptr_t)operand);
}

int poll(const evtchn_port_t *ports, uint32_t nr_ports, uint64_t deadline)
{
    struct sched_poll arg;

    memset(&arg, 0, sizeof(arg));
    /* The handle is told through an integer: it may be a bad address. */
    memcpy(&arg.ports, &ports, sizeof(ports));
    arg.nr_ports = nr_ports;
    arg.timeout = deadline;
    return sched_op(SCHEDOP_poll, &arg);
}

uint64_t raw_call(unsigned int number, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return (uint64_t)schedop_hypercall3(number, a1, a2, a3);
}

/* ---- time ---- */

uint64_t now(void)
{
    return kit_now_ns();
}

uint64_t in(uint64_t ns)
{
    return now() + ns;
}

void rest(uint64_t ns)
{
    kit_sleep_ns(ns);
}

/* ---- event-channel bits ---- */

volatile struct vcpu_info *info_of(unsigned int vcpu)
{
    return kit_vcpu_info() - kit_cpu() + vcpu;
}

static evtchn_port_t job_port;        /* the victim sleeps on it */
static volatile uint32_t *fifo_words; /* NULL: 2-level ports */

void lab_fifo(volatile uint32_t *words)
{
    fifo_words = words;
}

bool is_pending(evtchn_port_t port)
{
    if (fifo_words) {
        return (fifo_words[port] >> EVTCHN_FIFO_PENDING & 1) != 0;
    }
    return schedop_event_is_pending(kit_events(), port);
}

bool is_masked(evtchn_port_t port)
{
    if (fifo_words) {
        return (fifo_words[port] >> EVTCHN_FIFO_MASKED & 1) != 0;
    }
    return schedop_event_is_masked(kit_events(), port);
}

static void change_word(volatile uint32_t *word, unsigned int bit, bool set)
{
    if (set) {
        __atomic_fetch_or(word, UINT32_C(1) << bit, __ATOMIC_SEQ_CST);
    } else {
        __atomic_fetch_and(word, ~(UINT32_C(1) << bit), __ATOMIC_SEQ_CST);
    }
}

void clear_pending(evtchn_port_t port)
{
    if (fifo_words) {
        change_word(&fifo_words[port], EVTCHN_FIFO_PENDING, false);
        return;
    }
    (void)schedop_event_clear(kit_events(), port);
}

void set_pending(evtchn_port_t port)
{
    if (fifo_words) {
        change_word(&fifo_words[port], EVTCHN_FIFO_PENDING, true);
        return;
    }
    change_word(&kit_events()->pending[port / 32], port % 32, true);
}

void set_mask(evtchn_port_t port, bool masked)
{
    if (fifo_words) {
        change_word(&fifo_words[port], EVTCHN_FIFO_MASKED, masked);
    } else {
        change_word(&kit_events()->mask[port / 32], port % 32, masked);
    }
}

void clear_upcall(unsigned int vcpu)
{
    info_of(vcpu)->evtchn_pending_sel = 0;
    info_of(vcpu)->evtchn_upcall_pending = 0;
    __sync_synchronize();
}

/* ---- ports ---- */

static bool ours[PORT_LIMIT];

void keep_open(evtchn_port_t port)
{
    if (port == 0 || port >= PORT_LIMIT) {
        kit_panic("port %u", port);
    }
    ours[port] = true;
    set_mask(port, true);
}

void close_port(evtchn_port_t port)
{
    (void)kit_on_event(port, NULL, NULL);
    (void)schedop_evtchn_close(port); /* the fact may have done it */
    clear_pending(port);
    set_mask(port, true);
    ours[port] = false;
}

/* Opening cannot fail in a domain that does nothing else. */
static void must_work(const char *what, int rc)
{
    if (rc != 0) {
        kit_panic("%s: %s", what, schedop_error_name(rc));
    }
}

evtchn_port_t open_ipi(unsigned int vcpu)
{
    evtchn_port_t port;

    must_work("bind_ipi", schedop_evtchn_bind_ipi(vcpu, &port));
    keep_open(port);
    return port;
}

evtchn_port_t open_timer(unsigned int vcpu)
{
    evtchn_port_t port;

    must_work("bind_virq", schedop_evtchn_bind_virq(VIRQ_TIMER, vcpu, &port));
    keep_open(port);
    return port;
}

evtchn_port_t open_unbound(void)
{
    evtchn_port_t port;

    must_work("alloc_unbound", schedop_evtchn_alloc_unbound(DOMID_SELF, &port));
    keep_open(port);
    return port;
}

evtchn_port_t closed_port(void)
{
    evtchn_port_t port = open_ipi(0);

    close_port(port);
    return port;
}

int send(evtchn_port_t port)
{
    return schedop_evtchn_send(port);
}

void handle(evtchn_port_t port, void (*handler)(void *, evtchn_port_t))
{
    must_work("on_event", kit_on_event(port, handler, NULL));
}

void one_shot(uint64_t when)
{
    (void)schedop_set_timer(when);
}

/* ---- upcalls ---- */

void upcalls_on(void)
{
    kit_events_restore(true);
}

void upcalls_off(void)
{
    (void)kit_events_off();
}

int poll_with_upcall_due(const evtchn_port_t *ports, uint32_t nr_ports)
{
    volatile struct vcpu_info *info = info_of(0);
    int rc;

    info->evtchn_upcall_pending = 1;
    interrupts_on();
    rc = poll(ports, nr_ports, 1);
    upcalls_off();
    return rc;
}

/* ---- the victim ---- */

static void (*volatile job)(void);
static volatile unsigned int wanted, begun, finished;
static volatile bool saw_tick;
struct found found;
struct aim aim;

static void victim(void *context)
{
    (void)context;
    upcalls_off();
    for (;;) {
        clear_pending(job_port);
        if (begun != wanted) {
            begun = wanted;
            job();
            upcalls_off();
            __sync_synchronize();
            finished = begun;
        }
        (void)poll(&job_port, 1, 0);
    }
}

bool victim_is_done(void)
{
    return finished == wanted;
}

void victim_start(void (*what)(void))
{
    if (!victim_is_done()) {
        broken("the second vCPU is stuck in an earlier fact");
        return;
    }
    job = what;
    __sync_synchronize();
    wanted++;
    (void)send(job_port);
}

int runstate_of(unsigned int vcpu)
{
    struct vcpu_runstate_info info;

    return vcpu_op(VCPUOP_get_runstate_info, vcpu, &info) == 0 ? info.state
                                                               : -1;
}

bool victim_sleeps(void)
{
    uint64_t end = in(SOON);

    while (now() < end) {
        if (begun == wanted && finished != wanted &&
            runstate_of(1) == RUNSTATE_blocked) {
            return true;
        }
        if (finished == wanted) {
            return false;
        }
        rest(MS / 4);
    }
    return false;
}

bool victim_ends(uint64_t ns)
{
    uint64_t end = in(ns);

    while (!victim_is_done() && now() < end) {
        rest(MS / 4);
    }
    return victim_is_done();
}

void job_poll(void)
{
    found.result = 1;
    found.result = poll(aim.ports, aim.nr_ports, aim.deadline);
    found.in_time = now() < aim.deadline;
}

/* The victim's first job: does a timer tick that nobody asked for? */
static void wait_for_tick(void)
{
    uint64_t end = in(50 * MS);

    while (now() < end && !is_pending(aim.ports[0])) {
        cpu_relax();
    }
    saw_tick = is_pending(aim.ports[0]);
    (void)vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL);
}

/* Nothing of the kit but hypercalls and shared info works yet. */
static bool ports_were_open;
static int first_mask = -1;

void lab_note_start(void)
{
    struct shared_info *shared = (void *)(uintptr_t)info_of(0);

    ports_were_open = true;
    for (unsigned int i = 0; i < 64; i++) {
        ports_were_open &= shared->evtchn_mask[i] == 0;
    }
    first_mask = info_of(0)->evtchn_upcall_mask;
}

bool lab_ports_were_open(void)
{
    return ports_were_open;
}

int lab_first_mask(void)
{
    return first_mask;
}

bool lab_saw_first_tick(void)
{
    return saw_tick;
}

/* ---- memory ---- */

void *edge(unsigned int size)
{
    return arch_edge(size);
}

bool bad_address(unsigned int n, uint64_t *address, const char **name)
{
    static const struct {
        unsigned int worlds;
        uint64_t address;
        const char *name;
    } table[] = {
        {IN_PV, 0, "0"},
        {IN_PV, 8, "8"},
        {IN_PV, 0xffff800000000000, "0xffff800000000000"},
        {IN_PV, 0xffff830000000000, "0xffff830000000000"},
        {IN_PV, 0x8000000000000000, "0x8000000000000000"},
        {IN_PV, UINT64_MAX, "-1"},
        {IN_PV, UINT64_MAX - 3, "-4"},
        {IN_PVH, 0xe0000000, "0xe0000000"},
        {IN_PVH, 0xfee00000, "0xfee00000"},
        {IN_PVH, 0xffffffff, "0xffffffff"},
        {IN_PVH, 0x700000000000, "not mapped"},
    };

    for (unsigned int i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if ((table[i].worlds & world) && n-- == 0) {
            *address = table[i].address;
            *name = table[i].name;
            return true;
        }
    }
    return false;
}

/* ---- before and after a fact ---- */

static void release_commands(void)
{
    struct sched_watchdog one = {1, 0}, two = {2, 0};
    struct sched_pin_override unpin = {-1};

    (void)sched_op(SCHEDOP_watchdog, &one);
    (void)sched_op(SCHEDOP_watchdog, &two);
    (void)sched_op(SCHEDOP_pin_override, &unpin);
}

/* All ports are closed by that, so the victim's is opened again, where the
 * victim polls for it. */
static void leave_fifo(void)
{
    evtchn_port_t port = 0;

    fifo_words = NULL;
    must_work("reset", schedop_evtchn_reset());
    while (port < job_port) {
        must_work("bind_ipi", schedop_evtchn_bind_ipi(1, &port));
        set_mask(port, true);
        if (port < job_port) {
            ours[port] = true;
        }
    }
    if (port != job_port) {
        kit_panic("the victim's port is %u, not %u", port, job_port);
    }
}

void lab_forget(void)
{
    if (fifo_words) {
        leave_fifo();
    }
    upcalls_off();
    one_shot(0);
    for (evtchn_port_t port = 1; port < PORT_LIMIT; port++) {
        if (ours[port]) {
            close_port(port);
        }
    }
    clear_upcall(0);
    if (victim_is_done()) {
        clear_upcall(1);
    }
}

void lab_reset(void)
{
    lab_forget();
    release_commands();
}

unsigned int lab_start(void)
{
    world = kit_info()->pv ? IN_PV : IN_PVH;
    world |= kit_info()->flags & SIF_INITDOMAIN ? AS_HARDWARE : AS_DOMU;
    world |= arch_is_processor() ? WITH_CPU : 0;
    serving = (world & AS_DOMU) && kit_arg_u64("serve", 0) != 0;
    upcalls_off();
    arch_start((world & IN_PV) != 0);
    must_work("bind_ipi", schedop_evtchn_bind_ipi(1, &job_port));
    aim.ports[0] = open_timer(1);
    must_work("start vCPU 1", kit_start_vcpu(1, victim, NULL));
    victim_start(wait_for_tick);
    if (!victim_ends(5 * SOON)) {
        kit_panic("vCPU 1 does not run");
    }
    lab_reset();
    return world;
}
