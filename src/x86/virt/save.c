/* SPDX-License-Identifier: MIT */
/*
 * The record of a stopped domain (schedop/save.h): written for the host tool,
 * and read to build a domain that goes on where the other one stopped.
 *
 * Memory is not in it, only where it lies: the tool copies it from RAM and to
 * RAM. Shared info and grant frames count as memory of their contents, as on
 * Xen, where a restored domain finds them as ordinary pages until it maps the
 * real ones again. The rings of console and xenstore and the ACPI tables are
 * the new domain's own.
 *
 * A record is read from memory that the tool may write to at any time, so
 * each part is copied before it is looked at; what was counted in one pass is
 * a limit in the next.
 */
#include "domain.h"

#include <schedop/save.h>

#include <xen/errno.h>
#include <xen/hvm/params.h>

/* Those that libxc saves, and a PVH domain may set. */
static const uint32_t params[SCHEDOP_STATE_PARAMS] = {
    HVM_PARAM_VM86_TSS_SIZED,
    HVM_PARAM_VM_GENERATION_ID_ADDR,
    HVM_PARAM_X87_FIP_WIDTH,
    HVM_PARAM_IDENT_PT,
};

/* -------------------------------------------------------------------- runs */

static bool is_renewed(const struct x86_domain *d, uint64_t pa)
{
    const void *const page[] = {d->console, d->xenstore, d->acpi};

    for (unsigned i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
        if (page[i] && hv_pa(page[i]) == pa) {
            return true;
        }
    }
    return false;
}

/*
 * The first run at or above `*gfn`, which moves behind it, of `all` memory or
 * of what is not renewed. d->lock held.
 */
static bool next_run(const struct x86_domain *d, bool all, uint64_t *gfn,
                     struct schedop_state_run *run)
{
    *run = (struct schedop_state_run){0};
    while (*gfn <= d->gfn_max) {
        enum p2m_type type;
        uint64_t pa, span = p2m_span(d, *gfn, &type, &pa);
        bool counts = type != P2M_NONE && (all || !is_renewed(d, pa));

        if (run->frames > 0 &&
            (!counts || pa != run->pa + run->frames * PAGE_SIZE)) {
            return true;
        }
        if (counts && run->frames == 0) {
            run->gfn = *gfn;
            run->pa = pa;
        }
        run->frames += counts ? span : 0;
        *gfn += span;
    }
    return run->frames > 0;
}

static uint64_t count_runs(struct x86_domain *d, bool all)
{
    struct schedop_state_run run;
    uint64_t gfn = 0, n = 0;

    x86_lock(&d->lock);
    while (next_run(d, all, &gfn, &run)) {
        n++;
    }
    x86_unlock(&d->lock);
    return n;
}

/* -------------------------------------------------------------------- save */

static uint64_t vcpus_at(void)
{
    return (sizeof(struct schedop_state) + 7) & ~7ull;
}

static uint64_t runs_at(unsigned nr_vcpus)
{
    return vcpus_at() + nr_vcpus * sizeof(struct schedop_state_vcpu);
}

uint64_t domain_save_bytes(struct x86_domain *d, bool all)
{
    return runs_at(d->nr_vcpus) +
           count_runs(d, all) * sizeof(struct schedop_state_run);
}

void domain_save(struct sop_pcpu *self, struct x86_domain *d, bool all,
                 void *record)
{
    struct schedop_state head = {
        .magic = SCHEDOP_STATE_MAGIC,
        .version = SCHEDOP_STATE_VERSION,
        .nr_vcpus = d->nr_vcpus,
        .vcpu_bytes = sizeof(struct schedop_state_vcpu),
        .memory = (uint64_t)d->spec->memory_mib << 20,
        .vcpus = vcpus_at(),
        .runs = runs_at(d->nr_vcpus),
    };
    struct schedop_state_vcpu *vcpu = (void *)((uint8_t *)record + head.vcpus);
    struct schedop_state_run *run = (void *)((uint8_t *)record + head.runs);
    uint64_t gfn = 0;

    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        save_vcpu(self, d->vcpu[i], &vcpu[i]);
    }
    x86_lock(&d->lock);
    while (next_run(d, all, &gfn, &run[head.nr_runs])) {
        head.nr_runs++;
    }
    x86_unlock(&d->lock);
    for (unsigned i = 0; i < SCHEDOP_STATE_PARAMS; i++) {
        (void)sop_domain_get_param(d->sop, params[i], &head.param[i]);
    }
    head.bytes = head.runs + head.nr_runs * sizeof(*run);
    __builtin_memcpy(record, &head, sizeof(head));
}

/* ------------------------------------------------------------------- check */

static struct schedop_state head_of(const struct save_area *r)
{
    struct schedop_state head;

    __builtin_memcpy(&head, r->bytes, sizeof(head));
    return head;
}

const char *save_check(const struct save_area *r, unsigned nr_vcpus)
{
    struct schedop_state head;

    if (r->size < sizeof(head)) {
        return "its record is too short";
    }
    head = head_of(r);
    if (head.magic != SCHEDOP_STATE_MAGIC ||
        head.version != SCHEDOP_STATE_VERSION ||
        head.vcpu_bytes != sizeof(struct schedop_state_vcpu)) {
        return "its record is not of this version";
    }
    if (head.nr_vcpus != nr_vcpus || head.vcpus != vcpus_at() ||
        head.runs != runs_at(nr_vcpus) || head.runs > r->size ||
        head.nr_runs >
            (r->size - head.runs) / sizeof(struct schedop_state_run)) {
        return "its record makes no sense";
    }
    return NULL;
}

uint64_t save_frames(const struct save_area *r)
{
    const struct schedop_state head = head_of(r);
    uint64_t frames = 0;

    for (uint64_t i = 0; i < head.nr_runs; i++) {
        struct schedop_state_run run;

        __builtin_memcpy(&run,
                         (uint8_t *)r->bytes + head.runs + i * sizeof(run),
                         sizeof(run));
        if (run.frames > 1ull << GPA_BITS || frames > 1ull << GPA_BITS) {
            return UINT64_MAX;
        }
        frames += run.frames;
    }
    return frames;
}

/* --------------------------------------------------------------------- map */

/*
 * Blocks of 2 MiB go first, to whole blocks of RAM, so that they are mapped
 * by one entry each; the rest fills what is left, page by page.
 */
struct mapper {
    struct x86_domain *d;
    unsigned chunk; /* RAM is given out from the front: the place */
    uint64_t used;  /* bytes of that chunk */
    struct schedop_state_run *out;
    uint64_t nr, max; /* of out */
    const char *why;
};

static uint64_t frames_left(struct mapper *m)
{
    const struct x86_domain *d = m->d;

    while (m->chunk < d->nr_chunks && m->used == d->chunk[m->chunk].bytes) {
        m->chunk++;
        m->used = 0;
    }
    return m->chunk < d->nr_chunks
               ? (d->chunk[m->chunk].bytes - m->used) / PAGE_SIZE
               : 0;
}

/* The next frames, which lie in one piece: at most frames_left(). */
static uint64_t take(struct mapper *m, uint64_t frames)
{
    uint64_t pa = m->d->chunk[m->chunk].pa + m->used;

    m->used += frames * PAGE_SIZE;
    return pa;
}

/* Tells the tool, in as few runs as it takes. */
static void emit(struct mapper *m, struct schedop_state_run run)
{
    struct schedop_state_run *last = m->nr > 0 ? &m->out[m->nr - 1] : NULL;

    if (last && last->gfn + last->frames == run.gfn &&
        last->pa + last->frames * PAGE_SIZE == run.pa) {
        last->frames += run.frames;
    } else if (m->out && m->nr < m->max) {
        m->out[m->nr++] = run;
    } else {
        m->why = "there is no room for where its memory lies";
    }
}

static void map_frames(struct mapper *m, uint64_t gfn, uint64_t frames)
{
    uint64_t pa = take(m, frames), there;

    for (uint64_t i = 0; i < frames; i++) {
        if (p2m_lookup(m->d, gfn + i, &there) != P2M_NONE) {
            m->why = "it has memory twice at one address";
            return;
        }
    }
    if (p2m_map_range(m->d, gfn, pa, frames) != 0) {
        m->why = "no memory for page tables";
        return;
    }
    emit(m, (struct schedop_state_run){gfn, frames, pa});
}

static bool is_block(uint64_t gfn, uint64_t frames)
{
    return gfn % FRAMES_2M == 0 && frames == FRAMES_2M;
}

/* A part of a run that does not cross a 2 MiB boundary. */
static void map_part(struct mapper *m, uint64_t gfn, uint64_t frames,
                     bool blocks)
{
    uint64_t pa;

    if (blocks) {
        if (is_block(gfn, frames) && frames_left(m) >= FRAMES_2M) {
            map_frames(m, gfn, frames);
        }
        return;
    }
    if (is_block(gfn, frames) && p2m_lookup(m->d, gfn, &pa) != P2M_NONE) {
        return; /* done before */
    }
    while (frames > 0 && m->why == NULL) {
        uint64_t n = frames_left(m) < frames ? frames_left(m) : frames;

        if (n == 0) {
            m->why = "it has more memory than it may have";
            return;
        }
        map_frames(m, gfn, n);
        gfn += n;
        frames -= n;
    }
}

static void map_run(struct mapper *m, struct schedop_state_run run, bool blocks)
{
    uint64_t limit = 1ull << (GPA_BITS - PAGE_SHIFT);

    if (run.frames == 0 || run.gfn >= limit || run.frames > limit - run.gfn) {
        m->why = "its memory makes no sense";
    }
    while (run.frames > 0 && m->why == NULL) {
        uint64_t part = FRAMES_2M - run.gfn % FRAMES_2M;

        part = part < run.frames ? part : run.frames;
        map_part(m, run.gfn, part, blocks);
        run.gfn += part;
        run.frames -= part;
    }
}

/* What nobody has is free, as in a domain whose balloon went down. */
static void free_rest(struct mapper *m)
{
    m->d->frames_now = m->d->frames_max;
    while (frames_left(m) > 0) {
        frame_put_locked(m->d, take(m, 1));
    }
}

const char *save_map(const struct save_area *r, struct x86_domain *d)
{
    struct schedop_state head = head_of(r);
    struct mapper m = {.d = d};
    uint64_t in_end;

    if (!r->bytes || head.runs > r->size ||
        head.nr_runs > (r->size - head.runs) / sizeof(*m.out)) {
        return "its record changed under our hands";
    }
    in_end = head.runs + head.nr_runs * sizeof(*m.out);
    m.out = (void *)((uint8_t *)r->bytes + in_end);
    m.max = (r->size - in_end) / sizeof(*m.out);
    x86_lock(&d->lock);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < head.nr_runs && m.why == NULL; i++) {
            struct schedop_state_run run;

            __builtin_memcpy(&run,
                             (uint8_t *)r->bytes + head.runs + i * sizeof(run),
                             sizeof(run));
            map_run(&m, run, pass == 0);
        }
    }
    if (m.why == NULL) {
        free_rest(&m);
    }
    x86_unlock(&d->lock);
    head.runs = in_end;
    head.nr_runs = m.nr;
    __builtin_memcpy(r->bytes, &head, sizeof(head));
    return m.why;
}

/* ------------------------------------------------------------------- vCPUs */

typedef const char *vcpu_fn(struct x86_vcpu *v,
                            const struct schedop_state_vcpu *state);

static const char *each_vcpu(const struct save_area *r, struct x86_domain *d,
                             vcpu_fn *act)
{
    struct schedop_state_vcpu *copy = hv_alloc(sizeof(*copy));
    const uint8_t *at = (const uint8_t *)r->bytes + vcpus_at();
    const char *why = copy ? NULL : "no memory to read its vCPUs";

    for (unsigned i = 0; i < d->nr_vcpus && why == NULL; i++) {
        __builtin_memcpy(copy, at + i * sizeof(*copy), sizeof(*copy));
        why = act(d->vcpu[i], copy);
    }
    hv_free(copy, sizeof(*copy));
    return why;
}

const char *save_load_vcpus(const struct save_area *r, struct x86_domain *d)
{
    return each_vcpu(r, d, load_vcpu);
}

static const char *start(struct x86_vcpu *v,
                         const struct schedop_state_vcpu *state)
{
    struct sop_pcpu *self = x86_self()->sop;
    sop_cpumask_t hard = state->hard, soft = state->soft;

    if (hard != 0 && sop_vcpu_set_affinity(
                         self, v->sop, SOP_AFFINITY_HARD | SOP_AFFINITY_SOFT,
                         &hard, &soft) != 0) {
        return "it is bound to pCPUs that this machine has not";
    }
    if (v->initialised && v->id != 0) {
        (void)sop_vcpu_set_initialised(v->sop); /* it is new: cannot fail */
    }
    if ((state->flags & SCHEDOP_STATE_UP) && v->id != 0 &&
        sop_vcpu_up(self, v->sop) != 0) {
        return "a vCPU is up that was never started";
    }
    if (v->lapic.timer_due_ns != SCHEDOP_STATE_NO_TIMER) {
        sop_vcpu_timer_set(self, v->sop, v->lapic.timer_due_ns);
    }
    return NULL;
}

/* The first vCPU of a new domain is up. */
static const char *stop(struct x86_vcpu *v,
                        const struct schedop_state_vcpu *state)
{
    struct sop_domain_info info;

    if (v->id != 0 || (state->flags & SCHEDOP_STATE_UP)) {
        return NULL;
    }
    sop_domain_info(v->domain->sop, time_now(), &info);
    if (info.nr_online < 2) {
        return "none of its vCPUs is up";
    }
    sop_vcpu_down(x86_self()->sop, v->sop);
    return NULL;
}

const char *save_start_vcpus(const struct save_area *r, struct x86_domain *d)
{
    const char *why = each_vcpu(r, d, start);
    struct schedop_state head = head_of(r);

    for (unsigned i = 0; i < SCHEDOP_STATE_PARAMS && why == NULL; i++) {
        (void)sop_domain_set_param(d->sop, params[i], head.param[i]);
    }
    return why != NULL ? why : each_vcpu(r, d, stop);
}
