/* SPDX-License-Identifier: MIT */
/* Values of nodes as text, and back. */
#include <ctype.h>
#include <string.h>

#include "verb_store.h"

void store_add_value(struct cli_text *t, const char *value, unsigned len)
{
    static const char letters[] = "\tt\nn\rr\\\\";

    for (unsigned i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        const char *at = letters;

        while (*at != '\0' && (unsigned char)*at != c) {
            at += 2;
        }
        if (*at != '\0') {
            cli_text_printf(t, "\\%c", at[1]);
        } else if (c < ' ' || c > '~') {
            cli_text_printf(t, c < 8 ? "\\%03o" : "\\x%02x", c);
        } else {
            cli_text_add(t, value + i, 1);
        }
    }
}

static int octal(const char **at)
{
    int n = 0;

    for (int i = 0; i < 3 && **at >= '0' && **at <= '7'; i++, (*at)++) {
        n = n * 8 + (**at - '0');
    }
    return n;
}

static int hexadecimal(const char **at)
{
    int n = 0;

    for (int i = 0; i < 2 && isxdigit((unsigned char)**at) != 0; i++, (*at)++) {
        int c = tolower((unsigned char)**at);

        n = n * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return n;
}

void store_add_unescaped(struct cli_text *t, const char *text)
{
    while (*text != '\0') {
        char c = *text++;

        if (c == '\\' && *text != '\0') {
            switch (*text) {
            case 't':
                c = '\t';
                text++;
                break;
            case 'n':
                c = '\n';
                text++;
                break;
            case 'r':
                c = '\r';
                text++;
                break;
            case 'x':
                text++;
                c = (char)hexadecimal(&text);
                break;
            default:
                c = *text >= '0' && *text <= '7' ? (char)octal(&text) : *text++;
                break;
            }
        }
        cli_text_add(t, &c, 1);
    }
}
