/* SPDX-License-Identifier: MIT */
/* The terminal: see terminal.h. */
#include "terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static int saved_fd = -1;

bool terminal_readable(int fd)
{
    return isatty(fd) != 1 || tcgetpgrp(fd) == getpgrp();
}

bool terminal_raw(int fd)
{
    static bool registered;
    struct termios raw;

    if (isatty(fd) != 1 || tcgetpgrp(fd) != getpgrp() ||
        tcgetattr(fd, &saved) != 0) {
        return false;
    }
    if (!registered && atexit(terminal_restore) != 0) {
        return false;
    }
    registered = true;
    raw = saved;
    cfmakeraw(&raw);
    /* Guests differ in whether they send carriage returns. */
    raw.c_oflag |= OPOST | ONLCR;
    if (tcsetattr(fd, TCSANOW, &raw) != 0) {
        return false;
    }
    saved_fd = fd;
    return true;
}

void terminal_restore(void)
{
    if (saved_fd >= 0) {
        /* Drop what was typed for the guest: the shell should not run it. */
        (void)tcsetattr(saved_fd, TCSAFLUSH, &saved);
        saved_fd = -1;
    }
}
