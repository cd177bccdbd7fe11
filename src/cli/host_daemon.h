/* SPDX-License-Identifier: MIT */
/*
 * A host in the background: one process that owns QEMU, speaks the link with
 * the hypervisor in it and serves any number of clients on a Unix socket
 * (docs/control.md). One poll() loop, nothing in it blocks.
 *
 *   host_daemon.c   the loop, and how a host begins and ends
 *   host_link.c     lines of the hypervisor; questions to it
 *   host_domains.c  domains: their configurations, events
 *   host_again.c    those that restart
 *   host_hold.c     domains that a connection has in hand
 *   host_console.c  what they print, and what is typed for them
 *   host_client.c   connections: lines in, lines out, files passed along
 *   host_serve.c    requests: the table, and what the host itself answers
 *   host_relay.c    those that are questions to the hypervisor
 *   host_create.c   the one that builds a domain
 *   host_pool.c     those about cpupools and knobs
 *   host_save.c     those of `save` and `restore`
 *   host_gdb.c      those of `gdb`
 *   host_store.c    the socket that is xenstored's
 *   host_dump.c     those of `dump-core`; cores of domains that ended
 */
#ifndef SCHEDOP_CLI_HOST_DAEMON_H
#define SCHEDOP_CLI_HOST_DAEMON_H

#include <jansson.h>

#include "control.h"
#include "dump.h"
#include "host_dir.h"
#include "link.h"
#include "qemu.h"
#include "tail.h"

enum {
    HOST_CLIENTS_MAX = 64,
    HOST_WINDOWS = 4,           /* a client may have open */
    HOST_SCROLLBACK = 64 << 10, /* bytes of console output kept a domain */
    HOST_DMESG = 64 << 10,      /* bytes of the hypervisor's log kept */
    HOST_OUT_MAX = 4 << 20,     /* a client that is further behind is dropped */
    HOST_CONSOLE_MAX = 256 << 10, /* the same for its console, which skips */
    HOST_INPUT_MAX = 128 << 10,   /* typed for a domain and not yet read */
};

struct host_options {
    unsigned pcpus;
    unsigned memory_mib;
    const char *log_dir;  /* or NULL */
    unsigned restart_ms;  /* between the lives of a domain */
    const char *dump_dir; /* or NULL: dump.h */
    uint64_t log_max;     /* bytes of a log before a new one begins; 0: any */
    unsigned verbose;
    char *const *qemu;
    size_t nr_qemu;
};

struct host_guest {
    struct host_guest *next;
    uint16_t domid;
    char name[SCHEDOP_NAME_MAX + 1];
    json_t *config; /* as its creator gave it, or NULL */
    bool again;     /* its end said that it will be built anew */
    bool gone;      /* kept for what takes its place */
    /* console */
    struct cli_text scrollback;
    char *log_path;           /* or NULL */
    int log_fd;               /* -1: none */
    uint64_t log_size;        /* bytes */
    bool log_turns;           /* a file, which may get too long */
    struct host_typed *typed; /* oldest first */
    size_t typed_bytes;       /* in all of them */
    size_t input_room;        /* bytes the hypervisor takes now */
};

/* A domain that a connection has in hand, for one purpose: host_hold.c. */
struct host_hold {
    bool held;
    uint16_t domid;
};

struct host_client {
    struct host_client *next;
    uint64_t serial; /* never used twice */
    int fd;
    bool closing; /* once `out` is written */
    bool dead;    /* to be freed */
    struct cli_text in, out;
    int file[CONTROL_FILES_MAX]; /* came with the line being read */
    size_t nr_files;
    json_t *watch_id; /* of its watch request, or NULL */
    /* console */
    json_t *console_id; /* NULL: none */
    uint16_t console_domid;
    bool console_waits; /* for a domain of that name */
    bool console_follows;
    char console_name[SCHEDOP_NAME_MAX + 1];
    uint64_t console_lost; /* bytes skipped and not yet said */
    /* what is undone when it goes away; host_save.c, host_gdb.c, host_dump.c */
    struct host_hold save, debug, dump;
    bool restores;
    uint16_t restore_domid;
    uint64_t window[HOST_WINDOWS];
};

struct host;

/*
 * What a question led to: error is Xen's number or 0, rows an array of
 * strings, text what followed. In a host that ends: error is HOST_NO_ANSWER.
 */
#define HOST_NO_ANSWER 0xffffu
typedef void host_answer_fn(struct host *h, void *context, unsigned error,
                            json_t *rows, const char *text);

/* A domain that is built anew when its time has come. */
struct host_again {
    struct host_again *next;
    uint16_t domid; /* it had */
    uint64_t due_ms;
};

struct host_question {
    struct host_question *next;
    uint32_t tag;
    bool sent;
    char *line;
    json_t *rows;
    host_answer_fn *answer;
    void *context;
};

struct host_store;

enum host_phase { HOST_BOOTING, HOST_RUNNING, HOST_STOPPING, HOST_OVER };

struct host {
    const struct host_options *options;
    struct host_dir *dir;
    struct qemu q;
    struct link_reader reader;
    struct link_boot boot;
    struct cli_text to_link;
    struct cli_text dmesg;
    struct tail messages; /* QEMU's */
    struct host_guest *guests;
    struct host_again *again; /* host_again.c */
    struct host_client *clients;
    size_t nr_clients;
    uint64_t next_serial;
    struct host_question *questions; /* oldest first */
    uint32_t next_tag;
    struct dumps dumps; /* cores being written */
    struct host_store *store;
    unsigned asked; /* sent and not answered */
    enum host_phase phase;
    uint64_t phase_end_ms;        /* UINT64_MAX: none */
    int listener, signals, ready; /* ready: tells whoever started us */
    int64_t started;              /* seconds since 1970 */
    char *why;                    /* it ends, once known */
};

/* host_daemon.c: ends with an exit status. `ready` as in struct host. */
int host_run(struct host_dir *dir, const struct host_options *options,
             int ready);
void host_stop(struct host *h, const char *why);

/* host_link.c */
void host_link_read(struct host *h);
void host_link_write(struct host *h);
void host_ask(struct host *h, host_answer_fn *answer, void *context,
              const char *format, ...) CLI_PRINTF(4, 5);
/* Nobody will answer any more. */
void host_ask_abandon(struct host *h);
void host_dmesg_add(struct host *h, const char *data, size_t len);

/* host_domains.c */
struct host_guest *host_guest_by_id(struct host *h, uint16_t domid);
void host_guest_line(struct host *h, const struct link_message *m);
void host_guest_uuid(uint16_t domid, char uuid[40]);
void host_guests_free(struct host *h);
/* Sends `event`, which it takes, to all who watch. */
void host_event(struct host *h, json_t *event);

/* host_again.c: as xl, some time after its end. */
void host_again_add(struct host *h, uint16_t domid);
/* When the first of them is due; UINT64_MAX: none waits. */
uint64_t host_again_due(const struct host *h);
void host_again_serve(struct host *h);
void host_again_free(struct host *h);

/* host_console.c */
struct host_request;
void host_console_open(const struct host *h, struct host_guest *g);
void host_console_close(struct host *h, struct host_guest *g);
void host_console_output(struct host *h, struct host_guest *g, const char *data,
                         size_t len);
void host_console_attach(struct host *h, struct host_client *c,
                         const struct host_guest *g, bool scrollback);
void host_console_end(struct host_client *c, const char *why);
/* Takes `r`, which it answers when all is sent, and `text`. */
void host_console_input(struct host *h, struct host_guest *g,
                        struct host_request *r, struct cli_text *text);
void host_console_took(struct host *h, struct host_guest *g,
                       const struct link_message *m);
/* Nobody will read what is still waiting. */
void host_console_refuse(struct host *h, struct host_guest *g);

/* host_client.c */
void host_accept(struct host *h);
void host_client_read(struct host *h, struct host_client *c);
void host_client_write(struct host_client *c);
struct host_client *host_client_by_serial(struct host *h, uint64_t serial);
/* Sends a line; takes `message`. */
void host_send(struct host_client *c, json_t *message);
void host_clients_reap(struct host *h); /* frees those that are dead */
void host_clients_free(struct host *h);
void host_client_drop_files(struct host_client *c);

/* host_serve.c: one line of a client, NUL-terminated. */
void host_serve(struct host *h, struct host_client *c, const char *line,
                size_t len);
/* A request on its way; freed by one of the two ends below. */
struct host_request {
    uint64_t serial; /* of its client */
    json_t *id;
};
struct host_request *host_request(const struct host_client *c, json_t *id);
/* Both take everything. */
void host_reply(struct host *h, struct host_request *r, json_t *result);
void host_refuse(struct host *h, struct host_request *r, const char *code,
                 const char *format, ...) CLI_PRINTF(4, 5);
/* The same for an error number of Xen's. */
void host_refuse_xen(struct host *h, struct host_request *r, unsigned error,
                     const char *text);

/*
 * Arguments. A wrong one is refused, which ends the request: false or NULL. A
 * number is at most `max`; a word has no blanks in it.
 */
bool host_number(struct host *h, struct host_request *r, const json_t *args,
                 const char *key, uint64_t max, uint64_t *value);
const char *host_word(struct host *h, struct host_request *r,
                      const json_t *args, const char *key);
bool host_flag(const json_t *args, const char *key);

/*
 * host_hold.c. Takes the domain that `args` name; refuses the request when
 * they name none or another is held: "this connection `does` a domain already".
 * The question that follows is undone, when the client goes, by one behind it.
 */
bool host_hold_begin(struct host *h, struct host_hold *hold,
                     struct host_request *r, const json_t *args,
                     const char *does);
/* True if `args` name the domain held; else refuses: "does not `what` it". */
bool host_hold_check(struct host *h, const struct host_hold *hold,
                     struct host_request *r, const json_t *args,
                     const char *what);
/* For undoing whose failure means that the domain has gone by itself. */
host_answer_fn host_hold_undone;

/* What an answer of the hypervisor may become (host_answer_fn). */
host_answer_fn host_answer_text, host_answer_words, host_answer_rows;

/* The requests: each ends `r`. */
typedef void host_serve_fn(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args);

/* host_relay.c */
host_serve_fn host_serve_pause, host_serve_unpause, host_serve_destroy,
    host_serve_shutdown, host_serve_rename, host_serve_vcpu_pin,
    host_serve_trigger, host_serve_store_read, host_serve_store_write,
    host_serve_memory_target, host_serve_memory_max, host_serve_debug,
    host_serve_domains, host_serve_vcpus, host_serve_machine;

/* host_save.c */
host_serve_fn host_serve_window, host_serve_window_free, host_serve_save_begin,
    host_serve_save_state, host_serve_save_end, host_serve_restore,
    host_serve_restored;
/* Undoes what the client left half done. */
void host_save_drop(struct host *h, struct host_client *c);
/* An answer that names a window, the client's from now on (host_answer_fn). */
host_answer_fn host_answer_window;

/* host_gdb.c */
host_serve_fn host_serve_debug_attach, host_serve_debug_detach,
    host_serve_debug_go, host_serve_debug_stop, host_serve_debug_break,
    host_serve_debug_map, host_serve_debug_write;
/* What the client debugs goes on without it. */
void host_debug_drop(struct host *h, struct host_client *c);

/* host_dump.c */
host_serve_fn host_serve_dump_begin, host_serve_dump_end;
/* What the client was dumping goes on. */
void host_dump_drop(struct host *h, struct host_client *c);
/* A `dump` line of the hypervisor; after SIGCHLD. */
void host_dump_line(struct host *h, const struct link_message *m);
void host_dump_reap(struct host *h);

/* host_create.c */
host_serve_fn host_serve_create;

/* host_pool.c */
host_serve_fn host_serve_pools, host_serve_pool_create, host_serve_pool_destroy,
    host_serve_pool_rename, host_serve_pool_add, host_serve_pool_remove,
    host_serve_pool_move, host_serve_credit2, host_serve_credit2_pool,
    host_serve_rtds, host_serve_arinc653;

#endif
