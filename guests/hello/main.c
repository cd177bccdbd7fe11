/* SPDX-License-Identifier: MIT */
/*
 * hello: says where it runs, issues each of the eight commands once and prints
 * the results, then powers off. The first thing to try on a new hypervisor.
 */
#include <schedop/kit.h>

static volatile bool ticked;

static void show(const char *what, int rc)
{
    if (rc < 0) {
        kit_printf("%-16s %d %s\n", what, rc, schedop_error_name(rc));
    } else {
        kit_printf("%-16s %d\n", what, rc);
    }
}

static void introduce(void)
{
    const struct kit_info *info = kit_info();
    struct kit_region map[16];
    int regions = kit_memory_map(map, 16);
    uint64_t ram = 0;

    kit_printf("hello from a %s guest of Xen %d.%d, domain %u\n", info->kind,
               info->xen_version >> 16, info->xen_version & 0xffff,
               info->domid);
    for (int i = 0; i < regions; i++) {
        ram += map[i].type == 1 ? map[i].size : 0;
    }
    kit_printf("start info: version %u, flags %u, modules %u\n",
               info->start_version, info->flags, info->nr_modules);
    kit_printf("memory: %d regions, %u KiB of RAM\n", regions,
               (unsigned int)(ram >> 10));
    kit_printf("transport: %s, console: %s\n", schedop_transport_name(),
               info->console);
    kit_printf("cmdline: \"%s\"\n", info->cmdline);
}

/*
 * Block wants an event that is still to come. On PVH it can sleep through one
 * that its handler has already taken, so the timer keeps ticking until done.
 */
static void on_tick(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    ticked = true;
    schedop_set_timer(schedop_deadline_ns(kit_now_ns(), 2000000));
}

static void try_block(void)
{
    evtchn_port_t port;
    int rc = schedop_evtchn_bind_virq(VIRQ_TIMER, 0, &port);

    if (rc != 0) {
        show("bind_virq", rc);
        return;
    }
    kit_on_event(port, on_tick, NULL);
    schedop_set_timer(schedop_deadline_ns(kit_now_ns(), 2000000));
    show("block", schedop_block());
    kit_printf("  woken by %s\n", ticked ? "the timer" : "something else");
    kit_on_event(port, NULL, NULL);
    schedop_evtchn_close(port);
}

static void try_poll(void)
{
    static const char *const wakes[] = {"event", "timeout", "other"};
    uint64_t deadline_ns;
    evtchn_port_t port;
    int rc = schedop_evtchn_bind_ipi(0, &port);

    if (rc != 0) {
        show("bind_ipi", rc);
        return;
    }
    deadline_ns = schedop_deadline_ns(kit_now_ns(), 5000000);
    do { /* a wake-up may have other causes than ours */
        rc = kit_poll(port, deadline_ns);
    } while (rc == SCHEDOP_WAKE_OTHER);
    show("poll", rc < 0 ? rc : 0);
    kit_printf("  woken by %s\n", rc < 0 ? "nothing" : wakes[rc]);
    schedop_evtchn_send(port);
    rc = kit_poll(port, SCHEDOP_NO_DEADLINE);
    kit_printf("  then by %s\n", rc < 0 ? "nothing" : wakes[rc]);
    schedop_evtchn_close(port);
}

static void try_watchdog(void)
{
    struct schedop_watchdog watchdog;

    show("watchdog start", schedop_watchdog_start(&watchdog, 30));
    show("watchdog poke", schedop_watchdog_poke(&watchdog, 30));
    show("watchdog stop", schedop_watchdog_stop(&watchdog));
}

int main(void)
{
    introduce();
    show("yield", schedop_yield());
    try_block();
    try_poll();
    try_watchdog();
    show("pin_override", schedop_pin(0));
    show("  undone", schedop_unpin());
    show("remote_shutdown", schedop_remote_shutdown(0x7000, SHUTDOWN_crash));
    show("shutdown_code", schedop_shutdown_code(SHUTDOWN_poweroff));
    kit_printf("now shutdown\n");
    return 0;
}
