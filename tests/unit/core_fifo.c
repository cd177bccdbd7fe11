/* SPDX-License-Identifier: MIT */
/*
 * The FIFO ABI: results and their order, queues, what a switch carries over,
 * poll, reset, and guests that spoil words and heads (spec 4.3, fact 63).
 */
#include "core_fake.h"

#define CONTROL (MEM_BASE + 12 * FAKE_PAGE)
#define WORDS (MEM_BASE + 13 * FAKE_PAGE)
#define BIT(n) (1u << (n))

static int64_t init(struct world *w, struct fake_domain *d, uint32_t vcpu,
                    uint64_t gfn, uint32_t offset)
{
    struct evtchn_init_control op = {
        .control_gfn = gfn, .offset = offset, .vcpu = vcpu};
    int64_t rc = evtchn_op(w, d, 0, EVTCHNOP_init_control, &op, sizeof(op));

    if (rc == 0) {
        assert_int_equal(op.link_bits, 17);
    }
    return rc;
}

static int64_t expand(struct world *w, struct fake_domain *d, uint64_t gfn)
{
    struct evtchn_expand_array op = {.array_gfn = gfn};

    return evtchn_op(w, d, 0, EVTCHNOP_expand_array, &op, sizeof(op));
}

static int64_t priority(struct world *w, struct fake_domain *d, uint32_t port,
                        uint32_t level)
{
    struct evtchn_set_priority op = {.port = port, .priority = level};

    return evtchn_op(w, d, 0, EVTCHNOP_set_priority, &op, sizeof(op));
}

static int64_t unmask(struct world *w, struct fake_domain *d, uint32_t port)
{
    struct evtchn_unmask op = {.port = port};

    return evtchn_op(w, d, 0, EVTCHNOP_unmask, &op, sizeof(op));
}

static int64_t reset(struct world *w, struct fake_domain *d)
{
    struct evtchn_reset op = {.dom = DOMID_SELF};

    return evtchn_op(w, d, 0, EVTCHNOP_reset, &op, sizeof(op));
}

static uint32_t *word(struct fake_domain *d, uint32_t port)
{
    return (uint32_t *)(void *)&d->mem[WORDS - MEM_BASE + port * 4];
}

static struct evtchn_fifo_control_block *control(struct fake_domain *d)
{
    return (void *)&d->mem[CONTROL - MEM_BASE];
}

static struct fake_domain *fifo_domain(struct world *w, unsigned nr_vcpus)
{
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, nr_vcpus, false);

    set_callback(w, d, 0x40);
    assert_int_equal(init(w, d, 0, CONTROL / FAKE_PAGE, 0), 0);
    assert_int_equal(expand(w, d, WORDS / FAKE_PAGE), 0);
    return d;
}

static void results(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint64_t gfn = CONTROL / FAKE_PAGE;
    uint32_t port = bind_ipi(w, d, 0, 0);

    (void)state;
    assert_rc(priority(w, d, port, 3), ENOSYS);
    assert_rc(priority(w, d, 64, 3), EINVAL);
    assert_rc(expand(w, d, gfn), EOPNOTSUPP);
    assert_rc(init(w, d, 2, gfn, 1), ENOENT);
    assert_rc(init(w, d, 0, gfn, FAKE_PAGE - 64), EINVAL);
    assert_rc(init(w, d, 0, gfn, 4), EINVAL);
    assert_rc(init(w, d, 0, 1, 0), EINVAL);
    assert_rc(expand(w, d, gfn), EOPNOTSUPP);
    assert_int_equal(init(w, d, 0, gfn, FAKE_PAGE - 72), 0);
    assert_rc(init(w, d, 0, gfn, 0), EINVAL);
    assert_int_equal(init(w, d, 1, gfn, 0), 0);
    assert_rc(expand(w, d, 1), EINVAL);
    assert_rc(priority(w, d, 64, 3), EINVAL);
    assert_rc(priority(w, d, port + 1, 3), EACCES);
    assert_rc(priority(w, d, port, 16), EINVAL);
    assert_int_equal(priority(w, d, port, 15), 0);
    assert_int_equal(d->frames, 2);
    for (unsigned i = 0; i < 128; i++) {
        assert_int_equal(expand(w, d, WORDS / FAKE_PAGE), 0);
    }
    assert_rc(expand(w, d, WORDS / FAKE_PAGE), ENOSPC);
    assert_int_equal(d->frames, 2 + 4); /* 4,096 ports */
    world_free(w);
}

static void queues(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = fifo_domain(w, 1);
    uint32_t a = bind_ipi(w, d, 0, 0), b = bind_ipi(w, d, 0, 0);
    uint32_t c = bind_ipi(w, d, 0, 0);

    (void)state;
    assert_int_equal(priority(w, d, c, 2), 0);
    assert_int_equal(send(w, d, 0, b), 0);
    assert_int_equal(*upcall_pending(d, 0), 1);
    assert_int_equal(send(w, d, 0, a), 0);
    assert_int_equal(send(w, d, 0, c), 0);
    assert_int_equal(send(w, d, 0, b), 0);
    assert_int_equal(control(d)->ready, BIT(7) | BIT(2));
    assert_int_equal(control(d)->head[7], b);
    assert_int_equal(control(d)->head[2], c);
    assert_int_equal(*word(d, b), 0xa0000000u | a);
    assert_int_equal(*word(d, a), 0xa0000000u);
    /* All taken: the queue starts anew. */
    control(d)->ready = 0;
    *word(d, a) = *word(d, b) = *word(d, c) = 0;
    assert_int_equal(send(w, d, 0, a), 0);
    assert_int_equal(control(d)->ready, BIT(7));
    assert_int_equal(control(d)->head[7], a);
    world_free(w);
}

static void masks(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = fifo_domain(w, 1);
    uint32_t port = bind_ipi(w, d, 0, 0);

    (void)state;
    *word(d, port) = BIT(30);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(*word(d, port), BIT(31) | BIT(30));
    assert_int_equal(control(d)->ready, 0);
    assert_int_equal(*upcall_pending(d, 0), 0);
    assert_int_equal(unmask(w, d, port), 0);
    assert_int_equal(*word(d, port), BIT(31) | BIT(29));
    assert_int_equal(control(d)->ready, BIT(7));
    assert_int_equal(*upcall_pending(d, 0), 1);
    world_free(w);
}

/* Fact 63, and pending bits of the 2-level ABI. */
static void carried_over(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t a = bind_ipi(w, d, 0, 0), b = bind_ipi(w, d, 0, 0);

    (void)state;
    set_masked(d, a, true);
    assert_int_equal(send(w, d, 0, a), 0);
    assert_int_equal(init(w, d, 0, CONTROL / FAKE_PAGE, 0), 0);
    assert_int_equal(send(w, d, 0, b), 0);
    assert_false(pending(d, b));
    assert_int_equal(poll_ports(w, d, 0, &b, 1, w->now + MS), 0);
    assert_false(is_running(d, 0));
    world_advance(w, 2 * MS);
    assert_true(is_running(d, 0));
    assert_int_equal(expand(w, d, WORDS / FAKE_PAGE), 0);
    assert_true((*word(d, a) & BIT(31)) != 0);
    assert_true((*word(d, b) & BIT(31)) != 0);
    assert_int_equal(poll_ports(w, d, 0, &b, 1, 0), 0);
    assert_true(is_running(d, 0));
    world_free(w);
}

static void polled(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = fifo_domain(w, 2);
    uint32_t port = bind_ipi(w, d, 0, 0);

    (void)state;
    bring_up(w, d, 1);
    *word(d, port) = BIT(30); /* pollers are woken even so */
    assert_int_equal(poll_ports(w, d, 1, &port, 1, 0), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    world_free(w);
}

static void resets(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = fifo_domain(w, 1);
    uint32_t port = bind_ipi(w, d, 0, 0);
    unsigned i;

    (void)state;
    assert_int_equal(send(w, d, 0, port), 0);
    for (i = 0; i < 50; i++) {
        assert_int_equal(reset(w, d), 0);
        assert_rc(expand(w, d, WORDS / FAKE_PAGE), EOPNOTSUPP);
        port = bind_ipi(w, d, 0, 0);
        clear_pending(d, port);
        assert_int_equal(send(w, d, 0, port), 0);
        assert_true(pending(d, port));
        clear_pending(d, port);
        assert_int_equal(init(w, d, 0, CONTROL / FAKE_PAGE, 0), 0);
        assert_int_equal(expand(w, d, WORDS / FAKE_PAGE), 0);
        assert_int_equal(d->frames, 2);
    }
    world_free(w);
}

/* A port whose word is in a queue is not given out again. */
static void busy_port(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = fifo_domain(w, 1);
    uint32_t port = bind_ipi(w, d, 0, 0);
    struct evtchn_close c = {.port = port};

    (void)state;
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(evtchn_op(w, d, 0, EVTCHNOP_close, &c, sizeof(c)), 0);
    assert_int_equal(*word(d, port), BIT(29));
    assert_int_equal(bind_ipi(w, d, 0, 0), port + 1);
    *word(d, port) = 0;
    assert_int_equal(bind_ipi(w, d, 0, 0), port);
    world_free(w);
}

/* Any words, heads and ready bits at any time: only events can be lost. */
static void spoilt(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = fifo_domain(w, 2);
    struct prng r = {63};
    unsigned i;

    (void)state;
    for (i = 0; i < 40; i++) {
        (void)bind_ipi(w, d, 0, i % 2);
    }
    for (i = 0; i < 20000; i++) {
        uint32_t port = (uint32_t)prng_next(&r) % 40 + 1;

        switch (prng_next(&r) % 6) {
        case 0:
            *word(d, port) = (uint32_t)prng_next(&r);
            break;
        case 1:
            memset(control(d), (int)prng_next(&r), sizeof(*control(d)));
            break;
        case 2:
            assert_int_equal(priority(w, d, port, prng_next(&r) % 16), 0);
            break;
        case 3:
            assert_int_equal(unmask(w, d, port), 0);
            break;
        default:
            assert_int_equal(send(w, d, 0, port), 0);
            /* vCPU 1, of every second port, has no control block. */
            assert_true(port % 2 == 0 || (*word(d, port) & BIT(31)) != 0);
            break;
        }
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),   cmocka_unit_test(queues),
        cmocka_unit_test(masks),     cmocka_unit_test(carried_over),
        cmocka_unit_test(polled),    cmocka_unit_test(resets),
        cmocka_unit_test(busy_port), cmocka_unit_test(spoilt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
