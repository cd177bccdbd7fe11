/* SPDX-License-Identifier: MIT */
/*
 * The conformance guest: looks whether the numbered facts of the
 * specification (section 9) are true of the hypervisor it runs on.
 *
 * One image for PV and PVH. It needs to be the hardware domain, with three
 * vCPUs and two pCPUs. Words of the command line choose topics or facts, such
 * as "poll F057"; none chooses all. check.h says what is printed.
 *
 * At the end it asks for a reboot after it has latched a poweroff: the machine
 * must halt (facts 64 and 71 seen from outside).
 */
#include <schedop/kit.h>

#include "check.h"
#include "lab.h"

extern const struct topic topic_encoding, topic_block, topic_poll,
    topic_watchdog, topic_pin, topic_evtchn, topic_timers, topic_vcpu,
    topic_hvm, topic_shutdown;

static const struct topic *const topics[] = {
    &topic_encoding, &topic_block,    &topic_poll,   &topic_watchdog,
    &topic_pin,      &topic_evtchn,   &topic_timers, &topic_hvm,
    &topic_vcpu,     &topic_shutdown, NULL};

int main(void)
{
    unsigned int world;

    kit_printf("conformance of a %s guest\n", kit_info()->kind);
    world = lab_start();
    check_topics(topics, world, kit_info()->cmdline);
    kit_exit(SHUTDOWN_reboot);
}
