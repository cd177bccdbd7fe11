/* SPDX-License-Identifier: MIT */
/*
 * The walker of page tables over a few pages of rubbish: it touches nothing
 * but accessed and dirty bits of entries on its way, and in long mode what it
 * allows is what a plain second reading of the tables allows.
 */
#include "input.h"

#include "x86/virt/walk.h"

#define FRAMES 6u

static uint64_t pages[FRAMES][512] __attribute__((aligned(4096)));
static uint64_t before[FRAMES][512];

static void *frame(void *context, uint64_t gfn)
{
    MUST(context == pages);
    return gfn < FRAMES ? pages[gfn] : NULL;
}

/* Few entries matter: those the input names, in slots 0 to 7. */
static void fill(struct input *in)
{
    unsigned n = take_u8(in) % 24;

    for (unsigned i = 0; i < n; i++) {
        uint8_t where = take_u8(in), how = take_u8(in);
        uint64_t entry = (uint64_t)(how % 8) << 12;

        entry |= take_u8(in); /* present, writable, user, ..., size */
        entry |= (how & 0x80) != 0 ? 1ull << 63 : 0;
        entry |= (how & 0x40) != 0 ? take_u64(in) : 0;
        pages[where / 8 % FRAMES][where % 8] = entry;
    }
}

static void only_marks_changed(void)
{
    for (unsigned f = 0; f < FRAMES; f++) {
        for (unsigned i = 0; i < 8; i++) {
            uint64_t diff = pages[f][i] ^ before[f][i];

            /* In 32-bit entries these bits are in either half. */
            MUST((diff & ~0x0000006000000060ull) == 0);
            MUST((diff & ~pages[f][i]) == 0); /* set, never cleared */
        }
    }
}

/* Long mode once more, plainly: the address, or false. */
static bool plain_walk(const struct walk_state *s, uint64_t linear,
                       unsigned access, uint64_t *gpa)
{
    uint64_t at = s->cr3 >> 12 & 0xffffffffffull, entry = 0;
    bool writable = true, user = true, execute = true;
    unsigned shift;

    for (shift = 39;; shift -= 9) {
        if (at >= FRAMES) {
            return false;
        }
        entry = before[at][linear >> shift & 511];
        if ((entry & 1) == 0 ||
            ((entry >> 63) != 0 && (s->efer & X86_EFER_NXE) == 0)) {
            return false;
        }
        writable = writable && (entry & 2) != 0;
        user = user && (entry & 4) != 0;
        execute = execute && (entry >> 63) == 0;
        if (shift == 12 || (shift < 39 && (entry & 0x80) != 0)) {
            break;
        }
        at = entry >> 12 & 0xffffffffffull;
    }
    *gpa = (entry & 0x000ffffffffff000ull) >> shift << shift |
           (linear & ((1ull << shift) - 1));
    if ((access & WALK_USER) != 0 && !user) {
        return false;
    }
    if ((access & (WALK_USER | WALK_FETCH)) == 0 && user &&
        (s->cr4 & X86_CR4_SMAP) != 0 && (s->rflags & X86_FLAGS_AC) == 0) {
        return false;
    }
    if ((access & WALK_WRITE) != 0 && !writable &&
        ((access & WALK_USER) != 0 || (s->cr0 & X86_CR0_WP) != 0)) {
        return false;
    }
    return (access & WALK_FETCH) == 0 || execute;
}

static struct walk_state state_of(struct input *in)
{
    static const uint64_t efer[] = {
        0,
        X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
        X86_EFER_LME | X86_EFER_LMA,
        X86_EFER_NXE,
    };
    uint8_t how = take_u8(in), cr = take_u8(in);
    struct walk_state s = {
        .cr0 = X86_CR0_PE | ((how & 4) != 0 ? 0 : X86_CR0_PG) |
               ((how & 8) != 0 ? X86_CR0_WP : 0),
        .cr3 = (uint64_t)(cr % 8) << 12 | (cr & 0xe0),
        .cr4 = ((how & 16) != 0 ? X86_CR4_PAE : 0) |
               ((how & 32) != 0 ? X86_CR4_SMAP : 0) |
               ((how & 64) != 0 ? X86_CR4_PSE : 0),
        .efer = efer[how % 4],
        .rflags = (how & 128) != 0 ? X86_FLAGS_AC : 0,
        .frame = frame,
        .context = pages,
    };

    if ((s.efer & X86_EFER_LMA) != 0) {
        s.cr4 |= X86_CR4_PAE; /* long mode cannot be without */
        s.cr0 |= X86_CR0_PG;
    }
    return s;
}

static uint64_t address_of(struct input *in)
{
    uint32_t slots = take_u32(in);
    uint64_t linear = slots >> 20;

    /* Three bits of each index, so that the entries are met. */
    for (unsigned level = 0; level < 4; level++) {
        linear |= (uint64_t)(slots >> level * 3 & 7) << (12 + level * 9);
    }
    return (slots & 0x80000) != 0 ? take_u64(in) : linear;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    struct walk_state s = state_of(&in);
    uint64_t linear = address_of(&in), gpa = 0, plain = 0;
    unsigned access = take_u8(&in) & (WALK_WRITE | WALK_USER | WALK_FETCH);
    unsigned fault = 0;
    bool ok, canonical;

    for (unsigned f = 0; f < FRAMES; f++) {
        memset(pages[f], 0, 8 * sizeof(uint64_t));
    }
    fill(&in);
    for (unsigned f = 0; f < FRAMES; f++) {
        memcpy(before[f], pages[f], 8 * sizeof(uint64_t));
    }
    ok = walk_linear(&s, linear, access, &gpa, &fault);
    only_marks_changed();
    canonical = (uint64_t)((int64_t)(linear << 16) >> 16) == linear;
    if ((s.efer & X86_EFER_LMA) != 0 && canonical) {
        MUST(ok == plain_walk(&s, linear, access, &plain));
        MUST(!ok || gpa == plain);
    }
    MUST(ok || (fault & ~(0x1fu)) == 0);
    return 0;
}
