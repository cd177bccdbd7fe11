/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op, runstates, and time as a guest has it (spec 2.3, 2.4, 4.6, 5;
 * facts 83, 110 to 123).
 */
#include "core_fake.h"

#define AREA (MEM_BASE + 3 * FAKE_PAGE + 4)
#define CTX (MEM_BASE + 4 * FAKE_PAGE)

/* ---- life cycle ---- */

/* Fact 114: the vCPU before the operation, the operation before its operand. */
static void order(void **state)
{
    static const int with_operand[] = {
        VCPUOP_initialise,
        VCPUOP_get_runstate_info,
        VCPUOP_register_runstate_memory_area,
        VCPUOP_set_periodic_timer,
        VCPUOP_set_singleshot_timer,
        VCPUOP_register_vcpu_info,
        VCPUOP_register_vcpu_time_memory_area,
    };
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    unsigned i;

    (void)state;
    assert_rc(vcpu_call(w, d, 0, 99, 2, HOLE), ENOENT);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_up, 2, HOLE), ENOENT);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_up, 0xffffffff, HOLE), ENOENT);
    assert_rc(vcpu_call(w, d, 0, 14, 0, HOLE), ENOSYS);
    assert_rc(vcpu_call(w, d, 0, 15, 1, HOLE), ENOSYS);
    assert_rc(vcpu_call(w, d, 0, -1, 0, HOLE), ENOSYS);
    for (i = 0; i < ARRAY_SIZE(with_operand); i++) {
        assert_rc(vcpu_call(w, d, 0, with_operand[i], 0, HOLE), EFAULT);
        assert_rc(call32(w, d, 0, 24, (uint64_t)with_operand[i], 0, HOLE),
                  EFAULT);
    }
    assert_rc(vcpu_call(w, d, 0, VCPUOP_send_nmi, 0, HOLE), EINVAL);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_get_physid, 0, 0), EINVAL);
    world_free(w);
}

/* Facts 112, 113. */
static void initialise(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 3, false);

    (void)state;
    assert_rc(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), EINVAL);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 1, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_is_up, 1, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_is_up, 0, 0), 1);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_initialise, 1, 0), EFAULT);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_initialise, 0, 0), EFAULT);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_initialise, 0, CTX), EEXIST);
    d->vcpu[1].load_result = -XEN_EINVAL;
    assert_rc(vcpu_call(w, d, 0, VCPUOP_initialise, 1, CTX), EINVAL);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), EINVAL);
    d->vcpu[1].load_result = 0;
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_initialise, 1, CTX), 0);
    assert_int_equal(d->vcpu[1].loads, 2);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_initialise, 1, CTX), EEXIST);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_is_up, 1, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), 0);
    assert_true(is_running(d, 1));
    /* By INIT and SIPI. */
    assert_int_equal(sop_vcpu_set_initialised(d->vcpu[2].v), 0);
    assert_rc(sop_vcpu_set_initialised(d->vcpu[2].v), EEXIST);
    assert_false(sop_vcpu_is_up(d->vcpu[2].v));
    assert_int_equal(sop_vcpu_up(w->p[0], d->vcpu[2].v), 0);
    assert_true(sop_vcpu_is_up(d->vcpu[2].v));
    world_free(w);
}

static struct fake_domain *load_domain;

static void meddle(struct world *w)
{
    struct sop_call up = {.nr = 24, .arg = {VCPUOP_up, 2}, .wide = true};
    struct sop_call init = {
        .nr = 24, .arg = {VCPUOP_initialise, 2, CTX}, .wide = true};

    (void)w;
    assert_int_equal(call_raw(w, load_domain, 1, &up), SOP_CALL_DONE);
    assert_rc(up.result, EINVAL);
    assert_int_equal(call_raw(w, load_domain, 1, &init), SOP_CALL_DONE);
    assert_rc(init.result, EEXIST);
    assert_rc(sop_vcpu_set_initialised(load_domain->vcpu[2].v), EEXIST);
}

/* A vCPU that is being loaded cannot be started, nor loaded again. */
static void half_initialised(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 3, false);

    (void)state;
    bring_up(w, d, 1);
    load_domain = d;
    w->in_load = meddle;
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_initialise, 2, CTX), 0);
    assert_true(w->in_load == NULL);
    assert_int_equal(d->vcpu[2].loads, 1);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 2, 0), 0);
    world_free(w);
}

/* A context is as long as its kind of guest says. */
static void context_sizes(void **state)
{
    static const uint8_t context[sizeof(struct vcpu_guest_context)];
    static const struct {
        enum sop_guest_kind kind;
        size_t size;
    } table[] = {{SOP_GUEST_HVM, 128},
                 {SOP_GUEST_PV, sizeof(struct vcpu_guest_context)}};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(table); i++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 1, table[i].kind, 2, false);
        uint64_t end = MEM_BASE + 8 * FAKE_PAGE;

        d->hole[8] = true;
        put_at(d, end - table[i].size, context, table[i].size);
        assert_rc(
            vcpu_call(w, d, 0, VCPUOP_initialise, 1, end - table[i].size + 1),
            EFAULT);
        assert_int_equal(
            vcpu_call(w, d, 0, VCPUOP_initialise, 1, end - table[i].size), 0);
        world_free(w);
    }
}

/* Fact 83. */
static void down(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);

    (void)state;
    bring_up(w, d, 1);
    assert_int_equal(vcpu_call(w, d, 1, VCPUOP_down, 1, 0), 0); /* itself */
    assert_false(is_running(d, 1));
    assert_int_equal(runstate(d, 1), RUNSTATE_offline);
    assert_int_equal(d->changed, 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 1, 0), 0); /* again */
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), 0);
    assert_true(is_running(d, 1));
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 1, 0), 0); /* another */
    assert_false(is_running(d, 1));
    /* The last one: power off, and it is not marked down. */
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 0, 0), 0);
    assert_int_equal(code_of(d), SHUTDOWN_poweroff);
    assert_int_equal(d->changed, 1);
    assert_true(sop_vcpu_is_up(d->vcpu[0].v));
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* A debugger's pause is one more, of one vCPU: a shutdown keeps its own. */
static void paused_alone(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);

    (void)state;
    bring_up(w, d, 1);
    sop_vcpu_pause(w->p[0], d->vcpu[1].v);
    world_settle(w);
    assert_false(is_running(d, 1));
    assert_true(is_running(d, 0));
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_false(is_running(d, 1));
    assert_true(is_running(d, 0));
    sop_domain_shutdown(w->p[0], d->d, SHUTDOWN_suspend);
    sop_vcpu_unpause(w->p[0], d->vcpu[1].v);
    world_settle(w);
    assert_false(is_running(d, 1)); /* shut down it stays */
    sop_vcpu_pause(w->p[0], d->vcpu[0].v);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    assert_true(is_running(d, 1));
    assert_false(is_running(d, 0));
    sop_vcpu_unpause(w->p[0], d->vcpu[0].v);
    world_settle(w);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* ---- runstates ---- */

static uint64_t time_in(struct fake_domain *d, unsigned n, int state)
{
    struct vcpu_runstate_info info;

    runstate_get(d->vcpu[n].v, fake_world->now, &info);
    return info.time[state];
}

/* Fact 110, 111. The sum is checked by sop_check() at every step. */
static void runstates(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, false);
    struct fake_domain *other;

    (void)state;
    assert_int_equal(runstate(d, 1), RUNSTATE_offline);
    assert_int_equal(runstate(d, 0), RUNSTATE_running);
    world_advance(w, 5 * MS);
    assert_int_equal(time_in(d, 0, RUNSTATE_running), 5 * MS);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 7 * MS), 0);
    assert_int_equal(runstate(d, 0), RUNSTATE_blocked);
    world_advance(w, 7 * MS);
    assert_int_equal(runstate(d, 0), RUNSTATE_running);
    assert_int_equal(time_in(d, 0, RUNSTATE_blocked), 7 * MS);
    other = world_domain(w, 2, SOP_GUEST_PV, 1, false);
    assert_int_equal(sop_domain_pause(w->p[0], other->d), 0);
    world_settle(w);
    assert_int_equal(runstate(other, 0), RUNSTATE_offline);
    assert_int_equal(sop_domain_unpause(w->p[0], other->d), 0);
    world_settle(w);
    if (is_running(d, 0)) {
        assert_int_equal(runstate(other, 0), RUNSTATE_runnable);
        assert_int_equal(sched(w, d, 0, SCHEDOP_yield, NULL, 0), 0);
    }
    assert_int_equal(runstate(d, 0), RUNSTATE_runnable);
    /* Made non-runnable while queued. */
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    assert_int_equal(runstate(d, 0), RUNSTATE_offline);
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    assert_int_equal(runstate(d, 0), RUNSTATE_runnable);
    world_free(w);
}

/* Operation 4, for any own vCPU and in both layouts. */
static void get_runstate(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct vcpu_runstate_info wide;
    struct vcpu_runstate_info32 narrow;
    uint64_t start = w->now;

    (void)state;
    world_advance(w, 3 * MS);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_get_runstate_info, 0, AREA), 0);
    get_at(d, AREA, &wide, sizeof(wide));
    assert_int_equal(wide.state, RUNSTATE_running);
    assert_int_equal(wide.state_entry_time, start);
    assert_int_equal(wide.time[0], 3 * MS);
    memset(&d->mem[AREA - MEM_BASE], 0xee, 64);
    assert_int_equal(call32(w, d, 0, 24, VCPUOP_get_runstate_info, 1, AREA), 0);
    get_at(d, AREA, &narrow, sizeof(narrow));
    assert_int_equal(narrow.state, RUNSTATE_offline);
    assert_int_equal(narrow.time[3], 3 * MS);
    assert_int_equal(d->mem[AREA - MEM_BASE + 44], 0xee);
    world_free(w);
}

/* Operation 5: written at registration and whenever scheduled in. */
static void runstate_area(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint64_t area = AREA, hole = HOLE, none = 0;
    struct vcpu_runstate_info info;
    uint64_t woken;

    (void)state;
    world_advance(w, MS);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_register_runstate_memory_area, 0,
                               put(d, &area, 8)),
                     0);
    get_at(d, AREA, &info, sizeof(info));
    assert_int_equal(info.state, RUNSTATE_running);
    assert_int_equal(info.time[0], 0); /* as of the last change */
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 4 * MS), 0);
    get_at(d, AREA, &info, sizeof(info));
    assert_int_equal(info.state, RUNSTATE_blocked);
    woken = w->now + 4 * MS;
    world_advance(w, 5 * MS);
    get_at(d, AREA, &info, sizeof(info));
    assert_int_equal(info.state, RUNSTATE_running);
    assert_int_equal(info.state_entry_time, woken);
    assert_int_equal(info.time[0], MS);
    assert_int_equal(info.time[2], 4 * MS);

    /* Nothing behind it: accepted, lost; 0 cancels. */
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_register_runstate_memory_area, 0,
                               put(d, &hole, 8)),
                     0);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 1), 0);
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_register_runstate_memory_area, 0,
                               put(d, &none, 8)),
                     0);
    assert_int_equal(d->vcpu[0].v->runstate_area, 0);
    world_free(w);
}

/* A PV guest may not name the hypervisor's range. */
static void runstate_area_pv(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    uint64_t bad = XEN_RANGE, hole = HOLE;

    (void)state;
    assert_rc(vcpu_call(w, d, 0, VCPUOP_register_runstate_memory_area, 0,
                        put(d, &bad, 8)),
              EFAULT);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_register_vcpu_time_memory_area, 0,
                        put(d, &bad, 8)),
              EFAULT);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_register_runstate_memory_area, 0,
                               put(d, &hole, 8)),
                     0);
    world_free(w);
}

/* The narrow layout follows the latch; the registration, the caller. */
static void runstate_area_narrow(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t area = AREA, at = MEM_END - sizeof(area); /* nothing behind */
    struct vcpu_runstate_info32 info;

    (void)state;
    sop_domain_latch_width(d->d, false);
    put_at(d, at, &area, sizeof(area));
    assert_rc(
        call32(w, d, 0, 24, VCPUOP_register_runstate_memory_area, 0, at + 1),
        EFAULT);
    assert_int_equal(
        call32(w, d, 0, 24, VCPUOP_register_runstate_memory_area, 0, at), 0);
    assert_int_equal(d->vcpu[0].v->runstate_area, AREA);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + MS), 0);
    world_advance(w, MS);
    get_at(d, AREA, &info, sizeof(info));
    assert_int_equal(info.state, RUNSTATE_running);
    assert_int_equal(info.state_entry_time, w->now);
    assert_int_equal(info.time[2], MS);
    world_free(w);
}

/* vm_assist type 5: bit 63 marks an update, and is gone after it. */
static void update_flag(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint64_t area = AREA, entry;

    (void)state;
    assert_int_equal(call(w, d, 0, 21, VMASST_CMD_enable,
                          VMASST_TYPE_runstate_update_flag, 0),
                     0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_register_runstate_memory_area, 0,
                               put(d, &area, 8)),
                     0);
    w->outs = 0;
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + MS), 0);
    assert_int_equal(w->outs, 3);
    assert_int_equal(w->out[0].addr, AREA + 8);
    assert_int_equal(w->out[0].head, w->now | (uint64_t)1 << 63);
    assert_int_equal(w->out[1].addr, AREA);
    assert_int_equal(w->out[2].addr, AREA + 8);
    assert_int_equal(w->out[2].head, w->now);
    world_advance(w, MS);
    get_at(d, AREA + 8, &entry, 8);
    assert_int_equal(entry, w->now);
    assert_int_equal(w->outs, 6);
    assert_int_equal(call(w, d, 0, 21, VMASST_CMD_disable,
                          VMASST_TYPE_runstate_update_flag, 0),
                     0);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + MS), 0);
    assert_int_equal(w->outs, 7);
    world_free(w);
}

/* ---- the time record ---- */

static void time_record(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct shared_info *s = (void *)d->shared;
    struct vcpu_time_info t;
    uint64_t area = AREA;
    unsigned i;

    (void)state;
    for (i = 0; i < 2; i++) {
        assert_int_equal(s->vcpu_info[i].time.version & 1, 0);
        assert_int_equal(s->vcpu_info[i].time.tsc_timestamp, 5);
        assert_int_equal(s->vcpu_info[i].time.system_time, 7);
        assert_int_equal(s->vcpu_info[i].time.tsc_to_system_mul, 0x80000000u);
        assert_int_equal(s->vcpu_info[i].time.tsc_shift, 1);
        assert_int_equal(s->vcpu_info[i].time.flags, 1);
    }
    /* A guest that spoils its record gets a new one when it next runs. */
    memset(&s->vcpu_info[0].time, 0xff, sizeof(t));
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 1), 0);
    world_advance(w, 1);
    assert_int_equal(s->vcpu_info[0].time.version & 1, 0);
    assert_int_equal(s->vcpu_info[0].time.system_time, 7);
    /* A copy where the guest wants it (operation 13). */
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_register_vcpu_time_memory_area,
                               0, put(d, &area, 8)),
                     0);
    get_at(d, AREA, &t, sizeof(t));
    assert_int_equal(t.tsc_to_system_mul, 0x80000000u);
    memset(&d->mem[AREA - MEM_BASE], 0, sizeof(t));
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 1), 0);
    world_advance(w, 1);
    get_at(d, AREA, &t, sizeof(t));
    assert_int_equal(t.tsc_timestamp, 5);
    world_free(w);
}

/* ---- moving vcpu_info: facts 116, 117 ---- */

static int64_t move(struct world *w, struct fake_domain *d, unsigned target,
                    uint64_t mfn, uint32_t offset)
{
    struct vcpu_register_vcpu_info op = {.mfn = mfn, .offset = offset};

    return vcpu_call(w, d, 0, VCPUOP_register_vcpu_info, target,
                     put(d, &op, sizeof(op)));
}

static void register_info(void **state)
{
    const uint64_t frame = MEM_BASE / FAKE_PAGE + 5;
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 3, false);
    uint32_t port = bind_ipi(w, d, 0, 0);
    uint8_t *at = &d->mem[5 * FAKE_PAGE];

    (void)state;
    assert_rc(move(w, d, 0, frame, 4033), ENXIO);
    assert_rc(move(w, d, 0, frame, 4096), ENXIO);
    assert_rc(move(w, d, 0, frame, UINT32_MAX), ENXIO);
    assert_rc(move(w, d, 0, frame, 4), ENXIO);
    assert_rc(move(w, d, 0, 0xffffff, 4), ENXIO); /* before the frame */
    assert_rc(move(w, d, 0, 0xffffff, 0), EINVAL);
    consume(d, 0);
    assert_int_equal(move(w, d, 0, frame, 4032), 0);
    assert_ptr_equal(d->vcpu[0].v->info, at + 4032);
    assert_int_equal(at[4032], 1);
    assert_int_equal(at[4033], 1); /* the mask came along */
    assert_int_equal(selector(d, 0), UINT64_MAX);
    assert_int_equal(
        ((struct vcpu_info *)(void *)(at + 4032))->time.system_time, 7);
    assert_rc(move(w, d, 0, frame, 0), EINVAL);
    assert_rc(move(w, d, 0, frame, 4033), ENXIO);
    consume(d, 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(at[4032], 1);
    assert_int_equal(d->shared[0], 0); /* the old place is dead */
    /* Another vCPU: only while it is down. */
    assert_int_equal(move(w, d, 1, frame, 64), 0);
    bring_up(w, d, 2);
    assert_rc(move(w, d, 2, frame, 128), EINVAL);
    world_free(w);
}

/* Alignment by the latched word size. */
static void register_info_narrow(void **state)
{
    const uint64_t frame = MEM_BASE / FAKE_PAGE + 5;
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t port = bind_ipi(w, d, 0, 0);

    (void)state;
    sop_domain_latch_width(d->d, false);
    assert_rc(move(w, d, 0, frame, 2), ENXIO);
    assert_int_equal(move(w, d, 0, frame, 4), 0);
    assert_int_equal(selector(d, 0), UINT32_MAX);
    consume(d, 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(selector(d, 0), 1);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 1), 0);
    world_advance(w, 1); /* scheduled in with a misaligned record */
    assert_true(is_running(d, 0));
    world_free(w);
}

/* ---- timers ---- */

static int64_t singleshot(struct world *w, struct fake_domain *d,
                          unsigned target, uint64_t at, uint32_t flags)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = at,
                                           .flags = flags};

    return vcpu_call(w, d, 0, VCPUOP_set_singleshot_timer, target,
                     put(d, &op, sizeof(op)));
}

static int64_t set_timer(struct world *w, struct fake_domain *d, uint64_t at)
{
    return call(w, d, 0, __HYPERVISOR_set_timer_op, at, 0, 0);
}

/* Waits `ns`; returns whether the timer port went pending meanwhile. */
static bool fired(struct world *w, struct fake_domain *d, uint32_t port,
                  uint64_t ns)
{
    bool was;

    world_advance(w, ns);
    was = pending(d, port);
    consume(d, 0);
    clear_pending(d, port);
    return was;
}

/* Fact 118. */
static void set_timer_op(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);
    const uint64_t far = (uint64_t)1 << 50;
    const uint64_t odd[] = {(uint64_t)-5, (uint64_t)1 << 62, INT64_MAX,
                            w->now + far + SEC};
    unsigned i;

    (void)state;
    assert_int_equal(set_timer(w, d, w->now + MS), 0);
    assert_false(fired(w, d, port, MS - 1));
    assert_true(fired(w, d, port, 1));
    assert_int_equal(set_timer(w, d, w->now + MS), 0);
    assert_int_equal(set_timer(w, d, 0), 0);
    assert_false(fired(w, d, port, 10 * MS));
    assert_int_equal(set_timer(w, d, 1), 0);
    assert_true(fired(w, d, port, 0));
    for (i = 0; i < ARRAY_SIZE(odd); i++) {
        assert_int_equal(set_timer(w, d, odd[i]), 0);
        assert_false(fired(w, d, port, 100 * MS - 1));
        assert_true(fired(w, d, port, 1));
    }
    assert_int_equal(set_timer(w, d, w->now + far), 0);
    assert_true(fired(w, d, port, 100 * MS));
    /* A little less far is taken as it is given. */
    assert_int_equal(set_timer(w, d, w->now + far - SEC), 0);
    assert_false(fired(w, d, port, SEC));
    assert_int_equal(d->vcpu[0].v->singleshot.node.key,
                     w->now + far - 2ull * SEC);
    /* 32-bit: low word, high word. */
    i = (uint32_t)(w->now + MS);
    assert_int_equal(
        call32(w, d, 0, __HYPERVISOR_set_timer_op, i, (w->now + MS) >> 32, 0),
        0);
    assert_false(fired(w, d, port, MS - 1));
    assert_true(fired(w, d, port, 1));
    world_free(w);
}

/* Facts 119, 120. */
static void singleshot_op(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);
    struct vcpu_set_singleshot_timer op;

    (void)state;
    assert_rc(vcpu_call(w, d, 0, VCPUOP_set_singleshot_timer, 1, HOLE), EINVAL);
    assert_rc(vcpu_call(w, d, 0, VCPUOP_stop_singleshot_timer, 1, 0), EINVAL);
    assert_int_equal(singleshot(w, d, 0, w->now + MS, 0), 0);
    assert_false(fired(w, d, port, MS - 1));
    assert_true(fired(w, d, port, 1));
    assert_int_equal(singleshot(w, d, 0, w->now - 1, UINT32_MAX), 0);
    assert_true(fired(w, d, port, 0));
    assert_int_equal(singleshot(w, d, 0, (uint64_t)1 << 63, 0), 0);
    assert_true(fired(w, d, port, 0));
    assert_int_equal(singleshot(w, d, 0, UINT64_MAX, 0), 0);
    assert_true(fired(w, d, port, 0));
    /* Due now is past, too: the event is there when the call returns. */
    assert_int_equal(singleshot(w, d, 0, w->now, 0), 0);
    assert_true(pending(d, port));
    assert_true(fired(w, d, port, 0));
    /* One timer behind both interfaces: the last setting wins. */
    assert_int_equal(singleshot(w, d, 0, w->now + MS, 0), 0);
    assert_int_equal(set_timer(w, d, w->now + 5 * MS), 0);
    assert_false(fired(w, d, port, 4 * MS));
    assert_true(fired(w, d, port, MS));
    assert_int_equal(set_timer(w, d, w->now + MS), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_stop_singleshot_timer, 0, 0), 0);
    assert_false(fired(w, d, port, 10 * MS));
    /* A past time cancels what was set. */
    assert_int_equal(set_timer(w, d, w->now + MS), 0);
    assert_int_equal(singleshot(w, d, 0, 1, 0), 0);
    assert_true(fired(w, d, port, 0));
    assert_false(fired(w, d, port, 10 * MS));
    /* 32-bit callers give 12 bytes. */
    op = (struct vcpu_set_singleshot_timer){.timeout_abs_ns = w->now + MS};
    assert_int_equal(call32(w, d, 0, 24, VCPUOP_set_singleshot_timer, 0,
                            put_torn(d, &op, 12, 0)),
                     0);
    assert_rc(call(w, d, 0, 24, VCPUOP_set_singleshot_timer, 0,
                   put_torn(d, &op, 12, 0)),
              EFAULT);
    assert_true(fired(w, d, port, MS));
    /* Unbound: nothing is remembered. */
    assert_int_equal(evtchn_op(w, d, 0, EVTCHNOP_close,
                               &(struct evtchn_close){.port = port}, 4),
                     0);
    assert_int_equal(singleshot(w, d, 0, 1, 0), 0);
    port = bind_virq(w, d, 0, VIRQ_TIMER, 0);
    assert_false(fired(w, d, port, MS));
    world_free(w);
}

static int64_t periodic(struct world *w, struct fake_domain *d, unsigned target,
                        uint64_t period)
{
    struct vcpu_set_periodic_timer op = {.period_ns = period};

    return vcpu_call(w, d, 0, VCPUOP_set_periodic_timer, target,
                     put(d, &op, sizeof(op)));
}

/* Fact 121. */
static void periodic_limits(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);
    unsigned i;

    (void)state;
    assert_rc(periodic(w, d, 0, 0), EINVAL);
    assert_rc(periodic(w, d, 0, 999999), EINVAL);
    assert_rc(periodic(w, d, 0, (uint64_t)1 << 62), EINVAL);
    assert_int_equal(periodic(w, d, 0, (uint64_t)1 << 61), 0);
    assert_false(fired(w, d, port, SEC));
    /* At once when a period has passed since the last tick, then each. */
    assert_int_equal(periodic(w, d, 0, 1000000), 0);
    assert_true(fired(w, d, port, 0));
    for (i = 0; i < 5; i++) {
        assert_false(fired(w, d, port, MS - 1));
        assert_true(fired(w, d, port, 1));
    }
    assert_int_equal(periodic(w, d, 0, 2 * MS), 0);
    assert_false(fired(w, d, port, 2 * MS - 1));
    assert_true(fired(w, d, port, 1));
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_stop_periodic_timer, 0, 0), 0);
    assert_false(fired(w, d, port, SEC));
    /* Any own vCPU; one that does not run does not tick. */
    assert_int_equal(periodic(w, d, 1, 2 * MS), 0);
    assert_false(timer_is_set(&d->vcpu[1].v->periodic));
    world_free(w);
}

/* Fact 122: a tick ends neither poll nor block. */
static void periodic_sleeps(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);

    (void)state;
    set_callback(w, d, 0x20);
    assert_int_equal(periodic(w, d, 0, 5 * MS), 0);
    (void)fired(w, d, port, 0);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 52 * MS), 0);
    world_advance(w, 52 * MS - 1);
    assert_false(is_running(d, 0));
    assert_false(pending(d, port));
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    /* The overdue tick came with being scheduled in: one for all that were
       missed, and the next a whole period later. */
    assert_true(fired(w, d, port, 0));
    assert_false(fired(w, d, port, 5 * MS - 1));
    assert_true(fired(w, d, port, 1));
    assert_int_equal(set_timer(w, d, w->now + 50 * MS), 0);
    assert_int_equal(sched(w, d, 0, SCHEDOP_block, NULL, 0), 0);
    world_advance(w, 50 * MS - 1);
    assert_false(is_running(d, 0));
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* Fact 123: a PV vCPU starts with a 10 ms tick. */
static void periodic_pv(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);

    (void)state;
    (void)fired(w, d, port, 0);
    assert_false(fired(w, d, port, 10 * MS - 1));
    assert_true(fired(w, d, port, 1));
    assert_false(fired(w, d, port, 10 * MS - 1));
    assert_true(fired(w, d, port, 1));
    world_free(w);
}

/* The port's own timer. */
static void port_timer(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    unsigned cpu = cpu_of(w, d, 0);

    (void)state;
    d->vcpu[0].timer_irq = true;
    sop_vcpu_timer_set(w->p[cpu], d->vcpu[0].v, w->now + MS);
    sop_vcpu_halt(w->p[cpu], d->vcpu[0].v, true);
    world_settle(w);
    world_advance(w, MS - 1);
    assert_false(is_running(d, 0));
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    assert_int_equal(d->vcpu[0].timers, 1);
    d->vcpu[0].irr = 0;
    d->vcpu[0].timer_irq = false;
    cpu = cpu_of(w, d, 0);
    sop_vcpu_timer_set(w->p[cpu], d->vcpu[0].v, w->now + MS);
    sop_vcpu_halt(w->p[cpu], d->vcpu[0].v, true);
    world_settle(w);
    world_advance(w, 2 * MS);
    assert_int_equal(d->vcpu[0].timers, 2);
    assert_false(is_running(d, 0)); /* no interrupt, no wake-up */
    sop_vcpu_timer_set(w->p[cpu], d->vcpu[0].v, w->now + MS);
    sop_vcpu_timer_set(w->p[cpu], d->vcpu[0].v, SOP_TIME_NEVER);
    world_advance(w, SEC);
    assert_int_equal(d->vcpu[0].timers, 2);
    /* Not for a domain that is dead. */
    assert_int_equal(sop_domain_destroy(w->p[cpu], d->d), 0);
    sop_vcpu_timer_set(w->p[cpu], d->vcpu[0].v, w->now + MS);
    assert_false(timer_is_set(&d->vcpu[0].v->port_timer));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(initialise),
        cmocka_unit_test(half_initialised),
        cmocka_unit_test(context_sizes),
        cmocka_unit_test(down),
        cmocka_unit_test(paused_alone),
        cmocka_unit_test(runstates),
        cmocka_unit_test(get_runstate),
        cmocka_unit_test(runstate_area),
        cmocka_unit_test(runstate_area_pv),
        cmocka_unit_test(runstate_area_narrow),
        cmocka_unit_test(update_flag),
        cmocka_unit_test(time_record),
        cmocka_unit_test(register_info),
        cmocka_unit_test(register_info_narrow),
        cmocka_unit_test(set_timer_op),
        cmocka_unit_test(singleshot_op),
        cmocka_unit_test(periodic_limits),
        cmocka_unit_test(periodic_sleeps),
        cmocka_unit_test(periodic_pv),
        cmocka_unit_test(port_timer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
