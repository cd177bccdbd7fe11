/* SPDX-License-Identifier: MIT */
/*
 * The console: console_io in the hardware domain, else the PV console ring
 * with its event channel, else console_io again (some hypervisors let every
 * domain use it), else the debug port of HVM guests.
 */
#include "private.h"
#include "../../lib/fmt.h"
#include <xen/io/console.h>

#define LINE_MAX 512
#define RING_PATIENCE_NS UINT64_C(10000000000)

static struct xencons_interface *ring;
static evtchn_port_t ring_port;
static uint32_t lock;
static uint64_t dropped; /* bytes nobody took in time */

static bool console_lock(void)
{
    bool events = kit_events_off();

    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
        while (__atomic_load_n(&lock, __ATOMIC_RELAXED)) {
            __builtin_ia32_pause();
        }
    }
    return events;
}

static void console_unlock(bool events)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    kit_events_restore(events);
}

/* Free bytes in the ring; all of it when the indices make no sense. */
static uint32_t ring_space(void)
{
    uint32_t used =
        ring->out_prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);

    return used <= sizeof(ring->out) ? (uint32_t)sizeof(ring->out) - used : 0;
}

/* Waits for the other end; gives up when it does nothing for long. */
static bool ring_wait(void)
{
    uint64_t limit = schedop_deadline_ns(kit_now_ns(), RING_PATIENCE_NS);

    schedop_evtchn_send(ring_port);
    while (ring_space() == 0) {
        if (kit_now_ns() > limit) {
            return false;
        }
        schedop_yield();
    }
    return true;
}

static void ring_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (ring_space() == 0 && !ring_wait()) {
            dropped += length - i;
            return;
        }
        ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = text[i];
        __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
    }
    schedop_evtchn_send(ring_port);
}

static size_t ring_read(char *text, size_t length)
{
    uint32_t prod = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
    size_t count = 0;

    while (count < length && ring->in_cons != prod) {
        text[count++] = ring->in[MASK_XENCONS_IDX(ring->in_cons, ring->in)];
        __atomic_store_n(&ring->in_cons, ring->in_cons + 1, __ATOMIC_RELEASE);
    }
    if (count > 0) {
        schedop_evtchn_send(ring_port);
    }
    return count;
}

static void debug_port_write(const char *text, size_t length)
{
    __asm__ volatile("rep outsb"
                     : "+S"(text), "+c"(length)
                     : "d"(0xe9)
                     : "memory");
}

void kit_console_attach(void)
{
    void *page;

    ring = NULL;
    kit_the_info.console = "console_io";
    if (!(kit_the_info.flags & SIF_INITDOMAIN) &&
        kit_platform->ring(&page, &ring_port)) {
        ring = page;
        kit_the_info.console = "ring";
    } else if (schedop_console_write("", 0) != 0) {
        kit_the_info.console = "port e9";
    }
}

void kit_write(const char *text, size_t length)
{
    bool events = console_lock();

    if (ring) {
        ring_write(text, length);
    } else if (schedop_console_write(text, length) != 0 && !kit_is_pv) {
        debug_port_write(text, length);
    }
    console_unlock(events);
}

size_t kit_read(char *text, size_t length)
{
    bool events = console_lock();
    int rc = ring ? (int)ring_read(text, length)
                  : schedop_console_read(text, length);

    console_unlock(events);
    return rc > 0 ? (size_t)rc : 0;
}

void kit_vprintf(const char *format, va_list args)
{
    char line[LINE_MAX];
    size_t length = fmt_vsnprintf(line, sizeof(line), format, args);

    kit_write(line, length < sizeof(line) ? length : sizeof(line) - 1);
}

void kit_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    kit_vprintf(format, args);
    va_end(args);
}

size_t kit_vsnprintf(char *text, size_t size, const char *format, va_list args)
{
    return fmt_vsnprintf(text, size, format, args);
}

size_t kit_snprintf(char *text, size_t size, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = kit_vsnprintf(text, size, format, args);
    va_end(args);
    return length;
}

void kit_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE); /* we may hold it */
    kit_printf("panic on vCPU %u: ", kit_cpu());
    kit_vprintf(format, args);
    kit_printf("\n");
    va_end(args);
    kit_exit(SHUTDOWN_crash);
}
