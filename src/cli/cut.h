/* SPDX-License-Identifier: MIT */
/*
 * A trace file and the part of it that somebody wants. A part that does not
 * begin where the trace does begins with what is the case then: the runstate
 * of every vCPU.
 */
#ifndef SCHEDOP_CLI_CUT_H
#define SCHEDOP_CLI_CUT_H

#include "cli.h"
#include "trace/trace.h"

struct cut;

/*
 * Opens `path` ("-" is standard input) and reads it to the end. NULL after an
 * error message, when there is no such file or not all of it is good.
 */
struct cut *cut_open(const char *path);
void cut_close(struct cut *c);

const char *cut_title(const struct cut *c);

/* Whether domain `domid` is ever called so. */
bool cut_name_is(const struct cut *c, uint16_t domid, const char *name);

/* Gives `w` what passes the filter and closes it: 0 or a host's errno. */
int cut_copy(struct cut *c, const struct trace_filter *filter,
             struct trace_writer *w);

#endif
