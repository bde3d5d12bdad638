/*
 * loadgen: the load generator of the benchmarks. One thread, epoll, non-blocking sockets.
 *
 *     cc -O2 -Wall -Wextra -o loadgen loadgen.c
 *     loadgen register HOST PORT --prefix bench --users 200 --password secret-1   > ids
 *     loadgen chat     HOST PORT --accounts ids --pairs 100 --dialect v2 --inflight 8
 *     loadgen chat     HOST PORT --accounts ids --pairs 100 --dialect v2 --devices 2
 *     loadgen group    HOST PORT --accounts ids --users 100 --group 1 --senders 10 --dialect v2
 *     loadgen idle     HOST PORT --accounts ids --users 200 --dialect v2         < pipe
 *     loadgen echo     HOST PORT --connections 100 --bytes 64 [--websocket]
 *
 * Standard output has the result: one line of JSON, or one id on each line, or READY. Standard
 * error has errors, and the lines MEASURE and DONE at the two ends of the measured window, so that the
 * calling program can sample the server's CPU time at these moments. Exit codes: 0: success.
 * 1: measured, but messages were lost, repeated, out of order or wrong. 2: it could not run. It
 * connects to 127.0.0.0/8 only, and each phase has a time limit.
 *
 * The load is a closed loop. In each pair of users the first writes to the second, always in that
 * direction, and keeps K messages in flight. Each message has a slot, and the next message takes
 * the slot when the second user has received the message, and in v2 when the first user has its
 * CHAT_ACK, too. With --alternate the two users take turns. That is cheaper for both, because TCP's
 * acknowledgements then travel with the data of the other direction.
 *
 * Messages that may be sent in the same pass leave in one write, or with --write-each in one write
 * for each. A v2 receiver acknowledges all messages of one read with one DELIVERED_MSG. A latency
 * is the time from the decision to send until the return of the recv() with the message. Both ends are
 * in this process, so one clock serves. Because the loop is closed, a server that stalls delays the
 * messages behind the stall, and their latencies do not contain that delay.
 *
 * With --rate the messages of all pairs together begin at that rate, as long as slots are free.
 *
 * With --devices D each user logs in with D devices, each with its own mailbox. The first device of
 * a user writes. A message is done when all devices of the other user have it, the other devices of
 * the sender have their copies, and the sender has its CHAT_ACK. It counts once, but each arrival
 * is a latency. Each D needs accounts of its own, because devices that are offline get messages,
 * too.
 *
 * With --second-port every other connection goes to that port, so that the two users of a pair are
 * at two servers. In a group the first --senders users write to all other users, each with K
 * messages in flight. A message is done when all of them have it, and each arrival counts.
 *
 * A text is NONCE-PAIR-COUNTER and padding. The nonce distinguishes this run from an earlier one,
 * whose messages may still be in a mailbox. Message c of a pair uses slot c % K, and is not sent
 * before message c - K is done, so K slots are enough memory to check "once, and in order".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull

enum {
    READ_BYTES = 256 * 1024,        /* one buffer for all connections */
    MAX_EVENTS = 1024,
    MAX_FRAME = 64 * 1024 * 1024,   /* a classic login answer holds all offline messages */
    MAX_TEXT = 16 * 1024,           /* the server's own limit */
    MAX_SECRET = 128,
    MAX_ACCOUNTS = 100000,          /* the pair number in a text has five digits */
    MAX_DEVICES = 16,               /* of a user: a slot has a bit for each device of its pair */
    SEQS_PER_FRAME = 200,           /* the server's window of unacknowledged messages */
    WINDOW_SECONDS = 5,             /* unless --seconds says otherwise */
    IDLE_SECONDS = 3600,
    ECHO_CONNECTS_IN_FLIGHT = 64,   /* below any listen backlog */
    CONNECT_SECONDS = 5,
    PING_SECONDS = 20,              /* the server closes a v2 client after 3 x 30 s of silence */
    RETRY_MS = 100,                 /* the pause after errno 2, 6 and 8, which are temporary */
    MAX_RETRIES = 100,
    LINGER_MS = 200,                /* time for repeated messages, and for the last DELIVERED_MSG */
    NONCE_DIGITS = 8,
    PAIR_DIGITS = 5,
    COUNTER_DIGITS = 8,
    PAIR_AT = NONCE_DIGITS + 1,
    COUNTER_AT = PAIR_AT + PAIR_DIGITS + 1,
    MIN_TEXT = COUNTER_AT + COUNTER_DIGITS,
};

enum msgid {
    LOGIN_MSG_ACK = 2,
    REG_MSG_ACK = 5,
    ONE_CHAT_MSG = 6,
    GROUP_CHAT_MSG = 10,
    CHAT_ACK = 20,
    ERROR_MSG = 31,
    BYE_MSG = 32,
};

enum { E_ALREADY_ONLINE = 2, E_SLOW_DOWN = 6, E_UNAVAILABLE = 8 };

/* ---------------------------------------------------------------- options and failing */

static struct {
    const char *mode, *host, *accounts, *password, *prefix;
    unsigned port, second_port, group, senders, first_id, users, pairs, inflight, text_bytes, login_inflight;
    unsigned connections, bytes, devices;
    double warmup, seconds, drain, login_timeout, rate;
    bool v2, use_token, write_each, alternate, nul, websocket;
} opt = {
    .password = "secret-1", .prefix = "bench", .pairs = 1, .inflight = 1, .text_bytes = 32,
    .login_inflight = 16, .senders = 1, .connections = 1, .bytes = 64,
    .warmup = 1, .drain = 10, .login_timeout = 300,
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("loadgen: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        die("out of memory");
    return memory;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec)
           + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---------------------------------------------------------------- latency histogram */

/* 64 linear steps in every power of two of nanoseconds: exact to 1.6 %. */
enum { SUB_BITS = 6, SUB = 1 << SUB_BITS };

struct histogram {
    uint64_t count[(64 - SUB_BITS + 1) << SUB_BITS];
    uint64_t total, max;
};

static void record(struct histogram *h, uint64_t ns)
{
    size_t bucket = ns;
    if (ns >= SUB) {
        unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
        bucket = ((size_t)shift << SUB_BITS) + (size_t)(ns >> shift);
    }
    h->count[bucket]++;
    h->total++;
    if (ns > h->max)
        h->max = ns;
}

static double bucket_middle_us(size_t bucket)
{
    if (bucket < SUB)
        return (double)bucket / 1e3;
    unsigned shift = (unsigned)(bucket >> SUB_BITS) - 1;
    uint64_t low = (uint64_t)((bucket & (SUB - 1)) + SUB) << shift;
    return ((double)low + (double)(1ull << shift) / 2) / 1e3;
}

static double percentile_us(const struct histogram *h, double fraction)
{
    uint64_t rank = (uint64_t)(fraction * (double)h->total), seen = 0;
    for (size_t i = 0; i < sizeof h->count / sizeof h->count[0]; i++) {
        seen += h->count[i];
        if (seen > rank)
            return bucket_middle_us(i);
    }
    return (double)h->max / 1e3;
}

/* ---------------------------------------------------------------- reading JSON */

/*
 * As much of JSON as the server's answers need: the members of one object at its top level, in
 * any order, nested values skipped. Strings stay as they are on the wire, escapes and all: the
 * texts that are compared are this program's own and hold nothing to escape.
 */
struct span {
    const char *at;
    size_t size;
};

struct frame {
    int64_t msgid, id, errnum, seq;     /* -1 where absent or null */
    struct span msg, mid, errmsg, reason, offlinemsg, devices;
};

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* The closing quote of a string, from behind its opening one; NULL if there is none. */
static const char *string_end(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p : NULL;
}

/* The place behind the value that begins at p; NULL if the value does not end. */
static const char *value_end(const char *p, const char *end)
{
    int depth = 0;
    for (; p < end; p++) {
        if (*p == '"') {
            p = string_end(p + 1, end);
            if (p == NULL)
                return NULL;
        } else if (*p == '{' || *p == '[') {
            depth++;
            continue;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p;
            depth--;
        } else if (*p == ',' && depth == 0) {
            return p;
        } else {
            continue;
        }
        if (depth == 0)
            return p + 1;
    }
    return NULL;
}

static int64_t integer(struct span value)
{
    int64_t result = 0;
    if (value.size == 0)
        return -1;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] == ' ')
            continue;
        if (value.at[i] < '0' || value.at[i] > '9')
            return -1;
        result = result * 10 + (value.at[i] - '0');
    }
    return result;
}

static bool is(struct span s, const char *text)
{
    return s.size == strlen(text) && memcmp(s.at, text, s.size) == 0;
}

static struct span unquoted(struct span value)
{
    if (value.size < 2 || value.at[0] != '"')
        return (struct span){"", 0};
    return (struct span){value.at + 1, value.size - 2};
}

static void take_member(struct frame *f, struct span key, struct span value)
{
    if (is(key, "msg"))
        f->msg = unquoted(value);
    else if (is(key, "msgid"))
        f->msgid = integer(value);
    else if (is(key, "id"))
        f->id = integer(value);
    else if (is(key, "seq"))
        f->seq = integer(value);
    else if (is(key, "mid"))
        f->mid = unquoted(value);
    else if (is(key, "errno"))
        f->errnum = integer(value);
    else if (is(key, "errmsg"))
        f->errmsg = unquoted(value);
    else if (is(key, "reason"))
        f->reason = unquoted(value);
    else if (is(key, "offlinemsg"))
        f->offlinemsg = value;
    else if (is(key, "devices"))
        f->devices = value;
}

static bool read_object(const char *p, const char *end, struct frame *f)
{
    *f = (struct frame){.msgid = -1, .id = -1, .errnum = -1, .seq = -1};
    p = skip_blanks(p, end);
    if (p == end || *p++ != '{')
        return false;
    for (;;) {
        p = skip_blanks(p, end);
        if (p < end && *p == '}')
            return true;
        if (p == end || *p != '"')
            return false;
        const char *key = p + 1, *key_end = string_end(key, end);
        if (key_end == NULL)
            return false;
        p = skip_blanks(key_end + 1, end);
        if (p == end || *p != ':')
            return false;
        const char *value = skip_blanks(p + 1, end);
        p = value_end(value, end);
        if (p == NULL)
            return false;
        take_member(f, (struct span){key, (size_t)(key_end - key)},
                    (struct span){value, (size_t)(p - value)});
        p = skip_blanks(p, end);
        if (p < end && *p == ',')
            p++;
    }
}

/* ---------------------------------------------------------------- connections */

struct conn {
    int fd;
    unsigned number;
    bool ready;                     /* logged in, or echoed once */
    bool wants_write;
    bool upgraded;                  /* echo --websocket: the handshake is done */
    char *in, *out;                 /* an unfinished frame; bytes the kernel did not take yet */
    size_t in_size, in_room, out_size, out_room, out_at;
    unsigned retries;
    uint64_t retry_at;              /* 0: nothing to repeat */
    size_t job;                     /* register: which user it is at */
    uint64_t sent_ns;               /* echo */
    size_t echoed;                  /* echo: bytes of this message that came back */
};

static int epoll_fd;
static struct conn *conns;
static unsigned n_conns, n_accounts, n_started, n_ready, n_retrying;
static bool stdin_closed;
static uint64_t clock_ns;           /* when the bytes being handled were received */
static void (*on_bytes)(struct conn *c, const char *data, size_t size);

static void *grown(void *memory, size_t *room, size_t needed)
{
    if (needed <= *room)
        return memory;
    size_t target = *room ? *room : 512;
    while (target < needed)
        target *= 2;
    memory = realloc(memory, target);
    if (memory == NULL)
        die("out of memory");
    *room = target;
    return memory;
}

static void watch(struct conn *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0)};
    event.data.ptr = c;
    if (epoll_ctl(epoll_fd, operation, c->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static struct sockaddr_in loopback_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    if (inet_pton(AF_INET, opt.host, &address.sin_addr) != 1
        || ntohl(address.sin_addr.s_addr) >> 24 != 127)
        die("%s is no loopback address (127.0.0.0/8), refused", opt.host);
    return address;
}

static void conn_open(struct conn *c)
{
    struct sockaddr_in address = loopback_address();
    struct timeval limit = {.tv_sec = CONNECT_SECONDS};
    int one = 1;
    c->number = (unsigned)(c - conns);
    if (opt.second_port != 0 && c->number % 2 == 1)
        address.sin_port = htons((uint16_t)opt.second_port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket number %u: %s", c->number, strerror(errno));
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);   /* bounds connect() too */
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connecting number %u to %s:%u: %s", c->number, opt.host, opt.port, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
    watch(c, EPOLL_CTL_ADD);
}

/* Returns the number of bytes that the kernel took. The caller keeps the others. */
static size_t try_send(struct conn *c, const char *data, size_t size)
{
    ssize_t n = send(c->fd, data, size, MSG_NOSIGNAL);
    if (n >= 0)
        return (size_t)n;
    if (errno != EAGAIN && errno != EINTR)
        die("sending on connection %u: %s", c->number, strerror(errno));
    return 0;
}

/* Frames end with LF in memory; with --nul they end with NUL on the wire. */
static void change_ends(char *data, size_t size, char from, char to)
{
    for (char *p = data, *end = data + size; (p = memchr(p, from, (size_t)(end - p))) != NULL;)
        *p++ = to;
}

static void queue(struct conn *c, const char *data, size_t size)
{
    c->out = grown(c->out, &c->out_room, c->out_size + size);
    memcpy(c->out + c->out_size, data, size);
    if (opt.nul)
        change_ends(c->out + c->out_size, size, '\n', '\0');
    c->out_size += size;
}

static void flush(struct conn *c)
{
    if (c->out_size > c->out_at)
        c->out_at += try_send(c, c->out + c->out_at, c->out_size - c->out_at);
    bool rest = c->out_at < c->out_size;
    if (!rest)
        c->out_at = c->out_size = 0;
    if (rest != c->wants_write) {
        c->wants_write = rest;
        watch(c, EPOLL_CTL_MOD);
    }
}

__attribute__((format(printf, 2, 3))) static void send_line(struct conn *c, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof line)
        die("a request is too long");
    queue(c, line, (size_t)size);
    flush(c);
}

static void conn_read(struct conn *c)
{
    static char buffer[READ_BYTES];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0)
        die("receiving on connection %u: %s", c->number, strerror(errno));
    if (n == 0)
        die("the server closed connection %u", c->number);
    clock_ns = now_ns();
    if (opt.nul)
        change_ends(buffer, (size_t)n, '\0', '\n');
    on_bytes(c, buffer, (size_t)n);
}

static void poll_once(int timeout_ms)
{
    static struct epoll_event events[MAX_EVENTS];
    int n = epoll_wait(epoll_fd, events, MAX_EVENTS, timeout_ms);
    if (n < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        if (c == NULL) {
            char ignored[256];
            stdin_closed = read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
            continue;
        }
        if (events[i].events & EPOLLOUT)
            flush(c);
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            conn_read(c);
    }
}

static void (*on_pause)(void);       /* with --rate: called at least each millisecond */

static void run_until(uint64_t end)
{
    for (uint64_t now = now_ns(); now < end; now = now_ns()) {
        poll_once(on_pause != NULL ? 1 : (int)((end - now) / NS_PER_MS) + 1);
        if (on_pause != NULL)
            on_pause();
    }
}

/* ---------------------------------------------------------------- frames */

static void (*on_frame)(struct conn *c, const struct frame *f);
static void (*after_read)(struct conn *c);

static void refuse_farewells(struct conn *c, const struct frame *f)
{
    if (f->msgid == BYE_MSG)
        die("connection %u was sent away: %.*s", c->number, (int)f->reason.size, f->reason.at);
    if (f->msgid == ERROR_MSG)
        die("connection %u got errno %" PRId64 ": %.*s", c->number, f->errnum,
            (int)f->errmsg.size, f->errmsg.at);
}

/* Returns the number of bytes up to the last line end. They are complete frames. */
static size_t take_frames(struct conn *c, const char *data, size_t size)
{
    const char *p = data, *end = data + size, *line_end;
    while (p < end && (line_end = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        struct frame f;
        if (!read_object(p, line_end, &f))
            die("no JSON object on connection %u: %.*s", c->number,
                (int)(line_end - p > 200 ? 200 : line_end - p), p);
        refuse_farewells(c, &f);
        on_frame(c, &f);
        p = line_end + 1;
    }
    return (size_t)(p - data);
}

static void keep_rest(struct conn *c, const char *rest, size_t size)
{
    if (c->in_size + size > MAX_FRAME)
        die("a frame over %d bytes on connection %u", MAX_FRAME, c->number);
    c->in = grown(c->in, &c->in_room, c->in_size + size);
    memcpy(c->in + c->in_size, rest, size);
    c->in_size += size;
}

static void frames_on_bytes(struct conn *c, const char *data, size_t size)
{
    if (c->in_size == 0) {
        size_t used = take_frames(c, data, size);
        if (used < size)
            keep_rest(c, data + used, size - used);
    } else if (memchr(data, '\n', size) == NULL) {
        keep_rest(c, data, size);
    } else {
        keep_rest(c, data, size);
        size_t used = take_frames(c, c->in, c->in_size);
        memmove(c->in, c->in + used, c->in_size - used);
        c->in_size -= used;
    }
    if (after_read != NULL)
        after_read(c);
}

/* ---------------------------------------------------------------- accounts and logging in */

struct account {
    int64_t id;
    char secret[MAX_SECRET + 1];
};

static struct account *accounts;

static void refuse_escapes(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
            die("quotes, backslashes and control characters cannot stand in %s", text);
}

static void read_accounts(unsigned count)
{
    accounts = allocate(count, sizeof *accounts);
    FILE *file = opt.accounts ? fopen(opt.accounts, "r") : NULL;
    if (opt.accounts && file == NULL)
        die("%s: %s", opt.accounts, strerror(errno));
    if (file == NULL && opt.first_id == 0)
        die("--accounts FILE or --first-id N is needed");
    for (unsigned i = 0; i < count; i++) {
        char line[256];
        struct account *account = &accounts[i];
        snprintf(account->secret, sizeof account->secret, "%s", opt.password);
        if (file == NULL) {
            account->id = (int64_t)opt.first_id + i;
        } else if (fgets(line, sizeof line, file) == NULL) {
            die("%s has %u lines, %u are needed", opt.accounts, i, count);
        } else if (sscanf(line, "%" SCNd64 " %128s", &account->id, account->secret) < 1) {
            die("%s, line %u: an id, or an id and a secret", opt.accounts, i + 1);
        }
        refuse_escapes(account->secret);
    }
    if (file != NULL)
        fclose(file);
}

/* The first devices of all accounts come first, then all second devices, and so on. */
static unsigned account_of(const struct conn *c)
{
    return c->number % n_accounts;
}

static unsigned device_of(const struct conn *c)
{
    return c->number / n_accounts;
}

/* The connections of one account. Without --devices it is one, with the unnamed device. */
static unsigned devices_each(void)
{
    return opt.devices > 0 ? opt.devices : 1;
}

static void make_conns(unsigned users)
{
    n_accounts = users;
    n_conns = users * devices_each();
    conns = allocate(n_conns, sizeof *conns);
    for (unsigned i = 0; i < n_conns; i++)
        conns[i].number = i;
    read_accounts(users);
}

static void send_login(struct conn *c)
{
    const struct account *account = &accounts[account_of(c)];
    char device[64] = "";
    if (opt.devices > 0)
        snprintf(device, sizeof device, ",\"devices\":true,\"device\":\"loadgen %u\"",
                 device_of(c) + 1);
    send_line(c, "{\"msgid\":1,\"id\":%" PRId64 ",\"%s\":\"%s\"%s%s}\n", account->id,
              opt.use_token ? "token" : "password", account->secret, opt.v2 ? ",\"v\":2" : "",
              device);
}

/* errno 2 passes when the server has noticed that the last run's connections are gone. */
static bool retry_later(struct conn *c, int64_t errnum)
{
    if (errnum != E_ALREADY_ONLINE && errnum != E_SLOW_DOWN && errnum != E_UNAVAILABLE)
        return false;
    if (c->retries++ >= MAX_RETRIES)
        return false;
    c->retry_at = clock_ns + RETRY_MS * NS_PER_MS;
    n_retrying++;
    return true;
}

static void retry_due(void (*repeat)(struct conn *c))
{
    uint64_t now = now_ns();
    for (unsigned i = 0; n_retrying > 0 && i < n_started; i++) {
        if (conns[i].retry_at == 0 || conns[i].retry_at > now)
            continue;
        conns[i].retry_at = 0;
        n_retrying--;
        repeat(&conns[i]);
    }
}

static void login_answered(struct conn *c, const struct frame *f)
{
    if (c->ready || (f->errnum != 0 && retry_later(c, f->errnum)))
        return;
    if (f->errnum != 0)
        die("login of %" PRId64 ": errno %" PRId64 " %.*s", accounts[account_of(c)].id, f->errnum,
            (int)f->errmsg.size, f->errmsg.at);
    if (opt.devices > 0 && !is(f->devices, "true"))
        die("login of %" PRId64 ": no device was opened; --devices needs delivery stored and "
            "chat.devices from 2", accounts[account_of(c)].id);
    c->ready = true;
    n_ready++;
}

static void ping_all_sometimes(void)
{
    static uint64_t next;
    uint64_t now = now_ns();
    if (next == 0)
        next = now + PING_SECONDS * NS_PER_S;
    if (!opt.v2 || now < next)
        return;
    next = now + PING_SECONDS * NS_PER_S;
    for (unsigned i = 0; i < n_started; i++)
        if (conns[i].ready)
            send_line(&conns[i], "{\"msgid\":26}\n");
}

/* Opens all connections, few at a time, and returns when the last one is ready. */
static void start_all(unsigned at_once, void (*begin)(struct conn *c))
{
    uint64_t end = now_ns() + (uint64_t)(opt.login_timeout * 1e9);
    while (n_ready < n_conns) {
        for (; n_started < n_conns && n_started - n_ready < at_once; n_started++) {
            conn_open(&conns[n_started]);
            begin(&conns[n_started]);
        }
        poll_once(RETRY_MS / 2);
        retry_due(begin);
        if (accounts != NULL)
            ping_all_sometimes();
        if (now_ns() > end)
            die("%u of %u connections ready after %g s", n_ready, n_conns, opt.login_timeout);
    }
}

/* ---------------------------------------------------------------- the measured window */

static struct histogram latency, ack_latency;
static uint64_t window_messages, window_begin;
static bool in_window;
static double window_seconds, window_cpu;

static void measure(void)
{
    run_until(now_ns() + (uint64_t)(opt.warmup * 1e9));
    double seconds = opt.seconds > 0 ? opt.seconds : WINDOW_SECONDS;
    window_begin = now_ns();
    double cpu = cpu_seconds();
    fputs("MEASURE\n", stderr);
    in_window = true;
    run_until(window_begin + (uint64_t)(seconds * 1e9));
    in_window = false;
    window_seconds = (double)(now_ns() - window_begin) / 1e9;
    window_cpu = cpu_seconds() - cpu;
    fputs("DONE\n", stderr);
}

static void print_common(void)
{
    printf("\"messages\":%" PRIu64 ",\"seconds\":%.4f,\"rate\":%.1f,\"p50_us\":%.1f,"
           "\"p99_us\":%.1f,\"max_us\":%.1f,\"cpu_seconds\":%.4f",
           window_messages, window_seconds, (double)window_messages / window_seconds,
           percentile_us(&latency, 0.5), percentile_us(&latency, 0.99),
           (double)latency.max / 1e3, window_cpu);
}

/* ---------------------------------------------------------------- mode chat */

struct slot {
    bool busy, acked;
    uint32_t counter, missing;      /* missing: a bit for each device that does not have it yet */
    uint64_t sent_ns;
    int64_t acked_seq, received_seq;
};

/* What one device of a pair got from a flow. */
struct arrivals {
    uint32_t expected;              /* the counter of the next message to arrive */
    int64_t last_seq;
};

/* One direction of a pair. */
struct flow {
    struct conn *from, *to;         /* the first devices of both users */
    struct arrivals *arrivals;      /* of all devices of the pair, by device_in_pair() */
    char *frame;                    /* the message, ready but for its counter */
    size_t frame_size, text_at, mid_at;
};

struct pair {
    struct slot *slots;
    uint32_t next;                  /* the counter of the next message to send */
    struct flow flows[2];           /* with --alternate the odd counters go the other way */
};

static struct pair *pairs;
static bool sending;
static char nonce[NONCE_DIGITS + 1];
static struct {
    uint64_t lost, duplicated, reordered, corrupt, misdelivered, wrong_seq, stale;
} faults;

static int64_t seqs[SEQS_PER_FRAME];
static unsigned n_seqs;

static void put_digits(char *at, uint32_t value, int digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

static uint32_t get_digits(const char *at, int digits)
{
    uint32_t value = 0;
    while (digits-- > 0)
        value = value * 10 + (uint32_t)(*at++ - '0');
    return value;
}

static void build_frame(struct flow *way, unsigned pair_number)
{
    static char frame[MAX_TEXT + 1024];
    char text[MAX_TEXT + 1], day[32];
    time_t now = time(NULL);
    struct tm utc;

    strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", gmtime_r(&now, &utc));
    memset(text, 'x', opt.text_bytes);
    text[opt.text_bytes] = '\0';
    memcpy(text, nonce, NONCE_DIGITS);
    text[NONCE_DIGITS] = text[COUNTER_AT - 1] = '-';
    put_digits(text + PAIR_AT, pair_number, PAIR_DIGITS);

    int size = snprintf(frame, sizeof frame,
                        "{\"msgid\":6,\"id\":%" PRId64 ",\"name\":\"%s%06zu\",\"toid\":%" PRId64
                        ",\"msg\":\"",
                        accounts[account_of(way->from)].id, opt.prefix,
                        (size_t)way->from->number + 1, /* the name it was registered with */
                        accounts[account_of(way->to)].id);
    way->text_at = (size_t)size;
    size += snprintf(frame + size, sizeof frame - (size_t)size, "%s\",\"time\":\"%s\"", text, day);
    if (opt.v2) {
        size += snprintf(frame + size, sizeof frame - (size_t)size, ",\"mid\":\"");
        way->mid_at = (size_t)size;
        size += snprintf(frame + size, sizeof frame - (size_t)size, "%.*s\"", MIN_TEXT, text);
    }
    size += snprintf(frame + size, sizeof frame - (size_t)size, "}\n");
    if ((size_t)size >= sizeof frame)
        die("a message does not fit its frame");
    way->frame = memcpy(allocate((size_t)size, 1), frame, (size_t)size);
    way->frame_size = (size_t)size;
}

static struct pair *pair_of(const struct conn *c)
{
    return &pairs[account_of(c) / 2];
}

static unsigned device_in_pair(const struct conn *c)
{
    return 2 * device_of(c) + account_of(c) % 2;
}

/* One bit for each device that gets the messages of a flow: all but the one that sends. */
static uint32_t receivers(const struct flow *way)
{
    uint64_t all = (1ull << 2 * devices_each()) - 1;
    return (uint32_t)all & ~(1u << device_in_pair(way->from));
}

static struct flow *flow_of(struct pair *p, uint32_t counter)
{
    return &p->flows[opt.alternate ? counter % 2 : 0];
}

/* Is a message due? Always, unless --rate says how many a second. */
static bool is_due(void)
{
    static uint64_t begin, sent;
    if (opt.rate <= 0)
        return true;
    if (begin == 0)
        begin = clock_ns;
    if ((double)sent > (double)(clock_ns - begin) / 1e9 * opt.rate)
        return false;
    sent++;
    return true;
}

/* Fills the pair's free slots with new messages. */
static void pump(struct pair *p)
{
    for (; sending && !p->slots[p->next % opt.inflight].busy && is_due(); p->next++) {
        struct flow *way = flow_of(p, p->next);
        put_digits(way->frame + way->text_at + COUNTER_AT, p->next, COUNTER_DIGITS);
        if (opt.v2)
            put_digits(way->frame + way->mid_at + COUNTER_AT, p->next, COUNTER_DIGITS);
        p->slots[p->next % opt.inflight] =
            (struct slot){.busy = true, .counter = p->next, .missing = receivers(way),
                          .sent_ns = clock_ns, .received_seq = -1};
        queue(way->from, way->frame, way->frame_size);
        if (opt.write_each)
            flush(way->from);
    }
}

static void maybe_done(struct slot *s)
{
    if (s->missing != 0 || (opt.v2 && !s->acked))
        return;
    if (opt.v2 && s->acked_seq >= 0 && s->received_seq >= 0 && s->acked_seq != s->received_seq)
        faults.wrong_seq++;
    s->busy = false;
    window_messages += in_window;
}

/* Reads the counter in a text or mid of this run and pair; false for those of another run. */
static bool of_this_run(struct pair *p, struct span s, uint32_t *counter)
{
    if (s.size < MIN_TEXT || memcmp(s.at, nonce, NONCE_DIGITS) != 0) {
        faults.stale++;
        return false;
    }
    if (get_digits(s.at + PAIR_AT, PAIR_DIGITS) != (uint32_t)(p - pairs)) {
        faults.misdelivered++;
        return false;
    }
    *counter = get_digits(s.at + COUNTER_AT, COUNTER_DIGITS);
    return true;
}

static void check_order(struct arrivals *at, uint32_t counter, int64_t seq)
{
    bool in_order = counter >= at->expected;
    if (in_order)
        at->expected = counter + 1;     /* skipped messages are counted when they come */
    else
        faults.reordered++;
    if (in_order && seq >= 0 && seq <= at->last_seq)
        faults.wrong_seq++;
    if (seq > at->last_seq)
        at->last_seq = seq;
}

static bool is_intact(const struct flow *way, const struct frame *f)
{
    size_t padding = opt.text_bytes - MIN_TEXT;
    return f->msg.size == opt.text_bytes && f->id == accounts[account_of(way->from)].id
           && memcmp(f->msg.at + MIN_TEXT, way->frame + way->text_at + MIN_TEXT, padding) == 0;
}

static void chat_received(struct pair *p, struct conn *c, const struct frame *f)
{
    uint32_t counter;
    if (!of_this_run(p, f->msg, &counter))
        return;
    struct slot *s = &p->slots[counter % opt.inflight];
    struct flow *way = flow_of(p, counter);
    if (way->from == c) {
        faults.misdelivered++;
        return;
    }
    unsigned place = device_in_pair(c);
    if (!s->busy || s->counter != counter || !(s->missing & 1u << place)) {
        faults.duplicated++;
        return;
    }
    if (!is_intact(way, f))
        faults.corrupt++;
    if (s->received_seq >= 0 && s->received_seq != f->seq)
        faults.wrong_seq++;
    check_order(&way->arrivals[place], counter, f->seq);
    if (in_window)
        record(&latency, clock_ns - s->sent_ns);
    s->missing &= ~(1u << place);
    s->received_seq = f->seq;
    maybe_done(s);
}

static void chat_acked(struct pair *p, struct conn *c, const struct frame *f)
{
    uint32_t counter;
    if (f->errnum != 0)
        die("a message was refused with errno %" PRId64 " %.*s%s", f->errnum, (int)f->errmsg.size,
            f->errmsg.at, f->errnum == E_SLOW_DOWN ? " (raise the server's limits)" : "");
    if (!of_this_run(p, f->mid, &counter))
        return;
    struct slot *s = &p->slots[counter % opt.inflight];
    if (flow_of(p, counter)->from != c) {
        faults.misdelivered++;
        return;
    }
    if (!s->busy || s->counter != counter || s->acked) {
        faults.duplicated++;
        return;
    }
    if (in_window)
        record(&ack_latency, clock_ns - s->sent_ns);
    s->acked = true;
    s->acked_seq = f->seq;
    maybe_done(s);
}

/* v2: tells the server which messages arrived, so that it forgets them. */
static void send_delivered(struct conn *c)
{
    char frame[64 + SEQS_PER_FRAME * 24];
    int size = sprintf(frame, "{\"msgid\":21,\"seqs\":[");
    for (unsigned i = 0; i < n_seqs; i++)
        size += sprintf(frame + size, "%s%" PRId64, i ? "," : "", seqs[i]);
    size += sprintf(frame + size, "]}\n");
    queue(c, frame, (size_t)size);
    n_seqs = 0;
}

static void note_seq(struct conn *c, int64_t seq)
{
    if (!opt.v2 || seq < 0)
        return;
    seqs[n_seqs++] = seq;
    if (n_seqs == SEQS_PER_FRAME)
        send_delivered(c);
}

/* Messages of an earlier run are acknowledged, because the server would send them again. */
static void note_offline_seqs(struct conn *c, struct span list)
{
    const char *p = list.at, *end = list.at + list.size;
    if (list.size == 0 || *p++ != '[')
        return;
    while (p < end && *p != ']') {
        struct frame f;
        const char *element = p;
        p = value_end(p, end);
        if (p == NULL)
            return;
        if (read_object(element, p, &f))
            note_seq(c, f.seq);
        faults.stale++;
        if (p < end && *p == ',')
            p++;
    }
}

static void chat_on_frame(struct conn *c, const struct frame *f)
{
    struct pair *p = pair_of(c);
    switch (f->msgid) {
    case ONE_CHAT_MSG:
        note_seq(c, f->seq);
        chat_received(p, c, f);
        break;
    case CHAT_ACK:
        chat_acked(p, c, f);
        break;
    case LOGIN_MSG_ACK:
        login_answered(c, f);
        note_offline_seqs(c, f->offlinemsg);
        break;
    default:
        break;
    }
}

static void flush_pair(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        if (p->flows[i].from->out_size > 0)
            flush(p->flows[i].from);
}

static void chat_after_read(struct conn *c)
{
    struct pair *p = pair_of(c);
    if (n_seqs > 0)
        send_delivered(c);
    pump(p);
    flush_pair(p);
    if (c->out_size > 0)
        flush(c);                   /* a device that sends nothing but what it received */
}

/* Pumps the pairs in turn, so that each gets its share of the due messages. */
static void pump_all(void)
{
    static unsigned first;
    clock_ns = now_ns();
    for (unsigned i = 0; sending && i < opt.pairs; i++) {
        struct pair *p = &pairs[(first + i) % opt.pairs];
        pump(p);
        flush_pair(p);
    }
    first++;
}

static bool any_busy(void)
{
    for (unsigned i = 0; i < opt.pairs * opt.inflight; i++)
        if (pairs[0].slots[i].busy)
            return true;
    return false;
}

static void drain(void)
{
    uint64_t end = now_ns() + (uint64_t)(opt.drain * 1e9);
    sending = false;
    while (any_busy() && now_ns() < end)
        poll_once(20);
    for (unsigned i = 0; i < opt.pairs * opt.inflight; i++)
        faults.lost += pairs[0].slots[i].busy;
    run_until(now_ns() + LINGER_MS * NS_PER_MS);
}

static void make_pairs(void)
{
    struct slot *slots = allocate((size_t)opt.pairs * opt.inflight, sizeof *slots);
    unsigned devices = 2 * devices_each();
    pairs = allocate(opt.pairs, sizeof *pairs);
    snprintf(nonce, sizeof nonce, "%08x", (unsigned)(now_ns() / 1000) ^ ((unsigned)getpid() << 16));
    for (unsigned i = 0; i < opt.pairs; i++) {
        pairs[i].slots = slots + (size_t)i * opt.inflight;
        for (unsigned side = 0; side < 2; side++) {
            struct flow *way = &pairs[i].flows[side];
            way->from = &conns[2 * i + side];
            way->to = &conns[2 * i + 1 - side];
            way->arrivals = allocate(devices, sizeof *way->arrivals);
            for (unsigned place = 0; place < devices; place++)
                way->arrivals[place].last_seq = -1;
            build_frame(way, i);
        }
    }
}

static int run_chat(void)
{
    if (opt.text_bytes < MIN_TEXT || opt.text_bytes > MAX_TEXT)
        die("--text-bytes: %d to %d", MIN_TEXT, MAX_TEXT);
    if (opt.pairs < 1 || opt.inflight < 1 || opt.pairs > MAX_ACCOUNTS / 2)
        die("--pairs and --inflight start at 1, --pairs ends at %d", MAX_ACCOUNTS / 2);
    make_conns(opt.pairs * 2);
    make_pairs();
    on_frame = chat_on_frame;
    after_read = chat_after_read;
    start_all(opt.login_inflight, send_login);

    sending = true;
    pump_all();
    if (opt.rate > 0)
        on_pause = pump_all;
    measure();
    drain();

    uint64_t errors = faults.lost + faults.duplicated + faults.reordered + faults.corrupt
                      + faults.misdelivered + faults.wrong_seq;
    printf("{\"mode\":\"chat\",\"dialect\":\"%s\",\"pairs\":%u,\"devices\":%u,"
           "\"inflight\":%u,", opt.v2 ? "v2" : "classic", opt.pairs, opt.devices, opt.inflight);
    print_common();
    if (opt.v2)
        printf(",\"ack_p50_us\":%.1f,\"ack_p99_us\":%.1f", percentile_us(&ack_latency, 0.5),
               percentile_us(&ack_latency, 0.99));
    printf(",\"lost\":%" PRIu64 ",\"duplicated\":%" PRIu64 ",\"reordered\":%" PRIu64
           ",\"corrupt\":%" PRIu64 ",\"misdelivered\":%" PRIu64 ",\"wrong_seq\":%" PRIu64
           ",\"stale\":%" PRIu64 ",\"errors\":%" PRIu64 "}\n",
           faults.lost, faults.duplicated, faults.reordered, faults.corrupt, faults.misdelivered,
           faults.wrong_seq, faults.stale, errors);
    return errors != 0;
}

/* ---------------------------------------------------------------- mode group */

struct group_slot {
    bool busy, acked;
    uint32_t counter, missing;
    uint64_t sent_ns;
};

struct group_sender {
    struct conn *conn;
    struct group_slot *slots;
    uint32_t next;
    char *frame;
    size_t frame_size, text_at, mid_at;
};

static struct group_sender *senders;
static uint32_t *group_expected;    /* for each receiver and sender: the counter to come next */

static void build_group_frame(struct group_sender *s, unsigned number)
{
    char frame[MAX_TEXT + 1024], text[MAX_TEXT + 1];
    memset(text, 'x', opt.text_bytes);
    text[opt.text_bytes] = '\0';
    memcpy(text, nonce, NONCE_DIGITS);
    text[NONCE_DIGITS] = text[COUNTER_AT - 1] = '-';
    put_digits(text + PAIR_AT, number, PAIR_DIGITS);
    int size = snprintf(frame, sizeof frame,
                        "{\"msgid\":10,\"id\":%" PRId64 ",\"groupid\":%u,\"msg\":\"",
                        accounts[number].id, opt.group);
    s->text_at = (size_t)size;
    size += snprintf(frame + size, sizeof frame - (size_t)size, "%s\",\"mid\":\"", text);
    s->mid_at = (size_t)size;
    size += snprintf(frame + size, sizeof frame - (size_t)size, "%.*s\"}\n", MIN_TEXT, text);
    s->frame = memcpy(allocate((size_t)size, 1), frame, (size_t)size);
    s->frame_size = (size_t)size;
}

static void group_pump(struct group_sender *s)
{
    for (; sending && !s->slots[s->next % opt.inflight].busy; s->next++) {
        put_digits(s->frame + s->text_at + COUNTER_AT, s->next, COUNTER_DIGITS);
        put_digits(s->frame + s->mid_at + COUNTER_AT, s->next, COUNTER_DIGITS);
        s->slots[s->next % opt.inflight] = (struct group_slot){
            .busy = true, .counter = s->next, .missing = opt.users - 1, .sent_ns = clock_ns};
        queue(s->conn, s->frame, s->frame_size);
    }
    if (s->conn->out_size > 0)
        flush(s->conn);
}

static struct group_slot *group_slot_of(struct span text, unsigned *sender, uint32_t *counter)
{
    if (text.size < MIN_TEXT || memcmp(text.at, nonce, NONCE_DIGITS) != 0) {
        faults.stale++;
        return NULL;
    }
    *sender = get_digits(text.at + PAIR_AT, PAIR_DIGITS);
    *counter = get_digits(text.at + COUNTER_AT, COUNTER_DIGITS);
    if (*sender >= opt.senders) {
        faults.misdelivered++;
        return NULL;
    }
    struct group_slot *slot = &senders[*sender].slots[*counter % opt.inflight];
    if (!slot->busy || slot->counter != *counter) {
        faults.duplicated++;
        return NULL;
    }
    return slot;
}

static void group_on_frame(struct conn *c, const struct frame *f)
{
    unsigned sender;
    uint32_t counter;
    struct group_slot *slot;
    if (f->msgid == LOGIN_MSG_ACK) {
        login_answered(c, f);
        note_offline_seqs(c, f->offlinemsg);
        return;
    }
    if (f->msgid == GROUP_CHAT_MSG) {
        note_seq(c, f->seq);
        if ((slot = group_slot_of(f->msg, &sender, &counter)) == NULL)
            return;
        uint32_t *expected = &group_expected[(size_t)c->number * opt.senders + sender];
        if (counter < *expected) {
            faults.duplicated++;
            return;
        }
        faults.reordered += counter > *expected;
        *expected = counter + 1;
        slot->missing--;
        window_messages += in_window;
        if (in_window)
            record(&latency, clock_ns - slot->sent_ns);
    } else if (f->msgid == CHAT_ACK) {
        if (f->errnum != 0)
            die("a message was refused with errno %" PRId64 " %.*s", f->errnum,
                (int)f->errmsg.size, f->errmsg.at);
        if ((slot = group_slot_of(f->mid, &sender, &counter)) == NULL)
            return;
        slot->acked = true;
    } else {
        return;
    }
    if (slot->missing == 0 && (slot->acked || !opt.v2)) {
        slot->busy = false;
        group_pump(&senders[sender]);
    }
}

static void group_after_read(struct conn *c)
{
    if (n_seqs > 0)
        send_delivered(c);
    if (c->out_size > 0)
        flush(c);
}

static unsigned group_busy(void)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < opt.senders * opt.inflight; i++)
        busy += senders[0].slots[i].busy;
    return busy;
}

static int run_group(void)
{
    if (opt.text_bytes < MIN_TEXT || opt.text_bytes > MAX_TEXT)
        die("--text-bytes: %d to %d", MIN_TEXT, MAX_TEXT);
    if (opt.users < 2 || opt.senders < 1 || opt.senders > opt.users || opt.inflight < 1)
        die("--users from 2, --senders from 1 to that, --inflight from 1");
    if (opt.devices > 0)
        die("--devices is an option of chat and idle");
    make_conns(opt.users);
    snprintf(nonce, sizeof nonce, "%08x", (unsigned)(now_ns() / 1000) ^ ((unsigned)getpid() << 16));
    group_expected = allocate((size_t)opt.users * opt.senders, sizeof *group_expected);
    senders = allocate(opt.senders, sizeof *senders);
    struct group_slot *slots = allocate((size_t)opt.senders * opt.inflight, sizeof *slots);
    for (unsigned i = 0; i < opt.senders; i++) {
        senders[i].conn = &conns[i];
        senders[i].slots = slots + (size_t)i * opt.inflight;
        build_group_frame(&senders[i], i);
    }
    on_frame = group_on_frame;
    after_read = group_after_read;
    start_all(opt.login_inflight, send_login);
    sending = true;
    clock_ns = now_ns();
    for (unsigned i = 0; i < opt.senders; i++)
        group_pump(&senders[i]);
    measure();
    sending = false;
    for (uint64_t end = now_ns() + (uint64_t)(opt.drain * 1e9); group_busy() && now_ns() < end;)
        poll_once(20);
    faults.lost = group_busy();
    run_until(now_ns() + LINGER_MS * NS_PER_MS);
    uint64_t errors = faults.lost + faults.duplicated + faults.reordered + faults.misdelivered;
    printf("{\"mode\":\"group\",\"users\":%u,\"senders\":%u,\"inflight\":%u,", opt.users,
           opt.senders, opt.inflight);
    print_common();
    printf(",\"lost\":%" PRIu64 ",\"duplicated\":%" PRIu64 ",\"reordered\":%" PRIu64
           ",\"misdelivered\":%" PRIu64 ",\"stale\":%" PRIu64 ",\"errors\":%" PRIu64 "}\n",
           faults.lost, faults.duplicated, faults.reordered, faults.misdelivered, faults.stale,
           errors);
    return errors != 0;
}

/* ---------------------------------------------------------------- mode idle */

static void idle_on_frame(struct conn *c, const struct frame *f)
{
    if (f->msgid == LOGIN_MSG_ACK)
        login_answered(c, f);
}

static int run_idle(void)
{
    make_conns(opt.users);
    on_frame = idle_on_frame;
    start_all(opt.login_inflight, send_login);
    puts("READY");
    fflush(stdout);

    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        die("standard input must be a pipe: %s", strerror(errno));
    double seconds = opt.seconds > 0 ? opt.seconds : IDLE_SECONDS;
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    while (!stdin_closed && now_ns() < end) {
        poll_once(1000);
        ping_all_sometimes();
    }
    return 0;
}

/* ---------------------------------------------------------------- mode register */

static int64_t *registered;
static size_t next_job;

static void send_registration(struct conn *c)
{
    send_line(c, "{\"msgid\":4,\"name\":\"%s%06zu\",\"password\":\"%s\"}\n", opt.prefix,
              c->job + 1, opt.password);
}

static void next_registration(struct conn *c)
{
    if (next_job == opt.users) {
        n_ready++;
        return;
    }
    c->job = next_job++;
    c->retries = 0;
    send_registration(c);
}

static void register_on_frame(struct conn *c, const struct frame *f)
{
    if (f->msgid != REG_MSG_ACK || (f->errnum != 0 && retry_later(c, f->errnum)))
        return;
    if (f->errnum != 0)
        die("registering %s%06zu: errno %" PRId64 " %.*s", opt.prefix, c->job + 1, f->errnum,
            (int)f->errmsg.size, f->errmsg.at);
    registered[c->job] = f->id;
    next_registration(c);
}

static int run_register(void)
{
    uint64_t end = now_ns() + (uint64_t)(opt.login_timeout * 1e9);
    n_conns = opt.login_inflight < opt.users ? opt.login_inflight : opt.users;
    conns = allocate(n_conns, sizeof *conns);
    registered = allocate(opt.users, sizeof *registered);
    refuse_escapes(opt.password);
    on_frame = register_on_frame;
    for (; n_started < n_conns; n_started++) {
        conn_open(&conns[n_started]);
        next_registration(&conns[n_started]);
    }
    while (n_ready < n_conns && now_ns() < end) {
        poll_once(RETRY_MS / 2);
        retry_due(send_registration);
    }
    if (n_ready < n_conns)
        die("not registered after %g s", opt.login_timeout);
    for (unsigned i = 0; i < opt.users; i++)
        printf("%" PRId64 "\n", registered[i]);
    return 0;
}

/* ---------------------------------------------------------------- mode echo */

/* With --websocket the message is a masked frame, and its echo is the same frame without a mask. */
static char *echo_message, *echo_answer;
static size_t echo_sent_bytes, echo_answer_bytes;
static uint64_t echo_corrupt;

static const char END_OF_HEAD[] = "\r\n\r\n";

static void send_echo(struct conn *c)
{
    c->sent_ns = clock_ns;
    c->echoed = 0;
    size_t sent = c->out_size == 0 ? try_send(c, echo_message, echo_sent_bytes) : 0;
    if (sent < echo_sent_bytes) {
        queue(c, echo_message + sent, echo_sent_bytes - sent);
        flush(c);
    }
}

static void begin_handshake(struct conn *c)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    clock_ns = now_ns();
    c->echoed = 0;
    queue(c, request, sizeof request - 1);
    flush(c);
}

/* Reads the head of the answer. Nothing comes behind it: the server has nothing to say yet. */
static void handshake_on_bytes(struct conn *c, const char *data, size_t size)
{
    if (c->echoed == 0 && size >= 12 && memcmp(data, "HTTP/1.1 101", 12) != 0)
        die("connection %u was refused: %.40s", c->number, data);
    for (size_t i = 0; i < size; i++)
        c->echoed = data[i] == END_OF_HEAD[c->echoed] ? c->echoed + 1 : data[i] == '\r';
    if (c->echoed == sizeof END_OF_HEAD - 1) {
        c->upgraded = true;
        send_echo(c);
    }
}

static void echo_on_bytes(struct conn *c, const char *data, size_t size)
{
    if (!c->upgraded && opt.websocket) {
        handshake_on_bytes(c, data, size);
        return;
    }
    if (c->echoed + size > echo_answer_bytes)
        die("connection %u got %zu bytes back for %zu", c->number, c->echoed + size,
            echo_answer_bytes);
    if (memcmp(echo_answer + c->echoed, data, size) != 0)
        echo_corrupt++;
    c->echoed += size;
    if (c->echoed < echo_answer_bytes)
        return;
    if (!c->ready) {
        c->ready = true;
        n_ready++;
    }
    if (in_window) {
        record(&latency, clock_ns - c->sent_ns);
        window_messages++;
    }
    send_echo(c);
}

static void begin_echo(struct conn *c)
{
    clock_ns = now_ns();
    send_echo(c);
}

/* The head of a text frame; mask is 0x80 or 0. Returns its size. */
static size_t put_frame_head(char *at, unsigned bytes, int mask)
{
    at[0] = (char)0x81;
    if (bytes < 126) {
        at[1] = (char)(mask | (int)bytes);
        return 2;
    }
    if (bytes > 0xffff)
        die("--bytes: at most 65535 with --websocket");
    at[1] = (char)(mask | 126);
    at[2] = (char)(bytes >> 8);
    at[3] = (char)bytes;
    return 4;
}

static void make_echo_message(void)
{
    static const char key[4] = {0x37, 0x5a, 0x21, 0x6d};
    char *payload = allocate(opt.bytes, 1);
    for (unsigned i = 0; i < opt.bytes; i++)
        payload[i] = (char)('!' + i % 89);          /* no power of two: a shift would show */
    echo_message = echo_answer = payload;
    echo_sent_bytes = echo_answer_bytes = opt.bytes;
    if (!opt.websocket)
        return;
    echo_message = allocate(opt.bytes + 16, 1);
    echo_answer = allocate(opt.bytes + 16, 1);
    size_t head = put_frame_head(echo_message, opt.bytes, 0x80);
    memcpy(echo_message + head, key, sizeof key);
    for (unsigned i = 0; i < opt.bytes; i++)
        echo_message[head + sizeof key + i] = (char)(payload[i] ^ key[i % sizeof key]);
    echo_sent_bytes = head + sizeof key + opt.bytes;
    head = put_frame_head(echo_answer, opt.bytes, 0);
    memcpy(echo_answer + head, payload, opt.bytes);
    echo_answer_bytes = head + opt.bytes;
}

static int run_echo(void)
{
    if (opt.bytes < 1 || opt.connections < 1)
        die("--bytes and --connections start at 1");
    n_conns = opt.connections;
    conns = allocate(n_conns, sizeof *conns);
    make_echo_message();
    on_bytes = echo_on_bytes;
    start_all(ECHO_CONNECTS_IN_FLIGHT, opt.websocket ? begin_handshake : begin_echo);
    measure();
    printf("{\"mode\":\"echo\",\"connections\":%u,\"bytes\":%u,", opt.connections, opt.bytes);
    print_common();
    printf(",\"errors\":%" PRIu64 "}\n", echo_corrupt);
    return echo_corrupt != 0;
}

/* ---------------------------------------------------------------- command line */

static const struct {
    const char *name;
    int (*run)(void);
} modes[] = {
    {"chat", run_chat}, {"group", run_group}, {"idle", run_idle}, {"register", run_register}, {"echo", run_echo},
};

enum { AS_TEXT, AS_UNSIGNED, AS_DOUBLE, AS_FLAG };

static const struct {
    const char *name;
    int kind;
    void *target;
} settings[] = {
    {"accounts", AS_TEXT, &opt.accounts},               /* file: id, or id and secret, a line */
    {"first-id", AS_UNSIGNED, &opt.first_id},           /* instead: ids from here on */
    {"password", AS_TEXT, &opt.password},               /* if the file has none */
    {"token", AS_FLAG, &opt.use_token},                 /* the secrets are tokens (v2) */
    {"users", AS_UNSIGNED, &opt.users},                 /* idle, register */
    {"prefix", AS_TEXT, &opt.prefix},                   /* register: name without its number */
    {"login-inflight", AS_UNSIGNED, &opt.login_inflight},
    {"login-timeout", AS_DOUBLE, &opt.login_timeout},   /* seconds, for all of them */
    {"second-port", AS_UNSIGNED, &opt.second_port},     /* of every other connection */
    {"group", AS_UNSIGNED, &opt.group},                 /* group: the group's id */
    {"senders", AS_UNSIGNED, &opt.senders},             /* group: how many of the users write */
    {"devices", AS_UNSIGNED, &opt.devices},             /* chat, idle: of each user (v2) */
    {"pairs", AS_UNSIGNED, &opt.pairs},
    {"inflight", AS_UNSIGNED, &opt.inflight},
    {"text-bytes", AS_UNSIGNED, &opt.text_bytes},
    {"nul", AS_FLAG, &opt.nul},                         /* ends frames, as in the original */
    {"write-each", AS_FLAG, &opt.write_each},
    {"alternate", AS_FLAG, &opt.alternate},
    {"rate", AS_DOUBLE, &opt.rate},                     /* chat: messages a second of all pairs */
    {"connections", AS_UNSIGNED, &opt.connections},     /* echo */
    {"bytes", AS_UNSIGNED, &opt.bytes},                 /* echo */
    {"websocket", AS_FLAG, &opt.websocket},             /* echo: in frames, after a handshake */
    {"warmup", AS_DOUBLE, &opt.warmup},                 /* seconds */
    {"seconds", AS_DOUBLE, &opt.seconds},               /* the window; idle: at most so long */
    {"drain", AS_DOUBLE, &opt.drain},                   /* seconds to wait for the messages in flight */
};

enum { N_SETTINGS = sizeof settings / sizeof settings[0], DIALECT = N_SETTINGS };

static void apply(int index, const char *text)
{
    char *end = NULL;
    if (index == DIALECT) {
        opt.v2 = strcmp(text, "v2") == 0;
        if (!opt.v2 && strcmp(text, "classic") != 0)
            die("--dialect classic or v2");
        return;
    }
    switch (settings[index].kind) {
    case AS_TEXT:
        *(const char **)settings[index].target = text;
        return;
    case AS_FLAG:
        *(bool *)settings[index].target = true;
        return;
    case AS_UNSIGNED:
        *(unsigned *)settings[index].target = (unsigned)strtoul(text, &end, 10);
        break;
    default:
        *(double *)settings[index].target = strtod(text, &end);
        break;
    }
    if (end == text || *end != '\0' || *text == '-')
        die("--%s: %s is no number for it", settings[index].name, text);
}

static void read_options(int argc, char **argv)
{
    struct option table[N_SETTINGS + 2] = {{0}};
    for (int i = 0; i < N_SETTINGS; i++) {
        table[i].name = settings[i].name;
        table[i].has_arg = settings[i].kind == AS_FLAG ? no_argument : required_argument;
    }
    table[DIALECT] = (struct option){"dialect", required_argument, NULL, 0};
    int index = 0, found;
    while ((found = getopt_long(argc, argv, "", table, &index)) != -1) {
        if (found != 0)
            exit(2);
        apply(index, optarg);
    }
    if (argc - optind != 3)
        die("usage: loadgen chat|group|idle|register|echo HOST PORT [--option value ...]");
    opt.mode = argv[optind];
    opt.host = argv[optind + 1];
    opt.port = (unsigned)strtoul(argv[optind + 2], NULL, 10);
    refuse_escapes(opt.prefix);
    if (opt.users > MAX_ACCOUNTS || opt.login_inflight < 1)
        die("--users ends at %d, --login-inflight starts at 1", MAX_ACCOUNTS);
    if (opt.use_token && !opt.v2)
        die("--token needs --dialect v2");
    if (opt.devices > MAX_DEVICES || (opt.devices > 0 && !opt.v2))
        die("--devices ends at %d, and needs --dialect v2", MAX_DEVICES);
}

static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    loopback_address();
    allow_many_files();
    setvbuf(stderr, NULL, _IOLBF, 0);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1: %s", strerror(errno));
    on_bytes = frames_on_bytes;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(opt.mode, modes[i].name) == 0)
            return modes[i].run();
    die("no mode %s", opt.mode);
}
