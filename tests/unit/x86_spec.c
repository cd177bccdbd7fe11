/* SPDX-License-Identifier: MIT */
/* Command lines of boot modules (docs/link.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x86/virt/spec.h"

static struct domain_spec spec;
static struct spec_module module;
static char why[128];

static bool parse(const char *cmdline)
{
    struct boot_module m = {.cmdline = cmdline};

    memset(why, 0, sizeof(why));
    return spec_parse(&m, 7, &spec, &module, why, sizeof(why));
}

static void defaults(void **state)
{
    static const char *const empty[] = {"", "  ", "image.elf", " image.elf  "};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(parse(empty[i]));
        assert_string_equal(spec.name, "guest7");
        assert_string_equal(spec.cmdline, "");
        assert_string_equal(module.of, "");
        assert_int_equal(spec.memory_mib, 32);
        assert_int_equal(spec.vcpus, 1);
        assert_int_equal(spec.weight, 256);
        assert_int_equal(spec.cap, 0);
        assert_false(spec.hardware);
        assert_true(spec.hard[0] == SOP_CPUMASK_ALL);
        assert_true(spec.soft[15] == SOP_CPUMASK_ALL);
        assert_int_equal(spec.on_poweroff, ACTION_DESTROY);
        assert_int_equal(spec.on_reboot, ACTION_RESTART);
        assert_int_equal(spec.on_crash, ACTION_DESTROY);
        assert_int_equal(spec.on_watchdog, ACTION_DESTROY);
        assert_int_equal(spec.on_soft_reset, ACTION_SOFT_RESET);
        assert_int_equal(spec.on_suspend, ACTION_CHECKPOINT);
    }
}

static void everything(void **state)
{
    (void)state;
    assert_true(parse("x.elf name=a-b.C_9 memory=128 vcpus=16 hardware=1 "
                      "weight=65535 cap=150 cpus=f cpus_soft=0x3 cpus.2=4 "
                      "cpus_soft.15=8 on_poweroff=preserve "
                      "on_reboot=rename-restart on_crash=restart "
                      "on_watchdog=destroy on_soft_reset=destroy "
                      "on_suspend=resume -- one  two=2 -- three"));
    assert_string_equal(spec.name, "a-b.C_9");
    assert_int_equal(spec.memory_mib, 128);
    assert_int_equal(spec.vcpus, 16);
    assert_true(spec.hardware);
    assert_int_equal(spec.weight, 65535);
    assert_int_equal(spec.cap, 150);
    assert_true(spec.hard[0] == 15 && spec.hard[2] == 4 && spec.hard[3] == 15);
    assert_true(spec.soft[14] == 3 && spec.soft[15] == 8);
    assert_int_equal(spec.on_poweroff, ACTION_PRESERVE);
    assert_int_equal(spec.on_reboot, ACTION_RENAME_RESTART);
    assert_int_equal(spec.on_crash, ACTION_RESTART);
    assert_int_equal(spec.on_watchdog, ACTION_DESTROY);
    assert_int_equal(spec.on_soft_reset, ACTION_DESTROY);
    assert_int_equal(spec.on_suspend, ACTION_RESUME);
    assert_string_equal(spec.cmdline, "one  two=2 -- three"); /* verbatim */
}

static void guest_words(void **state)
{
    (void)state;
    assert_true(parse("x -- "));
    assert_string_equal(spec.cmdline, "");
    assert_true(parse("x --"));
    assert_string_equal(spec.cmdline, "");
    assert_true(parse("-- name=not-ours"));
    assert_string_equal(spec.name, "guest7");
    assert_string_equal(spec.cmdline, "name=not-ours");
    assert_true(parse("module-of=other -- root=1"));
    assert_string_equal(module.of, "other");
    assert_string_equal(module.cmdline, "root=1");
}

struct bad {
    const char *cmdline, *why;
};

static void errors(void **state)
{
    static const struct bad bad[] = {
        {"x memory=0", "memory=0: expected a number from 1 to 1048576"},
        {"x memory=", "memory=: expected a number from 1 to 1048576"},
        {"x memory=32M", "memory=32M: expected a number from 1 to 1048576"},
        {"x memory=99999999999999999999",
         "memory=99999999999999999999: expected a number from 1 to 1048576"},
        {"x vcpus=17", "vcpus=17: expected a number from 1 to 16"},
        {"x weight=65536", "weight=65536: expected a number from 1 to 65535"},
        {"x hardware=2", "hardware=2: expected a number from 0 to 1"},
        {"x cpus=0", "cpus=0: expected a hexadecimal mask of pCPUs, not 0"},
        {"x cpus=zz", "cpus=zz: expected a hexadecimal mask of pCPUs, not 0"},
        {"x cpus.16=1", "cpus.16=1: no such key; see docs/link.md"},
        {"x cpusx=1", "cpusx=1: no such key; see docs/link.md"},
        {"x name=", "name=: a name has 1 to 63 characters"},
        {"x name=a/b", "name=a/b: a name has only letters, digits and _ . -"},
        {"x on_crash=explode", "on_crash=explode: expected destroy, restart, "
                               "rename-restart, preserve, coredump-destroy, "
                               "coredump-restart or soft-reset"},
        {"x on_suspend=restart", "on_suspend=restart: expected checkpoint, "
                                 "resume, destroy or preserve"},
        {"x on_poweroff=resume", "on_poweroff=resume: expected destroy, "
                                 "restart, rename-restart, preserve, "
                                 "coredump-destroy, coredump-restart or "
                                 "soft-reset"},
        {"x colour=red", "colour=red: no such key; see docs/link.md"},
        {"x y name=z",
         "y: expected key=value; the guest's own words follow --"},
        {"x =1", "=1: no such key; see docs/link.md"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(parse(bad[i].cmdline));
        assert_string_equal(why, bad[i].why);
    }
}

static void long_words(void **state)
{
    char line[300] = "name=";

    (void)state;
    memset(line + 5, 'a', 63);
    assert_true(parse(line));
    assert_int_equal(strlen(spec.name), 63);
    memset(line + 5, 'a', 64);
    assert_false(parse(line));
    memset(line, 'k', 250);
    line[250] = '=';
    assert_false(parse(line));
    memset(line, 'v', sizeof(line) - 1);
    memcpy(line, "x ", 2);
    assert_false(parse(line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),    cmocka_unit_test(everything),
        cmocka_unit_test(guest_words), cmocka_unit_test(errors),
        cmocka_unit_test(long_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
