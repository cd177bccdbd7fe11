/* SPDX-License-Identifier: MIT */
/*
 * The emulator on any bytes, from any registers. An instruction it knows takes
 * at most 15 bytes and a few accesses; one it does not know, and one whose
 * access is refused, changes nothing. The same start ends the same.
 */
#include "input.h"

#include "x86/virt/emulate.h"

#define ACCESSES_MAX 4u

struct memory {
    uint8_t seed;
    unsigned reads, writes, refuse; /* the how manieth access fails */
    uint64_t sum;
};

static bool may(struct memory *m, unsigned len)
{
    MUST(len == 1 || len == 2 || len == 4 || len == 8);
    MUST(m->reads + m->writes < ACCESSES_MAX);
    return m->refuse == 0 || m->reads + m->writes + 1 < m->refuse;
}

static bool read_at(struct emulate *e, uint64_t linear, void *to, unsigned len)
{
    struct memory *m = e->context;

    if (!may(m, len)) {
        return false;
    }
    m->reads++;
    for (unsigned i = 0; i < len; i++) {
        ((uint8_t *)to)[i] = (uint8_t)(m->seed * (linear + i + 1));
    }
    return true;
}

static bool write_at(struct emulate *e, uint64_t linear, const void *from,
                     unsigned len)
{
    struct memory *m = e->context;

    if (!may(m, len)) {
        return false;
    }
    m->writes++;
    for (unsigned i = 0; i < len; i++) {
        m->sum = m->sum * 31 + linear + ((const uint8_t *)from)[i];
    }
    return true;
}

static enum emulate_result run(struct emulate *e, struct memory *m)
{
    struct emulate before = *e;
    enum emulate_result result;

    e->context = m;
    before.context = m;
    result = emulate_insn(e);
    MUST(e->bytes == before.bytes && e->nr_bytes == before.nr_bytes);
    if (result != EMULATE_DONE) {
        MUST(memcmp(e->gpr, before.gpr, sizeof(e->gpr)) == 0);
        MUST(e->rip == before.rip && e->rflags == before.rflags);
        MUST(result == EMULATE_UNKNOWN || m->refuse != 0);
    }
    return result;
}

static void check_cr(const uint8_t *bytes, unsigned n, bool wide)
{
    struct insn_prefixes p;
    unsigned cr = 0, gpr = 0, len;
    static const uint8_t vmmcall[] = {0x0f, 0x01, 0xd9};

    if (insn_prefixes(bytes, n, wide, &p)) {
        MUST(p.next < n && p.segment >= -1 && p.segment <= SEG_GS);
    }
    MUST(insn_match(bytes, n, wide, vmmcall, 3) <= n);
    for (unsigned write = 0; write < 2; write++) {
        len = insn_mov_cr(bytes, n, wide, write != 0, &cr, &gpr);
        MUST(len <= n && (len == 0 || (cr < 16 && gpr < 16)));
    }
    len = insn_lmsw(bytes, n, wide, &gpr);
    MUST(len <= n && (len == 0 || gpr < 16));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    struct emulate e = {.read = read_at, .write = write_at}, again;
    struct memory m = {0}, second;
    uint8_t how = take_u8(&in), n = take_u8(&in) % (INSN_MAX + 1);
    uint8_t *bytes = malloc(n + 1u); /* so that its end is guarded */
    enum emulate_result result;

    MUST(bytes != NULL);
    n = (uint8_t)take(&in, bytes, n);
    bytes = realloc(bytes, n != 0 ? n : 1);
    MUST(bytes != NULL);
    e.bytes = bytes;
    e.nr_bytes = n;
    e.wide = (how & 1) != 0;
    e.data32 = e.wide || (how & 2) != 0;
    m.refuse = how / 4 % 4;
    m.seed = take_u8(&in);
    e.rflags = take_u16(&in) | 2u;
    for (unsigned i = 0; i < 16; i++) {
        e.gpr[i] = how & 0x10 ? take_u64(&in) : take_u8(&in);
    }
    e.rip = how & 0x20 ? take_u64(&in) : 0x1000;
    for (unsigned i = 0; i < 6; i++) {
        e.base[i] = how & 0x40 ? take_u32(&in) : 0;
    }
    again = e;
    second = m;
    result = run(&e, &m);
    MUST(run(&again, &second) == result && second.sum == m.sum);
    MUST(memcmp(e.gpr, again.gpr, sizeof(e.gpr)) == 0);
    MUST(e.rip == again.rip && e.rflags == again.rflags);
    check_cr(bytes, n, e.wide);
    free(bytes);
    return 0;
}
