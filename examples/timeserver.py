"""RFC 868, time: `python -m examples.timeserver [PORT]`. Sends the time in four bytes, then closes.

As in muduo: seconds since 1970, signed, in network byte order (the RFC counts from 1900).
"""

import time

from examples import _run
from muduopy import Buffer, EventLoop, TcpConnection, TcpServer


def on_connection(connection: TcpConnection) -> None:
    if connection.connected:
        answer = Buffer()
        answer.append_int32(int(time.time()))
        connection.send(answer.retrieve_all())
        connection.shutdown()


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2037), "time")
        server.set_connection_callback(on_connection)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
