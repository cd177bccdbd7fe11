/* SPDX-License-Identifier: MIT */
/* Every error of Xen has a name and a sentence; so do commands, reasons. */
#include "guest_fake.h"

static const struct {
    const char *name;
    int value;
} errors[] = {
#define XEN_ERRNO(name, value) {#name, value},
#include <xen/errno.h>
};

#define ERRORS (sizeof(errors) / sizeof(*errors))

/* Two names for one number: the first of the list is the one to show. */
static const char *expected_name(int value)
{
    for (size_t i = 0; i < ERRORS; i++) {
        if (errors[i].value == value) {
            return errors[i].name;
        }
    }
    return NULL;
}

static void test_every_error(void **state)
{
    const char *unknown = schedop_error_text(-4000);

    (void)state;
    for (size_t i = 0; i < ERRORS; i++) {
        int value = errors[i].value;
        const char *text = schedop_error_text(-value);

        assert_string_equal(schedop_error_name(-value), expected_name(value));
        assert_string_equal(schedop_error_name(value), expected_name(value));
        assert_string_not_equal(text, unknown);
        assert_int_equal(text[strlen(text) - 1], '.');
        for (size_t k = 0; k < i; k++) {
            if (errors[k].value != value) {
                assert_string_not_equal(text,
                                        schedop_error_text(-errors[k].value));
            }
        }
    }
}

static void test_other_numbers(void **state)
{
    static const int none[] = {-4, -4000, INT32_MIN, INT32_MAX};

    (void)state;
    assert_string_equal(schedop_error_name(0), "OK");
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(schedop_error_name(none[i]), "?");
        assert_non_null(schedop_error_text(none[i]));
    }
}

static void test_commands_and_reasons(void **state)
{
    static const char *const commands[] = {
        "yield",           "block",         "shutdown", "poll",
        "remote_shutdown", "shutdown_code", "watchdog", "pin_override"};
    static const char *const reasons[] = {"poweroff", "reboot",   "suspend",
                                          "crash",    "watchdog", "soft_reset"};

    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_string_equal(schedop_command_name(i), commands[i]);
    }
    for (uint32_t i = 0; i < 6; i++) {
        assert_string_equal(schedop_reason_name(i), reasons[i]);
    }
    assert_string_equal(schedop_command_name(8), "?");
    assert_string_equal(schedop_command_name(-1), "?");
    assert_string_equal(schedop_command_name(INT32_MIN), "?");
    assert_string_equal(schedop_reason_name(6), "other");
    assert_string_equal(schedop_reason_name(255), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error),
        cmocka_unit_test(test_other_numbers),
        cmocka_unit_test(test_commands_and_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
