/* SPDX-License-Identifier: MIT */
/*
 * What the files of the host side share. Its face to the rest is in
 * virt/virt.h.
 *
 *   host.c          records of domains, notes, who does the work and when
 *   host_console.c  console output and input, the commands of the link
 *   host_control.c  domains that ended, and the end of the machine
 *   host_again.c    domains that are built anew
 *   host_ask.c      questions of the host tool, and their answers
 *   host_create.c   domains built at run time
 *   host_save.c     domains that are saved, and restored
 *   host_debug.c    domains under a debugger
 *   host_dump.c     domains of which a core is written
 *   host_query.c    what there is: domains, vCPUs, pCPUs, the machine
 *   host_act.c      what is done to a domain that runs
 *   host_store.c    the tool's connection to the xenstore
 *   host_memory.c   how much memory a domain should use
 *   host_pool.c     cpupools, hotplug and knobs
 *
 * Locks. `work` is held by the one pCPU that does the work; it is outermost
 * of all and the core is called under it. It guards the store and all fields
 * of the records that are not marked otherwise. `list` is a leaf: it guards
 * the chain of records for those who look one up from outside, and the input
 * waiting in them. Whoever changes the chain holds both.
 */
#ifndef SCHEDOP_X86_HOST_H
#define SCHEDOP_X86_HOST_H

#include <schedop/link.h>

#include "backend/console.h"
#include "backend/xenstore.h"
#include "controller/controller.h"
#include "cpu/lock.h"
#include "link.h"
#include "virt/virt.h"

#define HOST_NAME (SCHEDOP_NAME_MAX + 1)

enum host_state {
    HOST_ALIVE,
    HOST_DUMPING, /* its end was said; the tool writes its core */
    HOST_GOING,   /* its end was said; it is being destroyed */
    HOST_KEPT,    /* its end was said; it stays, stopped */
};

/* Files that came at run time, in the RAM of a window, and their domain. */
struct host_image {
    struct host_image *next;
    struct domain_spec spec;
    struct boot_module module[SCHEDOP_WINDOW_PARTS];
    uint64_t pa, bytes; /* the window, from ram_alloc() */
    void *mapped;       /* while a domain is built */
    char *text;         /* the words of all parts */
    size_t text_size;
    struct controller_life life;
    unsigned users; /* records, and whoever builds */
};

struct host_domain {
    struct host_domain *next; /* list */
    struct x86_domain *x86;
    struct sop_domain *sop;
    const struct domain_spec *spec;
    struct controller_life *life;
    uint16_t domid;
    char name[HOST_NAME];
    enum host_state state;
    bool changed;   /* the core says it ended */
    bool resumed;   /* it ended before, and went on */
    bool restart;   /* while HOST_GOING: build it anew */
    bool saving;    /* when it suspends the tool takes over, see host_save.c */
    bool suspended; /* it has, and waits for the tool */
    struct host_debug *debug;     /* NULL: none; host_debug.c */
    bool dumping;                 /* paused for it, see host_dump.c */
    uint32_t dump_tag;            /* of the question that asked for it */
    uint64_t dump_pa, dump_bytes; /* while HOST_DUMPING: its record */
    bool in_store;
    volatile bool silent; /* its end was said: nothing more from it. Any */
    struct console_backend console;
    bool has_console;
    /* list: */
    bool input_lost; /* said once */
    uint32_t in_head, in_tail;
    uint32_t in_told; /* in_tail, as far as the tool was told of it */
    char input[SCHEDOP_LINK_INPUT];
};

/* What is to be built anew when the tool says so. */
struct host_waiting {
    struct host_waiting *next;
    const struct domain_spec *spec; /* held */
    uint16_t domid;                 /* it had */
};

struct host {
    struct sop_system *sys;
    struct xenstore *store;
    struct x86_lock work, list;
    struct host_domain *first; /* in order of creation; list and work */
    uint16_t last_domid;
    struct host_image *images;    /* work */
    struct host_waiting *waiting; /* work */
    bool stays;                   /* also when no domain is left */
    bool answers;                 /* questions of the tool */
    struct {
        const struct domain_spec *spec;
        struct controller_life life;
    } life[BOOT_MODULES_MAX];
    _Atomic bool pending;  /* somebody should look */
    _Atomic bool busy;     /* somebody is looking */
    _Atomic bool ending;   /* the boot pCPU should end the machine */
    _Atomic int stop_code; /* of the hardware domain; -1: none */
};

extern struct host host;

/* host.c */
void host_note(void);
struct host_domain *host_find(uint16_t domid);           /* list or work held */
struct host_domain *host_of(const struct x86_domain *d); /* the same */
/* work held; false: no memory */
bool host_add(struct x86_domain *d);
void host_remove(struct host_domain *h); /* work held */
static inline struct link_domain host_link(const struct host_domain *h)
{
    return (struct link_domain){h->domid, h->name};
}

/* host_console.c; boot pCPU */
bool host_has_input(void);
void host_take_input(struct sop_pcpu *self);
/* work held */
bool host_serve_console(struct sop_pcpu *self, struct host_domain *h);
void host_drain_console(struct sop_pcpu *self, struct host_domain *h);
/* The next command of the link that concerns a domain; false: none. */
struct linkline_command;
bool host_next_command(struct linkline_command *cmd);

/* host_control.c; work held. True: to be called again soon. */
bool host_control(struct sop_pcpu *self);
/* A fresh id, built, recorded and said; NULL with a reason in `why`. */
struct host_domain *host_build(struct sop_pcpu *self,
                               const struct domain_spec *spec, char *why,
                               size_t why_size);
/* The same from a record (virt.h), under another name. */
struct host_domain *host_rebuild(struct sop_pcpu *self,
                                 const struct domain_spec *spec,
                                 struct save_area area, char *why,
                                 size_t why_size);
void host_kill(struct sop_pcpu *self, struct host_domain *h);
/* A saved domain goes: its end is said as `what`. */
void host_take_away(struct sop_pcpu *self, struct host_domain *h,
                    const char *what);
/* A suspended one goes on, with xl's result of a cancelled suspend. */
void host_go_on(struct sop_pcpu *self, struct host_domain *h);
bool host_rename(struct host_domain *h, const char *name);

/* host_ask.c */
#define HOST_ASK_OUT 384u
struct host_ask {
    uint32_t tag;
    const char *at; /* the words that are left */
    char out[HOST_ASK_OUT];
};
void host_ask_init(void);
void host_ask_line(const char *line); /* boot pCPU; any time */
/* work held; true: call again soon, one waits for another pCPU */
bool host_ask_serve(struct sop_pcpu *self);
/* The next word or number; false when there is none such. */
bool host_ask_word(struct host_ask *ask, char *out, size_t size);
bool host_ask_number(struct host_ask *ask, uint64_t max, uint64_t *value);
bool host_ask_end(const struct host_ask *ask);
/* The domain that the next word names; NULL and *error when there is none. */
struct host_domain *host_ask_domain(struct host_ask *ask, int *error);
/* Explains an error; returns it. */
int host_ask_fail(struct host_ask *ask, int error, const char *why);

/*
 * The verbs: 0 or a negative error, with an explanation or the result in
 * ask->out; -EAGAIN: to be asked again, from the start. All with work held.
 */
typedef int host_ask_fn(struct sop_pcpu *self, struct host_ask *ask);

/* host_create.c */
host_ask_fn ask_window, ask_window_free, ask_create;
/* A window of that many bytes: 0 and where, or an error as above. */
int host_window_open(struct host_ask *ask, uint64_t bytes, uint64_t *pa);
void host_window_close(uint64_t pa);
/* That which the next word names: its bytes, 0 for none. */
uint64_t host_window_next(struct host_ask *ask, uint64_t *pa);
/*
 * Takes over the window that the next word names, as create does: the spec,
 * held once for the caller; NULL, with the window gone, and an explanation.
 */
struct domain_spec *host_image_take(struct host_ask *ask);
/* Where the files of a domain are; false for boot modules. */
bool host_image_where(const struct domain_spec *spec, uint64_t *pa,
                      uint64_t *bytes);
bool host_name_taken(const char *name);
void image_hold(const struct domain_spec *spec); /* also of boot modules */
void image_put(const struct domain_spec *spec);
struct controller_life *image_life(const struct domain_spec *spec);
/* What a restart will be called, and be. */
void image_rename(const struct domain_spec *spec, const char *name);
void image_move(const struct domain_spec *spec, const char *pool);
void image_set_credit2(const struct domain_spec *spec, uint32_t weight,
                       uint32_t cap);
struct policy_rtds;
void image_set_rtds(const struct domain_spec *spec,
                    const struct policy_rtds *knobs);
bool image_map(const struct domain_spec *spec);
void image_unmap(const struct domain_spec *spec);

/* host_dump.c */
/* Announces a core of a domain that ended; false: there will be none. */
bool host_dump_start(struct sop_pcpu *self, struct host_domain *h);
void host_dump_done(struct host_domain *h); /* the record may go */
host_ask_fn ask_dump_begin, ask_dump_end;

/* host_query.c */
host_ask_fn ask_domains, ask_vcpus, ask_machine;

/* host_again.c: builds it now, or when the tool says so. */
void host_restart(struct sop_pcpu *self, const struct domain_spec *spec,
                  uint16_t domid);
host_ask_fn ask_again;

/* host_act.c */
bool host_name_is_good(const char *name);
host_ask_fn ask_pause, ask_unpause, ask_destroy, ask_shutdown, ask_rename,
    ask_vcpu_pin, ask_trigger, ask_store_read, ask_store_write, ask_debug;

/* host_store.c */
host_ask_fn ask_store_open, ask_store_kick;
/* Tells the tool, if it is the one connected as `domid`. */
bool host_store_notify(uint16_t domid);

/* host_memory.c */
host_ask_fn ask_memory_target, ask_memory_max;

/* host_pool.c */
host_ask_fn ask_pools, ask_pool_create, ask_pool_destroy, ask_pool_rename,
    ask_pool_add, ask_pool_remove, ask_pool_move, ask_pcpu_online,
    ask_pcpu_offline, ask_sched_credit2, ask_sched_credit2_pool, ask_sched_rtds,
    ask_sched_arinc653;

/* host_save.c */
host_ask_fn ask_save_begin, ask_save_state, ask_save_end, ask_restore;

/* host_debug.c */
host_ask_fn ask_debug_attach, ask_debug_stop, ask_debug_go, ask_debug_break,
    ask_debug_map, ask_debug_write, ask_debug_detach;
/* For a domain with h->debug; true: to be called again soon. */
bool host_debug_look(struct sop_pcpu *self, struct host_domain *h);
void host_debug_forget(struct host_domain *h); /* nothing of it runs */

/* Boot pCPU. Says how all ended and stops the machine, if it is time. */
void host_end_machine(struct sop_pcpu *self);

#endif
