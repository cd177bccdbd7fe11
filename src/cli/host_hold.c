/* SPDX-License-Identifier: MIT */
/*
 * A domain that a connection has in hand, to save, debug or dump it. Whoever
 * takes it asks the hypervisor afterwards, so that the undoing of a client
 * that goes away comes behind that question.
 */
#include "host_daemon.h"

bool host_hold_begin(struct host *h, struct host_hold *hold,
                     struct host_request *r, const json_t *args,
                     const char *does)
{
    uint64_t domid;

    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return false;
    }
    if (hold->held) {
        host_refuse(h, r, "busy", "this connection %s a domain already", does);
        return false;
    }
    *hold = (struct host_hold){true, (uint16_t)domid};
    return true;
}

bool host_hold_check(struct host *h, const struct host_hold *hold,
                     struct host_request *r, const json_t *args,
                     const char *what)
{
    uint64_t domid;

    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return false;
    }
    if (!hold->held || hold->domid != domid) {
        host_refuse(h, r, "invalid", "this connection does not %s it", what);
        return false;
    }
    return true;
}

void host_hold_undone(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    (void)h;
    (void)context;
    (void)error;
    (void)rows;
    (void)text;
}
