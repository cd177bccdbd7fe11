/* SPDX-License-Identifier: MIT */
/*
 * Command lines: of a boot module, which says what domain it becomes, and of
 * the hypervisor itself. Whatever they say, the result is in range, strings
 * end, and a refusal has a reason.
 */
#include "input.h"

#include "x86/boot/boot.h"
#include "x86/virt/spec.h"

struct boot_info boot_info;

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_spec(const struct domain_spec *s, const char *line,
                       size_t len)
{
    MUST(s->name[0] != '\0' && s->vcpus >= 1 && s->vcpus <= SOP_VCPUS_MAX);
    MUST(s->memory_mib >= 1 && s->weight >= 1 && s->weight <= 65535);
    for (unsigned i = 0; i < s->vcpus; i++) {
        MUST(s->hard[i] != 0);
    }
    MUST(s->on_poweroff <= ACTION_RESUME && s->on_reboot <= ACTION_RESUME);
    MUST(s->on_crash <= ACTION_RESUME && s->on_watchdog <= ACTION_RESUME);
    MUST(s->on_soft_reset <= ACTION_RESUME && s->on_suspend <= ACTION_RESUME);
    MUST(s->cmdline[0] == '\0' ||
         (s->cmdline > line && s->cmdline < line + len));
}

static void parse_module(const char *line, size_t len)
{
    struct boot_module m = {.cmdline = line};
    struct domain_spec spec;
    struct spec_module module;
    char why[48];
    bool ok;

    memset(&spec, 0xa5, sizeof(spec));
    memset(&module, 0xa5, sizeof(module));
    memset(why, 0xa5, sizeof(why));
    ok = spec_parse(&m, 7, &spec, &module, why, sizeof(why));
    MUST(ends(spec.name, sizeof(spec.name)));
    if (!ok) {
        MUST(ends(why, sizeof(why)) && why[0] != '\0');
        return;
    }
    MUST(ends(module.of, sizeof(module.of)));
    if (module.of[0] == '\0') {
        check_spec(&spec, line, len);
    }
}

static void parse_own(const char *line)
{
    char value[5];

    boot_info.cmdline = line;
    memset(&boot_options, 0xa5, sizeof(boot_options));
    cmdline_parse();
    MUST(boot_options.pcpus >= 1 && boot_options.pcpus <= X86_PCPUS_MAX);
    MUST(boot_options.loglvl <= SOP_LOG_DEBUG);
    MUST(ends(boot_options.test, sizeof(boot_options.test)));
    if (cmdline_get(line, "a", value, sizeof(value))) {
        MUST(ends(value, sizeof(value)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1);

    MUST(line != NULL);
    memcpy(line, data, size);
    line[size] = '\0';
    parse_module(line, size);
    parse_own(line);
    free(line);
    return 0;
}
