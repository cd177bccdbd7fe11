/* SPDX-License-Identifier: MIT */
/* What a domain can have when it ends; churn.c. */
#ifndef SCHEDOP_TESTS_ENDING_CHURN_H
#define SCHEDOP_TESTS_ENDING_CHURN_H

#include <schedop/kit.h>

/* Takes all that a domain can hold, by the bits of `kinds` (any number). */
void churn_hold(uint32_t kinds);

/* Holds what `life` says, and ends as it says; never returns. */
void churn(uint32_t life);

#endif
