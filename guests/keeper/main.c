/* SPDX-License-Identifier: MIT */
/*
 * keeper: a domain that does what it is told. `schedop shutdown` and `reboot`
 * tell it through xenstore: it watches control/shutdown (here: looks there
 * now and then), acknowledges by emptying the node, and obeys; so does `save`,
 * and a restored keeper finds its rings again. `mem-set` tells it through
 * memory/target: it gives memory above its program back, or takes it again.
 * Lines typed on its console are echoed; "poweroff", "reboot" and "crash" are
 * obeyed, too.
 */
#include <stdint.h>

#include <xen/hvm/params.h>
#include <xen/io/xs_wire.h>

#include <schedop/kit.h>

#define LOOK_NS 20000000ull
#define FRAME 4096u
#define BATCH 256
#define FLOOR_KIB 8192u /* our program, its stacks and start info are there */

static volatile struct xenstore_domain_interface *store;
static evtchn_port_t store_port;

/* ---- xenstore: one request at a time, the answer waited for ---- */

static void send(const void *data, uint32_t size)
{
    const char *bytes = data;

    for (uint32_t i = 0; i < size; i++) {
        while (store->req_prod - store->req_cons == XENSTORE_RING_SIZE) {
            kit_sleep_ns(LOOK_NS / 20);
        }
        store->req[MASK_XENSTORE_IDX(store->req_prod)] = bytes[i];
        __atomic_store_n(&store->req_prod, store->req_prod + 1,
                         __ATOMIC_RELEASE);
    }
    schedop_evtchn_send(store_port);
}

static void receive(void *data, uint32_t size)
{
    char *bytes = data;

    for (uint32_t i = 0; i < size; i++) {
        while (__atomic_load_n(&store->rsp_prod, __ATOMIC_ACQUIRE) ==
               store->rsp_cons) {
            kit_poll(store_port, kit_now_ns() + LOOK_NS);
            schedop_event_clear(kit_events(), store_port);
        }
        bytes[i] = store->rsp[MASK_XENSTORE_IDX(store->rsp_cons)];
        __atomic_store_n(&store->rsp_cons, store->rsp_cons + 1,
                         __ATOMIC_RELEASE);
    }
    schedop_evtchn_send(store_port);
}

/* The answer's text in `out`, cut to fit. */
static void request(uint32_t type, const char *body, uint32_t size, char *out,
                    uint32_t room)
{
    struct xsd_sockmsg head;
    uint32_t n = 0;
    char c;

    memset(&head, 0, sizeof(head));
    head.type = type;
    head.len = size;
    send(&head, sizeof(head));
    send(body, size);
    receive(&head, sizeof(head));
    for (uint32_t i = 0; i < head.len; i++) {
        receive(&c, 1);
        if (n + 1 < room) {
            out[n++] = c;
        }
    }
    out[n] = '\0';
}

static void attach(void)
{
    uint64_t frame, port;

    if (schedop_hvm_param_get(HVM_PARAM_STORE_PFN, &frame) != 0 ||
        schedop_hvm_param_get(HVM_PARAM_STORE_EVTCHN, &port) != 0) {
        kit_panic("there is no xenstore");
    }
    store = kit_virt(frame << 12);
    store_port = (evtchn_port_t)port;
}

/* ---- orders ---- */

static void suspend(void)
{
    int rc = kit_suspend();

    if (rc == SCHEDOP_RESUMED) {
        attach();
    }
    kit_printf("suspend gave %d\n", rc);
}

static void obey(const char *order)
{
    if (strcmp(order, "poweroff") == 0 || strcmp(order, "halt") == 0) {
        kit_exit(SHUTDOWN_poweroff);
    } else if (strcmp(order, "reboot") == 0) {
        kit_exit(SHUTDOWN_reboot);
    } else if (strcmp(order, "crash") == 0) {
        kit_exit(SHUTDOWN_crash);
    } else if (strcmp(order, "suspend") == 0) {
        suspend();
    }
}

static void look_into_store(void)
{
    static const char path[] = "control/shutdown";
    char order[16], answer[16];

    request(XS_READ, path, sizeof(path), order, sizeof(order));
    if (order[0] != '\0' && strcmp(order, "ENOENT") != 0) {
        kit_printf("told to %s\n", order);
        request(XS_WRITE, path, sizeof(path), answer, sizeof(answer));
        obey(order);
    }
}

/* ---- memory ---- */

/* Frames [0, has) are there; what is above keeps nothing of ours. */
static uintptr_t has;

static void attach_memory(void)
{
    struct kit_region r[32];
    int n = kit_memory_map(r, 32);

    for (int i = 0; i < n; i++) {
        if (r[i].type == 1 && r[i].addr == 0) {
            has = (uintptr_t)(r[i].size / FRAME);
        }
    }
}

static void balloon(uintptr_t want)
{
    uintptr_t frame[BATCH];
    bool down = want < has;
    int done;

    do {
        uint32_t n = 0;

        while (n < BATCH && (down ? has - n > want : has + n < want)) {
            frame[n] = down ? has - n - 1 : has + n;
            n++;
        }
        done = down ? schedop_memory_give(frame, n)
                    : schedop_memory_take(frame, n);
        if (done > 0) {
            has = down ? has - (uint32_t)done : has + (uint32_t)done;
        }
    } while (done == BATCH);
    kit_printf("balloon: %lu KiB\n", (unsigned long)has * (FRAME / 1024));
}

static void look_at_memory(void)
{
    static const char path[] = "memory/target";
    static uint64_t last;
    char text[24];
    uint64_t kib = 0;

    request(XS_READ, path, sizeof(path), text, sizeof(text));
    for (const char *c = text; *c >= '0' && *c <= '9'; c++) {
        kib = kib * 10 + (uint64_t)(*c - '0');
    }
    if (kib == last || kib == 0) {
        return;
    }
    if (last != 0 || kib / (FRAME / 1024) < has) {
        balloon(
            (uintptr_t)((kib < FLOOR_KIB ? FLOOR_KIB : kib) / (FRAME / 1024)));
    }
    last = kib;
}

static void look_at_console(void)
{
    static char line[128];
    static size_t length;
    char c;

    while (kit_read(&c, 1) == 1) {
        if (c != '\n' && c != '\r') {
            line[length] = c;
            length += length + 1 < sizeof(line);
            continue;
        }
        line[length] = '\0';
        length = 0;
        kit_printf("heard %s\n", line);
        obey(line);
    }
}

int main(void)
{
    attach();
    attach_memory();
    kit_printf("keeper waits\n");
    for (;;) {
        look_into_store();
        look_at_memory();
        look_at_console();
        kit_sleep_ns(LOOK_NS);
    }
}
