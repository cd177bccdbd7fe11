/* SPDX-License-Identifier: MIT */
/*
 * A system: all tables carved out of one arena at start, and never again.
 */
#include "private.h"

#include "../lib/string.h"

#define ARENA_ALIGN 64u

/* Every vCPU's and domain's timers may end up with one pCPU. */
#define TIMERS_PER_VCPU 4u

struct carver {
    uint8_t *base; /* NULL: only measure */
    size_t used;
};

/* Every table starts on a line of its own. */
size_t sop_ports_size(uint32_t nr_ports, unsigned nr_vcpus)
{
    size_t size = evtchn_lay_out(
        NULL, NULL, nr_ports != 0 ? nr_ports : SOP_PORTS_2L, nr_vcpus);

    return (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

/* What does for any domain that does not bring its own. */
static size_t ports_size_any(void)
{
    size_t more = (SOP_PORTS_2L / PORTS_PAGE - 1) * sizeof(struct port_page);

    return sop_ports_size(SOP_PORTS_2L, SOP_VCPUS_MAX) + more;
}

static void *carve(struct carver *c, size_t count, size_t size)
{
    void *at = c->base != NULL ? c->base + c->used : NULL;

    c->used += (count * size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    return at;
}

static uint32_t timer_capacity(const struct sop_config *cfg)
{
    return cfg->nr_vcpus * TIMERS_PER_VCPU + cfg->nr_domains * SOP_WATCHDOGS +
           1u;
}

static bool config_ok(const struct sop_config *cfg)
{
    return cfg->nr_pcpus >= 1 && cfg->nr_pcpus <= SOP_PCPUS_MAX &&
           cfg->nr_domains >= 1 && cfg->nr_domains <= SOP_DOMAINS_MAX &&
           cfg->nr_vcpus >= 1 &&
           cfg->nr_vcpus <= SOP_DOMAINS_MAX * SOP_VCPUS_MAX &&
           cfg->policy != NULL && cfg->nr_pools <= SOP_POOLS_MAX &&
           (cfg->nr_policies == 0 || cfg->policies != NULL);
}

/* Ids are given out in order: so many lists are short ones. */
static uint16_t lists_by_id(const struct sop_config *cfg)
{
    uint16_t lists = 1;

    while (lists < cfg->nr_domains) {
        lists = (uint16_t)(lists * 2);
    }
    return lists;
}

static unsigned pools_of(const struct sop_config *cfg)
{
    return cfg->nr_pools != 0 ? cfg->nr_pools : SOP_POOLS_MAX;
}

/* Lays out, and unless it only measures fills in, all tables. */
static struct sop_system *lay_out(struct carver *c,
                                  const struct sop_config *cfg)
{
    struct sop_system *sys = carve(c, 1, sizeof(*sys));
    struct sop_pcpu *pcpu = carve(c, cfg->nr_pcpus, sizeof(*pcpu));
    struct sop_domain *domain = carve(c, cfg->nr_domains, sizeof(*domain));
    struct sop_vcpu *vcpu = carve(c, cfg->nr_vcpus, sizeof(*vcpu));
    struct sop_pool *pool = carve(c, pools_of(cfg), sizeof(*pool));
    uint16_t lists = lists_by_id(cfg);
    uint16_t *by_id = carve(c, lists, sizeof(*by_id));
    unsigned i;

    if (sys != NULL) {
        sys->pcpu = pcpu;
        sys->domain = domain;
        sys->vcpu = vcpu;
        sys->pool = pool;
        sys->by_id = by_id;
        sys->by_id_mask = (uint16_t)(lists - 1);
    }
    for (i = 0; i < cfg->nr_pcpus; i++) {
        uint32_t capacity = timer_capacity(cfg);
        struct heap_node **nodes = carve(c, capacity, sizeof(*nodes));

        if (sys != NULL) {
            heap_init(&pcpu[i].timers, nodes, capacity);
        }
    }
    for (i = 0; i < cfg->nr_domains && !cfg->own_ports; i++) {
        void *ports = carve(c, 1, ports_size_any());

        if (sys != NULL) {
            domain[i].arena_ports = ports;
        }
    }
    return sys;
}

/* Measured by the same function that carves: they cannot differ. */
size_t sop_system_size(const struct sop_config *cfg)
{
    struct carver c = {.base = NULL};

    if (!config_ok(cfg)) {
        return 0;
    }
    (void)lay_out(&c, cfg);
    return c.used;
}

static bool is_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int sop_runqueue_by_name(const char *name)
{
    static const struct {
        const char *name;
        enum sop_runqueue runqueue;
    } names[] = {
        {"socket", SOP_RUNQUEUE_SOCKET}, {"core", SOP_RUNQUEUE_CORE},
        {"cpu", SOP_RUNQUEUE_CPU},       {"all", SOP_RUNQUEUE_ALL},
        {"node", SOP_RUNQUEUE_ALL},
    };
    unsigned i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is_same(names[i].name, name)) {
            return (int)names[i].runqueue;
        }
    }
    return -1;
}

/* Cores are numbered in their socket. */
static uint16_t group_of(const struct sop_config *cfg,
                         const struct policy_pcpu *p)
{
    switch (cfg->runqueue) {
    case SOP_RUNQUEUE_CORE:
        return (uint16_t)(p->socket << 8 | (p->core & 0xff));
    case SOP_RUNQUEUE_CPU:
        return (uint16_t)p->index;
    case SOP_RUNQUEUE_ALL:
        return 0;
    case SOP_RUNQUEUE_SOCKET:
    default:
        return p->socket;
    }
}

static void pcpu_init(struct sop_system *sys, unsigned index)
{
    struct sop_pcpu *p = &sys->pcpu[index];

    p->sys = sys;
    p->pol.index = index;
    p->pol.core = (uint16_t)index;
    p->pol.group = group_of(&sys->cfg, &p->pol);
    p->armed = SOP_TIME_NEVER;
    timer_init(&p->slice, sched_slice_fire, SOP_TRACE_TIMER_SLICE);
}

/* The policy's own state lives in the tables, zeroed with them. */
struct sop_system *sop_system_init(void *arena, size_t size,
                                   const struct sop_config *cfg)
{
    struct carver c = {.base = arena};
    size_t need = sop_system_size(cfg), cleared;
    struct sop_system *sys;
    unsigned i;

    if (need == 0 || size < need) {
        return NULL;
    }
    cleared = need;
    ASSERT(((uintptr_t)arena & (ARENA_ALIGN - 1)) == 0);
    if (!cfg->own_ports) {
        /* Port records are zeroed as tables grow: leave those pages alone. */
        cleared -= cfg->nr_domains * ports_size_any();
    }
    memset(arena, 0, cleared);
    sys = lay_out(&c, cfg);
    ASSERT(c.used == need);
    sys->cfg = *cfg;
    sys->cfg.nr_pools = pools_of(cfg);
    vtime_record(cfg, &sys->time_record);
    list_init(&sys->changed);
    for (i = 0; i < cfg->nr_pcpus; i++) {
        pcpu_init(sys, i);
    }
    pool_init(sys, &sys->pool[0], 0, cfg->policy);
    return sys;
}

/* ---- pCPUs ---- */

struct sop_pcpu *sop_pcpu(struct sop_system *sys, unsigned index)
{
    return index < sys->cfg.nr_pcpus ? &sys->pcpu[index] : NULL;
}

unsigned sop_pcpu_index(const struct sop_pcpu *p)
{
    return p->pol.index;
}

struct sop_system *sop_pcpu_system(const struct sop_pcpu *p)
{
    return p->sys;
}

void sop_pcpu_set_topology(struct sop_pcpu *p, uint16_t core, uint16_t socket)
{
    ASSERT(!p->online);
    p->pol.core = core;
    p->pol.socket = socket;
    p->pol.group = group_of(&p->sys->cfg, &p->pol);
}

void sop_pcpu_set_port(struct sop_pcpu *p, void *port)
{
    p->port = port;
}
