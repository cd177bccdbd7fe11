/* SPDX-License-Identifier: MIT */
/*
 * Runstates (spec 2.3): what each vCPU spent its time on, to the nanosecond.
 * The four times always sum to the time since creation.
 */
#include "private.h"

#include "../lib/string.h"

void runstate_init(struct sop_vcpu *v, uint64_t now)
{
    v->runstate = (struct vcpu_runstate_info){
        .state = RUNSTATE_offline,
        .state_entry_time = now,
    };
    v->created_ns = now;
}

/*
 * The elapsed time goes to the state that is left. Time that did not pass, as
 * seen from a pCPU that read the clock earlier, adds nothing.
 */
void runstate_change(struct sop_pcpu *self, struct sop_vcpu *v, int state,
                     uint64_t now)
{
    struct vcpu_runstate_info *r = &v->runstate;

    ASSERT(state >= RUNSTATE_running && state <= RUNSTATE_offline);
    trace_vcpu(self, v, SOP_TRACE_EV_RUNSTATE, (uint64_t)r->state,
               (uint64_t)state);
    if (now > r->state_entry_time) {
        r->time[r->state] += now - r->state_entry_time;
        r->state_entry_time = now;
    }
    r->state = state;
}

void runstate_get(const struct sop_vcpu *v, uint64_t now,
                  struct vcpu_runstate_info *info)
{
    ASSERT((unsigned)v->runstate.state <= RUNSTATE_offline);
    *info = v->runstate;
    if (now > info->state_entry_time) {
        info->time[info->state] += now - info->state_entry_time;
    }
}

void sop_vcpu_runstate(const struct sop_vcpu *v, uint64_t now,
                       struct vcpu_runstate_info *info)
{
    core_lock(v->domain->sys, NULL);
    runstate_get(v, max_u64(now, v->domain->sys->now), info);
    core_unlock(v->domain->sys);
}

const struct vcpu_runstate_info *
sop_vcpu_runstate_peek(const struct sop_vcpu *v)
{
    return &v->runstate;
}

/* In the layout of the caller or of the latch, as the caller decides. */
int runstate_copy_out(struct sop_vcpu *v, uint64_t addr, bool wide,
                      const struct vcpu_runstate_info *info)
{
    struct vcpu_runstate_info record;
    struct vcpu_runstate_info32 narrow;

    if (wide) {
        /* Field by field: no padding of ours may reach a guest. */
        memset(&record, 0, sizeof(record));
        record.state = info->state;
        record.state_entry_time = info->state_entry_time;
        memcpy(record.time, info->time, sizeof(record.time));
        return port_copy_out(v, addr, &record, sizeof(record));
    }
    narrow.state = info->state;
    narrow.state_entry_time = info->state_entry_time;
    memcpy(narrow.time, info->time, sizeof(narrow.time));
    return port_copy_out(v, addr, &narrow, sizeof(narrow));
}

/* Under the lock, so that the record is of one moment. */
void runstate_copy_fill(const struct sop_vcpu *v, struct runstate_copy *copy)
{
    /* As Xen: updates follow the latch, whatever the registering call was. */
    copy->wide = v->domain->layout->word_bits == 64;
    copy->flagged =
        (v->domain->assist & bits_one(VMASST_TYPE_runstate_update_flag)) != 0;
    copy->info = v->runstate;
}

/*
 * The area of a guest that asked for it shows bit 63 of the entry time while
 * the rest is not consistent. Failures are the guest's loss (spec 2.3).
 */
void runstate_copy_write(struct sop_vcpu *v, const struct runstate_copy *copy)
{
    struct vcpu_runstate_info info;
    uint64_t entry_addr;

    ASSERT(copy->area != 0);
    info = copy->info;
    if (!copy->flagged) {
        (void)runstate_copy_out(v, copy->area, copy->wide, &info);
        return;
    }
    entry_addr =
        copy->area +
        (copy->wide ? offsetof(struct vcpu_runstate_info, state_entry_time)
                    : offsetof(struct vcpu_runstate_info32, state_entry_time));
    info.state_entry_time |= XEN_RUNSTATE_UPDATE;
    (void)port_copy_out(v, entry_addr, &info.state_entry_time, 8);
    atomic_fence();
    (void)runstate_copy_out(v, copy->area, copy->wide, &info);
    atomic_fence();
    info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    (void)port_copy_out(v, entry_addr, &info.state_entry_time, 8);
}
