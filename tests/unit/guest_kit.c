/* SPDX-License-Identifier: MIT */
/*
 * The start-up kit's strings, division and command-line words, and the
 * formatter it uses, compared with the host's libc. The kit's own names for
 * libc functions are prefixed by kit_libc_ when it is compiled for this test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

size_t fmt_snprintf(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool kit_arg(const char *name, char *value, size_t size);
uint64_t kit_arg_u64(const char *name, uint64_t otherwise);
void test_set_cmdline(const char *text);

void *kit_libc_memcpy(void *to, const void *from, size_t size);
void *kit_libc_memmove(void *to, const void *from, size_t size);
void *kit_libc_memset(void *to, int byte, size_t size);
int kit_libc_memcmp(const void *a, const void *b, size_t size);
size_t kit_libc_strlen(const char *text);
int kit_libc_strcmp(const char *a, const char *b);
int kit_libc_strncmp(const char *a, const char *b, size_t size);

uint64_t kit_libc_udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t kit_libc_umoddi3(uint64_t dividend, uint64_t divisor);
uint64_t kit_libc_udivmoddi4(uint64_t dividend, uint64_t divisor,
                             uint64_t *rest);
int64_t kit_libc_divdi3(int64_t dividend, int64_t divisor);
int64_t kit_libc_moddi3(int64_t dividend, int64_t divisor);

/* Formats with both and compares text and length. */
#define SAME(...)                                                              \
    do {                                                                       \
        char ours[200], theirs[200];                                           \
        size_t length = fmt_snprintf(ours, sizeof(ours), __VA_ARGS__);         \
        int expected = snprintf(theirs, sizeof(theirs), __VA_ARGS__);          \
                                                                               \
        assert_string_equal(ours, theirs);                                     \
        assert_int_equal(length, expected);                                    \
    } while (0)

static void test_numbers(void **state)
{
    static const int ints[] = {0, 1, -1, 9, 10, 4096, INT32_MAX, INT32_MIN};
    static const uint64_t longs[] = {
        0,         1,           UINT32_MAX,        UINT64_MAX,
        INT64_MAX, 10000000000, 99999999999999999u};

    (void)state;
    for (size_t i = 0; i < sizeof(ints) / sizeof(*ints); i++) {
        SAME("%d|%i|%5d|%-5d|%05d", ints[i], ints[i], ints[i], ints[i],
             ints[i]);
        SAME("%u|%x|%X|%08x|%-9x|", (unsigned int)ints[i],
             (unsigned int)ints[i], (unsigned int)ints[i],
             (unsigned int)ints[i], (unsigned int)ints[i]);
    }
    for (size_t i = 0; i < sizeof(longs) / sizeof(*longs); i++) {
        SAME("%lu|%lx|%ld|%llu|%zu|%016lx", (unsigned long)longs[i],
             (unsigned long)longs[i], (long)longs[i],
             (unsigned long long)longs[i], (size_t)longs[i],
             (unsigned long)longs[i]);
    }
}

static uint64_t random_state = 88172645463325252u;

/* A number of a random length. */
static uint64_t next_random(unsigned int i)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> (i % 64);
}

static void test_many_numbers(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 20000; i++) {
        unsigned long long value = next_random(i);

        SAME("%llu", value);
    }
}

static void test_division(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 20000; i++) {
        uint64_t a = next_random(i), b = next_random(i / 64) | 1;
        int64_t x = (int64_t)a, y = (int64_t)b;
        uint64_t rest;

        assert_int_equal(kit_libc_udivmoddi4(a, b, &rest), a / b);
        assert_int_equal(rest, a % b);
        assert_int_equal(kit_libc_udivdi3(a, b), a / b);
        assert_int_equal(kit_libc_umoddi3(a, b), a % b);
        if (i % 3 == 0) {
            x = -x;
        }
        if (i % 2 == 0) {
            y = -y;
        }
        assert_int_equal(kit_libc_divdi3(x, y), x / y);
        assert_int_equal(kit_libc_moddi3(x, y), x % y);
    }
    assert_int_equal(kit_libc_udivdi3(UINT64_MAX, UINT64_MAX), 1);
    assert_int_equal(kit_libc_umoddi3(UINT64_MAX - 1, UINT64_MAX),
                     UINT64_MAX - 1);
}

static void test_text(void **state)
{
    (void)state;
    SAME("%s|%10s|%-10s|%.2s|%*s|%.*s", "abc", "abc", "abc", "abc", 7, "abc", 1,
         "abc");
    SAME("%c%c|%3c|%-3c|%%", 'x', 'y', 'z', 'w');
    SAME("%p", (void *)0x1234abcd);
    SAME("plain");
    SAME("%s", "");
}

static void test_truncation(void **state)
{
    char text[8];

    (void)state;
    memset(text, '#', sizeof(text));
    assert_int_equal(fmt_snprintf(text, 5, "%s", "123456789"), 9);
    assert_string_equal(text, "1234");
    assert_int_equal(text[5], '#');
    assert_int_equal(fmt_snprintf(text, 0, "%d", 12345), 5);
    assert_int_equal(text[0], '1'); /* size 0: untouched */
    assert_int_equal(fmt_snprintf(text, 1, "%d", 12345), 5);
    assert_int_equal(text[0], 0);
}

static void test_memory_functions(void **state)
{
    unsigned char a[64], b[64];

    (void)state;
    for (size_t from = 0; from < 20; from++) {
        for (size_t to = 0; to < 20; to++) {
            for (size_t size = 0; size < 40; size += 3) {
                for (size_t i = 0; i < 64; i++) {
                    a[i] = b[i] = (unsigned char)i;
                }
                assert_ptr_equal(kit_libc_memmove(a + to, a + from, size),
                                 a + to);
                memmove(b + to, b + from, size);
                assert_memory_equal(a, b, 64);
            }
        }
    }
    assert_ptr_equal(kit_libc_memset(a + 1, 0x1ff, 5), a + 1);
    memset(b + 1, 0xff, 5);
    assert_ptr_equal(kit_libc_memcpy(a + 30, "hello", 5), a + 30);
    memcpy(b + 30, "hello", 5);
    assert_memory_equal(a, b, 64);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void test_comparisons(void **state)
{
    static const char *const texts[] = {"", "a", "ab", "b", "\xff", "ab\x80"};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(kit_libc_strlen(texts[i]), strlen(texts[i]));
        for (size_t k = 0; k < 6; k++) {
            assert_int_equal(sign(kit_libc_strcmp(texts[i], texts[k])),
                             sign(strcmp(texts[i], texts[k])));
            for (size_t n = 0; n < 4; n++) {
                assert_int_equal(sign(kit_libc_strncmp(texts[i], texts[k], n)),
                                 sign(strncmp(texts[i], texts[k], n)));
            }
        }
    }
    assert_true(kit_libc_memcmp("a\0b", "a\0c", 3) < 0);
    assert_true(kit_libc_memcmp("\xff", "\x01", 1) > 0);
    assert_int_equal(kit_libc_memcmp("x", "y", 0), 0);
}

static void test_arguments(void **state)
{
    char value[8];

    (void)state;
    test_set_cmdline("peer=3  quick name=abc peer=12 long=123456789 e= x=0x1F");
    assert_true(kit_arg("name", value, sizeof(value)));
    assert_string_equal(value, "abc");
    assert_true(kit_arg("quick", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_true(kit_arg("e", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_false(kit_arg("na", value, sizeof(value)));
    assert_false(kit_arg("ame", value, sizeof(value)));
    assert_false(kit_arg("long", value, sizeof(value)));
    assert_int_equal(kit_arg_u64("peer", 99), 12); /* the last one counts */
    assert_int_equal(kit_arg_u64("none", 99), 99);
    assert_int_equal(kit_arg_u64("name", 99), 99);
    assert_int_equal(kit_arg_u64("e", 99), 99);
    assert_int_equal(kit_arg_u64("x", 99), 99); /* digits are lower-case */
    test_set_cmdline("x=0x1f");
    assert_int_equal(kit_arg_u64("x", 99), 31);
    test_set_cmdline("");
    assert_false(kit_arg("x", value, sizeof(value)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_many_numbers),
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_memory_functions),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
