/* SPDX-License-Identifier: MIT */
/*
 * Lines are put together on the caller's stack and written by one call under
 * link_lock, a leaf, which also guards `closed` and the state of the text on
 * COM1.
 */
#include "link.h"

#include <schedop/link.h>

#include "controller/controller.h"
#include "cpu/lock.h"
#include "lib/linkline.h"
#include "lib/string.h"
#include "link_ring.h"
#include "x86.h"

#define PREFIX_MAX 160u

static struct x86_lock link_lock;
static bool closed;

/* COM1: whose unfinished line the cursor stands in; 0 at a line's start. */
static uint32_t text_owner;
#define OWNER_NONE 0u
#define OWNER(d) (0x10000u + (d)->domid)

static void link_write(const char *line, size_t len)
{
    x86_lock(&link_lock);
    if (!closed) {
        link_port_write(line, len);
    }
    x86_unlock(&link_lock);
}

/* Formats a whole line without TEXT. */
__attribute__((format(printf, 1, 2))) static void link_printf(const char *fmt,
                                                              ...)
{
    char line[SCHEDOP_LINK_LINE_MAX];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = x86_vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (len > 0 && (size_t)len < sizeof(line)) {
        link_write(line, (size_t)len);
    }
}

/* "PREFIX TEXT" on as many lines as it takes; one at least. */
static void link_text(const char *prefix, const char *text, size_t len)
{
    char line[SCHEDOP_LINK_LINE_MAX];
    size_t head = strlen(prefix), used;

    memcpy(line, prefix, head);
    do {
        size_t n = head + linkline_escape(line + head, sizeof(line) - 1 - head,
                                          text, len, &used);

        line[n++] = '\n';
        link_write(line, n);
        text += used;
        len -= used;
    } while (len > 0);
}

/* A whole line of text on COM1. */
__attribute__((format(printf, 1, 2))) static void text_printf(const char *fmt,
                                                              ...)
{
    char line[512];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = x86_vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    size_t n = (size_t)len < sizeof(line) - 2 ? (size_t)len : sizeof(line) - 2;

    line[n++] = '\n';
    x86_lock(&link_lock);
    if (!closed) {
        if (text_owner != OWNER_NONE) {
            console_write("\n", 1);
            text_owner = OWNER_NONE;
        }
        console_write(line, n);
    }
    x86_unlock(&link_lock);
}

/* ----------------------------------------------------------------- machine */

void link_hello(void)
{
    if (link_present()) {
        link_printf("%s %d %s\n", SCHEDOP_LINK_MAGIC, SCHEDOP_LINK_VERSION,
                    SCHEDOP_VERSION);
    }
}

void link_boot(void)
{
    unsigned long long memory = 0, own = hv_bytes_used(), now = time_now();

    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        memory += boot_info.ram[i].size;
    }
    if (link_present()) {
        link_printf("boot pcpus=%u memory_kib=%llu hypervisor_kib=%llu "
                    "boot_ns=%llu ring=0x%llx\n",
                    x86_nr_pcpus(), memory >> 10, own >> 10, now,
                    (unsigned long long)link_ring_init());
    } else {
        text_printf("schedop " SCHEDOP_VERSION
                    ": %u pCPUs, %llu MiB of memory, up after %llu ms",
                    x86_nr_pcpus(), memory >> 20, now / 1000000);
    }
}

void link_trace(unsigned pcpu, uint64_t pa, uint64_t records)
{
    link_printf("trace %u 0x%llx %llu\n", pcpu, (unsigned long long)pa,
                (unsigned long long)records);
}

void link_exit(unsigned code)
{
    if (link_present()) {
        link_printf("exit %u\n", code);
    } else {
        text_printf("schedop: all is over, code %u", code);
    }
    x86_lock(&link_lock);
    closed = true;
    x86_unlock(&link_lock);
}

/* ----------------------------------------------------------------- domains */

void link_create(const struct link_domain *d)
{
    if (link_present()) {
        link_printf("create %u %s\n", d->domid, d->name);
    } else {
        text_printf("[%s] is domain %u", d->name, d->domid);
    }
}

void link_start(const struct link_domain *d, uint64_t now)
{
    if (link_present()) {
        link_printf("start %u %llu\n", d->domid, (unsigned long long)now);
        link_printf("kept %llu\n", (unsigned long long)hv_bytes_used() >> 10);
    }
}

void link_fail(const char *name, const char *why)
{
    char prefix[PREFIX_MAX];

    if (!link_present()) {
        text_printf("[%s] cannot be built: %s", name, why);
        return;
    }
    x86_snprintf(prefix, sizeof(prefix), "fail %s ",
                 name[0] == '\0' ? "-" : name);
    link_text(prefix, why, strlen(why));
}

void link_crash(const struct link_domain *d, const char *text)
{
    char prefix[PREFIX_MAX];

    if (!link_present()) {
        text_printf("[%s] crash: %s", d->name, text);
        return;
    }
    x86_snprintf(prefix, sizeof(prefix), "crash %u ", d->domid);
    link_text(prefix, text, strlen(text));
}

/* Says who speaks where a line begins or the speaker changes. */
static void text_con(const struct link_domain *d, const char *text, size_t len)
{
    while (len > 0) {
        size_t n = 0;

        while (n < len && text[n] != '\n') {
            n++;
        }
        bool whole = n < len;

        n += whole;

        if (text_owner != OWNER(d)) {
            if (text_owner != OWNER_NONE) {
                console_write("\n", 1);
            }
            console_write("[", 1);
            console_write(d->name, strlen(d->name));
            console_write("] ", 2);
        }
        console_write(text, n);
        text_owner = whole ? OWNER_NONE : OWNER(d);
        text += n;
        len -= n;
    }
}

void link_con(const struct link_domain *d, const char *text, size_t len)
{
    char prefix[PREFIX_MAX];

    if (len == 0) {
        return;
    }
    if (link_present()) {
        x86_snprintf(prefix, sizeof(prefix), "con %u ", d->domid);
        link_text(prefix, text, len);
        return;
    }
    x86_lock(&link_lock);
    if (!closed) {
        text_con(d, text, len);
    }
    x86_unlock(&link_lock);
}

void link_took(const struct link_domain *d, uint32_t bytes)
{
    if (link_present()) {
        link_printf("took %u %u\n", d->domid, bytes);
    }
}

void link_room(void)
{
    link_printf("room\n");
}

void link_store(void)
{
    if (link_present()) {
        link_printf("store\n");
    }
}

void link_gone(const struct link_domain *d)
{
    if (link_present()) {
        link_printf("gone %u %s\n", d->domid, d->name);
    }
}

void link_stopped(const struct link_domain *d)
{
    if (link_present()) {
        link_printf("stopped %u %s\n", d->domid, d->name);
    }
}

void link_dump(const struct link_domain *d, uint64_t pa, uint64_t bytes)
{
    link_printf("dump %u %s 0x%llx %llu\n", d->domid, d->name,
                (unsigned long long)pa, (unsigned long long)bytes);
}

void link_row(uint32_t tag, const char *format, ...)
{
    char prefix[24], text[SCHEDOP_LINK_LINE_MAX / 2];
    va_list ap;

    x86_snprintf(prefix, sizeof(prefix), "row %u ", tag);
    va_start(ap, format);
    x86_vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    link_text(prefix, text, strlen(text));
}

void link_did(uint32_t tag, int error, const char *text)
{
    char prefix[40];

    x86_snprintf(prefix, sizeof(prefix), "did %u %d ", tag, error);
    link_text(prefix, text, strlen(text));
}

void link_end(const struct link_domain *d, uint8_t code, const char *action,
              const struct sop_domain_info *info)
{
    static const char *const command[] = SCHEDOP_LINK_COMMANDS;
    unsigned long long run = info->ended_ns - info->created_ns;
    unsigned long long cpu = info->cpu_ns;
    char line[SCHEDOP_LINK_LINE_MAX];
    size_t n;

    if (!link_present()) {
        const char *reason = controller_reason_name(code);

        text_printf("[%s] ended: code %u (%s), %s; ran %llu ms, %llu ms of it "
                    "on a pCPU",
                    d->name, code, reason == NULL ? "no name" : reason, action,
                    run / 1000000, cpu / 1000000);
        return;
    }
    n = (size_t)x86_snprintf(line, sizeof(line),
                             "end %u %s %u %s run_ns=%llu cpu_ns=%llu",
                             d->domid, d->name, code, action, run, cpu);
    for (size_t i = 0; i < SOP_COMMANDS; i++) {
        n += (size_t)x86_snprintf(line + n, sizeof(line) - n, " %s=%llu",
                                  command[i],
                                  (unsigned long long)info->commands[i]);
    }
    line[n++] = '\n';
    link_write(line, n);
}
