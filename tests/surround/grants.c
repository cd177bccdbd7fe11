/* SPDX-License-Identifier: MIT */
/* grant_table_op, as far as guests without back ends get: see main.c. */
#include "surround.h"

static int64_t grant(unsigned command, const void *op, uint64_t count)
{
    return call(__HYPERVISOR_grant_table_op, command, at(op), count);
}

static void table(void)
{
    static const uint16_t domids[] = {DOMID_SELF, 0, 999};
    static uint64_t frames[128];
    struct gnttab_setup_table s = {.dom = DOMID_SELF};
    struct gnttab_query_size q = {.dom = DOMID_SELF};

    for (unsigned i = 0; i < 3; i++) {
        q.dom = domids[i];
        q.nr_frames = 0;
        tell_n(grant(GNTTABOP_query_size, &q, 1), "query_size", domids[i]);
        say("status %d, frames %u of %u\n", q.status, i == 0 ? q.nr_frames : 0,
            i == 0 ? q.max_nr_frames : 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t nr[] = {0, 1, 4, 64, 65, 128};

        for (unsigned n = 0; n < 6; n++) {
            s.dom = domids[i];
            s.nr_frames = nr[n];
            s.status = 77;
            set_xen_guest_handle(s.frame_list, frames);
            tell_n(grant(GNTTABOP_setup_table, &s, 1),
                   i == 0   ? "setup_table"
                   : i == 1 ? "of domain 0"
                            : "of nobody",
                   nr[n]);
            say("status %d\n", s.status);
        }
    }
    s.dom = DOMID_SELF;
    s.nr_frames = 1;
    set_xen_guest_handle(s.frame_list, (uint64_t *)(uintptr_t)NOWHERE);
    tell(grant(GNTTABOP_setup_table, &s, 1), "setup_table to nowhere");
    say("status %d\n", s.status);
    tell(grant(GNTTABOP_setup_table, &s, 2), "setup_table, 2 of them");
    tell(grant(GNTTABOP_setup_table, &s, 0), "setup_table, 0 of them");
    tell(grant(GNTTABOP_query_size, &q, 2), "query_size, 2 of them");
    tell(grant(GNTTABOP_query_size, &q, 0), "query_size, 0 of them");
    q.dom = DOMID_SELF;
    tell(grant(GNTTABOP_query_size, &q, 1), "query_size");
    say("status %d, frames %u of %u\n", q.status, q.nr_frames, q.max_nr_frames);
}

static void version(void)
{
    struct gnttab_set_version s = {.version = 0};
    struct gnttab_get_version g = {.dom = DOMID_SELF};

    for (unsigned v = 0; v <= 3; v++) {
        if (v != 2) { /* Xen has it, we do not: CAVEATS.md */
            s.version = v;
            tell_n(grant(GNTTABOP_set_version, &s, 1), "set_version", v);
            say("version %u\n", s.version);
        }
    }
    tell(grant(GNTTABOP_set_version, &s, 2), "set_version, 2 of them");
    tell(grant(GNTTABOP_get_version, &g, 1), "get_version");
    say("version %u\n", g.version);
    g.dom = 0;
    tell(grant(GNTTABOP_get_version, &g, 1), "get_version of domain 0");
    g.dom = 999;
    tell(grant(GNTTABOP_get_version, &g, 1), "get_version of nobody");
}

static void others_grants(void)
{
    static struct gnttab_map_grant_ref m[2];
    static struct gnttab_unmap_grant_ref u[2];
    static struct gnttab_copy c[2];
    struct gnttab_swap_grant_ref w = {.ref_a = 9, .ref_b = 10};

    for (unsigned i = 0; i < 2; i++) {
        m[i] = (struct gnttab_map_grant_ref){
            .flags = GNTMAP_host_map, .ref = 8, .dom = i == 0 ? 0 : 999};
        u[i] = (struct gnttab_unmap_grant_ref){.handle = 12345};
        c[i].source.domid = i == 0 ? 0 : 999;
        c[i].source.u.ref = 8;
        c[i].dest.domid = DOMID_SELF;
        c[i].dest.u.gmfn = 0x1900;
        c[i].len = 16;
        c[i].flags = GNTCOPY_source_gref;
    }
    tell(grant(GNTTABOP_map_grant_ref, m, 2), "map_grant_ref");
    say("status %d %d\n", m[0].status, m[1].status);
    tell(grant(GNTTABOP_unmap_grant_ref, u, 1), "unmap_grant_ref");
    say("status %d\n", u[0].status);
    tell(grant(GNTTABOP_copy, c, 2), "copy");
    say("status %d %d\n", c[0].status, c[1].status);
    tell(grant(GNTTABOP_swap_grant_ref, &w, 1), "swap_grant_ref");
    say("status %d\n", w.status);
    w.ref_a = 1u << 30;
    tell(grant(GNTTABOP_swap_grant_ref, &w, 1), "swap_grant_ref of none");
    say("status %d\n", w.status);
}

void grants(void)
{
    table();
    version();
    others_grants();
    for (unsigned op = 0; op <= 14; op++) {
        const void *bad = (const void *)(uintptr_t)NOWHERE;

        tell_n(grant(op, bad, 1), "grant_table_op nowhere", op);
        tell_n(grant(op, bad, 0), "grant_table_op of none", op);
        tell_n(grant(op, bad, UINT32_MAX), "grant_table_op of -1", op);
    }
}
