"""Publishes to examples/hub.py: `python -m examples.pub HOST:PORT TOPIC CONTENT`.

With `-` as content, it publishes each line of standard input. It ends when all is sent.
"""

import sys
import threading

from examples.hub import message
from muduopy import EventLoopThread, InetAddress, TcpClient, TcpConnection


def main() -> None:
    (host, _, port), topic, content = sys.argv[1].partition(":"), sys.argv[2], sys.argv[3]
    thread = EventLoopThread("pub")
    client = TcpClient(thread.start_loop(), InetAddress.resolve(host, int(port)), "pub")
    up, down = threading.Event(), threading.Event()

    def on_connection(connection: TcpConnection) -> None:
        (up if connection.connected else down).set()

    client.set_connection_callback(on_connection)
    client.connect()
    up.wait()
    connection = client.connection
    assert connection is not None
    for line in sys.stdin if content == "-" else [content]:
        connection.send(message(topic, line.rstrip("\r\n")))
    client.disconnect()
    down.wait()
    client.close()
    thread.stop()


if __name__ == "__main__":
    main()
