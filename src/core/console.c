/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 18: the hypervisor's console, for the hardware domain (spec 8.6).
 */
#include "private.h"

#define CHUNK 256u
#define CHUNKS_MAX 16u /* before the guest may take interrupts */

/* Like Xen, what was written before a bad address stays written. */
static int64_t console_write(struct sop_vcpu *v, struct sop_call *call)
{
    uint32_t left = (uint32_t)call->arg[1];
    uint64_t addr = call->arg[2];
    char text[CHUNK];
    unsigned n;

    for (n = 0; left != 0; n++) {
        uint32_t len = left < CHUNK ? left : CHUNK;

        if (n == CHUNKS_MAX) {
            call->arg[1] = left;
            call->arg[2] = addr;
            return CALL_AGAIN;
        }
        if (port_copy_in(v, text, addr, len) != 0) {
            return -XEN_EFAULT;
        }
        port_console(v->domain, text, len);
        left -= len;
        addr += len;
    }
    return 0;
}

static int64_t console_read(struct sop_vcpu *v, const struct sop_call *call)
{
    uint32_t count = (uint32_t)call->arg[1];
    char text[CHUNK];
    size_t got;

    /* The result is a count or an error: they may not meet. */
    if (count > INT32_MAX) {
        return -XEN_E2BIG;
    }
    got = port_console_read(v->domain, text, count < CHUNK ? count : CHUNK);
    ASSERT(got <= CHUNK);
    if (got != 0 && port_copy_out(v, call->arg[2], text, got) != 0) {
        return -XEN_EFAULT;
    }
    return (int64_t)got;
}

/* Permission comes before the command and the buffer (fact 136). */
int64_t console_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call)
{
    (void)self;
    if (!v->domain->hardware) {
        return -XEN_EPERM;
    }
    switch ((uint32_t)call->arg[0]) {
    case CONSOLEIO_write:
        return console_write(v, call);
    case CONSOLEIO_read:
        return console_read(v, call);
    default:
        return -XEN_ENOSYS;
    }
}
