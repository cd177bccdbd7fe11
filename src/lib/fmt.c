/* SPDX-License-Identifier: MIT */
/* See fmt.h. */
#include "fmt.h"

#include <stdbool.h>
#include <stdint.h>

struct fmt_out {
    char *buf;
    size_t size;
    size_t len; /* of the whole text, may pass size */
};

struct fmt_spec {
    bool left;
    bool zero;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    int length;       /* -2 hh, -1 h, 0, 1 l, 2 ll and j, 3 z */
    char conversion;
};

static void fmt_put(struct fmt_out *o, char c)
{
    if (o->len + 1 < o->size) {
        o->buf[o->len] = c;
    }
    o->len++;
}

static void fmt_pad(struct fmt_out *o, size_t have, size_t want, char c)
{
    for (; have < want; have++) {
        fmt_put(o, c);
    }
}

/* `sign` is the character before the digits, or NUL. */
static void fmt_number(struct fmt_out *o, const struct fmt_spec *s,
                       uint64_t value, unsigned base, char sign)
{
    const char *digits =
        s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[20];
    size_t n = 0, total;

    do {
        text[n++] = digits[value % base];
        value /= base;
    } while (value != 0);
    total = n + (sign != '\0');
    if (!s->left && !s->zero) {
        fmt_pad(o, total, s->width, ' ');
    }
    if (sign != '\0') {
        fmt_put(o, sign);
    }
    if (!s->left && s->zero) {
        fmt_pad(o, total, s->width, '0');
    }
    while (n > 0) {
        fmt_put(o, text[--n]);
    }
    if (s->left) {
        fmt_pad(o, total, s->width, ' ');
    }
}

static void fmt_string(struct fmt_out *o, const struct fmt_spec *s,
                       const char *text)
{
    size_t len = 0, i;

    if (text == NULL) {
        text = "(null)";
    }
    while (len < s->precision && text[len] != '\0') {
        len++;
    }
    if (!s->left) {
        fmt_pad(o, len, s->width, ' ');
    }
    for (i = 0; i < len; i++) {
        fmt_put(o, text[i]);
    }
    if (s->left) {
        fmt_pad(o, len, s->width, ' ');
    }
}

static size_t fmt_digits(const char **fmt)
{
    size_t n = 0;

    while (**fmt >= '0' && **fmt <= '9') {
        n = n * 10 + (size_t)(*(*fmt)++ - '0');
    }
    return n;
}

static const char *fmt_length(const char *fmt, struct fmt_spec *s)
{
    for (;; fmt++) {
        if (*fmt == 'l') {
            s->length++;
        } else if (*fmt == 'h') {
            s->length--;
        } else if (*fmt == 'z') {
            s->length = 3;
        } else if (*fmt == 'j') {
            s->length = 2;
        } else {
            return fmt;
        }
    }
}

static const char *fmt_flags(const char *fmt, struct fmt_spec *s)
{
    for (;; fmt++) {
        if (*fmt == '-') {
            s->left = true;
        } else if (*fmt == '0') {
            s->zero = true;
        } else {
            return fmt;
        }
    }
}

/* The va_list crosses functions inside a struct: an array type decays. */
struct fmt_args {
    va_list ap;
};

static void fmt_star(struct fmt_args *a, struct fmt_spec *s, bool precision)
{
    int n = va_arg(a->ap, int);

    if (precision) {
        s->precision = n < 0 ? SIZE_MAX : (size_t)n;
    } else {
        s->left |= n < 0;
        s->width = n < 0 ? 0u - (size_t)n : (size_t)n;
    }
}

/* Reads the specification after a '%'; returns behind it. */
static const char *fmt_parse(const char *fmt, struct fmt_args *a,
                             struct fmt_spec *s)
{
    *s = (struct fmt_spec){.precision = SIZE_MAX};
    fmt = fmt_flags(fmt, s);
    if (*fmt == '*') {
        fmt++;
        fmt_star(a, s, false);
    } else {
        s->width = fmt_digits(&fmt);
    }
    if (*fmt == '.') {
        fmt++;
        if (*fmt == '*') {
            fmt++;
            fmt_star(a, s, true);
        } else {
            s->precision = fmt_digits(&fmt);
        }
    }
    fmt = fmt_length(fmt, s);
    s->conversion = *fmt;
    return *fmt != '\0' ? fmt + 1 : fmt;
}

static uint64_t fmt_unsigned(struct fmt_args *a, int length)
{
    switch (length) {
    case -2:
        return (unsigned char)va_arg(a->ap, unsigned);
    case -1:
        return (unsigned short)va_arg(a->ap, unsigned);
    case 0:
        return va_arg(a->ap, unsigned);
    case 1:
        return va_arg(a->ap, unsigned long);
    case 3:
        return va_arg(a->ap, size_t);
    default:
        return va_arg(a->ap, unsigned long long);
    }
}

static int64_t fmt_signed(struct fmt_args *a, int length)
{
    switch (length) {
    case -2:
        return (signed char)va_arg(a->ap, int);
    case -1:
        return (short)va_arg(a->ap, int);
    case 0:
        return va_arg(a->ap, int);
    case 1:
        return va_arg(a->ap, long);
    case 3:
        return va_arg(a->ap, ptrdiff_t);
    default:
        return va_arg(a->ap, long long);
    }
}

static void fmt_decimal(struct fmt_out *o, const struct fmt_spec *s,
                        int64_t value)
{
    if (value < 0) {
        fmt_number(o, s, 0u - (uint64_t)value, 10, '-');
    } else {
        fmt_number(o, s, (uint64_t)value, 10, '\0');
    }
}

static void fmt_convert(struct fmt_out *o, const struct fmt_spec *s,
                        struct fmt_args *a)
{
    char c[2] = {0};

    switch (s->conversion) {
    case 'd':
    case 'i':
        fmt_decimal(o, s, fmt_signed(a, s->length));
        break;
    case 'u':
        fmt_number(o, s, fmt_unsigned(a, s->length), 10, '\0');
        break;
    case 'x':
    case 'X':
        fmt_number(o, s, fmt_unsigned(a, s->length), 16, '\0');
        break;
    case 'p':
        fmt_string(o, &(struct fmt_spec){.precision = 2}, "0x");
        fmt_number(o, s, (uintptr_t)va_arg(a->ap, void *), 16, '\0');
        break;
    case 'c':
        c[0] = (char)va_arg(a->ap, int);
        fmt_string(o, s, c);
        break;
    case 's':
        fmt_string(o, s, va_arg(a->ap, const char *));
        break;
    case '\0':
    case '%':
        fmt_put(o, '%');
        break;
    default:
        fmt_put(o, '%');
        fmt_put(o, s->conversion);
        break;
    }
}

size_t fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct fmt_out o = {.buf = buf, .size = size};
    struct fmt_args args;
    struct fmt_spec spec;

    va_copy(args.ap, ap);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            fmt_put(&o, *fmt++);
            continue;
        }
        fmt = fmt_parse(fmt + 1, &args, &spec);
        fmt_convert(&o, &spec, &args);
    }
    va_end(args.ap);
    if (size > 0) {
        buf[o.len < size ? o.len : size - 1] = '\0';
    }
    return o.len;
}

size_t fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    len = fmt_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return len;
}
