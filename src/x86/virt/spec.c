/* SPDX-License-Identifier: MIT */
/* See spec.h. */
#include "spec.h"

#include "../../lib/fmt.h"
#include "../../lib/string.h"

#define VALUE_MAX 64u
#define MEMORY_MAX_MIB (1u << 20)
#define VCPUS_MAX 16u

/* A word of the command line taken apart, and what it goes to. */
struct word {
    char key[VALUE_MAX], value[VALUE_MAX];
    struct domain_spec *spec;
    struct spec_module *module;
    char *why;
    size_t why_size;
};

static bool complain(const struct word *w, const char *what)
{
    fmt_snprintf(w->why, w->why_size, "%s=%s: %s", w->key, w->value, what);
    return false;
}

/* ------------------------------------------------------------------ values */

static bool to_number(const char *text, unsigned base, uint64_t *value)
{
    uint64_t n = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text; text++) {
        unsigned digit;

        if (*text >= '0' && *text <= '9') {
            digit = (unsigned)(*text - '0');
        } else if ((*text | 32) >= 'a' && (*text | 32) <= 'f') {
            digit = (unsigned)((*text | 32) - 'a') + 10;
        } else {
            return false;
        }
        if (digit >= base || n > (UINT64_MAX - digit) / base) {
            return false;
        }
        n = n * base + digit;
    }
    *value = n;
    return true;
}

static bool set_number(const struct word *w, unsigned *out, uint64_t min,
                       uint64_t max)
{
    uint64_t n;

    if (!to_number(w->value, 10, &n) || n < min || n > max) {
        fmt_snprintf(
            w->why, w->why_size, "%s=%s: expected a number from %llu to %llu",
            w->key, w->value, (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *out = (unsigned)n;
    return true;
}

static bool set_flag(const struct word *w, bool *out)
{
    unsigned flag = 0;

    if (!set_number(w, &flag, 0, 1)) {
        return false;
    }
    *out = flag == 1;
    return true;
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-';
}

static bool set_name(const struct word *w, char out[64])
{
    size_t len = strlen(w->value);

    for (size_t i = 0; i < len; i++) {
        if (!is_name_char(w->value[i])) {
            return complain(w, "a name has only letters, digits and _ . -");
        }
    }
    if (len == 0 || len > 63) {
        return complain(w, "a name has 1 to 63 characters");
    }
    memcpy(out, w->value, len + 1);
    return true;
}

static bool set_mask(const struct word *w, sop_cpumask_t *out, unsigned first,
                     unsigned last)
{
    const char *digits = w->value;
    uint64_t mask;

    if (digits[0] == '0' && (digits[1] | 32) == 'x') {
        digits += 2;
    }
    if (!to_number(digits, 16, &mask) || mask == 0) {
        return complain(w, "expected a hexadecimal mask of pCPUs, not 0");
    }
    for (unsigned i = first; i <= last; i++) {
        out[i] = mask;
    }
    return true;
}

static bool set_action(const struct word *w, enum domain_action *out,
                       bool suspend)
{
    static const struct {
        const char *name;
        enum domain_action action;
        bool ends, suspends; /* allowed for an end, for a suspend */
    } actions[] = {
        {"destroy", ACTION_DESTROY, true, true},
        {"restart", ACTION_RESTART, true, false},
        {"rename-restart", ACTION_RENAME_RESTART, true, false},
        {"preserve", ACTION_PRESERVE, true, true},
        {"soft-reset", ACTION_SOFT_RESET, true, false},
        {"coredump-destroy", ACTION_COREDUMP_DESTROY, true, false},
        {"coredump-restart", ACTION_COREDUMP_RESTART, true, false},
        {"checkpoint", ACTION_CHECKPOINT, false, true},
        {"resume", ACTION_RESUME, false, true},
    };

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(w->value, actions[i].name) == 0 &&
            (suspend ? actions[i].suspends : actions[i].ends)) {
            *out = actions[i].action;
            return true;
        }
    }
    return complain(w, suspend ? "expected checkpoint, resume, destroy or "
                                 "preserve"
                               : "expected destroy, restart, rename-restart, "
                                 "preserve, coredump-destroy, "
                                 "coredump-restart or soft-reset");
}

/* -------------------------------------------------------------------- keys */

/* cpus=, cpus_soft=, and with .N for one vCPU. */
static bool set_affinity(const struct word *w, const char *rest,
                         sop_cpumask_t *masks)
{
    uint64_t n;

    if (*rest == '\0') {
        return set_mask(w, masks, 0, SOP_VCPUS_MAX - 1);
    }
    if (*rest != '.' || !to_number(rest + 1, 10, &n) || n >= VCPUS_MAX) {
        return complain(w, "no such key; see docs/link.md");
    }
    return set_mask(w, masks, (unsigned)n, (unsigned)n);
}

static bool apply_action(const struct word *w)
{
    struct domain_spec *s = w->spec;
    const struct {
        const char *key;
        enum domain_action *to;
    } keys[] = {
        {"on_poweroff", &s->on_poweroff},     {"on_reboot", &s->on_reboot},
        {"on_crash", &s->on_crash},           {"on_watchdog", &s->on_watchdog},
        {"on_soft_reset", &s->on_soft_reset}, {"on_suspend", &s->on_suspend},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(w->key, keys[i].key) == 0) {
            return set_action(w, keys[i].to, keys[i].to == &s->on_suspend);
        }
    }
    return complain(w, "no such key; see docs/link.md");
}

static bool is_credit2(const char *key)
{
    return strcmp(key, "weight") == 0 || strcmp(key, "cap") == 0;
}

static bool is_knob(const char *key)
{
    return is_credit2(key) || strcmp(key, "period") == 0 ||
           strcmp(key, "budget") == 0 || strcmp(key, "extratime") == 0;
}

/* Whether they suit the pool is known later (pools.c). */
static bool apply_knob(const struct word *w)
{
    struct domain_spec *s = w->spec;

    if (is_credit2(w->key)) {
        s->has_credit2 = true;
    } else {
        s->has_rtds = true;
    }
    switch (w->key[0]) {
    case 'w':
        return set_number(w, &s->weight, 1, 65535);
    case 'c':
        return set_number(w, &s->cap, 0, 100 * SOP_PCPUS_MAX);
    case 'p':
        return set_number(w, &s->period_us, 10, UINT32_MAX);
    case 'b':
        return set_number(w, &s->budget_us, 10, UINT32_MAX);
    default:
        return set_flag(w, &s->extratime);
    }
}

static bool apply(const struct word *w)
{
    struct domain_spec *s = w->spec;

    if (strcmp(w->key, "name") == 0) {
        return set_name(w, s->name);
    }
    if (strcmp(w->key, "module-of") == 0) {
        return set_name(w, w->module->of);
    }
    if (strcmp(w->key, "memory") == 0) {
        return set_number(w, &s->memory_mib, 1, MEMORY_MAX_MIB);
    }
    if (strcmp(w->key, "target") == 0) {
        return set_number(w, &s->target_mib, 1, MEMORY_MAX_MIB);
    }
    if (strcmp(w->key, "vcpus") == 0) {
        return set_number(w, &s->vcpus, 1, VCPUS_MAX);
    }
    if (strcmp(w->key, "online") == 0) {
        return set_number(w, &s->online, 1, VCPUS_MAX);
    }
    if (strcmp(w->key, "max_event_channels") == 0) {
        return set_number(w, &s->max_event_channels, 1, SOP_PORTS_MAX - 1);
    }
    if (strcmp(w->key, "pool") == 0) {
        return set_name(w, s->pool);
    }
    if (strcmp(w->key, "hardware") == 0) {
        return set_flag(w, &s->hardware);
    }
    if (is_knob(w->key)) {
        return apply_knob(w);
    }
    if (strncmp(w->key, "cpus_soft", 9) == 0) {
        return set_affinity(w, w->key + 9, s->soft);
    }
    if (strncmp(w->key, "cpus", 4) == 0) {
        return set_affinity(w, w->key + 4, s->hard);
    }
    return apply_action(w);
}

/* ------------------------------------------------------------------- words */

/* Copies up to one of the two stop characters; false when it is too long. */
static bool take(const char **at, char stop, char out[VALUE_MAX])
{
    size_t n = 0;

    while (**at && **at != ' ' && **at != stop) {
        if (n + 1 == VALUE_MAX) {
            out[n] = '\0';
            return false;
        }
        out[n++] = *(*at)++;
    }
    out[n] = '\0';
    return true;
}

static bool has_equals(const char *at)
{
    while (*at && *at != ' ' && *at != '=') {
        at++;
    }
    return *at == '=';
}

static const char *skip_spaces(const char *at)
{
    while (*at == ' ') {
        at++;
    }
    return at;
}

static const char *skip_word(const char *at)
{
    while (*at && *at != ' ') {
        at++;
    }
    return at;
}

static bool take_word(const char **at, struct word *w)
{
    if (!has_equals(*at)) {
        take(at, ' ', w->key);
        fmt_snprintf(w->why, w->why_size,
                     "%s: expected key=value; the guest's own words follow --",
                     w->key);
        return false;
    }
    if (!take(at, '=', w->key)) {
        return complain(w, "no such key; see docs/link.md");
    }
    (*at)++;
    return take(at, ' ', w->value) ? apply(w) : complain(w, "too long");
}

static void set_defaults(struct domain_spec *s, const struct boot_module *m,
                         unsigned number)
{
    *s = (struct domain_spec){
        .image = m,
        .cmdline = "",
        .memory_mib = 32,
        .vcpus = 1,
        .max_event_channels = 1023,
        .pool = "Pool-0",
        .weight = 256,
        .period_us = 10000,
        .budget_us = 4000,
        .extratime = true,
        .on_poweroff = ACTION_DESTROY,
        .on_reboot = ACTION_RESTART,
        .on_crash = ACTION_DESTROY,
        .on_watchdog = ACTION_DESTROY,
        .on_soft_reset = ACTION_SOFT_RESET,
        .on_suspend = ACTION_CHECKPOINT,
    };
    fmt_snprintf(s->name, sizeof(s->name), "guest%u", number);
    for (unsigned i = 0; i < SOP_VCPUS_MAX; i++) {
        s->hard[i] = s->soft[i] = SOP_CPUMASK_ALL;
    }
}

static bool is_separator(const char *at)
{
    return at[0] == '-' && at[1] == '-' && (at[2] == ' ' || at[2] == '\0');
}

bool spec_parse(const struct boot_module *m, unsigned number,
                struct domain_spec *spec, struct spec_module *module, char *why,
                size_t why_size)
{
    struct word w = {
        .spec = spec, .module = module, .why = why, .why_size = why_size};
    const char *at = skip_spaces(m->cmdline);

    set_defaults(spec, m, number);
    *module = (struct spec_module){.cmdline = ""};
    if (!has_equals(at) && !is_separator(at)) {
        at = skip_spaces(skip_word(at)); /* the loader's file name */
    }
    while (*at) {
        if (is_separator(at)) {
            spec->cmdline = at[2] == ' ' ? at + 3 : at + 2;
            module->cmdline = spec->cmdline;
            break;
        }
        if (!take_word(&at, &w)) {
            return false;
        }
        at = skip_spaces(at);
    }
    return true;
}
