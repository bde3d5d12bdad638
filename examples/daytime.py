"""RFC 867, daytime: `python -m examples.daytime [PORT]`. Sends the time, then closes."""

import time

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer


def on_connection(connection: TcpConnection) -> None:
    if connection.connected:
        connection.send(time.strftime("%Y-%m-%d %H:%M:%S\n").encode())
        connection.shutdown()  # sends the waiting output first


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2013), "daytime")
        server.set_connection_callback(on_connection)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
