"""Echo over muduopy.

python bench/echo_servers/muduopy_echo.py 127.0.0.1 PORT [SUB_LOOPS [turns]]
"""

import sys

from muduopy import Buffer, EventLoop, InetAddress, TcpConnection, TcpServer


def on_connection(conn: TcpConnection) -> None:
    if conn.connected:
        conn.set_tcp_no_delay(True)


def on_message(conn: TcpConnection, buffer: Buffer, now: float) -> None:
    conn.send(buffer.retrieve_all())


def main() -> None:
    loop = EventLoop()
    server = TcpServer(loop, InetAddress(sys.argv[1], int(sys.argv[2])), "echo")
    server.set_connection_callback(on_connection)
    server.set_message_callback(on_message)
    sub_loops = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server.set_thread_num(sub_loops, take_turns="turns" in sys.argv)
    server.start()
    loop.loop()


if __name__ == "__main__":
    main()
