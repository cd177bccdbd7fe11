/* SPDX-License-Identifier: MIT */
/* A domain of a running host, debugged through its control channel. */
#ifndef SCHEDOP_CLI_GDB_CONTROL_H
#define SCHEDOP_CLI_GDB_CONTROL_H

#include "control.h"
#include "gdb_target.h"

struct gdb_control {
    struct gdb_link link; /* its context is this */
    struct control *control;
    int domid;
};

/* 0, or -1 after an error message. */
int gdb_control_open(struct gdb_control *g, struct control *c, int domid);

#endif
