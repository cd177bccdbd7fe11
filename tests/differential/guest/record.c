/* SPDX-License-Identifier: MIT */
/*
 * The transcript: one line a statement, of what each vCPU told and how the
 * shared state of events changed since the line before. No clock, address or
 * count that may differ between two hosts ever gets in. Only a hash of it is
 * printed unless more is asked for.
 */
#include "guest.h"

#define TOLD_MAX 400u
#define LINE_MAX 1200u
#define TEXT_MAX (256u * 1024u)

extern uint8_t kit_shared_info[];

static char told[VCPUS][TOLD_MAX];
static size_t told_length[VCPUS];
static char text[TEXT_MAX];
static size_t text_length;
static uint32_t program_id;
static bool shown;
static uint64_t hash;

#define WORDS (PORT_LIMIT / 64u)

/* What is compared: of ports below PORT_LIMIT, and of each vCPU. */
struct state {
    uint64_t pending[WORDS], mask[WORDS];
    uint64_t selector[VCPUS];
    uint8_t upcall[VCPUS], upcall_mask[VCPUS];
    int runstate[VCPUS]; /* of those asleep in a statement, else -1 */
    int area[VCPUS];
    bool beyond; /* any bit of a port above */
    /* With FIFO ports the bits above are of their words, and there are: */
    uint64_t linked[WORDS], busy[WORDS];
    struct fifo_state fifo;
};

static struct state last;

/* ---- looking ---- */

static struct shared_info *shared(void)
{
    return (struct shared_info *)(void *)kit_shared_info;
}

volatile struct vcpu_info *info_of(unsigned int vcpu)
{
    return &shared()->vcpu_info[vcpu];
}

int runstate_of(unsigned int vcpu, uint64_t *since)
{
    struct vcpu_runstate_info info;

    if (schedop_vcpu_runstate(vcpu, &info) != 0) {
        return -1;
    }
    if (since) {
        *since = info.state_entry_time;
    }
    return info.state;
}

/* An area is written by its vCPU when it is scheduled: only look when it is
 * this one, or not going to be. One that spins may run or not: who has a
 * pCPU then is the policy's affair. */
static int look_at_area(unsigned int vcpu)
{
    if (!area_is_used(vcpu) || performers[vcpu].spinning ||
        (vcpu != kit_cpu() && !conduct_is_engaged(vcpu))) {
        return -1;
    }
    return area_state(vcpu);
}

/* The bits of word `i` that are none of a program's business. */
static uint64_t bells(unsigned int i)
{
    return i == BELL_PORT / 64 ? ((UINT64_C(1) << VCPUS) - 1) << BELL_PORT % 64
                               : 0;
}

/* Bit `bit` of words as a set of ports. */
static void gather(const struct fifo_state *f, unsigned int bit, uint64_t *set)
{
    memset(set, 0, WORDS * sizeof(*set));
    for (evtchn_port_t port = 0; port < PORT_LIMIT; port++) {
        set[port / 64] |= (uint64_t)(f->word[port] >> bit & 1) << port % 64;
    }
}

static void look_at_words(struct state *s)
{
    fifo_look(&s->fifo);
    gather(&s->fifo, EVTCHN_FIFO_PENDING, s->pending);
    gather(&s->fifo, EVTCHN_FIFO_MASKED, s->mask);
    gather(&s->fifo, EVTCHN_FIFO_LINKED, s->linked);
    gather(&s->fifo, EVTCHN_FIFO_BUSY, s->busy);
}

static void look(struct state *s)
{
    volatile struct shared_info *info = shared();

    memset(s, 0, sizeof(*s));
    for (unsigned int i = 0; i < WORDS; i++) {
        s->pending[i] = info->evtchn_pending[i];
        s->mask[i] = info->evtchn_mask[i];
    }
    for (unsigned int i = WORDS; i < 64; i++) {
        s->beyond |= (info->evtchn_pending[i] & ~bells(i)) != 0;
    }
    for (unsigned int v = 0; v < VCPUS; v++) {
        s->selector[v] = info_of(v)->evtchn_pending_sel;
        s->upcall[v] = info_of(v)->evtchn_upcall_pending;
        s->upcall_mask[v] = info_of(v)->evtchn_upcall_mask;
        s->runstate[v] = conduct_is_engaged(v) && !performers[v].spinning
                             ? runstate_of(v, NULL)
                             : -1;
        s->area[v] = look_at_area(v);
    }
    if (fifo_is_on()) {
        look_at_words(s);
    }
}

void state_reset(void)
{
    volatile struct shared_info *info = shared();

    for (unsigned int i = 0; i < 64; i++) {
        info->evtchn_mask[i] = ~0ul;
        __atomic_fetch_and(&info->evtchn_pending[i], bells(i),
                           __ATOMIC_SEQ_CST);
    }
    for (unsigned int v = 0; v < VCPUS; v++) {
        info_of(v)->evtchn_pending_sel = 0;
        info_of(v)->evtchn_upcall_pending = 0;
        info_of(v)->evtchn_upcall_mask = 0;
    }
    __sync_synchronize();
}

/* ---- telling ---- */

static void vtell(unsigned int vcpu, const char *format, va_list args)
{
    size_t used = told_length[vcpu];
    size_t length =
        kit_vsnprintf(told[vcpu] + used, TOLD_MAX - used, format, args);

    if (length >= TOLD_MAX - used) {
        length = TOLD_MAX - used - 1; /* the rest is lost on both hosts */
    }
    told_length[vcpu] = used + length;
}

void tell(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vtell(kit_cpu(), format, args);
    va_end(args);
}

void tell_of(unsigned int vcpu, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vtell(vcpu, format, args);
    va_end(args);
}

/* ---- the line ---- */

static char line[LINE_MAX];
static size_t line_length;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
    va_list args;
    size_t left = LINE_MAX - line_length;
    size_t length;

    va_start(args, format);
    length = kit_vsnprintf(line + line_length, left, format, args);
    va_end(args);
    line_length += length < left ? length : left - 1;
}

/* " P+3,7 P-4" for bits that came and went. */
static void add_bits(char name, const uint64_t *was, const uint64_t *is)
{
    for (int came = 1; came >= 0; came--) {
        bool first = true;

        for (uint32_t port = 0; port < PORT_LIMIT; port++) {
            uint64_t bit = UINT64_C(1) << port % 64;
            uint64_t a = was[port / 64] & bit, b = is[port / 64] & bit;

            if (a != b && (b != 0) == (came == 1)) {
                if (first) {
                    add(" %c%c%u", name, came ? '+' : '-', port);
                } else {
                    add(",%u", port);
                }
                first = false;
            }
        }
    }
}

static void add_vcpu(unsigned int v, const struct state *s)
{
    if (s->selector[v] != last.selector[v]) {
        add(" s%u=%lx", v, (unsigned long)s->selector[v]);
    }
    if (s->upcall[v] != last.upcall[v]) {
        add(" u%u=%x", v, s->upcall[v]);
    }
    if (s->upcall_mask[v] != last.upcall_mask[v]) {
        add(" m%u=%x", v, s->upcall_mask[v]);
    }
    if (s->runstate[v] != last.runstate[v]) {
        if (s->runstate[v] >= 0) {
            add(" r%u=%d", v, s->runstate[v]);
        }
    }
    if (s->area[v] != last.area[v] && s->area[v] >= 0) {
        add(" a%u=%d", v, s->area[v]);
    }
}

/* " q1=80 h1.7=5 l5=6": ready bits, the head of a queue, a link. */
static void add_queues(const struct state *s)
{
    for (unsigned int v = 0; v < VCPUS; v++) {
        if (s->fifo.ready[v] != last.fifo.ready[v]) {
            add(" q%u=%x", v, s->fifo.ready[v]);
        }
        for (unsigned int i = 0; i < 16; i++) {
            if (s->fifo.head[v][i] != last.fifo.head[v][i]) {
                add(" h%u.%u=%u", v, i, s->fifo.head[v][i]);
            }
        }
    }
    for (evtchn_port_t port = 0; port < PORT_LIMIT; port++) {
        uint32_t is = s->fifo.word[port] & EVTCHN_FIFO_LINK_MASK;

        if (is != (last.fifo.word[port] & EVTCHN_FIFO_LINK_MASK)) {
            add(" l%u=%u", port, is);
        }
    }
}

static void add_told(unsigned int v)
{
    if (told_length[v] != 0) {
        add(" %u:%s", v, told[v]);
        told[v][0] = 0;
        told_length[v] = 0;
    }
}

static void keep_line(void)
{
    for (size_t i = 0; i < line_length; i++) {
        hash = (hash ^ (uint8_t)line[i]) * UINT64_C(0x100000001b3);
    }
    if (shown && text_length + line_length < TEXT_MAX) {
        memcpy(text + text_length, line, line_length);
        text_length += line_length;
    }
}

void record(uint32_t statement, unsigned int vcpu)
{
    struct state now;

    look(&now);
    line_length = 0;
    add("%u", statement);
    add_told(vcpu);
    for (unsigned int v = 0; v < VCPUS; v++) {
        add_told(v);
    }
    add_bits('P', last.pending, now.pending);
    add_bits('M', last.mask, now.mask);
    add_bits('L', last.linked, now.linked);
    add_bits('B', last.busy, now.busy);
    add_queues(&now);
    for (unsigned int v = 0; v < VCPUS; v++) {
        add_vcpu(v, &now);
    }
    if (now.beyond != last.beyond) {
        add(now.beyond ? " beyond" : " -beyond");
    }
    add("\n");
    last = now;
    keep_line();
}

void record_begin(uint32_t id, bool show)
{
    program_id = id;
    shown = show;
    text_length = 0;
    hash = UINT64_C(0xcbf29ce484222325);
    for (unsigned int v = 0; v < VCPUS; v++) {
        told[v][0] = 0;
        told_length[v] = 0;
    }
    look(&last);
    for (unsigned int v = 0; v < VCPUS; v++) {
        last.area[v] = -1;
        last.runstate[v] = -1;
    }
}

void record_show(void)
{
    shown = true;
}

uint64_t record_hash(void)
{
    return hash;
}

void record_print(void)
{
    size_t from = 0;

    for (size_t i = 0; i < text_length; i++) {
        if (text[i] == '\n') {
            text[i] = 0;
            kit_printf("| %u %s\n", program_id, text + from);
            from = i + 1;
        }
    }
    text_length = 0;
}
