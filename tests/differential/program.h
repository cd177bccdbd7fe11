/* SPDX-License-Identifier: MIT */
/*
 * Programs of hypercalls as data: the format the tool writes and the guest
 * executes. Freestanding; included by both.
 *
 * A program is a list of statements of 24 bytes. Each is carried out by one
 * of three vCPUs, in order, one at a time: the next begins when the last is
 * done or asleep. vCPU 0 also conducts (guest/conduct.c): time passes only in
 * `advance`, one tick each. After `finale` the domain may end; before, calls
 * that would end it are not made. Ports are named by the slot that a bind put
 * them into, p0 to p15, so a statement still means something when others are
 * removed from the program.
 */
#ifndef SCHEDOP_TESTS_DIFFERENTIAL_PROGRAM_H
#define SCHEDOP_TESTS_DIFFERENTIAL_PROGRAM_H

#include <stdint.h>

#define PROGRAM_MAGIC 0x46494453u /* "SDIF" */
#define PROGRAM_VERSION 2u
#define PROGRAM_STATEMENTS_MAX 250u

#define VCPUS 3u /* that programs run on; the guest has one more */
#define PORT_SLOTS 16u
#define REFS_MAX 4u /* ports a statement can name */
#define ARGS_MAX 3u
#define PORT_LIMIT 128u /* ports below are known from the start */

/*
 * Operations: name, operands, flags. Operands, in the order of the text:
 *   S  slot that receives a port        P  port: slot or literal
 *   L  number of ports and their list   V  vCPU number
 *   N  number                           T  time (TIMES)
 *   R  period (PERIODS)                 C  vCPU context (CONTEXTS)
 *   Q  place of the operand structure   A  place of the array or area
 * Flags: Z may sleep; W what it does may take effect a little later, so wait;
 * G the guest's own act, no hypercall; K the conductor's.
 */
#define OPERATIONS(X)                                                          \
    X(yield, "", 0)                                                            \
    X(block, "", OP_SLEEPS)                                                    \
    X(poll, "LTQA", OP_SLEEPS)                                                 \
    X(shutdown, "NQ", 0)                                                       \
    X(remote_shutdown, "NNQ", 0)                                               \
    X(shutdown_code, "NQ", 0)                                                  \
    X(watchdog, "NNQ", 0)                                                      \
    X(pin, "NQ", 0)                                                            \
    X(sched_raw, "N", 0)                                                       \
    X(alloc_unbound, "SNNQ", 0)                                                \
    X(bind_interdomain, "SNPQ", OP_WAITS)                                      \
    X(bind_virq, "SNVQ", 0)                                                    \
    X(bind_ipi, "SVQ", 0)                                                      \
    X(close, "PQ", 0)                                                          \
    X(send, "PQ", OP_WAITS)                                                    \
    X(unmask, "PQ", OP_WAITS)                                                  \
    X(status, "NPQ", 0)                                                        \
    X(bind_vcpu, "PVQ", 0)                                                     \
    X(reset, "NQ", 0)                                                          \
    X(set_priority, "PNQ", 0)                                                  \
    X(init_control, "VNQ", 0)                                                  \
    X(expand_array, "NQ", 0)                                                   \
    X(evtchn_raw, "NQ", 0)                                                     \
    X(initialise, "VCQ", 0)                                                    \
    X(up, "V", OP_WAITS)                                                       \
    X(down, "V", OP_SLEEPS)                                                    \
    X(is_up, "V", 0)                                                           \
    X(runstate, "VQ", 0)                                                       \
    X(singleshot, "VTNQ", OP_WAITS)                                            \
    X(stop_singleshot, "V", 0)                                                 \
    X(periodic, "VRQ", OP_WAITS)                                               \
    X(stop_periodic, "V", 0)                                                   \
    X(runstate_area, "VQA", 0)                                                 \
    X(time_area, "VQA", 0)                                                     \
    X(vcpu_info, "VNNQ", 0)                                                    \
    X(nmi, "VN", OP_WAITS)                                                     \
    X(physid, "VQ", 0)                                                         \
    X(vcpu_raw, "NVQ", 0)                                                      \
    X(set_timer, "T", OP_WAITS)                                                \
    X(version, "NQ", 0)                                                        \
    X(vm_assist, "NN", 0)                                                      \
    X(hvm_param, "NQ", 0)                                                      \
    X(upcall_vector, "VNQ", 0)                                                 \
    X(hypercall, "N", 0)                                                       \
    X(multicall, "NA", OP_SLEEPS)                                              \
    X(mask, "P", OP_GUEST)                                                     \
    X(clear_mask, "P", OP_GUEST)                                               \
    X(set_pending, "P", OP_GUEST)                                              \
    X(clear_pending, "P", OP_GUEST)                                            \
    X(clear_upcall, "V", OP_GUEST)                                             \
    X(set_upcall, "V", OP_GUEST)                                               \
    X(upcall_mask, "VN", OP_GUEST)                                             \
    X(sti, "", OP_GUEST)                                                       \
    X(cli, "", OP_GUEST)                                                       \
    X(hlt, "", OP_GUEST | OP_SLEEPS)                                           \
    X(spin, "", OP_GUEST | OP_SLEEPS)                                          \
    X(fifo, "N", OP_GUEST)                                                     \
    X(take, "V", OP_GUEST)                                                     \
    X(word, "PN", OP_GUEST)                                                    \
    X(stop, "V", OP_CONDUCTOR)                                                 \
    X(advance, "", OP_CONDUCTOR)                                               \
    X(finale, "", OP_CONDUCTOR)

#define OP_SLEEPS 1u
#define OP_WAITS 2u
#define OP_GUEST 4u
#define OP_CONDUCTOR 8u

#define OPERATION_ENUM(name, operands, flags) DO_##name,
enum operation { OPERATIONS(OPERATION_ENUM) OPERATION_COUNT };

/* Where in memory an operand lies. `gap` is not mapped; the rest is what the
 * names say, with `edge` ending right before a gap, `tail` one byte in it,
 * `cross` over two frames, `hole` and `mmio` mapped but no RAM, `noncanon` as
 * `ok` but for bit 63, `xen` in the hypervisor's range. */
#define PLACES(X)                                                              \
    X(ok)                                                                      \
    X(odd)                                                                     \
    X(cross)                                                                   \
    X(edge)                                                                    \
    X(tail)                                                                    \
    X(ro)                                                                      \
    X(gap)                                                                     \
    X(hole)                                                                    \
    X(mmio)                                                                    \
    X(noncanon)                                                                \
    X(xen)                                                                     \
    X(top)

#define PLACE_ENUM(name) AT_##name,
enum place { PLACES(PLACE_ENUM) PLACE_COUNT };

/* Times: 0; 1; half a tick before the tick after this one, and so on; 18
 * minutes ahead; 2^50 ns and a second ahead; 2^62; 2^63; 2^64-1. */
#define TIMES(X)                                                               \
    X(never)                                                                   \
    X(past)                                                                    \
    X(soon1)                                                                   \
    X(soon2)                                                                   \
    X(soon3)                                                                   \
    X(far)                                                                     \
    X(far50)                                                                   \
    X(huge)                                                                    \
    X(neg)                                                                     \
    X(max)

#define TIME_ENUM(name) TIME_##name,
enum time_kind { TIMES(TIME_ENUM) TIME_COUNT };

/* Periods: three quarters of a tick; then in ns 0, 999999, 2^61, 2^62 - 1,
 * 2^62, 2^64-1. */
#define PERIODS(X)                                                             \
    X(tick)                                                                    \
    X(zero)                                                                    \
    X(short)                                                                   \
    X(long)                                                                    \
    X(longest)                                                                 \
    X(over)                                                                    \
    X(all)

#define PERIOD_ENUM(name) PERIOD_##name,
enum period_kind { PERIODS(PERIOD_ENUM) PERIOD_COUNT };

/* vCPU contexts, none of which may be loaded. */
#define CONTEXTS(X)                                                            \
    X(mode2)                                                                   \
    X(moden)                                                                   \
    X(pad)

#define CONTEXT_ENUM(name) CONTEXT_##name,
enum context_kind { CONTEXTS(CONTEXT_ENUM) CONTEXT_COUNT };

/* Port references: slots, then these. */
#define LITERALS(X)                                                            \
    X(0)                                                                       \
    X(1)                                                                       \
    X(99)                                                                      \
    X(127)                                                                     \
    X(128)                                                                     \
    X(1023)                                                                    \
    X(1024)                                                                    \
    X(4095)                                                                    \
    X(4096)                                                                    \
    X(0x10001)                                                                 \
    X(0xffffffff)

#define LITERAL_COUNT 11u
#define REF_COUNT (PORT_SLOTS + LITERAL_COUNT)

struct statement {
    uint8_t vcpu; /* who */
    uint8_t operation;
    uint8_t place, array_place;
    uint8_t ref[REFS_MAX];
    uint8_t refs;   /* L: how many are given */
    uint8_t narrow; /* call from 32-bit code */
    uint16_t zero;
    uint32_t arg[ARGS_MAX]; /* L: number of ports; N V T R C in order */
};

_Static_assert(sizeof(struct statement) == 24, "as in the files");

struct program {
    uint32_t id;
    uint32_t statements;
    /* struct statement[] follows */
};

struct batch {
    uint32_t magic, version, programs, zero;
    /* struct program, each with its statements, follow */
};

#endif
