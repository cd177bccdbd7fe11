/* SPDX-License-Identifier: MIT */
/*
 * Demands of single scenarios about who ran when, judged at the end of a run
 * in the fixed order from the list of all intervals.
 */
#include <string.h>

#include "explore_world.h"
#include "invariant.h"

/* The part [from, to) of a run, in system time. */
struct window {
    uint64_t from, to;
};

static struct window window_of(const struct ex_expect *e, unsigned first)
{
    struct window w = {EX_START_NS, ex_world.now};

    if (e->nr_args > first) {
        w.from = EX_START_NS + e->arg[first];
    }
    if (e->nr_args > first + 1) {
        w.to = EX_START_NS + e->arg[first + 1];
    }
    return w;
}

/* Time run by a vCPU, or by all of a domain if `vcpu` is negative. */
static uint64_t service(unsigned domain, int vcpu, struct window w)
{
    unsigned i, n;
    const struct ex_interval *list = invariant_intervals(&n);
    uint64_t sum = 0;

    for (i = 0; i < n; i++) {
        uint64_t from = list[i].from > w.from ? list[i].from : w.from;
        uint64_t to = list[i].to < w.to ? list[i].to : w.to;

        if (list[i].domain == domain && from < to &&
            (vcpu < 0 || list[i].vcpu == (unsigned)vcpu)) {
            sum += to - from;
        }
    }
    return sum;
}

static void broken(const struct ex_expect *e, const char *who, uint64_t have,
                   uint64_t low, uint64_t high)
{
    ex_fail(e->kind->invariant,
            "line %u: %s: %llu us, which is not in %llu..%llu us", e->line, who,
            (unsigned long long)have / 1000, (unsigned long long)low / 1000,
            (unsigned long long)high / 1000);
}

static const char *vcpu_name(uint64_t arg)
{
    static char text[24];

    (void)snprintf(text, sizeof(text), "vCPU %u.%u", (unsigned)(arg >> 8),
                   (unsigned)(arg & 0xff));
    return text;
}

/* share D LOW HIGH [FROM TO]: per cent of one pCPU. */
static void check_share(const struct ex_expect *e)
{
    struct window w = window_of(e, 3);
    uint64_t have = service((unsigned)e->arg[0], -1, w);
    uint64_t low = (w.to - w.from) / 100 * e->arg[1];
    uint64_t high = (w.to - w.from) / 100 * e->arg[2];
    char who[24];

    (void)snprintf(who, sizeof(who), "domain %u", (unsigned)e->arg[0]);
    if (have < low || have > high) {
        broken(e, who, have, low, high);
    }
}

/* ran V LOW HIGH [FROM TO]: times. */
static void check_ran(const struct ex_expect *e)
{
    uint64_t have = service((unsigned)(e->arg[0] >> 8), (int)(e->arg[0] & 0xff),
                            window_of(e, 3));

    if (have < e->arg[1] || have > e->arg[2]) {
        broken(e, vcpu_name(e->arg[0]), have, e->arg[1], e->arg[2]);
    }
}

/* each V LOW HIGH PERIOD [FROM TO]: in every one of the periods. */
static void check_each(const struct ex_expect *e)
{
    struct window all = window_of(e, 4), w;

    for (w.from = all.from; w.from + e->arg[3] <= all.to; w.from = w.to) {
        uint64_t have;

        w.to = w.from + e->arg[3];
        have = service((unsigned)(e->arg[0] >> 8), (int)(e->arg[0] & 0xff), w);
        if (have < e->arg[1] || have > e->arg[2]) {
            ex_fail(e->kind->invariant,
                    "line %u: %s ran %llu us in the period from %llu us",
                    e->line, vcpu_name(e->arg[0]),
                    (unsigned long long)have / 1000,
                    (unsigned long long)(w.from - EX_START_NS) / 1000);
            return;
        }
    }
}

static bool is_of(const struct ex_interval *i, const struct ex_expect *e)
{
    return i->domain == e->arg[0] >> 8 && i->vcpu == (e->arg[0] & 0xff);
}

/* gap V MOST [FROM TO]: never longer than that without running. */
static void check_gap(const struct ex_expect *e)
{
    struct window w = window_of(e, 2);
    unsigned i, n;
    const struct ex_interval *list = invariant_intervals(&n);
    uint64_t last = w.from, most = 0;

    for (i = 0; i < n; i++) {
        if (is_of(&list[i], e) && list[i].to > w.from && list[i].from < w.to) {
            if (list[i].from > last && list[i].from - last > most) {
                most = list[i].from - last;
            }
            last = list[i].to > last ? list[i].to : last;
        }
    }
    if (w.to > last && w.to - last > most) {
        most = w.to - last;
    }
    if (most > e->arg[1]) {
        broken(e, vcpu_name(e->arg[0]), most, 0, e->arg[1]);
    }
}

/* slice V LEAST MOST [FROM TO]: each time it runs; the ends do not count. */
static void check_slice(const struct ex_expect *e)
{
    struct window w = window_of(e, 3);
    unsigned i, n;
    const struct ex_interval *list = invariant_intervals(&n);

    for (i = 0; i < n; i++) {
        uint64_t len = list[i].to - list[i].from;

        if (is_of(&list[i], e) && list[i].from > w.from && list[i].to < w.to &&
            (len < e->arg[1] || len > e->arg[2])) {
            broken(e, vcpu_name(e->arg[0]), len, e->arg[1], e->arg[2]);
            return;
        }
    }
}

/*
 * frame V OFFSET LENGTH FRAME LATE [FROM TO]: runs in that window of each
 * frame and at no other time, to the ns but for timers that are that late.
 */
static void check_frame(const struct ex_expect *e)
{
    struct window all = window_of(e, 5), w;
    unsigned domain = (unsigned)(e->arg[0] >> 8);
    int vcpu = (int)(e->arg[0] & 0xff);
    uint64_t start = all.from + e->arg[1], inside = 0, late = e->arg[4];
    uint64_t total;

    for (; start + e->arg[2] + late <= all.to; start += e->arg[3]) {
        uint64_t have;

        w.from = start;
        w.to = start + e->arg[2] + late;
        have = service(domain, vcpu, w);
        inside += have;
        if (have + late < e->arg[2] || have > e->arg[2] + late) {
            ex_fail(e->kind->invariant,
                    "line %u: %s ran %llu ns of its window at %llu ns", e->line,
                    vcpu_name(e->arg[0]), (unsigned long long)have,
                    (unsigned long long)(start - EX_START_NS));
            return;
        }
    }
    all.to = start - e->arg[1];
    total = service(domain, vcpu, all);
    if (total != inside) {
        ex_fail(e->kind->invariant,
                "line %u: %s ran %llu ns outside of its windows", e->line,
                vcpu_name(e->arg[0]), (unsigned long long)(total - inside));
    }
}

const struct ex_expect_kind ex_expect_kinds[] = {
    {"share", "dnn?tt", "share", check_share},
    {"cap", "dnn?tt", "caps", check_share},
    {"ran", "vtt?tt", "share", check_ran},
    {"budget", "vttt?tt", "budget", check_each},
    {"gap", "vt?tt", "starvation", check_gap},
    {"slice", "vtt?tt", "slice", check_slice},
    {"frame", "vtttt?tt", "frame", check_frame},
    {NULL, NULL, NULL, NULL},
};
