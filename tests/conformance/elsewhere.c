/* SPDX-License-Identifier: MIT */
/*
 * Facts that cannot be looked at by a guest of this machine, each with the
 * reason, so that none is silently absent.
 */
#include "lab.h"

static void debug_build(void)
{
    skip("release builds of the hypervisor only are looked at");
}

static void arm(void)
{
    skip("an Arm fact");
}

static void device_model(void)
{
    skip("needs a device model");
}

static const struct fact facts[] = {
    {14, IN_ALL, "debug builds overwrite the registers of a call", debug_build},
    {19, IN_ALL, "hypercall 6 on Arm is -ENOSYS", arm},
    {37, IN_ALL, "block on Arm unmasks interrupts", arm},
    {81, IN_ALL, "a device model may shut down its domain", device_model},
    {86, IN_ALL, "device emulation delays the end", device_model},
};

TOPIC(topic_elsewhere, "elsewhere", facts);
