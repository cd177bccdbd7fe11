/* SPDX-License-Identifier: MIT */
/*
 * Lines for the log, and the end of everything. Lines are composed under the
 * core lock, where their facts are true, and handed to the port after it.
 */
#include "private.h"

#include "../lib/fmt.h"

void log_note(struct sop_pcpu *self, enum sop_log_level level, const char *fmt,
              ...)
{
    va_list ap;

    ASSERT(self == NULL || self->nr_lines <= LOG_LINES);
    if (self == NULL || self->nr_lines == LOG_LINES) {
        return;
    }
    va_start(ap, fmt);
    fmt_vsnprintf(self->line[self->nr_lines], LOG_LINE_MAX, fmt, ap);
    va_end(ap);
    self->line_level[self->nr_lines] = (uint8_t)level;
    self->nr_lines++;
}

void log_flush(struct sop_pcpu *self)
{
    unsigned i;

    ASSERT(self->nr_lines <= LOG_LINES);
    for (i = 0; i < self->nr_lines; i++) {
        size_t len = 0;

        while (len < LOG_LINE_MAX - 1 && self->line[i][len] != '\0') {
            len++;
        }
        port_log((enum sop_log_level)self->line_level[i], self->line[i], len);
    }
    self->nr_lines = 0;
}

_Noreturn void sop_bug(const char *file, int line, const char *what)
{
    port_panic(file, line, what);
}
