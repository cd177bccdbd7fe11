/* SPDX-License-Identifier: MIT */
/*
 * The conformance guest: looks whether the numbered facts of the
 * specification (section 9) are true of the hypervisor it runs on.
 *
 * One image for PV and PVH, for the hardware domain and for ordinary ones. It
 * needs three vCPUs and two pCPUs. Words of the command line choose topics or
 * facts, such as "poll F057"; none chooses all. check.h says what is printed.
 * `list=1` only names the facts.
 *
 * `serve=1` makes an ordinary domain, after its own facts, the subject of the
 * hardware domain that was told `subject=ID` (pair.h), or `deaf=ID` if it has
 * `kit_upcall=0` too. With `build=1` the hardware domain, a PV one on real
 * Xen, makes both itself out of its boot module.
 *
 * How it ends: `end=latch`, the default, latches a poweroff (as 256, of which
 * 8 bits count) and then asks for a reboot, and the machine must halt (facts 64
 * and 71 seen from outside). `end=remote` does the second half by shutting
 * down domain 0, that is itself, from afar (72, 82); `end=watchdog` by one that
 * has expired when it is made (72, 91); `end=down` by taking down its last vCPU
 * (72, 83). `end=N` asks for reason N with nothing latched (130).
 */
#include <schedop/kit.h>

#include "build.h"
#include "check.h"
#include "lab.h"
#include "pair.h"

extern const struct topic topic_encoding, topic_block, topic_poll,
    topic_watchdog, topic_pin, topic_evtchn, topic_timers, topic_vcpu,
    topic_hvm, topic_apic, topic_shutdown, topic_control, topic_dogs,
    topic_elsewhere, topic_queues, topic_fifo;

static const struct topic *const topics[] = {&topic_encoding,
                                             &topic_block,
                                             &topic_poll,
                                             &topic_watchdog,
                                             &topic_pin,
                                             &topic_evtchn,
                                             &topic_timers,
                                             &topic_hvm,
                                             &topic_vcpu,
                                             &topic_apic,
                                             &topic_control,
                                             &topic_dogs,
                                             &topic_elsewhere,
                                             &topic_queues,
                                             &topic_fifo,
                                             &topic_shutdown,
                                             NULL};

static void remote_reboot(void)
{
    (void)schedop_remote_shutdown(0, SHUTDOWN_reboot);
}

static void watchdog(void)
{
    struct schedop_watchdog dog;

    (void)schedop_watchdog_start(&dog, 0);
}

static void all_down(void)
{
    (void)schedop_vcpu_down(1);
    while (schedop_vcpu_is_up(1) == 1) {
        kit_sleep_ns(MS);
    }
    (void)schedop_vcpu_down(0);
}

static KIT_NORETURN void end(void)
{
    char how[16] = "latch";

    (void)kit_arg("end", how, sizeof(how));
    if (how[0] >= '0' && how[0] <= '9') {
        kit_exit((uint32_t)kit_arg_u64("end", 0));
    }
    (void)schedop_shutdown_code(0x100);
    if (strcmp(how, "remote") == 0) {
        remote_reboot();
    } else if (strcmp(how, "watchdog") == 0) {
        watchdog();
    } else if (strcmp(how, "down") == 0) {
        all_down();
    } else {
        (void)schedop_shutdown(SHUTDOWN_reboot);
    }
    kit_printf("still alive after end=%s\n", how);
    kit_exit(SHUTDOWN_crash);
}

/* A domain that chooses the facts we do, with `words` before. */
static uint64_t build(const char *words)
{
    char cmdline[256];
    uint16_t domid;

    (void)kit_snprintf(cmdline, sizeof(cmdline), "%s %s", words,
                       kit_info()->cmdline);
    domid = build_domain(cmdline);
    if (domid == 0) {
        kit_exit(SHUTDOWN_crash);
    }
    return domid;
}

/*
 * Joins a domain, and takes it over: a toolstack that preserves what has
 * ended leaves it from then on to whoever resumes it.
 */
static void join(struct pair *pair, uint64_t domid)
{
    bool ok = pair_join(pair, (uint16_t)domid, 100 * SOON);

    pair_with(pair);
    if (ok) {
        (void)pair_remote(SHUTDOWN_poweroff);
        ok = pair_is_down() && pair_control(XEN_DOMCTL_resumedomain) == 0;
    }
    pair_with(&subject);
    if (!ok) {
        kit_printf("domain %u does not serve\n", (unsigned int)domid);
        kit_exit(SHUTDOWN_crash);
    }
}

/* Shared info as it was found. */
void kit_early(void)
{
    lab_note_start();
}

/* The domains to experiment with, if there are to be any. */
static unsigned int find_subjects(void)
{
    uint64_t domid = kit_arg_u64("subject", 0);
    uint64_t deaf_domid = kit_arg_u64("deaf", 0);
    unsigned int found_ones = 0;

    if (kit_arg_u64("build", 0)) {
        domid = build("serve=1");
        deaf_domid = build("serve=1 kit_upcall=0 facts=0");
    }
    if (domid != 0) {
        join(&subject, domid);
        found_ones |= WITH_SUBJECT;
    }
    if (deaf_domid != 0) {
        join(&deaf, deaf_domid);
        found_ones |= WITH_DEAF;
    }
    return found_ones;
}

int main(void)
{
    unsigned int world;

    kit_printf("conformance of a %s guest\n", kit_info()->kind);
    if (kit_arg_u64("list", 0)) {
        check_list(topics);
        kit_exit(SHUTDOWN_poweroff);
    }
    world = lab_start();
    if (world & AS_HARDWARE) {
        world |= find_subjects();
    }
    if (kit_arg_u64("facts", 1)) {
        check_topics(topics, world, kit_info()->cmdline);
    }
    if (lab_is_subject()) {
        pair_serve();
    }
    end();
}
