/* SPDX-License-Identifier: MIT */
/* The arinc653 policy: whose window it is, to the nanosecond. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "lib/compiler.h"
#include "policy_fake.h"

#define MS 1000000u

static struct policy_pool_knobs knobs_of(uint64_t frame)
{
    struct policy_pool_knobs k = {.sched_id = XEN_SCHEDULER_ARINC653};

    k.u.arinc653.major_frame_ns = frame;
    return k;
}

static void add_window(struct policy_pool_knobs *k, const struct fake_vcpu *v,
                       uint64_t ns)
{
    struct policy_arinc653_window *w =
        &k->u.arinc653.window[k->u.arinc653.count++];

    memcpy(w->handle, v->domain->handle, sizeof(w->handle));
    w->vcpu_id = v->v.id;
    w->runtime_ns = ns;
}

static void set_ok(struct fake *f, struct policy_pool_knobs *k)
{
    assert_int_equal(policy_pool_knobs(&f->pool, k, true), 0);
    fake_ask_all(f);
}

/* A domain that is not domain 0. */
static struct policy_domain *other_domain(struct fake *f)
{
    if (f->nr_domains == 0) {
        (void)fake_domain(f);
    }
    return fake_domain(f);
}

static void windows_are_exact(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 1, 4, 0, 1);
    struct policy_pool_knobs k = knobs_of(10 * MS);
    struct fake_vcpu *a = fake_vcpu(f, other_domain(f));
    struct fake_vcpu *b = fake_vcpu(f, other_domain(f));
    unsigned frame;

    (void)state;
    add_window(&k, a, 3 * MS + 7);
    add_window(&k, b, 2 * MS);
    add_window(&k, a, 1 * MS);
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_run(f, 5 * MS);
    assert_int_equal(fake_ran(f, a), 0); /* no schedule, nobody runs */
    set_ok(f, &k);
    /* There was no frame to end: it starts at once. */
    for (frame = 0; frame < 1000; frame++) {
        fake_run(f, 3 * MS + 7);
        assert_int_equal(fake_ran(f, a), frame * (4 * MS + 7) + 3 * MS + 7);
        fake_run(f, 2 * MS);
        assert_int_equal(fake_ran(f, b), (frame + 1) * 2 * MS);
        fake_run(f, 5 * MS - 7);
        assert_int_equal(fake_ran(f, a), (frame + 1) * (4 * MS + 7));
    }
    fake_free(f);
}

/* A late timer makes one window late; where frames start does not move. */
static void late_timers_do_not_add_up(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 1, 4, 0, 1);
    struct policy_pool_knobs k = knobs_of(10 * MS);
    struct fake_vcpu *a = fake_vcpu(f, other_domain(f));
    unsigned i;

    (void)state;
    add_window(&k, a, 4 * MS);
    fake_work(f, a, FAKE_HOG, 0);
    set_ok(f, &k);
    fake_settle(f);
    for (i = 0; i < 1000; i++) {
        /* Each window is looked at only 1 ms after it has opened or shut. */
        f->now = i * (uint64_t)10 * MS + MS;
        fake_pick(f, 0);
        assert_true(fake_is_running(a));
        assert_int_equal(f->pcpu[0].until, i * (uint64_t)10 * MS + 4 * MS);
        f->now = i * (uint64_t)10 * MS + 5 * MS;
        fake_pick(f, 0);
        assert_false(fake_is_running(a));
        assert_int_equal(f->pcpu[0].until, (i + 1) * (uint64_t)10 * MS);
    }
    /* Long without a look: in the middle of a frame far on. */
    f->now = 123456 * (uint64_t)10 * MS + 2 * MS;
    fake_pick(f, 0);
    assert_true(fake_is_running(a));
    assert_int_equal(f->pcpu[0].until, 123456 * (uint64_t)10 * MS + 4 * MS);
    fake_free(f);
}

static void blocks_and_wakes_within_windows(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 1, 4, 0, 1);
    struct policy_pool_knobs k = knobs_of(10 * MS);
    struct fake_vcpu *a = fake_vcpu(f, other_domain(f));
    struct fake_vcpu *b = fake_vcpu(f, other_domain(f));

    (void)state;
    add_window(&k, a, 4 * MS);
    add_window(&k, b, 4 * MS);
    set_ok(f, &k);
    fake_work(f, b, FAKE_HOG, 0);
    fake_run(f, 2 * MS);
    fake_work(f, a, 1 * MS, 3 * MS); /* within its window: at once */
    fake_run(f, 1 * MS);
    assert_int_equal(fake_ran(f, a), 1 * MS);
    fake_run(f, 3 * MS); /* awake at 6, but it is b's time */
    assert_int_equal(fake_ran(f, a), 1 * MS);
    assert_int_equal(fake_ran(f, b), 2 * MS);
    fake_yield(f, 0); /* to nobody */
    fake_run(f, 2 * MS);
    assert_int_equal(fake_ran(f, b), 4 * MS);
    fake_run(f, 3 * MS); /* its next window: at once again */
    assert_int_equal(fake_ran(f, a), 2 * MS);
    fake_free(f);
}

static void replaced_at_the_frame(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 1, 4, 0, 1);
    struct policy_pool_knobs k = knobs_of(10 * MS), n = knobs_of(6 * MS), got;
    struct fake_vcpu *a = fake_vcpu(f, other_domain(f));
    struct fake_vcpu *b = fake_vcpu(f, other_domain(f));

    (void)state;
    add_window(&k, a, 6 * MS);
    add_window(&k, b, 4 * MS);
    add_window(&n, b, 6 * MS);
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    set_ok(f, &k);
    fake_run(f, 13 * MS); /* in a's window of the second frame */
    set_ok(f, &n);
    got = knobs_of(0);
    assert_int_equal(policy_pool_knobs(&f->pool, &got, false), 0);
    assert_int_equal(got.u.arinc653.major_frame_ns, 6 * MS);
    fake_run(f, 7 * MS); /* the frame runs to its end unchanged */
    assert_int_equal(fake_ran(f, a), 12 * MS);
    assert_int_equal(fake_ran(f, b), 8 * MS);
    fake_run(f, 60 * MS);
    assert_int_equal(fake_ran(f, a), 12 * MS);
    assert_int_equal(fake_ran(f, b), 68 * MS);
    fake_free(f);
}

static void refuses_what_xen_refuses(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 1, 4, 0, 1);
    struct fake_vcpu *a = fake_vcpu(f, other_domain(f));
    struct policy_pool_knobs good = knobs_of(10 * MS), k, got;
    unsigned i;

    (void)state;
    add_window(&good, a, 4 * MS);
    add_window(&good, a, 6 * MS);
    set_ok(f, &good);
    for (i = 0; i < 9; i++) {
        k = good;
        switch (i) {
        case 0:
            k.u.arinc653.major_frame_ns = 0;
            break;
        case 1:
            k.u.arinc653.major_frame_ns = UINT64_MAX; /* negative for Xen */
            break;
        case 2:
            k.u.arinc653.count = 0;
            break;
        case 3:
            k.u.arinc653.count = 65;
            break;
        case 4:
            k.u.arinc653.window[1].runtime_ns = 0;
            break;
        case 5:
            k.u.arinc653.window[1].runtime_ns++; /* one ns too many */
            break;
        case 6: /* the sum runs over */
            k.u.arinc653.window[1].runtime_ns = UINT64_MAX - 4 * MS + 1;
            break;
        case 7:
            k.u.arinc653.count = 3; /* the third is all zero */
            break;
        default:
            k.sched_id = XEN_SCHEDULER_CREDIT2;
            break;
        }
        assert_int_equal(policy_pool_knobs(&f->pool, &k, true), -XEN_EINVAL);
        got = knobs_of(0);
        assert_int_equal(policy_pool_knobs(&f->pool, &got, false), 0);
        assert_memory_equal(&got, &good, sizeof(good));
    }
    fake_free(f);
}

static void defaults_of_domain_0(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 1, 80, 0, 1);
    struct policy_domain *d0 = fake_domain(f), *d1 = fake_domain(f);
    struct policy_pool_knobs k = knobs_of(20 * MS);
    struct fake_vcpu *a = fake_vcpu(f, d0), *b = fake_vcpu(f, d0);
    struct fake_vcpu *c = fake_vcpu(f, d1);
    unsigned i;

    (void)state;
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_work(f, c, FAKE_HOG, 0);
    fake_run(f, 100 * MS);
    assert_int_equal(fake_ran(f, a), 50 * MS);
    assert_int_equal(fake_ran(f, b), 50 * MS);
    assert_int_equal(fake_ran(f, c), 0);
    /* Away and back: the same window, not another one. */
    fake_vcpu_gone(f, b);
    fake_ask_all(f);
    fake_run(f, 100 * MS);
    assert_int_equal(fake_ran(f, a), 100 * MS);
    assert_int_equal(policy_pool_knobs(&f->pool, &k, false), 0);
    assert_int_equal(k.u.arinc653.count, 2);
    /* No more than there is room for. */
    for (i = 0; i < 70; i++) {
        (void)fake_vcpu(f, d0);
    }
    assert_int_equal(policy_pool_knobs(&f->pool, &k, false), 0);
    assert_int_equal(k.u.arinc653.count, 64);
    assert_int_equal(k.u.arinc653.major_frame_ns, 640 * MS);
    fake_free(f);
}

/* A vCPU has one place; who comes later under the same name waits. */
static void several_pcpus(void **state)
{
    struct fake *f = fake_new(&policy_arinc653, 3, 4, 0, 1);
    struct policy_pool_knobs k = knobs_of(10 * MS);
    struct fake_vcpu *a = fake_vcpu(f, other_domain(f));
    struct fake_vcpu *b = fake_vcpu(f, other_domain(f));

    (void)state;
    fake_affinity(f, b, 6, 4);
    add_window(&k, a, 5 * MS);
    add_window(&k, b, 5 * MS);
    set_ok(f, &k);
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_run(f, 50 * MS);
    assert_int_equal(fake_ran(f, a), 25 * MS);
    assert_int_equal(fake_ran(f, b), 25 * MS);
    assert_int_equal(a->v.last->index, 0);
    assert_int_equal(b->v.last->index, 2);
    fake_affinity(f, b, 2, 2);
    fake_pcpu_remove(f, 0);
    fake_run(f, 50 * MS);
    assert_int_equal(fake_ran(f, a), 50 * MS);
    assert_int_equal(fake_ran(f, b), 50 * MS);
    fake_free(f);
}

static void storm(void **state)
{
    unsigned seed, i;

    (void)state;
    for (seed = 0; seed < 40; seed++) {
        struct fake *f = fake_new(&policy_arinc653, 1 + seed % 4, 12, 0, seed);
        struct policy_pool_knobs k = knobs_of(1 * MS + seed);

        for (i = 0; i < 12; i++) {
            (void)fake_vcpu(f, i % 3 == 0 ? fake_domain(f)
                                          : &f->domain[f->nr_domains - 1]);
        }
        for (i = 0; i < 20; i++) {
            fake_storm(f, 60);
            if (prng_next(&f->prng) % 2 == 0) {
                k.u.arinc653.count = 0;
            }
            if (k.u.arinc653.count < 10) {
                add_window(&k, &f->vcpu[prng_next(&f->prng) % 12],
                           1 + prng_next(&f->prng) % (MS / 10));
                set_ok(f, &k);
            }
        }
        fake_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_exact),
        cmocka_unit_test(late_timers_do_not_add_up),
        cmocka_unit_test(blocks_and_wakes_within_windows),
        cmocka_unit_test(replaced_at_the_frame),
        cmocka_unit_test(refuses_what_xen_refuses),
        cmocka_unit_test(defaults_of_domain_0),
        cmocka_unit_test(several_pcpus),
        cmocka_unit_test(storm),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
