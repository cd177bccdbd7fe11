/* SPDX-License-Identifier: MIT */
/*
 * Lines of the link: bytes from the host tool are put together to lines and
 * decoded; and any text survives being escaped and undone.
 */
#include "input.h"

#include "lib/linkline.h"

static void check_command(struct linkline_reader *r)
{
    struct linkline_command cmd;
    size_t len = strlen(r->line);
    char *line = malloc(len + 1); /* so that its end is guarded */

    MUST(line != NULL && len <= SCHEDOP_LINK_LINE_MAX);
    memcpy(line, r->line, len + 1);
    memset(&cmd, 0xa5, sizeof(cmd));
    linkline_parse(line, &cmd);
    MUST(cmd.verb <= LINKLINE_BAD);
    if (cmd.verb == LINKLINE_CON) {
        MUST(cmd.text >= line && cmd.len <= len);
        MUST(cmd.text + cmd.len <= line + len);
    }
    free(line);
}

static void feed_all(const uint8_t *data, size_t size)
{
    static struct linkline_reader r;

    memset(&r, 0, sizeof(r));
    for (size_t i = 0; i < size; i++) {
        if (linkline_feed(&r, (char)data[i])) {
            check_command(&r);
        }
        MUST(r.len <= SCHEDOP_LINK_LINE_MAX);
    }
    if (linkline_feed(&r, '\n')) {
        check_command(&r);
    }
}

/* In pieces of every room from what the first byte says. */
static void escape_all(const uint8_t *data, size_t size)
{
    size_t room = 4u + data[0], done = 0;
    char *out = malloc(room), *back = malloc(room);

    MUST(out != NULL && back != NULL);
    while (done < size) {
        size_t used = 0, len = 0;
        size_t n = linkline_escape(out, room, (const char *)data + done,
                                   size - done, &used);

        MUST(n <= room && used <= size - done && used > 0);
        MUST(memchr(out, '\n', n) == NULL);
        MUST(linkline_unescape(back, &len, out, n));
        MUST(len == used && memcmp(back, data + done, used) == 0);
        done += used;
    }
    free(out);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size != 0) {
        feed_all(data, size);
        escape_all(data, size);
    }
    return 0;
}
