/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: on files, and on random strings.
 *
 *   PROGRAM [--random COUNT] [--seed SEED] [--max LENGTH] [FILE...]
 *
 * Prints TAP: one case for the files and one for the random strings. When the
 * target stops the program, the last line names the file, or the seed that
 * alone (--random 1 --seed ...) leads to the same string.
 */
#include "input.h"

#include <errno.h>

#include "lib/prng.h"

struct options {
    unsigned long random, max;
    uint64_t seed;
};

static bool run_file(const char *name)
{
    static uint8_t data[1u << 20];
    FILE *f = fopen(name, "rb");
    size_t len;
    uint8_t *copy;

    if (f == NULL) {
        printf("# %s: %s\n", name, strerror(errno));
        return false;
    }
    len = fread(data, 1, sizeof(data), f);
    (void)fclose(f);
    copy = malloc(len + 1); /* so that its end is guarded */
    MUST(copy != NULL);
    memcpy(copy + 1, data, len);
    printf("# %s\n", name);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(copy + 1, len);
    free(copy);
    return true;
}

/* Text as often as bytes; long runs of one byte sometimes. */
static void run_random(uint64_t seed, size_t max)
{
    static const char text[] = "abx0123456789 =-/,.\\\n%@";
    struct prng p = {seed};
    size_t len = prng_next(&p) % (max + 1);
    unsigned how = (unsigned)(prng_next(&p) >> 40) % 4;
    uint8_t *data = malloc(len + 1);

    MUST(data != NULL);
    for (size_t i = 0; i < len; i++) {
        uint64_t r = prng_next(&p) >> 20;

        data[i] = how == 0 ? (uint8_t)text[r % (sizeof(text) - 1)]
                  : how == 1 && i > 0 && r % 4 != 0 ? data[i - 1]
                                                    : (uint8_t)r;
    }
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
}

static int options_read(int argc, char **argv, struct options *o)
{
    int i = 1;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);

        if (strcmp(argv[i], "--random") == 0) {
            o->random = (unsigned long)value;
        } else if (strcmp(argv[i], "--seed") == 0) {
            o->seed = value;
        } else if (strcmp(argv[i], "--max") == 0 && value != 0) {
            o->max = (unsigned long)value;
        } else {
            (void)fprintf(stderr, "%s: no such option: %s\n", argv[0], argv[i]);
            exit(2);
        }
    }
    return i;
}

int main(int argc, char **argv)
{
    struct options o = {.random = 0, .max = 300, .seed = 1};
    int first = options_read(argc, argv, &o), files = 0;

    printf("1..2\n");
    for (int i = first; i < argc; i++) {
        files += run_file(argv[i]);
    }
    if (files == 0) {
        printf("ok 1 - files # SKIP none named\n");
    } else {
        printf("%sok 1 - %d files\n", files == argc - first ? "" : "not ",
               files);
    }
    for (unsigned long n = 0; n < o.random; n++) {
        if (n % 64 == 0) {
            printf("# random from seed %llu\n",
                   (unsigned long long)(o.seed + n));
            (void)fflush(stdout);
        }
        run_random(o.seed + n, o.max);
    }
    printf("ok 2 - %lu random strings from seed %llu\n", o.random,
           (unsigned long long)o.seed);
    return files == argc - first ? 0 : 1;
}
