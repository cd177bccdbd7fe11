/* SPDX-License-Identifier: MIT */
/*
 * What the files of the host side share. Its face to the rest is in
 * virt/virt.h.
 *
 *   host.c          records of domains, notes, who does the work and when
 *   host_console.c  console output and input, the commands of the link
 *   host_control.c  domains that ended, and the end of the machine
 *
 * Locks. `work` is held by the one pCPU that does the work; it is outermost
 * of all and the core is called under it. It guards the store and all fields
 * of the records that are not marked otherwise. `list` is a leaf: it guards
 * the chain of records for those who look one up from outside, and the input
 * waiting in them. Whoever changes the chain holds both.
 */
#ifndef SCHEDOP_X86_HOST_H
#define SCHEDOP_X86_HOST_H

#include "backend/console.h"
#include "backend/xenstore.h"
#include "controller/controller.h"
#include "cpu/lock.h"
#include "link.h"
#include "virt/virt.h"

#define HOST_INPUT 4096u /* bytes typed and not yet taken; a power of two */
#define HOST_NAME (sizeof(((struct domain_spec *)NULL)->name) + 12)

enum host_state {
    HOST_ALIVE,
    HOST_GOING, /* its end was said; it is being destroyed */
    HOST_KEPT,  /* its end was said; it stays, stopped */
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
    bool changed; /* the core says it ended */
    bool resumed; /* it ended before, and went on */
    bool restart; /* while HOST_GOING: build it anew */
    bool in_store;
    volatile bool silent; /* its end was said: nothing more from it. Any */
    struct console_backend console;
    bool has_console;
    /* list: */
    bool input_lost; /* said once */
    uint32_t in_head, in_tail;
    char input[HOST_INPUT];
};

struct host {
    struct sop_system *sys;
    struct xenstore *store;
    struct x86_lock work, list;
    struct host_domain *first; /* in order of creation; list and work */
    uint16_t last_domid;
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
/* Boot pCPU. Says how all ended and stops the machine, if it is time. */
void host_end_machine(struct sop_pcpu *self);

#endif
