/* SPDX-License-Identifier: MIT */
#include "backend_common.h"

static struct guest *guest_of(struct world *w, uint16_t domid)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        if (w->guest[i].domid == domid) {
            return &w->guest[i];
        }
    }
    fail_msg("no domain %u", domid);
    return NULL;
}

static void on_complaint(void *context, uint16_t domid, const char *text)
{
    struct guest *g = guest_of(context, domid);

    g->complaints++;
    snprintf(g->complaint, sizeof(g->complaint), "%s", text);
}

static void on_notify(void *context, uint16_t domid)
{
    guest_of(context, domid)->notified++;
}

static void *on_page(void *context)
{
    struct world *w = context;
    void *page;

    if (w->nr_pages == w->pages_max) {
        return NULL;
    }
    page = calloc(1, 4096);
    assert_non_null(page);
    w->page[w->nr_pages++] = page;
    return page;
}

void world_open(struct world *w, const struct xenstore_config *shares)
{
    struct xenstore_config cfg =
        shares != NULL ? *shares : (struct xenstore_config){0};
    size_t size;

    memset(w, 0, sizeof(*w));
    cfg.domains = GUESTS;
    cfg.complain = on_complaint;
    cfg.notify = on_notify;
    cfg.page = on_page;
    cfg.context = w;
    w->pages_max = PAGES_MAX;
    size = xenstore_size(&cfg);
    assert_true(size > 0);
    w->arena = aligned_alloc(64, size);
    assert_non_null(w->arena);
    memset(w->arena, 0, size);
    assert_null(xenstore_init(w->arena, size - 1, &cfg));
    memset(w->arena, 0, size);
    w->xs = xenstore_init(w->arena, size, &cfg);
    assert_non_null(w->xs);
    for (unsigned i = 0; i < GUESTS; i++) {
        w->guest[i].domid = (uint16_t)(i + 1);
    }
}

void world_close(struct world *w)
{
    assert_ptr_equal(xenstore_check(w->xs), NULL);
    while (w->nr_pages > 0) {
        free(w->page[--w->nr_pages]);
    }
    free(w->arena);
}

void guest_connect(struct world *w, unsigned i, bool privileged)
{
    const struct xenstore_domain d = {
        .domid = w->guest[i].domid,
        .name = "guest",
        .memory_mib = 32,
        .target_mib = 32,
        .vcpus = 2,
        .console_frame = 0xfeffd,
        .store_frame = 0xfefff,
        .console_port = 2,
        .store_port = 1,
    };

    memset(&w->guest[i].ring, 0, sizeof(w->guest[i].ring));
    assert_int_equal(xenstore_domain_add(w->xs, &d), 0);
    assert_int_equal(
        xenstore_introduce(w->xs, d.domid, privileged, &w->guest[i].ring), 0);
}

size_t guest_put(struct guest *g, const void *bytes, size_t len)
{
    struct xenstore_domain_interface *r = &g->ring;
    size_t n = 0;

    while (n < len && r->req_prod - r->req_cons < XENSTORE_RING_SIZE) {
        r->req[MASK_XENSTORE_IDX(r->req_prod++)] = ((const char *)bytes)[n++];
    }
    return n;
}

size_t guest_get(struct guest *g, void *bytes, size_t max)
{
    struct xenstore_domain_interface *r = &g->ring;
    size_t n = 0;

    if (r->rsp_prod - r->rsp_cons > XENSTORE_RING_SIZE) {
        return 0; /* made impossible by a test */
    }
    while (n < max && r->rsp_cons != r->rsp_prod) {
        ((char *)bytes)[n++] = r->rsp[MASK_XENSTORE_IDX(r->rsp_cons++)];
    }
    return n;
}

static void run(struct world *w)
{
    while (xenstore_run(w->xs)) {
    }
}

static void put_all(struct world *w, unsigned i, const void *bytes, size_t len)
{
    const char *at = bytes;

    for (unsigned tries = 0; len > 0 && tries < 100; tries++) {
        size_t n = guest_put(&w->guest[i], at, len);

        at += n;
        len -= n;
        run(w);
    }
    assert_int_equal(len, 0);
}

void guest_send(struct world *w, unsigned i, uint32_t type, uint32_t tx,
                const void *body, size_t len)
{
    struct xsd_sockmsg head = {type, 0x1000 + type, tx, (uint32_t)len};

    put_all(w, i, &head, sizeof(head));
    put_all(w, i, body, len);
}

bool guest_receive(struct world *w, unsigned i, struct reply *r)
{
    size_t n = guest_get(&w->guest[i], &r->head, sizeof(r->head)), got = 0;

    if (n == 0) {
        return false;
    }
    assert_int_equal(n, sizeof(r->head));
    assert_true(r->head.len <= XENSTORE_PAYLOAD_MAX);
    for (unsigned tries = 0; got < r->head.len && tries < 100; tries++) {
        got += guest_get(&w->guest[i], r->body + got, r->head.len - got);
        run(w);
    }
    assert_int_equal(got, r->head.len);
    r->body[got] = '\0';
    return true;
}

const struct reply *ask(struct world *w, unsigned i, uint32_t type, uint32_t tx,
                        const void *body, size_t len)
{
    static struct reply r;

    guest_send(w, i, type, tx, body, len);
    do {
        assert_true(guest_receive(w, i, &r));
    } while (r.head.type == XS_WATCH_EVENT);
    assert_int_equal(r.head.req_id, 0x1000 + type);
    assert_int_equal(r.head.tx_id, tx);
    assert_true(r.head.type == type || r.head.type == XS_ERROR);
    return &r;
}

void expect_tx(struct world *w, unsigned i, uint32_t tx, uint32_t type,
               const char *body, const char *answer)
{
    const struct reply *r = ask(w, i, type, tx, body, strlen(body) + 1);

    assert_string_equal(r->body, answer);
}

void expect(struct world *w, unsigned i, uint32_t type, const char *body,
            const char *answer)
{
    const struct reply *r = ask(w, i, type, 0, body, strlen(body) + 1);

    assert_string_equal(r->body, answer);
    assert_int_equal(r->head.type, type);
}

void expect_error(struct world *w, unsigned i, uint32_t type, const char *body,
                  const char *name)
{
    const struct reply *r = ask(w, i, type, 0, body, strlen(body) + 1);

    assert_string_equal(r->body, name);
    assert_int_equal(r->head.type, XS_ERROR);
    assert_int_equal(r->head.len, strlen(name) + 1);
}

void expect_write(struct world *w, unsigned i, uint32_t tx, const char *path,
                  const char *value, const char *answer)
{
    char body[XENSTORE_PAYLOAD_MAX];
    size_t n = strlen(path) + 1;

    memcpy(body, path, n);
    memcpy(body + n, value, strlen(value));
    assert_string_equal(ask(w, i, XS_WRITE, tx, body, n + strlen(value))->body,
                        answer);
}

void expect_event(struct world *w, unsigned i, const char *path,
                  const char *token)
{
    struct reply r;

    run(w);
    if (path == NULL) {
        assert_false(guest_receive(w, i, &r));
        return;
    }
    assert_true(guest_receive(w, i, &r));
    assert_int_equal(r.head.type, XS_WATCH_EVENT);
    assert_int_equal(r.head.req_id, 0);
    assert_string_equal(r.body, path);
    assert_string_equal(r.body + strlen(path) + 1, token);
    assert_int_equal(r.head.len, strlen(path) + strlen(token) + 2);
}

uint32_t begin(struct world *w, unsigned i)
{
    const struct reply *r = ask(w, i, XS_TRANSACTION_START, 0, "", 1);

    assert_int_equal(r->head.type, XS_TRANSACTION_START);
    return (uint32_t)strtoul(r->body, NULL, 10);
}

void expect_end(struct world *w, unsigned i, uint32_t tx, const char *how,
                const char *answer)
{
    assert_string_equal(ask(w, i, XS_TRANSACTION_END, tx, how, 2)->body,
                        answer);
}

uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

void watch(struct world *w, unsigned i, const char *path, const char *token,
           const char *answer)
{
    char body[512];
    size_t n = strlen(path) + 1, m = strlen(token) + 1;

    memcpy(body, path, n);
    memcpy(body + n, token, m);
    assert_string_equal(ask(w, i, XS_WATCH, 0, body, n + m)->body, answer);
}

void unwatch(struct world *w, unsigned i, const char *path, const char *token,
             const char *answer)
{
    char body[512];
    size_t n = strlen(path) + 1, m = strlen(token) + 1;

    memcpy(body, path, n);
    memcpy(body + n, token, m);
    assert_string_equal(ask(w, i, XS_UNWATCH, 0, body, n + m)->body, answer);
}

void world_open_usual(struct world *w)
{
    world_open(w, NULL);
    for (unsigned i = 0; i < 3; i++) {
        guest_connect(w, i, false);
    }
    guest_connect(w, 3, true);
}
