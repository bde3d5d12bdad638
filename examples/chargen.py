"""RFC 864, chargen: `python -m examples.chargen [PORT]`. Sends for as long as the peer reads.

The write-complete callback sends the next piece when the kernel has taken the last one. So a peer
that reads slowly, or does not read, costs the memory of one piece.
"""

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer

PRINTABLE = bytes(range(33, 127))
LINES = b"".join((PRINTABLE * 2)[start : start + 72] + b"\n" for start in range(len(PRINTABLE)))


def on_connection(connection: TcpConnection) -> None:
    if connection.connected:
        connection.set_tcp_no_delay(True)
        connection.send(LINES)


def on_write_complete(connection: TcpConnection) -> None:
    connection.send(LINES)


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2019), "chargen")
        server.set_connection_callback(on_connection)
        server.set_write_complete_callback(on_write_complete)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
