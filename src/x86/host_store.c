/* SPDX-License-Identifier: MIT */
/*
 * The tool's own connection to the xenstore: as domain 0, through a ring as
 * domains have one. The tool reaches the page through the machine's RAM; in
 * place of event channels there are the question `store-kick` and the line
 * `store` (docs/link.md).
 */
#include "host.h"

#include <xen/errno.h>

#define TOOL_DOMID 0u

static void *page; /* work; NULL: there is no connection */

/* store-open */
int ask_store_open(struct sop_pcpu *self, struct host_ask *ask)
{
    int error;

    (void)self;
    if (page == NULL) {
        page = hv_alloc(PAGE_SIZE);
        if (page == NULL) {
            return host_ask_fail(ask, -XEN_ENOMEM, "no memory for a ring");
        }
        error = xenstore_introduce(host.store, TOOL_DOMID, true, page);
        if (error != 0) {
            hv_free(page, PAGE_SIZE);
            page = NULL;
            return host_ask_fail(ask, error, "there is a domain 0");
        }
    }
    x86_snprintf(ask->out, sizeof(ask->out), "pa=0x%llx",
                 (unsigned long long)(uintptr_t)page);
    return 0;
}

/* store-kick: the next round serves all rings. */
int ask_store_kick(struct sop_pcpu *self, struct host_ask *ask)
{
    (void)self;
    (void)ask;
    host_note();
    return 0;
}

bool host_store_notify(uint16_t domid)
{
    if (domid != TOOL_DOMID || page == NULL) {
        return false;
    }
    link_store();
    return true;
}
