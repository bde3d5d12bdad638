"""A chat room, as in Boost.Asio's and muduo's examples: `python -m examples.asio_chat_server`.

A message is a 32-bit length and that many bytes, at most 65,536. It goes to all members, including
its sender. There is one loop, so the set of connections needs no lock. Arguments: [PORT].
"""

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer
from muduopy.codec import FrameHandler, LengthHeaderCodec

MAX_BYTES = 65536


class ChatRoom:
    """The members that are connected. Loop thread."""

    def __init__(self, server: TcpServer) -> None:
        self._codec = LengthHeaderCodec(MAX_BYTES)
        self._members: set[TcpConnection] = set()
        server.set_connection_callback(self.on_connection)
        server.set_message_callback(FrameHandler(self._codec, self.on_frame))

    def on_connection(self, connection: TcpConnection) -> None:
        if connection.connected:
            self._members.add(connection)
        else:
            self._members.remove(connection)

    def on_frame(self, connection: TcpConnection, payload: bytes, when: float) -> None:
        frame = self._codec.encode(payload)  # once for all members
        for member in self._members:
            member.send(frame)


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(3001), "chat")
        ChatRoom(server)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
