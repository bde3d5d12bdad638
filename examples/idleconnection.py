"""Echo that closes idle connections: `python -m examples.idleconnection [PORT [SECONDS]]`.

It uses a timing wheel: one timer for all connections. (`TcpServer(..., idle_timeout=8)` does the
same in one line.)
"""

from examples import _run
from muduopy import Buffer, EventLoop, TcpConnection, TcpServer, TimingWheel


class EchoServer:
    """A server with one loop and one wheel. Loop thread."""

    def __init__(self, loop: EventLoop, server: TcpServer, seconds: float) -> None:
        self._wheel: TimingWheel[TcpConnection] = TimingWheel(loop, seconds, self.on_idle)
        server.set_connection_callback(self.on_connection)
        server.set_message_callback(self.on_message)

    def on_connection(self, connection: TcpConnection) -> None:
        if connection.connected:
            self._wheel.add(connection)
        else:
            self._wheel.remove(connection)

    def on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        self._wheel.touch(connection)
        connection.send(buffer.retrieve_all())

    def on_idle(self, connection: TcpConnection) -> None:
        print(connection.name, "is idle", flush=True)
        connection.shutdown()
        connection.force_close_after(3.5)  # if the client does not close


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2007), "echo")
        EchoServer(loop, server, _run.number(2, 8))
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
