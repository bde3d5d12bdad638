"""Relays connections to a server: `python -m examples.tcprelay HOST PORT [LISTEN_PORT]`.

It has back-pressure in both directions: see examples/_tunnel.py.
"""

import sys

from examples import _run
from examples._tunnel import Tunnel
from muduopy import EventLoop, InetAddress, TcpConnection, TcpServer


def main() -> None:
    target = InetAddress.resolve(sys.argv[1], int(sys.argv[2]))

    def on_connection(connection: TcpConnection) -> None:
        if connection.connected:
            connection.context = Tunnel(connection, target)
        elif isinstance(connection.context, Tunnel):
            connection.context.near_went()
            connection.context = None

    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(2000, 3), "relay", half_close=True)
        server.set_connection_callback(on_connection)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
