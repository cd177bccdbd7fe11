/* SPDX-License-Identifier: MIT */
#include "xs_tree.h"

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "lib/string.h"

void xs_pool_init(struct xs_pool *p, struct xs_node *node, uint32_t nr)
{
    p->node = node;
    p->nr = nr;
    for (uint32_t i = nr; i-- > 1;) {
        node[i].refs = 0;
        node[i].next = p->free;
        p->free = i;
        p->nr_free++;
    }
}

/* ----------------------------------------------------------------- paths */

static bool path_char_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '_' ||
           c == '@';
}

/* Bytes of a leading "/local/domain/N/", which do not count as length. */
static size_t path_domain_prefix(struct xs_path path)
{
    static const char prefix[] = "/local/domain/";
    size_t n = sizeof(prefix) - 1, digits = 0;

    if (path.len <= n || memcmp(path.s, prefix, n) != 0) {
        return 0;
    }
    while (n < path.len && path.s[n] >= '0' && path.s[n] <= '9' && digits < 5) {
        n++;
        digits++;
    }
    return digits > 0 && n < path.len && path.s[n] == '/' ? n + 1 : 0;
}

bool xs_path_ok(struct xs_path path)
{
    if (path.len == 0 || path.s[0] != '/' ||
        path.len > path_domain_prefix(path) + XENSTORE_REL_PATH_MAX) {
        return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        if (!path_char_ok(path.s[i]) ||
            (i > 0 && path.s[i] == '/' && path.s[i - 1] == '/')) {
            return false;
        }
    }
    return path.len == 1 || path.s[path.len - 1] != '/';
}

bool xs_path_covers(struct xs_path path, struct xs_path below)
{
    if (path.len == 1) {
        return true;
    }
    return below.len >= path.len && memcmp(path.s, below.s, path.len) == 0 &&
           (below.len == path.len || below.s[path.len] == '/');
}

struct xs_path xs_path_parent(struct xs_path path)
{
    do {
        path.len--;
    } while (path.len > 0 && path.s[path.len] != '/');
    if (path.len == 0) {
        path.len = 1;
    }
    return path;
}

bool xs_path_next(struct xs_path path, size_t *at, struct xs_path *name)
{
    size_t end = *at;

    if (*at >= path.len) {
        return false;
    }
    while (end < path.len && path.s[end] != '/') {
        end++;
    }
    *name = (struct xs_path){path.s + *at, end - *at};
    *at = end + 1;
    return true;
}

static struct xs_path path_last(struct xs_path path)
{
    size_t start = path.len;

    while (path.s[start - 1] != '/') {
        start--;
    }
    return (struct xs_path){path.s + start, path.len - start};
}

/* ----------------------------------------------------------------- nodes */

static uint32_t node_take(struct xs_pool *p)
{
    uint32_t n = p->free;

    if (n != 0) {
        p->free = p->node[n].next;
        p->nr_free--;
        p->high = n >= p->high ? n + 1 : p->high;
        p->node[n] = (struct xs_node){.refs = 1};
    }
    return n;
}

static uint32_t node_hold(struct xs_pool *p, uint32_t n)
{
    if (n != 0) {
        p->node[n].refs++;
    }
    return n;
}

/*
 * Gives up one reference to each of *n. What nobody refers to any more is
 * freed with all it refers to: a list of the dead, linked through `name` once
 * that text is dropped, stands in for recursion.
 */
static uint32_t node_release(struct xs_pool *p, uint32_t n, uint32_t dead)
{
    if (n == 0 || --p->node[n].refs > 0) {
        return dead;
    }
    text_drop(&p->text, p->node[n].name);
    text_drop(&p->text, p->node[n].value);
    p->node[n].name = dead;
    return n;
}

static void node_drop(struct xs_pool *p, uint32_t n)
{
    uint32_t dead = node_release(p, n, 0);

    while (dead != 0) {
        struct xs_node *d = &p->node[dead];
        uint32_t now = dead, child = d->child, next = d->next;

        dead = node_release(p, child, d->name);
        dead = node_release(p, next, dead);
        d->next = p->free;
        p->free = now;
        p->nr_free++;
    }
}

/* Makes the node in `slot`, which only this version reaches, its own. */
static bool node_own(struct xs_pool *p, uint32_t *slot)
{
    uint32_t old = *slot;

    if (p->node[old].refs == 1) {
        return true;
    }
    uint32_t n = node_take(p);

    if (n == 0) {
        return false;
    }
    p->node[n] = p->node[old];
    p->node[n].refs = 1;
    text_hold(&p->text, p->node[n].name);
    text_hold(&p->text, p->node[n].value);
    node_hold(p, p->node[n].child);
    node_hold(p, p->node[n].next);
    p->node[old].refs--;
    *slot = n;
    return true;
}

static bool node_named(const struct xs_pool *p, uint32_t n, struct xs_path name)
{
    return text_equal(&p->text, p->node[n].name, name.s, name.len);
}

uint32_t xs_tree_new(struct xs_pool *p)
{
    uint32_t n = node_take(p);

    if (n != 0) {
        p->node[n].nr_perms = 1;
    }
    return n;
}

uint32_t xs_tree_hold(struct xs_pool *p, uint32_t root)
{
    return node_hold(p, root);
}

void xs_tree_drop(struct xs_pool *p, uint32_t root)
{
    node_drop(p, root);
}

static uint32_t child_find(const struct xs_pool *p, uint32_t parent,
                           struct xs_path name)
{
    uint32_t n = p->node[parent].child;

    while (n != 0 && !node_named(p, n, name)) {
        n = p->node[n].next;
    }
    return n;
}

uint32_t xs_tree_nearest(const struct xs_pool *p, uint32_t root,
                         struct xs_path path, uint32_t *missing)
{
    struct xs_path name;
    uint32_t n = root;
    size_t at = 1;

    *missing = 0;
    while (xs_path_next(path, &at, &name)) {
        uint32_t child = *missing > 0 ? 0 : child_find(p, n, name);

        if (child == 0) {
            ++*missing;
        } else {
            n = child;
        }
    }
    return n;
}

uint32_t xs_tree_find(const struct xs_pool *p, uint32_t root,
                      struct xs_path path)
{
    uint32_t missing;
    uint32_t n = xs_tree_nearest(p, root, path, &missing);

    return missing == 0 ? n : 0;
}

/*
 * Owns the siblings from *slot on until the one called `name`; returns the
 * slot that holds it, or the empty one at the end. NULL: out of memory.
 */
static uint32_t *own_child(struct xs_pool *p, uint32_t *slot,
                           struct xs_path name)
{
    while (*slot != 0) {
        if (!node_own(p, slot)) {
            return NULL;
        }
        if (node_named(p, *slot, name)) {
            break;
        }
        slot = &p->node[*slot].next;
    }
    return slot;
}

static uint32_t *own_path(struct xs_pool *p, uint32_t *root,
                          struct xs_path path)
{
    struct xs_path name;
    uint32_t *slot = root;
    size_t at = 1;

    if (!node_own(p, slot)) {
        return NULL;
    }
    while (xs_path_next(path, &at, &name)) {
        slot = own_child(p, &p->node[*slot].child, name);
        if (slot == NULL || *slot == 0) {
            return slot;
        }
    }
    return slot;
}

uint32_t xs_tree_own(struct xs_pool *p, uint32_t *root, struct xs_path path)
{
    uint32_t *slot = own_path(p, root, path);

    return slot == NULL ? 0 : *slot;
}

uint32_t xs_tree_add(struct xs_pool *p, uint32_t parent, struct xs_path name)
{
    uint32_t *slot = own_child(p, &p->node[parent].child, name);

    if (slot == NULL) {
        return 0;
    }
    uint32_t text = text_make(&p->text, name.s, name.len);
    uint32_t n = text == TEXT_NONE ? 0 : node_take(p);

    if (n == 0) {
        text_drop(&p->text, text);
        return 0;
    }
    p->node[n].name = text;
    p->node[n].nr_perms = p->node[parent].nr_perms;
    memcpy(p->node[n].perm, p->node[parent].perm, sizeof(p->node[n].perm));
    p->node[n].generation = ++p->generation;
    p->node[parent].generation = ++p->generation;
    *slot = n;
    return n;
}

int xs_tree_set_value(struct xs_pool *p, uint32_t node, const char *value,
                      size_t len)
{
    uint32_t text = TEXT_NONE;

    if (len > 0 && (text = text_make(&p->text, value, len)) == TEXT_NONE) {
        return -XEN_ENOMEM;
    }
    text_drop(&p->text, p->node[node].value);
    p->node[node].value = text;
    return 0;
}

int xs_tree_cut(struct xs_pool *p, uint32_t *root, struct xs_path path,
                uint32_t *removed)
{
    uint32_t parent = xs_tree_own(p, root, xs_path_parent(path));
    uint32_t *slot =
        parent == 0 ? NULL
                    : own_child(p, &p->node[parent].child, path_last(path));

    if (slot == NULL) {
        return -XEN_ENOMEM;
    }
    uint32_t n = *slot;

    /* The slot's reference to `n` becomes *removed, n's own one the slot's. */
    *slot = p->node[n].next;
    p->node[n].next = 0;
    p->node[parent].generation = ++p->generation;
    *removed = n;
    return 0;
}
