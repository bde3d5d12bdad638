"""An echo server with an inspector: `python -m examples.inspector [PORT [INSPECTOR_PORT]]`.

Then `curl 127.0.0.1:9000/` lists the pages: stacks, open files, busy loops and more.
"""

import sys
import threading

from muduopy import Buffer, EventLoop, InetAddress, TcpConnection, TcpServer

try:
    from muduopy.http import Inspector
except ModuleNotFoundError as exc:
    sys.exit(f"{exc}")

counter_lock = threading.Lock()  # guards echoed_bytes: two loops write it
echoed_bytes = 0


def on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    global echoed_bytes  # noqa: PLW0603
    data = buffer.retrieve_all()
    with counter_lock:
        echoed_bytes += len(data)
    connection.send(data)


def show_echoed(method: str, words: tuple[str, ...]) -> str:
    """The text of this program's own page, /echo/bytes."""
    with counter_lock:
        return f"{echoed_bytes} bytes echoed\n"


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 2007
    inspector_port = int(sys.argv[2]) if len(sys.argv) > 2 else 9000
    with EventLoop() as loop:
        server = TcpServer(loop, InetAddress("127.0.0.1", port), "echo")
        server.set_message_callback(on_message)
        server.set_thread_num(2)
        server.start()
        inspector = Inspector(loop, InetAddress.loopback(inspector_port))
        inspector.watch("base", loop)
        inspector.watch_pool(server.thread_pool)
        inspector.add("echo", "bytes", show_echoed, "number of bytes that were echoed")
        inspector.start()
        print(f"listening on {server.address}", flush=True)
        print(f"look at http://{inspector.address}/", flush=True)
        loop.loop()


if __name__ == "__main__":
    main()
