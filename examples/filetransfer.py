"""Sends a file to each client: `python -m examples.filetransfer FILE [PORT]`.

The next piece is read when the kernel has taken the last one, so a file of any size costs 64 KiB
for each connection. At the end `shutdown` sends the waiting output, then the end of the stream.
"""

import sys
from typing import BinaryIO, cast

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer

PIECE_BYTES = 64 * 1024


def send_next(connection: TcpConnection) -> None:
    if not connection.connected:  # write-complete is queued, and DOWN may come before it
        return
    file = cast(BinaryIO, connection.context)
    piece = file.read(PIECE_BYTES)
    if piece:
        connection.send(piece)
    else:
        connection.shutdown()


def main() -> None:
    path = sys.argv[1]

    def on_connection(connection: TcpConnection) -> None:
        if connection.connected:
            connection.context = open(path, "rb")  # noqa: SIM115 - closed when it goes down
            send_next(connection)
        elif connection.context is not None:
            cast(BinaryIO, connection.context).close()

    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2021, 2), "file")
        server.set_connection_callback(on_connection)
        server.set_write_complete_callback(send_next)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
