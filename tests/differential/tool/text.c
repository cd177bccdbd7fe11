/* SPDX-License-Identifier: MIT */
/* Programs as text for people, both ways. */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX 256
#define WORDS_MAX 10

#define INFO(name, operands, flags) {#name, operands, flags},
const struct operation_info operations[OPERATION_COUNT] = {OPERATIONS(INFO)};

#define LITERAL(value) value,
const uint32_t literals[LITERAL_COUNT] = {LITERALS(LITERAL)};

#define NAME(name) #name,
static const char *const places[] = {PLACES(NAME)};
static const char *const times[] = {TIMES(NAME)};
static const char *const periods[] = {PERIODS(NAME)};
static const char *const contexts[] = {CONTEXTS(NAME)};

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("differential: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- names ---- */

struct names {
    const char *const *name;
    unsigned int count;
};

/* The names an operand letter stands for; count 0 for a number. */
static struct names names_of(char letter)
{
    switch (letter) {
    case 'Q':
    case 'A':
        return (struct names){places, PLACE_COUNT};
    case 'T':
        return (struct names){times, TIME_COUNT};
    case 'R':
        return (struct names){periods, PERIOD_COUNT};
    case 'C':
        return (struct names){contexts, CONTEXT_COUNT};
    default:
        return (struct names){NULL, 0};
    }
}

/* ---- writing ---- */

static void write_ref(FILE *to, uint8_t ref)
{
    if (ref < PORT_SLOTS) {
        (void)fprintf(to, "p%u", ref);
    } else if (ref < REF_COUNT) {
        (void)fprintf(to, "#%u", literals[ref - PORT_SLOTS]);
    } else {
        (void)fprintf(to, "p?");
    }
}

static void write_list(FILE *to, const struct statement *s)
{
    (void)fprintf(to, " %u:", s->arg[0]);
    for (unsigned int i = 0; i < s->refs; i++) {
        (void)fputs(i == 0 ? "" : ",", to);
        write_ref(to, s->ref[i]);
    }
    if (s->refs == 0) {
        (void)fputc('-', to);
    }
}

static void write_named(FILE *to, char letter, uint32_t value)
{
    struct names names = names_of(letter);

    if (value < names.count) {
        (void)fprintf(to, " %s", names.name[value]);
    } else {
        (void)fprintf(to, value < 100000 ? " %u" : " 0x%x", value);
    }
}

static void write_statement(FILE *to, const struct statement *s)
{
    const struct operation_info *o = &operations[s->operation];
    unsigned int arg = 0, ref = 0;

    (void)fprintf(to, "%u %s", s->vcpu, o->name);
    for (const char *c = o->operands; *c != '\0'; c++) {
        switch (*c) {
        case 'S':
            (void)fputc(' ', to);
            write_ref(to, s->ref[REFS_MAX - 1]);
            break;
        case 'P':
            (void)fputc(' ', to);
            write_ref(to, s->ref[ref++]);
            break;
        case 'L':
            write_list(to, s);
            arg++;
            break;
        case 'Q':
            write_named(to, 'Q', s->place);
            break;
        case 'A':
            write_named(to, 'A', s->array_place);
            break;
        default:
            write_named(to, *c, s->arg[arg++]);
            break;
        }
    }
    (void)fputs(s->narrow ? " narrow\n" : "\n", to);
}

void text_write(FILE *to, const struct listing *p)
{
    (void)fprintf(to, "program %u\n", p->id);
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->statement[i].operation >= OPERATION_COUNT) {
            fail("program %u: no operation %u", p->id,
                 p->statement[i].operation);
        }
        write_statement(to, &p->statement[i]);
    }
}

/* ---- reading ---- */

struct reader {
    const char *name;
    unsigned int line;
    char *word[WORDS_MAX];
    unsigned int words, next;
};

static void __attribute__((noreturn))
complain(const struct reader *r, const char *what, const char *word)
{
    fail("%s:%u: %s: %s", r->name, r->line, what, word);
}

static char *next_word(struct reader *r)
{
    if (r->next >= r->words) {
        complain(r, "a word is missing after", r->word[r->words - 1]);
    }
    return r->word[r->next++];
}

static uint32_t read_number(const struct reader *r, const char *word)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(word, &end, 0);
    if (errno != 0 || end == word || *end != '\0' || value > UINT32_MAX ||
        *word == '-') {
        complain(r, "no number of 32 bits", word);
    }
    return (uint32_t)value;
}

static uint32_t read_named(const struct reader *r, char letter,
                           const char *word)
{
    struct names names = names_of(letter);

    for (uint32_t i = 0; i < names.count; i++) {
        if (strcmp(names.name[i], word) == 0) {
            return i;
        }
    }
    if (names.count != 0) {
        complain(r, "unknown word", word);
    }
    return read_number(r, word);
}

static uint8_t read_ref(const struct reader *r, const char *word)
{
    uint32_t value;

    if (word[0] == 'p') {
        value = read_number(r, word + 1);
        if (value < PORT_SLOTS) {
            return (uint8_t)value;
        }
    } else if (word[0] == '#') {
        value = read_number(r, word + 1);
        for (uint8_t i = 0; i < LITERAL_COUNT; i++) {
            if (literals[i] == value) {
                return (uint8_t)(PORT_SLOTS + i);
            }
        }
    }
    complain(r, "no port", word);
}

static void read_list(const struct reader *r, struct statement *s, char *word)
{
    char *list = strchr(word, ':');
    char *save = NULL;

    if (!list) {
        complain(r, "want COUNT:PORTS, not", word);
    }
    *list++ = '\0';
    s->arg[0] = read_number(r, word);
    if (strcmp(list, "-") == 0) {
        return;
    }
    for (char *p = strtok_r(list, ",", &save); p;
         p = strtok_r(NULL, ",", &save)) {
        if (s->refs == REFS_MAX) {
            complain(r, "too many ports", p);
        }
        s->ref[s->refs++] = read_ref(r, p);
    }
}

static void read_operands(struct reader *r, struct statement *s)
{
    unsigned int arg = 0, ref = 0;

    for (const char *c = operations[s->operation].operands; *c != '\0'; c++) {
        char *word = next_word(r);

        switch (*c) {
        case 'S':
            s->ref[REFS_MAX - 1] = read_ref(r, word);
            break;
        case 'P':
            s->ref[ref++] = read_ref(r, word);
            break;
        case 'L':
            read_list(r, s, word);
            arg++;
            break;
        case 'Q':
            s->place = (uint8_t)read_named(r, 'Q', word);
            break;
        case 'A':
            s->array_place = (uint8_t)read_named(r, 'A', word);
            break;
        default:
            s->arg[arg++] = read_named(r, *c, word);
            break;
        }
    }
}

static void read_statement(struct reader *r, struct statement *s)
{
    const char *name;
    uint32_t vcpu;

    memset(s, 0, sizeof(*s));
    vcpu = read_number(r, next_word(r));
    if (vcpu >= VCPUS) {
        complain(r, "no such vCPU", r->word[0]);
    }
    s->vcpu = (uint8_t)vcpu;
    name = next_word(r);
    while (s->operation < OPERATION_COUNT &&
           strcmp(operations[s->operation].name, name) != 0) {
        s->operation++;
    }
    if (s->operation == OPERATION_COUNT) {
        complain(r, "unknown operation", name);
    }
    read_operands(r, s);
    if (r->next < r->words && strcmp(r->word[r->next], "narrow") == 0) {
        s->narrow = 1;
        r->next++;
    }
    if (r->next < r->words) {
        complain(r, "one word too many", r->word[r->next]);
    }
}

static void split(struct reader *r, char *line)
{
    char *save = NULL;

    r->words = 0;
    r->next = 0;
    for (char *w = strtok_r(line, " \t\n", &save); w;
         w = strtok_r(NULL, " \t\n", &save)) {
        if (r->words == WORDS_MAX) {
            complain(r, "too many words", w);
        }
        r->word[r->words++] = w;
    }
}

bool text_read(FILE *from, const char *name, unsigned int *line,
               struct listing *p)
{
    struct reader r = {.name = name, .line = *line};
    char text[LINE_MAX];
    bool begun = false;
    long at = ftell(from);

    p->count = 0;
    p->id = 0;
    for (; fgets(text, sizeof(text), from); at = ftell(from)) {
        r.line++;
        /* A comment is a line of its own: "#" also begins ports. */
        if (text[0] == '#') {
            continue;
        }
        split(&r, text);
        if (r.words == 0) {
            continue;
        }
        if (strcmp(r.word[0], "program") == 0) {
            if (begun) {
                r.line--;
                if (fseek(from, at, SEEK_SET) != 0) {
                    fail("%s: cannot seek", name);
                }
                break;
            }
            (void)next_word(&r);
            p->id = read_number(&r, next_word(&r));
            begun = true;
        } else if (!begun) {
            complain(&r, "a statement before `program`", r.word[0]);
        } else if (p->count == PROGRAM_STATEMENTS_MAX) {
            complain(&r, "too many statements", r.word[0]);
        } else {
            read_statement(&r, &p->statement[p->count++]);
        }
    }
    *line = r.line;
    return begun;
}
