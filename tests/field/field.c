/* SPDX-License-Identifier: MIT */
/* See field.h. */
#include "field.h"

volatile uint32_t faulted, upcalls;
struct shared_info shared_info PAGE;
const struct hvm_start_info *start_info;

extern char fault_gp[], fault_ud[], upcall[];
void guest_main(const struct hvm_start_info *info);

static uint8_t hypercall_page[4096] PAGE;
static struct xencons_interface *ring;
static uint32_t ring_port;
static bool any_bad;

struct gate {
    uint16_t low, selector, type, middle;
    uint32_t high, zero;
};

static struct gate idt[256] PAGE;

void *memset(void *to, int byte, unsigned long size)
{
    char *p = to;

    while (size-- > 0) {
        *p++ = (char)byte;
    }
    return to;
}

/* ---- machine ---- */

static void gate(unsigned vector, const char *handler)
{
    uint64_t a = POINTER(handler);

    idt[vector] = (struct gate){
        (uint16_t)a, 8, 0x8e00, (uint16_t)(a >> 16), (uint32_t)(a >> 32), 0};
}

void set_vector(unsigned vector)
{
    gate(vector, upcall);
}

static void load_idt(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, POINTER(idt)};

    gate(6, fault_ud);
    gate(13, fault_gp);
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

uint64_t rdmsr(uint32_t msr)
{
    uint32_t a = 0, d = 0;

    faulted = 0;
    __asm__ volatile("rdmsr" : "+a"(a), "+d"(d) : "c"(msr) : "memory");
    return (uint64_t)d << 32 | a;
}

void wrmsr(uint32_t msr, uint64_t value)
{
    faulted = 0;
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

uint32_t mmio_read(uint32_t address)
{
    return *(volatile uint32_t *)(uintptr_t)address;
}

void mmio_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

/* ---- hypercalls ---- */

long call(unsigned number, uint64_t a, uint64_t b, uint64_t c)
{
    const uint8_t *slot = hypercall_page + number * 32u;
    long result;

    __asm__ volatile("call *%1"
                     : "=a"(result), "+r"(slot), "+D"(a), "+S"(b), "+d"(c)
                     :
                     : "memory", "rcx", "r8", "r9", "r10", "r11");
    return result;
}

int map_page(unsigned space, uint64_t idx, const void *page)
{
    struct xen_add_to_physmap op = {
        .domid = DOMID_SELF,
        .space = space,
        .idx = idx,
        .gpfn = POINTER(page) >> 12,
    };

    return (int)call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                     POINTER(&op), 0);
}

uint64_t hvm_param(uint32_t index, long *result)
{
    struct xen_hvm_param op = {.domid = DOMID_SELF, .index = index};

    *result = call(__HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&op), 0);
    return op.value;
}

long set_hvm_param(uint32_t index, uint64_t value)
{
    struct xen_hvm_param op = {
        .domid = DOMID_SELF, .index = index, .value = value};

    return call(__HYPERVISOR_hvm_op, HVMOP_set_param, POINTER(&op), 0);
}

uint32_t bind_timer(void)
{
    struct evtchn_bind_virq op = {.virq = VIRQ_TIMER};
    long rc = call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
                   POINTER(&op), 0);

    expect(rc == 0, "bind_virq", (uint64_t)rc);
    return op.port;
}

uint64_t now_ns(void)
{
    volatile struct vcpu_time_info *t = &shared_info.vcpu_info[0].time;
    uint64_t delta, ns;
    uint32_t version, low, high;

    do {
        version = t->version & ~1u;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
        delta = ((uint64_t)high << 32 | low) - t->tsc_timestamp;
        delta =
            t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        ns = t->system_time +
             (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
    } while (t->version != version);
    return ns;
}

void take_events(void)
{
    struct vcpu_info *v = &shared_info.vcpu_info[0];
    uint64_t words;

    v->evtchn_upcall_pending = 0;
    words = __atomic_exchange_n(&v->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; words != 0; words &= words - 1) {
        unsigned w = (unsigned)__builtin_ctzll(words);

        (void)__atomic_fetch_and(&shared_info.evtchn_pending[w], 0,
                                 __ATOMIC_SEQ_CST);
    }
    upcalls++;
}

/* ---- console: the ring only, as most of the field has it ---- */

static void put(char c)
{
    struct evtchn_send send = {.port = ring_port};

    while (ring->out_prod -
               __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) >=
           sizeof(ring->out)) {
        (void)call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, POINTER(&send),
                   0);
        (void)call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = c;
    __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
}

void say(const char *text)
{
    struct evtchn_send send = {.port = ring_port};

    while (*text != '\0') {
        put(*text++);
    }
    (void)call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, POINTER(&send), 0);
}

void say_number(const char *what, uint64_t value)
{
    char digits[20];
    unsigned n = 0;

    say(what);
    say(" 0x");
    do {
        digits[n++] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    while (n > 0) {
        char one[2] = {digits[--n], '\0'};

        say(one);
    }
    say("\n");
}

void bad(const char *what, uint64_t value)
{
    any_bad = true;
    say("wrong: ");
    say_number(what, value);
}

void expect(bool good, const char *what, uint64_t value)
{
    if (!good) {
        bad(what, value);
    }
}

bool failed(void)
{
    return any_bad;
}

void end(uint32_t reason)
{
    struct sched_shutdown op = {.reason = reason};

    for (;;) {
        (void)call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&op), 0);
    }
}

void guest_main(const struct hvm_start_info *info)
{
    uint64_t frame, port;
    long rc_frame, rc_port;

    start_info = info;
    load_idt();
    wrmsr(0x40000000, POINTER(hypercall_page));
    frame = hvm_param(HVM_PARAM_CONSOLE_PFN, &rc_frame);
    port = hvm_param(HVM_PARAM_CONSOLE_EVTCHN, &rc_port);
    if (rc_frame != 0 || rc_port != 0 || frame == 0) {
        end(SHUTDOWN_crash);
    }
    ring = (struct xencons_interface *)(uintptr_t)(frame << 12);
    ring_port = (uint32_t)port;
    guest();
    say(any_bad ? "Test result: FAILURE\n" : "Test result: SUCCESS\n");
    end(SHUTDOWN_poweroff);
}
