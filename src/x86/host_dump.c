/* SPDX-License-Identifier: MIT */
/*
 * Domains of which the host tool writes a core. It reads their memory from
 * RAM; here they are held still for it, and described by a record
 * (schedop/save.h) of all they have.
 *
 *   on_*=coredump-*   the record is announced with a line `dump`; what else is
 *                     to become of the domain waits for the answer `dumped`
 *   dump-begin        the domain is paused: its record, in a window
 *   dump-end          it goes on
 */
#include "host.h"

#include <xen/domctl.h>
#include <xen/errno.h>

/* Writes the record of `h` to RAM at `pa`; false when that is not mapped. */
static bool describe(struct sop_pcpu *self, struct host_domain *h, uint64_t pa,
                     uint64_t bytes)
{
    void *record = ram_map(pa, bytes);

    if (record == NULL) {
        return false;
    }
    domain_save(self, h->x86, true, record);
    ram_unmap(record);
    return true;
}

/* ------------------------------------------------ a domain that has ended */

bool host_dump_start(struct sop_pcpu *self, struct host_domain *h)
{
    const struct link_domain id = host_link(h);
    uint64_t bytes = domain_save_bytes(h->x86, true);
    uint64_t pa = link_present() ? ram_alloc(bytes) : 0;

    if (pa != 0 && describe(self, h, pa, bytes)) {
        h->dump_pa = pa;
        h->dump_bytes = bytes;
        link_dump(&id, pa, bytes);
        return true;
    }
    if (pa != 0) {
        ram_free(pa, bytes);
    }
    x86_log(SOP_LOG_WARNING, "%s: core dump failed: %s", h->name,
            link_present() ? "no memory is left to describe it"
                           : "there is no host tool to write it");
    return false;
}

void host_dump_done(struct host_domain *h)
{
    if (h->dump_bytes != 0) {
        ram_free(h->dump_pa, h->dump_bytes);
        h->dump_bytes = 0;
    }
}

/* ------------------------------------------------------ one that goes on */

/* dump-begin DOMID: answered when none of its vCPUs runs any more. */
int ask_dump_begin(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);
    struct sop_domain_info info;
    uint64_t pa, bytes;

    if (h == NULL) {
        return error;
    }
    if (h->state == HOST_GOING || h->state == HOST_DUMPING) {
        return host_ask_fail(ask, -XEN_EBUSY, "it is being taken down");
    }
    if (h->dumping && h->dump_tag != ask->tag) {
        return host_ask_fail(ask, -XEN_EBUSY, "it is being dumped already");
    }
    if (!h->dumping) {
        error = sop_domain_pause(self, h->sop);
        if (error != 0) {
            return host_ask_fail(ask, error, "it cannot be paused");
        }
        h->dumping = true;
        h->dump_tag = ask->tag;
    }
    sop_domain_info(h->sop, time_now(), &info);
    if ((info.flags & XEN_DOMINF_running) != 0 || !domain_has_stopped(h->x86)) {
        return -XEN_EAGAIN;
    }
    bytes = domain_save_bytes(h->x86, true);
    error = host_window_open(ask, bytes, &pa);
    if (error == 0 && !describe(self, h, pa, bytes)) {
        host_window_close(pa);
        error = host_ask_fail(ask, -XEN_ENOMEM, "its record cannot be mapped");
    }
    if (error != 0) {
        (void)sop_domain_unpause(self, h->sop); /* paused above */
        h->dumping = false;
        return error;
    }
    x86_snprintf(ask->out, sizeof(ask->out), "pa=0x%llx bytes=%llu",
                 (unsigned long long)pa, (unsigned long long)bytes);
    return 0;
}

/* dump-end DOMID */
int ask_dump_end(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);

    if (h == NULL) {
        return error;
    }
    if (!h->dumping) {
        return host_ask_fail(ask, -XEN_EINVAL, "it is not being dumped");
    }
    h->dumping = false;
    error = sop_domain_unpause(self, h->sop);
    return error == 0 ? 0 : host_ask_fail(ask, error, "it was unpaused before");
}
