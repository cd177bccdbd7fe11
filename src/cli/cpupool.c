/* SPDX-License-Identifier: MIT */
/* Cpupools of a run: see cpupool.h. */
#include "cpupool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"

#define MAJOR_FRAME_MAX_US UINT64_C(1000000000)

const struct cli_item cli_pool_items[] = {
    {"name", "Name of the pool (default: the file's name without its suffix)."},
    {"sched", "Its scheduler: \"credit2\", \"rtds\", \"null\" or \"arinc653\" "
              "(default: that of Pool-0)."},
    {"cpus", "Its pCPUs, which leave Pool-0: \"2-3\", or a list of numbers. "
             "Without it, the lowest that no other pool has. pCPU 0 stays in "
             "Pool-0."},
    {"major_frame", "schedop's own, for arinc653: microseconds after which "
                    "the windows begin again (default: what they add up to)."},
    {"windows", "schedop's own, for arinc653: a list of \"DOMAIN TIME\" or "
                "\"DOMAIN.VCPU TIME\", at most 64, each the next piece of the "
                "frame, in microseconds."},
    {NULL, NULL},
};

static const char *const schedulers[] = {"credit2", "rtds", "null", "arinc653"};

const char *cli_scheduler(const char *where, const char *name)
{
    for (size_t i = 0; i < sizeof(schedulers) / sizeof(schedulers[0]); i++) {
        if (strcmp(schedulers[i], name) == 0) {
            return schedulers[i];
        }
    }
    cli_error("%s: there is no scheduler %s; there are credit2, rtds, null and "
              "arinc653",
              where, name);
    return NULL;
}

/* ---- reading ---- */

static int read_name(struct config *c, struct cli_pool *p)
{
    const char *slash = strrchr(c->path, '/');
    const char *base = slash != NULL ? slash + 1 : c->path;
    const char *name = NULL;

    if (config_string(c, "name", &name) != 0) {
        return -1;
    }
    p->name = name != NULL ? cli_strdup(name)
                           : cli_format("%.*s", (int)strcspn(base, "."), base);
    p->where = config_where(c, "name");
    if (!cli_domain_name_ok(p->name)) {
        cli_error("%s: name = \"%s\": a name is 1 to %u of A-Z a-z 0-9 _ . -",
                  p->where, p->name, SCHEDOP_NAME_MAX);
        return -1;
    }
    return 0;
}

static int read_sched(struct config *c, struct cli_pool *p)
{
    const char *sched = NULL;
    char *where;

    if (config_string(c, "sched", &sched) != 0) {
        return -1;
    }
    if (sched == NULL) {
        return 0;
    }
    where = config_where(c, "sched");
    p->sched = cli_scheduler(where, sched);
    free(where);
    return p->sched != NULL ? 0 : -1;
}

/* One text, or a list of them, as xl has it. */
static int read_cpus(struct config *c, struct cli_pool *p)
{
    const char *text = NULL;
    XLU_ConfigList *list;
    uint64_t some;
    int count;

    if (cli_keys_line(&c->keys, "nodes") != 0) {
        return config_bad(c, "nodes", "there are no NUMA nodes: do cpus");
    }
    if (cli_keys_line(&c->keys, "cpus") == 0) {
        return 0;
    }
    p->cpus_where = config_where(c, "cpus");
    if (xlu_cfg_get_list(c->xlu, "cpus", &list, &count, 1) != 0) {
        return config_string(c, "cpus", &text) != 0 || text == NULL
                   ? -1
                   : config_cpulist(c, "cpus", text, &p->cpus);
    }
    for (int i = 0; i < count; i++) {
        text = xlu_cfg_get_listitem(list, i);
        if (text == NULL || config_cpulist(c, "cpus", text, &some) != 0) {
            return -1;
        }
        p->cpus |= some;
    }
    return 0;
}

/* "DOMAIN TIME" or "DOMAIN.VCPU TIME". */
static bool parse_window(const char *text, struct cli_window *w)
{
    size_t len = strcspn(text, " \t");
    const char *time = text + len + strspn(text + len, " \t");
    char *name = cli_format("%.*s", (int)len, text);
    char *dot = strrchr(name, '.');
    uint64_t vcpu = 0, us = 0;

    if (dot != NULL && cli_number(dot + 1, CLI_VCPUS_MAX - 1, &vcpu)) {
        *dot = '\0';
    }
    *w = (struct cli_window){name, (unsigned)vcpu, 0};
    if (!cli_domain_name_ok(name) ||
        !cli_number(time, MAJOR_FRAME_MAX_US, &us) || us == 0) {
        return false;
    }
    w->ns = us * 1000;
    return true;
}

static int read_windows(struct config *c, struct cli_pool *p)
{
    uint64_t frame_us = 0, sum = 0;
    XLU_ConfigList *list;
    int count = 0;

    if (config_number(c, "major_frame", 1, MAJOR_FRAME_MAX_US, &frame_us) !=
        0) {
        return -1;
    }
    if (cli_keys_line(&c->keys, "windows") == 0) {
        return frame_us == 0 ? 0
                             : config_bad(c, "major_frame",
                                          "major_frame without windows");
    }
    if (xlu_cfg_get_list(c->xlu, "windows", &list, &count, 1) != 0 ||
        count < 1 || (unsigned)count > SOP_WINDOWS_MAX) {
        return config_bad(c, "windows", "windows is a list of 1 to 64 texts");
    }
    p->window = cli_alloc((size_t)count * sizeof(*p->window));
    for (int i = 0; i < count; i++) {
        const char *text = xlu_cfg_get_listitem(list, i);

        if (text == NULL || !parse_window(text, &p->window[p->nr_windows++])) {
            return config_bad(c, "windows",
                              "a window is \"DOMAIN TIME\" or \"DOMAIN.VCPU "
                              "TIME\", the time in microseconds");
        }
        sum += p->window[i].ns;
    }
    p->frame_ns = frame_us != 0 ? frame_us * 1000 : sum;
    if (p->frame_ns < sum) {
        return config_bad(c, "major_frame",
                          "the windows do not fit into the major frame");
    }
    return 0;
}

static int warn_keys(const struct config *c)
{
    static const char *const known[] = {"name",  "sched",       "cpus",
                                        "nodes", "major_frame", "windows"};

    for (size_t i = 0; i < c->keys.count; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            found |= strcmp(known[k], c->keys.key[i].name) == 0;
        }
        if (!found) {
            cli_warning("%s:%u: unknown key %s of a cpupool is ignored",
                        c->path, c->keys.key[i].line, c->keys.key[i].name);
        }
    }
    return 0;
}

int cli_pool_read(const struct cli_image *file, struct cli_pool *p)
{
    struct config c = {.domain = NULL};
    int rc = config_open(&c, file);

    *p = (struct cli_pool){0};
    if (rc == 0 && (warn_keys(&c) != 0 || read_name(&c, p) != 0 ||
                    read_sched(&c, p) != 0 || read_cpus(&c, p) != 0 ||
                    read_windows(&c, p) != 0)) {
        rc = -1;
    }
    config_close(&c);
    return rc;
}

void cli_pool_free(struct cli_pool *p)
{
    for (size_t i = 0; i < p->nr_windows; i++) {
        free(p->window[i].domain);
    }
    free(p->window);
    free(p->name);
    free(p->where);
    free(p->cpus_where);
    *p = (struct cli_pool){0};
}

/* ---- checking ---- */

static const char *sched_of(const struct cli_pool *p, const char *sched)
{
    return p->sched != NULL ? p->sched : sched;
}

static int check_windows(const struct cli_pool *p, const char *sched)
{
    if (p->nr_windows != 0 && strcmp(sched_of(p, sched), "arinc653") != 0) {
        cli_error("%s: windows are for arinc653; the pool has %s", p->where,
                  sched_of(p, sched));
        return -1;
    }
    return 0;
}

static int check_cpus(const struct cli_pool *p, uint64_t taken, unsigned pcpus)
{
    uint64_t machine = pcpus >= 64 ? UINT64_MAX : (UINT64_C(1) << pcpus) - 1;

    if (p->cpus == 0) {
        return 0;
    }
    if ((p->cpus & 1) != 0) {
        cli_error("%s: pCPU 0 stays in " CLI_POOL_0, p->cpus_where);
        return -1;
    }
    if ((p->cpus & ~machine) != 0) {
        cli_error("%s: this machine has pCPUs 0-%u; do --pcpus N or name "
                  "others",
                  p->cpus_where, pcpus - 1);
        return -1;
    }
    if ((p->cpus & taken) != 0) {
        cli_error("%s: another cpupool has some of these pCPUs", p->cpus_where);
        return -1;
    }
    return 0;
}

static const struct cli_pool *find(const struct cli_pool *pools, size_t count,
                                   const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pools[i].name, name) == 0) {
            return &pools[i];
        }
    }
    return NULL;
}

static int take_any(struct cli_pool *p, uint64_t *taken, unsigned pcpus)
{
    for (unsigned i = 1; i < pcpus && p->cpus == 0; i++) {
        if ((*taken >> i & 1) == 0) {
            p->cpus = UINT64_C(1) << i;
        }
    }
    *taken |= p->cpus;
    if (p->cpus == 0) {
        cli_error("%s: no pCPU is left for cpupool %s; do --pcpus N", p->where,
                  p->name);
        return -1;
    }
    return 0;
}

int cli_pools_check(struct cli_pool *pools, size_t count, const char *sched,
                    unsigned pcpus)
{
    uint64_t taken = 0;

    if (count >= SOP_POOLS_MAX) {
        cli_error("there are at most %u cpupools", SOP_POOLS_MAX);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct cli_pool *p = &pools[i];

        if (strcmp(p->name, CLI_POOL_0) == 0 || find(pools, i, p->name)) {
            cli_error("%s: there is a cpupool %s already", p->where, p->name);
            return -1;
        }
        if (check_windows(p, sched) != 0 || check_cpus(p, taken, pcpus) != 0) {
            return -1;
        }
        taken |= p->cpus;
    }
    for (size_t i = 0; i < count; i++) {
        if (take_any(&pools[i], &taken, pcpus) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- domains in them ---- */

static int check_knobs(const struct cli_domain *d, const char *sched)
{
    for (int i = 0; i < CLI_KNOBS; i++) {
        const char *owner = i <= CLI_KNOB_CAP ? "credit2" : "rtds";

        if (d->knob_where[i] != NULL && strcmp(owner, sched) != 0) {
            cli_error("%s: %s is a knob of %s; cpupool %s has %s",
                      d->knob_where[i], cli_knob_name((enum cli_knob)i), owner,
                      d->pool != NULL ? d->pool : CLI_POOL_0, sched);
            return -1;
        }
    }
    if (d->knob[CLI_KNOB_BUDGET] > d->knob[CLI_KNOB_PERIOD] &&
        d->knob_where[CLI_KNOB_BUDGET] != NULL) {
        cli_error("%s: the budget is more than the period",
                  d->knob_where[CLI_KNOB_BUDGET]);
        return -1;
    }
    return 0;
}

static int check_masks(const struct cli_domain *d, uint64_t cpus)
{
    for (unsigned i = 0; i < d->vcpus; i++) {
        if (d->hard[i] != 0 && (d->hard[i] & cpus) == 0) {
            cli_error("%s: cpus gives vCPU %u no pCPU of cpupool %s",
                      d->affinity_where[0], i,
                      d->pool != NULL ? d->pool : CLI_POOL_0);
            return -1;
        }
    }
    return 0;
}

int cli_pools_suit(const struct cli_pool *pools, size_t count,
                   const char *sched, const struct cli_domain *d)
{
    const struct cli_pool *p = NULL;
    uint64_t others = 0;

    if (d->pool != NULL && strcmp(d->pool, CLI_POOL_0) != 0) {
        p = find(pools, count, d->pool);
        if (p == NULL) {
            cli_error("%s: pool = \"%s\": there is no such cpupool; do "
                      "--cpupool FILE",
                      d->pool_where, d->pool);
            return -1;
        }
        sched = sched_of(p, sched);
    }
    for (size_t i = 0; i < count; i++) {
        others |= pools[i].cpus;
    }
    return check_knobs(d, sched) != 0 ||
                   check_masks(d, p != NULL ? p->cpus : ~others) != 0
               ? -1
               : 0;
}

void cli_pools_words(const struct cli_pool *pools, size_t count,
                     struct cli_text *t)
{
    for (size_t i = 0; i < count; i++) {
        const struct cli_pool *p = &pools[i];

        cli_text_printf(t, " cpupool=%s:%s:%" PRIx64, p->name,
                        p->sched != NULL ? p->sched : "-", p->cpus);
        if (p->nr_windows != 0) {
            cli_text_printf(t, " frame=%s:%" PRIu64, p->name, p->frame_ns);
        }
        for (size_t w = 0; w < p->nr_windows; w++) {
            cli_text_printf(t, " window=%s:%s:%u:%" PRIu64, p->name,
                            p->window[w].domain, p->window[w].vcpu,
                            p->window[w].ns);
        }
    }
}
