/* SPDX-License-Identifier: MIT */
/*
 * Two serial ports of the 16550 kind: COM1 is text for people, COM2 the link
 * to the host tool (docs/link.md). Output polls and fills the port's FIFO at
 * each turn. Input is moved to a buffer by the interrupt handler, on the boot
 * pCPU; when the buffer is full the bytes stay in the port, which holds the
 * sender off, and reading from the buffer fetches them.
 *
 * Locks, all leaves: log_lock keeps one log line together, then one lock per
 * port.
 */
#include "console.h"

#include <schedop/link.h>

#include "boot/boot.h"
#include "cpu/asm.h"
#include "cpu/lock.h"
#include "link.h"
#include "x86.h"

#include "lib/fmt.h"

#define UART_DATA 0u
#define UART_IER 1u
#define UART_FCR 2u
#define UART_LCR 3u
#define UART_MCR 4u
#define UART_LSR 5u
#define UART_SCRATCH 7u

#define IER_RECEIVE 0x01u
#define FCR_ENABLE 0x01u
#define FCR_TRIGGER_14 0xc0u
#define LCR_8N1 0x03u
#define LCR_DLAB 0x80u
#define MCR_DTR_RTS_OUT2 0x0bu
#define LSR_RECEIVED 0x01u
#define LSR_ROOM 0x20u
#define LSR_IDLE 0x40u

#define PORT_UNUSED 0x80u /* shows boot progress on some machines */

#define FIFO_SIZE 16u
#define INPUT_SIZE 4096u /* a power of two */

/*
 * So many looks at a port that does not take our bytes, about 1 us each on
 * hardware: whoever reads the other end may pause for a while. After that
 * bytes are dropped until there is room again.
 */
#define PATIENCE 20000000u

struct uart {
    uint16_t base;
    bool present, stuck;
    struct x86_lock lock;
    /* Free-running; boot pCPU only. */
    uint32_t in_head, in_tail;
    char in[INPUT_SIZE];
};

static struct uart com1 = {.base = 0x3f8};
static struct uart com2 = {.base = 0x2f8};
static struct x86_lock log_lock;

/* -------------------------------------------------------------------- 16550 */

static void uart_input(struct uart *u)
{
    while (u->present && u->in_head - u->in_tail < INPUT_SIZE &&
           (inb(u->base + UART_LSR) & LSR_RECEIVED) != 0) {
        u->in[u->in_head++ % INPUT_SIZE] = (char)inb(u->base + UART_DATA);
    }
}

/* A register that keeps what is written; an empty bus does not. */
static bool uart_detect(const struct uart *u)
{
    static const uint8_t patterns[] = {0x5a, 0xa5};

    for (unsigned i = 0; i < sizeof(patterns); i++) {
        outb(u->base + UART_SCRATCH, patterns[i]);
        outb(PORT_UNUSED, 0); /* so that the bus does not remember */
        if (inb(u->base + UART_SCRATCH) != patterns[i]) {
            return false;
        }
    }
    return inb(u->base + UART_LSR) != 0xff;
}

static void uart_init(struct uart *u)
{
    u->present = uart_detect(u);
    if (!u->present) {
        return;
    }
    outb(u->base + UART_IER, 0);
    outb(u->base + UART_LCR, LCR_DLAB);
    outb(u->base + UART_DATA, 1); /* 115200 baud */
    outb(u->base + UART_IER, 0);
    outb(u->base + UART_LCR, LCR_8N1);
    uart_input(u); /* turning the FIFO on would drop it */
    outb(u->base + UART_FCR, FCR_ENABLE | FCR_TRIGGER_14);
    outb(u->base + UART_MCR, MCR_DTR_RTS_OUT2);
    outb(u->base + UART_IER, IER_RECEIVE);
}

static bool uart_wait(struct uart *u, uint8_t bits)
{
    for (unsigned i = 0; i < (u->stuck ? 1 : PATIENCE); i++) {
        if ((inb(u->base + UART_LSR) & bits) == bits) {
            u->stuck = false;
            return true;
        }
        if (i > 0) {
            pause();
        }
    }
    u->stuck = true;
    return false;
}

static void uart_write_locked(struct uart *u, const char *bytes, size_t len)
{
    while (len > 0 && uart_wait(u, LSR_ROOM)) {
        size_t n = len < FIFO_SIZE ? len : FIFO_SIZE;

        for (size_t i = 0; i < n; i++) {
            outb(u->base + UART_DATA, (uint8_t)bytes[i]);
        }
        bytes += n;
        len -= n;
    }
}

static size_t uart_read(struct uart *u, char *bytes, size_t max)
{
    size_t n = 0;
    bool was_full = u->in_head - u->in_tail == INPUT_SIZE;

    while (n < max && u->in_head != u->in_tail) {
        bytes[n++] = u->in[u->in_tail++ % INPUT_SIZE];
    }
    if (was_full) {
        uart_input(u); /* its interrupt has been and gone */
    }
    return n;
}

/* --------------------------------------------------------------------- COM1 */

void console_init(void)
{
    uart_init(&com1);
}

void console_write(const char *text, size_t len)
{
    size_t start = 0;

    if (!com1.present) {
        return;
    }
    x86_lock(&com1.lock);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            uart_write_locked(&com1, text + start, i - start);
            uart_write_locked(&com1, "\r\n", 2);
            start = i + 1;
        }
    }
    uart_write_locked(&com1, text + start, len - start);
    x86_unlock(&com1.lock);
}

void console_input(void)
{
    uart_input(&com1);
}

size_t console_read(char *bytes, size_t max)
{
    return uart_read(&com1, bytes, max);
}

bool console_has_input(void)
{
    return com1.in_head != com1.in_tail;
}

/* --------------------------------------------------------------------- COM2 */

void link_init(void)
{
    if (boot_options.link) {
        uart_init(&com2);
        if (!com2.present) {
            x86_log(SOP_LOG_WARNING, "link=com2, but there is no COM2");
        }
        link_hello();
    }
}

bool link_present(void)
{
    return com2.present;
}

void link_port_write(const char *bytes, size_t len)
{
    if (com2.present) {
        x86_lock(&com2.lock);
        uart_write_locked(&com2, bytes, len);
        x86_unlock(&com2.lock);
    }
}

void link_input(void)
{
    uart_input(&com2);
}

size_t link_port_read(char *bytes, size_t max)
{
    return uart_read(&com2, bytes, max);
}

bool link_port_has_input(void)
{
    return com2.in_head != com2.in_tail;
}

void console_drain(void)
{
    if (com1.present) {
        uart_wait(&com1, LSR_IDLE);
    }
    if (com2.present) {
        uart_wait(&com2, LSR_IDLE);
    }
}

/* --------------------------------------------------------------------- text */

int x86_vsnprintf(char *out, size_t size, const char *fmt, va_list ap)
{
    return (int)fmt_vsnprintf(out, size, fmt, ap);
}

int x86_snprintf(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = x86_vsnprintf(out, size, fmt, ap);
    va_end(ap);
    return len;
}

/* `verb` and `text`, escaped, as one line of the link. */
static void link_line(const char *verb, const char *text)
{
    static const char digit[] = "0123456789abcdef";
    char line[SCHEDOP_LINK_LINE_MAX];
    size_t n = 0;

    while (*verb != '\0') {
        line[n++] = *verb++;
    }
    while (*text != '\0' && n + 5 < sizeof(line)) {
        unsigned char c = (unsigned char)*text++;

        if (c == '\\' || c == '\n' || c == '\r') {
            line[n++] = '\\';
            line[n++] = c == '\n' ? 'n' : c == '\r' ? 'r' : '\\';
        } else if (c < 0x20 || c > 0x7e) {
            line[n++] = '\\';
            line[n++] = 'x';
            line[n++] = digit[c >> 4];
            line[n++] = digit[c & 15];
        } else {
            line[n++] = (char)c;
        }
    }
    line[n++] = '\n';
    link_port_write(line, n);
}

void x86_log(enum sop_log_level level, const char *fmt, ...)
{
    static const char *const verbs[] = {"log error ", "log warning ",
                                        "log info ", "log debug "};
    static char text[400]; /* guarded by log_lock */
    size_t len;
    va_list ap;

    if (level > boot_options.loglvl) {
        return;
    }
    x86_lock(&log_lock);
    va_start(ap, fmt);
    len = fmt_vsnprintf(text, sizeof(text) - 1, fmt, ap);
    va_end(ap);
    if (len > sizeof(text) - 2) {
        len = sizeof(text) - 2;
    }
    if (link_present()) {
        link_line(verbs[level], text);
    } else {
        text[len] = '\n';
        console_write(text, len + 1);
    }
    x86_unlock(&log_lock);
}

void console_break_locks(void)
{
    com1.lock = (struct x86_lock){0};
    com2.lock = (struct x86_lock){0};
    log_lock = (struct x86_lock){0};
}

void link_panic(const char *text)
{
    if (link_present()) {
        link_port_write("\n", 1); /* ends a line that was cut short */
        link_line("panic ", text);
    }
}
