"""Echo over select.epoll alone: the upper limit for pure Python.

    python bench/echo_servers/bare_epoll.py 127.0.0.1 PORT

It receives into one shared buffer (recv(65536) would allocate 64 KiB for each call), makes one
dictionary look-up for an event, and keeps output only if the kernel does not take it all.
"""

import select
import socket
import sys

READ_BYTES = 65536


def main() -> None:
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024)
    listener.setblocking(False)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    view = memoryview(bytearray(READ_BYTES))
    socks: dict[int, socket.socket] = {}
    unsent: dict[int, bytes] = {}  # a connection with unsent output is not read

    def accept() -> None:
        sock, _ = listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        socks[sock.fileno()] = sock
        epoll.register(sock.fileno(), select.EPOLLIN)

    def close(fd: int) -> None:
        epoll.unregister(fd)
        unsent.pop(fd, None)
        socks.pop(fd).close()

    def write_rest(fd: int) -> None:
        rest = unsent[fd]
        unsent[fd] = rest[socks[fd].send(rest) :]
        if not unsent[fd]:
            del unsent[fd]
            epoll.modify(fd, select.EPOLLIN)

    def keep_rest(fd: int, rest: bytes) -> None:
        unsent[fd] = rest
        epoll.modify(fd, select.EPOLLOUT)

    while True:
        for fd, _ in epoll.poll():
            sock = socks.get(fd)
            if sock is None:
                accept()
                continue
            try:
                if fd in unsent:
                    write_rest(fd)
                    continue
                size = sock.recv_into(view)
                if size == 0:
                    close(fd)
                    continue
                data = bytes(view[:size])
                try:
                    sent = sock.send(data)
                except BlockingIOError:
                    sent = 0
                if sent != size:
                    keep_rest(fd, data[sent:])
            except BlockingIOError:
                continue
            except OSError:
                close(fd)


if __name__ == "__main__":
    main()
