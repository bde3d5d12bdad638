"""muduo's ping-pong benchmark, the server: `python -m examples.pingpong_server [PORT [THREADS]]`.

Sends back all bytes that it receives. The client is examples/pingpong_client.py.
"""

from examples import _run
from muduopy import Buffer, EventLoop, TcpConnection, TcpServer


def on_connection(connection: TcpConnection) -> None:
    if connection.connected:
        connection.set_tcp_no_delay(True)


def on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    connection.send(buffer.retrieve_all())


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2055), "pingpong")
        server.set_connection_callback(on_connection)
        server.set_message_callback(on_message)
        server.set_thread_num(_run.number(2, 0))
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
