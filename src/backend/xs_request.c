/* SPDX-License-Identifier: MIT */
/*
 * One function per request type. Each reads the body in q->body, all of it
 * hostile, and either returns a negative error, which becomes an XS_ERROR
 * message with the error's name, or has put a reply into q->reply.
 */
#include <stdarg.h>

#include "xs_private.h"

#include "lib/compiler.h"

#define XS_PATH_PREFIX sizeof("/local/domain/65535/")

struct xs_req {
    struct xs_who who;
    struct xs_conn *conn;
    const char *body;
    size_t len;
    char *reply; /* XENSTORE_PAYLOAD_MAX bytes */
    size_t reply_len;
};

/* ------------------------------------------------------------- bodies */

/* The NUL-terminated string at *at, stepping over it; false if unended. */
static bool next_string(const struct xs_req *q, size_t *at, struct xs_path *s)
{
    size_t end = *at;

    while (end < q->len && q->body[end] != '\0') {
        end++;
    }
    if (end >= q->len) {
        return false;
    }
    *s = (struct xs_path){q->body + *at, end - *at};
    *at = end + 1;
    return true;
}

/* The body is exactly one string. */
static bool one_string(const struct xs_req *q, struct xs_path *s)
{
    size_t at = 0;

    return next_string(q, &at, s) && at == q->len;
}

/*
 * The absolute path that `given` means, in the scratch of the store; *skip is
 * how many bytes were put in front. False when it is malformed.
 */
static bool absolute(const struct xs_req *q, struct xs_path given,
                     struct xs_path *path, uint32_t *skip)
{
    char *out = q->who.xs->path;
    size_t n = 0;

    if (given.len > 0 && given.s[0] == '@') {
        return false; /* names of events, not of nodes */
    }
    if (given.len == 0 || given.s[0] != '/') {
        n = fmt_snprintf(out, XS_PATH_PREFIX, "/local/domain/%u/",
                         q->conn->domid);
    }
    if (given.len > XENSTORE_ABS_PATH_MAX) {
        return false;
    }
    memcpy(out + n, given.s, given.len);
    *path = (struct xs_path){out, n + given.len};
    *skip = (uint32_t)n;
    return xs_path_ok(*path);
}

/* The path that starts the body; *at is where the rest starts. */
static int path_arg(const struct xs_req *q, size_t *at, struct xs_path *path)
{
    struct xs_path given;
    uint32_t skip;

    *at = 0;
    return next_string(q, at, &given) && absolute(q, given, path, &skip)
               ? 0
               : -XEN_EINVAL;
}

/* The path that is all of the body. */
static int only_path(const struct xs_req *q, struct xs_path *path)
{
    size_t at;
    int err = path_arg(q, &at, path);

    return err == 0 && at != q->len ? -XEN_EINVAL : err;
}

/* What atoi() makes of it, as xenstored reads numbers. */
static uint32_t number(struct xs_path s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.len && s.s[i] >= '0' && s.s[i] <= '9'; i++) {
        v = v * 10 + (uint32_t)(s.s[i] - '0');
    }
    return v;
}

/* ------------------------------------------------------------ replies */

static void reply_add(struct xs_req *q, const char *bytes, size_t len)
{
    memcpy(q->reply + q->reply_len, bytes, len);
    q->reply_len += len;
}

/* With the NUL that ends it. */
static int reply_string(struct xs_req *q, const char *s)
{
    reply_add(q, s, strlen(s) + 1);
    return 0;
}

/* The same, formatted; room is not a question: these are short. */
PRINTF_LIKE(2, 3)
static int reply_format(struct xs_req *q, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    q->reply_len +=
        1 + fmt_vsnprintf(q->reply + q->reply_len,
                          XENSTORE_PAYLOAD_MAX - q->reply_len, fmt, ap);
    va_end(ap);
    return 0;
}

static int reply_ok(struct xs_req *q, int err)
{
    return err == 0 ? reply_string(q, "OK") : err;
}

static const char *error_name(int err)
{
    static const struct {
        int err;
        const char *name;
    } names[] = {
        {XEN_EINVAL, "EINVAL"},       {XEN_EACCES, "EACCES"},
        {XEN_EEXIST, "EEXIST"},       {XEN_EISDIR, "EISDIR"},
        {XEN_ENOENT, "ENOENT"},       {XEN_ENOMEM, "ENOMEM"},
        {XEN_ENOSPC, "ENOSPC"},       {XEN_EIO, "EIO"},
        {XEN_ENOTEMPTY, "ENOTEMPTY"}, {XEN_ENOSYS, "ENOSYS"},
        {XEN_EBUSY, "EBUSY"},         {XEN_EAGAIN, "EAGAIN"},
        {XEN_EISCONN, "EISCONN"},     {XEN_E2BIG, "E2BIG"},
        {XEN_EPERM, "EPERM"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].err == -err) {
            return names[i].name;
        }
    }
    return "EINVAL";
}

/* ----------------------------------------------------- reading the tree */

static int readable(const struct xs_req *q, struct xs_path path,
                    const struct xs_node **node)
{
    uint32_t n;
    int err = xs_access(&q->who, path, XS_ACCESS_READ, &n);

    xs_txn_note_read(&q->who, path);
    *node = &q->who.xs->pool.node[n];
    return err;
}

/*
 * Copies the names of children, each with its NUL, that lie wholly in
 * [from, from + max) of their concatenation; returns the bytes put, and in
 * *total the length of it all.
 */
static size_t list_children(const struct xs_pool *p, const struct xs_node *node,
                            size_t from, size_t max, char *out, size_t *total)
{
    size_t at = 0, put = 0;
    bool fits = true;

    for (uint32_t n = node->child; n != 0; n = p->node[n].next) {
        size_t len = text_len(&p->text, p->node[n].name) + 1;

        if (at >= from && fits) {
            fits = put + len <= max;
            if (fits) {
                text_copy(&p->text, p->node[n].name, out + put, len - 1);
                out[put + len - 1] = '\0';
                put += len;
            }
        }
        at += len;
    }
    *total = at;
    return put;
}

static int do_directory(struct xs_req *q)
{
    const struct xs_node *node;
    struct xs_path path;
    size_t total;
    int err = only_path(q, &path);

    if (err == 0) {
        err = readable(q, path, &node);
    }
    if (err != 0) {
        return err;
    }
    q->reply_len = list_children(&q->who.xs->pool, node, 0,
                                 XENSTORE_PAYLOAD_MAX, q->reply, &total);
    return q->reply_len == total ? 0 : -XEN_E2BIG;
}

/* Path and offset; "generation", then names, then an empty one at the end. */
static int do_directory_part(struct xs_req *q)
{
    const struct xs_node *node;
    struct xs_path path, offset;
    size_t at, total;
    int err = path_arg(q, &at, &path);

    if (err != 0 || !next_string(q, &at, &offset) || at != q->len) {
        return -XEN_EINVAL;
    }
    uint32_t from = number(offset);

    err = readable(q, path, &node);
    if (err != 0) {
        return err;
    }
    reply_format(q, "%llu", (unsigned long long)node->generation);
    size_t n = list_children(&q->who.xs->pool, node, from,
                             XENSTORE_PAYLOAD_MAX - q->reply_len - 1,
                             q->reply + q->reply_len, &total);

    q->reply_len += n;
    if (from + n >= total) {
        q->reply[q->reply_len++] = '\0';
    }
    return 0;
}

static int do_read(struct xs_req *q)
{
    const struct xs_node *node;
    struct xs_path path;
    int err = only_path(q, &path);

    if (err == 0) {
        err = readable(q, path, &node);
    }
    if (err != 0) {
        return err;
    }
    const struct text_pool *text = &q->who.xs->pool.text;

    if (text_len(text, node->value) > XENSTORE_PAYLOAD_MAX) {
        return -XEN_E2BIG;
    }
    q->reply_len = text_copy(text, node->value, q->reply, XENSTORE_PAYLOAD_MAX);
    return 0;
}

static int do_get_perms(struct xs_req *q)
{
    static const char letter[] = {'n', 'r', 'w', 'b'};
    const struct xs_node *node;
    struct xs_path path;
    int err = only_path(q, &path);

    if (err == 0) {
        err = readable(q, path, &node);
    }
    if (err != 0) {
        return err;
    }
    for (uint32_t i = 0; i < node->nr_perms; i++) {
        reply_format(q, "%c%u", letter[node->perm[i].access & 3],
                     node->perm[i].domid);
    }
    return 0;
}

/* ---------------------------------------------------- changing the tree */

static int do_write(struct xs_req *q)
{
    struct xs_path path;
    size_t at;
    int err = path_arg(q, &at, &path);

    return err != 0 ? err
                    : reply_ok(q, xs_put(&q->who, path, q->body + at,
                                         q->len - at, false));
}

static int do_mkdir(struct xs_req *q)
{
    struct xs_path path;
    int err = only_path(q, &path);

    return err != 0 ? err : reply_ok(q, xs_put(&q->who, path, NULL, 0, true));
}

static int do_rm(struct xs_req *q)
{
    struct xs_path path;
    int err = only_path(q, &path);

    return err != 0 ? err : reply_ok(q, xs_remove(&q->who, path));
}

static int do_set_perms(struct xs_req *q)
{
    struct xs_perm perm[XS_PERMS_MAX] = {0};
    struct xs_path path, text;
    uint32_t nr = 0;
    size_t at;
    int err = path_arg(q, &at, &path);

    if (err != 0 || at == q->len) {
        return -XEN_EINVAL;
    }
    while (at < q->len) {
        if (nr == XS_PERMS_MAX) {
            return -XEN_ENOSPC;
        }
        if (!next_string(q, &at, &text) || !xs_perm_parse(text, &perm[nr])) {
            return -XEN_EINVAL;
        }
        nr++;
    }
    /* As xenstored has it, which knows all domains. */
    if (perm[0].domid != XS_DOMID_HOST &&
        xs_slot_of(q->who.xs, perm[0].domid) == XS_SLOT_HOST) {
        return -XEN_ENOENT;
    }
    return reply_ok(q, xs_set_perms(&q->who, path, perm, nr));
}

/* -------------------------------------------------------------- watches */

/*
 * Path and token; the path may be a special one, "@releaseDomain". ENOENT for
 * a malformed path: nobody watches that.
 */
static int watch_args(struct xs_req *q, struct xs_path *path, uint32_t *skip,
                      struct xs_path *token)
{
    struct xs_path given;
    size_t at = 0;

    if (!next_string(q, &at, &given) || !next_string(q, &at, token) ||
        at != q->len) {
        return -XEN_EINVAL;
    }
    if (given.len > 0 && given.s[0] == '@') {
        *path = given;
        *skip = 0;
        return given.len <= XENSTORE_REL_PATH_MAX ? 0 : -XEN_EINVAL;
    }
    return absolute(q, given, path, skip) ? 0 : -XEN_ENOENT;
}

static int do_watch(struct xs_req *q)
{
    struct xs_path path, token;
    uint32_t skip;
    int err = watch_args(q, &path, &skip, &token);

    return err != 0 ? -XEN_EINVAL
                    : reply_ok(q, xs_watch_add(q->who.xs, q->conn, path, skip,
                                               token));
}

static int do_unwatch(struct xs_req *q)
{
    struct xs_path path, token;
    uint32_t skip;
    int err = watch_args(q, &path, &skip, &token);

    return err != 0
               ? err
               : reply_ok(q, xs_watch_remove(q->who.xs, q->conn, path, token));
}

static int do_reset_watches(struct xs_req *q)
{
    xs_watch_remove_all(q->who.xs, q->conn);
    xs_txn_abort_all(q->who.xs, q->conn);
    return reply_ok(q, 0);
}

/* --------------------------------------------------------- transactions */

static int do_transaction_start(struct xs_req *q)
{
    uint32_t id;
    int err =
        q->who.txn != NULL ? -XEN_EBUSY : xs_txn_start(q->who.xs, q->conn, &id);

    if (err != 0) {
        return err;
    }
    return reply_format(q, "%u", id);
}

static int do_transaction_end(struct xs_req *q)
{
    struct xs_path how;

    if (!one_string(q, &how) || how.len != 1 ||
        (how.s[0] != 'T' && how.s[0] != 'F')) {
        return -XEN_EINVAL;
    }
    if (q->who.txn == NULL) {
        return -XEN_ENOENT;
    }
    return reply_ok(q, xs_txn_end(q->who.xs, q->who.txn, how.s[0] == 'T'));
}

/* -------------------------------------------------------------- domains */

static int do_get_domain_path(struct xs_req *q)
{
    struct xs_path text;

    return one_string(q, &text)
               ? reply_format(q, "/local/domain/%u", number(text))
               : -XEN_EINVAL;
}

/* Domain 0, where the host's daemons would be, always is. */
static int do_is_domain_introduced(struct xs_req *q)
{
    struct xs_path text;

    if (!one_string(q, &text)) {
        return -XEN_EINVAL;
    }
    uint32_t domid = number(text);
    bool known = domid == XS_DOMID_HOST ||
                 (domid <= UINT16_MAX &&
                  xs_slot_of(q->who.xs, (uint16_t)domid) != XS_SLOT_HOST);

    return reply_string(q, known ? "T" : "F");
}

/*
 * What a toolstack in the hardware domain would ask for: here the hypervisor
 * itself connects domains, so there is nothing such a request can do.
 */
static int do_not_here(struct xs_req *q)
{
    (void)q;
    return -XEN_EINVAL;
}

/* ------------------------------------------------------------- dispatch */

#define PRIVILEGED 1u /* others get EACCES */
#define NO_TXN 2u     /* the transaction id is not looked at */

static const struct {
    int (*run)(struct xs_req *q);
    unsigned flags;
} requests[XS_TYPE_COUNT] = {
    [XS_CONTROL] = {do_not_here, PRIVILEGED},
    [XS_DIRECTORY] = {do_directory, 0},
    [XS_READ] = {do_read, 0},
    [XS_GET_PERMS] = {do_get_perms, 0},
    [XS_WATCH] = {do_watch, NO_TXN},
    [XS_UNWATCH] = {do_unwatch, NO_TXN},
    [XS_TRANSACTION_START] = {do_transaction_start, 0},
    [XS_TRANSACTION_END] = {do_transaction_end, 0},
    [XS_INTRODUCE] = {do_not_here, PRIVILEGED},
    [XS_RELEASE] = {do_not_here, PRIVILEGED},
    [XS_GET_DOMAIN_PATH] = {do_get_domain_path, 0},
    [XS_WRITE] = {do_write, 0},
    [XS_MKDIR] = {do_mkdir, 0},
    [XS_RM] = {do_rm, 0},
    [XS_SET_PERMS] = {do_set_perms, 0},
    [XS_IS_DOMAIN_INTRODUCED] = {do_is_domain_introduced, PRIVILEGED},
    [XS_RESUME] = {do_not_here, PRIVILEGED},
    [XS_SET_TARGET] = {do_not_here, PRIVILEGED},
    [XS_RESET_WATCHES] = {do_reset_watches, 0},
    [XS_DIRECTORY_PART] = {do_directory_part, 0},
};

static int dispatch(struct xs_req *q, const struct xsd_sockmsg *m)
{
    int err;

    if (m->type >= XS_TYPE_COUNT || requests[m->type].run == NULL) {
        return -XEN_ENOSYS;
    }
    if ((requests[m->type].flags & PRIVILEGED) && !q->conn->privileged) {
        return -XEN_EACCES;
    }
    if (m->tx_id != 0 && !(requests[m->type].flags & NO_TXN)) {
        q->who.txn = xs_txn_find(q->who.xs, q->conn, m->tx_id);
        if (q->who.txn == NULL) {
            return -XEN_ENOENT;
        }
    }
    /* Out of memory: give up old versions of the tree, one by one. */
    do {
        q->reply_len = 0;
        err = requests[m->type].run(q);
    } while (err == -XEN_ENOMEM && xs_txn_reclaim(q->who.xs));
    return err;
}

/*
 * Carries out the request in c->in and puts the reply into c->out. No event
 * waits when it is called: those go first.
 */
void xs_request(struct xenstore *xs, struct xs_conn *c)
{
    const struct xsd_sockmsg *m = &c->in.head;
    struct xs_req q = {
        .who = {.xs = xs, .conn = c},
        .conn = c,
        .body = c->in.body,
        .len = m->len,
        .reply = c->out.body,
    };
    int err = dispatch(&q, m);

    if (err != 0) {
        q.reply_len = 0;
        reply_string(&q, error_name(err));
    }
    c->out.head = (struct xsd_sockmsg){
        .type = err != 0 ? XS_ERROR : m->type,
        .req_id = m->req_id,
        .tx_id = m->tx_id,
        .len = (uint32_t)q.reply_len,
    };
    c->out_len = sizeof(c->out.head) + q.reply_len;
    /* All that is queued now was queued by this request. */
    c->before = m->type == XS_WATCH ? 0 : c->nr_events;
}
