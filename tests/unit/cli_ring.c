/* SPDX-License-Identifier: MIT */
/* Lines to the hypervisor through the ring in RAM, its side played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <schedop/link.h>

#include "cli/qemu.h"

#define AT 4096u

static struct qemu q;
static int bell; /* the port's other end */

static struct schedop_link_ring *ring(void)
{
    return (struct schedop_link_ring *)(void *)ram_at(
        &q.ram, AT, sizeof(struct schedop_link_ring));
}

static int setup(void **state)
{
    int fd[2];

    (void)state;
    q = (struct qemu){.ram = {.fd = -1}, .link_out = -1};
    assert_int_equal(ram_open(&q.ram, 1 << 20), 0);
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
    bell = fd[0];
    q.link_in = fd[1];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(bell);
    if (q.link_in >= 0) {
        close(q.link_in);
    }
    ram_close(&q.ram);
    return 0;
}

static size_t rung(void)
{
    char bytes[256];
    ssize_t n = read(bell, bytes, sizeof(bytes));

    for (ssize_t i = 0; i < n; i++) {
        assert_int_equal(bytes[i], '\n');
    }
    return n > 0 ? (size_t)n : 0;
}

/* What the hypervisor finds. */
static size_t take(char *out, size_t max)
{
    struct schedop_link_ring *r = ring();
    size_t n = 0;

    while (n < max && r->tail != r->head) {
        out[n++] = r->bytes[r->tail++ % SCHEDOP_LINK_RING];
    }
    return n;
}

static void without_a_ring_lines_go_through_the_port(void **state)
{
    struct cli_text t = {0};
    char bytes[16];

    (void)state;
    qemu_ring(&q, 0);
    cli_text_str(&t, "stop\n");
    assert_int_equal(qemu_waits(&q, &t), q.link_in);
    qemu_send(&q, &t);
    assert_int_equal(t.len, 0);
    assert_int_equal(qemu_waits(&q, &t), -1);
    assert_int_equal(read(bell, bytes, sizeof(bytes)), 5);
    cli_text_free(&t);
}

static void a_ring_that_is_nowhere_is_none(void **state)
{
    (void)state;
    qemu_ring(&q, (1 << 20) - 8);
    assert_int_equal(q.ring, 0);
    qemu_ring(&q, UINT64_MAX - 7);
    assert_int_equal(q.ring, 0);
    qemu_ring(&q, AT + 1);
    assert_int_equal(q.ring, 0);
    qemu_ring(&q, AT);
    assert_int_equal(q.ring, AT);
}

/* Three rings full, in order, and a bell for each that went. */
static void what_does_not_fit_waits_for_room(void **state)
{
    static char sent[3 * SCHEDOP_LINK_RING + 5], got[sizeof(sent)];
    struct cli_text t = {0};
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (char)(i * 7 + i / 251);
    }
    qemu_ring(&q, AT);
    ring()->head = ring()->tail = UINT32_MAX - 100; /* they wrap */
    cli_text_add(&t, sent, sizeof(sent));
    qemu_send(&q, &t);
    assert_int_equal(t.len, sizeof(sent) - SCHEDOP_LINK_RING);
    assert_int_equal(rung(), 1);
    assert_int_equal(ring()->waits, 1);
    assert_int_equal(qemu_waits(&q, &t), -1); /* until it is told */
    qemu_send(&q, &t);
    assert_int_equal(rung(), 0);
    while (n < sizeof(sent)) {
        n += take(got + n, sizeof(got) - n);
        ring()->waits = 0;
        qemu_room(&q);
        assert_int_equal(qemu_waits(&q, &t), t.len > 0 ? q.link_in : -1);
        qemu_send(&q, &t);
    }
    assert_int_equal(t.len, 0);
    assert_memory_equal(sent, got, sizeof(sent));
    cli_text_free(&t);
}

static void impossible_indices_write_nothing(void **state)
{
    struct cli_text t = {0};

    (void)state;
    qemu_ring(&q, AT);
    ring()->tail = 5;
    cli_text_str(&t, "stop\n");
    qemu_send(&q, &t);
    assert_int_equal(t.len, 5);
    assert_int_equal(ring()->head, 0);
    assert_int_equal(rung(), 0);
    cli_text_free(&t);
}

/* A hypervisor that never reads does not stop the tool, nor lose lines. */
static void a_port_that_is_full_is_bell_enough(void **state)
{
    struct cli_text t = {0};

    (void)state;
    qemu_ring(&q, AT);
    while (write(q.link_in, "\n", 1) == 1) {
    }
    cli_text_str(&t, "stop\n");
    qemu_send(&q, &t);
    assert_int_equal(t.len, 0);
    assert_int_equal(ring()->head, 5);
    assert_true(q.link_in >= 0);
    cli_text_free(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(without_a_ring_lines_go_through_the_port),
        TEST(a_ring_that_is_nowhere_is_none),
        TEST(what_does_not_fit_waits_for_room),
        TEST(impossible_indices_write_nothing),
        TEST(a_port_that_is_full_is_bell_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
