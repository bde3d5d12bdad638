"""Echo over the standard library's socketserver, a thread for each connection.

python bench/echo_servers/socketserver_threads.py 127.0.0.1 PORT
"""

import socket
import socketserver
import sys
import threading

READ_BYTES = 65536

threading.stack_size(256 * 1024)


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := self.request.recv(READ_BYTES):
                self.request.sendall(data)
        except ConnectionResetError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


if __name__ == "__main__":
    with Server((sys.argv[1], int(sys.argv[2])), Echo) as server:
        server.serve_forever()
