/* SPDX-License-Identifier: MIT */
/*
 * Lines of the native form about what is done to cpupools while the machine
 * runs. The deeds have the names of xl's verbs. A pool may be named from the
 * line on that makes it, or gives it another name.
 */
#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

bool form_pool_deed(const char *name, enum lab_act_kind *kind)
{
    static const struct {
        const char *name;
        enum lab_act_kind kind;
    } deeds[] = {
        {"cpupool-create", ACT_POOL_CREATE},
        {"cpupool-destroy", ACT_POOL_DESTROY},
        {"cpupool-cpu-add", ACT_POOL_ADD},
        {"cpupool-cpu-remove", ACT_POOL_REMOVE},
        {"cpupool-rename", ACT_POOL_RENAME},
        {"ratelimit", ACT_RATELIMIT},
        {"frame", ACT_FRAME},
    };

    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].name, name) == 0) {
            *kind = deeds[i].kind;
            return true;
        }
    }
    return false;
}

static bool is_new_name(const struct form *f, unsigned word)
{
    return workload_find_pool(f->w, f->word[word]) == UINT32_MAX ||
           form_fail(f, word, "there is a pool '%s' already", f->word[word]);
}

/* cpupool-create NAME [sched=POLICY] [cpus=LIST] */
static bool create(struct form *f, struct lab_act *a)
{
    struct lab_pool *p;
    const struct form_option rest[] = {
        {"sched", AS_TEXT, 0, 0, NULL, NULL},
        {"cpus", AS_CPUS, 0, 0, &a->mask, NULL},
        {NULL, AS_COUNT, 0, 0, NULL, NULL},
    };
    struct form_option options[sizeof(rest) / sizeof(rest[0])];

    if (!is_new_name(f, 3)) {
        return false;
    }
    a->value = workload_add_pool(f->w, f->word[3]);
    p = &f->w->pool[a->value];
    p->where = form_place(f);
    p->later = true;
    memcpy(options, rest, sizeof(options));
    options[0].at = &p->sched;
    if (!form_options(f, 4, options)) {
        return false;
    }
    return p->sched == NULL || lab_policy(p->sched) != NULL ||
           form_fail(f, 4, "there is no scheduler '%s'", p->sched);
}

/* cpupool-rename NAME NEW */
static bool rename_pool(struct form *f, const struct lab_act *a)
{
    struct lab_pool *p = &f->w->pool[a->value];

    if (form_word(f, 4, "the new name") == NULL || !form_no_more(f, 5) ||
        !is_new_name(f, 4)) {
        return false;
    }
    if (p->alias != NULL) {
        return form_fail(f, 3, "'%s' has been renamed once", p->name);
    }
    p->alias = sim_strdup(f->word[4]);
    return true;
}

/* frame POOL LENGTH DOMAIN.VCPU|idle TIME ... */
static bool frame(struct form *f, struct lab_act *a)
{
    unsigned i;

    a->frame = sim_alloc(sizeof(*a->frame));
    if (form_word(f, 4, "the length of the frame") == NULL ||
        !form_time(f, 4, f->word[4], &a->frame->frame_ns)) {
        return false;
    }
    for (i = 5; i < f->nr_words; i += 2) {
        struct lab_window win = {.domain = UINT32_MAX};

        if ((strcmp(f->word[i], "idle") != 0 &&
             !form_subject(f, i, &win.domain, &win.vcpu)) ||
            form_word(f, i + 1, "a time") == NULL ||
            !form_time(f, i + 1, f->word[i + 1], &win.ns)) {
            return false;
        }
        win.vcpu = win.vcpu == UINT32_MAX ? 0 : win.vcpu;
        workload_add_window(a->frame, &win);
    }
    return true;
}

bool form_pool_act(struct form *f, struct lab_act *a)
{
    const char *name = form_word(f, 3, "a pool");

    if (name == NULL) {
        return false;
    }
    if (a->kind == ACT_POOL_CREATE) {
        return create(f, a);
    }
    a->value = workload_find_pool(f->w, name);
    if (a->value == UINT32_MAX) {
        return form_fail(f, 3, "there is no pool '%s'", name);
    }
    if (a->kind == ACT_POOL_RENAME) {
        return rename_pool(f, a);
    }
    if (a->kind == ACT_FRAME) {
        return frame(f, a);
    }
    if (a->kind == ACT_POOL_DESTROY) {
        return form_no_more(f, 4);
    }
    if (a->kind == ACT_RATELIMIT) {
        return form_word(f, 4, "a time") != NULL && form_no_more(f, 5) &&
               form_time(f, 4, f->word[4], &a->value2);
    }
    return form_word(f, 4, "a list of pCPUs") != NULL && form_no_more(f, 5) &&
           form_cpus(f, 4, f->word[4], &a->mask);
}
