/* SPDX-License-Identifier: MIT */
/*
 * A view: a window of 2 MiB on guest memory that moves as it is used.
 *
 * For copies, which look at several frames in a row, page tables among them,
 * that mostly lie near each other. Guests get RAM in whole blocks of 2 MiB, so
 * a view of one shows nothing of anybody else. One at a time on a pCPU; what
 * view_at() returned is valid until it is called again.
 */
#ifndef SCHEDOP_X86_MM_VIEW_H
#define SCHEDOP_X86_MM_VIEW_H

#include "../cpu/asm.h"
#include "mm.h"

#define VIEW_NOTHING 1u /* no block begins there */

struct view {
    volatile uint64_t *entry; /* the page table's that maps it */
    uint64_t va, block;
};

extern struct view views[X86_PCPUS_MAX];

/* That of this pCPU, closed: nothing is mapped. */
static inline struct view *view_begin(void)
{
    return &views[x86_self()->index];
}

/* For a single block, known to be a guest's: at once, and away again. */
static inline void view_open(struct view *view, uint64_t pa)
{
    *view->entry = (pa & ~(SUPERPAGE_SIZE - 1)) | PTE_RW | PTE_PS;
}

static inline void view_close(struct view *view)
{
    *view->entry = 0;
    invlpg(view->va);
}

/* Maps the block at `pa` instead of what was mapped; panics if it is ours. */
void view_move(struct view *view, uint64_t pa);

static inline void *view_at(struct view *view, uint64_t pa)
{
    if ((pa & ~(SUPERPAGE_SIZE - 1)) != view->block) {
        view_move(view, pa);
    }
    return (void *)(view->va + pa % SUPERPAGE_SIZE);
}

static inline void view_end(struct view *view)
{
    if (view->block != VIEW_NOTHING) {
        view_close(view);
        view->block = VIEW_NOTHING;
    }
}

#endif
