/* SPDX-License-Identifier: MIT */
/* Words of the command line. */
#include "private.h"

/* The text after "name=" in `word`, or NULL if it is another word. */
static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);

    if (strncmp(word, name, length) != 0) {
        return NULL;
    }
    switch (word[length]) {
    case '=':
        return word + length + 1;
    case ' ':
    case 0:
        return word + length;
    default:
        return NULL;
    }
}

static size_t word_length(const char *word)
{
    size_t length = 0;

    while (word[length] && word[length] != ' ') {
        length++;
    }
    return length;
}

bool kit_arg(const char *name, char *value, size_t size)
{
    const char *at = kit_the_info.cmdline;
    bool found = false;

    while (*at) {
        const char *text = value_of(at, name);

        if (text) {
            size_t length = word_length(text);

            found = length < size;
            if (found) {
                memcpy(value, text, length);
                value[length] = 0;
            }
        }
        at += word_length(at);
        while (*at == ' ') {
            at++;
        }
    }
    return found;
}

/* Value of a digit in any base up to 16, or 16. */
static unsigned int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned int)(c - 'a') + 10;
    }
    return 16;
}

uint64_t kit_arg_u64(const char *name, uint64_t otherwise)
{
    char text[24];
    const char *at = text;
    unsigned int base = 10;
    uint64_t value = 0;

    if (!kit_arg(name, text, sizeof(text))) {
        return otherwise;
    }
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        at += 2;
    }
    if (!*at) {
        return otherwise;
    }
    for (; *at; at++) {
        unsigned int digit = digit_of(*at);

        if (digit >= base) {
            return otherwise;
        }
        value = value * base + digit;
    }
    return value;
}
