"""What the examples share: numbers from the command line, and running until Ctrl-C."""

import contextlib
import signal
import sys

from muduopy import EventLoop, InetAddress, TcpServer


def number(position: int, default: int) -> int:
    """The command line's argument at this position, from 1 on."""
    return int(sys.argv[position]) if len(sys.argv) > position else default


def text(position: int, default: str) -> str:
    """The same for one that is no number."""
    return sys.argv[position] if len(sys.argv) > position else default


def address(default_port: int, position: int = 1) -> InetAddress:
    """Where a server listens: the port is an argument; 0 takes a free one."""
    return InetAddress("127.0.0.1", number(position, default_port))


def peer(default_port: int) -> InetAddress:
    """Where a client connects: HOST PORT."""
    return InetAddress.resolve(text(1, "127.0.0.1"), number(2, default_port))


def serve(loop: EventLoop, *servers: TcpServer) -> None:
    """Start servers, say where they listen, and run until Ctrl-C; then close everything."""
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
            server.start()
            print(f"{server.name} listening on {server.address}", flush=True)
        run(loop)


def run(loop: EventLoop) -> None:
    """Run a loop until it is told to quit, or until Ctrl-C.

    A KeyboardInterrupt could come in the middle of anything, so SIGINT is an event of the loop.
    """
    loop.add_signal_handler(signal.SIGINT, loop.quit)
    loop.loop()
    loop.remove_signal_handler(signal.SIGINT)
