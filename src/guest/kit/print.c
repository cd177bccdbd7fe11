/* SPDX-License-Identifier: MIT */
/*
 * printf without libc: one formatter that pours bytes into a sink, which is a
 * caller's buffer or the console in pieces.
 */
#include "print.h"

struct spec {
    bool left, zero, upper, negative;
    int width;
    int precision; /* -1: none given */
};

static void put(struct kit_sink *sink, char c)
{
    if (sink->length >= sink->size && sink->flush) {
        sink->flush(sink->text, sink->size);
        sink->total += sink->size;
        sink->length = 0;
    }
    if (sink->length < sink->size) {
        sink->text[sink->length] = c;
    }
    sink->length++;
}

static void pad(struct kit_sink *sink, char c, int count)
{
    for (; count > 0; count--) {
        put(sink, c);
    }
}

static void put_text(struct kit_sink *sink, const struct spec *spec,
                     const char *text)
{
    int length = 0;

    if (!text) {
        text = "(null)";
    }
    while ((spec->precision < 0 || length < spec->precision) && text[length]) {
        length++;
    }
    if (!spec->left) {
        pad(sink, ' ', spec->width - length);
    }
    for (int i = 0; i < length; i++) {
        put(sink, text[i]);
    }
    if (spec->left) {
        pad(sink, ' ', spec->width - length);
    }
}

/* Digits, least significant first; returns how many. */
static int digits(char *reversed, uint64_t value, unsigned int base, bool upper)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int count = 0;

    do {
        reversed[count++] = alphabet[value % base];
        value /= base;
    } while (value != 0);
    return count;
}

static void put_number(struct kit_sink *sink, const struct spec *spec,
                       uint64_t value, unsigned int base)
{
    char reversed[20];
    int count = digits(reversed, value, base, spec->upper);
    int zeros = spec->precision > count ? spec->precision - count : 0;
    int blanks = spec->width - count - zeros - (spec->negative ? 1 : 0);

    if (spec->zero && !spec->left && spec->precision < 0 && blanks > 0) {
        zeros = blanks;
        blanks = 0;
    }
    if (!spec->left) {
        pad(sink, ' ', blanks);
    }
    if (spec->negative) {
        put(sink, '-');
    }
    pad(sink, '0', zeros);
    while (count > 0) {
        put(sink, reversed[--count]);
    }
    if (spec->left) {
        pad(sink, ' ', blanks);
    }
}

/* Sizes of an integer argument, in what printf's letters mean here. */
enum size { SIZE_INT, SIZE_LONG, SIZE_LONG_LONG, SIZE_SIZE };

static uint64_t take_unsigned(struct kit_args *args, enum size size)
{
    switch (size) {
    case SIZE_LONG:
        return va_arg(args->list, unsigned long);
    case SIZE_LONG_LONG:
        return va_arg(args->list, unsigned long long);
    case SIZE_SIZE:
        return va_arg(args->list, size_t);
    case SIZE_INT:
        break;
    }
    return va_arg(args->list, unsigned int);
}

static int64_t take_signed(struct kit_args *args, enum size size)
{
    switch (size) {
    case SIZE_LONG:
        return va_arg(args->list, long);
    case SIZE_LONG_LONG:
        return va_arg(args->list, long long);
    case SIZE_SIZE:
        return va_arg(args->list, ptrdiff_t);
    case SIZE_INT:
        break;
    }
    return va_arg(args->list, int);
}

static const char *parse_number(const char *format, struct kit_args *args,
                                int *number)
{
    *number = 0;
    if (*format == '*') {
        *number = va_arg(args->list, int);
        return format + 1;
    }
    while (*format >= '0' && *format <= '9' && *number < 1000) {
        *number = *number * 10 + (*format++ - '0');
    }
    return format;
}

static const char *parse_spec(const char *format, struct kit_args *args,
                              struct spec *spec)
{
    *spec = (struct spec){.precision = -1};
    for (;; format++) {
        if (*format == '-') {
            spec->left = true;
        } else if (*format == '0') {
            spec->zero = true;
        } else {
            break;
        }
    }
    format = parse_number(format, args, &spec->width);
    if (*format == '.') {
        format = parse_number(format + 1, args, &spec->precision);
    }
    return format;
}

static const char *parse_size(const char *format, enum size *size)
{
    *size = SIZE_INT;
    for (;; format++) {
        if (*format == 'l') {
            *size = *size == SIZE_LONG ? SIZE_LONG_LONG : SIZE_LONG;
        } else if (*format == 'z') {
            *size = SIZE_SIZE;
        } else {
            return format;
        }
    }
}

static void convert(struct kit_sink *sink, char letter, struct spec *spec,
                    enum size size, struct kit_args *args)
{
    int64_t value;

    switch (letter) {
    case 'd':
    case 'i':
        value = take_signed(args, size);
        spec->negative = value < 0;
        put_number(sink, spec, value < 0 ? -(uint64_t)value : (uint64_t)value,
                   10);
        break;
    case 'u':
        put_number(sink, spec, take_unsigned(args, size), 10);
        break;
    case 'X':
        spec->upper = true;
        put_number(sink, spec, take_unsigned(args, size), 16);
        break;
    case 'x':
        put_number(sink, spec, take_unsigned(args, size), 16);
        break;
    case 'p':
        put(sink, '0');
        put(sink, 'x');
        put_number(sink, spec, (uintptr_t)va_arg(args->list, void *), 16);
        break;
    case 'c':
        put_text(sink, spec, (char[2]){(char)va_arg(args->list, int), 0});
        break;
    case 's':
        put_text(sink, spec, va_arg(args->list, const char *));
        break;
    default: /* "%%", or a mistake that the reader should see */
        put(sink, letter);
        break;
    }
}

void kit_format(struct kit_sink *sink, const char *format,
                struct kit_args *args)
{
    while (*format) {
        struct spec spec;
        enum size size;

        if (*format != '%') {
            put(sink, *format++);
            continue;
        }
        format = parse_spec(format + 1, args, &spec);
        format = parse_size(format, &size);
        if (!*format) {
            break;
        }
        convert(sink, *format++, &spec, size, args);
    }
}

size_t kit_snprintf(char *text, size_t size, const char *format, ...)
{
    struct kit_sink sink = {.text = text, .size = size};
    struct kit_args args;

    va_start(args.list, format);
    kit_format(&sink, format, &args);
    va_end(args.list);
    if (size > 0) {
        text[sink.length < size ? sink.length : size - 1] = 0;
    }
    return sink.length;
}
