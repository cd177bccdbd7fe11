/* SPDX-License-Identifier: MIT */
/*
 * The acting half of the system controller: domains that ended, the commands
 * of the link, and the end of the machine.
 *
 * A domain is dealt with only when no pCPU runs any of its vCPUs: then all it
 * wrote is in its ring, its statistics are final, its registers are in memory
 * and sop_domain_destroy() need not be asked again (it may be, and is).
 */
#include "host.h"

#include <stdint.h>

#include <xen/domctl.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>

#include "lib/linkline.h"

#define CODE_KILLED 255u

#define SAME(a, b)                                                             \
    _Static_assert((int)(a) == (int)(b), "two names of one action differ")
SAME(ACTION_DESTROY, CONTROLLER_DESTROY);
SAME(ACTION_RESTART, CONTROLLER_RESTART);
SAME(ACTION_RENAME_RESTART, CONTROLLER_RENAME_RESTART);
SAME(ACTION_PRESERVE, CONTROLLER_PRESERVE);
SAME(ACTION_SOFT_RESET, CONTROLLER_SOFT_RESET);
SAME(ACTION_CHECKPOINT, CONTROLLER_CHECKPOINT);
SAME(ACTION_RESUME, CONTROLLER_RESUME);
SAME(ACTION_COREDUMP_DESTROY, CONTROLLER_COREDUMP_DESTROY);
SAME(ACTION_COREDUMP_RESTART, CONTROLLER_COREDUMP_RESTART);

static enum controller_action action(enum domain_action a)
{
    return (enum controller_action)a;
}

static struct controller_policy policy_of(const struct domain_spec *spec)
{
    return (struct controller_policy){
        .on_poweroff = action(spec->on_poweroff),
        .on_reboot = action(spec->on_reboot),
        .on_crash = action(spec->on_crash),
        .on_watchdog = action(spec->on_watchdog),
        .on_soft_reset = action(spec->on_soft_reset),
        .on_suspend = action(spec->on_suspend),
        .paced = host.stays,
    };
}

/*
 * State of `h` for the record. The core keeps the time of the first shutdown
 * alone; a domain that went on since, or never ended, ends now.
 */
static void info_of(struct host_domain *h, struct sop_domain_info *info)
{
    uint64_t now = time_now();

    sop_domain_info(h->sop, now, info);
    if (h->resumed || info->ended_ns == 0) {
        info->ended_ns = now;
    }
}

/* Says the end of `h`, after all that it wrote. */
static void say_end(struct sop_pcpu *self, struct host_domain *h, uint8_t code,
                    const char *what, const struct sop_domain_info *info)
{
    struct link_domain id = host_link(h);

    host_drain_console(self, h);
    link_end(&id, code, what, info);
}

/* ----------------------------------------------------------------- going on */

static void leave_store(struct host_domain *h)
{
    if (h->in_store) {
        h->in_store = false;
        xenstore_release(host.store, h->domid);
    }
}

static bool domid_in_use(void *context, uint16_t domid)
{
    (void)context;
    return sop_domain_by_id(host.sys, domid) != NULL;
}

/* Records a domain that was built; takes it down when it cannot. */
static struct host_domain *record(struct sop_pcpu *self, struct x86_domain *d,
                                  char *why, size_t why_size)
{
    if (d == NULL) {
        return NULL;
    }
    if (host_add(d)) {
        return host_of(d);
    }
    (void)sop_domain_destroy(self, domain_sop(d)); /* it never ran */
    domain_release(d);
    x86_snprintf(why, why_size, "no memory left for its record");
    return NULL;
}

struct host_domain *host_rebuild(struct sop_pcpu *self,
                                 const struct domain_spec *spec,
                                 struct save_area area, char *why,
                                 size_t why_size)
{
    int domid = controller_next_domid(&host.last_domid, domid_in_use, NULL);

    if (domid <= 0) {
        x86_snprintf(why, why_size, "all domain ids are in use");
        return NULL;
    }
    return record(
        self, domain_restore(self, spec, (uint16_t)domid, area, why, why_size),
        why, why_size);
}

struct host_domain *host_build(struct sop_pcpu *self,
                               const struct domain_spec *spec, char *why,
                               size_t why_size)
{
    int domid = controller_next_domid(&host.last_domid, domid_in_use, NULL);
    struct x86_domain *d = NULL;

    if (domid <= 0) {
        x86_snprintf(why, why_size, "all domain ids are in use");
    } else if (!image_map(spec)) {
        x86_snprintf(why, why_size, "its image cannot be mapped");
    } else {
        d = domain_build(self, spec, (uint16_t)domid, why, why_size);
        image_unmap(spec);
    }
    return record(self, d, why, why_size);
}

bool host_rename(struct host_domain *h, const char *name)
{
    x86_snprintf(h->name, sizeof(h->name), "%s", name);
    return !h->in_store ||
           xenstore_domain_rename(host.store, h->domid, name) == 0;
}

/* A name for one that another takes the place of; as xl, not if it is taken. */
static void find_name(const struct host_domain *h, struct controller_verdict *v,
                      char name[HOST_NAME])
{
    uint64_t wall_ns = time_wall_ns_at_boot() + time_now();

    controller_kept_name(h->spec->name, wall_ns / 1000000000u, name, HOST_NAME);
    if (host_name_taken(name)) {
        x86_log(SOP_LOG_WARNING,
                "%s: domain with name %s already exists: it stays as it is",
                h->name, name);
        v->action = CONTROLLER_PRESERVE;
        v->rename = v->restart = false;
    }
}

/* Another one of its configuration takes the place of `h`, which stays. */
static void make_way(struct sop_pcpu *self, struct host_domain *h,
                     const char *name)
{
    if (!host_rename(h, name)) {
        x86_log(SOP_LOG_WARNING, "%s: cannot rename it in xenstore", h->name);
    }
    host_restart(self, h->spec, h->domid);
}

/* Destroys `h` as far as possible now; true: call again. */
static bool go(struct sop_pcpu *self, struct host_domain *h)
{
    const struct domain_spec *spec = h->spec;
    const struct link_domain id = host_link(h);
    bool restart = h->restart;

    if (sop_domain_destroy(self, h->sop) != 0) {
        return true;
    }
    host_dump_done(h);
    leave_store(h);
    xenstore_domain_remove(host.store, h->domid);
    host_debug_forget(h);
    domain_release(h->x86);
    image_hold(spec);
    link_gone(&id);
    host_remove(h);
    if (restart) {
        host_restart(self, spec, id.domid);
    }
    image_put(spec);
    return false;
}

static void resume(struct sop_pcpu *self, struct host_domain *h,
                   uint64_t result)
{
    /* The caller of suspend is taken to be vCPU 0, as libxl does. */
    domain_set_result(h->x86, 0, result);
    h->resumed = true;
    (void)sop_domain_resume(self, h->sop); /* cannot fail */
}

/* ------------------------------------------------------------------ ending */

static uint8_t code_of(const struct sop_domain_info *info)
{
    return (uint8_t)(info->flags >> XEN_DOMINF_shutdownshift);
}

/* `h` ended by itself; nothing of it runs. True: call again. */
static bool ended(struct sop_pcpu *self, struct host_domain *h,
                  const struct sop_domain_info *info)
{
    uint8_t code = code_of(info);
    const struct controller_policy policy = policy_of(h->spec);
    uint64_t callback = 0;
    struct controller_end end = {
        .code = code,
        .lived_ns = info->ended_ns - info->created_ns,
    };
    struct controller_verdict v;
    char name[HOST_NAME];

    (void)sop_domain_get_param(h->sop, HVM_PARAM_CALLBACK_IRQ, &callback);
    end.callback_set = callback != 0;
    v = controller_decide(&policy, h->life, &end);
    if (v.note != NULL) {
        x86_log(SOP_LOG_WARNING, "%s: %s (code %u)", h->name, v.note, code);
    }
    if (v.rename) {
        find_name(h, &v, name);
    }
    say_end(self, h, code, controller_action_name(v.action), info);
    if (v.resume) {
        resume(self, h, v.result);
        return false;
    }
    h->silent = true;
    h->restart = v.restart;
    if (v.dump && host_dump_start(self, h)) {
        h->state = HOST_DUMPING; /* until the tool has done it */
        return false;
    }
    if (v.destroy) {
        h->state = HOST_GOING;
        return go(self, h);
    }
    h->state = HOST_KEPT;
    if (v.rename) {
        make_way(self, h, name);
    }
    leave_store(h);
    return false;
}

/* Looks after a domain that changed; true: call again. */
static bool look_after(struct sop_pcpu *self, struct host_domain *h)
{
    struct sop_domain_info info;
    bool again = false;

    if (h->state == HOST_GOING) {
        return go(self, h);
    }
    if (h->debug != NULL) {
        again = host_debug_look(self, h);
    }
    if (!h->changed || h->state != HOST_ALIVE) {
        return again;
    }
    info_of(h, &info);
    if ((info.flags & XEN_DOMINF_shutdown) == 0) {
        h->changed = false; /* somebody resumed it meanwhile */
        return again;
    }
    if ((info.flags & XEN_DOMINF_running) != 0 || !domain_has_stopped(h->x86)) {
        return true;
    }
    h->changed = false;
    if (h->saving && code_of(&info) == SHUTDOWN_suspend) {
        h->suspended = true; /* host_save.c goes on */
        return again;
    }
    return ended(self, h, &info) || again;
}

void host_go_on(struct sop_pcpu *self, struct host_domain *h)
{
    uint64_t callback = 0;

    (void)sop_domain_get_param(h->sop, HVM_PARAM_CALLBACK_IRQ, &callback);
    h->suspended = h->saving = false;
    resume(self, h, callback != 0); /* as libxl: only then a 1 (spec 7.4) */
}

/* It is to go and not to come back; `code` and `what` say how it ended. */
static void take_down(struct sop_pcpu *self, struct host_domain *h,
                      uint8_t code, const char *what)
{
    struct sop_domain_info info;

    h->restart = false;
    if (h->state == HOST_ALIVE) {
        info_of(h, &info);
        say_end(self, h, code, what, &info);
        h->silent = true;
    }
    if (h->state != HOST_DUMPING) { /* its core is still being written */
        h->state = HOST_GOING;
    }
}

void host_take_away(struct sop_pcpu *self, struct host_domain *h,
                    const char *what)
{
    struct sop_domain_info info;

    sop_domain_info(h->sop, time_now(), &info);
    take_down(self, h, code_of(&info), what);
}

void host_kill(struct sop_pcpu *self, struct host_domain *h)
{
    take_down(self, h, CODE_KILLED, "killed");
}

static void obey(struct sop_pcpu *self, const struct linkline_command *cmd)
{
    struct host_domain *h = host_find(cmd->domid);

    if (cmd->verb == LINKLINE_STOP) {
        host_machine_stop(0);
    } else if (h == NULL) {
        x86_log(SOP_LOG_WARNING, "link: there is no domain %u", cmd->domid);
    } else if (cmd->verb == LINKLINE_DUMPED) {
        if (h->state == HOST_DUMPING) {
            h->state = HOST_GOING;
        }
    } else if (cmd->verb == LINKLINE_SHUTDOWN) {
        sop_domain_shutdown(self, h->sop, cmd->code);
    } else {
        host_kill(self, h);
    }
}

static bool anybody_left(void)
{
    if (host.stays) {
        return true;
    }
    for (const struct host_domain *h = host.first; h != NULL; h = h->next) {
        if (h->state != HOST_KEPT) {
            return true;
        }
    }
    return false;
}

bool host_control(struct sop_pcpu *self)
{
    struct linkline_command cmd;
    struct host_domain *h, *next;
    struct sop_domain *d;
    bool again = false;

    while (host_next_command(&cmd)) {
        obey(self, &cmd);
    }
    again |= host_ask_serve(self);
    while ((d = sop_controller_next(host.sys)) != NULL) {
        h = host_of(sop_domain_port(d));
        if (h != NULL) {
            h->changed = true;
        }
    }
    for (h = host.first; h != NULL; h = next) {
        next = h->next;
        again |= look_after(self, h);
    }
    if (host.stop_code >= 0 || !anybody_left()) {
        host.ending = true;
        irq_send_kick(x86_pcpu(0));
    }
    return again;
}

/* --------------------------------------------------------------- the machine
 */

/*
 * The boot pCPU alone ends the machine: it also builds the first domains, so
 * that nobody finds none left before all were tried.
 */
void host_end_machine(struct sop_pcpu *self)
{
    int code = host.stop_code;
    struct sop_domain_info info;

    if (!host.ending) {
        return;
    }
    x86_lock(&host.work);
    if (code < 0 && anybody_left()) {
        host.ending = false;
        x86_unlock(&host.work);
        return;
    }
    for (struct host_domain *h = host.first; h != NULL; h = h->next) {
        if (h->state != HOST_ALIVE) {
            continue;
        }
        info_of(h, &info);
        h->silent = true;
        if (h->spec->hardware && (info.flags & XEN_DOMINF_shutdown) != 0) {
            say_end(self, h, (uint8_t)code, "destroy", &info);
        } else {
            say_end(self, h, CODE_KILLED, "killed", &info);
        }
    }
    link_exit(code < 0 ? 0 : (unsigned)code);
    machine_stop(code == 1 || code == 4 || code == 5);
}
