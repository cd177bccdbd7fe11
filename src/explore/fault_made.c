/* SPDX-License-Identifier: MIT */
/*
 * Scenarios made from seeds: a few domains whose guests do a bit of
 * everything while a controller pauses, moves, caps and destroys them and
 * takes pCPUs away. All lines of scripts have a number; a seed always makes
 * the same ones, so that any part of them can be left out to shorten what
 * fails.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/prng.h"
#include "fault.h"

#define TEXT_MAX 32768u

struct maker {
    struct prng p;
    const bool *keep;   /* by number; NULL all */
    const char *policy; /* of the first pool; NULL any */
    unsigned lines;     /* numbered so far */
    size_t len;
    char *text;
    unsigned pcpus, domains, vcpus[EX_DOMAINS];
    unsigned domain, vcpu; /* whose script it is */
    bool pools;
    bool frames[2]; /* the pool has time partitions */
    char frame[640];
};

static unsigned draw(struct maker *m, unsigned below)
{
    return (unsigned)(prng_next(&m->p) % below);
}

static void put(struct maker *m, const char *format, va_list ap)
{
    int n = vsnprintf(m->text + m->len, TEXT_MAX - m->len, format, ap);

    m->len += n > 0 ? (size_t)n : 0;
    if (m->len + 2 >= TEXT_MAX) {
        abort();
    }
    m->text[m->len++] = '\n';
    m->text[m->len] = '\0';
}

/* A line that is always there. */
__attribute__((format(printf, 2, 3))) static void say(struct maker *m,
                                                      const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put(m, format, ap);
    va_end(ap);
}

/* One that may be left out. */
__attribute__((format(printf, 2, 3))) static void line(struct maker *m,
                                                       const char *format, ...)
{
    va_list ap;

    if (m->lines >= FAULT_LINES_MAX) {
        return;
    }
    if (m->keep == NULL || m->keep[m->lines]) {
        va_start(ap, format);
        put(m, format, ap);
        va_end(ap);
    }
    m->lines++;
}

/* ---- the machine ---- */

static void make_machine(struct maker *m)
{
    static const char *const policy[] = {"credit2", "credit2", "rtds",
                                         "arinc653", "null"};
    const char *drawn = policy[draw(m, 5)], *second = policy[draw(m, 4)];
    const char *first = m->policy != NULL ? m->policy : drawn;
    bool null = strcmp(first, "null") == 0;
    unsigned i;

    m->pcpus = 2 + draw(m, 3);
    m->domains = 2 + draw(m, 2);
    m->pools = !null && m->pcpus > 2 && draw(m, 2) == 0;
    if (null) {
        m->pcpus = 4; /* or some get none, and cannot bind their ports */
        m->domains = 2;
    }
    say(m, "pcpus %u", m->pcpus);
    say(m, "policy %s", first);
    say(m, "early %u", draw(m, 2) * draw(m, 8));
    say(m, "late %uus", draw(m, 2) * draw(m, 300));
    say(m, "seed %u", draw(m, 1000));
    say(m, "time 150ms");
    if (m->pools) {
        say(m, "pool 1 %s %u", second, m->pcpus - 1);
    }
    m->frames[0] = strcmp(first, "arinc653") == 0;
    m->frames[1] = m->pools && strcmp(second, "arinc653") == 0;
    for (i = 1; i <= m->domains; i++) {
        m->vcpus[i] = null ? 2 : 1 + draw(m, 3);
        say(m, "domain %u vcpus %u weight %u cap %u", i, m->vcpus[i],
            64u << draw(m, 4), draw(m, 4) == 0 ? 20 + draw(m, 100) : 0);
    }
}

/* A window for each vCPU, in an order by chance, and a bit nobody has. */
static const char *some_frame(struct maker *m, unsigned pool)
{
    size_t len = 0, size = sizeof(m->frame);
    unsigned d, v, i, n = 0, sum = 0, shift = draw(m, EX_DOMAINS);
    char windows[sizeof(m->frame) / 2] = "";

    for (i = 0; i < m->domains; i++) {
        d = 1 + (i + shift) % m->domains;
        for (v = 0; v < m->vcpus[d]; v++, n++) {
            unsigned us = 100 + draw(m, 1900);

            sum += us;
            len += (size_t)snprintf(windows + len, sizeof(windows) - len,
                                    " %u.%u %uus", d, v, us);
        }
    }
    (void)snprintf(m->frame, size, "frame %u %uus %u%s", pool,
                   sum + draw(m, 2) * draw(m, 1000), n, windows);
    return m->frame;
}

static void make_frames(struct maker *m)
{
    unsigned pool;

    for (pool = 0; pool < 2; pool++) {
        if (m->frames[pool]) {
            say(m, "%s", some_frame(m, pool));
        }
    }
}

static void make_ports(struct maker *m)
{
    unsigned d, v;

    for (d = 1; d <= m->domains; d++) {
        for (v = 0; v < m->vcpus[d]; v++) {
            say(m, "port p%u%u %u.%u", d, v, d, v);
        }
        say(m, "port x%u %u.0 from %u", d, d, d % m->domains + 1);
    }
}

/* ---- guests ---- */

static const char *some_time(struct maker *m)
{
    static const char *const times[] = {"1us",   "30us", "100us", "400us",
                                        "900us", "2ms",  "5ms",   "11ms"};

    return times[draw(m, 8)];
}

static void make_event(struct maker *m)
{
    unsigned d = m->domain, v = draw(m, m->vcpus[d]);

    switch (draw(m, 6)) {
    case 0:
        line(m, "poll %s p%u%u -> any", some_time(m), d, v);
        break;
    case 1:
        line(m, "poll %s x%u p%u%u -> any", some_time(m), d, d, v);
        break;
    case 2:
        /* The other end of it is there. */
        line(m, "send x%u -> any", (d + m->domains - 2) % m->domains + 1);
        break;
    case 3:
        line(m, "clear p%u%u -> any", d, v);
        break;
    default:
        line(m, "send p%u%u -> any", d, v);
        break;
    }
}

static void make_rare(struct maker *m)
{
    switch (draw(m, 5)) {
    case 0:
        line(m, "watchdog 0 1 -> any");
        break;
    case 1:
        if (m->vcpu != 0) {
            line(m, "down -> any");
        }
        break;
    case 2:
        line(m, "up %u -> any", draw(m, m->vcpus[m->domain]));
        break;
    case 3:
        line(m, "timer %s", some_time(m));
        break;
    default:
        line(m, "shutdown-code %u -> any", draw(m, 5));
        break;
    }
}

static void make_guest(struct maker *m)
{
    unsigned i, n = 4 + draw(m, 9);

    say(m, "vcpu %u.%u", m->domain, m->vcpu);
    for (i = 0; i < n; i++) {
        unsigned what = draw(m, 16);

        if (what < 5) {
            line(m, "run %s", some_time(m));
        } else if (what < 7) {
            line(m, "yield");
        } else if (what < 9) {
            line(m, "sleep %s", some_time(m));
        } else if (what < 14) {
            make_event(m);
        } else {
            make_rare(m);
        }
    }
}

/* ---- the controller ---- */

static void make_pcpu_change(struct maker *m)
{
    unsigned k = 1 + draw(m, m->pcpus - 1);

    switch (draw(m, 4)) {
    case 0:
        line(m, "cpu-off %u -> any", k);
        line(m, "at %ums", draw(m, 60));
        line(m, "cpu-on %u -> any", k);
        break;
    case 1:
        line(m, "pool-remove 0 %u -> any", k);
        line(m, "pool-add %u %u -> any", m->pools ? draw(m, 2) : 0, k);
        break;
    case 2:
        line(m, "pool-remove %u %u -> any", m->pools ? 1u : 0u, k);
        line(m, "pool-add 0 %u -> any", k);
        break;
    default:
        line(m, "pool-move %u %u -> any", m->pools ? draw(m, 2) : 0,
             1 + draw(m, m->domains));
        break;
    }
}

static void make_domain_change(struct maker *m)
{
    unsigned d = 1 + draw(m, m->domains);

    switch (draw(m, m->frames[0] || m->frames[1] ? 8 : 7)) {
    case 7:
        line(m, "%s -> any", some_frame(m, m->frames[0] ? 0 : 1));
        break;
    case 0:
        line(m, "pause %u -> any", d);
        line(m, "unpause %u -> any", d);
        break;
    case 1:
        line(m, "shutdown %u %u -> any", d, draw(m, 3));
        line(m, "resume %u -> any", d);
        break;
    case 2:
        line(m, "affinity %u.%u %u-%u -> any", d, draw(m, m->vcpus[d]),
             draw(m, m->pcpus), m->pcpus - 1);
        break;
    case 3:
        line(m, "weight %u %u %u -> any", d, 1 + draw(m, 1000),
             draw(m, 2) * (10 + draw(m, 150)));
        break;
    case 4:
        line(m, "rtds %u.%u %ums %ums %u -> any", d, draw(m, m->vcpus[d]),
             2 + draw(m, 9), 1 + draw(m, 2), draw(m, 2));
        break;
    case 5:
        line(m, "kick %u.%u -> any", d, draw(m, m->vcpus[d]));
        break;
    default:
        line(m, "destroy %u -> any", d);
        line(m, "create %u -> any", d);
        line(m, "unpause %u -> any", d);
        break;
    }
}

static void make_controller(struct maker *m)
{
    unsigned i, n = 3 + draw(m, 8);

    say(m, "control %u", draw(m, m->pcpus));
    for (i = 0; i < n; i++) {
        if (draw(m, 2) == 0) {
            line(m, "at %uus", draw(m, 40000));
        }
        if (draw(m, 2) == 0) {
            make_pcpu_change(m);
        } else {
            make_domain_change(m);
        }
    }
}

char *fault_make(uint64_t seed, const char *policy, const bool *keep,
                 unsigned *lines)
{
    struct maker m = {.p = {.state = seed * 0x2545f4914f6cdd1du},
                      .keep = keep,
                      .policy = policy};

    m.text = malloc(TEXT_MAX);
    if (m.text == NULL) {
        abort();
    }
    m.text[0] = '\0';
    make_machine(&m);
    make_frames(&m);
    make_ports(&m);
    for (m.domain = 1; m.domain <= m.domains; m.domain++) {
        for (m.vcpu = 0; m.vcpu < m.vcpus[m.domain]; m.vcpu++) {
            make_guest(&m);
        }
    }
    make_controller(&m);
    *lines = m.lines;
    return m.text;
}
