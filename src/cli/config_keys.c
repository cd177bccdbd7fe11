/* SPDX-License-Identifier: MIT */
/*
 * The keys of xl.cfg: which have an effect here, what they mean, and which are
 * known to be without one.
 */
#include "config.h"

#include <string.h>

/* The manual's list, and the list of what has an effect. */
const struct cli_item cli_config_items[] = {
    {"name", "Name of the domain, 1 to 63 of A-Z a-z 0-9 _ . - (default: the "
             "file's name without its suffix)."},
    {"kernel", "The PVH image, ELF or gzip-compressed ELF. A relative path is "
               "looked up beside the configuration file first, then in the "
               "current directory."},
    {"ramdisk", "A file handed to the kernel as its first module."},
    {"cmdline", "The kernel's command line."},
    {"root, extra", "Without cmdline: the command line \"root=ROOT EXTRA\"."},
    {"memory", "MiB of memory (default: what the image needs, at least 32)."},
    {"maxmem",
     "MiB that mem-set may give it. It is built with all of it and told to "
     "give back what is above `memory`."},
    {"vcpus", "Number of vCPUs, 1 to 16 (default 1)."},
    {"maxvcpus",
     "As many vCPUs as vcpu-set may give it; it starts with `vcpus`."},
    {"cpus", "pCPUs the vCPUs may run on: \"all\", \"0-3,^1\", or a list with "
             "one such text per vCPU."},
    {"cpus_soft", "pCPUs the vCPUs prefer; same form."},
    {"cpu_weight", "With credit2: share of the pCPUs, 1 to 65535 (default "
                   "256)."},
    {"cap", "With credit2: most CPU time the domain gets, in per cent of one "
            "pCPU; 0 is no limit."},
    {"period, budget, extratime",
     "In a pool with rtds: each vCPU gets budget in every period, both in "
     "microseconds (defaults 10000 and 4000), and with extratime = 1 (the "
     "default) also time that nobody else wants."},
    {"pool", "The cpupool: \"Pool-0\" (the default), or one of --cpupool."},
    {"max_event_channels", "The highest event channel port, up to 131071 "
                           "(default 1023, also for 0)."},
    {"type", "\"pvh\" or absent; others are refused."},
    {"on_poweroff, on_reboot, on_crash, on_watchdog, on_soft_reset",
     "What then happens: \"destroy\", \"restart\", \"rename-restart\", "
     "\"preserve\", \"coredump-destroy\", \"coredump-restart\" (a core in "
     "--dump-dir first) or \"soft-reset\" (defaults as in xl: destroy, "
     "restart, destroy, destroy, soft-reset)."},
    {"on_suspend", "schedop's own, for a suspend that `save` did not ask for: "
                   "\"checkpoint\" (go on in place, as after xl's checkpoint; "
                   "the default of `run`), \"resume\" (go on as in a new "
                   "domain), \"destroy\" or \"preserve\" (the default in a "
                   "host, as with xl)."},
    {"hardware_domain", "schedop's own: 1 makes this the hardware domain: id "
                        "0 and privileged. At most one domain."},
    {NULL, NULL},
};

static const char *const used_keys[] = {
    "name",
    "kernel",
    "ramdisk",
    "cmdline",
    "root",
    "extra",
    "memory",
    "maxmem",
    "vcpus",
    "maxvcpus",
    "cpus",
    "cpus_soft",
    "cpu_weight",
    "cap",
    "period",
    "budget",
    "extratime",
    "pool",
    "type",
    "builder",
    "pvh",
    "on_crash",
    "on_poweroff",
    "on_reboot",
    "on_suspend",
    "on_watchdog",
    "on_soft_reset",
    "hardware_domain",
    "max_event_channels",
    NULL,
};

/* Keys of xl that ask for what a domain here does not have. */
static const char *const device_keys[] = {
    "disk",      "vif",     "vfb",          "vtpm",        "p9",
    "pvcalls",   "channel", "usbctrl",      "usbdev",      "pci",
    "vkb",       "vdispl",  "vsnd",         "virtio",      "usb",
    "usbdevice", "serial",  "rdm",          "irqs",        "ioports",
    "iomem",     "dtdev",   "gfx_passthru", "device_tree", NULL,
};

/* Keys of xl that change nothing a guest of schedop could see. */
static const char *const idle_keys[] = {
    "uuid",
    "seclabel",
    "init_seclabel",
    "max_grant_frames",
    "max_maptrack_frames",
    "max_grant_version",
    "nomigrate",
    "driver_domain",
    "passthrough",
    "xend_suspend_evtchn_compat",
    "vmtrace_buf_kb",
    "vpmu",
    "bootloader",
    "bootloader_args",
    "e820_host",
    "pvshim",
    "pvshim_path",
    "pvshim_cmdline",
    "pvshim_extra",
    "pci_permissive",
    "pci_msitranslate",
    "pci_seize",
    "pci_power_mgmt",
    "rdm_mem_boundary",
    "dm_restrict",
    "vnuma",
    "tsc_mode",
    "localtime",
    "rtc_timeoffset",
    "hap",
    "oos",
    "shadow_memory",
    "iommu_memory",
    "pae",
    "acpi",
    "apic",
    "acpi_s3",
    "acpi_s4",
    "acpi_laptop_slate",
    "nx",
    "hpet",
    "nestedhvm",
    "altp2m",
    "altp2mhvm",
    "altp2m_count",
    "cpuid",
    "mca_caps",
    "viridian",
    "timer_mode",
    "vpt_align",
    "xen_platform_pci",
    "boot",
    "bios",
    "bios_path_override",
    "firmware",
    "firmware_override",
    "acpi_firmware",
    "smbios_firmware",
    "smbios",
    "ms_vm_genid",
    "hdtype",
    "vga",
    "videoram",
    "stdvga",
    "vnc",
    "vnclisten",
    "vncdisplay",
    "vncunused",
    "vncpasswd",
    "keymap",
    "sdl",
    "opengl",
    "nographic",
    "spice",
    "spicehost",
    "spiceport",
    "soundhw",
    "vendor_device",
    "device_model_version",
    "device_model_override",
    "device_model_stubdomain_override",
    "device_model_args",
    "device_model_args_pv",
    "device_model_args_hvm",
    "device_model_user",
    "stubdomain_kernel",
    "stubdomain_cmdline",
    "stubdomain_ramdisk",
    "stubdomain_memory",
    "blkdev_start",
    "numa_placement",
    "claim_mode",
    "cpuid_policy",
    "msr_relaxed",
    "gic_version",
    "vuart",
    "tee",
    "nested_hvm",
    "suppress_spurious_page_faults",
    "assisted_xapic",
    "assisted_x2apic",
    "vmx",
    "loader",
    "scheduler",
    "sched",
    "slice",
    "latency",
    "domid",
    "xenstore_features",
    "max_evtchn_fifo",
    "spiceusbredirection",
    NULL,
};

static bool in_list(const char *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *used_key(const void *ctx, size_t index)
{
    (void)ctx;
    return used_keys[index];
}

void cli_config_warn(const char *path, const struct cli_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct cli_key *k = &keys->key[i];
        const char *near;

        if (in_list(used_keys, k->name)) {
            continue;
        }
        if (in_list(device_keys, k->name)) {
            if (!k->empty) {
                cli_warning("%s:%u: %s is ignored: domains have no such "
                            "devices yet",
                            path, k->line, k->name);
            }
            continue;
        }
        if (in_list(idle_keys, k->name)) {
            cli_warning("%s:%u: %s has no effect here: ignored", path, k->line,
                        k->name);
            continue;
        }
        near = cli_nearest(k->name, used_key, NULL);
        cli_warning("%s:%u: unknown key %s is ignored%s%s%s", path, k->line,
                    k->name, near != NULL ? "; did you mean " : "",
                    near != NULL ? near : "", near != NULL ? "?" : "");
    }
}
