/* SPDX-License-Identifier: MIT */
/*
 * Questions of the host tool: `ask TAG VERB WORDS`, answered by any number of
 * `row TAG ...` and one `did TAG ERROR ...` (docs/link.md). The boot pCPU puts
 * the lines into a queue; whoever does the work of the host side answers, in
 * the order they came.
 *
 * The tool waits for answers before it asks on, so a queue that is full means
 * a broken tool: its line is dropped, with a warning.
 */
#include "host.h"

#include <xen/errno.h>

#include "lib/string.h"

#define QUEUE (2 * SCHEDOP_ASKS_MAX)

/* Lines on their way to the worker; host.list. */
static struct {
    char (*line)[SCHEDOP_LINK_LINE_MAX];
    uint32_t head, tail;
} queue;

/* Nobody asks a machine that runs what it was given and ends. */
void host_ask_init(void)
{
    if (link_present() && host.answers) {
        queue.line = hv_alloc(QUEUE * sizeof(*queue.line));
    }
}

void host_ask_line(const char *line)
{
    bool room;

    x86_lock(&host.list);
    room = queue.line != NULL && queue.head - queue.tail < QUEUE;
    if (room) {
        x86_snprintf(queue.line[queue.head++ % QUEUE], SCHEDOP_LINK_LINE_MAX,
                     "%s", line);
    }
    x86_unlock(&host.list);
    if (!room) {
        x86_log(SOP_LOG_WARNING, "link: too many questions at once");
    }
    host_note();
}

static bool next_line(char *line)
{
    bool any;

    x86_lock(&host.list);
    any = queue.head != queue.tail;
    if (any) {
        memcpy(line, queue.line[queue.tail++ % QUEUE], SCHEDOP_LINK_LINE_MAX);
    }
    x86_unlock(&host.list);
    return any;
}

/* ------------------------------------------------------------------- words */

bool host_ask_word(struct host_ask *ask, char *out, size_t size)
{
    size_t n = 0;

    while (ask->at[n] != '\0' && ask->at[n] != ' ') {
        n++;
    }
    if (n == 0 || n >= size) {
        return false;
    }
    memcpy(out, ask->at, n);
    out[n] = '\0';
    ask->at += n + (ask->at[n] == ' ');
    return true;
}

/* Decimal, or hexadecimal after 0x. */
bool host_ask_number(struct host_ask *ask, uint64_t max, uint64_t *value)
{
    char word[24];
    const char *c = word;
    unsigned base = 10;
    uint64_t n = 0;

    if (!host_ask_word(ask, word, sizeof(word))) {
        return false;
    }
    if (c[0] == '0' && c[1] == 'x') {
        base = 16;
        c += 2;
    }
    if (*c == '\0') {
        return false;
    }
    for (; *c != '\0'; c++) {
        unsigned digit =
            *c >= 'a' ? (unsigned)*c - 'a' + 10 : (unsigned)*c - '0';

        if (digit >= base || n > (max - digit) / base) {
            return false;
        }
        n = n * base + digit;
    }
    *value = n;
    return true;
}

bool host_ask_end(const struct host_ask *ask)
{
    return *ask->at == '\0';
}

int host_ask_fail(struct host_ask *ask, int error, const char *why)
{
    x86_snprintf(ask->out, sizeof(ask->out), "%s", why);
    return error;
}

struct host_domain *host_ask_domain(struct host_ask *ask, int *error)
{
    struct host_domain *h;
    uint64_t domid;

    if (!host_ask_number(ask, UINT16_MAX, &domid)) {
        *error = host_ask_fail(ask, -XEN_EINVAL, "a domain id is expected");
        return NULL;
    }
    h = host_find((uint16_t)domid);
    if (h == NULL || h->state == HOST_GOING) {
        *error = host_ask_fail(ask, -XEN_ESRCH, "there is no such domain");
        return NULL;
    }
    return h;
}

/* ------------------------------------------------------------------- verbs */

static const struct {
    const char *verb;
    host_ask_fn *act;
} verbs[] = {
    {"window", ask_window},
    {"window-free", ask_window_free},
    {"create", ask_create},
    {"again", ask_again},
    {"domains", ask_domains},
    {"vcpus", ask_vcpus},
    {"machine", ask_machine},
    {"pause", ask_pause},
    {"unpause", ask_unpause},
    {"destroy", ask_destroy},
    {"shutdown", ask_shutdown},
    {"rename", ask_rename},
    {"vcpu-pin", ask_vcpu_pin},
    {"trigger", ask_trigger},
    {"store-read", ask_store_read},
    {"store-write", ask_store_write},
    {"store-open", ask_store_open},
    {"store-kick", ask_store_kick},
    {"memory-target", ask_memory_target},
    {"memory-max", ask_memory_max},
    {"debug", ask_debug},
    {"pools", ask_pools},
    {"pool-create", ask_pool_create},
    {"pool-destroy", ask_pool_destroy},
    {"pool-rename", ask_pool_rename},
    {"pool-add", ask_pool_add},
    {"pool-remove", ask_pool_remove},
    {"pool-move", ask_pool_move},
    {"pcpu-online", ask_pcpu_online},
    {"pcpu-offline", ask_pcpu_offline},
    {"sched-credit2", ask_sched_credit2},
    {"sched-credit2-pool", ask_sched_credit2_pool},
    {"sched-rtds", ask_sched_rtds},
    {"sched-arinc653", ask_sched_arinc653},
    {"save-begin", ask_save_begin},
    {"save-state", ask_save_state},
    {"save-end", ask_save_end},
    {"restore", ask_restore},
    {"debug-attach", ask_debug_attach},
    {"debug-stop", ask_debug_stop},
    {"debug-go", ask_debug_go},
    {"debug-break", ask_debug_break},
    {"debug-map", ask_debug_map},
    {"debug-write", ask_debug_write},
    {"debug-detach", ask_debug_detach},
    {"dump-begin", ask_dump_begin},
    {"dump-end", ask_dump_end},
};

static int answer(struct sop_pcpu *self, struct host_ask *ask)
{
    char verb[24];

    if (host_ask_word(ask, verb, sizeof(verb))) {
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
            if (strcmp(verb, verbs[i].verb) == 0) {
                return verbs[i].act(self, ask);
            }
        }
    }
    return host_ask_fail(ask, -XEN_ENOSYS, "no such verb");
}

bool host_ask_serve(struct sop_pcpu *self)
{
    static char line[SCHEDOP_LINK_LINE_MAX]; /* work */
    static bool waits;                       /* that line, for other pCPUs */
    struct host_ask ask;
    uint64_t tag;
    int error;

    while (waits || next_line(line)) {
        ask = (struct host_ask){.at = line};
        if (!host_ask_number(&ask, UINT32_MAX, &tag)) {
            x86_log(SOP_LOG_WARNING, "link: a question without a tag");
            continue;
        }
        ask.tag = (uint32_t)tag;
        error = answer(self, &ask);
        waits = error == -XEN_EAGAIN;
        if (waits) {
            return true;
        }
        link_did(ask.tag, -error, ask.out);
    }
    return false;
}
