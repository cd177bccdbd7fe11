/* SPDX-License-Identifier: MIT */
/* The socket of a host that is xenstored's; part of its loop. */
#ifndef SCHEDOP_CLI_HOST_STORE_H
#define SCHEDOP_CLI_HOST_STORE_H

#include "host_daemon.h"

struct pollfd;

enum { HOST_STORE_CLIENTS = 32 };

/* 0, or -1 after an error message. */
int host_store_open(struct host *h);
void host_store_close(struct host *h);

/* What poll() is to wait for, at most HOST_STORE_CLIENTS + 1; how many. */
size_t host_store_fill(const struct host *h, struct pollfd *p);
void host_store_serve(struct host *h, const struct pollfd *p);

/* A `store` line of the hypervisor. */
void host_store_line(struct host *h);

#endif
