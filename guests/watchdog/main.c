/* SPDX-License-Identifier: MIT */
/*
 * watchdog: arms a watchdog, pokes it while all is well, then hangs with
 * events off, as a broken kernel would. The hypervisor ends the domain with
 * reason watchdog.
 */
#include <schedop/kit.h>

#define MS UINT64_C(1000000)
#define TIMEOUT_S 1u

int main(void)
{
    struct schedop_watchdog watchdog;
    int rc = schedop_watchdog_start(&watchdog, TIMEOUT_S);

    if (rc < 0) {
        kit_printf("no watchdog: %s\n", schedop_error_text(rc));
        return rc;
    }
    kit_printf("watchdog %d armed for %u s\n", rc, TIMEOUT_S);
    /* Longer in all than the timeout: only the pokes keep us alive. */
    for (unsigned int i = 0; i < 3; i++) {
        kit_sleep_ns(400 * MS);
        rc = schedop_watchdog_poke(&watchdog, TIMEOUT_S);
        if (rc != 0) {
            kit_printf("poke: %s\n", schedop_error_text(rc));
            return rc;
        }
    }
    kit_printf("alive after 3 pokes; now hanging\n");
    kit_events_off();
    for (;;) {
        __asm__ volatile(""); /* no pause: not even that polite */
    }
}
