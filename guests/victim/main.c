/* SPDX-License-Identifier: MIT */
/* victim: waits for ever, until the hardware domain ends it from outside. */
#include <schedop/kit.h>

int main(void)
{
    kit_printf("asleep until somebody ends me\n");
    for (;;) {
        schedop_poll(NULL, 0, SCHEDOP_NO_DEADLINE);
    }
}
