"""muduo's hub, publish and subscribe in text: `python -m examples.hub [PORT]`.

    sub TOPIC\\r\\n      unsub TOPIC\\r\\n      pub TOPIC\\r\\nCONTENT\\r\\n

Subscribers get `pub TOPIC\\r\\nCONTENT\\r\\n`. A new subscriber gets the topic's last message. The
hub itself publishes `utc_time` every second. Clients: examples/pub.py, examples/sub.py.
"""

import time

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer
from muduopy.codec import FrameHandler, LineCodec


class Hub:
    """The topics and their subscribers. Loop thread."""

    def __init__(self, server: TcpServer) -> None:
        self._last: dict[str, str] = {}  # by topic
        self._listeners: dict[str, set[TcpConnection]] = {}
        server.set_connection_callback(self.on_connection)
        server.set_message_callback(FrameHandler(LineCodec(), self.on_line))

    def on_connection(self, connection: TcpConnection) -> None:
        connection.context = None  # the topic of the next line
        if not connection.connected:
            for listeners in self._listeners.values():
                listeners.discard(connection)

    def on_line(self, connection: TcpConnection, line: bytes, when: float) -> None:
        text = line.decode(errors="replace")
        topic = connection.context
        if isinstance(topic, str):
            connection.context = None
            self.publish(topic, text)
            return
        verb, _, topic = text.partition(" ")
        if verb == "pub" and topic:
            connection.context = topic
        elif verb == "sub" and topic:
            self._listeners.setdefault(topic, set()).add(connection)
            if topic in self._last:
                connection.send(message(topic, self._last[topic]))
        elif verb == "unsub":
            self._listeners.get(topic, set()).discard(connection)
        else:
            connection.shutdown()

    def publish(self, topic: str, content: str) -> None:
        self._last[topic] = content
        for listener in self._listeners.get(topic, ()):
            listener.send(message(topic, content))


def message(topic: str, content: str) -> bytes:
    return f"pub {topic}\r\n{content}\r\n".encode()


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(9999), "hub")
        hub = Hub(server)
        loop.run_every(1.0, lambda: hub.publish("utc_time", time.strftime("%F %T", time.gmtime())))
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
