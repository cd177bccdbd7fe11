/* SPDX-License-Identifier: MIT */
/* The completion for bash, made from the tables of the verbs: options.h. */
#include <string.h>

#include "options.h"

/* The words a verb's option may be written as. */
static void add_options(struct cli_text *t, const struct cli_command *c)
{
    for (const struct cli_option *o = c->options; o->name != NULL; o++) {
        cli_text_printf(t, " --%s", o->name);
        if (o->letter != 0) {
            cli_text_printf(t, " -%c", o->letter);
        }
    }
}

/* Does its first operand name a domain of a running host? */
static bool takes_domain(const struct cli_command *c)
{
    return strstr(c->synopsis[0], "DOMAIN") != NULL;
}

void cli_completion(struct cli_text *t,
                    const struct cli_command *const *commands)
{
    cli_text_str(t, "# bash completion for schedop; made by "
                    "`schedop --completion`.\n"
                    "_schedop()\n{\n"
                    "    local cur=${COMP_WORDS[COMP_CWORD]} verb= words= "
                    "domains= i\n"
                    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "        case ${COMP_WORDS[i]} in\n"
                    "        --host) ((i++)) ;;\n"
                    "        -*) ;;\n"
                    "        *) verb=${COMP_WORDS[i]} && break ;;\n"
                    "        esac\n"
                    "    done\n"
                    "    case $verb in\n"
                    "    '') words='--help --version --host");
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        cli_text_printf(t, " %s", (*c)->name);
    }
    cli_text_str(t, "' ;;\n");
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        cli_text_printf(t, "    %s) words='", (*c)->name);
        if (strcmp((*c)->name, "host") == 0) {
            cli_text_str(t, "start stop status");
        }
        add_options(t, *c);
        cli_text_printf(t, "'%s ;;\n", takes_domain(*c) ? " domains=1" : "");
    }
    cli_text_str(t, "    esac\n"
                    "    if [ -n \"$domains\" ]; then\n"
                    "        words+=\" $(\"${COMP_WORDS[0]}\" list "
                    "2>/dev/null | awk 'NR > 1 { print $1 }')\"\n"
                    "    fi\n"
                    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
                    "\"$cur\")\n"
                    "}\n"
                    "complete -o default -F _schedop schedop\n");
}
