"""Measures the round-trip time, and the difference of two clocks. muduo's roundtrip.

    python -m examples.roundtrip server [PORT]
    python -m examples.roundtrip client HOST PORT

Every 0.2 s the client sends its time, and the server answers with that time and its own. A frame is
two signed 64-bit numbers of microseconds since 1970. As in muduo, they are in the host's byte
order, so both hosts need the same order. The client reconnects when it loses the connection.
"""

import struct
import sys
import time

from examples import _run
from muduopy import Buffer, EventLoop, HostAddress, TcpClient, TcpConnection, TcpServer

FRAME = struct.Struct("=qq")
PERIOD_SECONDS = 0.2


def now() -> int:
    return time.time_ns() // 1000


def answer(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    """The server's answer: the client's time is the first number, the server's the second."""
    while len(buffer) >= FRAME.size:
        asked, _ = FRAME.unpack(buffer.retrieve_as_bytes(FRAME.size))
        connection.send(FRAME.pack(asked, now()))


def measure(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    """The client: print the times of an answer."""
    while len(buffer) >= FRAME.size:
        sent, theirs = FRAME.unpack(buffer.retrieve_as_bytes(FRAME.size))
        back = now()
        print(f"round trip {back - sent} clock error {theirs - (back + sent) // 2}", flush=True)


def on_connection(connection: TcpConnection) -> None:
    if connection.connected:
        connection.set_tcp_no_delay(True)


def ask(client: TcpClient) -> None:
    connection = client.connection
    if connection is not None:
        connection.send(FRAME.pack(now(), 0))


def main() -> None:
    with EventLoop() as loop:
        if _run.text(1, "server") == "server":
            server = TcpServer(loop, _run.address(3000, 2), "clock")
            server.set_connection_callback(on_connection)
            server.set_message_callback(answer)
            _run.serve(loop, server)
            return
        client = TcpClient(loop, HostAddress(sys.argv[2], int(sys.argv[3])), "clock")
        client.enable_retry()
        client.set_connection_callback(on_connection)
        client.set_message_callback(measure)
        client.connect()
        loop.run_every(PERIOD_SECONDS, lambda: ask(client))
        _run.run(loop)
        client.close()


if __name__ == "__main__":
    main()
