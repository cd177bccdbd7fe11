/* SPDX-License-Identifier: MIT */
/* The verbs; each is defined in the file of its name or family. */
#ifndef SCHEDOP_CLI_COMMANDS_H
#define SCHEDOP_CLI_COMMANDS_H

#include "options.h"

extern const struct cli_command cli_run_command;     /* run.c */
extern const struct cli_command cli_trace_command;   /* trace.c */
extern const struct cli_command cli_conform_command; /* conform.c */

extern const struct cli_command cli_host_command;    /* verb_host.c */
extern const struct cli_command cli_create_command;  /* verb_create.c */
extern const struct cli_command cli_console_command; /* verb_console.c */
extern const struct cli_command cli_list_command, cli_vcpu_list_command;
extern const struct cli_command cli_uptime_command, cli_domid_command,
    cli_domname_command, cli_vm_list_command; /* verb_name.c */
extern const struct cli_command cli_pause_command, cli_unpause_command,
    cli_destroy_command, cli_rename_command, cli_trigger_command,
    cli_sysrq_command; /* verb_life.c */
extern const struct cli_command cli_shutdown_command, cli_reboot_command;
extern const struct cli_command cli_vcpu_pin_command, cli_vcpu_set_command;
extern const struct cli_command cli_mem_set_command,
    cli_mem_max_command; /* verb_memory.c */
extern const struct cli_command cli_xenstore_ls_command,
    cli_xenstore_read_command, cli_xenstore_write_command,
    cli_xenstore_rm_command, cli_xenstore_list_command,
    cli_xenstore_exists_command, cli_xenstore_chmod_command,
    cli_xenstore_watch_command; /* verb_store.c */
extern const struct cli_command cli_info_command, cli_dmesg_command,
    cli_debug_keys_command;                                /* verb_info.c */
extern const struct cli_command cli_top_command;           /* verb_top.c */
extern const struct cli_command cli_sched_credit2_command; /* verb_sched.c */
extern const struct cli_command cli_sched_rtds_command;    /* verb_rtds.c */
extern const struct cli_command
    cli_sched_arinc653_command; /* verb_arinc653.c */
extern const struct cli_command cli_cpupool_list_command,
    cli_cpupool_create_command, cli_cpupool_destroy_command,
    cli_cpupool_rename_command, cli_cpupool_add_command,
    cli_cpupool_remove_command, cli_cpupool_migrate_command; /* verb_pool.c */
extern const struct cli_command cli_watch_command;           /* verb_wait.c */
extern const struct cli_command cli_gdb_command;             /* verb_gdb.c */
extern const struct cli_command cli_save_command;            /* verb_save.c */
extern const struct cli_command cli_dump_core_command;       /* verb_dump.c */
extern const struct cli_command cli_restore_command; /* verb_restore.c */

extern const struct cli_command cli_lab_command;         /* lab.c */
extern const struct cli_command cli_lab_run_command;     /* lab_run.c */
extern const struct cli_command cli_lab_compare_command; /* lab_compare.c */
extern const struct cli_command cli_lab_explore_command; /* lab_explore.c */

#endif
