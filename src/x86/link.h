/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor says about domains: lines of the link (docs/link.md),
 * or, where there is no link, text for people on COM1. Any pCPU; each line
 * leaves whole and in the order of the calls. After link_exit() nothing more
 * is said.
 */
#ifndef SCHEDOP_X86_LINK_H
#define SCHEDOP_X86_LINK_H

#include <stddef.h>
#include <stdint.h>

#include <schedop/core.h>

/* Who a line is about. */
struct link_domain {
    uint16_t domid;
    const char *name;
};

void link_hello(void); /* the first line */
void link_boot(void);
void link_create(const struct link_domain *d);
void link_start(const struct link_domain *d, uint64_t now);
void link_fail(const char *name, const char *why);
void link_con(const struct link_domain *d, const char *text, size_t len);
/* It took that many of the bytes typed for it. */
void link_took(const struct link_domain *d, uint32_t bytes);
void link_crash(const struct link_domain *d, const char *text);
void link_end(const struct link_domain *d, uint8_t code, const char *action,
              const struct sop_domain_info *info);
/* Its record is at `pa`: the tool writes a core and says `dumped`. */
void link_dump(const struct link_domain *d, uint64_t pa, uint64_t bytes);
void link_gone(const struct link_domain *d);
void link_stopped(const struct link_domain *d); /* for its debugger */
void link_store(void); /* the tool's ring of the xenstore has news */
void link_room(void);  /* the ring of its lines has room again */
void link_exit(unsigned code);

/* The ring of trace records of a pCPU: its header is at `pa`. */
void link_trace(unsigned pcpu, uint64_t pa, uint64_t records);

/* Answers to an `ask` line: any rows, then what came of it (0 or an error). */
void link_row(uint32_t tag, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void link_did(uint32_t tag, int error, const char *text);

#endif
