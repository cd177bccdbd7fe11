/* SPDX-License-Identifier: MIT */
/*
 * A guest that reads its console in sips, now and then, and says after
 * bytes=N what the program cksum says of those. Run by tests/store/run.sh.
 */
#include <schedop/kit.h>

#define GULP 600u
#define FIRST_NS                                                               \
    300000000ull /* enough for all that can be in between to fill */
#define PAUSE_NS 100000ull

/* POSIX: CRC of the bytes and, lowest byte first, of their number. */
static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
    crc ^= (uint32_t)byte << 24;
    for (unsigned i = 0; i < 8; i++) {
        crc = (crc & 0x80000000u) ? crc << 1 ^ 0x04c11db7u : crc << 1;
    }
    return crc;
}

int main(void)
{
    uint64_t want = kit_arg_u64("bytes", 0), got = 0;
    char text[GULP];
    uint32_t crc = 0;

    kit_printf("thirsty\n");
    kit_sleep_ns(FIRST_NS);
    while (got < want) {
        size_t room = want - got < GULP ? (size_t)(want - got) : GULP;
        size_t n = kit_read(text, room);

        for (size_t i = 0; i < n; i++) {
            crc = crc_byte(crc, (uint8_t)text[i]);
        }
        got += n;
        kit_sleep_ns(PAUSE_NS);
    }
    for (uint64_t n = got; n != 0; n >>= 8) {
        crc = crc_byte(crc, (uint8_t)n);
    }
    kit_printf("sipped %u %llu\n", ~crc, (unsigned long long)got);
    return 0;
}
