/* SPDX-License-Identifier: MIT */
/* The domain that is debugged: see gdb_target.h. */
#include "gdb_target.h"

#include <stdlib.h>
#include <string.h>

#include "gdb_walk.h"

#define INT3 0xccu

/* Asks, when the answer is only that it was done. */
static bool order(struct gdb_target *t, const char *verb,
                  const struct gdb_arg *args)
{
    json_t *answer = t->link->ask(t->link, verb, args);
    bool done = answer != NULL;

    json_decref(answer);
    return done;
}

static const struct gdb_arg no_args[] = {{NULL, 0}};

static uint64_t number_of(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* ---- coming and leaving ---- */

int gdb_target_attach(struct gdb_target *t, struct gdb_link *link,
                      const struct ram *ram, const struct gdb_kernel *kernel)
{
    json_t *answer = link->ask(link, "debug-attach", no_args);

    *t = (struct gdb_target){.link = link, .ram = ram, .kernel = kernel};
    if (answer == NULL) {
        return -1;
    }
    t->window_pa = number_of(answer, "pa");
    t->nr_vcpus = (unsigned)number_of(answer, "vcpus");
    json_decref(answer);
    if (t->nr_vcpus == 0 || t->nr_vcpus > 64) {
        return -1;
    }
    t->vcpu = cli_alloc(t->nr_vcpus * sizeof(*t->vcpu));
    return 0;
}

void gdb_target_leave(struct gdb_target *t)
{
    if (t->vcpu != NULL && t->link->fd >= 0) {
        (void)order(t, "debug-detach", no_args);
    }
    free(t->vcpu);
    t->vcpu = NULL;
    t->nr_breakpoints = 0;
}

static uint64_t vcpus_pa(const struct gdb_target *t)
{
    return t->window_pa + sizeof(struct schedop_debug);
}

bool gdb_target_look(struct gdb_target *t)
{
    struct schedop_debug head;

    memset(t->span, 0, sizeof(t->span)); /* the domain may have changed it */
    return ram_read(t->ram, t->window_pa, &head, sizeof(head)) &&
           head.magic == SCHEDOP_DEBUG_MAGIC && head.nr_vcpus == t->nr_vcpus &&
           head.vcpu_bytes == sizeof(*t->vcpu) &&
           ram_read(t->ram, vcpus_pa(t), t->vcpu,
                    t->nr_vcpus * sizeof(*t->vcpu));
}

/* ---- running ---- */

bool gdb_target_go(struct gdb_target *t, uint64_t run, uint64_t step)
{
    const struct gdb_arg args[] = {{"run", run}, {"step", step}, {NULL, 0}};

    for (unsigned i = 0; i < t->nr_vcpus; i++) {
        uint8_t *at = ram_at(t->ram, vcpus_pa(t) + i * sizeof(*t->vcpu),
                             sizeof(*t->vcpu));

        if (t->vcpu[i].changed && at != NULL) {
            memcpy(at, &t->vcpu[i], sizeof(*t->vcpu));
        }
    }
    return order(t, "debug-go", args);
}

bool gdb_target_stop(struct gdb_target *t)
{
    return order(t, "debug-stop", no_args);
}

bool gdb_target_kill(struct gdb_target *t)
{
    return order(t, "destroy", no_args);
}

/* ---- memory by guest-physical addresses ---- */

static struct gdb_span *find_span(struct gdb_target *t, uint64_t gpa)
{
    for (unsigned i = 0; i < GDB_SPANS; i++) {
        struct gdb_span *s = &t->span[i];

        if (gpa >= s->gpa && gpa - s->gpa < s->bytes) {
            return s;
        }
    }
    return NULL;
}

/* Where `gpa` is in the machine, and how far that goes; false: nowhere. */
static bool place(struct gdb_target *t, uint64_t gpa, uint64_t *pa,
                  uint64_t *left)
{
    const struct gdb_arg args[] = {{"gpa", gpa}, {NULL, 0}};
    struct gdb_span *s = find_span(t, gpa);
    json_t *answer;

    if (s == NULL) {
        answer =
            gpa >> 52 == 0 ? t->link->ask(t->link, "debug-map", args) : NULL;
        if (answer == NULL) {
            return false;
        }
        s = &t->span[t->next_span++ % GDB_SPANS];
        *s = (struct gdb_span){gpa, number_of(answer, "pa"),
                               number_of(answer, "bytes")};
        json_decref(answer);
        if (s->bytes == 0) {
            return false;
        }
    }
    *pa = s->pa + (gpa - s->gpa);
    *left = s->bytes - (gpa - s->gpa);
    return true;
}

static bool read_physical(void *context, uint64_t gpa, void *to, size_t len)
{
    struct gdb_target *t = context;
    uint8_t *out = to;

    while (len > 0) {
        uint64_t pa, left;
        size_t part;

        if (!place(t, gpa, &pa, &left)) {
            return false;
        }
        part = left < len ? (size_t)left : len;
        if (!ram_read(t->ram, pa, out, part)) {
            return false;
        }
        out += part;
        gpa += part;
        len -= part;
    }
    return true;
}

/* Within SCHEDOP_DEBUG_DATA. */
static bool write_physical(struct gdb_target *t, uint64_t gpa,
                           const uint8_t *in, size_t len)
{
    const struct gdb_arg args[] = {{"gpa", gpa}, {"bytes", len}, {NULL, 0}};
    uint8_t *data = ram_at(
        t->ram, t->window_pa + offsetof(struct schedop_debug, data), len);

    if (data == NULL) {
        return false;
    }
    memcpy(data, in, len);
    return order(t, "debug-write", args);
}

/* ---- memory by linear addresses ---- */

static bool translate(struct gdb_target *t, unsigned n, uint64_t address,
                      uint64_t *gpa, uint64_t *left)
{
    const struct schedop_state_vcpu *v = &t->vcpu[n].state;
    const struct gdb_paging paging = {
        v->cr0, v->cr3, v->cr4, v->efer, read_physical, t,
    };

    return gdb_walk(&paging, address, gpa, left) ||
           gdb_kernel_find(t->kernel, address, gpa, left);
}

/* What the domain itself has where our breakpoints are. */
static void without_breakpoints(const struct gdb_target *t, uint64_t gpa,
                                uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < t->nr_breakpoints; i++) {
        const struct gdb_breakpoint *b = &t->breakpoint[i];

        if (b->gpa >= gpa && b->gpa - gpa < len &&
            bytes[b->gpa - gpa] == INT3) {
            bytes[b->gpa - gpa] = b->byte;
        }
    }
}

size_t gdb_target_read(struct gdb_target *t, unsigned n, uint64_t address,
                       uint8_t *out, size_t len)
{
    size_t done = 0;

    while (done < len) {
        uint64_t gpa, left;
        size_t part;

        if (!translate(t, n, address + done, &gpa, &left)) {
            break;
        }
        part = left < len - done ? (size_t)left : len - done;
        if (!read_physical(t, gpa, out + done, part)) {
            break;
        }
        without_breakpoints(t, gpa, out + done, part);
        done += part;
    }
    return done;
}

size_t gdb_target_write(struct gdb_target *t, unsigned n, uint64_t address,
                        const uint8_t *in, size_t len)
{
    size_t done = 0;

    while (done < len) {
        uint64_t gpa, left;
        size_t part = len - done;

        if (!translate(t, n, address + done, &gpa, &left)) {
            break;
        }
        part = left < part ? (size_t)left : part;
        part = part < SCHEDOP_DEBUG_DATA ? part : SCHEDOP_DEBUG_DATA;
        if (!write_physical(t, gpa, in + done, part)) {
            break;
        }
        done += part;
    }
    return done;
}

/* ---- breakpoints ---- */

static struct gdb_breakpoint *find_breakpoint(struct gdb_target *t,
                                              uint64_t address)
{
    for (size_t i = 0; i < t->nr_breakpoints; i++) {
        if (t->breakpoint[i].address == address) {
            return &t->breakpoint[i];
        }
    }
    return NULL;
}

static bool set_break(struct gdb_target *t, uint64_t gpa, bool set)
{
    const struct gdb_arg args[] = {{"gpa", gpa}, {"set", set}, {NULL, 0}};

    return order(t, "debug-break", args);
}

bool gdb_target_break(struct gdb_target *t, unsigned n, uint64_t address)
{
    struct gdb_breakpoint b = {.address = address};
    uint64_t left;

    if (find_breakpoint(t, address) != NULL) {
        return true;
    }
    if (t->nr_breakpoints == GDB_BREAKPOINTS ||
        !translate(t, n, address, &b.gpa, &left) ||
        gdb_target_read(t, n, address, &b.byte, 1) != 1 ||
        !set_break(t, b.gpa, true)) {
        return false;
    }
    t->breakpoint[t->nr_breakpoints++] = b;
    return true;
}

/* Two addresses may be one place: the last one takes the INT3 away. */
bool gdb_target_unbreak(struct gdb_target *t, uint64_t address)
{
    struct gdb_breakpoint *b = find_breakpoint(t, address);
    uint64_t gpa;

    if (b == NULL) {
        return true;
    }
    gpa = b->gpa;
    *b = t->breakpoint[--t->nr_breakpoints];
    for (size_t i = 0; i < t->nr_breakpoints; i++) {
        if (t->breakpoint[i].gpa == gpa) {
            return true;
        }
    }
    return set_break(t, gpa, false);
}
