/* SPDX-License-Identifier: MIT */
/*
 * Unpacking: each format as its own library packs it, whole, cut at every
 * length, damaged at every byte, and beyond the limit; and Linux's bzImage
 * around them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "cli/image.h"
#include "cli/unpack.h"

#define TEXT_SIZE 5000u
#define PACKED_MAX (3u << 20) /* what LZ4 wants for 2 MiB of zeros */
#define MIB ((size_t)1 << 20)

static uint8_t text[TEXT_SIZE];
static uint8_t packed[PACKED_MAX];

static size_t pack_gzip(const uint8_t *in, size_t n, uint8_t *out)
{
    z_stream z = {0};

    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = PACKED_MAX;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t pack_xz(const uint8_t *in, size_t n, uint8_t *out)
{
    size_t size = 0;

    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in, n,
                                             out, &size, PACKED_MAX),
                     LZMA_OK);
    return size;
}

static size_t pack_zstd(const uint8_t *in, size_t n, uint8_t *out)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t size;

    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    size = ZSTD_compress2(z, out, PACKED_MAX, in, n);
    ZSTD_freeCCtx(z);
    assert_false(ZSTD_isError(size));
    return size;
}

static size_t pack_lz4(const uint8_t *in, size_t n, uint8_t *out)
{
    LZ4F_preferences_t with_check = {0};
    size_t size;

    with_check.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    size = LZ4F_compressFrame(out, PACKED_MAX, in, n, &with_check);
    assert_false(LZ4F_isError(size));
    return size;
}

static void put_word(uint8_t *at, size_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* One block; Linux puts the size unpacked behind it. */
static size_t pack_legacy(const uint8_t *in, size_t n, uint8_t *out)
{
    int size = LZ4_compress_default((const char *)in, (char *)out + 8, (int)n,
                                    (int)PACKED_MAX - 12);

    assert_true(size > 0);
    put_word(out, 0x184c2102);
    put_word(out + 4, (size_t)size);
    put_word(out + 8 + size, n);
    return (size_t)size + 12;
}

static const struct {
    const char *name;
    size_t (*pack)(const uint8_t *in, size_t n, uint8_t *out);
    bool checked; /* damage anywhere is noticed */
} formats[] = {
    {"gzip", pack_gzip, true},      {"XZ", pack_xz, true},
    {"Zstandard", pack_zstd, true}, {"LZ4", pack_lz4, true},
    {"LZ4", pack_legacy, false},
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static void fill_text(void)
{
    for (size_t i = 0; i < TEXT_SIZE; i++) {
        text[i] = (uint8_t)(i * i / 7 % 61 + 'A');
    }
}

static void expect_text(size_t size)
{
    uint8_t *out;
    size_t out_size;
    char *why;

    assert_true(cli_is_packed(packed, size));
    assert_int_equal(cli_unpack(packed, size, MIB, &out, &out_size, &why), 0);
    assert_int_equal(out_size, TEXT_SIZE);
    assert_memory_equal(out, text, TEXT_SIZE);
    free(out);
}

static void whole(void **state)
{
    (void)state;
    for (size_t f = 0; f < NR_FORMATS; f++) {
        size_t size = formats[f].pack(text, TEXT_SIZE, packed);

        expect_text(size);
        if (formats[f].pack != pack_legacy) { /* whose end is the file's */
            memcpy(packed + size, "more", 4);
            expect_text(size + 4);
        }
    }
}

/* In memory of just its size, so that a read beyond is noticed. */
static int unpack_exactly(const uint8_t *data, size_t size, char **why)
{
    uint8_t *copy = malloc(size), *out = NULL;
    size_t out_size;
    int rc;

    assert_non_null(copy);
    memcpy(copy, data, size);
    rc = cli_unpack(copy, size, MIB, &out, &out_size, why);
    if (rc == 0) {
        free(out);
    }
    free(copy);
    return rc;
}

static void cut(void **state)
{
    (void)state;
    for (size_t f = 0; f < NR_FORMATS; f++) {
        size_t size = formats[f].pack(text, TEXT_SIZE, packed);
        /* Of the legacy form the last word is no part of a block. */
        size_t needed = formats[f].checked ? size : size - 4;

        for (size_t n = 9; n < needed; n++) {
            char *why = NULL;

            assert_int_equal(unpack_exactly(packed, n, &why), -1);
            assert_non_null(strstr(why, formats[f].name));
            free(why);
        }
    }
}

static void damaged(void **state)
{
    (void)state;
    for (size_t f = 0; f < NR_FORMATS; f++) {
        size_t size = formats[f].pack(text, TEXT_SIZE, packed);

        for (size_t n = size / 2; n < size; n++) {
            char *why = NULL;
            int rc;

            packed[n] ^= 0x55;
            rc = unpack_exactly(packed, n + 1, &why);
            if (formats[f].checked && formats[f].pack != pack_xz) {
                assert_int_equal(rc, -1);
            }
            free(why);
            packed[n] ^= 0x55;
        }
    }
}

static void too_long(void **state)
{
    uint8_t *zeros = calloc(1, 2 * MIB);

    (void)state;
    assert_non_null(zeros);
    for (size_t f = 0; f < NR_FORMATS; f++) {
        size_t size = formats[f].pack(zeros, 2 * MIB, packed);
        char *why = NULL;

        assert_int_equal(unpack_exactly(packed, size, &why), -1);
        assert_string_equal(why, "unpacks to more than 1 MiB");
        free(why);
    }
    free(zeros);
}

static void not_supported(void **state)
{
    static const uint8_t bzip2[] = "BZh91AY&SY", other[] = "none of them";
    char *why = NULL;

    (void)state;
    assert_false(cli_is_packed(bzip2, sizeof(bzip2)));
    assert_int_equal(unpack_exactly(bzip2, sizeof(bzip2), &why), -1);
    assert_non_null(strstr(why, "compressed with bzip2, which is not"));
    free(why);
    assert_int_equal(unpack_exactly(other, sizeof(other), &why), -1);
    assert_non_null(strstr(why, "something unknown"));
    free(why);
}

/* A boot sector, one set-up sector, 32 bytes of code, the payload. */
static struct cli_image make_bzimage(size_t length)
{
    struct cli_image image = {.path = strdup("bzImage")};

    image.data = calloc(1, PACKED_MAX);
    assert_non_null(image.data);
    memcpy(image.data + 0x202, "HdrS", 4);
    put_word(image.data + 0x206, 0x20f);
    image.data[0x1f1] = 1;
    put_word(image.data + 0x248, 32);
    image.size =
        1024 + 32 + pack_legacy(text, TEXT_SIZE, image.data + 1024 + 32);
    put_word(image.data + 0x24c, length != 0 ? length : image.size - 1056);
    return image;
}

static void expect_refused(struct cli_image image, const char *text_of_why)
{
    char *why = NULL;

    assert_int_equal(cli_file_kind(&image), CLI_FILE_KERNEL);
    assert_int_equal(cli_kernel_open(&image, &why), -1);
    if (strstr(why, text_of_why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", why, text_of_why);
    }
    free(why);
}

static void bzimage(void **state)
{
    struct cli_image image;

    (void)state;
    /* The text unpacks, and then is no kernel. */
    expect_refused(make_bzimage(0), "is not a PVH kernel: not an ELF file");
    expect_refused(make_bzimage(PACKED_MAX), "bzImage, but cut short");
    expect_refused(make_bzimage(UINT32_MAX), "bzImage, but cut short");
    expect_refused(make_bzimage(100), "LZ4-compressed, but cut short");
    image = make_bzimage(0);
    put_word(image.data + 0x248, UINT32_MAX);
    expect_refused(image, "bzImage, but cut short");
    image = make_bzimage(0);
    put_word(image.data + 0x206, 0x207);
    expect_refused(image, "too old");
    image = make_bzimage(0);
    memcpy(image.data + 1056, "BZh", 3);
    expect_refused(image, "compressed with bzip2, which is not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),         cmocka_unit_test(cut),
        cmocka_unit_test(damaged),       cmocka_unit_test(too_long),
        cmocka_unit_test(not_supported), cmocka_unit_test(bzimage),
    };

    fill_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
