"""Five servers in one loop: `python -m examples.allinone [FIRST_PORT]`.

discard, daytime, time, chargen and echo, on their usual ports plus 2000, or from FIRST_PORT on
(0: free ports). A loop can run any number of servers.
"""

import sys

from examples import _run, chargen, daytime, echo, timeserver
from examples.discard import Discard
from muduopy import EventLoop, InetAddress, TcpServer

PORTS = {"discard": 2009, "daytime": 2013, "time": 2037, "chargen": 2019, "echo": 2007}


def main() -> None:
    first = _run.number(1, 0)
    with EventLoop() as loop:
        servers = {}
        for offset, (name, port) in enumerate(PORTS.items()):
            chosen = port if len(sys.argv) < 2 else first + offset if first else 0
            servers[name] = TcpServer(loop, InetAddress("127.0.0.1", chosen), name)
        Discard(loop, servers["discard"])
        servers["daytime"].set_connection_callback(daytime.on_connection)
        servers["time"].set_connection_callback(timeserver.on_connection)
        servers["chargen"].set_connection_callback(chargen.on_connection)
        servers["chargen"].set_write_complete_callback(chargen.on_write_complete)
        servers["echo"].set_message_callback(echo.on_message)
        _run.serve(loop, *servers.values())


if __name__ == "__main__":
    main()
