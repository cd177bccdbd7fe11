/* SPDX-License-Identifier: MIT */
/*
 * The gdb server's questions as requests of a host's control channel
 * (docs/control.md), and the events that the host sends as its events.
 */
#include "gdb_control.h"

#include <stdlib.h>
#include <string.h>

static json_t *ask(struct gdb_link *l, const char *verb,
                   const struct gdb_arg *args)
{
    struct gdb_control *g = l->context;
    json_t *object = json_pack("{s:i}", "domid", g->domid), *answer;
    char *why;

    for (; args->name != NULL; args++) {
        json_object_set_new(object, args->name,
                            json_integer((json_int_t)args->value));
    }
    answer = control_do(g->control, verb, object, &why);
    if (why != NULL && strcmp(verb, "debug-attach") == 0) {
        cli_error("%s", why);
    }
    free(why);
    l->fd = g->control->fd;
    return answer;
}

static void take_text(struct gdb_event *e, const json_t *object,
                      const char *format, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    char *whole = cli_format("%s%s", format, text != NULL ? text : "");

    (void)snprintf(e->text, sizeof(e->text), "%s", whole);
    free(whole);
}

static void end_of(struct gdb_event *e, const json_t *object)
{
    const char *reason = json_string_value(json_object_get(object, "reason"));
    const char *action = json_string_value(json_object_get(object, "action"));

    e->kind = GDB_ENDED;
    e->code = (uint8_t)json_integer_value(json_object_get(object, "code"));
    e->killed = reason == NULL;
    (void)snprintf(e->text, sizeof(e->text), "the domain ended: %s, %s",
                   reason != NULL ? reason : "killed",
                   action != NULL ? action : "");
}

/* One of our domain's, or of the host's end; else GDB_NO_EVENT. */
static void read_event(const struct gdb_control *g, const json_t *object,
                       struct gdb_event *e)
{
    const char *what = json_string_value(json_object_get(object, "event"));
    const json_t *domid = json_object_get(object, "domid");

    if (what == NULL) {
        return;
    }
    if (strcmp(what, "host-end") == 0) {
        e->kind = GDB_LOST;
        take_text(e, object, "the host ends: ", "why");
    } else if (json_integer_value(domid) != g->domid) {
        return;
    } else if (strcmp(what, "stopped") == 0) {
        e->kind = GDB_STOPPED;
    } else if (strcmp(what, "crash") == 0) {
        e->kind = GDB_CRASHED;
        take_text(e, object, "crash: ", "text");
    } else if (strcmp(what, "end") == 0) {
        end_of(e, object);
    } else if (strcmp(what, "gone") == 0) {
        e->kind = GDB_ENDED;
        e->killed = true;
        (void)snprintf(e->text, sizeof(e->text), "the domain is gone");
    }
}

/* The oldest of those that came while an answer was waited for, or a new one.
 */
static json_t *next_line(struct gdb_control *g)
{
    struct control *c = g->control;
    json_t *line = json_array_get(c->events, 0);

    if (line != NULL) {
        json_incref(line);
        json_array_remove(c->events, 0);
        return line;
    }
    return c->fd >= 0 ? control_receive(c, 0) : NULL;
}

static void event(struct gdb_link *l, struct gdb_event *e)
{
    struct gdb_control *g = l->context;
    json_t *line;

    *e = (struct gdb_event){.kind = GDB_NO_EVENT};
    while (e->kind == GDB_NO_EVENT && (line = next_line(g)) != NULL) {
        read_event(g, line, e);
        json_decref(line);
    }
    l->fd = g->control->fd;
    if (e->kind == GDB_NO_EVENT && l->fd < 0) {
        e->kind = GDB_LOST;
        (void)snprintf(e->text, sizeof(e->text), "the host is gone");
    }
}

int gdb_control_open(struct gdb_control *g, struct control *c, int domid)
{
    json_t *answer;

    *g = (struct gdb_control){
        .link = {.context = g, .fd = c->fd, .ask = ask, .event = event},
        .control = c,
        .domid = domid,
    };
    if (c->events == NULL) {
        c->events = json_array();
    }
    answer = control_do(c, "watch", NULL, NULL);
    if (answer == NULL) {
        return -1;
    }
    json_decref(answer);
    return 0;
}
