/* SPDX-License-Identifier: MIT */
/* Names and sentences for errors, commands and reasons. */
#include "private.h"

struct entry {
    int value;
    const char *text;
};

/* Xen's own list; of two names for one number the first is the usual one. */
static const struct entry names[] = {
    {0, "OK"},
#define XEN_ERRNO(name, value) {value, #name},
#include <xen/errno.h>
};

/* What each means when it comes back from a hypercall of this library. */
static const struct entry texts[] = {
    {0, "It worked."},
    {XEN_EPERM, "The caller is not privileged enough for this operation, or "
                "is not in kernel mode."},
    {XEN_ENOENT, "There is no such vCPU or object in this domain."},
    {XEN_ESRCH, "There is no such domain."},
    {XEN_EIO, "The device or the hypervisor's back end failed."},
    {XEN_ENXIO, "The place named is not usable: it would cross a page or is "
                "not aligned."},
    {XEN_E2BIG, "An argument is too long."},
    {XEN_ENOEXEC, "The image is not in a format the hypervisor can run."},
    {XEN_EBADF, "The handle does not name anything."},
    {XEN_ECHILD, "There is nothing to wait for."},
    {XEN_EAGAIN, "The hypervisor cannot do it at this moment; try again."},
    {XEN_ENOMEM, "The hypervisor or the domain has no memory left for it."},
    {XEN_EACCES, "The object exists but is closed to this domain."},
    {XEN_EFAULT, "A pointer in the call does not lead to memory that the "
                 "hypervisor can read or write."},
    {XEN_EBUSY, "It is in use, or the vCPU is pinned already."},
    {XEN_EEXIST, "It exists already: bound, initialised or registered."},
    {XEN_EXDEV, "The two objects do not belong together."},
    {XEN_ENODEV, "There is no such device."},
    {XEN_ENOTDIR, "A part of the path is not a directory."},
    {XEN_EISDIR, "The path names a directory."},
    {XEN_EINVAL, "An argument is out of range or not valid in this state."},
    {XEN_ENFILE, "The system-wide table is full."},
    {XEN_EMFILE, "The table of this domain is full."},
    {XEN_ENOSPC, "Nothing is free: all watchdogs are claimed or all ports are "
                 "in use."},
    {XEN_EROFS, "The object cannot be changed."},
    {XEN_EMLINK, "There are too many references to it."},
    {XEN_EDOM, "An argument lies outside what the operation is defined for."},
    {XEN_ERANGE, "The result does not fit where it should go."},
    {XEN_EDEADLK, "Waiting would never end."},
    {XEN_ENAMETOOLONG, "A name is too long."},
    {XEN_ENOLCK, "No lock is available."},
    {XEN_ENOSYS, "The hypervisor does not know this command, or there is no "
                 "hypervisor."},
    {XEN_ENOTEMPTY, "It still contains something."},
    {XEN_ENODATA, "There is no data."},
    {XEN_ETIME, "The time has passed already."},
    {XEN_EBADMSG, "The message is malformed."},
    {XEN_EOVERFLOW, "A value or a nesting count is too large."},
    {XEN_EILSEQ, "The bytes are not valid text."},
    {XEN_ENOTSOCK, "It is not a socket."},
    {XEN_EMSGSIZE, "The message is too large."},
    {XEN_EOPNOTSUPP, "The hypervisor knows the operation but does not support "
                     "it here."},
    {XEN_EADDRINUSE, "The processor or address is in use."},
    {XEN_EADDRNOTAVAIL, "The processor or address is not available."},
    {XEN_ENOBUFS, "There is no buffer space."},
    {XEN_EISCONN, "It is connected already."},
    {XEN_ENOTCONN, "It is not connected."},
    {XEN_ETIMEDOUT, "The other side did not answer in time."},
    {XEN_ECONNREFUSED, "The other side refused."},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *look_up(const struct entry *table, size_t count, int error,
                           const char *unknown)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].value == error || -table[i].value == error) {
            return table[i].text;
        }
    }
    return unknown;
}

const char *schedop_error_name(int error)
{
    return look_up(names, COUNT(names), error, "?");
}

const char *schedop_error_text(int error)
{
    return look_up(texts, COUNT(texts), error,
                   "Xen does not define this error number.");
}

const char *schedop_command_name(int32_t op)
{
    static const char *const commands[] = {
        [SCHEDOP_yield] = "yield",
        [SCHEDOP_block] = "block",
        [SCHEDOP_shutdown] = "shutdown",
        [SCHEDOP_poll] = "poll",
        [SCHEDOP_remote_shutdown] = "remote_shutdown",
        [SCHEDOP_shutdown_code] = "shutdown_code",
        [SCHEDOP_watchdog] = "watchdog",
        [SCHEDOP_pin_override] = "pin_override",
    };

    return op >= 0 && (size_t)op < COUNT(commands) ? commands[op] : "?";
}

const char *schedop_reason_name(uint32_t reason)
{
    static const char *const reasons[] = {
        [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
        [SHUTDOWN_suspend] = "suspend",   [SHUTDOWN_crash] = "crash",
        [SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft_reset",
    };

    return reason < COUNT(reasons) ? reasons[reason] : "other";
}
