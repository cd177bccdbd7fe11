/* SPDX-License-Identifier: MIT */
/*
 * Domains on this machine: what virt/ offers port.c, host.c and x86_main().
 */
#ifndef SCHEDOP_X86_VIRT_H
#define SCHEDOP_X86_VIRT_H

#include "../x86.h"

struct x86_domain;
struct x86_vcpu;

/* A record as above, mapped. */
struct save_area {
    void *bytes;
    uint64_t size;
};

enum domain_action {
    ACTION_DESTROY,
    ACTION_RESTART,
    ACTION_RENAME_RESTART,
    ACTION_PRESERVE,
    ACTION_SOFT_RESET,
    ACTION_CHECKPOINT, /* suspend only: resume in place, result 1 */
    ACTION_RESUME,     /* suspend only: resume in place, result 0 */
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
};

/* A module's command line, decoded (docs/link.md); kept for restarts. */
struct domain_spec {
    char name[64];
    const struct boot_module *image;
    const char *cmdline; /* the guest's own, "" if none */
    unsigned memory_mib, vcpus;
    unsigned target_mib;         /* what it should use of that; 0: all */
    unsigned online;             /* what xenstore shows as on line; 0: all */
    unsigned max_event_channels; /* the highest port */
    bool hardware;
    char pool[64]; /* name of its cpupool */
    /* Knobs of its pool's policy; which were given tells whose they are. */
    unsigned weight, cap, period_us, budget_us;
    bool extratime;
    bool has_credit2, has_rtds;
    sop_cpumask_t hard[SOP_VCPUS_MAX], soft[SOP_VCPUS_MAX];
    enum domain_action on_poweroff, on_reboot, on_crash, on_watchdog,
        on_soft_reset, on_suspend;
    unsigned nr_modules;
    const struct boot_module *module[4];
};

/* MiB that a new domain should use. */
static inline unsigned domain_target_mib(const struct domain_spec *spec)
{
    return spec->target_mib != 0 ? spec->target_mib : spec->memory_mib;
}

/* Once on the boot pCPU (checks for SVM and nested paging), then on each. */
void virt_init(struct sop_system *sys);
void virt_init_pcpu(struct x86_pcpu *self);

/*
 * Builds a domain from `spec` with id `domid`, paused; on failure returns
 * NULL with one line in `why` that says what was wrong and what to do.
 */
struct x86_domain *domain_build(struct sop_pcpu *self,
                                const struct domain_spec *spec, uint16_t domid,
                                char *why, size_t why_size);

/*
 * Builds a domain from the record of another (schedop/save.h), `bytes` at
 * `record`, instead of the image of `spec`; paused, as the other one was when
 * it had suspended. Its RAM is zero; the record then says where it is to be
 * filled in.
 */
struct x86_domain *domain_restore(struct sop_pcpu *self,
                                  const struct domain_spec *spec,
                                  uint16_t domid, struct save_area area,
                                  char *why, size_t why_size);

/*
 * The record of a domain none of whose vCPUs runs: its size, and the record
 * itself, for which there must be room. `all` of its memory, for a dump, or
 * without the pages that a restored domain gets anew.
 */
uint64_t domain_save_bytes(struct x86_domain *d, bool all);
void domain_save(struct sop_pcpu *self, struct x86_domain *d, bool all,
                 void *record);

/*
 * Under a debugger (debug.c; host_debug.c has the story). All vCPUs are held
 * before anything else is asked or changed: domain_debug_hold(), and then
 * domain_has_stopped().
 */
struct schedop_debug;
void domain_debug_hold(struct sop_pcpu *self, struct x86_domain *d);
/* Has a vCPU stopped by itself since the last settling? */
bool domain_debug_trapped(const struct x86_domain *d);
/* They have stopped: takes back what debugging changed, and describes them. */
void domain_debug_settle(struct sop_pcpu *self, struct x86_domain *d,
                         struct schedop_debug *out);
/* Takes over registers that were changed; NULL, or what is wrong. */
const char *domain_debug_take(struct x86_domain *d, struct schedop_debug *in);
/* Lets the vCPUs of `run` go on; those of `step` for one instruction. */
void domain_debug_go(struct sop_pcpu *self, struct x86_domain *d, uint64_t run,
                     uint64_t step);
/* Lets all go on, without a debugger. */
void domain_debug_leave(struct sop_pcpu *self, struct x86_domain *d);
/* Memory by its guest-physical address; 0 or -EFAULT. */
int domain_peek(struct x86_domain *d, uint64_t gpa, uint8_t *byte);
int domain_poke(struct x86_domain *d, uint64_t gpa, const uint8_t *bytes,
                size_t len);
/* How many bytes from `gpa` on lie in one piece, and where; 0 for none. */
uint64_t domain_find_memory(struct x86_domain *d, uint64_t gpa, uint64_t *pa);

/*
 * After sop_domain_destroy() returned 0: gives the core's slot back
 * (sop_domain_free()), then the domain's memory and tables.
 */
void domain_release(struct x86_domain *d);

const struct domain_spec *domain_spec(const struct x86_domain *d);
struct sop_domain *domain_sop(const struct x86_domain *d);

/*
 * No pCPU has the registers of any of its vCPUs: also of none that is marked
 * down, which domain information does not count as running, and still runs.
 */
bool domain_has_stopped(const struct x86_domain *d);

/* Memory that it has now, and that it may have. */
void domain_memory(struct x86_domain *d, uint64_t *now_kib, uint64_t *max_kib);
/* What it has beyond that it keeps, as on Xen. */
void domain_limit_memory(struct x86_domain *d, uint64_t max_kib);

/* Writes `value` to the result register of vCPU `n`, which is not running. */
void domain_set_result(struct x86_domain *d, unsigned n, uint64_t value);

/* The console and xenstore rings (host.c serves them); hypervisor addresses. */
void *domain_console_page(const struct x86_domain *d);
uint32_t domain_console_port(const struct x86_domain *d);
void *domain_xenstore_page(const struct x86_domain *d);
uint32_t domain_xenstore_port(const struct x86_domain *d);

/*
 * Runs guests on this pCPU for ever. Between exits it calls host_work() when
 * host_pending() says so.
 */
__attribute__((noreturn)) void virt_run(struct x86_pcpu *self);

/* main.c: how many there may be at one time. */
unsigned x86_nr_domains(void);

/* host.c: consoles, xenstore, controller, link input. */
void host_init(struct sop_system *sys);         /* before the first domain */
void host_domain_created(struct x86_domain *d); /* built, still paused */
/* A module that could not become a domain; `name` may be "". */
void host_domain_failed(const char *name, const char *why);
bool host_pending(void);
void host_work(struct sop_pcpu *self);
void host_domain_output(struct x86_domain *d, const char *text, size_t len);
void host_domain_started(struct x86_domain *d); /* first guest entry */
/* Why a domain is being crashed, then a register dump, line by line. */
void host_domain_crash_line(struct x86_domain *d, const char *line);

/* What port.c passes on; each only takes a note. Core lock held. */
void host_port_event(struct x86_domain *d, uint32_t port);
void host_domain_changed(void);
void host_machine_stop(uint8_t code);
/* Bytes typed for `d`, for console_io read. No core lock. */
size_t host_console_read(struct x86_domain *d, char *text, size_t len);

#endif
