/* SPDX-License-Identifier: MIT */
/*
 * Compressed files: see unpack.h. Each format has one function that makes the
 * library go on until the stream ends; output() gives it room as it needs it,
 * up to the limit: a few KiB of any of these formats can hold GiBs.
 */
#include "unpack.h"

#define ZLIB_CONST
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "cli.h"

#define FIRST_ROOM ((size_t)1 << 20)
#define LEGACY_BLOCK ((size_t)8 << 20) /* most that one block unpacks to */
#define XZ_MEMORY ((uint64_t)256 << 20)

struct output {
    uint8_t *data;
    size_t size, room, max;
};

struct input {
    const uint8_t *at;
    size_t left;
};

struct format {
    const char *name;
    uint8_t magic[CLI_UNPACK_HEAD];
    uint8_t magic_size;
    int (*unpack)(struct input in, struct output *out, char **why);
};

static int is_too_long(const struct output *out, char **why)
{
    *why = cli_format("unpacks to more than %zu MiB", out->max >> 20);
    return -1;
}

/* At least one byte of room; -1 beyond the limit. */
static int more_room(struct output *out, char **why)
{
    if (out->size < out->room) {
        return 0;
    }
    if (out->room >= out->max) {
        return is_too_long(out, why);
    }
    out->room = out->room == 0 ? FIRST_ROOM : out->room * 2;
    out->room = out->room < out->max ? out->room : out->max;
    out->data = cli_grow(out->data, out->room, 1);
    return 0;
}

static int is_cut(const char *format, char **why)
{
    *why = cli_format("is %s-compressed, but cut short", format);
    return -1;
}

static int is_damaged(const char *format, const char *detail, char **why)
{
    *why = cli_format("is %s-compressed, but damaged: %s", format,
                      detail != NULL ? detail : "no details");
    return -1;
}

static int gzip_all(z_stream *z, struct output *out, char **why)
{
    int rc = Z_OK;

    while (rc != Z_STREAM_END) {
        if (more_room(out, why) != 0) {
            return -1;
        }
        z->next_out = out->data + out->size;
        z->avail_out = (uInt)(out->room - out->size);
        rc = inflate(z, Z_NO_FLUSH);
        out->size = out->room - z->avail_out;
        if (rc == Z_BUF_ERROR ||
            (rc == Z_OK && z->avail_in == 0 && z->avail_out != 0)) {
            return is_cut("gzip", why);
        }
        if (rc != Z_OK && rc != Z_STREAM_END) {
            return is_damaged("gzip", z->msg, why);
        }
    }
    return 0;
}

static int gzip_unpack(struct input in, struct output *out, char **why)
{
    z_stream z = {.next_in = in.at, .avail_in = (uInt)in.left};
    int rc;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        *why = cli_strdup("cannot be unpacked: zlib does not start");
        return -1;
    }
    rc = gzip_all(&z, out, why);
    inflateEnd(&z);
    return rc;
}

static const char *xz_error(lzma_ret rc)
{
    static const struct {
        lzma_ret rc;
        const char *text;
    } errors[] = {
        {LZMA_MEMLIMIT_ERROR, "it needs too much memory"},
        {LZMA_OPTIONS_ERROR, "it uses options that are not known"},
        {LZMA_FORMAT_ERROR, "its header is wrong"},
        {LZMA_DATA_ERROR, "its check does not match"},
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].rc == rc) {
            return errors[i].text;
        }
    }
    return NULL;
}

static int xz_all(lzma_stream *z, struct output *out, char **why)
{
    lzma_ret rc = LZMA_OK;

    while (rc != LZMA_STREAM_END) {
        if (more_room(out, why) != 0) {
            return -1;
        }
        z->next_out = out->data + out->size;
        z->avail_out = out->room - out->size;
        rc = lzma_code(z, LZMA_RUN);
        out->size = out->room - z->avail_out;
        if (rc == LZMA_BUF_ERROR ||
            (rc == LZMA_OK && z->avail_in == 0 && z->avail_out != 0)) {
            return is_cut("XZ", why);
        }
        if (rc != LZMA_OK && rc != LZMA_STREAM_END) {
            return is_damaged("XZ", xz_error(rc), why);
        }
    }
    return 0;
}

static int xz_unpack(struct input in, struct output *out, char **why)
{
    lzma_stream z = LZMA_STREAM_INIT;
    int rc;

    z.next_in = in.at;
    z.avail_in = in.left;
    if (lzma_stream_decoder(&z, XZ_MEMORY, 0) != LZMA_OK) {
        *why = cli_strdup("cannot be unpacked: liblzma does not start");
        return -1;
    }
    rc = xz_all(&z, out, why);
    lzma_end(&z);
    return rc;
}

static int zstd_all(ZSTD_DStream *z, ZSTD_inBuffer *in, struct output *out,
                    char **why)
{
    size_t left = 1;

    while (left != 0) {
        ZSTD_outBuffer to;

        if (more_room(out, why) != 0) {
            return -1;
        }
        to = (ZSTD_outBuffer){out->data, out->room, out->size};
        left = ZSTD_decompressStream(z, &to, in);
        out->size = to.pos;
        if (ZSTD_isError(left)) {
            return is_damaged("Zstandard", ZSTD_getErrorName(left), why);
        }
        if (left != 0 && in->pos == in->size && to.pos < to.size) {
            return is_cut("Zstandard", why);
        }
    }
    return 0;
}

static int zstd_unpack(struct input in, struct output *out, char **why)
{
    ZSTD_inBuffer from = {in.at, in.left, 0};
    ZSTD_DStream *z = ZSTD_createDStream();
    int rc;

    if (z == NULL) {
        *why = cli_strdup("cannot be unpacked: libzstd does not start");
        return -1;
    }
    rc = zstd_all(z, &from, out, why);
    ZSTD_freeDStream(z);
    return rc;
}

static int lz4_all(LZ4F_dctx *z, struct input in, struct output *out,
                   char **why)
{
    size_t hint = 1;

    while (hint != 0) {
        size_t to, from = in.left;

        if (more_room(out, why) != 0) {
            return -1;
        }
        to = out->room - out->size;
        hint =
            LZ4F_decompress(z, out->data + out->size, &to, in.at, &from, NULL);
        if (LZ4F_isError(hint)) {
            return is_damaged("LZ4", LZ4F_getErrorName(hint), why);
        }
        out->size += to;
        in.at += from;
        in.left -= from;
        if (hint != 0 && in.left == 0 && out->size < out->room) {
            return is_cut("LZ4", why);
        }
    }
    return 0;
}

static int lz4_unpack(struct input in, struct output *out, char **why)
{
    LZ4F_dctx *z = NULL;
    int rc;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION))) {
        *why = cli_strdup("cannot be unpacked: liblz4 does not start");
        return -1;
    }
    rc = lz4_all(z, in, out, why);
    LZ4F_freeDecompressionContext(z);
    return rc;
}

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/*
 * Room for a whole block, as its size is not told, or for what may still come.
 * Returns how much.
 */
static size_t legacy_room(struct output *out)
{
    size_t allowed = out->max - out->size;
    size_t want = allowed < LEGACY_BLOCK ? allowed : LEGACY_BLOCK;

    if (out->room - out->size < want) {
        out->room = out->size + want;
        out->data = cli_grow(out->data, out->room, 1);
    }
    return want;
}

/*
 * Blocks, each behind its length, up to the end of the file. Linux puts the
 * unpacked size behind the last one: a length with nothing behind it.
 */
static int lz4_legacy_unpack(struct input in, struct output *out, char **why)
{
    in.at += 4;
    in.left -= 4;
    while (in.left > 4) {
        uint32_t size = word(in.at);
        size_t room;
        int n;

        in.at += 4;
        in.left -= 4;
        if (size > in.left) {
            return is_cut("LZ4", why);
        }
        if (size == 0 || size > LZ4_COMPRESSBOUND(LEGACY_BLOCK)) {
            return is_damaged("LZ4", "a block of a wrong length", why);
        }
        room = legacy_room(out);
        n = LZ4_decompress_safe((const char *)in.at,
                                (char *)out->data + out->size, (int)size,
                                (int)room);
        if (n < 0 && room < LEGACY_BLOCK) {
            return is_too_long(out, why);
        }
        if (n < 0) {
            return is_damaged("LZ4", "a block cannot be unpacked", why);
        }
        out->size += (size_t)n;
        in.at += size;
        in.left -= size;
    }
    return 0;
}

static const struct format formats[] = {
    {"gzip", {0x1f, 0x8b}, 2, gzip_unpack},
    {"XZ", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, xz_unpack},
    {"LZ4", {0x04, 0x22, 0x4d, 0x18}, 4, lz4_unpack},
    {"LZ4", {0x02, 0x21, 0x4c, 0x18}, 4, lz4_legacy_unpack},
    {"Zstandard", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_unpack},
    {"bzip2", {'B', 'Z', 'h'}, 3, NULL},
    {"LZMA", {0x5d, 0, 0}, 3, NULL},
    {"LZO", {0x89, 'L', 'Z', 'O'}, 4, NULL},
};

static const struct format *find(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const struct format *f = &formats[i];

        if (size >= f->magic_size &&
            memcmp(data, f->magic, f->magic_size) == 0) {
            return f;
        }
    }
    return NULL;
}

bool cli_is_packed(const uint8_t *data, size_t size)
{
    const struct format *f = find(data, size);

    return f != NULL && f->unpack != NULL;
}

int cli_unpack(const uint8_t *data, size_t size, size_t max, uint8_t **out,
               size_t *out_size, char **why)
{
    const struct format *f = find(data, size);
    struct output all = {.max = max};
    int rc;

    if (f == NULL || f->unpack == NULL) {
        *why =
            cli_format("is compressed with %s, which is not supported (gzip, "
                       "XZ, LZ4 and Zstandard are)",
                       f == NULL ? "something unknown" : f->name);
        return -1;
    }
    rc = f->unpack((struct input){data, size}, &all, why);
    if (rc != 0) {
        free(all.data);
        return -1;
    }
    *out = all.data;
    *out_size = all.size;
    return 0;
}
