"""The chat room's client: `python -m examples.asio_chat_client HOST PORT`. Lines in, lines out.

The loop runs in a thread of its own. The main thread reads standard input and sends, because any
thread may call `send`. At the end of input it sends the waiting output, and then ends.
"""

import sys
import threading

from examples import _run
from muduopy import EventLoopThread, TcpClient, TcpConnection
from muduopy.codec import FrameHandler, LengthHeaderCodec


def show(connection: TcpConnection, payload: bytes, when: float) -> None:
    print("<<<", payload.decode(errors="replace"), flush=True)


def main() -> None:
    thread = EventLoopThread("client")
    up, down = threading.Event(), threading.Event()
    handler = FrameHandler(LengthHeaderCodec(65536), show)
    client = TcpClient(thread.start_loop(), _run.peer(3001), "chat-client")

    def on_connection(connection: TcpConnection) -> None:
        (up if connection.connected else down).set()

    client.set_connection_callback(on_connection)
    client.set_message_callback(handler)
    client.connect()
    up.wait()
    for line in sys.stdin:
        connection = client.connection
        if connection is None:
            print("the server has gone", flush=True)
            break
        handler.send(connection, line.rstrip("\n").encode())
    client.disconnect()
    down.wait(3.0)
    client.close()
    thread.stop()


if __name__ == "__main__":
    main()
