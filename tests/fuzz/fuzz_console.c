/* SPDX-License-Identifier: MIT */
/*
 * The back end of the PV console on a page whose four indices and bytes the
 * guest changes at will.
 */
#include "input.h"

#include <xen/io/console.h>

#include "backend/console.h"

#define SIZE_OUT sizeof(((struct xencons_interface *)0)->out)
#define SIZE_IN sizeof(((struct xencons_interface *)0)->in)

static struct xencons_interface page;

static void spoil(struct input *in)
{
    XENCONS_RING_IDX *const index[] = {&page.in_cons, &page.in_prod,
                                       &page.out_cons, &page.out_prod};
    uint8_t how = take_u8(in);
    XENCONS_RING_IDX *at = index[how % 4];

    if (how < 0x80) {
        *at += how / 4u * 70u;
    } else {
        *at = take_u32(in);
    }
}

static void take_some(struct console_backend *c, struct input *in)
{
    char bytes[300];
    size_t max = take_u16(in) % sizeof(bytes);
    XENCONS_RING_IDX cons = page.out_cons, prod = page.out_prod;
    size_t got = console_take(c, bytes, max);

    MUST(got <= max);
    MUST(page.out_prod == prod);
    if (prod - cons > SIZE_OUT) {
        MUST(got == 0 && c->out_broken && page.out_cons == cons);
        return;
    }
    MUST(!c->out_broken && page.out_cons - cons == got);
    MUST(got == (max < prod - cons ? max : prod - cons));
    for (size_t i = 0; i < got; i++) {
        MUST(bytes[i] == page.out[(cons + i) & (SIZE_OUT - 1)]);
    }
}

static void offer_some(struct console_backend *c, struct input *in)
{
    char bytes[64];
    size_t len = take_u8(in) % sizeof(bytes), room;
    XENCONS_RING_IDX cons = page.in_cons, prod = page.in_prod;
    size_t put;

    memset(bytes, 'a' + (int)(len % 26), sizeof(bytes));
    put = console_offer(c, bytes, len);
    MUST(page.in_cons == cons && page.in_prod - prod == put);
    if (prod - cons > SIZE_IN) {
        MUST(put == 0 && (c->in_broken || len == 0));
        return;
    }
    room = SIZE_IN - (prod - cons);
    MUST(put == (len < room ? len : room));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    struct console_backend c;
    unsigned complaints = 0;

    memset(&page, 0, sizeof(page));
    console_ring_init(&c, &page);
    for (unsigned n = 0; n < 64 && input_left(&in) != 0; n++) {
        switch (take_u8(&in) % 4) {
        case 0:
            spoil(&in);
            break;
        case 1:
            take_some(&c, &in);
            break;
        case 2:
            offer_some(&c, &in);
            break;
        default:
            (void)take(&in, &page.out[take_u16(&in) % (SIZE_OUT - 16)], 16);
            break;
        }
        complaints += console_complaint(&c);
        MUST(complaints <= 1);
    }
    return 0;
}
