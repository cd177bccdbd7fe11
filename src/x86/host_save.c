/* SPDX-License-Identifier: MIT */
/*
 * Domains on their way to a file and back. The host tool does the work; here
 * a domain is held still for it, and described (schedop/save.h).
 *
 *   save-begin   from now on a suspend of the domain is the tool's business
 *   save-state   it has suspended: its record, in a window made for it
 *   save-end     it goes, or goes on
 *   restore      a domain from such a record; the tool then fills its memory
 *                and unpauses it
 *
 * The domain is asked to suspend by the tool, through xenstore. One that was
 * stopped by a suspend before (on_suspend=preserve) can be saved as it is.
 */
#include "host.h"

#include <schedop/save.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/sched.h>

#include "lib/string.h"

/* Is it stopped by a suspend, and none of its registers in a pCPU? */
static bool has_suspended(const struct host_domain *h)
{
    struct sop_domain_info info;

    sop_domain_info(h->sop, time_now(), &info);
    return (info.flags & XEN_DOMINF_shutdown) != 0 &&
           (uint8_t)(info.flags >> XEN_DOMINF_shutdownshift) ==
               SHUTDOWN_suspend &&
           (info.flags & XEN_DOMINF_running) == 0 && domain_has_stopped(h->x86);
}

/* save-begin DOMID */
int ask_save_begin(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);
    uint64_t pa, bytes;

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_image_where(h->spec, &pa, &bytes)) {
        return host_ask_fail(ask, -XEN_EOPNOTSUPP,
                             "only domains built at run time can be saved");
    }
    if (h->saving || h->debug != NULL) {
        return host_ask_fail(ask, -XEN_EBUSY,
                             h->saving ? "it is being saved already"
                                       : "it is being debugged");
    }
    if (h->state != HOST_ALIVE && !has_suspended(h)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "it has shut down, and not to be suspended");
    }
    h->saving = true;
    h->suspended = h->state == HOST_KEPT;
    return 0;
}

/* save-state DOMID: EBUSY until it has suspended. */
int ask_save_state(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);
    uint64_t bytes, pa, image, image_bytes;
    void *record;

    if (h == NULL) {
        return error;
    }
    if (!h->saving || (h->state == HOST_KEPT && !h->suspended)) {
        return host_ask_fail(ask, -XEN_EINVAL, "it is not being saved");
    }
    if (!h->suspended) {
        return host_ask_fail(ask, -XEN_EBUSY, "it has not suspended");
    }
    bytes = domain_save_bytes(h->x86, false);
    error = host_window_open(ask, bytes, &pa);
    if (error != 0) {
        return error;
    }
    record = ram_map(pa, bytes);
    if (record == NULL) {
        host_window_close(pa);
        return host_ask_fail(ask, -XEN_ENOMEM, "its record cannot be mapped");
    }
    domain_save(self, h->x86, false, record);
    ram_unmap(record);
    (void)host_image_where(h->spec, &image, &image_bytes);
    x86_snprintf(ask->out, sizeof(ask->out),
                 "pa=0x%llx bytes=%llu image=0x%llx image_bytes=%llu",
                 (unsigned long long)pa, (unsigned long long)bytes,
                 (unsigned long long)image, (unsigned long long)image_bytes);
    return 0;
}

/* save-end DOMID destroy|resume|pause; a kept domain stays if not destroyed. */
int ask_save_end(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);
    char word[8];

    if (h == NULL) {
        return error;
    }
    if (!host_ask_word(ask, word, sizeof(word)) || !host_ask_end(ask) ||
        (strcmp(word, "destroy") != 0 && strcmp(word, "resume") != 0 &&
         strcmp(word, "pause") != 0)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "expected: save-end DOMID destroy|resume|pause");
    }
    if (!h->saving) {
        return host_ask_fail(ask, -XEN_EINVAL, "it is not being saved");
    }
    if (strcmp(word, "destroy") == 0 && h->suspended) {
        host_take_away(self, h, "save");
    } else if (h->state == HOST_ALIVE && h->suspended) {
        if (strcmp(word, "pause") == 0) {
            (void)sop_domain_pause(self, h->sop);
        }
        host_go_on(self, h);
    }
    h->saving = h->suspended = false;
    return 0;
}

/* ----------------------------------------------------------------- restore */

static struct host_domain *build(struct sop_pcpu *self, struct host_ask *ask,
                                 const struct domain_spec *spec, uint64_t pa,
                                 uint64_t bytes)
{
    struct save_area area = {.bytes = ram_map(pa, bytes), .size = bytes};
    struct host_domain *h = NULL;

    if (area.bytes == NULL) {
        host_ask_fail(ask, 0, "its record cannot be mapped");
        return NULL;
    }
    h = host_rebuild(self, spec, area, ask->out, sizeof(ask->out));
    ram_unmap(area.bytes);
    return h;
}

/*
 * restore STATE NAME IMAGE: the window IMAGE is the domain's from now on, or
 * free; STATE stays the tool's, and says where the memory is to go. The
 * domain is paused.
 */
int ask_restore(struct sop_pcpu *self, struct host_ask *ask)
{
    struct domain_spec *spec;
    struct host_domain *h;
    char name[SCHEDOP_NAME_MAX + 1];
    uint64_t pa, bytes = host_window_next(ask, &pa);

    if (bytes == 0 || !host_ask_word(ask, name, sizeof(name)) ||
        !host_name_is_good(name)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "expected: restore STATE NAME IMAGE");
    }
    spec = host_image_take(ask);
    if (spec == NULL) {
        return -XEN_EINVAL;
    }
    x86_snprintf(spec->name, sizeof(spec->name), "%s", name);
    if (host_name_taken(name)) {
        image_put(spec);
        return host_ask_fail(ask, -XEN_EEXIST, "another domain has this name");
    }
    h = build(self, ask, spec, pa, bytes);
    if (h != NULL) {
        x86_snprintf(ask->out, sizeof(ask->out), "domid=%u", h->domid);
    }
    image_put(spec);
    return h != NULL ? 0 : -XEN_ENOMEM;
}
