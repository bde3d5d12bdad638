"""Subscribes at examples/hub.py: `python -m examples.sub HOST:PORT TOPIC...`. Until Ctrl-C.

It reconnects when it loses the connection, and subscribes again.
"""

import sys

from examples import _run
from muduopy import EventLoop, InetAddress, TcpClient, TcpConnection
from muduopy.codec import FrameHandler, LineCodec


def main() -> None:
    (host, _, port), topics = sys.argv[1].partition(":"), sys.argv[2:]

    def on_connection(connection: TcpConnection) -> None:
        connection.context = None  # the topic of the next line
        if connection.connected:
            connection.send("".join(f"sub {topic}\r\n" for topic in topics).encode())

    def on_line(connection: TcpConnection, line: bytes, when: float) -> None:
        text = line.decode(errors="replace")
        if connection.context is None:
            connection.context = text.removeprefix("pub ")
            return
        print(f"{connection.context}: {text}", flush=True)
        connection.context = None

    with (
        EventLoop() as loop,
        TcpClient(loop, InetAddress.resolve(host, int(port)), "sub") as client,
    ):
        client.enable_retry()
        client.set_connection_callback(on_connection)
        client.set_message_callback(FrameHandler(LineCodec(), on_line))
        client.connect()
        _run.run(loop)


if __name__ == "__main__":
    main()
