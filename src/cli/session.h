/* SPDX-License-Identifier: MIT */
/* One run: QEMU, the hypervisor in it, the link, the consoles, the clock. */
#ifndef SCHEDOP_CLI_SESSION_H
#define SCHEDOP_CLI_SESSION_H

#include "outcome.h"
#include "qemu.h"

/*
 * Runs the machine described by `config`, whose modules are in `q` already,
 * until it ends by itself, at the time limit, or by a signal. Fills `outcome`.
 * Returns 0, or the number of the signal that ended it. QEMU is gone and the
 * terminal as before in every case.
 */
int session_run(const struct run *run, struct qemu *q,
                const struct qemu_config *config, struct outcome *outcome);

#endif
