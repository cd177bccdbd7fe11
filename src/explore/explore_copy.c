/* SPDX-License-Identifier: MIT */
/*
 * Worlds as wholes: copies to come back to, and numbers that are equal when
 * worlds are. Most of the core's memory is tables that a small scenario never
 * touches, so it is taken in parts, and only those known to change count.
 * What is in a world has addresses, and these are the same in every run.
 */
#include <stdlib.h>
#include <string.h>

#include "explore_world.h"

#define PART_BYTES 1024u
#define PARTS_MAX 8192u

struct ex_saved {
    size_t size;
    bool full;
    struct ex_failure failure;
    struct ex_turn turn[EX_PCPUS];
    uint8_t bytes[];
};

static bool known[PARTS_MAX]; /* of the arena: to change */
static uint8_t *pristine;     /* the arena as a search starts */

/* What each_part() is to do with a part of the world. */
struct visit {
    uint8_t *out;      /* copy it there, */
    const uint8_t *in; /* or bring it back from there, */
    struct ex_hash *h; /* or add it to this number. */
    size_t size;       /* of all so far */
};

static uint64_t mix(uint64_t h, uint64_t w)
{
    h = (h ^ w) * 0x9fb21c651e98df25u;
    return h ^ (h >> 32);
}

/* Four lanes, since multiplying takes longer than reading. */
static void hash_bytes(struct ex_hash *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t lane[4] = {h->a, h->b, ~h->a, ~h->b}, w[4];

    for (; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
        memcpy(w, p, sizeof(w));
        lane[0] = mix(lane[0], w[0]);
        lane[1] = mix(lane[1], w[1]);
        lane[2] = mix(lane[2], w[2]);
        lane[3] = mix(lane[3], w[3]);
    }
    memset(w, 0, sizeof(w));
    memcpy(w, p, len);
    h->a = mix(mix(lane[0], lane[1] ^ w[0]), w[1] + len);
    h->b = mix(mix(lane[2], lane[3] ^ w[2]), w[3] + h->a);
}

static void part(struct visit *v, void *at, size_t len)
{
    if (v->out != NULL) {
        memcpy(v->out + v->size, at, len);
    } else if (v->in != NULL) {
        memcpy(at, v->in + v->size, len);
    } else if (v->h != NULL) {
        hash_bytes(v->h, at, len);
    }
    v->size += len;
}

static size_t part_len(size_t i)
{
    size_t left = ex_arena_size - i * PART_BYTES;

    return left < PART_BYTES ? left : PART_BYTES;
}

static void each_domain(struct visit *v)
{
    unsigned i;

    for (i = 0; i < EX_DOMAINS; i++) {
        struct ex_domain *d = &ex_world.domain[i];

        if (ex_scenario->domain[i].used) {
            part(v, d,
                 offsetof(struct ex_domain, vcpu) +
                     ex_scenario->domain[i].nr_vcpus * sizeof(d->vcpu[0]));
            part(v, ex_shared_page(i), EX_PAGE);
        }
    }
}

/*
 * Between its calls of the core a pCPU is where `at` says; within one it is
 * where its stack is, which then counts for a number.
 */
static void each_stack(struct visit *v)
{
    unsigned i;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        enum ex_at at = ex_world.pcpu[i].at;

        if (v->h == NULL || at == EX_AT_CORE || at == EX_AT_LOCK) {
            part(v, ex_turn[i].low, ex_stack_used(i));
        }
    }
}

static void each_part(struct visit *v, bool full)
{
    size_t i;

    part(v, &ex_world, offsetof(struct ex_world, domain));
    each_domain(v);
    for (i = 0; i * PART_BYTES < ex_arena_size; i++) {
        if (full || known[i]) {
            part(v, ex_arena + i * PART_BYTES, part_len(i));
        }
    }
    each_stack(v);
}

struct ex_hash ex_world_hash(void)
{
    struct ex_hash h = {1, 2};
    struct visit v = {.h = &h};

    each_part(&v, false);
    return h;
}

struct ex_saved *ex_world_save(struct ex_saved *into, bool full)
{
    struct visit measure = {.size = 0}, v = {.size = 0};

    each_part(&measure, full);
    if (into == NULL || into->size < measure.size) {
        free(into);
        /* A little more: the next one may go deeper in its stacks. */
        into = malloc(sizeof(*into) + measure.size + 4096);
        if (into == NULL) {
            abort();
        }
        into->size = measure.size + 4096;
    }
    into->full = full;
    into->failure = ex_failure;
    memcpy(into->turn, ex_turn, sizeof(ex_turn));
    v.out = into->bytes;
    each_part(&v, full);
    return into;
}

/* The turns first: they say where the stacks are. */
void ex_world_restore(const struct ex_saved *from)
{
    struct visit v = {.in = from->bytes};

    memcpy(ex_turn, from->turn, sizeof(ex_turn));
    ex_failure = from->failure;
    each_part(&v, from->full);
}

void ex_world_begin(void)
{
    if (ex_arena_size > PARTS_MAX * (size_t)PART_BYTES) {
        abort();
    }
    free(pristine);
    pristine = malloc(ex_arena_size);
    if (pristine == NULL) {
        abort();
    }
    memcpy(pristine, ex_arena, ex_arena_size);
}

void ex_world_unknown(void)
{
    free(pristine);
    pristine = NULL;
    memset(known, 0, sizeof(known));
}

bool ex_world_changed(void)
{
    bool changed = false;
    size_t i;

    if (pristine == NULL) {
        return false; /* there was no start */
    }
    for (i = 0; i * PART_BYTES < ex_arena_size; i++) {
        if (!known[i] && memcmp(ex_arena + i * PART_BYTES,
                                pristine + i * PART_BYTES, part_len(i)) != 0) {
            known[i] = true;
            changed = true;
        }
    }
    return changed;
}
