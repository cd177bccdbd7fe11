/* SPDX-License-Identifier: MIT */
/*
 * The xenstore under a program of requests, broken messages, spoilt indices,
 * domains that come and go, and what the host itself writes. Domain 2 behaves
 * and must be served whatever the others do; at the end the books balance.
 *
 * The store with its domains connected is made once; each input starts from a
 * copy of its bytes, which is quicker.
 */
#include "input.h"

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "backend/xenstore.h"

#define GUESTS 3u
#define GOOD 1u /* index of the one that behaves */
#define RUNS_MAX 1000u

struct guest {
    struct xenstore_domain_interface ring;
    uint32_t txn; /* its latest transaction */
    bool there;
};

static struct guest guest[GUESTS];
static struct xenstore *xs;
static unsigned wholes; /* that an input has connected */

static void complain(void *context, uint16_t domid, const char *text)
{
    (void)context;
    MUST(domid >= 1 && domid <= GUESTS && text != NULL);
    MUST(domid != GOOD + 1);
}

static void notify(void *context, uint16_t domid)
{
    (void)context;
    MUST(domid >= 1 && domid <= GUESTS);
}

static void run(void)
{
    unsigned n = 0;

    while (xenstore_run(xs)) {
        MUST(++n < RUNS_MAX);
    }
}

/* `whole`: with all its nodes, which takes most of an input's time. */
static void connect(unsigned i, bool whole)
{
    const struct xenstore_domain d = {
        .domid = (uint16_t)(i + 1),
        .name = "guest",
        .memory_mib = 32,
        .vcpus = 2,
        .console_frame = 0xfeffd,
        .store_frame = 0xfefff,
        .console_port = 2,
        .store_port = 1,
    };

    memset(&guest[i], 0, sizeof(guest[i]));
    guest[i].there = true;
    if (whole) {
        MUST(xenstore_domain_add(xs, &d) == 0);
    }
    MUST(xenstore_introduce(xs, d.domid, false, &guest[i].ring) == 0);
}

static void disconnect(unsigned i)
{
    if (guest[i].there) {
        guest[i].there = false;
        xenstore_release(xs, (uint16_t)(i + 1));
        xenstore_domain_remove(xs, (uint16_t)(i + 1));
    }
}

/* The store as every input finds it. */
static struct {
    void *arena, *image;
    size_t size;
    struct guest guest[GUESTS];
} start;

static void make_store(void)
{
    /* Small shares, so that they are reached. */
    const struct xenstore_config cfg = {
        .domains = GUESTS,
        .nodes = 24,
        .chunks = 64,
        .watches = 4,
        .transactions = 3,
        .queue_chunks = 24,
        .complain = complain,
        .notify = notify,
    };
    size_t size = (xenstore_size(&cfg) + 63) & ~(size_t)63;

    MUST(size != 0);
    start.size = size;
    start.arena = aligned_alloc(64, size);
    start.image = aligned_alloc(64, size);
    MUST(start.arena != NULL && start.image != NULL);
    memset(start.arena, 0, size);
    xs = xenstore_init(start.arena, size, &cfg);
    MUST(xs != NULL);
    for (unsigned i = 0; i < GUESTS; i++) {
        connect(i, true);
    }
    memcpy(start.image, start.arena, size);
    memcpy(start.guest, guest, sizeof(guest));
}

static void open_store(void)
{
    if (start.arena == NULL) {
        make_store();
        return;
    }
    memcpy(start.arena, start.image, start.size);
    memcpy(guest, start.guest, sizeof(guest));
}

/* ---- a guest's side of its ring ---- */

static size_t put(struct guest *g, const void *bytes, size_t len)
{
    struct xenstore_domain_interface *r = &g->ring;
    size_t n = 0;

    while (n < len && r->req_prod - r->req_cons < XENSTORE_RING_SIZE) {
        r->req[MASK_XENSTORE_IDX(r->req_prod++)] = ((const char *)bytes)[n++];
    }
    return n;
}

static size_t get(struct guest *g, void *bytes, size_t max)
{
    struct xenstore_domain_interface *r = &g->ring;
    size_t n = 0;

    while (n < max && r->rsp_prod - r->rsp_cons <= XENSTORE_RING_SIZE &&
           r->rsp_cons != r->rsp_prod) {
        ((char *)bytes)[n++] = r->rsp[MASK_XENSTORE_IDX(r->rsp_cons++)];
    }
    return n;
}

static void read_replies(struct guest *g)
{
    struct xsd_sockmsg head;
    char body[XENSTORE_PAYLOAD_MAX + 1];

    while (get(g, &head, sizeof(head)) == sizeof(head) &&
           head.len <= XENSTORE_PAYLOAD_MAX) {
        size_t n = 0, got = 1;

        for (; n < head.len && got > 0; n += got) {
            got = get(g, body + n, head.len - n);
            run();
        }
        body[n] = '\0';
        if (head.type == XS_TRANSACTION_START) {
            g->txn = (uint32_t)strtoul(body, NULL, 10);
        }
        run();
    }
}

/* The one that behaves asks for its id and gets it. */
static void good_is_served(void)
{
    static const struct xsd_sockmsg head = {XS_READ, 77, 0, 6};
    struct guest *g = &guest[GOOD];
    struct xsd_sockmsg back;
    char body[8] = "";

    MUST(put(g, &head, sizeof(head)) == sizeof(head));
    MUST(put(g, "domid", 6) == 6);
    run();
    MUST(get(g, &back, sizeof(back)) == sizeof(back));
    MUST(back.type == XS_READ && back.req_id == 77 && back.len == 1);
    MUST(get(g, body, 1) == 1 && body[0] == '1' + (int)GOOD);
    MUST(g->ring.rsp_prod == g->ring.rsp_cons);
}

/* ---- the program ---- */

/* Paths and words that mean something, or bytes as they are. */
static size_t piece(struct input *in, char *out)
{
    static const char *const words[] = {
        "data",     "data/a", "data/a/b", "/local/domain/2/data",
        "/",        "name",   "/local",   "/local/domain/1/data/a",
        "@release", "token",  "n1",       "r2",
        "b3",       "T",      "F",        "/local/domain/1",
        "",         "/vm",    "1",        "@introduceDomain",
    };
    uint8_t how = take_u8(in);
    size_t n;

    if (how < 0xc0) {
        const char *word = words[how % (sizeof(words) / sizeof(words[0]))];

        n = strlen(word);
        memcpy(out, word, n);
        return n;
    }
    if (how >= 0xf8) {
        n = take_u16(in) % 1500;
        memset(out, 'x', n);
        return n;
    }
    return take(in, out, how % 32);
}

static void request(struct guest *g, struct input *in)
{
    static char body[4 * 1600];
    struct xsd_sockmsg head = {.req_id = 5};
    uint8_t how = take_u8(in), pieces = take_u8(in);
    size_t len = 0, done = 0;

    head.type = how % (XS_TYPE_COUNT + 1);
    for (unsigned i = 0; i < pieces % 4u; i++) {
        len += piece(in, body + len);
        if (i + 1 < pieces % 4u || (pieces & 4) != 0) {
            body[len++] = '\0';
        }
    }
    if ((pieces & 8) != 0) {
        head.tx_id = (pieces & 0x30) == 0x30 ? take_u8(in) : g->txn;
    }
    head.len = pieces >= 0xfc ? take_u32(in) : (uint32_t)len;
    (void)put(g, &head, sizeof(head));
    for (unsigned tries = 0; done < len && tries < 8; tries++) {
        done += put(g, body + done, len - done);
        run();
    }
    if ((pieces & 0x40) == 0) {
        read_replies(g);
    }
}

static void spoil(struct guest *g, struct input *in)
{
    uint8_t how = take_u8(in);

    switch (how % 8) {
    case 0:
        g->ring.req_prod = take_u32(in);
        break;
    case 1:
        g->ring.req_cons = take_u32(in);
        break;
    case 2:
        g->ring.rsp_prod = take_u32(in);
        break;
    case 3:
        g->ring.rsp_cons = take_u32(in);
        break;
    case 4:
        g->ring.connection = how < 0x80 ? XENSTORE_RECONNECT : how;
        break;
    case 5:
        g->ring.error = how;
        break;
    default:
        (void)take(in, &g->ring.req[how * 3u], 16);
        break;
    }
}

static void host(struct input *in)
{
    static const char *const perms[] = {NULL,    "n0,r1", "b2",
                                        "w1,n0", "x9",    "n1,r2,w3"};
    static char path[1600], value[1600];
    uint8_t how = take_u8(in);

    path[piece(in, path)] = '\0';
    /* What domain 2 needs is neither taken from it nor given to others. */
    if (how % 3 != 1 && strncmp(path, "/local/domain/1", 15) != 0 &&
        strncmp(path, "/vm", 3) != 0) {
        return;
    }
    switch (how % 3) {
    case 0:
        value[piece(in, value)] = '\0';
        (void)xenstore_write(xs, path, value, perms[how / 3 % 6]);
        break;
    case 1:
        value[0] = '\0';
        MUST(xenstore_read(xs, path, value, 1u + how) < (int)sizeof(value));
        MUST(strlen(value) <= how);
        break;
    default:
        (void)xenstore_remove(xs, path);
        break;
    }
}

static void step(struct input *in)
{
    uint8_t op = take_u8(in);
    size_t len;
    unsigned i = op / 16 % 2 * 2;

    if (!guest[i].there) {
        connect(i, (op & 0x40) != 0 && wholes++ == 0);
    }
    switch (op % 16) {
    case 0:
        if (op >= 0x80) {
            disconnect(i);
        }
        break;
    case 1:
        spoil(&guest[i], in);
        break;
    case 2:
        host(in);
        break;
    case 3:
        len = take_u8(in) % (input_left(in) + 1);
        (void)put(&guest[i], in->at, len);
        break;
    default:
        request(&guest[i], in);
        break;
    }
    run();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    const char *wrong;

    open_store();
    wholes = 0;
    for (unsigned n = 0; n < 48 && input_left(&in) != 0; n++) {
        step(&in);
    }
    good_is_served();
    wrong = xenstore_check(xs);
    if (wrong != NULL) {
        (void)fprintf(stderr, "xenstore: %s\n", wrong);
    }
    MUST(wrong == NULL);
    for (unsigned i = 0; i < GUESTS; i++) {
        disconnect(i);
    }
    MUST(xenstore_check(xs) == NULL);
    return 0;
}
