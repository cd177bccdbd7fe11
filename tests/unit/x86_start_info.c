/* SPDX-License-Identifier: MIT */
/* Start info: that a guest that follows its pointers finds what was given. */
#include "x86/virt/start_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/xen.h>

#define GPA 0x200000u

static uint8_t page[4096];
static struct memmap map;

static struct start_info_source source(void)
{
    memset(page, 0, sizeof(page));
    memmap_build(&map, 64 << 20, 4096);
    return (struct start_info_source){
        .rsdp = 0xfc000000,
        .cmdline = "console=hvc0",
        .memmap = &map,
        .nr_modules = 2,
        .module = {{0x400000, 5}, {0x401000, 0x1234}},
    };
}

/* What stands at a guest address, which must lie in the page. */
static const void *at(uint64_t gpa, size_t len)
{
    assert_true(gpa >= GPA && gpa - GPA <= sizeof(page) - len);
    assert_int_equal(gpa % 8, 0);
    return page + (gpa - GPA);
}

static void a_domain_finds_all(void **state)
{
    struct start_info_source from = source();
    const struct hvm_start_info *si = at(GPA, sizeof(*si));
    const struct hvm_modlist_entry *m;
    const struct hvm_memmap_table_entry *e;
    size_t used = start_info_build(page, sizeof(page), GPA, &from);

    (void)state;
    assert_in_range(used, sizeof(*si) + 2 * sizeof(*m), sizeof(page));
    assert_int_equal(si->magic, XEN_HVM_START_MAGIC_VALUE);
    assert_int_equal(si->version, 1);
    assert_int_equal(si->flags, 0);
    assert_int_equal(si->rsdp_paddr, 0xfc000000);
    assert_string_equal(at(si->cmdline_paddr, 13), "console=hvc0");
    assert_int_equal(si->nr_modules, 2);
    m = at(si->modlist_paddr, 2 * sizeof(*m));
    assert_int_equal(m[0].paddr, 0x400000);
    assert_int_equal(m[0].size, 5);
    assert_int_equal(m[1].paddr, 0x401000);
    assert_int_equal(m[1].size, 0x1234);
    assert_int_equal(m[1].cmdline_paddr, 0);
    assert_int_equal(si->memmap_entries, map.nr);
    e = at(si->memmap_paddr, map.nr * sizeof(*e));
    for (unsigned i = 0; i < map.nr; i++) {
        assert_int_equal(e[i].addr, map.entry[i].addr);
        assert_int_equal(e[i].size, map.entry[i].size);
        assert_int_equal(e[i].type, map.entry[i].type);
    }
}

/* As on Xen (spec 8.3). */
static void a_hardware_domain_has_no_map(void **state)
{
    struct start_info_source from = source();
    const struct hvm_start_info *si = at(GPA, sizeof(*si));

    (void)state;
    from.hardware = true;
    from.nr_modules = 0;
    assert_int_not_equal(start_info_build(page, sizeof(page), GPA, &from), 0);
    assert_int_equal(si->version, 0);
    assert_int_equal(si->flags, SIF_PRIVILEGED | SIF_INITDOMAIN);
    assert_int_equal(si->memmap_paddr, 0);
    assert_int_equal(si->modlist_paddr, 0);
    assert_string_equal(at(si->cmdline_paddr, 13), "console=hvc0");
}

/* At every size that is too small: no address of 0, nothing half written. */
static void what_does_not_fit_is_refused(void **state)
{
    struct start_info_source from = source();
    size_t used = start_info_build(page, sizeof(page), GPA, &from);

    (void)state;
    assert_int_equal(start_info_build(page, used, GPA, &from), used);
    for (size_t room = 0; room < used; room++) {
        from = source();
        assert_int_equal(start_info_build(page, room, GPA, &from), 0);
        for (size_t i = room; i < sizeof(page); i++) {
            assert_int_equal(page[i], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_finds_all),
        cmocka_unit_test(a_hardware_domain_has_no_map),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests_name("start_info", tests, NULL, NULL);
}
