"""The parts that bench/library.py measures, each in a process of its own.

python bench/library_parts.py NAME

It prints two lines of JSON: its port when it listens, and its figures at the end.
"""

import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path

from muduopy import EventLoop, EventLoopThread, InetAddress, TcpConnection, TcpServer

HOST = "127.0.0.1"
SENDERS = 4
SENDS = 100_000  # the number of sends of each thread
SEND_BYTES = 64
TIMERS = 10_000
ACCEPTED = 10_000
TRANSFER_BYTES = 1 << 30
CHUNK = bytes(64 * 1024)
HIGH_WATER, LOW_WATER = 1 << 20, 1 << 18


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(server: TcpServer, loop: EventLoop) -> None:
    server.start()
    say(port_of(server))
    loop.loop()


def port_of(server: TcpServer) -> int:
    address = server.address
    assert isinstance(address, InetAddress)
    return address.port


def new_server(loop: EventLoop) -> TcpServer:
    return TcpServer(loop, InetAddress(HOST, 0))


def sends() -> None:
    """The rate at which threads send to one connection, whose loop runs in another thread."""
    thread = EventLoopThread()
    loop = thread.start_loop()
    up: list[TcpConnection] = []
    came = threading.Event()

    def on_connection(connection: TcpConnection) -> None:
        up.append(connection)
        came.set()

    def start() -> None:
        server = new_server(loop)
        server.set_connection_callback(on_connection)
        server.start()
        say(port_of(server))

    loop.queue_in_loop(start)
    came.wait()
    conn, message = up[0], bytes(SEND_BYTES)
    begin = threading.Barrier(SENDERS + 1)

    def send() -> None:
        begin.wait()
        for _ in range(SENDS):
            conn.send(message)

    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in threads:
        sender.start()
    say(SENDERS * SENDS * SEND_BYTES)
    begun = time.monotonic()
    begin.wait()
    sys.stdin.readline()  # comes when the client has received everything
    seconds = time.monotonic() - begun
    say({"messages/s": SENDERS * SENDS / seconds, "seconds": seconds})


def timers() -> None:
    with EventLoop() as loop:

        def measure() -> None:
            begun = time.perf_counter()
            added = [loop.run_after(3600 + n * 0.001, measure) for n in range(TIMERS)]
            for timer in added:
                loop.cancel(timer)
            say({"ms": (time.perf_counter() - begun) * 1000})
            loop.quit()

        loop.queue_in_loop(measure)
        loop.loop()


def idle() -> None:
    loop = EventLoop()
    server = new_server(loop)

    def answer() -> None:
        for _ in sys.stdin:
            loop.queue_in_loop(lambda: say({"rss": rss(), "connections": loop.connections}))

    threading.Thread(target=answer, daemon=True).start()
    serve(server, loop)


def accepts() -> None:
    loop = EventLoop()
    server = new_server(loop)
    count = itertools.count(1)
    begun = cpu = 0.0

    def up_or_down(conn: TcpConnection) -> None:
        nonlocal begun, cpu
        if not conn.connected:
            return
        number = next(count)
        if number == 1:
            begun, cpu = time.monotonic(), time.process_time()
        elif number == ACCEPTED:
            rate = (ACCEPTED - 1) / (time.monotonic() - begun)
            used = (time.process_time() - cpu) / (ACCEPTED - 1)
            say({"connections/s": rate, "CPU µs each": used * 1e6})

    server.set_connection_callback(up_or_down)
    serve(server, loop)


def transfer() -> None:
    """Send as fast as the peer reads: pause at the high-water mark, go on at the low one."""
    loop = EventLoop()
    server = new_server(loop)

    def up_or_down(conn: TcpConnection) -> None:
        if not conn.connected:
            return
        left = TRANSFER_BYTES

        def produce(conn: TcpConnection, waiting: int) -> None:
            nonlocal left
            while left and conn.output_bytes < HIGH_WATER:
                conn.send(CHUNK)
                left -= len(CHUNK)
            if not left:
                conn.shutdown()

        conn.set_low_water_callback(produce, LOW_WATER)
        produce(conn, 0)

    server.set_connection_callback(up_or_down)
    serve(server, loop)


if __name__ == "__main__":
    {"sends": sends, "timers": timers, "idle": idle, "accepts": accepts, "transfer": transfer}[
        sys.argv[1]
    ]()
