/* SPDX-License-Identifier: MIT */
/*
 * warden: a hardware domain. It pins itself to a pCPU and undoes it, ends one
 * domain by remote_shutdown, watches all others through VIRQ_DOM_EXC until
 * they have ended, and then powers the machine off.
 *
 * Command line: domains=N, watch domains 1 to N (default 0); victim=DOMID, the
 * one to end (default none); pcpu=N, where to pin (default 0).
 */
#include <schedop/kit.h>
#include <xen/domctl.h>

#define MS UINT64_C(1000000)
#define DOMAINS_MAX 32u

enum state { UNSEEN, ALIVE, ENDED };

static enum state states[DOMAINS_MAX + 1];
static uint32_t domains, ended;
static volatile uint32_t changes; /* VIRQ_DOM_EXC taken */

/*
 * Flags of domain `domid`, XEN_DOMINF_*. Xen describes the next higher domain
 * if there is none of that number: that too is -XEN_ESRCH here.
 */
static int flags_of(domid_t domid, uint32_t *flags)
{
    static xen_domctl_t op;
    intptr_t rc;

    memset(&op, 0, sizeof(op));
    op.cmd = XEN_DOMCTL_getdomaininfo;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = domid;
    rc = schedop_hypercall3(__HYPERVISOR_domctl, (uintptr_t)&op, 0, 0);
    *flags = op.u.getdomaininfo.flags;
    if (rc == 0 && op.u.getdomaininfo.domain != domid) {
        return -XEN_ESRCH;
    }
    return (int)rc;
}

static void note_end(uint32_t domid, const char *reason)
{
    kit_printf("domain %u has ended: %s\n", domid, reason);
    states[domid] = ENDED;
    ended++;
}

static void look_at(uint32_t domid)
{
    uint32_t flags;
    int rc = flags_of((domid_t)domid, &flags);
    uint32_t code = flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;

    if (rc == -XEN_ESRCH) {
        if (states[domid] == ALIVE) {
            note_end(domid, "it is gone already");
        }
        return;
    }
    if (rc != 0) {
        kit_panic("domain %u: %s", domid, schedop_error_text(rc));
    }
    states[domid] = ALIVE;
    /* One that is suspended is on its way to being resumed. */
    if ((flags & XEN_DOMINF_shutdown) && code != SHUTDOWN_suspend) {
        note_end(domid, schedop_reason_name(code));
    }
}

static void on_change(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    changes++;
}

static bool has_changed(void *context)
{
    return changes != *(const uint32_t *)context;
}

/* The VIRQ says that something changed, not what: look at everybody. */
static void watch(void)
{
    for (;;) {
        uint32_t before = changes;

        for (uint32_t domid = 1; domid <= domains; domid++) {
            if (states[domid] != ENDED) {
                look_at(domid);
            }
        }
        if (ended == domains) {
            return;
        }
        kit_wait(has_changed, &before);
    }
}

static void try_pin(int32_t pcpu)
{
    int rc = schedop_pin(pcpu);

    kit_printf("pinned to pCPU %d: %s", pcpu, schedop_error_name(rc));
    kit_printf(", again: %s", schedop_error_name(schedop_pin(pcpu)));
    kit_printf(", undone: %s\n", schedop_error_name(schedop_unpin()));
}

static void end_victim(domid_t victim)
{
    int rc = schedop_remote_shutdown(victim, SHUTDOWN_poweroff);

    kit_printf("ended domain %u by remote_shutdown: %s\n", victim,
               schedop_error_name(rc));
}

int main(void)
{
    domid_t victim = (domid_t)kit_arg_u64("victim", 0);
    evtchn_port_t port;
    int rc = schedop_evtchn_bind_virq(VIRQ_DOM_EXC, 0, &port);

    if (rc != 0) {
        kit_printf("bind VIRQ_DOM_EXC: %s\n", schedop_error_text(rc));
        return rc;
    }
    kit_on_event(port, on_change, NULL);
    domains = (uint32_t)kit_arg_u64("domains", 0);
    if (domains > DOMAINS_MAX) {
        kit_printf("can watch at most %u domains\n", DOMAINS_MAX);
        return 1;
    }
    try_pin((int32_t)kit_arg_u64("pcpu", 0));
    if (victim != 0) {
        kit_sleep_ns(500 * MS); /* let it speak first */
        end_victim(victim);
    }
    watch();
    kit_printf("all %u others have ended: powering off\n", domains);
    return 0;
}
