/* SPDX-License-Identifier: MIT */
/*
 * `test=WORD` on the hypervisor's command line: provokes one fault, for
 * tests/boot to see it caught and told; or echoes the link.
 */
#include "../cpu/asm.h"
#include "../cpu/cpu.h"
#include "../irq/irq.h"
#include "../mm/mm.h"
#include "boot.h"

#define CODE_RETURN 0xc3 /* the instruction */
#define ECHO_END 0x04

/* The address without the compiler knowing what lies there. */
static volatile uint64_t *hidden(uint64_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (volatile uint64_t *)address;
}

static void call(const void *address)
{
    __asm__ volatile("call *%0" : : "r"(address) : "memory");
}

static void do_panic(void)
{
    x86_panic("as the command line asks");
}

static void do_invalid_opcode(void)
{
    __asm__ volatile("ud2");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) static uint64_t overflow(volatile uint64_t depth)
{
    volatile uint64_t frame[64];

    frame[0] = depth;
    return overflow(depth + 1) + frame[0];
}
#pragma GCC diagnostic pop

static void do_stack_overflow(void)
{
    overflow(0);
}

/* A page fault that finds no gate, nor does the fault from that. */
static void do_double_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idt;

    __asm__ volatile("sidt %0" : "=m"(idt));
    idt.limit = (VECTOR_DOUBLE_FAULT + 1) * 16 - 1;
    __asm__ volatile("lidt %0" : : "m"(idt));
    *hidden(8) = 0;
}

static void do_write_text(void)
{
    *hidden((uint64_t)image_start) = 0;
}

static void do_write_constant(void)
{
    static const uint64_t constant = 1;

    *hidden((uint64_t)&constant) = 0;
}

static void do_execute_data(void)
{
    static uint8_t data[16] = {CODE_RETURN};

    call(data);
}

static void do_execute_heap(void)
{
    char *page = hv_alloc(PAGE_SIZE);

    __builtin_memset(page, CODE_RETURN, PAGE_SIZE);
    call(page);
}

static void do_null(void)
{
    *hidden(8) = 0;
}

static void do_guest_memory(void)
{
    *hidden(ram_alloc(SUPERPAGE_SIZE)) = 0;
}

static void do_write_module(void)
{
    *hidden((uint64_t)module_data(&boot_info.module[0])) = 0;
}

static void fault_there(struct x86_pcpu *self)
{
    if (self->index == x86_nr_pcpus() - 1) {
        do_invalid_opcode();
    }
    halt_forever();
}

/* On the last pCPU, while this one holds console locks most of the time. */
static void do_other_pcpu(void)
{
    x86_start_pcpus(fault_there);
    for (;;) {
        x86_log(SOP_LOG_INFO, "busy");
    }
}

/* Sends back what the link brings, until the byte 4. */
static void do_echo(void)
{
    char bytes[100];

    for (;;) {
        size_t n = link_port_read(bytes, sizeof(bytes));

        if (n == 0) {
            irq_wait();
            continue;
        }
        link_port_write(bytes, n);
        if (bytes[n - 1] == ECHO_END) {
            machine_stop(false);
        }
    }
}

static const struct {
    const char *word;
    void (*run)(void);
} tests[] = {
    {"selftest", selftest_run},
    {"echo", do_echo},
    {"panic", do_panic},
    {"ud", do_invalid_opcode},
    {"stack", do_stack_overflow},
    {"double", do_double_fault},
    {"wp", do_write_text},
    {"ro", do_write_constant},
    {"nx", do_execute_data},
    {"heap", do_execute_heap},
    {"null", do_null},
    {"ram", do_guest_memory},
    {"module", do_write_module},
    {"other", do_other_pcpu},
};

static bool is_word(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    return *a == *b;
}

void test_run(const char *word)
{
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (is_word(word, tests[i].word)) {
            tests[i].run();
            x86_panic("test=%s was survived", word);
        }
    }
    x86_log(SOP_LOG_WARNING, "no such test: %s", word);
}
