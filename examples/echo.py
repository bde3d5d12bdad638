"""An echo server in a dozen lines: `python examples/echo.py [PORT]`, then `nc 127.0.0.1 2007`."""

import sys

from muduopy import Buffer, EventLoop, InetAddress, TcpConnection, TcpServer


def on_connection(connection: TcpConnection) -> None:
    """Called once when a connection comes up, and once when it goes down."""
    print(connection.name, "up" if connection.connected else "down", flush=True)


def on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    """Called when bytes have arrived. Bytes that are not retrieved stay in the buffer."""
    connection.send(buffer.retrieve_all())


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 2007
    with EventLoop() as loop:
        server = TcpServer(loop, InetAddress("127.0.0.1", port), "echo")
        server.set_connection_callback(on_connection)
        server.set_message_callback(on_message)
        server.start()
        print(f"listening on {server.address}", flush=True)
        loop.loop()


if __name__ == "__main__":
    main()
