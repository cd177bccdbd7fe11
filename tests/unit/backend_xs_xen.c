/* SPDX-License-Identifier: MIT */
/*
 * The store answers what Xen's xenstored answered: replays the requests
 * recorded in xenstored-4.17.txt and compares, events and their order
 * included.
 */
#include "backend_common.h"

#define TRANSCRIPT "tests/unit/xenstored-4.17.txt"
#define PLACES 16
#define NEVER_AN_ID 99

static struct world w;
static uint32_t place[PLACES];

/* Escaped text to bytes; returns how many. */
static size_t unescape(const char *text, char *out)
{
    size_t n = 0;

    for (; *text != '\0'; n++) {
        unsigned byte;

        if (*text == '\\') {
            assert_int_equal(sscanf(text + 1, "%2x", &byte), 1);
            out[n] = (char)byte;
            text += 3;
        } else {
            out[n] = *text++;
        }
    }
    return n;
}

static void escape(char *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c >= 0x20 && c < 0x7f && c != '\\') {
            *out++ = (char)c;
        } else {
            out += snprintf(out, sizeof("\\xx"), "\\%02x", c);
        }
    }
    *out = '\0';
}

static uint32_t place_of(uint32_t id)
{
    for (uint32_t i = 1; id != 0 && i < PLACES; i++) {
        if (place[i] == id) {
            return i;
        }
    }
    return id;
}

/* The message as the transcript has it. */
static void describe(char *out, size_t size, const struct reply *r)
{
    char body[4 * XENSTORE_PAYLOAD_MAX + 1];
    const char *rest = body, *generation = "";

    escape(body, r->body, r->head.len);
    if (r->head.type == XS_TRANSACTION_START) {
        rest = "ID";
    } else if (r->head.type == XS_DIRECTORY_PART) {
        rest += strspn(body, "0123456789");
        generation = "GEN";
    }
    snprintf(out, size, "%u %u%s%s%s", r->head.type, place_of(r->head.tx_id),
             *rest != '\0' ? " " : "", generation, rest);
}

static void send_line(const char *line)
{
    char body[XENSTORE_PAYLOAD_MAX];
    unsigned type, tx, save;
    struct reply r;
    int at = 0;

    assert_int_equal(sscanf(line, "%u %u %u%n", &type, &tx, &save, &at), 3);
    line += at + (line[at] == ' ');
    if (tx != NEVER_AN_ID) {
        assert_true(tx < PLACES);
        tx = place[tx];
    }
    guest_send(&w, 0, type, tx, body, unescape(line, body));
    if (save != 0) {
        assert_true(save < PLACES && guest_receive(&w, 0, &r));
        place[save] = (uint32_t)strtoul(r.body, NULL, 10);
        assert_int_equal(r.head.type, XS_TRANSACTION_START);
    }
}

static void drop_messages(void)
{
    struct reply r;

    assert_true(guest_receive(&w, 0, &r));
    do {
        while (xenstore_run(w.xs)) {
        }
    } while (guest_receive(&w, 0, &r));
}

static void expect_line(const char *line, unsigned request)
{
    char got[4 * XENSTORE_PAYLOAD_MAX + 64];
    struct reply r;

    while (xenstore_run(w.xs)) {
    }
    assert_true(guest_receive(&w, 0, &r));
    describe(got, sizeof(got), &r);
    if (strcmp(got, line) != 0) {
        fail_msg("request %u: \"%s\", not \"%s\"", request, got, line);
    }
}

static void answers_are_xenstoreds(void **state)
{
    FILE *f = fopen(TRANSCRIPT, "r");
    static char line[8192];
    unsigned requests = 0, skipped = 0;
    bool skip = false;
    struct reply r;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#') {
            continue;
        }
        if (line[0] != '>') {
            if (!skip && strcmp(line, "6 0 ID") != 0) {
                expect_line(line, requests);
            }
            continue;
        }
        assert_false(guest_receive(&w, 0, &r));
        requests++;
        skip = line[1] == '~';
        send_line(line + 1 + skip);
        if (skip) {
            drop_messages();
            skipped++;
        }
    }
    fclose(f);
    assert_true(requests > 200);
    assert_in_range(skipped, 1, 9);
}

static int open_world(void **state)
{
    (void)state;
    world_open(&w, NULL);
    assert_int_equal(
        xenstore_write(w.xs, "/local/domain/0/name", "Domain-0", "n0"), 0);
    guest_connect(&w, 0, false);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_are_xenstoreds, open_world,
                                        close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
