"""Common parts of the examples: the arguments of the command line, and the run until Ctrl-C."""

import contextlib
import signal
import sys

from muduopy import EventLoop, InetAddress, TcpServer


def number(position: int, default: int) -> int:
    """A number from the command line; positions count from 1."""
    return int(sys.argv[position]) if len(sys.argv) > position else default


def text(position: int, default: str) -> str:
    """A text from the command line."""
    return sys.argv[position] if len(sys.argv) > position else default


def address(default_port: int, position: int = 1) -> InetAddress:
    """The address of a server: the port is an argument; 0 lets the kernel choose one."""
    return InetAddress("127.0.0.1", number(position, default_port))


def peer(default_port: int) -> InetAddress:
    """The address that a client connects to: HOST PORT."""
    return InetAddress.resolve(text(1, "127.0.0.1"), number(2, default_port))


def serve(loop: EventLoop, *servers: TcpServer) -> None:
    """Start servers, print their addresses, and run until Ctrl-C; then close everything."""
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
            server.start()
            print(f"{server.name} listening on {server.address}", flush=True)
        run(loop)


def run(loop: EventLoop) -> None:
    """Run a loop until `quit`, or until Ctrl-C.

    SIGINT is an event of the loop here, because a KeyboardInterrupt could interrupt any line.
    """
    loop.add_signal_handler(signal.SIGINT, loop.quit)
    loop.loop()
    loop.remove_signal_handler(signal.SIGINT)
