/* SPDX-License-Identifier: MIT */
/*
 * How often which value: a histogram of 64-bit values in little memory, from
 * which percentiles are read. Each power of two is cut into 16 parts, and each
 * part remembers its largest value; so a percentile is a value that occurred,
 * at most one sixteenth above the exact one, and exact for values up to 31
 * and wherever a part saw one value only. Integers alone: results are the same
 * everywhere.
 */
#ifndef SCHEDOP_SIM_HIST_H
#define SCHEDOP_SIM_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define HIST_PARTS 16u
#define HIST_OCTAVES 61u

/* Side by side: with many histograms each sample misses every cache once. */
struct hist_part {
    uint64_t count, largest;
};

struct hist_octave {
    struct hist_part part[HIST_PARTS];
};

struct sim_hist {
    uint64_t count, sum, max;
    struct hist_octave *octave[HIST_OCTAVES]; /* allocated when first used */
};

/* An all-zero record is an empty histogram. Counts are never lost: the
   process ends if there is no memory. */
void sim_hist_add(struct sim_hist *h, uint64_t value);
void sim_hist_merge(struct sim_hist *to, const struct sim_hist *from);
void sim_hist_free(struct sim_hist *h);

/*
 * A value that at least `permille` thousandths of all do not exceed (500 is
 * the median); 0 if there are none.
 */
uint64_t sim_hist_at(const struct sim_hist *h, unsigned permille);

#endif
