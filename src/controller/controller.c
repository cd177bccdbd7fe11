/* SPDX-License-Identifier: MIT */
#include "controller.h"

#include <stdint.h>

#include <xen/sched.h>

#include "lib/fmt.h"

const struct controller_policy controller_default_policy = {
    .on_poweroff = CONTROLLER_DESTROY,
    .on_reboot = CONTROLLER_RESTART,
    .on_crash = CONTROLLER_DESTROY,
    .on_watchdog = CONTROLLER_DESTROY,
    .on_soft_reset = CONTROLLER_SOFT_RESET,
    .on_suspend = CONTROLLER_CHECKPOINT,
};

const char *controller_action_name(enum controller_action action)
{
    switch (action) {
    case CONTROLLER_DESTROY:
        return "destroy";
    case CONTROLLER_RESTART:
        return "restart";
    case CONTROLLER_RENAME_RESTART:
        return "rename-restart";
    case CONTROLLER_PRESERVE:
        return "preserve";
    case CONTROLLER_SOFT_RESET:
        return "soft-reset";
    case CONTROLLER_CHECKPOINT:
    case CONTROLLER_RESUME:
        return "resume";
    case CONTROLLER_COREDUMP_DESTROY:
        return "coredump-destroy";
    case CONTROLLER_COREDUMP_RESTART:
        return "coredump-restart";
    }
    return "destroy";
}

const char *controller_reason_name(uint8_t code)
{
    static const char *const names[] = {
        [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
        [SHUTDOWN_suspend] = "suspend",   [SHUTDOWN_crash] = "crash",
        [SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft_reset",
    };

    return code < sizeof(names) / sizeof(names[0]) ? names[code] : NULL;
}

/* The configured action; *note when there is something to say about it. */
static enum controller_action configured(const struct controller_policy *policy,
                                         uint8_t code, const char **note)
{
    switch (code) {
    case SHUTDOWN_poweroff:
        return policy->on_poweroff;
    case SHUTDOWN_reboot:
        return policy->on_reboot;
    case SHUTDOWN_suspend:
        return policy->on_suspend;
    case SHUTDOWN_crash:
        return policy->on_crash;
    case SHUTDOWN_watchdog:
        return policy->on_watchdog;
    case SHUTDOWN_soft_reset:
        return policy->on_soft_reset;
    default:
        *note = "unknown shutdown reason: destroying the domain";
        return CONTROLLER_DESTROY;
    }
}

/* Counts a restart; false when there were too many. */
static bool restart_allowed(const struct controller_policy *policy,
                            struct controller_life *life, uint64_t lived_ns)
{
    if (policy->paced || lived_ns >= CONTROLLER_LIFE_NS) {
        life->short_ones = 0;
    } else if (life->short_ones >= CONTROLLER_RESTARTS_MAX) {
        return false;
    } else {
        life->short_ones++;
    }
    life->restarts++;
    return true;
}

/* Only what suspended can go on where it was. */
static bool possible(enum controller_action action, uint8_t code)
{
    switch (action) {
    case CONTROLLER_CHECKPOINT:
    case CONTROLLER_RESUME:
        return code == SHUTDOWN_suspend;
    case CONTROLLER_DESTROY:
    case CONTROLLER_RESTART:
    case CONTROLLER_RENAME_RESTART:
    case CONTROLLER_PRESERVE:
    case CONTROLLER_COREDUMP_DESTROY:
    case CONTROLLER_COREDUMP_RESTART:
        return true;
    case CONTROLLER_SOFT_RESET:
        break;
    }
    return false;
}

static bool restarts(enum controller_action action)
{
    return action == CONTROLLER_RESTART ||
           action == CONTROLLER_RENAME_RESTART ||
           action == CONTROLLER_COREDUMP_RESTART;
}

/* What the action makes of the domain that ended. */
static void spell_out(struct controller_verdict *v)
{
    switch (v->action) {
    case CONTROLLER_COREDUMP_DESTROY:
    case CONTROLLER_COREDUMP_RESTART:
        v->dump = true;
        v->destroy = true;
        break;
    case CONTROLLER_DESTROY:
    case CONTROLLER_RESTART:
        v->destroy = true;
        break;
    case CONTROLLER_RENAME_RESTART:
        v->rename = true;
        break;
    case CONTROLLER_CHECKPOINT:
    case CONTROLLER_RESUME:
        v->resume = true;
        break;
    case CONTROLLER_PRESERVE:
    case CONTROLLER_SOFT_RESET:
        break;
    }
}

struct controller_verdict
controller_decide(const struct controller_policy *policy,
                  struct controller_life *life,
                  const struct controller_end *end)
{
    struct controller_verdict v = {.note = NULL};

    v.action = configured(policy, end->code, &v.note);
    if (!possible(v.action, end->code)) {
        v.note = v.action == CONTROLLER_SOFT_RESET
                     ? "soft reset is not supported: destroying the domain"
                     : "only a suspended domain can be resumed: destroying "
                       "the domain";
        v.action = CONTROLLER_DESTROY;
    }
    v.restart = restarts(v.action);
    if (v.restart && !restart_allowed(policy, life, end->lived_ns)) {
        v.note = "restarted too often in a row within 2 s of its start: "
                 "giving it up";
        v.action = v.action == CONTROLLER_COREDUMP_RESTART
                       ? CONTROLLER_COREDUMP_DESTROY
                       : CONTROLLER_DESTROY;
        v.restart = false;
    }
    spell_out(&v);
    /* As libxl: only a domain with a callback was promised a 1 (spec 7.4). */
    v.result = v.action == CONTROLLER_CHECKPOINT && end->callback_set;
    return v;
}

void controller_kept_name(const char *name, uint64_t wall_s, char *out,
                          size_t size)
{
    /* Years begin in March, so that a leap day is the last of its year; 400
       of them have as many days as any other 400. */
    uint64_t days = wall_s / 86400 + 719468, minutes = wall_s / 60;
    uint64_t century = days / 146097, day = days % 146097;
    uint64_t y =
        (day - day / 1460 + day / 36524 - day / 146096) / 365; /* of the 400 */
    uint64_t of_year = day - (y * 365 + y / 4 - y / 100);
    uint64_t m = (of_year * 5 + 2) / 153; /* 0 is March */
    uint64_t year = century * 400 + y + (m >= 10);
    char suffix[24];
    size_t len;

    len = fmt_snprintf(suffix, sizeof(suffix), "-%04u%02u%02uT%02u%02uZ",
                       (unsigned)year, (unsigned)(m < 10 ? m + 3 : m - 9),
                       (unsigned)(of_year - (m * 153 + 2) / 5 + 1),
                       (unsigned)(minutes / 60 % 24), (unsigned)(minutes % 60));
    fmt_snprintf(out, size, "%.*s%s", size > len ? (int)(size - len - 1) : 0,
                 name, suffix);
}

int controller_next_domid(uint16_t *last,
                          bool (*in_use)(void *context, uint16_t domid),
                          void *context)
{
    for (unsigned i = 0; i < CONTROLLER_DOMID_LAST; i++) {
        *last = *last >= CONTROLLER_DOMID_LAST ? 1 : (uint16_t)(*last + 1);
        if (!in_use(context, *last)) {
            return *last;
        }
    }
    return -1;
}
