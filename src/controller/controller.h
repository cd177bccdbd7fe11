/* SPDX-License-Identifier: MIT */
/*
 * What a shutdown means: the part of the system controller that decides.
 *
 * The hypervisor only stops a domain and latches a code. What follows is
 * xl's to say on Xen: the on_* settings of the domain's configuration, and
 * what a suspend is for. This file turns a code into what is to be done, and
 * keeps the books that outlive a domain: how often it restarted, and which
 * domain ids were given out. It does nothing itself and has no locks.
 *
 * Where it follows xl (4.17): codes map to settings as there, an unknown code
 * destroys with a line of log, restarting means destroying and building anew
 * under a new domain id, rename-restart keeps the old domain under xl's name
 * for it. xl restarts for ever, 2 s apart: so does a host, whose tool counts
 * the time (`paced`). Without such a tool there is no pause, and a domain that
 * never lives long is given up after CONTROLLER_RESTARTS_MAX restarts, so that
 * an unattended run ends. Soft reset is not supported and destroys.
 */
#ifndef SCHEDOP_CONTROLLER_CONTROLLER_H
#define SCHEDOP_CONTROLLER_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A domain that lived at least so long may restart for ever. */
#define CONTROLLER_LIFE_NS 2000000000ull
#define CONTROLLER_RESTARTS_MAX 20u /* in a row, of shorter lives */

#define CONTROLLER_DOMID_LAST 0x7fefu

enum controller_action {
    CONTROLLER_DESTROY,
    CONTROLLER_RESTART,
    CONTROLLER_RENAME_RESTART,
    CONTROLLER_PRESERVE,
    CONTROLLER_SOFT_RESET,
    CONTROLLER_CHECKPOINT, /* suspend only: go on in place, result 1 */
    CONTROLLER_RESUME,     /* suspend only: go on in place, result 0 */
    CONTROLLER_COREDUMP_DESTROY,
    CONTROLLER_COREDUMP_RESTART,
};

/* The settings of one domain. */
struct controller_policy {
    enum controller_action on_poweroff, on_reboot, on_crash, on_watchdog,
        on_soft_reset, on_suspend;
    bool paced; /* somebody sees to it that restarts are apart */
};

/* xl's defaults, and checkpoint for suspend. */
extern const struct controller_policy controller_default_policy;

/* What is remembered of a configured domain over its restarts; zeroed. */
struct controller_life {
    unsigned restarts;   /* all of them */
    unsigned short_ones; /* in a row, after less than CONTROLLER_LIFE_NS */
};

/* How a domain ended. */
struct controller_end {
    uint8_t code;      /* the latched reason */
    uint64_t lived_ns; /* from its creation */
    bool callback_set; /* HVM_PARAM_CALLBACK_IRQ is not 0 */
};

/* What to do about it, in this order. */
struct controller_verdict {
    enum controller_action action; /* as carried out, for the record */
    const char *note;              /* a line for the log, or NULL */
    bool resume;                   /* let it go on in place... */
    uint64_t result;               /* ...with this as result of the suspend */
    bool dump;                     /* write a core of it before all else */
    bool destroy;                  /* take it down; else it is kept, stopped */
    bool rename;                   /* it is kept under controller_kept_name() */
    bool restart;                  /* build it anew */
};

struct controller_verdict
controller_decide(const struct controller_policy *policy,
                  struct controller_life *life,
                  const struct controller_end *end);

/* As configuration files and the `end` line spell it. */
const char *controller_action_name(enum controller_action action);

/* "poweroff", "reboot"..., NULL for a code without a name. */
const char *controller_reason_name(uint8_t code);

/*
 * The name of the old domain after a rename-restart at `wall_s` (seconds since
 * 1970), as xl has it: "NAME-YYYYMMDDTHHMMZ", with NAME cut off if there is no
 * room for all. Whoever finds it taken keeps the domain as it is, as xl does.
 */
void controller_kept_name(const char *name, uint64_t wall_s, char *out,
                          size_t size);

/*
 * The id of the next domain: the first one not in use after *last, which it
 * becomes; never 0, the hardware domain's. -1 when all are in use.
 */
int controller_next_domid(uint16_t *last,
                          bool (*in_use)(void *context, uint16_t domid),
                          void *context);

#endif
