/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator against the processor these tests run on: each
 * instruction is executed here and emulated, from the same random registers,
 * flags and memory, and must leave the same behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "lib/prng.h"
#include "x86/virt/emulate.h"

#define ARITHMETIC 0x8d5u /* OF SF ZF AF PF CF */
#define AF 0x10u
#define DF 0x400u

struct native {
    uint64_t gpr[8], flags;
};

/* Runs `code` (an instruction and a return) with and into `r`. */
void native_run(struct native *r, const void *code);

__asm__(".text\n"
        ".globl native_run\n"
        "native_run:\n"
        "  push %rbx; push %rbp; push %r14; push %r15; push %r15\n"
        "  mov %rdi, %r15; mov %rsi, %r14\n"
        "  push 64(%r15); popfq\n"
        "  mov 0(%r15), %rax; mov 8(%r15), %rcx; mov 16(%r15), %rdx\n"
        "  mov 24(%r15), %rbx; mov 40(%r15), %rbp\n"
        "  mov 48(%r15), %rsi; mov 56(%r15), %rdi\n"
        "  call *%r14\n"
        "  pushfq; pop 64(%r15); cld\n"
        "  mov %rax, 0(%r15); mov %rcx, 8(%r15); mov %rdx, 16(%r15)\n"
        "  mov %rbx, 24(%r15); mov %rbp, 40(%r15)\n"
        "  mov %rsi, 48(%r15); mov %rdi, 56(%r15)\n"
        "  pop %r15; pop %r15; pop %r14; pop %rbp; pop %rbx\n"
        "  ret\n");

static uint8_t memory[64] __attribute__((aligned(64)));
static uint8_t *code_page;
static struct prng prng = {42};

/* Linear addresses are the host's own, within `memory`. */
static bool memory_read(struct emulate *e, uint64_t linear, void *to,
                        unsigned len)
{
    (void)e;
    assert_true(linear >= (uintptr_t)memory &&
                linear + len <= (uintptr_t)memory + sizeof(memory));
    memcpy(to, memory + (linear - (uintptr_t)memory), len);
    return true;
}

static bool memory_write(struct emulate *e, uint64_t linear, const void *from,
                         unsigned len)
{
    (void)e;
    assert_true(linear >= (uintptr_t)memory &&
                linear + len <= (uintptr_t)memory + sizeof(memory));
    memcpy(memory + (linear - (uintptr_t)memory), from, len);
    return true;
}

static bool refuse_read(struct emulate *e, uint64_t linear, void *to,
                        unsigned len)
{
    (void)e, (void)linear, (void)to, (void)len;
    return false;
}

static bool refuse_write(struct emulate *e, uint64_t linear, const void *from,
                         unsigned len)
{
    (void)e, (void)linear, (void)from, (void)len;
    return false;
}

struct sample {
    const char *name;
    uint8_t bytes[15];
    unsigned len;
    bool undefined_af; /* the manual leaves AF undefined */
};

#define S(name, undefined, ...)                                                \
    {                                                                          \
        name, {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), undefined       \
    }

/* rbx points to the middle of `memory`, rsi and rdi into it. */
static const struct sample samples[] = {
    S("add %al,(%rbx)", false, 0x00, 0x03),
    S("add %eax,(%rbx)", false, 0x01, 0x03),
    S("add %rax,(%rbx)", false, 0x48, 0x01, 0x03),
    S("add %ax,8(%rbx)", false, 0x66, 0x01, 0x43, 0x08),
    S("add (%rbx),%ecx", false, 0x03, 0x0b),
    S("add (%rbx),%ah", false, 0x02, 0x23),
    S("or (%rbx),%rdx", true, 0x48, 0x0b, 0x13),
    S("or %dh,(%rbx)", true, 0x08, 0x33),
    S("adc %rax,(%rbx)", false, 0x48, 0x11, 0x03),
    S("adc -8(%rbx),%al", false, 0x12, 0x43, 0xf8),
    S("sbb %eax,(%rbx)", false, 0x19, 0x03),
    S("sbb (%rbx),%rax", false, 0x48, 0x1b, 0x03),
    S("and %eax,16(%rbx)", true, 0x21, 0x83, 0x10, 0x00, 0x00, 0x00),
    S("sub %cx,(%rbx)", false, 0x66, 0x29, 0x0b),
    S("sub (%rbx),%rdx", false, 0x48, 0x2b, 0x13),
    S("xor (%rbx),%al", true, 0x32, 0x03),
    S("cmp %rax,(%rbx)", false, 0x48, 0x39, 0x03),
    S("cmp (%rbx),%dl", false, 0x3a, 0x13),
    S("addb $0x7f,(%rbx)", false, 0x80, 0x03, 0x7f),
    S("orl $imm,(%rbx)", true, 0x81, 0x0b, 0x78, 0x56, 0x34, 0x92),
    S("andq $imm,(%rbx)", true, 0x48, 0x81, 0x23, 0x78, 0x56, 0x34, 0x92),
    S("addw $imm,(%rbx)", false, 0x66, 0x81, 0x03, 0x34, 0x92),
    S("subq $-3,(%rbx)", false, 0x48, 0x83, 0x2b, 0xfd),
    S("cmpl $-1,(%rbx)", false, 0x83, 0x3b, 0xff),
    S("test %al,(%rbx)", true, 0x84, 0x03),
    S("test %rcx,(%rbx)", true, 0x48, 0x85, 0x0b),
    S("xchg %al,(%rbx)", false, 0x86, 0x03),
    S("xchg %rdx,(%rbx)", false, 0x48, 0x87, 0x13),
    S("mov %al,(%rbx)", false, 0x88, 0x03),
    S("mov %bh,(%rbx)", false, 0x88, 0x3b),
    S("mov %sil,(%rbx)", false, 0x40, 0x88, 0x33),
    S("mov %eax,(%rbx)", false, 0x89, 0x03),
    S("mov %rax,(%rbx)", false, 0x48, 0x89, 0x03),
    S("mov %ax,(%rbx)", false, 0x66, 0x89, 0x03),
    S("mov (%rbx),%cl", false, 0x8a, 0x0b),
    S("mov (%rbx),%ch", false, 0x8a, 0x2b),
    S("mov (%rbx),%eax", false, 0x8b, 0x03),
    S("mov (%rbx),%ax", false, 0x66, 0x8b, 0x03),
    S("mov 8(%rbx,%rbp,1),%rdx", false, 0x48, 0x8b, 0x54, 0x2b, 0x08),
    S("mov (%rbx,%rbp,4),%edx", false, 0x8b, 0x14, 0xab),
    S("movzbl (%rbx),%eax", false, 0x0f, 0xb6, 0x03),
    S("movzwl (%rbx),%ecx", false, 0x0f, 0xb7, 0x0b),
    S("movzbw (%rbx),%dx", false, 0x66, 0x0f, 0xb6, 0x13),
    S("movzwq (%rbx),%rax", false, 0x48, 0x0f, 0xb7, 0x03),
    S("movsbl (%rbx),%eax", false, 0x0f, 0xbe, 0x03),
    S("movsbq (%rbx),%rcx", false, 0x48, 0x0f, 0xbe, 0x0b),
    S("movswl (%rbx),%edx", false, 0x0f, 0xbf, 0x13),
    S("movslq (%rbx),%rdx", false, 0x48, 0x63, 0x13),
    S("movb $0x5a,(%rbx)", false, 0xc6, 0x03, 0x5a),
    S("movl $imm,(%rbx)", false, 0xc7, 0x03, 0x11, 0x22, 0x33, 0x84),
    S("movq $imm,(%rbx)", false, 0x48, 0xc7, 0x03, 0x11, 0x22, 0x33, 0x84),
    S("movw $imm,4(%rbx)", false, 0x66, 0xc7, 0x43, 0x04, 0x11, 0x82),
    S("movsb", false, 0xa4),
    S("movsl", false, 0xa5),
    S("movsq", false, 0x48, 0xa5),
    S("stosb", false, 0xaa),
    S("stosw", false, 0x66, 0xab),
    S("lodsb", false, 0xac),
    S("lodsl", false, 0xad),
    S("lodsq", false, 0x48, 0xad),
    S("testb $imm,(%rbx)", true, 0xf6, 0x03, 0x81),
    S("testl $imm,(%rbx)", true, 0xf7, 0x03, 0x80, 0x00, 0x00, 0x80),
    S("testw $imm,(%rbx)", true, 0x66, 0xf7, 0x03, 0x80, 0x80),
    S("notb (%rbx)", false, 0xf6, 0x13),
    S("notq (%rbx)", false, 0x48, 0xf7, 0x13),
    S("negl (%rbx)", false, 0xf7, 0x1b),
    S("negb (%rbx)", false, 0xf6, 0x1b),
    S("incb (%rbx)", false, 0xfe, 0x03),
    S("incq (%rbx)", false, 0x48, 0xff, 0x03),
    S("decl (%rbx)", false, 0xff, 0x0b),
    S("lock add %eax,(%rbx)", false, 0xf0, 0x01, 0x03),
    S("es mov (%rbx),%eax", false, 0x26, 0x8b, 0x03),
};

/* Often a value at some edge, as flags like them. */
static uint64_t random_value(void)
{
    uint64_t n = prng_next(&prng);

    switch (n & 7) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return 0x8080808080808080;
    case 3:
        return 0x7f7f7f7f7f7f7f7f;
    default:
        return prng_next(&prng);
    }
}

static void randomize(struct native *r)
{
    for (unsigned i = 0; i < 8; i++) {
        r->gpr[i] = random_value();
    }
    for (unsigned i = 0; i < sizeof(memory); i += 8) {
        uint64_t value = random_value();

        memcpy(memory + i, &value, 8);
    }
    r->gpr[REG_RBX] = (uintptr_t)memory + 24;
    r->gpr[REG_RBP] = prng_next(&prng) % 4;
    r->gpr[REG_RSI] = (uintptr_t)memory + 8;
    r->gpr[REG_RDI] = (uintptr_t)memory + 40;
    r->flags = 0x202 | (prng_next(&prng) & ARITHMETIC);
    r->flags |= prng_next(&prng) & DF;
}

static void run_native(const struct sample *s, struct native *r)
{
    memcpy(code_page, s->bytes, s->len);
    code_page[s->len] = 0xc3;
    native_run(r, code_page);
}

static void run_emulated(const struct sample *s, struct native *r)
{
    struct emulate e = {
        .bytes = s->bytes,
        .nr_bytes = s->len,
        .rip = 0x1000,
        .rflags = r->flags,
        .wide = true,
        .data32 = true,
        .read = memory_read,
        .write = memory_write,
    };

    memcpy(e.gpr, r->gpr, sizeof(r->gpr));
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.rip, 0x1000 + s->len);
    memcpy(r->gpr, e.gpr, sizeof(r->gpr));
    r->flags = e.rflags;
}

static void compare(const struct sample *s)
{
    struct native before, real, ours;
    uint8_t start[sizeof(memory)], after[sizeof(memory)];
    uint64_t mask = ARITHMETIC & ~(s->undefined_af ? AF : 0ull);

    randomize(&before);
    memcpy(start, memory, sizeof(memory));
    real = ours = before;
    run_native(s, &real);
    memcpy(after, memory, sizeof(memory));
    memcpy(memory, start, sizeof(memory));
    run_emulated(s, &ours);
    real.gpr[REG_RSP] = ours.gpr[REG_RSP];
    if (memcmp(after, memory, sizeof(memory)) != 0 ||
        memcmp(real.gpr, ours.gpr, sizeof(real.gpr)) != 0 ||
        ((real.flags ^ ours.flags) & mask) != 0) {
        fail_msg("%s: flags %lx -> %lx, not %lx", s->name,
                 (unsigned long)before.flags, (unsigned long)ours.flags,
                 (unsigned long)real.flags);
    }
}

static void as_the_processor(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (unsigned n = 0; n < 500; n++) {
            compare(&samples[i]);
        }
    }
}

/* What a callback refuses leaves registers, flags and rip alone. */
static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct emulate e, before;
        struct native r;

        randomize(&r);
        memset(&e, 0, sizeof(e));
        e.bytes = samples[i].bytes;
        e.nr_bytes = samples[i].len;
        e.wide = e.data32 = true;
        e.rflags = r.flags;
        e.read = i % 2 ? memory_read : refuse_read;
        e.write = refuse_write;
        memcpy(e.gpr, r.gpr, sizeof(r.gpr));
        before = e;
        if (emulate_insn(&e) != EMULATE_FAULT) {
            continue; /* only reads, and reading was allowed */
        }
        assert_memory_equal(&e, &before, sizeof(e));
    }
}

/* No prefix of an instruction is an instruction; none reads beyond its end. */
static void truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (unsigned len = 0; len < samples[i].len; len++) {
            uint8_t *bytes = malloc(len ? len : 1);
            struct native r;
            struct emulate e;

            assert_non_null(bytes);
            memcpy(bytes, samples[i].bytes, len);
            randomize(&r);
            memset(&e, 0, sizeof(e));
            e.bytes = bytes;
            e.nr_bytes = len;
            e.wide = e.data32 = true;
            e.read = memory_read;
            e.write = memory_write;
            memcpy(e.gpr, r.gpr, sizeof(r.gpr));
            assert_int_equal(emulate_insn(&e), EMULATE_UNKNOWN);
            free(bytes);
        }
    }
}

static bool any_read(struct emulate *e, uint64_t linear, void *to, unsigned len)
{
    (void)e, (void)linear;
    memset(to, 0xff, len);
    return true;
}

static bool any_write(struct emulate *e, uint64_t linear, const void *from,
                      unsigned len)
{
    (void)e, (void)linear, (void)from;
    return len <= 8;
}

/* Random bytes: no crash, and rip moves only forward by the length. */
static void garbage(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 200000; n++) {
        uint8_t bytes[INSN_MAX];
        struct emulate e;

        memset(&e, 0, sizeof(e));
        for (unsigned i = 0; i < INSN_MAX; i++) {
            bytes[i] = (uint8_t)prng_next(&prng);
        }
        for (unsigned i = 0; i < 16; i++) {
            e.gpr[i] = prng_next(&prng);
        }
        e.bytes = bytes;
        e.nr_bytes = (unsigned)(prng_next(&prng) % (INSN_MAX + 1));
        e.wide = n & 1;
        e.data32 = n & 2;
        e.read = any_read;
        e.write = any_write;
        (void)emulate_insn(&e);
    }
}

/* One round at a time: rip stays until the count is used up. */
static void repeated(void **state)
{
    static const uint8_t rep_stosb[] = {0xf3, 0xaa};
    struct emulate e = {
        .bytes = rep_stosb,
        .nr_bytes = 2,
        .wide = true,
        .read = memory_read,
        .write = memory_write,
    };

    (void)state;
    memset(memory, 0, sizeof(memory));
    e.gpr[REG_RAX] = 0x77;
    e.gpr[REG_RCX] = 3;
    e.gpr[REG_RDI] = (uintptr_t)memory;
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(emulate_insn(&e), EMULATE_DONE);
        assert_int_equal(e.gpr[REG_RCX], 3 - i);
        assert_int_equal(e.rip, i < 3 ? 0 : 2);
    }
    assert_memory_equal(memory, "\x77\x77\x77\0", 4);
    e.rip = 0;
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.rip, 2);
    assert_int_equal(e.gpr[REG_RDI], (uintptr_t)memory + 3);
}

static bool low_read(struct emulate *e, uint64_t linear, void *to, unsigned len)
{
    uint64_t *want = e->context;

    assert_int_equal(linear, *want);
    memset(to, 0x11, len);
    return true;
}

/* 32-bit code: segment bases count, addresses wrap at 4 GiB. */
static void narrow(void **state)
{
    static const uint8_t mov[] = {0x8b, 0x43, 0x10};      /* 16(%ebx),%eax */
    static const uint8_t moffs[] = {0xa1, 0x10, 0, 0, 0}; /* 0x10,%eax */
    uint64_t want = 0x2000f;
    struct emulate e = {
        .bytes = mov,
        .nr_bytes = sizeof(mov),
        .data32 = true,
        .read = low_read,
        .context = &want,
    };

    (void)state;
    e.gpr[REG_RBX] = 0xffffffff;
    e.base[SEG_DS] = 0x20000;
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.gpr[REG_RAX], 0x11111111);
    e.bytes = moffs;
    e.nr_bytes = sizeof(moffs);
    want = 0x20010;
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    e.data32 = false; /* 16-bit addressing is not known */
    assert_int_equal(emulate_insn(&e), EMULATE_UNKNOWN);
}

/* PUSH, POP, CALL, RET on a stack in the callbacks' memory. */
static void stack(void **state)
{
    static const uint8_t push[] = {0x41, 0x54}, pop[] = {0x41, 0x5d};
    static const uint8_t call[] = {0xe8, 0x10, 0, 0, 0}, ret[] = {0xc3};
    struct emulate e = {
        .bytes = push,
        .nr_bytes = 2,
        .rip = 0x1000,
        .wide = true,
        .read = memory_read,
        .write = memory_write,
    };
    uint64_t top = (uintptr_t)memory + sizeof(memory);

    (void)state;
    e.gpr[REG_RSP] = top;
    e.gpr[12] = 0x1122334455667788;
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.gpr[REG_RSP], top - 8);
    e.bytes = pop;
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.gpr[13], 0x1122334455667788);
    assert_int_equal(e.gpr[REG_RSP], top);
    assert_int_equal(e.rip, 0x1004);
    e.bytes = call;
    e.nr_bytes = sizeof(call);
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.rip, 0x1004 + 5 + 0x10);
    e.bytes = ret;
    e.nr_bytes = 1;
    assert_int_equal(emulate_insn(&e), EMULATE_DONE);
    assert_int_equal(e.rip, 0x1004 + 5);
    assert_int_equal(e.gpr[REG_RSP], top);
}

static void lengths(void **state)
{
    static const uint8_t vmmcall[] = {0x0f, 0x01, 0xd9};
    static const uint8_t plain[] = {0x0f, 0x01, 0xd9, 0x90};
    static const uint8_t prefixed[] = {0xf2, 0x66, 0x48, 0x0f, 0x01, 0xd9};
    static const uint8_t only[15] = {0x66, 0x66, 0x66, 0x66, 0x66,
                                     0x66, 0x66, 0x66, 0x66, 0x66,
                                     0x66, 0x66, 0x66, 0x66, 0x66};
    static const uint8_t cr8[] = {0x44, 0x0f, 0x22, 0xc1};
    static const uint8_t lmsw[] = {0x0f, 0x01, 0xf1};
    unsigned cr = 0, gpr = 0;

    (void)state;
    assert_int_equal(insn_match(plain, 4, true, vmmcall, 3), 3);
    assert_int_equal(insn_match(prefixed, 6, true, vmmcall, 3), 6);
    assert_int_equal(insn_match(prefixed, 6, false, vmmcall, 3), 0);
    assert_int_equal(insn_match(prefixed, 5, true, vmmcall, 3), 0);
    assert_int_equal(insn_match(only, 15, true, vmmcall, 3), 0);
    assert_int_equal(insn_mov_cr(cr8, 4, true, true, &cr, &gpr), 4);
    assert_int_equal(cr, 8);
    assert_int_equal(gpr, REG_RCX);
    assert_int_equal(insn_mov_cr(cr8, 4, true, false, &cr, &gpr), 0);
    assert_int_equal(insn_lmsw(lmsw, 3, true, &gpr), 3);
    assert_int_equal(gpr, REG_RCX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_processor),
        cmocka_unit_test(refused),
        cmocka_unit_test(truncated),
        cmocka_unit_test(garbage),
        cmocka_unit_test(repeated),
        cmocka_unit_test(narrow),
        cmocka_unit_test(stack),
        cmocka_unit_test(lengths),
    };

    code_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code_page == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
