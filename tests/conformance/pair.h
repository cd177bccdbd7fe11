/* SPDX-License-Identifier: MIT */
/*
 * Two domains on one fact: the hardware domain controls, the subject suffers.
 *
 * Both run this image. A fact about two domains is a function for the
 * controller and one or more jobs for the subject, side by side in one file;
 * the controller names a job, and words of 32 bits go back and forth.
 *
 * The wire between them is made of what every host has, event channels: 32
 * interdomain ports are the bits of a word, one more says that it is complete,
 * one that it was taken. So nothing here depends on how the subject was made
 * (pair_build.c does that on real Xen; on schedop a configuration does). All
 * of these ports stay masked. While a word is on its way other sleeps of the
 * subject may end early: only one of its vCPUs talks, and a job tells what it
 * has to when nothing else of it is being watched.
 */
#ifndef SCHEDOP_TESTS_PAIR_H
#define SCHEDOP_TESTS_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/domctl.h>

/* ---- both ---- */

/* Sends a word; false when the other end did not take it SOON. */
bool pair_put(uint32_t word);

/* Takes the next word; false when none came within `ns`. */
bool pair_get(uint32_t *word, uint64_t ns);

/* ---- the controller ---- */

/* Whom the controller's calls below are about: subject or deaf. */
struct pair {
    uint16_t domid;
    uint32_t port[34]; /* of the controller's end */
    bool joined;
};

extern struct pair subject, deaf;

/* Joins the wire of a domain that serves; false when it does not SOON. */
bool pair_join(struct pair *pair, uint16_t domid, uint64_t ns);

/* Chooses whom pair_put() and the rest talk to. Subject first. */
void pair_with(struct pair *pair);

/* Makes the other domain do `job`; false, and the fact is broken, if not. */
bool pair_start(void (*job)(void));

/* The next word the job tells; 0xdeadbeef, and broken, if there is none. */
uint32_t pair_hear(void);

/* What else there is to do while waiting: the subject's console. */
extern void (*pair_idle)(void);

/* Sleeps at least so long, at work in between. */
void pair_rest(uint64_t ns);

/* A domctl about the other domain, or about `domid`. */
int pair_control(uint32_t command);
int pair_domctl(uint32_t command, uint16_t domid, struct xen_domctl *op);

/* Its domain information: flags, or 0xffffffff. */
uint32_t pair_flags(void);
int pair_code(void); /* bits 23:16: latched code, 255 none */

/* Waits until it is shut down; false: not SOON. */
bool pair_is_down(void);

int pair_remote(uint32_t reason); /* remote_shutdown of it */

/* ---- the subject ---- */

/* Opens the wire to domain 0 and does jobs for ever. */
__attribute__((noreturn)) void pair_serve(void);

#define tell(word) ((void)pair_put((uint32_t)(word)))
uint32_t told(void);

#endif
