/* SPDX-License-Identifier: MIT */
/*
 * The freestanding helpers against libc and against simple models: snprintf,
 * functions on bytes, heap, tree, bit sets, atomics on bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/bug.h"
#include "lib/fmt.h"
#include "lib/heap.h"
#include "lib/list.h"
#include "lib/prng.h"
#include "lib/tree.h"

/* Under other names than libc's: the test's own build of lib/string.c. */
void *our_memcpy(void *dst, const void *src, size_t n);
void *our_memmove(void *dst, const void *src, size_t n);
void *our_memset(void *dst, int byte, size_t n);
int our_memcmp(const void *a, const void *b, size_t n);
size_t our_strlen(const char *s);
int our_strcmp(const char *a, const char *b);
int our_strncmp(const char *a, const char *b, size_t n);
char *our_strchr(const char *s, int c);

_Noreturn void sop_bug(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/* ---- fmt ---- */

#define SAME(...)                                                              \
    do {                                                                       \
        char want[200], got[200];                                              \
        int len = snprintf(want, sizeof(want), __VA_ARGS__);                   \
        size_t cut;                                                            \
        assert_int_equal(fmt_snprintf(got, sizeof(got), __VA_ARGS__), len);    \
        assert_string_equal(got, want);                                        \
        for (cut = 0; cut <= (size_t)len + 1; cut++) {                         \
            memset(got, 'x', sizeof(got));                                     \
            assert_int_equal(fmt_snprintf(got, cut, __VA_ARGS__), len);        \
            (void)snprintf(want, cut, __VA_ARGS__);                            \
            if (cut > 0) {                                                     \
                assert_string_equal(got, want);                                \
            }                                                                  \
            assert_int_equal(got[cut], 'x');                                   \
        }                                                                      \
    } while (0)

static void fmt_like_libc(void **state)
{
    static const long long numbers[] = {
        0,         1,         -1,        9,         10,        -10,
        INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 0xdeadbeef};
    unsigned i;

    (void)state;
    SAME("%%");
    SAME("plain");
    SAME("%s|%10s|%-10s|%.3s|%10.2s|%.0s", "abc", "abc", "abc", "abcdef", "abc",
         "abc");
    SAME("%.*s|%*s|%-*s", 2, "abc", 7, "abc", 7, "abc");
    SAME("%*d|%-6d|%06d", 5, 42, 42, -42);
    SAME("%c%c%5c|%-3c|", 'a', 'b', 'c', 'd');
    SAME("%hhu %hu %hhd %hd", (unsigned char)255, (unsigned short)65535,
         (signed char)-1, (short)-2);
    SAME("%zu %zd %zx %ju", (size_t)7, (ptrdiff_t)-7, (size_t)0xabc,
         (uintmax_t)9);
    SAME("%p", (void *)0x1234abcd);
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        long long n = numbers[i];

        SAME("%lld %llu %llx %llX", n, (unsigned long long)n,
             (unsigned long long)n, (unsigned long long)n);
        SAME("%d %u %x %i", (int)n, (unsigned)n, (unsigned)n, (int)n);
        SAME("%ld %lu %lx", (long)n, (unsigned long)n, (unsigned long)n);
        SAME("%25lld|%-25lld|%025lld", n, n, n);
        SAME("%20llx|%-20llx|%020llx", (unsigned long long)n,
             (unsigned long long)n, (unsigned long long)n);
    }
}

/* ---- bytes ---- */

static void bytes_like_libc(void **state)
{
    struct prng prng = {.state = 7};
    unsigned char a[100], b[100];
    unsigned round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        size_t from = prng_next(&prng) % 40, to = prng_next(&prng) % 40;
        size_t n = prng_next(&prng) % 50;
        unsigned i;

        for (i = 0; i < sizeof(a); i++) {
            a[i] = b[i] = (unsigned char)prng_next(&prng);
        }
        memmove(a + to, a + from, n);
        assert_ptr_equal(our_memmove(b + to, b + from, n), b + to);
        assert_memory_equal(a, b, sizeof(a));
        memset(a + to, (int)round, n);
        assert_ptr_equal(our_memset(b + to, (int)round, n), b + to);
        assert_memory_equal(a, b, sizeof(a));
        if (from + n <= 50) {
            memcpy(a + 50, a + from, n);
            assert_ptr_equal(our_memcpy(b + 50, b + from, n), b + 50);
            assert_memory_equal(a, b, sizeof(a));
        }
        b[prng_next(&prng) % sizeof(b)] ^= (unsigned char)(round & 1);
        assert_int_equal(our_memcmp(a, b, sizeof(a)) > 0,
                         memcmp(a, b, sizeof(a)) > 0);
        assert_int_equal(our_memcmp(a, b, sizeof(a)) < 0,
                         memcmp(a, b, sizeof(a)) < 0);
    }
}

static void strings_like_libc(void **state)
{
    static const char *const words[] = {"", "a", "ab", "abc", "abd", "\xff"};
    unsigned i, j, n;

    (void)state;
    for (i = 0; i < 6; i++) {
        assert_int_equal(our_strlen(words[i]), strlen(words[i]));
        assert_ptr_equal(our_strchr(words[i], 'b'), strchr(words[i], 'b'));
        assert_ptr_equal(our_strchr(words[i], 0), strchr(words[i], 0));
        for (j = 0; j < 6; j++) {
            int want = strcmp(words[i], words[j]);
            int got = our_strcmp(words[i], words[j]);

            assert_int_equal((got > 0) - (got < 0), (want > 0) - (want < 0));
            for (n = 0; n < 4; n++) {
                want = strncmp(words[i], words[j], n);
                got = our_strncmp(words[i], words[j], n);
                assert_int_equal((got > 0) - (got < 0),
                                 (want > 0) - (want < 0));
            }
        }
    }
}

/* ---- heap ---- */

#define NODES 64

static void heap_like_model(void **state)
{
    struct heap_node node[NODES], *slot[NODES];
    struct prng prng = {.state = 3};
    struct heap h;
    unsigned round, i;

    (void)state;
    heap_init(&h, slot, NODES);
    assert_null(heap_top(&h));
    memset(node, 0, sizeof(node));
    for (round = 0; round < 50000; round++) {
        struct heap_node *n = &node[prng_next(&prng) % NODES];
        uint64_t least = UINT64_MAX;

        if (heap_node_is_linked(n) && prng_next(&prng) % 2 != 0) {
            heap_move(&h, n, prng_next(&prng) % 50);
        } else if (heap_node_is_linked(n)) {
            heap_remove(&h, n);
        } else {
            heap_insert(&h, n, prng_next(&prng) % 50);
        }
        assert_null(heap_check(&h));
        for (i = 0; i < NODES; i++) {
            if (heap_node_is_linked(&node[i]) && node[i].key < least) {
                least = node[i].key;
            }
        }
        if (heap_top(&h) != NULL) {
            assert_int_equal(heap_top(&h)->key, least);
        } else {
            assert_true(least == UINT64_MAX);
        }
    }
    while (heap_top(&h) != NULL) {
        heap_remove(&h, heap_top(&h));
    }
    for (i = 0; i < NODES; i++) {
        assert_false(heap_node_is_linked(&node[i]));
    }
    /* The check sees what is wrong. */
    heap_insert(&h, &node[0], 5);
    heap_insert(&h, &node[1], 6);
    node[1].key = 4;
    assert_non_null(heap_check(&h));
    node[1].key = 6;
    node[1].place = 1;
    assert_non_null(heap_check(&h));
}

/* ---- tree ---- */

/* Put in, taken out and changed at random, it finds what a search of all
   would; keys that run over are in order too. */
static void tree_like_model(void **state)
{
    static struct tree_node node[NODES];
    struct prng prng = {.state = 5};
    struct tree t = {0};
    uint64_t base = UINT64_MAX - 20;
    unsigned round, i;

    (void)state;
    assert_null(tree_first(&t, UINT64_MAX));
    assert_null(tree_lowest(&t));
    for (round = 0; round < 20000; round++) {
        struct tree_node *n = &node[prng_next(&prng) % NODES], *best = NULL;
        uint64_t set = prng_next(&prng) & prng_next(&prng) & 15;

        if (!tree_node_is_linked(n)) {
            tree_insert(&t, n, base + prng_next(&prng) % 40, prng_next(&prng),
                        set);
        } else if (prng_next(&prng) % 4 == 0) {
            tree_change_set(&t, n, set);
        } else {
            tree_remove(&t, n);
        }
        assert_null(tree_check(&t));
        set = prng_next(&prng) & 15;
        for (i = 0; i < NODES; i++) {
            n = &node[i];
            if (tree_node_is_linked(n) && (n->set & set) != 0 &&
                (best == NULL || n->key - base < best->key - base ||
                 (n->key == best->key && n->tie < best->tie))) {
                best = n;
            }
        }
        assert_ptr_equal(tree_first(&t, set), best);
    }
    while (!tree_is_empty(&t)) {
        tree_remove(&t, t.root);
        assert_null(tree_check(&t));
    }
}

/* ---- sets, lists, atomics ---- */

static void sets(void **state)
{
    uint64_t map[4] = {0};
    uint32_t words[4] = {0};
    unsigned i;

    (void)state;
    assert_int_equal(bits_lowest(0x8000000000000000), 63);
    assert_int_equal(bits_lowest(6), 1);
    assert_int_equal(bits_count(0), 0);
    assert_int_equal(bits_count(UINT64_MAX), 64);
    assert_true(bits_below(0) == 0);
    assert_true(bits_below(64) == UINT64_MAX);
    assert_true(bits_below(65) == UINT64_MAX);
    assert_true(bits_below(5) == 31);
    for (i = 0; i < 256; i++) {
        assert_int_equal(bitmap_first_clear(map, 256), i);
        assert_int_equal(bitmap_first_clear(map, i), i);
        bitmap_set(map, i);
        assert_true(bitmap_test(map, i));
    }
    assert_int_equal(bitmap_first_clear(map, 256), 256);
    assert_int_equal(bitmap_first_clear(map, 70), 70);
    bitmap_clear(map, 130);
    assert_int_equal(bitmap_first_clear(map, 256), 130);
    assert_int_equal(bitmap_first_clear(map, 130), 130);

    assert_false(atomic_test_and_set_bit(words, 77));
    assert_true(atomic_test_and_set_bit(words, 77));
    assert_int_equal(words[2], 1u << 13);
    assert_true(atomic_test_bit(words, 77));
    assert_true(atomic_test_and_clear_bit(words, 77));
    assert_false(atomic_test_and_clear_bit(words, 77));
    /* The same bit in both word sizes. */
    memcpy(map, (uint32_t[8]){0}, 32);
    (void)atomic_test_and_set_bit((uint32_t *)(void *)map, 100);
    assert_true(bitmap_test(map, 100));
}

static void lists(void **state)
{
    struct list_node head, n[3];
    unsigned i;

    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    for (i = 0; i < 3; i++) {
        list_init(&n[i]);
        assert_false(list_is_linked(&n[i]));
        list_insert_before(&head, &n[i]);
        assert_true(list_is_linked(&n[i]));
    }
    assert_ptr_equal(head.next, &n[0]);
    assert_ptr_equal(head.prev, &n[2]);
    list_remove(&n[1]);
    assert_false(list_is_linked(&n[1]));
    assert_ptr_equal(n[0].next, &n[2]);
    list_insert_before(&n[0], &n[1]);
    assert_ptr_equal(head.next, &n[1]);
    assert_false(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fmt_like_libc),
        cmocka_unit_test(bytes_like_libc),
        cmocka_unit_test(strings_like_libc),
        cmocka_unit_test(heap_like_model),
        cmocka_unit_test(tree_like_model),
        cmocka_unit_test(sets),
        cmocka_unit_test(lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
