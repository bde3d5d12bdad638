"""UDP through a Channel: `python -m examples.udp_echo [PORT]`, then `nc -u 127.0.0.1 2007`.

A Channel calls its callback when a descriptor is ready. A datagram that cannot be sent at once is
dropped, as UDP permits.
"""

import contextlib
import socket

from examples import _run
from muduopy import Channel, EventLoop


def main() -> None:
    with EventLoop() as loop, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(_run.address(2007).sockaddr)
        sock.setblocking(False)

        def answer() -> None:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                data, peer = sock.recvfrom(65536)
                sock.sendto(data, peer)

        channel = Channel(loop, sock.fileno())
        channel.read_callback = answer
        channel.enable_reading()
        print(f"udp listening on 127.0.0.1:{sock.getsockname()[1]}", flush=True)
        _run.run(loop)
        channel.disable_all()


if __name__ == "__main__":
    main()
