/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor for the guest library's tests: it remembers the last hypercall
 * with a copy of its operand, and answers what the test told it to.
 */
#ifndef SCHEDOP_TESTS_GUEST_FAKE_H
#define SCHEDOP_TESTS_GUEST_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <schedop/guest.h>

struct fake {
    unsigned int calls;
    unsigned int number;
    uintptr_t args[5];
    unsigned char operand[32]; /* what args[operand_arg] points to */
    unsigned int operand_arg;
    size_t operand_size; /* 0: do not look */
    intptr_t result;
    /* Called instead of returning `result`, if set. */
    intptr_t (*act)(struct fake *fake);
    const void *reply; /* written over the operand before returning */
};

static struct fake fake;

static intptr_t fake_call(void *context, unsigned int number,
                          const uintptr_t args[5])
{
    struct fake *f = context;
    void *operand = (void *)args[f->operand_arg];

    f->calls++;
    f->number = number;
    memcpy(f->args, args, sizeof(f->args));
    if (f->operand_size > 0) {
        assert_non_null(operand);
        memcpy(f->operand, operand, f->operand_size);
        if (f->reply) {
            memcpy(operand, f->reply, f->operand_size);
        }
    }
    return f->act ? f->act(f) : f->result;
}

/* Starts over; the next call's operand, argument 2, has `size` bytes. */
static inline void fake_reset(size_t size)
{
    memset(&fake, 0, sizeof(fake));
    fake.operand_arg = 1;
    fake.operand_size = size;
    schedop_inprocess_at(fake_call, &fake);
    schedop_transport_use(&schedop_transport_inprocess);
}

/* The last call was hypercall `number` with these first arguments. */
static inline void fake_expect(unsigned int number, uintptr_t a1)
{
    assert_int_equal(fake.calls, 1);
    assert_int_equal(fake.number, number);
    assert_int_equal(fake.args[0], a1);
    assert_int_equal(fake.args[3], 0);
    assert_int_equal(fake.args[4], 0);
}

#endif
