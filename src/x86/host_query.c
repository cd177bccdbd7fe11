/* SPDX-License-Identifier: MIT */
/*
 * What there is, as rows of key=value words (docs/link.md): of each domain,
 * each vCPU, and the machine.
 */
#include "host.h"

#include <xen/errno.h>

#include "lib/bitmap.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "pools.h"

typedef unsigned long long ull;

static void domain_row(struct host_ask *ask, struct host_domain *h)
{
    struct sop_domain_info info;
    uint64_t now_kib, max_kib;

    sop_domain_info(h->sop, time_now(), &info);
    domain_memory(h->x86, &now_kib, &max_kib);
    link_row(ask->tag,
             "domid=%u name=%s pool=%s flags=0x%x vcpus=%u online=%u "
             "memory_kib=%llu max_kib=%llu "
             "created_ns=%llu ended_ns=%llu cpu_ns=%llu",
             h->domid, h->name, pools_name(info.pool), info.flags,
             info.nr_vcpus, info.nr_online, (ull)now_kib, (ull)max_kib,
             (ull)info.created_ns, (ull)info.ended_ns, (ull)info.cpu_ns);
}

int ask_domains(struct sop_pcpu *self, struct host_ask *ask)
{
    (void)self;
    if (!host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "expected: domains");
    }
    for (struct host_domain *h = host.first; h != NULL; h = h->next) {
        if (h->state != HOST_GOING) {
            domain_row(ask, h);
        }
    }
    return 0;
}

static void vcpu_rows(struct sop_pcpu *self, struct host_ask *ask,
                      struct host_domain *h)
{
    uint64_t now = time_now();
    sop_cpumask_t all = (1ull << x86_nr_pcpus()) - 1;

    for (unsigned n = 0; n < sop_domain_nr_vcpus(h->sop); n++) {
        struct sop_vcpu_info info;

        sop_vcpu_info(self, sop_domain_vcpu(h->sop, n), now, &info);
        link_row(ask->tag,
                 "domid=%u vcpu=%u online=%u blocked=%u running=%u pinned=%u "
                 "pcpu=%u cpu_ns=%llu hard=0x%llx soft=0x%llx",
                 h->domid, n, info.online, info.blocked, info.running,
                 info.pinned, info.pcpu, (ull)info.cpu_ns,
                 (ull)(info.hard & all), (ull)(info.soft & all));
    }
}

/* vcpus [DOMID]: of all domains, or one. */
int ask_vcpus(struct sop_pcpu *self, struct host_ask *ask)
{
    struct host_domain *h;
    int error = 0;

    if (host_ask_end(ask)) {
        for (h = host.first; h != NULL; h = h->next) {
            if (h->state != HOST_GOING) {
                vcpu_rows(self, ask, h);
            }
        }
        return 0;
    }
    h = host_ask_domain(ask, &error);
    if (h == NULL) {
        return error;
    }
    vcpu_rows(self, ask, h);
    return 0;
}

int ask_machine(struct sop_pcpu *self, struct host_ask *ask)
{
    sop_cpumask_t all = (1ull << x86_nr_pcpus()) - 1;
    struct sop_pool_info first = {.sched_id = 0};
    struct topology size = topology_size();

    (void)sop_pool_info(self, 0, &first); /* there is always a first */
    x86_snprintf(ask->out, sizeof(ask->out),
                 "pcpus=%u now_ns=%llu total_kib=%llu free_kib=%llu "
                 "hypervisor_kib=%llu tsc_khz=%llu domains=%u vcpus=%u "
                 "free_pcpus=%u scheduler=%s threads=%u cores=%u topology=",
                 x86_nr_pcpus(), (ull)time_now(), (ull)ram_bytes_total() >> 10,
                 (ull)ram_bytes_free() >> 10, (ull)hv_bytes_used() >> 10,
                 (ull)time_tsc_khz(), x86_nr_domains(), (unsigned)SOP_VCPUS_MAX,
                 bits_count(sop_pool_free_pcpus(self) & all),
                 pools_policy_name(first.sched_id), size.thread, size.core);
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        struct topology t = topology_of(x86_pcpu(i)->apic_id);
        size_t len = strlen(ask->out);

        x86_snprintf(ask->out + len, sizeof(ask->out) - len, "%s%u:%u",
                     i != 0 ? "," : "", t.core, t.socket);
    }
    return 0;
}
