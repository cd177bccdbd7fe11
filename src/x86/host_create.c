/* SPDX-License-Identifier: MIT */
/*
 * Domains built at run time. The host tool asks for a window, a piece of RAM
 * it then fills with the files and their words (struct schedop_window), and
 * says `create`. The window then belongs to the domain's image, which lives
 * as long as a domain was made of it, and is what restarts build from.
 *
 * The tool may write to a window at any time; what is in it is copied before
 * it is checked, but for the files, which are read as those of a boot loader
 * are.
 */
#include "host.h"

#include <xen/errno.h>

#include <schedop/knobs.h>

#include "lib/string.h"
#include "virt/spec.h"

#define WINDOWS_MAX 4u /* given out and not yet part of an image */
#define WINDOW_BYTES_MAX (1ull << 32)

static struct {
    uint64_t pa, bytes; /* bytes 0: free */
} windows[WINDOWS_MAX];

/* ----------------------------------------------------------------- windows */

int host_window_open(struct host_ask *ask, uint64_t bytes, uint64_t *at)
{
    uint64_t pa;
    unsigned n = 0;

    while (n < WINDOWS_MAX && windows[n].bytes != 0) {
        n++;
    }
    if (n == WINDOWS_MAX) {
        return host_ask_fail(ask, -XEN_EBUSY, "too many windows are open");
    }
    pa = ram_alloc(bytes);
    if (pa == 0) {
        return host_ask_fail(ask, -XEN_ENOMEM,
                             "not enough memory is left for its files");
    }
    windows[n].pa = pa;
    windows[n].bytes = bytes;
    *at = pa;
    return 0;
}

int ask_window(struct sop_pcpu *self, struct host_ask *ask)
{
    uint64_t bytes, pa = 0;
    int rc;

    (void)self;
    if (!host_ask_number(ask, WINDOW_BYTES_MAX, &bytes) || bytes == 0 ||
        !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "expected: window BYTES");
    }
    rc = host_window_open(ask, bytes, &pa);
    if (rc != 0) {
        return rc;
    }
    x86_snprintf(ask->out, sizeof(ask->out), "pa=0x%llx",
                 (unsigned long long)pa);
    return 0;
}

/* The window at the address that the next word is; WINDOWS_MAX for none. */
static unsigned find_window(struct host_ask *ask)
{
    uint64_t pa;
    unsigned n = 0;

    if (!host_ask_number(ask, UINT64_MAX, &pa)) {
        return WINDOWS_MAX;
    }
    while (n < WINDOWS_MAX && (windows[n].bytes == 0 || windows[n].pa != pa)) {
        n++;
    }
    return n;
}

uint64_t host_window_next(struct host_ask *ask, uint64_t *pa)
{
    unsigned n = find_window(ask);

    if (n == WINDOWS_MAX) {
        return 0;
    }
    *pa = windows[n].pa;
    return windows[n].bytes;
}

void host_window_close(uint64_t pa)
{
    for (unsigned n = 0; n < WINDOWS_MAX; n++) {
        if (windows[n].bytes != 0 && windows[n].pa == pa) {
            ram_free(pa, windows[n].bytes);
            windows[n].bytes = 0;
        }
    }
}

int ask_window_free(struct sop_pcpu *self, struct host_ask *ask)
{
    unsigned n = find_window(ask);

    (void)self;
    if (n == WINDOWS_MAX || !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "no window is there");
    }
    ram_free(windows[n].pa, windows[n].bytes);
    windows[n].bytes = 0;
    return 0;
}

/* ------------------------------------------------------------------ images */

static struct host_image *image_of(const struct domain_spec *spec)
{
    struct host_image *i = host.images;

    while (i != NULL && &i->spec != spec) {
        i = i->next;
    }
    return i;
}

void image_hold(const struct domain_spec *spec)
{
    struct host_image *image = image_of(spec);

    if (image != NULL) {
        image->users++;
    }
}

static void image_free(struct host_image *image)
{
    struct host_image **at = &host.images;

    while (*at != image) {
        at = &(*at)->next;
    }
    *at = image->next;
    ram_free(image->pa, image->bytes);
    hv_free(image->text, image->text_size);
    hv_free(image, sizeof(*image));
}

void image_put(const struct domain_spec *spec)
{
    struct host_image *image = image_of(spec);

    if (image != NULL && --image->users == 0) {
        image_free(image);
    }
}

struct controller_life *image_life(const struct domain_spec *spec)
{
    struct host_image *image = image_of(spec);

    return image != NULL ? &image->life : NULL;
}

void image_rename(const struct domain_spec *spec, const char *name)
{
    struct host_image *image = image_of(spec);

    if (image != NULL) {
        x86_snprintf(image->spec.name, sizeof(image->spec.name), "%s", name);
    }
}

void image_move(const struct domain_spec *spec, const char *pool)
{
    struct host_image *image = image_of(spec);

    /* Knobs and masks do not move with a domain. */
    if (image != NULL) {
        struct domain_spec *s = &image->spec;

        x86_snprintf(s->pool, sizeof(s->pool), "%s", pool);
        s->has_credit2 = s->has_rtds = false;
        s->weight = 256;
        s->cap = 0;
        for (unsigned i = 0; i < SOP_VCPUS_MAX; i++) {
            s->hard[i] = s->soft[i] = SOP_CPUMASK_ALL;
        }
    }
}

void image_set_credit2(const struct domain_spec *spec, uint32_t weight,
                       uint32_t cap)
{
    struct host_image *image = image_of(spec);

    if (image != NULL) {
        image->spec.has_credit2 = true;
        image->spec.weight = weight;
        image->spec.cap = cap;
    }
}

void image_set_rtds(const struct domain_spec *spec,
                    const struct policy_rtds *knobs)
{
    struct host_image *image = image_of(spec);

    if (image != NULL) {
        image->spec.has_rtds = true;
        image->spec.period_us = knobs->period_us;
        image->spec.budget_us = knobs->budget_us;
        image->spec.extratime = knobs->extratime;
    }
}

bool image_map(const struct domain_spec *spec)
{
    struct host_image *image = image_of(spec);

    if (image == NULL) {
        return true; /* boot modules always are */
    }
    image->mapped = ram_map(image->pa, image->bytes);
    if (image->mapped == NULL) {
        return false;
    }
    for (unsigned n = 0; n < SCHEDOP_WINDOW_PARTS; n++) {
        struct boot_module *m = &image->module[n];

        m->data = (const char *)image->mapped + (m->pa - image->pa);
    }
    return true;
}

void image_unmap(const struct domain_spec *spec)
{
    struct host_image *image = image_of(spec);

    if (image != NULL) {
        ram_unmap(image->mapped);
        image->mapped = NULL;
    }
}

/* ---------------------------------------------------------------- creation */

static bool inside(uint64_t offset, uint64_t size, uint64_t bytes)
{
    return offset <= bytes && size <= bytes - offset;
}

/* Checks the table of a window; false when it makes no sense. */
static bool check(const struct schedop_window *w, uint64_t bytes)
{
    if (w->magic != SCHEDOP_WINDOW_MAGIC || w->nr_parts == 0 ||
        w->nr_parts > SCHEDOP_WINDOW_PARTS) {
        return false;
    }
    for (unsigned n = 0; n < w->nr_parts; n++) {
        const struct schedop_window_part *p = &w->part[n];

        if (p->offset % PAGE_SIZE != 0 || p->size == 0 ||
            !inside(p->offset, p->size, bytes) ||
            p->text_length > SCHEDOP_WINDOW_TEXT_MAX ||
            !inside(p->text, p->text_length, bytes)) {
            return false;
        }
    }
    return true;
}

/* The words of all parts, copied, each with a NUL of its own. */
static bool copy_texts(struct host_image *image, const struct schedop_window *w)
{
    char *at;

    for (unsigned n = 0; n < w->nr_parts; n++) {
        image->text_size += w->part[n].text_length + 1;
    }
    image->text = hv_alloc(image->text_size);
    at = image->text;
    for (unsigned n = 0; n < w->nr_parts && at != NULL; n++) {
        const struct schedop_window_part *p = &w->part[n];

        pa_copy_out(at, image->pa + p->text, p->text_length);
        at[p->text_length] = '\0';
        image->module[n] = (struct boot_module){
            .pa = image->pa + p->offset,
            .size = p->size,
            .cmdline = at,
        };
        at += p->text_length + 1;
    }
    return image->text != NULL;
}

/* Decodes the words; false with a reason in `why`. */
static bool decode(struct host_image *image, unsigned parts, char *why,
                   size_t why_size)
{
    struct spec_module module;
    struct domain_spec other;

    if (!spec_parse(&image->module[0], 0, &image->spec, &module, why,
                    why_size)) {
        return false;
    }
    if (module.of[0] != '\0') {
        x86_snprintf(why, why_size, "the first part must be a kernel");
        return false;
    }
    for (unsigned n = 1; n < parts; n++) {
        if (!spec_parse(&image->module[n], 0, &other, &module, why, why_size)) {
            return false;
        }
        image->module[n].cmdline = module.cmdline;
        image->spec.module[image->spec.nr_modules++] = &image->module[n];
    }
    if (image->spec.hardware) {
        x86_snprintf(why, why_size,
                     "the hardware domain cannot be built at run time");
        return false;
    }
    return true;
}

bool host_name_taken(const char *name)
{
    for (const struct host_domain *h = host.first; h != NULL; h = h->next) {
        bool there = h->state != HOST_GOING || h->restart;

        if (there && strcmp(h->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the window over; NULL, with the window gone, and an explanation. */
static struct host_image *make_image(struct host_ask *ask, unsigned window)
{
    struct host_image *image = hv_alloc(sizeof(*image));
    struct schedop_window table;
    uint64_t pa = windows[window].pa, bytes = windows[window].bytes;

    windows[window].bytes = 0;
    if (image == NULL || bytes < sizeof(table)) {
        ram_free(pa, bytes);
        host_ask_fail(ask, 0, "no memory for its record");
        hv_free(image, sizeof(*image));
        return NULL;
    }
    image->pa = pa;
    image->bytes = bytes;
    image->users = 1; /* whoever called */
    image->next = host.images;
    host.images = image;
    pa_copy_out(&table, pa, sizeof(table));
    if (!check(&table, bytes)) {
        host_ask_fail(ask, 0, "the table of the window makes no sense");
    } else if (!copy_texts(image, &table)) {
        host_ask_fail(ask, 0, "no memory for its words");
    } else if (decode(image, table.nr_parts, ask->out, sizeof(ask->out))) {
        return image;
    }
    image_free(image);
    return NULL;
}

struct domain_spec *host_image_take(struct host_ask *ask)
{
    unsigned window = find_window(ask);
    struct host_image *image;

    if (window == WINDOWS_MAX) {
        host_ask_fail(ask, 0, "no window is there");
        return NULL;
    }
    image = make_image(ask, window);
    return image != NULL ? &image->spec : NULL;
}

bool host_image_where(const struct domain_spec *spec, uint64_t *pa,
                      uint64_t *bytes)
{
    const struct host_image *image = image_of(spec);

    if (image == NULL) {
        return false;
    }
    *pa = image->pa;
    *bytes = image->bytes;
    return true;
}

/* create PA [paused]: the window is the domain's from now on, or free. */
int ask_create(struct sop_pcpu *self, struct host_ask *ask)
{
    unsigned window = find_window(ask);
    struct host_domain *h = NULL;
    struct host_image *image;
    char word[8];
    bool paused = host_ask_word(ask, word, sizeof(word));

    if (window == WINDOWS_MAX || (paused && strcmp(word, "paused") != 0) ||
        !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "expected: create PA [paused]");
    }
    image = make_image(ask, window);
    if (image == NULL) {
        return -XEN_EINVAL;
    }
    if (host_name_taken(image->spec.name)) {
        image_put(&image->spec);
        return host_ask_fail(ask, -XEN_EEXIST, "another domain has this name");
    }
    h = host_build(self, &image->spec, ask->out, sizeof(ask->out));
    if (h != NULL) {
        x86_snprintf(ask->out, sizeof(ask->out), "domid=%u", h->domid);
    }
    image_put(&image->spec);
    if (h != NULL && !paused) {
        (void)sop_domain_unpause(self, h->sop); /* built paused once */
    }
    return h != NULL ? 0 : -XEN_ENOMEM;
}
