"""Echo for a few clients at a time: `python -m examples.maxconnection [PORT [MAX]]`.

It counts the connections itself, so that it can send a message before it closes one. (`TcpServer(
..., max_connections=5)` closes further connections at once, without a message.)
"""

from examples import _run
from muduopy import Buffer, EventLoop, TcpConnection, TcpServer


class EchoServer:
    """A server that counts its connections. Loop thread."""

    def __init__(self, server: TcpServer, at_most: int) -> None:
        self._at_most = at_most
        self._count = 0
        server.set_connection_callback(self.on_connection)
        server.set_message_callback(self.on_message)

    def on_connection(self, connection: TcpConnection) -> None:
        self._count += 1 if connection.connected else -1
        if connection.connected and self._count > self._at_most:
            connection.send(b"too many, come back later\n")
            connection.shutdown()
            connection.force_close_after(3.0)  # as muduo: for clients that stay

    def on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        connection.send(buffer.retrieve_all())


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2007), "echo")
        EchoServer(server, _run.number(2, 5))
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
