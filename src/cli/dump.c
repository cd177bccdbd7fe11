/* SPDX-License-Identifier: MIT */
/* Cores of domains that ended: see dump.h. */
#include "dump.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_file.h"

char *dump_dir(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (geteuid() == 0) {
        return cli_strdup("/var/lib/xen/dump");
    }
    if (state != NULL && state[0] == '/') {
        return cli_format("%s/schedop/dump", state);
    }
    return home != NULL ? cli_format("%s/.local/state/schedop/dump", home)
                        : NULL;
}

/* That directory and those above it, if they are not there. */
static void make_dir(char *path)
{
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(path, 0700); /* what fails is told when it is used */
            *at = '/';
        }
    }
    (void)mkdir(path, 0700);
}

static char *path_of(const struct dumps *d, const char *name)
{
    char *dir, *path = NULL;

    if (d->dir != NULL) {
        return cli_format("%s/%s", d->dir, name);
    }
    dir = dump_dir();
    if (dir != NULL) {
        make_dir(dir);
        path = cli_format("%s/%s", dir, name);
        free(dir);
    }
    return path;
}

/* The other process. */
_Noreturn static void write_core(const struct dump *dump,
                                 const struct schedop_state *s,
                                 const struct ram *ram, pid_t parent)
{
    struct whole_file f;
    int rc = -1;

    cli_message_before(NULL, NULL); /* the console is the other's */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && whole_create(&f, dump->path) == 0) {
        rc = core_write(&f, s, ram);
        if (rc == 0) {
            rc = whole_finish(&f);
        }
        whole_close(&f);
    }
    _exit(rc == 0 ? 0 : 1);
}

bool dump_start(struct dumps *d, const struct ram *ram,
                const struct link_message *m)
{
    struct schedop_state *s = state_copy(ram, m->area.pa, m->area.bytes);
    struct dump *dump = cli_alloc(sizeof(*dump));
    pid_t parent = getpid();

    dump->domid = m->domid;
    memcpy(dump->name, m->name, sizeof(dump->name));
    dump->path = path_of(d, m->name);
    if (s == NULL) {
        cli_error("%s: the hypervisor's record of the domain makes no sense",
                  m->name);
    } else if (dump->path == NULL) {
        cli_error("%s: HOME is not set: say --dump-dir", m->name);
    } else {
        cli_note("%s: dumping core to %s", m->name, dump->path);
        dump->pid = fork();
        if (dump->pid == 0) {
            write_core(dump, s, ram, parent);
        }
        if (dump->pid < 0) {
            cli_error("%s: no process to write its core: %s", m->name,
                      strerror(errno));
        }
    }
    free(s);
    if (dump->pid <= 0) {
        dump_free(dump);
        return false;
    }
    dump->next = d->first;
    d->first = dump;
    return true;
}

struct dump *dump_next(struct dumps *d)
{
    for (struct dump **at = &d->first; *at != NULL; at = &(*at)->next) {
        struct dump *dump = *at;
        int status;

        if (waitpid(dump->pid, &status, WNOHANG) == dump->pid) {
            *at = dump->next;
            dump->written = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            if (!dump->written) {
                cli_error("%s: core dump failed", dump->name);
            }
            return dump;
        }
    }
    return NULL;
}

void dump_free(struct dump *dump)
{
    free(dump->path);
    free(dump);
}

void dumps_end(struct dumps *d)
{
    while (d->first != NULL) {
        struct dump *dump = d->first;

        d->first = dump->next;
        kill(dump->pid, SIGKILL);
        (void)waitpid(dump->pid, NULL, 0);
        cli_warning("%s: its core is not written: this ends", dump->name);
        dump_free(dump);
    }
}
