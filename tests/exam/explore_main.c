/* SPDX-License-Identifier: MIT */
/*
 * The exploration as a program of its own, so that it can be linked with a
 * core that was broken on purpose. The options are those of `schedop lab
 * explore`, as far as the exam needs them.
 */
#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"

int main(int argc, char **argv)
{
    struct explore_request req = {.preemptions = -1, .out = stdout, .seed = 1};
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--order") == 0) {
            req.order = true;
        } else if (strcmp(argv[i], "--trace") == 0) {
            req.trace = true;
        } else if (strcmp(argv[i], "--no-checks") == 0) {
            req.no_checks = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--made") == 0) {
            req.made = true;
            req.seeds = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--each") == 0) {
            req.each = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--faults") == 0) {
            req.swarm = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--keep") == 0) {
            req.keep = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--schedule") == 0) {
            req.schedule = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--sched") == 0) {
            req.policy = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--random") == 0) {
            req.seeds = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            req.seed = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--states") == 0) {
            req.states = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--preemptions") == 0) {
            req.preemptions = (int)strtol(argv[++i], NULL, 10);
        } else if (argv[i][0] != '-' && strchr(argv[i], '/') != NULL) {
            req.path = argv[i];
        } else if (argv[i][0] != '-') {
            req.name = argv[i];
        } else {
            (void)fprintf(stderr, "what is %s\n", argv[i]);
            return 2;
        }
    }
    return explore_run(&req);
}
