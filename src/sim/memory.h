/* SPDX-License-Identifier: MIT */
/* Memory that cannot run out quietly: without any the process ends. */
#ifndef SCHEDOP_SIM_MEMORY_H
#define SCHEDOP_SIM_MEMORY_H

#include <stddef.h>

#define SIM_NONNULL __attribute__((returns_nonnull))

void *sim_alloc(size_t size) SIM_NONNULL; /* zeroed */
void *sim_grow(void *p, size_t count, size_t size) SIM_NONNULL;
char *sim_strdup(const char *s) SIM_NONNULL;

#endif
