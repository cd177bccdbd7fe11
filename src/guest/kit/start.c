/* SPDX-License-Identifier: MIT */
/* From the entry of either platform to main() and out again; more vCPUs. */
#include "private.h"

#define CMDLINE_MAX 1024

const struct kit_platform *kit_platform;
struct kit_info kit_the_info = {.domid = KIT_DOMID_UNKNOWN};
bool kit_is_pv;

uint8_t kit_shared_info[4096] __attribute__((aligned(4096)));
uint8_t kit_stacks[KIT_VCPUS_MAX][KIT_STACK_SIZE]
    __attribute__((aligned(KIT_STACK_SIZE)));

static char cmdline[CMDLINE_MAX];
static struct {
    void (*function)(void *context);
    void *context;
    bool initialised;
} vcpus[KIT_VCPUS_MAX];

const struct kit_info *kit_info(void)
{
    return &kit_the_info;
}

void kit_set_cmdline(const char *text, size_t limit)
{
    size_t i = 0;

    while (text && i < limit && i < CMDLINE_MAX - 1 && text[i]) {
        cmdline[i] = text[i];
        i++;
    }
    cmdline[i] = 0;
    kit_the_info.cmdline = cmdline;
}

static void mark_stacks(void)
{
    for (uint32_t i = 0; i < KIT_VCPUS_MAX; i++) {
        memcpy(kit_stacks[i], &i, sizeof(i));
    }
}

__attribute__((weak)) void kit_early(void)
{
}

void kit_run(void)
{
    int rc;

    mark_stacks();
    kit_the_info.xen_version = schedop_xen_version();
    rc = kit_platform->attach();
    kit_early();
    kit_events_attach();
    kit_console_attach();
    kit_platform->set_traps(0);
    if (rc != 0) {
        kit_panic("start-up: %s", schedop_error_name(rc));
    }
    kit_platform->events_on();
    rc = main();
    kit_exit(rc == 0 ? SHUTDOWN_poweroff : SHUTDOWN_crash);
}

void kit_exit(uint32_t reason)
{
    /* A resumed domain finds itself here again: it still has to end. */
    for (;;) {
        schedop_shutdown(reason);
    }
}

int kit_suspend(void)
{
    bool on = kit_events_off();
    int rc = schedop_suspend(kit_platform->start_info_frame());

    if (rc == SCHEDOP_RESUMED) {
        int error = kit_platform->attach();

        schedop_events_mask_all(kit_events());
        kit_console_attach();
        rc = error != 0 ? error : rc;
    }
    kit_events_restore(on);
    return rc;
}

int kit_start_vcpu(unsigned int cpu, void (*function)(void *context),
                   void *context)
{
    int rc = 0;

    if (cpu == 0 || cpu >= KIT_VCPUS_MAX) {
        return -XEN_ENOENT;
    }
    vcpus[cpu].function = function;
    vcpus[cpu].context = context;
    if (!vcpus[cpu].initialised) {
        rc = kit_platform->init_vcpu(cpu, (uintptr_t)kit_stacks[cpu] +
                                              KIT_STACK_SIZE);
        vcpus[cpu].initialised = rc == 0;
    }
    return rc != 0 ? rc : schedop_vcpu_up(cpu);
}

void kit_vcpu_main(unsigned int cpu)
{
    kit_platform->set_traps(cpu);
    for (;;) {
        int rc;

        kit_platform->events_on();
        vcpus[cpu].function(vcpus[cpu].context);
        kit_platform->events_off();
        rc = schedop_vcpu_down(cpu); /* returns when it is started again */
        if (rc != 0) {
            kit_panic("vCPU down: %s", schedop_error_name(rc));
        }
    }
}

int kit_memory_map(struct kit_region *regions, uint32_t count)
{
    return kit_platform->memory_map(regions, count);
}

const void *kit_module(uint32_t index, size_t *size)
{
    return kit_platform->module(index, size);
}

uintptr_t kit_frame(const void *object)
{
    return kit_platform->frame(object);
}

void *kit_virt(uint64_t paddr)
{
#if defined(__x86_64__)
    if (kit_is_pv) {
        return (void *)(uintptr_t)(KIT_VIRT_BASE + paddr);
    }
#endif
    return (void *)(uintptr_t)paddr;
}
