/* SPDX-License-Identifier: MIT */
/*
 * Stopping and resetting a PC. `qemu-exit=0xPORT` names an isa-debug-exit
 * device: QEMU ends with status 2 * value + 1.
 */
#include "power.h"

#include "../boot/boot.h"
#include "../console.h"
#include "../irq/irq.h"
#include "asm.h"

#define EXIT_DONE 0u
#define EXIT_PANIC 1u

static void qemu_exit(uint8_t value)
{
    uint16_t port = boot_options.qemu_exit;

    if (port != 0) {
        outb(port, value);
    }
}

static void reset(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt = {0, 0};

    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    for (unsigned i = 0; i < 10000 && (inb(0x64) & 2) != 0; i++) {
        pause();
    }
    outb(0x64, 0xfe); /* the keyboard controller's reset line */
    for (unsigned i = 0; i < 100000; i++) {
        pause();
    }
    __asm__ volatile("lidt %0; ud2" : : "m"(no_idt)); /* triple fault */
}

void machine_stop(bool reboot)
{
    panic_active = true; /* an NMI now means: stop */
    apic_stop_others();
    console_drain();
    qemu_exit(EXIT_DONE);
    if (reboot) {
        reset();
    }
    halt_forever();
}

void power_panic(void)
{
    console_drain();
    qemu_exit(EXIT_PANIC);
    halt_forever();
}
