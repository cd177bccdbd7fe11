/* SPDX-License-Identifier: MIT */
/*
 * The life of a pCPU, as a port lives it: into the guest, out again for what
 * the guest does or what interrupts it, and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/xen.h>

#include "explore_world.h"
#include "invariant.h"

struct ex_failure ex_failure;
static jmp_buf *outside; /* for failures that are nobody's turn */

/* ---- failures ---- */

void ex_fail(const char *invariant, const char *format, ...)
{
    va_list ap;

    if (ex_failure.is) {
        return;
    }
    ex_failure.is = true;
    (void)snprintf(ex_failure.invariant, sizeof(ex_failure.invariant), "%s",
                   invariant);
    va_start(ap, format);
    (void)vsnprintf(ex_failure.text, sizeof(ex_failure.text), format, ap);
    va_end(ap);
}

/* Whoever panics cannot go on: back to who chose the step. */
_Noreturn void ex_give_up(void)
{
    if (ex_in_turn()) {
        ex_leave_turn();
    }
    if (outside != NULL) {
        longjmp(*outside, 1);
    }
    (void)fprintf(stderr, "%s: %s\n", ex_failure.invariant, ex_failure.text);
    abort();
}

bool ex_protect(void (*act)(void *), void *context)
{
    jmp_buf env, *before = outside;

    if (setjmp(env) == 0) {
        outside = &env;
        act(context);
    }
    outside = before;
    return !ex_failure.is;
}

void ex_note_log(const char *text, size_t len)
{
    if (ex_log_lines != NULL) {
        (void)fprintf(ex_log_lines, "        core: %.*s\n", (int)len, text);
    }
}

FILE *ex_log_lines;

/* ---- hypercalls ---- */

int64_t ex_hypercall(struct ex_pcpu *c, struct ex_vcpu *x, uint64_t nr,
                     uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct sop_call call = {.nr = nr, .arg = {a0, a1, a2}, .wide = true};

    while (sop_hypercall(c->p, x->v, &call) == SOP_CALL_AGAIN) {
        ex_point(c->p, EX_AT_CORE, NULL);
    }
    return call.result;
}

int64_t ex_sched_op(struct ex_pcpu *c, struct ex_vcpu *x, uint64_t cmd,
                    uint64_t a1)
{
    return ex_hypercall(c, x, __HYPERVISOR_sched_op, cmd, a1, 0);
}

uint64_t ex_put(struct ex_vcpu *x, const void *data, size_t len)
{
    if (len > sizeof(x->operand)) {
        abort();
    }
    memcpy(x->operand, data, len);
    return (uintptr_t)x->operand;
}

/* ---- turns ---- */

void ex_effect(struct ex_pcpu *c, ex_effect_fn *effect, struct ex_domain *d,
               struct ex_vcpu *x, uint64_t arg)
{
    c->effect = effect;
    c->effect_on = d;
    c->effect_vcpu = x;
    c->effect_arg = arg;
}

static void judge(const struct ex_op *op, int64_t value)
{
    if (op->any || ex_world.strike.struck) {
        return;
    }
    if (op->checked ? value != op->want : value < 0) {
        ex_fail("result", "line %u: %s returned %lld%s", op->line,
                op->verb->name, (long long)value,
                op->checked ? ", which is not what it should" : "");
    }
}

/* Of a call that never asked for the time, or whose result had to be known. */
void ex_settle_effect(struct ex_pcpu *c, int64_t value)
{
    if (c->effect != NULL && (value >= 0 || value == -XEN_EAGAIN)) {
        c->effect(c->effect_on, c->effect_vcpu, c->effect_arg);
    }
    c->effect = NULL;
}

static void guest_step(struct ex_pcpu *c)
{
    struct ex_vcpu *x = c->guest;
    const struct ex_script *s = &x->d->spec->script[x->id];
    const struct ex_op *op;
    struct ex_result r;

    if (x->pc >= s->nr) {
        /* The end of a script: for ever asleep. */
        ex_handle_upcall(x);
        x->sleep = EX_BLOCKED;
        (void)ex_sched_op(c, x, SCHEDOP_block, 0);
        return;
    }
    op = &s->op[x->pc];
    c->wait = ex_world.strike.struck;
    r = op->verb->guest(c, x, op);
    ex_settle_effect(c, r.value);
    c->wait = false;
    if (c->copy_fault && r.value == -XEN_EFAULT) {
        x->sleep = EX_AWAKE;
        return; /* and once more */
    }
    judge(op, r.value);
    x->pc += r.next == EX_NEXT;
}

/* Whether the domains that the line names are there. */
static bool is_there(const struct ex_op *op)
{
    const char *kind = op->verb->args;
    unsigned i;

    for (i = 0; i < op->nr_args && kind[i] != '?'; i++) {
        uint64_t id = kind[i] == 'v' ? op->arg[i] >> 8 : op->arg[i];

        if ((kind[i] == 'd' || kind[i] == 'v') &&
            ex_world.domain[id].d == NULL) {
            return false;
        }
    }
    return true;
}

static void control_step(struct ex_pcpu *c)
{
    const struct ex_op *op = &ex_scenario->control[c->index].op[c->pc];
    struct ex_result r = {.next = EX_NEXT, .value = -XEN_ESRCH};

    if (is_there(op) || ex_is_create(op)) {
        c->wait = op->any || ex_world.strike.struck;
        ex_world.controllers++;
        r = op->verb->control(c, op);
        ex_settle_effect(c, r.value);
        ex_world.controllers--;
        c->wait = false;
    }
    if (r.next == EX_NEXT) {
        judge(op, r.value);
        c->pc++;
    }
}

/* Carries out what the pCPU was chosen for. */
void ex_pcpu_serve(struct ex_pcpu *c)
{
    switch ((enum ex_step_kind)ex_taken().kind) {
    case EX_STEP_KICK:
        c->kicked = false;
        sop_kicked(c->p);
        break;
    case EX_STEP_TIMER:
        c->armed = SOP_TIME_NEVER;
        sop_timer_expired(c->p);
        break;
    case EX_STEP_CONTROL:
        control_step(c);
        break;
    case EX_STEP_GUEST:
        guest_step(c);
        break;
    case EX_STEP_COPY_FAULT:
        c->copy_fault = true;
        guest_step(c);
        c->copy_fault = false;
        break;
    case EX_STEP_SPURIOUS_KICK:
        sop_kicked(c->p);
        break;
    case EX_STEP_SPURIOUS_TIMER:
        sop_timer_expired(c->p);
        break;
    case EX_STEP_DEATH:
    case EX_STEP_OFFLINE:
    case EX_STEP_ONLINE:
        ex_strike(c, ex_taken());
        break;
    case EX_STEP_GO:
    case EX_STEP_TIME:
    case EX_STEP_LATE:
    case EX_STEP_KINDS:
    default:
        ex_fail("assertion", "a pCPU was chosen for nothing");
        break;
    }
}

_Noreturn void ex_pcpu_main(struct ex_pcpu *c)
{
    for (;;) {
        struct sop_vcpu *v = sop_exit_to_guest(c->p);

        c->guest = sop_vcpu_port(v);
        invariant_entry(c, v);
        ex_point(c->p, EX_AT_GUEST, NULL);
        ex_pcpu_serve(c);
    }
}
