/* SPDX-License-Identifier: MIT */
/*
 * Lines of the native form that name domains and pools: what is done to them
 * while the machine runs, and the windows of frames.
 */
#include "form.h"

#include <stdio.h>
#include <string.h>

#include <xen/sched.h>

bool form_subject(const struct form *f, unsigned word, unsigned *domain,
                  unsigned *vcpu)
{
    const char *name = form_word(f, word, "a domain");
    const char *dot;
    char only[LAB_NAME_MAX];
    uint64_t n;

    if (name == NULL) {
        return false;
    }
    *vcpu = UINT32_MAX;
    dot = strchr(name, '.');
    (void)snprintf(only, sizeof(only), "%.*s",
                   dot != NULL ? (int)(dot - name) : (int)strlen(name), name);
    *domain = workload_find_domain(f->w, only);
    if (*domain == UINT32_MAX) {
        return form_fail(f, word, "there is no domain '%s'", only);
    }
    if (dot != NULL) {
        if (!form_number(f, word, dot + 1, 0,
                         f->w->domain[*domain].nr_vcpus - 1, &n)) {
            return false;
        }
        *vcpu = (unsigned)n;
    }
    return true;
}

int form_reason(const char *name)
{
    static const char *const names[] = {"poweroff", "reboot",   "suspend",
                                        "crash",    "watchdog", "soft_reset"};

    for (int i = 0; i < 6; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static bool act_operands(struct form *f, struct lab_act *a)
{
    const struct form_option rtds[] = {
        {"budget", AS_TIME, 0, 0, &a->value, NULL},
        {"period", AS_TIME, 0, 0, &a->value2, NULL},
        {"extratime", AS_FLAG, 0, 0, &a->extratime, &a->extratime_given},
        {NULL, AS_COUNT, 0, 0, NULL, NULL},
    };
    const char *operand = f->nr_words > 4 ? f->word[4] : NULL;
    int reason;

    switch (a->kind) {
    case ACT_SHUTDOWN:
        reason = operand != NULL ? form_reason(operand) : SHUTDOWN_poweroff;
        a->value = (uint64_t)reason;
        return form_no_more(f, 5) &&
               (reason >= 0 ||
                form_fail(f, 4, "there is no reason '%s'", operand));
    case ACT_WEIGHT:
        return form_word(f, 4, "a weight") != NULL && form_no_more(f, 5) &&
               form_number(f, 4, operand, 1, 65535, &a->value);
    case ACT_CAP:
        return form_word(f, 4, "a cap in per cent") != NULL &&
               form_no_more(f, 5) &&
               form_number(f, 4, operand, 0, SOP_VCPUS_MAX * 100, &a->value);
    case ACT_RTDS:
        return form_options(f, 4, rtds);
    case ACT_PIN:
    case ACT_SOFT:
        return form_word(f, 4, "a list of pCPUs") != NULL &&
               form_no_more(f, 5) && form_cpus(f, 4, operand, &a->mask);
    case ACT_MOVE:
        if (form_word(f, 4, "a pool") == NULL || !form_no_more(f, 5)) {
            return false;
        }
        a->value = workload_find_pool(f->w, operand);
        return a->value != UINT32_MAX ||
               form_fail(f, 4, "there is no pool '%s'", operand);
    case ACT_PAUSE:
    case ACT_UNPAUSE:
    case ACT_RESUME:
    case ACT_DESTROY:
    case ACT_UP:
    case ACT_ONLINE:
    case ACT_OFFLINE:
    case ACT_POOL_CREATE:
    case ACT_POOL_DESTROY:
    case ACT_POOL_ADD:
    case ACT_POOL_REMOVE:
    case ACT_POOL_RENAME:
    case ACT_RATELIMIT:
    case ACT_FRAME:
        break;
    }
    return form_no_more(f, 4);
}

static bool find_deed(const char *name, enum lab_act_kind *kind)
{
    static const struct {
        const char *name;
        enum lab_act_kind kind;
    } deeds[] = {
        {"pause", ACT_PAUSE},
        {"unpause", ACT_UNPAUSE},
        {"shutdown", ACT_SHUTDOWN},
        {"resume", ACT_RESUME},
        {"destroy", ACT_DESTROY},
        {"weight", ACT_WEIGHT},
        {"cap", ACT_CAP},
        {"rtds", ACT_RTDS},
        {"pin", ACT_PIN},
        {"soft", ACT_SOFT},
        {"up", ACT_UP},
        {"online", ACT_ONLINE},
        {"offline", ACT_OFFLINE},
        {"move", ACT_MOVE},
        {"cpupool-migrate", ACT_MOVE},
    };

    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].name, name) == 0) {
            *kind = deeds[i].kind;
            return true;
        }
    }
    return false;
}

/* at TIME DEED SUBJECT [OPERAND] */
bool form_at(struct form *f)
{
    const char *deed = form_word(f, 2, "what is done");
    enum lab_act_kind kind = ACT_PAUSE;
    struct lab_act *a;
    bool to_pool;

    if (deed == NULL) {
        return false;
    }
    to_pool = form_pool_deed(deed, &kind);
    if (!to_pool && !find_deed(deed, &kind)) {
        return form_fail(f, 2, "nobody can '%s'", deed);
    }
    a = workload_add_act(f->w, kind);
    a->where = form_place(f);
    if (!form_time(f, 1, f->word[1], &a->when)) {
        return false;
    }
    if (to_pool) {
        return form_pool_act(f, a);
    }
    if (a->kind == ACT_ONLINE || a->kind == ACT_OFFLINE) {
        return form_word(f, 3, "a pCPU") != NULL && form_no_more(f, 4) &&
               form_number(f, 3, f->word[3], 0, SOP_PCPUS_MAX - 1, &a->value);
    }
    return form_subject(f, 3, &a->domain, &a->vcpu) && act_operands(f, a);
}

/* window POOL DOMAIN.VCPU|idle TIME */
bool form_window(struct form *f)
{
    const char *pool = form_word(f, 1, "a pool");
    struct lab_window win = {.domain = UINT32_MAX};
    unsigned index;

    if (pool == NULL || form_word(f, 2, "a vCPU or idle") == NULL ||
        form_word(f, 3, "a time") == NULL || !form_no_more(f, 4)) {
        return false;
    }
    index = workload_find_pool(f->w, pool);
    if (index == UINT32_MAX) {
        return form_fail(f, 1, "there is no pool '%s'", pool);
    }
    if (strcmp(f->word[2], "idle") != 0 &&
        !form_subject(f, 2, &win.domain, &win.vcpu)) {
        return false;
    }
    if (win.vcpu == UINT32_MAX) {
        win.vcpu = 0;
    }
    if (!form_time(f, 3, f->word[3], &win.ns)) {
        return false;
    }
    workload_add_window(&f->w->pool[index], &win);
    return true;
}
