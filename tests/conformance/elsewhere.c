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

static void no_fifo(void)
{
    skip("the domain would change to FIFO ports for good");
}

static void machine_text(void)
{
    skip("seen from outside: on the machine's console");
}

static const struct fact facts[] = {
    {14, IN_ALL, "debug builds overwrite the registers of a call", debug_build},
    {19, IN_ALL, "hypercall 6 on Arm is -ENOSYS", arm},
    {37, IN_ALL, "block on Arm unmasks interrupts", arm},
    {63, IN_ALL, "a FIFO port without its page is not seen by poll", no_fifo},
    {81, IN_ALL, "a device model may shut down its domain", device_model},
    {86, IN_ALL, "device emulation delays the end", device_model},
    {97, IN_ALL, "text of an expiry up to 4.20", machine_text},
    {98, IN_ALL, "text of an expiry from 4.21", machine_text},
};

TOPIC(topic_elsewhere, "elsewhere", facts);
