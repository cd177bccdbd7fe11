/* SPDX-License-Identifier: MIT */
/*
 * Domains that are built anew after their end. In a host they wait until its
 * tool says so, which counts the time between lives as xl does; without such
 * a tool they are built at once.
 */
#include "host.h"

#include <xen/errno.h>

static void start_anew(struct sop_pcpu *self, const struct domain_spec *spec)
{
    struct host_domain *h = NULL;
    char why[256];

    if (host_name_taken(spec->name)) {
        x86_snprintf(why, sizeof(why), "another domain has this name");
    } else {
        h = host_build(self, spec, why, sizeof(why));
    }
    if (h == NULL) {
        host_domain_failed(spec->name, why);
        return;
    }
    (void)sop_domain_unpause(self, h->sop); /* built paused once */
}

void host_restart(struct sop_pcpu *self, const struct domain_spec *spec,
                  uint16_t domid)
{
    struct host_waiting *w;

    if (!host.stays) {
        start_anew(self, spec);
        return;
    }
    w = hv_alloc(sizeof(*w));
    if (w == NULL) {
        host_domain_failed(spec->name, "no memory is left to remember it");
        return;
    }
    *w = (struct host_waiting){host.waiting, spec, domid};
    image_hold(spec);
    host.waiting = w;
}

/* again DOMID: what had that id is built anew. */
int ask_again(struct sop_pcpu *self, struct host_ask *ask)
{
    uint64_t domid;

    if (!host_ask_number(ask, UINT16_MAX, &domid)) {
        return host_ask_fail(ask, -XEN_EINVAL, "a domain id is expected");
    }
    for (struct host_waiting **at = &host.waiting; *at != NULL;
         at = &(*at)->next) {
        struct host_waiting *w = *at;

        if (w->domid == domid) {
            *at = w->next;
            start_anew(self, w->spec);
            image_put(w->spec);
            hv_free(w, sizeof(*w));
            return 0;
        }
    }
    return host_ask_fail(ask, -XEN_ESRCH, "none of that id waits");
}
