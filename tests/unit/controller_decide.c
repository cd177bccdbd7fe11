/* SPDX-License-Identifier: MIT */
/*
 * What the controller decides for every code and setting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xen/sched.h>

#include "controller/controller.h"

static struct controller_verdict decide(enum controller_action action,
                                        uint8_t code, bool callback)
{
    struct controller_policy p = {action, action, action, action,
                                  action, action, false};
    struct controller_life life = {0};
    struct controller_end end = {code, 5000000000u, callback};

    return controller_decide(&p, &life, &end);
}

static void defaults_are_xls(void **state)
{
    static const struct {
        uint8_t code;
        const char *action;
        bool noted;
    } want[] = {
        {SHUTDOWN_poweroff, "destroy", false},
        {SHUTDOWN_reboot, "restart", false},
        {SHUTDOWN_suspend, "resume", false},
        {SHUTDOWN_crash, "destroy", false},
        {SHUTDOWN_watchdog, "destroy", false},
        {SHUTDOWN_soft_reset, "destroy", true},
        {6, "destroy", true},
        {200, "destroy", true},
        {255, "destroy", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct controller_life life = {0};
        struct controller_end end = {want[i].code, 1, true};
        struct controller_verdict v =
            controller_decide(&controller_default_policy, &life, &end);

        assert_string_equal(controller_action_name(v.action), want[i].action);
        assert_int_equal(v.note != NULL, want[i].noted);
    }
}

static void each_code_has_its_setting(void **state)
{
    const struct controller_policy p = {
        .on_poweroff = CONTROLLER_PRESERVE,
        .on_reboot = CONTROLLER_DESTROY,
        .on_crash = CONTROLLER_RESTART,
        .on_watchdog = CONTROLLER_RENAME_RESTART,
        .on_soft_reset = CONTROLLER_PRESERVE,
        .on_suspend = CONTROLLER_RESUME,
    };
    static const enum controller_action want[] = {
        [SHUTDOWN_poweroff] = CONTROLLER_PRESERVE,
        [SHUTDOWN_reboot] = CONTROLLER_DESTROY,
        [SHUTDOWN_suspend] = CONTROLLER_RESUME,
        [SHUTDOWN_crash] = CONTROLLER_RESTART,
        [SHUTDOWN_watchdog] = CONTROLLER_RENAME_RESTART,
        [SHUTDOWN_soft_reset] = CONTROLLER_PRESERVE,
    };

    (void)state;
    for (uint8_t code = 0; code < 6; code++) {
        struct controller_life life = {0};
        struct controller_end end = {code, 1, true};

        assert_int_equal(controller_decide(&p, &life, &end).action, want[code]);
    }
}

static void actions_say_what_to_do(void **state)
{
    struct controller_verdict v = decide(CONTROLLER_DESTROY, 0, true);

    (void)state;
    assert_true(v.destroy && !v.restart && !v.resume && !v.rename && !v.dump);
    v = decide(CONTROLLER_RESTART, 1, true);
    assert_true(v.destroy && v.restart && !v.resume && !v.rename);
    v = decide(CONTROLLER_RENAME_RESTART, 3, true);
    assert_true(!v.destroy && v.restart && !v.resume && v.rename);
    v = decide(CONTROLLER_PRESERVE, 3, true);
    assert_true(!v.destroy && !v.restart && !v.resume && !v.rename);
    v = decide(CONTROLLER_COREDUMP_DESTROY, 3, true);
    assert_true(v.dump && v.destroy && !v.restart);
    v = decide(CONTROLLER_COREDUMP_RESTART, 4, true);
    assert_true(v.dump && v.destroy && v.restart);
    v = decide(CONTROLLER_SOFT_RESET, 5, true);
    assert_true(v.destroy && !v.restart && v.note != NULL);
}

static void suspend_gives_one_only_with_a_callback(void **state)
{
    struct controller_verdict v = decide(CONTROLLER_CHECKPOINT, 2, true);

    (void)state;
    assert_true(v.resume && v.result == 1 && !v.destroy && !v.restart);
    v = decide(CONTROLLER_CHECKPOINT, 2, false);
    assert_true(v.resume && v.result == 0);
    v = decide(CONTROLLER_RESUME, 2, true);
    assert_true(v.resume && v.result == 0);
    /* Nothing else goes on in place. */
    for (uint8_t code = 0; code < 6; code++) {
        if (code != SHUTDOWN_suspend) {
            v = decide(CONTROLLER_CHECKPOINT, code, true);
            assert_true(!v.resume && v.destroy && v.note != NULL);
        }
    }
}

static void short_lives_are_given_up(void **state)
{
    struct controller_life life = {0};
    struct controller_end end = {SHUTDOWN_reboot, CONTROLLER_LIFE_NS - 1,
                                 false};

    (void)state;
    for (unsigned i = 0; i < CONTROLLER_RESTARTS_MAX; i++) {
        assert_true(
            controller_decide(&controller_default_policy, &life, &end).restart);
    }
    struct controller_verdict v =
        controller_decide(&controller_default_policy, &life, &end);

    assert_true(!v.restart && v.destroy && v.note != NULL);
    assert_string_equal(controller_action_name(v.action), "destroy");
    assert_int_equal(life.restarts, CONTROLLER_RESTARTS_MAX);
}

static void paced_restarts_go_on_for_ever(void **state)
{
    const struct controller_policy p = {.on_reboot = CONTROLLER_RESTART,
                                        .paced = true};
    struct controller_life life = {0};
    struct controller_end end = {SHUTDOWN_reboot, 1, false};

    (void)state;
    for (unsigned i = 0; i < 3 * CONTROLLER_RESTARTS_MAX; i++) {
        assert_true(controller_decide(&p, &life, &end).restart);
    }
}

static void a_long_life_starts_the_count_again(void **state)
{
    struct controller_life life = {0};
    struct controller_end end = {SHUTDOWN_reboot, 0, false};

    (void)state;
    for (unsigned i = 0; i < 10 * CONTROLLER_RESTARTS_MAX; i++) {
        end.lived_ns =
            i % CONTROLLER_RESTARTS_MAX == 0 ? CONTROLLER_LIFE_NS : 1000;
        assert_true(
            controller_decide(&controller_default_policy, &life, &end).restart);
    }
}

static void kept_domains_get_new_names(void **state)
{
    static const struct {
        uint64_t wall_s;
        const char *name;
    } want[] = {
        {0, "web-19700101T0000Z"},          {951782399, "web-20000228T2359Z"},
        {951782400, "web-20000229T0000Z"},  {951868800, "web-20000301T0000Z"},
        {1703980800, "web-20231231T0000Z"}, {1704067199, "web-20231231T2359Z"},
        {1709164800, "web-20240229T0000Z"}, {1795437556, "web-20261123T1239Z"},
        {4107542399, "web-21000228T2359Z"}, {4107542400, "web-21000301T0000Z"},
    };
    char name[24];

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        controller_kept_name("web", want[i].wall_s, name, sizeof(name));
        assert_string_equal(name, want[i].name);
    }
    controller_kept_name("a-rather-long-name", 0, name, sizeof(name));
    assert_string_equal(name, "a-rather-19700101T0000Z");
}

static bool listed(void *context, uint16_t domid)
{
    for (const uint16_t *p = context; *p != 0; p++) {
        if (*p == domid) {
            return true;
        }
    }
    return false;
}

static bool always(void *context, uint16_t domid)
{
    (void)context;
    return domid != 0;
}

static void ids_are_new_each_time(void **state)
{
    uint16_t used[] = {2, 3, 0x7fef, 0}, last = 0;

    (void)state;
    assert_int_equal(controller_next_domid(&last, listed, used), 1);
    assert_int_equal(controller_next_domid(&last, listed, used), 4);
    assert_int_equal(controller_next_domid(&last, listed, used), 5);
    last = 0x7fee;
    assert_int_equal(controller_next_domid(&last, listed, used), 1);
    assert_int_equal(controller_next_domid(&last, always, NULL), -1);
}

static void reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(controller_reason_name(0), "poweroff");
    assert_string_equal(controller_reason_name(5), "soft_reset");
    assert_null(controller_reason_name(6));
    assert_null(controller_reason_name(255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_xls),
        cmocka_unit_test(each_code_has_its_setting),
        cmocka_unit_test(actions_say_what_to_do),
        cmocka_unit_test(suspend_gives_one_only_with_a_callback),
        cmocka_unit_test(short_lives_are_given_up),
        cmocka_unit_test(paced_restarts_go_on_for_ever),
        cmocka_unit_test(a_long_life_starts_the_count_again),
        cmocka_unit_test(kept_domains_get_new_names),
        cmocka_unit_test(ids_are_new_each_time),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
