/* SPDX-License-Identifier: MIT */
#include "linkline.h"

#include "string.h"

static const char hex[] = "0123456789abcdef";

size_t linkline_escape(char *out, size_t room, const char *text, size_t len,
                       size_t *used)
{
    size_t n = 0, i = 0;

    for (; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool named = c == '\\' || c == '\n' || c == '\r';
        size_t need = named ? 2 : c < 0x20 || c > 0x7e ? 4 : 1;

        if (need > room - n) {
            break;
        }
        if (need == 1) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '\\';
        if (named) {
            out[n++] = c == '\n' ? 'n' : c == '\r' ? 'r' : '\\';
        } else {
            out[n++] = 'x';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    *used = i;
    return n;
}

/* Value of a hexadecimal digit of either case, -1 for anything else. */
static int hex_value(char c)
{
    for (int i = 0; i < 16; i++) {
        if (c == hex[i] || (c >= 'A' && c <= 'F' && c - 'A' + 'a' == hex[i])) {
            return i;
        }
    }
    return -1;
}

bool linkline_unescape(char *out, size_t *out_len, const char *text, size_t len)
{
    size_t n = 0, i = 0;

    while (i < len) {
        char c = text[i++];

        if (c == '\\') {
            if (i == len) {
                return false;
            }
            c = text[i++];
            if (c == 'n' || c == 'r') {
                c = c == 'n' ? '\n' : '\r';
            } else if (c == 'x') {
                int high = i < len ? hex_value(text[i]) : -1;
                int low = i + 1 < len ? hex_value(text[i + 1]) : -1;

                if (high < 0 || low < 0) {
                    return false;
                }
                c = (char)(high << 4 | low);
                i += 2;
            } else if (c != '\\') {
                return false;
            }
        }
        out[n++] = c;
    }
    *out_len = n;
    return true;
}

bool linkline_feed(struct linkline_reader *r, char c)
{
    if (c != '\n') {
        if (r->len < sizeof(r->line) - 1) {
            r->line[r->len++] = c;
        } else {
            r->overlong = true;
        }
        return false;
    }
    bool whole = !r->overlong;

    r->line[r->len] = '\0';
    r->len = 0;
    r->overlong = false;
    return whole;
}

/* Steps over `word` and the space after it, if the line goes on with it. */
static bool take_word(char **at, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*at, word, n) != 0 || ((*at)[n] != ' ' && (*at)[n] != '\0')) {
        return false;
    }
    *at += n + ((*at)[n] == ' ');
    return true;
}

static bool take_number(char **at, uint32_t max, uint32_t *value)
{
    char *p = *at;
    uint64_t v = 0;

    for (; *p >= '0' && *p <= '9' && v <= max; p++) {
        v = v * 10 + (uint64_t)(*p - '0');
    }
    if (p == *at || v > max || (*p != ' ' && *p != '\0')) {
        return false;
    }
    *value = (uint32_t)v;
    *at = p + (*p == ' ');
    return true;
}

static bool parse_con(char *at, struct linkline_command *cmd)
{
    cmd->text = at;
    return linkline_unescape(at, &cmd->len, at, strlen(at));
}

void linkline_parse(char *line, struct linkline_command *cmd)
{
    uint32_t domid = 0, code = 0;
    bool good = true;

    *cmd = (struct linkline_command){.verb = LINKLINE_UNKNOWN};
    if (take_word(&line, "con")) {
        cmd->verb = LINKLINE_CON;
        good = take_number(&line, UINT16_MAX, &domid) && parse_con(line, cmd);
    } else if (take_word(&line, "shutdown")) {
        cmd->verb = LINKLINE_SHUTDOWN;
        good = take_number(&line, UINT16_MAX, &domid) &&
               take_number(&line, UINT8_MAX, &code) && *line == '\0';
    } else if (take_word(&line, "destroy")) {
        cmd->verb = LINKLINE_DESTROY;
        good = take_number(&line, UINT16_MAX, &domid) && *line == '\0';
    } else if (take_word(&line, "dumped")) {
        cmd->verb = LINKLINE_DUMPED;
        good = take_number(&line, UINT16_MAX, &domid) && *line == '\0';
    } else if (take_word(&line, "stop")) {
        cmd->verb = LINKLINE_STOP;
        good = *line == '\0';
    } else if (take_word(&line, "ask")) {
        cmd->verb = LINKLINE_ASK;
        cmd->text = line;
    }
    if (!good) {
        cmd->verb = LINKLINE_BAD;
    }
    cmd->domid = (uint16_t)domid;
    cmd->code = (uint8_t)code;
}
