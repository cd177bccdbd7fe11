/* SPDX-License-Identifier: MIT */
/*
 * Command lines: words separated by spaces, key=value, up to a word "--". The
 * last of several equal keys counts.
 */
#include "boot.h"

#define TRACE_KIB_DEFAULT 1024u
#define TRACE_KIB_MAX (1u << 20)

struct boot_options boot_options;

static bool at_end(const char *word)
{
    return word[0] == '\0' || (word[0] == '-' && word[1] == '-' &&
                               (word[2] == ' ' || word[2] == '\0'));
}

static const char *next_word(const char *at)
{
    while (*at != ' ' && *at != '\0') {
        at++;
    }
    while (*at == ' ') {
        at++;
    }
    return at;
}

/* The value if `word` is `key`=value, else NULL. */
static const char *value_of(const char *word, const char *key)
{
    while (*key != '\0' && *key == *word) {
        key++;
        word++;
    }
    return *key == '\0' && *word == '=' ? word + 1 : NULL;
}

static const char *first_word(const char *cmdline)
{
    while (*cmdline == ' ') {
        cmdline++;
    }
    return cmdline;
}

static void copy_value(const char *value, char *out, size_t size)
{
    size_t n = 0;

    while (n + 1 < size && value[n] != ' ' && value[n] != '\0') {
        out[n] = value[n];
        n++;
    }
    out[n] = '\0';
}

bool cmdline_get(const char *cmdline, const char *key, char *out, size_t size)
{
    const char *value = NULL;

    for (const char *w = first_word(cmdline); !at_end(w); w = next_word(w)) {
        const char *v = value_of(w, key);

        value = v != NULL ? v : value;
    }
    if (value == NULL || size == 0) {
        return false;
    }
    copy_value(value, out, size);
    return true;
}

bool cmdline_nth(const char *cmdline, const char *key, unsigned n, char *out,
                 size_t size)
{
    for (const char *w = first_word(cmdline); !at_end(w); w = next_word(w)) {
        const char *v = value_of(w, key);

        if (v != NULL && n-- == 0 && size != 0) {
            copy_value(v, out, size);
            return true;
        }
    }
    return false;
}

bool cmdline_has(const char *cmdline, const char *word)
{
    size_t len = __builtin_strlen(word);

    for (const char *w = first_word(cmdline); !at_end(w); w = next_word(w)) {
        if (__builtin_strncmp(w, word, len) == 0 &&
            (w[len] == ' ' || w[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Decimal, or hexadecimal after 0x; `fallback` when it is no number. */
static uint64_t number(const char *text, uint64_t fallback)
{
    uint64_t value = 0, base = 10;

    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    if (*text == '\0') {
        return fallback;
    }
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)*text - '0';

        if (*text >= 'a' && *text <= 'f') {
            digit = (unsigned)*text - 'a' + 10;
        }
        if (digit >= base || value > UINT32_MAX) {
            return fallback;
        }
        value = value * base + digit;
    }
    return value;
}

static bool word_is(const char *text, const char *word)
{
    return value_of(text, word) != NULL ||
           (__builtin_strlen(text) == __builtin_strlen(word) &&
            __builtin_memcmp(text, word, __builtin_strlen(word)) == 0);
}

static void parse_level(const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    for (unsigned i = 0; i < 4; i++) {
        if (word_is(text, names[i])) {
            boot_options.loglvl = (enum sop_log_level)i;
        }
    }
}

void cmdline_parse(void)
{
    const char *line = boot_info.cmdline;
    char text[32];

    boot_options.loglvl = SOP_LOG_INFO;
    boot_options.pcpus = X86_PCPUS_MAX;
    if (cmdline_get(line, "link", text, sizeof(text))) {
        boot_options.link = word_is(text, "com2");
    }
    if (cmdline_get(line, "host", text, sizeof(text))) {
        boot_options.host = word_is(text, "1");
    }
    if (!cmdline_get(line, "debug", boot_options.debug,
                     sizeof(boot_options.debug))) {
        boot_options.debug[0] = '\0';
    }
    if (cmdline_get(line, "loglvl", text, sizeof(text))) {
        parse_level(text);
    }
    if (cmdline_get(line, "qemu-exit", text, sizeof(text))) {
        uint64_t port = number(text, 0);

        boot_options.qemu_exit = port <= UINT16_MAX ? (uint16_t)port : 0;
    }
    if (cmdline_get(line, "pcpus", text, sizeof(text))) {
        uint64_t n = number(text, X86_PCPUS_MAX);

        boot_options.pcpus =
            n >= 1 && n <= X86_PCPUS_MAX ? (unsigned)n : X86_PCPUS_MAX;
    }
    if (cmdline_get(line, "trace", text, sizeof(text))) {
        boot_options.trace = (uint32_t)number(text, 0);
    }
    boot_options.trace_kib = TRACE_KIB_DEFAULT;
    if (cmdline_get(line, "trace-kib", text, sizeof(text))) {
        uint64_t kib = number(text, 0);

        if (kib >= 1 && kib <= TRACE_KIB_MAX) {
            boot_options.trace_kib = (unsigned)kib;
        }
    }
    if (!cmdline_get(line, "test", boot_options.test,
                     sizeof(boot_options.test))) {
        boot_options.test[0] = '\0';
    }
}
