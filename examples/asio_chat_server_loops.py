"""The chat room with several loops: `python -m examples.asio_chat_server_loops [PORT [THREADS]]`.

Each loop has the set of its own connections, which only its thread touches, so there is no lock.
A message goes to each loop in one queued call, and the loop sends it to its members. So a message
wakes each loop once, for any number of members.
"""

from functools import partial

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer
from muduopy.codec import FrameHandler, LengthHeaderCodec

MAX_BYTES = 65536


class ChatRoom:
    """The members by loop. The dict is filled before the first connection, then only read."""

    def __init__(self, server: TcpServer) -> None:
        self._codec = LengthHeaderCodec(MAX_BYTES)
        self._members: dict[EventLoop, set[TcpConnection]] = {}
        server.set_thread_init_callback(lambda loop: self._members.setdefault(loop, set()))
        server.set_connection_callback(self.on_connection)
        server.set_message_callback(FrameHandler(self._codec, self.on_frame))

    def on_connection(self, connection: TcpConnection) -> None:
        mine = self._members[connection.loop]
        if connection.connected:
            mine.add(connection)
        else:
            mine.remove(connection)

    def on_frame(self, connection: TcpConnection, payload: bytes, when: float) -> None:
        frame = self._codec.encode(payload)
        for loop in self._members:
            loop.queue_in_loop(partial(self.distribute, loop, frame))

    def distribute(self, loop: EventLoop, frame: bytes) -> None:
        """In that loop's thread."""
        for member in self._members[loop]:
            member.send(frame)


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(3001), "chat")
        server.set_thread_num(_run.number(2, 3))
        ChatRoom(server)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
