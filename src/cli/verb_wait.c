/* SPDX-License-Identifier: MIT */
/* Waiting for events of a host, and `watch`, which prints them. */
#include "verb_wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"

static const char *const synopsis[] = {"", NULL};

static int watch_main(const struct cli_command *self, int argc, char **argv);

static const struct cli_item events[] = {
    {"create", "A domain was built: domid, name."},
    {"start", "Its first instruction is about to run."},
    {"crash", "Why the hypervisor crashes it: text."},
    {"end", "It shut down: code, reason (null for one without a name, and for "
            "a domain that was killed), action."},
    {"gone", "Nothing is left of it."},
    {"fail", "A domain cannot be built again: name, text."},
    {"host-end", "The host ends: why."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Events", NULL, events, true},
    {NULL, NULL, NULL, false},
};

const struct cli_command cli_watch_command = {
    .name = "watch",
    .summary = "print what happens to domains as JSON lines",
    .synopsis = synopsis,
    .description = "Prints one JSON object a line for each event in the life "
                   "of a domain, until the host ends (status 0) or a signal "
                   "comes. Each has \"event\" and \"time\" (seconds since "
                   "1970).",
    .options = verb_no_options,
    .parts = parts,
    .main = watch_main,
};

int wait_begin(struct control *c)
{
    json_t *answer;

    c->events = c->events != NULL ? c->events : json_array();
    answer = control_do(c, "watch", NULL, NULL);
    json_decref(answer);
    return answer != NULL ? 0 : -1;
}

/* The next event, for as long as it takes; NULL when the host is lost. */
static json_t *next_event(struct control *c)
{
    if (json_array_size(c->events) > 0) {
        json_t *event = json_incref(json_array_get(c->events, 0));

        json_array_remove(c->events, 0);
        return event;
    }
    while (c->fd >= 0) {
        json_t *line = control_receive(c, 60000);

        if (json_object_get(line, "event") != NULL) {
            return line;
        }
        json_decref(line);
    }
    return NULL;
}

static bool is(const json_t *event, const char *what)
{
    return strcmp(verb_string(event, "event"), what) == 0;
}

static void print_line(const char *text)
{
    (void)printf("%s\n", text);
    (void)fflush(stdout);
}

/* ---- the death of a domain ---- */

int wait_for_death(struct control *c, int domid)
{
    json_t *event;
    char *name = NULL;
    bool restarts = false, dead = false;

    while (!dead && (event = next_event(c)) != NULL) {
        bool ours = (int)verb_int(event, "domid") == domid;
        const char *action = verb_string(event, "action");

        if (ours && is(event, "end") && strcmp(action, "killed") == 0) {
            (void)printf("Domain %d has been destroyed.\n", domid);
            json_decref(event);
            return CLI_OK;
        }
        if (ours && is(event, "end")) {
            (void)printf("Domain %d has shut down, reason code %d 0x%x\n"
                         "Action for shutdown reason code %d is %s\n",
                         domid, (int)verb_int(event, "code"),
                         (unsigned)verb_int(event, "code"),
                         (int)verb_int(event, "code"), action);
            (void)fflush(stdout);
            restarts = strstr(action, "restart") != NULL;
            free(name);
            name = cli_strdup(verb_string(event, "name"));
            dead = strcmp(action, "preserve") == 0;
        } else if (ours && is(event, "gone")) {
            dead = !restarts;
        } else if (restarts && name != NULL && is(event, "create") &&
                   strcmp(verb_string(event, "name"), name) == 0) {
            domid = (int)verb_int(event, "domid");
            restarts = false;
        } else if (restarts && is(event, "fail")) {
            dead =
                name != NULL && strcmp(verb_string(event, "name"), name) == 0;
        }
        json_decref(event);
    }
    free(name);
    if (dead) {
        print_line("Done. Exiting now");
    }
    return dead ? CLI_OK : CLI_ERROR;
}

int wait_until_gone(struct control *c, int domid)
{
    bool gone = false;
    json_t *event;

    while (!gone && (event = next_event(c)) != NULL) {
        gone = is(event, "gone") && (int)verb_int(event, "domid") == domid;
        json_decref(event);
    }
    return gone ? CLI_OK : CLI_ERROR;
}

/* ---- shutdown -w ---- */

int wait_for_shutdown(struct control *c, const int *domid, size_t count)
{
    bool *over = cli_alloc(count * sizeof(*over) + 1);
    size_t left = count;
    json_t *event;

    while (left > 0 && (event = next_event(c)) != NULL) {
        for (size_t i = 0; i < count; i++) {
            bool end = is(event, "end"), gone = is(event, "gone");

            if (over[i] || (int)verb_int(event, "domid") != domid[i] ||
                (!end && !gone)) {
                continue;
            }
            over[i] = true;
            left--;
            if (gone || strcmp(verb_string(event, "action"), "killed") == 0) {
                (void)fprintf(stderr, "Domain %d has been destroyed\n",
                              domid[i]);
            } else {
                (void)fprintf(stderr,
                              "Domain %d has been shut down, reason code %d\n",
                              domid[i], (int)verb_int(event, "code"));
            }
        }
        json_decref(event);
    }
    free(over);
    return left == 0 ? CLI_OK : CLI_ERROR;
}

/* ---- watch ---- */

static int watch_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    json_t *event;
    bool over = false, good = true;
    int rc = verb_begin(self, argc, argv, 0, 0, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    if (wait_begin(&c) != 0) {
        return verb_end(&a, &c, CLI_ERROR);
    }
    while (!over && good && (event = next_event(&c)) != NULL) {
        struct cli_text t = {0};
        char *text;

        over = is(event, "host-end");
        json_object_del(event, "id");
        text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
        json_decref(event);
        cli_text_printf(&t, "%s\n", text != NULL ? text : "{}");
        free(text);
        good = cli_text_print(&t, STDOUT_FILENO);
    }
    return verb_end(&a, &c, over ? CLI_OK : CLI_ERROR);
}
