/*
 * attacker: the traffic of one attack on a server of this machine. One thread, epoll.
 *
 *     cc -O2 -Wall -Wextra -o attacker attacker.c
 *     attacker PORT MODE CONNECTIONS SECONDS INTERVAL_MS FIRST_ADDRESS ADDRESSES < scripts
 *
 * It keeps CONNECTIONS connections to 127.0.0.1. Connection i plays line i % LINES of standard
 * input: the prologue and the payload in hexadecimal digits, with a blank between them ("-" is
 * an empty one). It sends the prologue first, and goes on when the answer has a line with errno 0.
 * A byte 0x01 in the payload stands for a new number each time.
 *
 *     flood    writes the payload without a pause, and reads and ignores the answers
 *     ask      writes the payload, and again after each line of an answer
 *     trickle  writes one byte of the payload every INTERVAL_MS
 *     hold     writes the payload once, and keeps the connection
 *     hello    writes the payload once, and closes the connection after the first answer
 *     close    closes the connection as soon as it is open and the payload is written
 *     reset    the same with RST
 *
 * A connection that has ended is opened again at once, or after 100 ms if it was refused. With
 * ADDRESSES above 0 each connection begins with a PROXY line. The lines announce ADDRESSES
 * consecutive addresses in turn, from FIRST_ADDRESS on.
 *
 * It ends after SECONDS, or at SIGTERM. Standard output gets READY when the first pass is done, and
 * one line of JSON at the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
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

enum {
    BATCH_BYTES = 64 * 1024,
    READ_BYTES = 256 * 1024,
    MAX_EVENTS = 512,
    MAX_PROXY_LINE = 108,
    NUMBER_DIGITS = 12,
    RETRY_MS = 100,
    TICK_MS = 20,
    SOURCES = 100,      /* each source address has 28,000 ports, also while some are in TIME_WAIT */
    NUMBER_MARK = 0x01,
};

enum mode { FLOOD, ASK, TRICKLE, HOLD, HELLO, CLOSE, RESET, MODES };
static const char *const mode_names[MODES] = {
    "flood", "ask", "trickle", "hold", "hello", "close", "reset",
};

enum state { CLOSED, CONNECTING, PROLOGUE, RUNNING };

struct script {
    unsigned char *prologue, *payload;
    size_t prologue_bytes, payload_bytes;
};

struct connection {
    int fd;
    enum state state;
    const struct script *script;
    unsigned char *out;         /* the bytes to write: out[sent] to out[filled - 1] */
    size_t room, filled, sent;
    size_t trickled;            /* the position in the payload */
    uint64_t next_ms;           /* for CLOSED: when to open it; for TRICKLE: the next byte */
    bool refused;
};

static struct {
    uint64_t opened, refused, frames, bytes_out, bytes_in, answers, errors;
} count;

static enum mode mode;
static unsigned port, connections, interval_ms, addresses;
static uint32_t first_address;
static struct script *scripts;
static size_t script_count;
static uint64_t number;         /* the last one used in a payload */
static int poll_fd;
static unsigned char input[READ_BYTES];
static volatile sig_atomic_t ended;

static void on_signal(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

static void die(const char *reason)
{
    fprintf(stderr, "attacker: %s: %s\n", reason, strerror(errno));
    exit(2);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- scripts */

static unsigned char *unhex(const char *text, size_t *bytes)
{
    *bytes = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    unsigned char *result = malloc(*bytes + 1);
    if (result == NULL)
        die("memory");
    for (size_t i = 0; i < *bytes; i++) {
        unsigned value = 0;
        sscanf(text + 2 * i, "%2x", &value);
        result[i] = (unsigned char)value;
    }
    return result;
}

static void read_scripts(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        char *prologue = strtok(line, " \n"), *payload = strtok(NULL, " \n");
        if (prologue == NULL || payload == NULL)
            continue;
        scripts = realloc(scripts, (script_count + 1) * sizeof *scripts);
        if (scripts == NULL)
            die("memory");
        struct script *script = &scripts[script_count++];
        script->prologue = unhex(prologue, &script->prologue_bytes);
        script->payload = unhex(payload, &script->payload_bytes);
    }
    free(line);
    if (script_count == 0) {
        fputs("attacker: no scripts on standard input\n", stderr);
        exit(2);
    }
}

/* ---------------------------------------------------------------- output */

static void append(struct connection *c, const unsigned char *bytes, size_t size)
{
    if (c->filled + size > c->room) {
        c->room = (c->filled + size) * 2;
        c->out = realloc(c->out, c->room);
        if (c->out == NULL)
            die("memory");
    }
    memcpy(c->out + c->filled, bytes, size);
    c->filled += size;
}

static void append_payload(struct connection *c)
{
    if (c->sent == c->filled)
        c->sent = c->filled = 0;
    const unsigned char *from = c->script->payload, *end = from + c->script->payload_bytes;
    const unsigned char *mark;
    while ((mark = memchr(from, NUMBER_MARK, (size_t)(end - from))) != NULL) {
        char digits[NUMBER_DIGITS + 1];
        append(c, from, (size_t)(mark - from));
        snprintf(digits, sizeof digits, "%0*llu", NUMBER_DIGITS, (unsigned long long)++number);
        append(c, (unsigned char *)digits, NUMBER_DIGITS);
        from = mark + 1;
    }
    append(c, from, (size_t)(end - from));
    count.frames++;
}

static void append_proxy_line(struct connection *c)
{
    char line[MAX_PROXY_LINE], text[INET_ADDRSTRLEN];
    if (addresses == 0)
        return;
    struct in_addr announced = {htonl(first_address + (uint32_t)(count.opened % addresses))};
    inet_ntop(AF_INET, &announced, text, sizeof text);
    int size = snprintf(line, sizeof line, "PROXY TCP4 %s 127.0.0.1 40000 %u\r\n", text, port);
    append(c, (unsigned char *)line, (size_t)size);
}

/* ---------------------------------------------------------------- connections */

static void watch(struct connection *c, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0u), .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void end_connection(struct connection *c, bool pause)
{
    if (mode == RESET && c->state == RUNNING) {
        struct linger hard = {1, 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    close(c->fd);
    c->state = CLOSED;
    c->next_ms = pause ? now_ms() + RETRY_MS : 0;
}

static void open_connection(struct connection *c)
{
    struct sockaddr_in source = {.sin_family = AF_INET}, server = {.sin_family = AF_INET};
    int one = 1;
    source.sin_addr.s_addr = htonl(0x7f000201u + (uint32_t)(count.opened % SOURCES) * 256);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.sin_port = htons((uint16_t)port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        c->next_ms = now_ms() + RETRY_MS;
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    c->filled = c->sent = c->trickled = 0;
    if (bind(c->fd, (struct sockaddr *)&source, sizeof source) < 0 ||
        (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)) {
        count.refused++;
        end_connection(c, true);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    c->state = CONNECTING;
    append_proxy_line(c);
    append(c, c->script->prologue, c->script->prologue_bytes);
    count.opened++;
}

/* The prologue is done: send the first payload. */
static void run(struct connection *c)
{
    c->state = RUNNING;
    c->next_ms = now_ms() + interval_ms;
    if (mode != TRICKLE && c->script->payload_bytes > 0)
        append_payload(c);
    watch(c, true);
}

static void on_writable(struct connection *c)
{
    if (c->state == CONNECTING) {
        if (c->script->prologue_bytes > 0)
            c->state = PROLOGUE;
        else
            run(c);
    }
    if (mode == FLOOD && c->state == RUNNING && c->sent == c->filled) {
        c->sent = c->filled = 0;
        while (c->filled < BATCH_BYTES && c->script->payload_bytes > 0)
            append_payload(c);
    }
    if (c->sent < c->filled) {
        ssize_t sent = send(c->fd, c->out + c->sent, c->filled - c->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            end_connection(c, false);
            return;
        }
        if (sent > 0) {
            c->sent += (size_t)sent;
            count.bytes_out += (uint64_t)sent;
        }
    }
    if (c->sent < c->filled)
        return;
    if (c->state == RUNNING && (mode == CLOSE || mode == RESET))
        end_connection(c, false);
    else if (c->state != RUNNING || mode != FLOOD)
        watch(c, false);
}

/* Count the lines of an answer, and those with an error. Returns the number of lines. */
static unsigned count_answers(const unsigned char *bytes, size_t size)
{
    static const char good[] = "\"errno\":0", any[] = "\"errno\":";
    unsigned lines = 0;
    const unsigned char *from = bytes, *end = bytes + size, *line_end;
    while ((line_end = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        size_t length = (size_t)(line_end - from);
        lines++;
        if (memmem(from, length, any, sizeof any - 1) != NULL &&
            memmem(from, length, good, sizeof good - 1) == NULL)
            count.errors++;
        from = line_end + 1;
    }
    count.answers += lines;
    return lines;
}

static void on_readable(struct connection *c)
{
    ssize_t size = recv(c->fd, input, sizeof input, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) {
        if (c->state != RUNNING)
            count.refused++;
        end_connection(c, c->state != RUNNING);
        return;
    }
    count.bytes_in += (uint64_t)size;
    uint64_t errors = count.errors;
    unsigned lines = count_answers(input, (size_t)size);
    if (c->state == PROLOGUE && lines > 0) {
        if (count.errors != errors) {
            count.refused++;
            end_connection(c, true);
            return;
        }
        run(c);
    } else if (c->state == RUNNING && mode == ASK) {
        for (; lines > 0; lines--)
            append_payload(c);
        watch(c, true);
    } else if (c->state == RUNNING && mode == HELLO) {
        end_connection(c, false);
    }
}

static void tick(struct connection *all)
{
    uint64_t now = now_ms();
    for (struct connection *c = all; c < all + connections; c++) {
        if (c->state == CLOSED && c->next_ms <= now) {
            open_connection(c);
        } else if (mode == TRICKLE && c->state == RUNNING && c->next_ms <= now) {
            const struct script *script = c->script;
            c->filled = c->sent = 0;
            append(c, &script->payload[c->trickled++ % script->payload_bytes], 1);
            c->next_ms = now + interval_ms;
            watch(c, true);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fputs("usage: attacker PORT MODE CONNECTIONS SECONDS INTERVAL_MS FIRST_ADDRESS ADDRESSES\n",
              stderr);
        return 2;
    }
    port = (unsigned)atoi(argv[1]);
    while (mode < MODES && strcmp(mode_names[mode], argv[2]) != 0)
        mode++;
    connections = (unsigned)atoi(argv[3]);
    uint64_t end = now_ms() + (uint64_t)(atof(argv[4]) * 1000);
    interval_ms = (unsigned)atoi(argv[5]);
    struct in_addr first;
    if (mode == MODES || inet_pton(AF_INET, argv[6], &first) != 1) {
        fputs("attacker: no such mode, or no address\n", stderr);
        return 2;
    }
    first_address = ntohl(first.s_addr);
    addresses = (unsigned)atoi(argv[7]);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    read_scripts();

    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct connection *all = calloc(connections, sizeof *all);
    if (all == NULL || poll_fd < 0)
        die("start");
    for (unsigned i = 0; i < connections; i++)
        all[i].script = &scripts[i % script_count];

    bool ready = false;
    uint64_t next_tick = 0;
    while (!ended && now_ms() < end) {
        struct epoll_event events[MAX_EVENTS];
        /* In these modes connections end all the time, and are opened again in each pass. */
        bool storm = mode == CLOSE || mode == RESET || mode == HELLO;
        if (storm || now_ms() >= next_tick) {
            tick(all);
            next_tick = now_ms() + TICK_MS;
        }
        int happened = epoll_wait(poll_fd, events, MAX_EVENTS, TICK_MS);
        for (int i = 0; i < happened; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->state != CLOSED && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_readable(c);
            if (c->state != CLOSED && events[i].events & EPOLLOUT)
                on_writable(c);
        }
        if (!ready) {
            ready = true;
            puts("READY");
            fflush(stdout);
        }
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"opened\":%llu,\"refused\":%llu,\"frames\":%llu,\"bytes_out\":%llu,"
           "\"bytes_in\":%llu,\"answers\":%llu,\"errors\":%llu,\"cpu_seconds\":%.3f}\n",
           (unsigned long long)count.opened, (unsigned long long)count.refused,
           (unsigned long long)count.frames, (unsigned long long)count.bytes_out,
           (unsigned long long)count.bytes_in, (unsigned long long)count.answers,
           (unsigned long long)count.errors, cpu);
    return 0;
}
