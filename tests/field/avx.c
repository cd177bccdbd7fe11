/* SPDX-License-Identifier: MIT */
/*
 * A process of a Linux guest that keeps a pattern in wide registers, sleeps,
 * and looks whether it is still there. The number of rounds that went well is
 * in /run/avx; the first that does not ends it with a word on its console.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum { WORDS = 8 };

static const struct timespec nap = {.tv_nsec = 20000000};

/* No library between load and store: it may use the registers itself. */
static int keep(const uint64_t in[WORDS], uint64_t out[WORDS])
{
    long rc;

    __asm__ volatile("vmovdqu (%[in]), %%ymm3\n\t"
                     "vmovdqu 32(%[in]), %%ymm14\n\t"
                     "syscall\n\t"
                     "vmovdqu %%ymm3, (%[out])\n\t"
                     "vmovdqu %%ymm14, 32(%[out])"
                     : "=a"(rc)
                     : "a"(SYS_nanosleep), "D"(&nap),
                       "S"(0), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "xmm3", "xmm14", "memory");
    return memcmp(in, out, WORDS * sizeof(*in)) == 0;
}

/* Whoever reads the file finds a number in it at any time. */
static int tell(uint64_t rounds)
{
    FILE *f = fopen("/run/avx.new", "w");

    if (f == NULL) {
        return -1;
    }
    if (fprintf(f, "%lu\n", rounds) < 0) {
        (void)fclose(f);
        return -1;
    }
    return fclose(f) == 0 ? rename("/run/avx.new", "/run/avx") : -1;
}

int main(void)
{
    uint64_t in[WORDS], out[WORDS];

    if (!__builtin_cpu_supports("avx")) {
        puts("avx: the processor has none");
        return 1;
    }
    for (uint64_t n = 1;; n++) {
        for (uint64_t i = 0; i < WORDS; i++) {
            in[i] = n * 0x9e3779b97f4a7c15u + i;
        }
        if (!keep(in, out)) {
            printf("avx: damaged in round %lu\n", n);
            return 1;
        }
        if (tell(n) != 0) {
            perror("avx: /run/avx");
            return 1;
        }
    }
}
