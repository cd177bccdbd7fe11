/* SPDX-License-Identifier: MIT */
/*
 * The guest library's other hypercalls: numbers, operands, outputs; waiting on
 * PV; and the hypercall-page transport, on a page made here.
 */
#include "guest_fake.h"
#include <sys/mman.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/version.h>

#define EVTCHN 32
#define VCPU 24
#define HVM 34

/* ---- event channels (spec 1.5) ---- */

static void test_alloc_unbound(void **state)
{
    static const struct evtchn_alloc_unbound reply = {.port = 12};
    struct evtchn_alloc_unbound op;
    evtchn_port_t port = 1;

    (void)state;
    fake_reset(sizeof(op));
    fake.reply = &reply;
    assert_int_equal(schedop_evtchn_alloc_unbound(5, &port), 0);
    fake_expect(EVTCHN, EVTCHNOP_alloc_unbound);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.dom, DOMID_SELF);
    assert_int_equal(op.remote_dom, 5);
    assert_int_equal(port, 12);
}

static void test_bind_interdomain(void **state)
{
    static const struct evtchn_bind_interdomain reply = {.local_port = 3};
    struct evtchn_bind_interdomain op;
    evtchn_port_t port = 1;

    (void)state;
    fake_reset(sizeof(op));
    fake.reply = &reply;
    assert_int_equal(schedop_evtchn_bind_interdomain(7, 99, &port), 0);
    fake_expect(EVTCHN, EVTCHNOP_bind_interdomain);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.remote_dom, 7);
    assert_int_equal(op.remote_port, 99);
    assert_int_equal(port, 3);
}

static void test_bind_virq_and_ipi(void **state)
{
    static const struct evtchn_bind_virq virq = {.port = 4};
    static const struct evtchn_bind_ipi ipi = {.port = 5};
    struct evtchn_bind_virq op;
    struct evtchn_bind_ipi op2;
    evtchn_port_t port = 1;

    (void)state;
    fake_reset(sizeof(op));
    fake.reply = &virq;
    assert_int_equal(schedop_evtchn_bind_virq(3, 2, &port), 0);
    fake_expect(EVTCHN, EVTCHNOP_bind_virq);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.virq, 3);
    assert_int_equal(op.vcpu, 2);
    assert_int_equal(port, 4);
    fake_reset(sizeof(op2));
    fake.reply = &ipi;
    assert_int_equal(schedop_evtchn_bind_ipi(6, &port), 0);
    fake_expect(EVTCHN, EVTCHNOP_bind_ipi);
    memcpy(&op2, fake.operand, sizeof(op2));
    assert_int_equal(op2.vcpu, 6);
    assert_int_equal(port, 5);
}

/* A failed bind leaves no port that could be mistaken for one. */
static void test_failed_binds_give_port_0(void **state)
{
    evtchn_port_t ports[4] = {9, 9, 9, 9};

    (void)state;
    fake_reset(0);
    fake.result = -XEN_ENOSPC;
    assert_int_equal(schedop_evtchn_alloc_unbound(1, &ports[0]), -XEN_ENOSPC);
    assert_int_equal(schedop_evtchn_bind_interdomain(1, 1, &ports[1]),
                     -XEN_ENOSPC);
    assert_int_equal(schedop_evtchn_bind_virq(1, 1, &ports[2]), -XEN_ENOSPC);
    assert_int_equal(schedop_evtchn_bind_ipi(1, &ports[3]), -XEN_ENOSPC);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ports[i], 0);
    }
}

static void test_operations_on_a_port(void **state)
{
    static const struct {
        int (*call)(evtchn_port_t port);
        unsigned int op;
    } calls[] = {{schedop_evtchn_close, EVTCHNOP_close},
                 {schedop_evtchn_send, EVTCHNOP_send},
                 {schedop_event_unmask, EVTCHNOP_unmask}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint32_t port;

        fake_reset(4);
        fake.result = -XEN_EINVAL;
        assert_int_equal(calls[i].call(77), -XEN_EINVAL);
        fake_expect(EVTCHN, calls[i].op);
        memcpy(&port, fake.operand, 4);
        assert_int_equal(port, 77);
    }
}

static void test_bind_vcpu_status_reset(void **state)
{
    struct evtchn_bind_vcpu bind;
    struct evtchn_status status = {.dom = DOMID_SELF, .port = 3};
    struct evtchn_reset reset;

    (void)state;
    fake_reset(sizeof(bind));
    assert_int_equal(schedop_evtchn_bind_vcpu(8, 1), 0);
    fake_expect(EVTCHN, EVTCHNOP_bind_vcpu);
    memcpy(&bind, fake.operand, sizeof(bind));
    assert_int_equal(bind.port, 8);
    assert_int_equal(bind.vcpu, 1);
    fake_reset(0);
    assert_int_equal(schedop_evtchn_status(&status), 0);
    fake_expect(EVTCHN, EVTCHNOP_status);
    assert_int_equal(fake.args[1], (uintptr_t)&status);
    fake_reset(sizeof(reset));
    assert_int_equal(schedop_evtchn_reset(), 0);
    fake_expect(EVTCHN, EVTCHNOP_reset);
    memcpy(&reset, fake.operand, sizeof(reset));
    assert_int_equal(reset.dom, DOMID_SELF);
}

/* ---- vCPUs and timers (spec 2.4, 5) ---- */

static void test_vcpu_operations(void **state)
{
    struct vcpu_runstate_info info;

    (void)state;
    fake_reset(0);
    assert_int_equal(schedop_vcpu_initialise(2, &info), 0);
    fake_expect(VCPU, VCPUOP_initialise);
    assert_int_equal(fake.args[1], 2);
    assert_int_equal(fake.args[2], (uintptr_t)&info);
    fake_reset(0);
    assert_int_equal(schedop_vcpu_up(2), 0);
    fake_expect(VCPU, VCPUOP_up);
    fake_reset(0);
    assert_int_equal(schedop_vcpu_down(2), 0);
    fake_expect(VCPU, VCPUOP_down);
    fake_reset(0);
    fake.result = 1;
    assert_int_equal(schedop_vcpu_is_up(2), 1);
    fake_expect(VCPU, VCPUOP_is_up);
    fake_reset(0);
    assert_int_equal(schedop_vcpu_runstate(2, &info), 0);
    fake_expect(VCPU, VCPUOP_get_runstate_info);
    assert_int_equal(fake.args[2], (uintptr_t)&info);
}

static void test_vcpu_info_and_ticks(void **state)
{
    struct vcpu_register_vcpu_info info;
    struct vcpu_set_periodic_timer timer;

    (void)state;
    fake_reset(sizeof(info));
    fake.operand_arg = 2;
    assert_int_equal(schedop_vcpu_register_info(1, 0x1234567890, 64), 0);
    fake_expect(VCPU, VCPUOP_register_vcpu_info);
    memcpy(&info, fake.operand, sizeof(info));
    assert_int_equal(info.mfn, 0x1234567890);
    assert_int_equal(info.offset, 64);
    fake_reset(sizeof(timer));
    fake.operand_arg = 2;
    assert_int_equal(schedop_vcpu_periodic_timer(1, 1000000), 0);
    fake_expect(VCPU, VCPUOP_set_periodic_timer);
    memcpy(&timer, fake.operand, sizeof(timer));
    assert_int_equal(timer.period_ns, 1000000);
    fake_reset(0);
    assert_int_equal(schedop_vcpu_periodic_timer(1, 0), 0);
    fake_expect(VCPU, VCPUOP_stop_periodic_timer);
}

static void test_set_timer(void **state)
{
    (void)state;
    fake_reset(0);
    assert_int_equal(schedop_set_timer(0x123456789abcdef0), 0);
    fake_expect(15, 0x123456789abcdef0);
}

/* ---- HVM and the domain (spec 8.6) ---- */

static void test_hvm_params(void **state)
{
    static const struct xen_hvm_param reply = {.value = 0xfefff};
    struct xen_hvm_param op;
    uint64_t value = 1;

    (void)state;
    fake_reset(sizeof(op));
    fake.reply = &reply;
    assert_int_equal(schedop_hvm_param_get(17, &value), 0);
    fake_expect(HVM, HVMOP_get_param);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.domid, DOMID_SELF);
    assert_int_equal(op.index, 17);
    assert_int_equal(value, 0xfefff);
    fake_reset(sizeof(op));
    fake.result = -XEN_EINVAL;
    assert_int_equal(schedop_hvm_param_get(99, &value), -XEN_EINVAL);
    assert_int_equal(value, 0);
    fake_reset(sizeof(op));
    assert_int_equal(schedop_hvm_callback_vector(0x40), 0);
    fake_expect(HVM, HVMOP_set_param);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.index, HVM_PARAM_CALLBACK_IRQ);
    assert_int_equal(op.value, 0x0200000000000040);
}

static void test_upcall_vector(void **state)
{
    struct xen_hvm_evtchn_upcall_vector op;

    (void)state;
    fake_reset(sizeof(op));
    assert_int_equal(schedop_hvm_upcall_vector(3, 0x50), 0);
    fake_expect(HVM, 23);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.vcpu, 3);
    assert_int_equal(op.vector, 0x50);
}

static void test_memory(void **state)
{
    static const struct xen_memory_map reply = {.nr_entries = 3};
    struct xen_add_to_physmap add;
    char entries[100];

    (void)state;
    fake_reset(sizeof(add));
    assert_int_equal(schedop_add_to_physmap(0, 0, 0x105), 0);
    fake_expect(12, XENMEM_add_to_physmap);
    memcpy(&add, fake.operand, sizeof(add));
    assert_int_equal(add.domid, DOMID_SELF);
    assert_int_equal(add.gpfn, 0x105);
    fake_reset(sizeof(reply));
    fake.reply = &reply;
    assert_int_equal(schedop_memory_map(entries, 5), 3);
    fake_expect(12, XENMEM_memory_map);
    fake_reset(sizeof(reply));
    fake.result = -XEN_ENOSYS;
    assert_int_equal(schedop_memory_map(entries, 5), -XEN_ENOSYS);
}

static void test_reservation(void **state)
{
    static const uintptr_t frames[3] = {7, 8, 9};
    struct xen_memory_reservation op;

    (void)state;
    fake_reset(sizeof(op));
    fake.result = 3;
    assert_int_equal(schedop_memory_give(frames, 3), 3);
    fake_expect(12, XENMEM_decrease_reservation);
    memcpy(&op, fake.operand, sizeof(op));
    assert_int_equal(op.nr_extents, 3);
    assert_int_equal(op.extent_order, 0);
    assert_int_equal(op.domid, DOMID_SELF);
    assert_ptr_equal(op.extent_start.p, frames);
    fake_reset(sizeof(op));
    fake.result = 1;
    assert_int_equal(schedop_memory_take(frames, 2), 1);
    fake_expect(12, XENMEM_populate_physmap);
}

static void test_version_and_console(void **state)
{
    static const struct xen_feature_info reply = {.submap = 0x12305};
    uint32_t features = 1;

    (void)state;
    fake_reset(0);
    fake.result = 0x40011;
    assert_int_equal(schedop_xen_version(), 0x40011);
    fake_expect(17, 0);
    fake_reset(sizeof(reply));
    fake.reply = &reply;
    assert_int_equal(schedop_xen_features(&features), 0);
    fake_expect(17, XENVER_get_features);
    assert_int_equal(features, 0x12305);
    fake_reset(0);
    assert_int_equal(schedop_console_write("hello", 5), 0);
    fake_expect(18, CONSOLEIO_write);
    assert_int_equal(fake.args[1], 5);
    fake_reset(0);
    fake.result = 2;
    assert_int_equal(schedop_console_read((char[4]){0}, 4), 2);
    fake_expect(18, CONSOLEIO_read);
}

/* ---- waiting on PV (spec 3.2) ---- */

static struct vcpu_info info;
static unsigned int blocks, forced, ready_calls, ready_after;

/* Block clears the mask, and the upcall clears the pending byte. */
static intptr_t act_as_pv(struct fake *f)
{
    if (f->number == 29) {
        assert_int_equal(f->args[0], SCHEDOP_block);
        assert_int_equal(info.evtchn_upcall_mask, 1);
        blocks++;
    } else {
        assert_int_equal(f->number, 17);
        forced++;
    }
    info.evtchn_upcall_mask = 0;
    info.evtchn_upcall_pending = 0;
    return f->result;
}

static bool ready_in_time(void *context)
{
    assert_ptr_equal(context, &info);
    assert_int_equal(info.evtchn_upcall_mask, 1); /* tested with upcalls off */
    return ready_calls++ >= ready_after;
}

static void start_wait(unsigned int after)
{
    fake_reset(0);
    fake.act = act_as_pv;
    memset(&info, 0, sizeof(info));
    blocks = forced = ready_calls = 0;
    ready_after = after;
}

static void test_wait_pv(void **state)
{
    (void)state;
    for (unsigned int after = 0; after < 4; after++) {
        start_wait(after);
        assert_int_equal(schedop_wait_pv(&info, ready_in_time, &info), 0);
        assert_int_equal(blocks, after);
        assert_int_equal(forced, 0);
        assert_int_equal(info.evtchn_upcall_mask, 0);
    }
}

/* An event that came while upcalls were off is taken on the way out. */
static void test_wait_pv_takes_a_pending_upcall(void **state)
{
    (void)state;
    start_wait(0);
    info.evtchn_upcall_pending = 1;
    assert_int_equal(schedop_wait_pv(&info, ready_in_time, &info), 0);
    assert_int_equal(blocks, 0);
    assert_int_equal(forced, 1);
}

static void test_wait_pv_gives_up_on_an_error(void **state)
{
    (void)state;
    start_wait(9);
    fake.result = -XEN_ENOSYS;
    assert_int_equal(schedop_wait_pv(&info, ready_in_time, &info), -XEN_ENOSYS);
    assert_int_equal(blocks, 1);
    assert_int_equal(info.evtchn_upcall_mask, 0);
}

/* ---- hypercall page (spec 1.2, 1.6) ---- */

/* What the slot found: rax, rdi, rsi, rdx, r10, r8. */
static uint64_t seen[6];

/* Every slot loads its number and jumps to page_recorder, which destroys what
 * the ABI lets it destroy. */
__asm__(".text\n"
        "page_recorder:\n"
        "    mov %rax, seen(%rip)\n"
        "    mov %rdi, seen+8(%rip)\n"
        "    mov %rsi, seen+16(%rip)\n"
        "    mov %rdx, seen+24(%rip)\n"
        "    mov %r10, seen+32(%rip)\n"
        "    mov %r8, seen+40(%rip)\n"
        "    xor %edi, %edi\n" /* arguments are destroyed */
        "    xor %esi, %esi\n"
        "    xor %edx, %edx\n"
        "    xor %r10d, %r10d\n"
        "    xor %r8d, %r8d\n"
        "    mov $-22, %rax\n"
        "    ret\n");
void page_recorder(void);

static void build_page(unsigned char *page)
{
    uintptr_t target = (uintptr_t)page_recorder;

    for (uint32_t n = 0; n < 128; n++) {
        unsigned char *slot = page + n * 32;

        slot[0] = 0xb8; /* mov $n, %eax */
        memcpy(slot + 1, &n, 4);
        slot[5] = 0x49; /* movabs $target, %r11 */
        slot[6] = 0xbb;
        memcpy(slot + 7, &target, 8);
        slot[15] = 0x41; /* jmp *%r11 */
        slot[16] = 0xff;
        slot[17] = 0xe3;
    }
}

static void test_page_transport(void **state)
{
    static const uint64_t five[6] = {127, 1, 2, 3, 4, 5};
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(page, MAP_FAILED);
    build_page(page);
    assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
    schedop_hypercall_page_at(page);
    schedop_transport_use(&schedop_transport_page);
    assert_string_equal(schedop_transport_name(), "hypercall page");
    for (unsigned int n = 0; n < 128; n++) {
        assert_int_equal(schedop_hypercall3(n, 11, 12, 13), -22);
        assert_int_equal(seen[0], n);
        assert_int_equal(seen[1], 11);
        assert_int_equal(seen[2], 12);
        assert_int_equal(seen[3], 13);
    }
    assert_int_equal(schedop_hypercall5(127, 1, 2, 3, 4, 5), -22);
    assert_memory_equal(seen, five, sizeof(five));
    assert_int_equal(schedop_suspend(0x77), -XEN_EINVAL);
    assert_int_equal(seen[0], 29);
    assert_int_equal(seen[3], 0x77);
    munmap(page, 4096);
}

/* The choice is made from the vendor of the machine at hand. */
static void test_detect(void **state)
{
    const struct schedop_transport *t = schedop_transport_detect();

    (void)state;
    assert_true(t == &schedop_transport_vmcall ||
                t == &schedop_transport_vmmcall);
    assert_int_equal(t == &schedop_transport_vmmcall,
                     __builtin_cpu_is("amd") != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_unbound),
        cmocka_unit_test(test_bind_interdomain),
        cmocka_unit_test(test_bind_virq_and_ipi),
        cmocka_unit_test(test_failed_binds_give_port_0),
        cmocka_unit_test(test_operations_on_a_port),
        cmocka_unit_test(test_bind_vcpu_status_reset),
        cmocka_unit_test(test_vcpu_operations),
        cmocka_unit_test(test_vcpu_info_and_ticks),
        cmocka_unit_test(test_set_timer),
        cmocka_unit_test(test_hvm_params),
        cmocka_unit_test(test_upcall_vector),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_reservation),
        cmocka_unit_test(test_version_and_console),
        cmocka_unit_test(test_wait_pv),
        cmocka_unit_test(test_wait_pv_takes_a_pending_upcall),
        cmocka_unit_test(test_wait_pv_gives_up_on_an_error),
        cmocka_unit_test(test_page_transport),
        cmocka_unit_test(test_detect),
    };

    __builtin_cpu_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
