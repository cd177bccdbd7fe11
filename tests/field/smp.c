/* SPDX-License-Identifier: MIT */
/*
 * smp: as many vCPUs as a domain may have, each counting under one lock-free
 * word, sleeping by poll in between, on fewer pCPUs. Built on the start-up
 * kit; `vcpus=N` says how many.
 */
#include <schedop/kit.h>

#define ROUNDS 20u
#define SLEEP_NS 200000u

static uint32_t total, ended;

static void work(void *context)
{
    (void)context;
    for (unsigned int i = 0; i < ROUNDS; i++) {
        (void)__atomic_fetch_add(&total, 1, __ATOMIC_SEQ_CST);
        kit_sleep_ns(SLEEP_NS);
    }
    (void)__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}

int main(void)
{
    unsigned int vcpus = (unsigned int)kit_arg_u64("vcpus", 1);

    for (unsigned int v = 1; v < vcpus; v++) {
        int rc = kit_start_vcpu(v, work, NULL);

        if (rc != 0) {
            kit_printf("vCPU %u: %s\nTest result: FAILURE\n", v,
                       schedop_error_text(rc));
            return 0;
        }
    }
    work(NULL);
    while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) != vcpus) {
        kit_sleep_ns(SLEEP_NS);
    }
    kit_printf("%u vCPUs counted to %u\n", vcpus, total);
    kit_printf("Test result: %s\n",
               total == vcpus * ROUNDS ? "SUCCESS" : "FAILURE");
    return 0;
}
