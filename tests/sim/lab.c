/* SPDX-License-Identifier: MIT */
/*
 * The lab: what workloads say, and figures that are exact, as virtual time is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "sim/lab.h"
#include "sim/share.h"

#define US 1000u
#define MS 1000000u
#define SEC 1000000000u
#define PERCENT 1000u /* in shares */

/* ---- aids ---- */

static struct lab_results *run_with(const char *text,
                                    const struct lab_options *o)
{
    char error[400] = "";
    struct lab_workload *w = lab_parse("test", text, error, sizeof(error));
    struct lab_results *s;
    struct lab_run *r;

    assert_string_equal(error, "");
    r = lab_start(w, o, error, sizeof(error));
    assert_string_equal(error, "");
    assert_int_equal(lab_advance(r, UINT64_MAX), SIM_DONE);
    sop_check(sim_system(lab_machine(r)), sim_now(lab_machine(r)));
    s = lab_results(r);
    lab_end(r);
    lab_free(w);
    return s;
}

/* Runs a workload to its end; nothing it asks for may be refused. */
static struct lab_results *run(const char *text)
{
    struct lab_options o = {0};
    struct lab_results *s = run_with(text, &o);

    assert_string_equal(s->why, "");
    return s;
}

static const struct lab_figures *of(const struct lab_results *s,
                                    const char *name)
{
    for (size_t i = 0; i < s->nr_domains; i++) {
        if (strcmp(s->domain[i].name, name) == 0) {
            return &s->domain[i];
        }
    }
    fail_msg("no domain %s", name);
    return NULL;
}

static void assert_refused(const char *text, const char *why)
{
    char error[400] = "";
    struct lab_workload *w = lab_parse("f", text, error, sizeof(error));

    assert_null(w);
    assert_string_equal(error, why);
}

/* Within one slice of credit2 an second, say. */
static void assert_near(uint64_t value, uint64_t want, uint64_t off)
{
    assert_in_range(value, want - off, want + off);
}

/* ---- programs ---- */

static void test_run_and_sleep(void **state)
{
    struct lab_results *s = run("machine duration=1s\n"
                                "domain a\n"
                                "  run 3ms; sleep 7ms\n");
    const struct lab_figures *a = of(s, "a");

    (void)state;
    assert_int_equal(a->time[RUNSTATE_running], 300 * MS);
    assert_int_equal(a->time[RUNSTATE_blocked], 700 * MS);
    assert_int_equal(a->woken, 99);
    assert_int_equal(a->latency_max, 0);
    assert_int_equal(a->share, 30 * PERCENT);
    assert_int_equal(a->ideal, 30 * PERCENT);
    lab_results_free(s);
}

/* A timer's job is late only if it ends after its period. */
static void test_timers(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=3\n"
                                "domain exact\n"
                                "  run 10ms; timer 10ms\n"
                                "domain late\n"
                                "  run 11ms; timer 10ms relative\n"
                                "domain behind\n"
                                "  run 12500us; timer 10ms\n");

    (void)state;
    assert_int_equal(of(s, "exact")->jobs, 99);
    assert_int_equal(of(s, "exact")->missed, 0);
    assert_int_equal(of(s, "exact")->response_max, 10 * MS);
    /* Each period begins anew when the last was missed. */
    assert_int_equal(of(s, "late")->jobs, 90);
    assert_int_equal(of(s, "late")->missed, 90);
    assert_int_equal(of(s, "late")->late_max, 1 * MS);
    /* Absolute periods go on: job n ends 2.5 ms later than job n - 1 did. */
    assert_int_equal(of(s, "behind")->jobs, 79);
    assert_int_equal(of(s, "behind")->missed, 79);
    assert_int_equal(of(s, "behind")->late_max, 79 * 2500 * US);
    lab_results_free(s);
}

/* A guest that looks at the clock stops when it is time, run or not. */
static void test_spin(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=1 sched=credit2\n"
                                "domain a\n"
                                "  loop 1\n spin 400ms\n end\n stop\n"
                                "domain b\n"
                                "  loop 1\n run 400ms\n end\n stop\n");

    (void)state;
    /* Side by side until 400 ms, then b alone for what it still needs. */
    assert_near(of(s, "a")->time[RUNSTATE_running], 200 * MS, 10 * MS);
    assert_int_equal(of(s, "b")->time[RUNSTATE_running], 400 * MS);
    lab_results_free(s);
}

static void test_loops(void **state)
{
    struct lab_results *s = run("machine duration=1s\n"
                                "domain a\n"
                                "  loop 3\n"
                                "    loop 4\n run 1ms\n end\n"
                                "    sleep 1ms\n"
                                "  end\n"
                                "  stop\n");

    (void)state;
    assert_int_equal(of(s, "a")->time[RUNSTATE_running], 12 * MS);
    assert_int_equal(of(s, "a")->woken, 3);
    lab_results_free(s);
}

/* Each vCPU its own program, and one that goes down. */
static void test_vcpus(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=4\n"
                                "domain a vcpus=4\n"
                                "  vcpu 0:\n run 1ms; sleep 1ms\n"
                                "  vcpu 1-2:\n run 1ms; sleep 3ms\n"
                                "  vcpu 3:\n run 100ms; down\n");

    (void)state;
    assert_int_equal(s->vcpu[0].time[RUNSTATE_running], 500 * MS);
    assert_int_equal(s->vcpu[1].time[RUNSTATE_running], 250 * MS);
    assert_int_equal(s->vcpu[2].time[RUNSTATE_running], 250 * MS);
    assert_int_equal(s->vcpu[3].time[RUNSTATE_running], 100 * MS);
    assert_int_equal(s->vcpu[3].time[RUNSTATE_offline], 900 * MS);
    lab_results_free(s);
}

/* ---- each other ---- */

static void test_signal(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=2\n"
                                "domain producer\n"
                                "  every 10ms run 1ms\n  signal go\n"
                                "domain consumer\n"
                                "  wait go\n  run 2ms\n");

    (void)state;
    /* After the first period, one signal in each: at 10, 20, ... 990 ms. */
    assert_int_equal(of(s, "consumer")->woken, 99);
    assert_int_equal(of(s, "consumer")->time[RUNSTATE_running], 99 * 2 * MS);
    lab_results_free(s);
}

/* A lock makes work of two take turns, on however many pCPUs. */
static void test_lock(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=4\n"
                                "domain a count=4\n"
                                "  lock m; run 5ms; unlock m\n");
    uint64_t sum = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(s->domain[i].time[RUNSTATE_running], 250 * MS);
        sum += s->domain[i].time[RUNSTATE_running];
    }
    assert_int_equal(sum, SEC);
    lab_results_free(s);
}

static void test_barrier(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=3\n"
                                "domain fast count=2\n"
                                "  run 1ms; barrier b\n"
                                "domain slow\n"
                                "  run 10ms; barrier b\n");

    (void)state;
    assert_int_equal(of(s, "slow")->time[RUNSTATE_running], SEC);
    assert_int_equal(of(s, "fast0")->time[RUNSTATE_running], 100 * MS);
    assert_int_equal(of(s, "fast1")->time[RUNSTATE_blocked], 900 * MS);
    lab_results_free(s);
}

static void test_broad(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=4\n"
                                "domain boss\n"
                                "  timer 100ms; broad go\n"
                                "domain hand count=3\n"
                                "  wait go; run 1ms\n");

    (void)state;
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(s->domain[i].woken, 9);
    }
    lab_results_free(s);
}

/* ---- policies ---- */

static void test_weights_and_cap(void **state)
{
    struct lab_results *s = run("machine duration=10s pcpus=2\n"
                                "domain a weight=512\n run 1s\n"
                                "domain b weight=256\n run 1s\n"
                                "domain c weight=256\n run 1s\n"
                                "domain d cap=20\n run 1s\n");

    (void)state;
    /* d is capped at 20 %, the others have 180 %: 2 : 1 : 1. */
    assert_int_equal(of(s, "d")->ideal, 20 * PERCENT);
    assert_near(of(s, "a")->ideal, 90 * PERCENT, 10);
    assert_near(of(s, "b")->ideal, 45 * PERCENT, 10);
    assert_near(of(s, "a")->share, 90 * PERCENT, PERCENT);
    assert_near(of(s, "b")->share, 45 * PERCENT, PERCENT);
    assert_near(of(s, "c")->share, 45 * PERCENT, PERCENT);
    assert_near(of(s, "d")->share, 20 * PERCENT, PERCENT / 2);
    lab_results_free(s);
}

/* What is reserved is had, whoever else wants the pCPU. */
static void test_rtds(void **state)
{
    struct lab_results *s =
        run("machine duration=1s pcpus=1 sched=rtds\n"
            "domain a budget=2ms period=10ms\n every 10ms run 2ms\n"
            "domain b budget=5ms period=20ms\n every 20ms run 5ms\n"
            "domain c budget=5ms period=10ms\n run 1s\n");

    (void)state;
    assert_true(of(s, "a")->jobs >= 99);
    assert_int_equal(of(s, "a")->missed, 0);
    assert_int_equal(of(s, "b")->missed, 0);
    assert_int_equal(of(s, "c")->time[RUNSTATE_running], 500 * MS);
    assert_int_equal(of(s, "c")->ideal, 50 * PERCENT);
    lab_results_free(s);
}

static void test_null(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=2 sched=null\n"
                                "domain a count=3\n run 1s\n");

    (void)state;
    assert_int_equal(s->domain[0].time[RUNSTATE_running], SEC);
    assert_int_equal(s->domain[1].time[RUNSTATE_running], SEC);
    assert_int_equal(s->domain[2].time[RUNSTATE_runnable], SEC);
    lab_results_free(s);
}

/* A frame is exact to the nanosecond. */
static void test_arinc653(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=2\n"
                                "pool f sched=arinc653 cpus=1 frame=7ms\n"
                                "window f a 2ms\n"
                                "window f b.1 1500us\n"
                                "domain a pool=f\n run 1s\n"
                                "domain b pool=f vcpus=2\n run 1s\n");
    uint64_t frames = SEC / (7 * MS), rest = SEC % (7 * MS);

    (void)state;
    assert_int_equal(s->vcpu[0].time[RUNSTATE_running],
                     frames * 2 * MS + (rest < 2 * MS ? rest : 2 * MS));
    assert_int_equal(s->vcpu[1].time[RUNSTATE_running], 0);
    assert_int_equal(s->vcpu[2].time[RUNSTATE_running],
                     frames * 1500 * US +
                         (rest < 3500 * US ? rest - 2 * MS : 1500 * US));
    lab_results_free(s);
}

/* ---- acts ---- */

static void test_acts(void **state)
{
    struct lab_results *s = run("machine duration=1s pcpus=2\n"
                                "domain a\n run 1s\n"
                                "domain b\n run 1s\n"
                                "domain c start=600ms\n run 1s\n"
                                "at 100ms pause a\n"
                                "at 300ms unpause a\n"
                                "at 500ms shutdown b crash\n"
                                "at 700ms destroy a\n"
                                "at 900ms offline 1\n");

    (void)state;
    assert_int_equal(of(s, "a")->time[RUNSTATE_running], 500 * MS);
    assert_int_equal(of(s, "a")->time[RUNSTATE_offline], 200 * MS);
    assert_int_equal(of(s, "b")->time[RUNSTATE_running], 500 * MS);
    assert_int_equal(of(s, "b")->ended, SHUTDOWN_crash);
    assert_int_equal(of(s, "b")->ended_ns, 500 * MS);
    assert_int_equal(of(s, "c")->age_ns, 400 * MS);
    assert_int_equal(of(s, "c")->time[RUNSTATE_running], 400 * MS);
    lab_results_free(s);
}

static void test_watchdog(void **state)
{
    struct lab_results *s = run("machine duration=10s\n"
                                "domain a\n"
                                "  loop 3\n watchdog 1 2s; sleep 1s\n end\n"
                                "  run 1min\n");

    (void)state;
    assert_int_equal(of(s, "a")->ended, SHUTDOWN_watchdog);
    assert_int_equal(of(s, "a")->ended_ns, 4 * (uint64_t)SEC);
    lab_results_free(s);
}

static void test_knobs_and_moves(void **state)
{
    struct lab_results *s = run("machine duration=2s pcpus=2\n"
                                "pool p cpus=1\n"
                                "domain a\n run 1s\n"
                                "domain b\n run 1s\n"
                                "at 1s move b p\n"
                                "at 1s cap a 50\n");

    (void)state;
    /* One pCPU for both, then one each, of which a may use half. */
    assert_near(of(s, "b")->time[RUNSTATE_running], 1500 * MS, 10 * MS);
    assert_near(of(s, "a")->time[RUNSTATE_running], 1000 * MS, 10 * MS);
    lab_results_free(s);
}

/* A pool that is made, used, given another name, and taken down again. */
static void test_pool_acts(void **state)
{
    struct lab_results *s =
        run("machine duration=6s pcpus=4\n"
            "domain a\n run 1s\n"
            "domain b\n run 1s\n"
            "at 1s cpupool-cpu-remove Pool-0 2-3\n"
            "at 1s cpupool-create rt sched=rtds cpus=3\n"
            "at 1s cpupool-cpu-add rt 2\n"
            "at 1s move b rt\n"
            "at 1s rtds b budget=2ms period=10ms\n"
            "at 2s cpupool-rename rt deadlines\n"
            "at 2s rtds b extratime=yes\n"
            "at 3s cpupool-migrate b Pool-0\n"
            "at 3s cpupool-destroy deadlines\n"
            "at 3s cpupool-create frames sched=arinc653 cpus=2\n"
            "at 3s frame frames 10ms b 3ms idle 1ms a 2ms\n"
            "at 3s cpupool-migrate b frames\n"
            "at 4s cpupool-rename frames f\n");

    (void)state;
    assert_string_equal(s->why, "");
    assert_string_equal(of(s, "a")->pool, "Pool-0");
    assert_string_equal(of(s, "b")->pool, "f");
    assert_string_equal(of(s, "b")->sched, "arinc653");
    assert_int_equal(of(s, "a")->time[RUNSTATE_running], 6 * (uint64_t)SEC);
    /* Alone for 1 s, a fifth of one, extra time, and 3 ms in 10. */
    assert_near(of(s, "b")->time[RUNSTATE_running],
                1000 * MS + 200 * MS + 1000 * MS + 900 * MS, 20 * MS);
    lab_results_free(s);
}

static void test_ratelimit(void **state)
{
    static const char *const limits[] = {"200us", "5ms"};
    uint64_t switches[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct lab_results *s;
        char text[200];

        (void)snprintf(text, sizeof(text),
                       "machine duration=1s\n"
                       "domain a\n run 1s\n"
                       "domain b\n run 100us; sleep 900us\n"
                       "at 1us ratelimit Pool-0 %s\n",
                       limits[i]);
        s = run(text);
        assert_string_equal(s->why, "");
        switches[i] = of(s, "a")->switches;
        lab_results_free(s);
    }
    /* Whoever runs is left alone for so long. */
    assert_true(switches[0] > 2 * switches[1]);
    assert_true(switches[1] <= 201);
}

static void test_refused_pool_acts(void **state)
{
    struct lab_options o = {0};
    struct lab_results *s = run_with("machine duration=1s pcpus=2\n"
                                     "pool p sched=rtds cpus=1\n"
                                     "domain a\n run 1s\n"
                                     "domain b pool=p\n run 1s\n"
                                     "at 1ms cpupool-destroy p\n"
                                     "at 1ms cpupool-destroy Pool-0\n"
                                     "at 1ms cpupool-cpu-add p 0\n"
                                     "at 1ms cpupool-create q cpus=1\n"
                                     "at 1ms move a q\n"
                                     "at 1ms ratelimit p 1ms\n"
                                     "at 1ms ratelimit Pool-0 1us\n"
                                     "at 1ms frame Pool-0 1ms a 1ms\n",
                                     &o);

    (void)state;
    assert_string_equal(
        s->why, "test:7: refused: EBUSY\n"
                "test:8: refused: EBUSY\n"
                "test:9: refused: ENODEV\n"
                "test:10: refused: EBUSY\n"
                "test:11: refused: ENOENT\n"
                "test:12: refused: EINVAL: pool p has rtds, whose knobs are: "
                "rtds\n"
                "test:13: refused: EINVAL\n"
                "test:14: refused: EINVAL: pool Pool-0 has credit2, whose "
                "knobs are: weight, cap and ratelimit\n");
    lab_results_free(s);
}

/* What is refused is said with its line, and the rest goes on. */
static void test_refused_acts(void **state)
{
    struct lab_options o = {0};
    struct lab_results *s = run_with("machine duration=1s pcpus=2\n"
                                     "domain a\n run 1s\n"
                                     "at 1ms unpause a\n"
                                     "at 1ms rtds a budget=1ms\n"
                                     "at 1ms offline 0\n",
                                     &o);

    (void)state;
    assert_string_equal(s->why, "test:4: refused: EINVAL\n"
                                "test:5: refused: EINVAL: pool Pool-0 has "
                                "credit2, whose knobs are: weight, cap and "
                                "ratelimit\n"
                                "test:6: refused: EINVAL\n");
    assert_int_equal(of(s, "a")->time[RUNSTATE_running], SEC);
    lab_results_free(s);
}

/* ---- rt-app ---- */

static void test_rtapp(void **state)
{
    struct lab_results *s = run(
        "/* rt-app */ {\"global\": {\"duration\": 1},\n"
        " \"tasks\": {\n"
        "  \"a\": {\"instance\": 2, \"priority\": -10, \"run\": 2000,\n"
        "   \"timer\": {\"ref\": \"unique\", \"period\": 10000}},\n"
        "  \"b\": {\"loop\": 5, \"phases\": {\n"
        "    \"x\": {\"loop\": 2, \"run0\": 1000, \"sleep\": 1000},\n"
        "    \"y\": {\"run\": 5000, \"cpus\": [0]}}},\n"
        "  \"c\": {\"suspend\": \"\", \"run\": 100},\n"
        "  \"d\": {\"delay\": 500000, \"resume\": \"c\", \"sleep\": 10000}}}");

    (void)state;
    assert_int_equal(of(s, "a-0")->weight, 2384); /* 256 * 1.25^10 */
    assert_int_equal(of(s, "a-0")->missed + of(s, "a-1")->missed, 0);
    assert_int_equal(of(s, "a-1")->time[RUNSTATE_running], 200 * MS);
    /* Its loops done, a thread ends; it was 5 * (2 * 1 ms + 5 ms). */
    assert_int_equal(of(s, "b")->time[RUNSTATE_running], 35 * MS);
    assert_int_equal(of(s, "b")->ended, SHUTDOWN_poweroff);
    assert_int_equal(of(s, "c")->time[RUNSTATE_running], 50 * 100 * US);
    lab_results_free(s);
}

static void test_rtapp_refused(void **state)
{
    (void)state;
    assert_refused("{\"tasks\": {\"t\": {\"run\": 1}},\n \"tasks\": {}}",
                   "f:2: tasks1: is not supported");
    assert_refused("{\"tasks\": {\"t\": {\"run\": 1}}\n \"global\": {}}",
                   "f:2:9: '}' expected near '\"global\"'");
    assert_refused("{\"tasks\": {\n\"t\":\n {\"mem\": 5}}}",
                   "f:3: tasks.t.mem: is not supported: memory and I/O cost "
                   "nothing here; say what it takes with run");
    assert_refused("{\"tasks\": {\"t\": {\"phases\": {\n"
                   "\"p\": {/* \n */\n\"fork\": \"x\"}}}}}",
                   "f:4: tasks.t.phases.p.fork: is not supported");
    assert_refused("{\"tasks\": {\"t\": {\"run\": -1}}}",
                   "f:1: tasks.t.run: -1 is out of range, which is 0 to "
                   "1125899906842624");
    assert_refused("{\"tasks\": {\"t\": {\"run\": 1.5}}}",
                   "f:1: tasks.t.run: must be a whole number");
    assert_refused("{\"tasks\": {\"t\": {\"run\": 1, \"cpus\": [64]}}}",
                   "f:1: tasks.t.cpus: a pCPU is a number from 0 to 63");
    assert_refused("{\"tasks\": {\"t\": {\n\"timer\": {\"ref\": \"x\"}}}}",
                   "f:2: tasks.t.timer.period: must be a whole number");
    assert_refused("{\"tasks\": {\"t\": {\"yield\": \"\"}}}",
                   "f:1: tasks.t: a loop without end needs something that "
                   "takes time in it: run, sleep, timer, wait...");
    assert_refused(
        "{\"tasks\": {\"t\": {\"policy\": \"SCHED_X\", \"run\": 1}}}",
        "f:1: tasks.t.policy: policy SCHED_X is not supported");
    assert_refused("{\"global\": {\"pi_enabled\": true}, \"tasks\": {}}",
                   "f:1: global.pi_enabled: true is not supported");
    assert_refused("{\"task\": {}}", "f:1: task: is not supported");
    assert_refused("{\"tasks\": {}}", "f: no domain in it");
}

/* As workgen, which comes with rt-app, takes it. */
static void test_rtapp_lax(void **state)
{
    struct lab_results *s =
        run("{ // comments, commas, an event twice\n"
            " \"global\": {\"duration\": 1, \"frag\": 1,},\n"
            " \"tasks\": {\n"
            "  \"a.b\": {\"cpus\": [0, 2,], \"phases\": {\n"
            "    \"x\": {\"run\": 1000, \"sleep\": 1000, \"run\": 2000,\n"
            "           \"sleep\": 6000},\n"
            "    \"x\": {\"loop\": 9, \"sleep\": 10000}, }, },\n"
            "  \"c\": {\"suspend\", \"run\": 100},\n"
            "  \"d\": {\"sleep\": 250000, \"resume\": \"c\"},\n"
            /* A lock that is held is not asked for again by sync. */
            "  \"e\": {\"lock\": \"m\", \"sync\": {\"ref\": \"q\",\n"
            "   \"mutex\": \"m\"}, \"unlock\": \"m\", \"run\": 1000},\n"
            "  \"f\": {\"sleep\": 100000, \"lock\": \"m\",\n"
            "   \"signal\": \"q\", \"unlock\": \"m\"}}}");

    (void)state;
    assert_int_equal(s->pcpus, 3);
    assert_int_equal(of(s, "a.b")->time[RUNSTATE_running], 10 * 3 * MS);
    assert_in_range(of(s, "c")->time[RUNSTATE_running], 300 * US, 400 * US);
    assert_in_range(of(s, "e")->time[RUNSTATE_running], 9 * MS, 10 * MS);
    lab_results_free(s);
}

/* ---- the native form ---- */

static void test_form_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"", "f: no domain in it"},
        {"domain\n", "f:1:7: the domain's name is missing after 'domain'"},
        {"domain a colour=red\n", "f:1:10: 'domain' has no option 'colour'"},
        {"domain a vcpus=33\n", "f:1:10: 33 is out of range, which is 1 to 32"},
        {"domain a\n walk 5ms\n", "f:2:2: there is no step 'walk'"},
        {"domain a\n run 5\n",
         "f:2:6: '5' is no time; write 10ms, 1.5s, 200us or 7ns"},
        {"domain a\n run 5ms..1ms\n", "f:2:6: '5ms..1ms' runs backwards"},
        {"domain a\n run 0.0000000001s\n",
         "f:2:6: '0.0000000001s' is no time; write 10ms, 1.5s, 200us or 7ns"},
        {"domain a\n loop 3\n run 1ms\ndomain b\n",
         "f:4:1: a loop above is without its end"},
        {"domain a\n end\n", "f:2:2: there is no loop to end"},
        {"domain a\n yield\ndomain b\n run 1ms\n",
         "f:3:1: above: a loop without end needs something that takes time in "
         "it: run, sleep, timer, wait..."},
        {"domain a\n run 1ms 2ms\n", "f:2:10: '2ms' is too much here"},
        {"domain a\n run 1ms; hop\n", "f:2:11: there is no step 'hop'"},
        {"run 1ms\n", "f:1:1: 'run' is neither machine, pool, domain, at, "
                      "window nor a step of a domain"},
        {"domain a\ndomain a\n", "f:2:8: there is a domain 'a' already"},
        {"domain a pool=x\n", "f:1:1: there is no pool 'x' above"},
        {"pool x\n", "f:1:7: a pool needs pCPUs: cpus=2-3"},
        {"machine sched=best\n", "f:1:1: there is no scheduler 'best'"},
        {"machine runqueue=box\n",
         "f:1:1: a run queue is of cpu, core, socket, node or all"},
        {"machine pcpus=65\n", "f:1:9: 65 is out of range, which is 1 to 64"},
        {"machine sockets=8 cores=8 threads=2\n",
         "f:1:1: 128 pCPUs are more than 64"},
        {"domain a\n run 1s\nat 1s wish a\n", "f:3:7: nobody can 'wish'"},
        {"domain a\n run 1s\nat 1s cap b 5\n",
         "f:3:11: there is no domain 'b'"},
        {"domain a\n run 1s\nat 1s pin a.1 0\n",
         "f:3:11: 1 is out of range, which is 0 to 0"},
        {"domain a\n run 1s\nat 1s pin a 9-3\n",
         "f:3:13: '9-3' names no pCPUs; write 0-3,6 or all"},
        {"domain a\n watchdog 1 1500ms\n",
         "f:2:13: watchdogs count whole seconds"},
        {"domain a\n shutdown fire\n", "f:2:11: there is no reason 'fire'"},
        {"domain a vcpus=2\n vcpu 2:\n", "f:2:7: the domain has vCPUs 0 to 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_refused(wrong[i].text, wrong[i].why);
    }
}

static void test_set(void **state)
{
    char error[200];
    struct lab_workload *w = lab_parse(
        "f", "domain a count=2\n run 1s\ndomain b\n run 1s\n", error, 200);
    struct lab_options o = {.duration_ns = 7 * (uint64_t)SEC, .pcpus = 1};
    struct lab_results *s;
    struct lab_run *r;

    (void)state;
    assert_false(lab_set(w, "c.weight=1", error, 200));
    assert_string_equal(error, "'c.weight=1': there is no such domain");
    assert_false(lab_set(w, "b.weight=0", error, 200));
    assert_string_equal(error, "'b.weight=0': that is no weight");
    assert_false(lab_set(w, "b.size=1", error, 200));
    assert_false(lab_set(w, "weight=1", error, 200));
    assert_true(lab_set(w, "a*.weight=512", error, 200));
    assert_true(lab_set(w, "b.cap=10", error, 200));
    r = lab_start(w, &o, error, 200);
    assert_int_equal(lab_advance(r, UINT64_MAX), SIM_DONE);
    s = lab_results(r);
    assert_near(of(s, "b")->share, 10 * PERCENT, PERCENT / 2);
    assert_near(of(s, "a1")->share, 45 * PERCENT, PERCENT);
    lab_results_free(s);
    lab_end(r);
    lab_free(w);
}

/* ---- what holds of all ---- */

/* Times sum to time, and pCPUs' time is what vCPUs ran and what was idle. */
static void assert_conserved(const struct lab_results *s)
{
    uint64_t ran = 0;

    for (size_t i = 0; i < s->nr_vcpus; i++) {
        const struct lab_figures *f = &s->vcpu[i];

        assert_int_equal(f->time[0] + f->time[1] + f->time[2] + f->time[3],
                         f->age_ns);
        assert_true(f->age_ns <= s->now_ns);
        assert_true(f->latency[0] <= f->latency[1]);
        assert_true(f->latency[1] <= f->latency[2]);
        assert_true(f->latency[3] <= f->latency_max);
        assert_true(f->missed <= f->jobs);
        ran += f->time[RUNSTATE_running];
    }
    assert_int_equal(ran, s->busy_ns);
    assert_int_equal(s->busy_ns + s->idle_ns, s->now_ns * s->pcpus);
}

static void test_files(void **state)
{
    static const char *const files[] = {"labs/fair.lab", "labs/realtime.lab",
                                        "labs/noisy.lab", "labs/pools.lab",
                                        "labs/pipeline.json"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char error[400] = "";
        struct lab_workload *w = lab_load(files[i], error, sizeof(error));
        struct lab_options o = {.duration_ns = 3 * (uint64_t)SEC};
        struct lab_results *s;
        struct lab_run *r;

        assert_string_equal(error, "");
        r = lab_start(w, &o, error, sizeof(error));
        assert_string_equal(error, "");
        assert_int_equal(lab_advance(r, UINT64_MAX), SIM_DONE);
        s = lab_results(r);
        assert_string_equal(s->why, "");
        assert_conserved(s);
        lab_results_free(s);
        lab_end(r);
        lab_free(w);
    }
}

/* ---- shares ---- */

static void test_share(void **state)
{
    /* Two pCPUs. 0 may use pCPU 0 only, with 1; 2 is small; 3 and 4 are of one
       domain with a cap. */
    struct share_vcpu v[] = {
        {.weight = 100, .demand = SHARE_CPU, .cpus = 1, .group = 0},
        {.weight = 300, .demand = SHARE_CPU, .cpus = 1, .group = 1},
        {.weight = 100, .demand = SHARE_CPU / 10, .cpus = 2, .group = 2},
        {.weight = 100, .demand = SHARE_CPU, .cpus = 2, .group = 3},
        {.weight = 100, .demand = SHARE_CPU, .cpus = 2, .group = 3},
    };
    uint64_t cap[4] = {0, 0, 0, SHARE_CPU / 2};

    (void)state;
    share_divide(v, 5, 3, cap, 4);
    assert_near(v[0].ideal, SHARE_CPU / 4, 5);
    assert_near(v[1].ideal, SHARE_CPU * 3 / 4, 5);
    assert_int_equal(v[2].ideal, SHARE_CPU / 10);
    assert_near(v[3].ideal, SHARE_CPU / 4, 5);
    assert_near(v[4].ideal, SHARE_CPU / 4, 5);
}

/* Masks that overlap: what one leaves the others take. */
static void test_share_masks(void **state)
{
    struct share_vcpu v[] = {
        {.weight = 1, .demand = SHARE_CPU, .cpus = 1, .group = 0},
        {.weight = 1, .demand = SHARE_CPU, .cpus = 3, .group = 0},
        {.weight = 1, .demand = SHARE_CPU, .cpus = 6, .group = 0},
        {.weight = 1, .demand = SHARE_CPU, .cpus = 7, .group = 0},
    };
    uint64_t cap[1] = {0}, sum = 0;

    (void)state;
    share_divide(v, 4, 7, cap, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_near(v[i].ideal, SHARE_CPU * 3 / 4, 8);
        sum += v[i].ideal;
    }
    assert_near(sum, 3 * SHARE_CPU, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_and_sleep),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_spin),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_vcpus),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_barrier),
        cmocka_unit_test(test_broad),
        cmocka_unit_test(test_weights_and_cap),
        cmocka_unit_test(test_rtds),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_arinc653),
        cmocka_unit_test(test_acts),
        cmocka_unit_test(test_watchdog),
        cmocka_unit_test(test_knobs_and_moves),
        cmocka_unit_test(test_refused_acts),
        cmocka_unit_test(test_pool_acts),
        cmocka_unit_test(test_ratelimit),
        cmocka_unit_test(test_refused_pool_acts),
        cmocka_unit_test(test_rtapp),
        cmocka_unit_test(test_rtapp_refused),
        cmocka_unit_test(test_rtapp_lax),
        cmocka_unit_test(test_form_refused),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_share_masks),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
