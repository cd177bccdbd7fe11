/* SPDX-License-Identifier: MIT */
/*
 * A built domain, for those who run it (virt.h): what it is, whether it stands
 * still, and how it is taken down. builder.c makes it.
 */
#include "domain.h"

void domain_release(struct x86_domain *d)
{
    if (d->sop) {
        sop_domain_free(d->sop);
    }
    for (unsigned i = 0; i < d->nr_mapped; i++) {
        frame_unmap(d->mapped[i].va);
    }
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        vcpu_free(d->vcpu[i]);
        hv_free(d->vcpu[i], sizeof(*d->vcpu[i]));
    }
    grant_free(d);
    p2m_free(d);
    hv_free(d->shared_info, PAGE_SIZE);
    hv_free(d->console, PAGE_SIZE);
    hv_free(d->xenstore, PAGE_SIZE);
    hv_free(d->acpi, PAGE_SIZE);
    hv_free(d->ports, d->ports_bytes);
    if (d->free_map) {
        hv_free(d->free_map, (d->frames_max + 63) / 64 * 8);
    }
    for (unsigned i = 0; i < d->nr_chunks; i++) {
        ram_free(d->chunk[i].pa, d->chunk[i].bytes);
    }
    hv_free(d, sizeof(*d));
}

const struct domain_spec *domain_spec(const struct x86_domain *d)
{
    return d->spec;
}

struct sop_domain *domain_sop(const struct x86_domain *d)
{
    return d->sop;
}

bool domain_has_stopped(const struct x86_domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        if (__atomic_load_n(&d->vcpu[i]->on_pcpu, __ATOMIC_ACQUIRE) !=
            PCPU_NONE) {
            return false;
        }
    }
    return true;
}

void domain_set_result(struct x86_domain *d, unsigned n, uint64_t value)
{
    struct x86_vcpu *v = d->vcpu[n];

    while (__atomic_load_n(&v->on_pcpu, __ATOMIC_ACQUIRE) != PCPU_NONE &&
           v->on_pcpu != x86_self()->index) {
        pause(); /* on its way out: its domain is shut down */
    }
    v->vmcb->rax = value;
}

void *domain_console_page(const struct x86_domain *d)
{
    return d->console;
}

uint32_t domain_console_port(const struct x86_domain *d)
{
    return d->console_port;
}

void *domain_xenstore_page(const struct x86_domain *d)
{
    return d->xenstore;
}

uint32_t domain_xenstore_port(const struct x86_domain *d)
{
    return d->xenstore_port;
}
