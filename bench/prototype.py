"""The upper limit for a chat server in Python: a relay with one epoll loop and no features.

    python bench/prototype.py 127.0.0.1 6000

It speaks the classic dialect, in the mode `direct`. It accepts each LOGIN_MSG, answers each REG_MSG
with the next id, and passes a chat message on to its receiver unchanged. It stores nothing and has
no back-pressure: if the kernel does not take a message at once, it closes the connection. The
benchmarks compare the real server with it, and the load generator can be tried on it. It ends at
SIGTERM.
"""

import select
import socket
import sys
from typing import Any

import ujson

LOGIN, LOGIN_ACK, REG, REG_ACK, CHAT = 1, 2, 4, 5, 6
READ_BYTES = 65536

socks: dict[int, socket.socket] = {}  # by file descriptor
users: dict[int, socket.socket] = {}  # by user id
partial: dict[int, bytes] = {}  # the unfinished frame of a file descriptor


def answer(sock: socket.socket, **fields: Any) -> None:
    sock.send(ujson.dumps(fields).encode() + b"\n")


def handle(sock: socket.socket, frame: bytes) -> None:
    """Handle one frame, which includes its line end."""
    message = ujson.loads(frame)
    match message["msgid"]:
        case 6:
            toid, text = message["toid"], message["msg"]
            if type(toid) is not int or type(text) is not str or type(message["id"]) is not int:
                raise ValueError(message)
            receiver = users.get(toid)
            if receiver is not None and receiver.send(frame) != len(frame):
                raise BlockingIOError("the receiver does not keep up")
        case 1:
            users[message["id"]] = sock
            name = f"user{message['id']}"
            answer(sock, msgid=LOGIN_ACK, errno=0, error=0, id=message["id"], name=name)
        case 4:
            users[len(users) + 1] = sock
            answer(sock, msgid=REG_ACK, errno=0, error=0, id=len(users))


def handle_read(sock: socket.socket, fd: int, data: bytes) -> None:
    """Handle the bytes of one recv, which are nearly always exactly one frame."""
    if fd not in partial and data.find(b"\n") == len(data) - 1:
        handle(sock, data)
        return
    *frames, rest = (partial.pop(fd, b"") + data).split(b"\n")
    for frame in frames:
        handle(sock, frame + b"\n")
    if rest:
        partial[fd] = rest


def accept(listener: socket.socket, epoll: select.epoll) -> None:
    sock, _ = listener.accept()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    socks[sock.fileno()] = sock
    epoll.register(sock.fileno(), select.EPOLLIN)


def main() -> None:
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    buffer = bytearray(READ_BYTES)
    view = memoryview(buffer)
    while True:
        for fd, _ in epoll.poll():
            if fd == listener.fileno():
                accept(listener, epoll)
                continue
            sock = socks[fd]
            try:
                size = sock.recv_into(buffer)
                if size:
                    handle_read(sock, fd, bytes(view[:size]))
                    continue
            except OSError as exc:
                print(f"prototype: connection {fd}: {exc}", file=sys.stderr)
            epoll.unregister(fd)
            partial.pop(fd, None)
            socks.pop(fd).close()


if __name__ == "__main__":
    main()
