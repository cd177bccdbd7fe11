/* SPDX-License-Identifier: MIT */
/* vCPUs of a domain that runs: `vcpu-pin` and `vcpu-set`, as xl has them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "cpulist.h"
#include "verb.h"

/* ---- vcpu-pin ---- */

enum { OPT_FORCE = 1, OPT_MASKS };

static const struct cli_option pin_options[] = {
    {"force", 'f', CLI_FLAG, OPT_FORCE, NULL,
     "Undo a pin that the domain's kernel made with pin_override."},
    {"ignore-global-affinity-masks", 0, CLI_FLAG, OPT_MASKS, NULL,
     "Accepted: there are no global masks."},
    VERB_OPTIONS,
};

static const char *const pin_synopsis[] = {
    "[-f] DOMAIN VCPU|all HARD|-|all [SOFT|-|all]", NULL};

static int pin_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_vcpu_pin_command = {
    .name = "vcpu-pin",
    .summary = "set which pCPUs a vCPU can use",
    .synopsis = pin_synopsis,
    .description = "Sets the hard affinity of a vCPU (where it may run) and "
                   "the soft one (where it would rather). Each is a list such "
                   "as 0-2,4 or all,^1; - leaves it as it is.",
    .options = pin_options,
    .parts = verb_no_parts,
    .main = pin_main,
};

struct pin {
    uint64_t map[2]; /* hard, soft */
    bool given[2];
    bool force;
};

/* A map with nothing that exists in it is for the hypervisor to refuse. */
static int take_map(struct pin *p, int which, const char *word)
{
    if (strcmp(word, "-") == 0) {
        return 0;
    }
    if (cli_cpulist(word, &p->map[which]) != NULL) {
        cli_error("Invalid pcpu range: %s.", word);
        return -1;
    }
    p->map[which] &= INT64_MAX;
    p->given[which] = true;
    return 0;
}

/* 0, or -1 after a message, with `quiet` for one that does not exist. */
static int pin(struct control *c, int domid, unsigned vcpu, const struct pin *p)
{
    json_t *args = json_pack("{s:i, s:i, s:b}", "domid", domid, "vcpu",
                             (int)vcpu, "force", (int)p->force);
    json_t *answer;
    char *error;

    for (int i = 0; i < 2; i++) {
        if (p->given[i]) {
            json_object_set_new(args, i == 0 ? "hard" : "soft",
                                json_integer((json_int_t)p->map[i]));
        }
    }
    answer = control_do(c, "vcpu-pin", args, &error);
    if (error != NULL && strstr(error, "none of these pCPUs") != NULL) {
        cli_error("vcpu hard affinity map is empty");
    } else if (error != NULL) {
        cli_error("Domain %d:Setting vcpu affinity: %s", domid, error);
        cli_error("Could not set affinity for vcpu `%u'.", vcpu);
    }
    /* As xl, which looks whether what was asked for can be had. */
    if (answer != NULL && p->given[1] && verb_int(answer, "soft") == 0) {
        cli_warning("Domain %d: soft affinity and hard affinity of vCPU %u "
                    "have no pCPU in common",
                    domid, vcpu);
    }
    free(error);
    json_decref(answer);
    return answer != NULL ? 0 : -1;
}

static int pin_words(struct control *c, const struct verb_args *a)
{
    struct pin p = {.force = a->count[OPT_FORCE] != 0};
    uint64_t first = 0, last;
    json_t *domain;
    int rc = CLI_OK;

    if (take_map(&p, 0, a->operand[2]) != 0 ||
        (a->nr_operands > 3 && take_map(&p, 1, a->operand[3]) != 0)) {
        return CLI_ERROR;
    }
    if (p.force &&
        (strcmp(a->operand[1], "all") == 0 || p.given[1] || !p.given[0])) {
        cli_error("-f wants one vCPU and a hard affinity, nothing else");
        return CLI_ERROR;
    }
    domain = verb_domain(c, a->operand[0]);
    if (domain == NULL) {
        return CLI_ERROR;
    }
    last = (uint64_t)verb_int(domain, "vcpus") - 1;
    if (strcmp(a->operand[1], "all") != 0) {
        if (!cli_number(a->operand[1], 65535, &first)) {
            cli_error("Error: Invalid argument %s as VCPU.", a->operand[1]);
            rc = CLI_ERROR;
        }
        last = first;
    }
    for (uint64_t n = first; n <= last && rc == CLI_OK; n++) {
        if ((p.given[0] || p.given[1]) &&
            pin(c, (int)verb_int(domain, "domid"), (unsigned)n, &p) != 0) {
            rc = CLI_ERROR;
        }
    }
    json_decref(domain);
    return rc;
}

static int pin_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 3, 4, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, pin_words(&c, &a));
}

/* ---- vcpu-set ---- */

enum { OPT_IGNORE = 1 };

static const struct cli_option set_options[] = {
    {"ignore-host", 'i', CLI_FLAG, OPT_IGNORE, NULL,
     "Do not compare with the number of pCPUs."},
    VERB_OPTIONS,
};

static const char *const set_synopsis[] = {"[-i] DOMAIN VCPUS", NULL};

static int set_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_vcpu_set_command = {
    .name = "vcpu-set",
    .summary = "set the number of active vCPUs of a domain",
    .synopsis = set_synopsis,
    .description = "Tells a domain how many of its vCPUs it should use, by "
                   "cpu/N/availability in its xenstore. It is for the domain "
                   "to act on that.",
    .options = set_options,
    .parts = verb_no_parts,
    .main = set_main,
};

static int set_availability(struct control *c, int domid, unsigned max,
                            unsigned wanted)
{
    for (unsigned i = 0; i < max; i++) {
        if (verb_vcpu_set(c, domid, i, i < wanted, "vcpu-set") != 0) {
            return CLI_ERROR;
        }
    }
    return CLI_OK;
}

static int set(struct control *c, const struct verb_args *a, unsigned wanted)
{
    json_t *domain = verb_domain(c, a->operand[0]), *machine = NULL;
    int domid = (int)verb_int(domain, "domid"), rc = CLI_ERROR;
    unsigned max = (unsigned)verb_int(domain, "vcpus"), pcpus = 0;

    if (domain != NULL) {
        machine = control_do(c, "machine", NULL, NULL);
        pcpus = (unsigned)verb_int(machine, "pcpus");
    }
    if (machine == NULL) {
        json_decref(domain);
        return CLI_ERROR;
    }
    if (wanted > pcpus && a->count[OPT_IGNORE] == 0 &&
        wanted > (unsigned)verb_int(domain, "online")) {
        cli_error("You are overcommmitting! You have %u physical CPUs and want "
                  "%u vCPUs! Aborting, use --ignore-host to continue",
                  pcpus, wanted);
    } else if (wanted == 0 || wanted > max) {
        cli_error(wanted == 0
                      ? "Domain %d:Requested %u VCPUs!"
                      : "Domain %d:Requested %u VCPUs, however maxcpus is %u!",
                  domid, wanted, max);
        cli_error("libxl_set_vcpuonline failed domid=%d max_vcpus=%u, rc: %d",
                  domid, wanted, -3);
    } else {
        rc = set_availability(c, domid, max, wanted);
    }
    json_decref(machine);
    json_decref(domain);
    return rc;
}

static int set_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    uint64_t wanted;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    if (!cli_number(a.operand[1], UINT16_MAX, &wanted)) {
        cli_error("Error: Invalid argument.");
        return verb_end(&a, &c, CLI_ERROR);
    }
    return verb_end(&a, &c, set(&c, &a, (unsigned)wanted));
}
