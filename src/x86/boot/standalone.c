/* SPDX-License-Identifier: MIT */
/*
 * What runs when no main is linked: says what the machine is and stops. Weak.
 */
#include "../mm/mm.h"
#include "boot.h"

__attribute__((weak)) void x86_main(void)
{
    x86_log(SOP_LOG_INFO, "schedop: %u pCPUs, %llu KiB of RAM, %llu KiB used",
            x86_nr_pcpus(), (unsigned long long)ram_bytes_total() / 1024,
            (unsigned long long)hv_bytes_used() / 1024);
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        x86_log(SOP_LOG_INFO, "module %u: %llu bytes at %llx: %s", i,
                (unsigned long long)boot_info.module[i].size,
                (unsigned long long)boot_info.module[i].pa,
                boot_info.module[i].cmdline);
    }
    x86_log(SOP_LOG_INFO, "schedop: up after %llu ns",
            (unsigned long long)time_now());
    machine_stop(false);
}
