"""RFC 863, discard: `python -m examples.discard [PORT]`. Reads, and answers nothing.

As in muduo, it prints the rate of arriving bytes every three seconds.
"""

import itertools

from examples import _run
from muduopy import Buffer, EventLoop, TcpConnection, TcpServer

REPORT_SECONDS = 3.0


class Discard:
    """The server. Loop thread."""

    def __init__(self, loop: EventLoop, server: TcpServer) -> None:
        self.received = 0
        server.set_message_callback(self.on_message)
        self._reports = itertools.count(1)
        self._before = 0
        loop.run_every(REPORT_SECONDS, self.report)

    def on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        self.received += len(buffer.retrieve_all())

    def report(self) -> None:
        number, rate = next(self._reports), (self.received - self._before) / REPORT_SECONDS
        self._before = self.received
        print(f"{number}: {rate / (1 << 20):.3f} MiB/s, {self.received} bytes", flush=True)


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2009), "discard")
        Discard(loop, server)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
