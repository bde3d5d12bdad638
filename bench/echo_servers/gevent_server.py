"""Echo over gevent's StreamServer, a greenlet for each connection.

python bench/echo_servers/gevent_server.py 127.0.0.1 PORT
"""

# The library need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import socket as sockets
import sys

from gevent.server import StreamServer
from gevent.socket import socket

READ_BYTES = 65536


def echo(sock: socket, address: tuple[str, int]) -> None:
    sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    while data := sock.recv(READ_BYTES):
        sock.sendall(data)


if __name__ == "__main__":
    StreamServer((sys.argv[1], int(sys.argv[2])), echo, backlog=1024).serve_forever()
