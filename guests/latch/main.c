/* SPDX-License-Identifier: MIT */
/*
 * latch: latches a shutdown code, tries to change it, and powers off. What is
 * reported is the first code, not the power-off.
 */
#include <schedop/kit.h>

int main(void)
{
    int rc = schedop_shutdown_code(SHUTDOWN_crash);

    if (rc == 0) {
        rc = schedop_shutdown_code(SHUTDOWN_reboot); /* accepted, no effect */
    }
    if (rc != 0) {
        kit_printf("shutdown_code: %s\n", schedop_error_text(rc));
        return rc;
    }
    kit_printf("latched \"%s\", now powering off\n",
               schedop_reason_name(SHUTDOWN_crash));
    return 0;
}
