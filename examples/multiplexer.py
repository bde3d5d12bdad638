"""Many clients over one connection: `python -m examples.multiplexer [PORT [BACKEND_PORT [HOST]]]`.

What clients send goes to the backend in packets: length (1 byte), client's number (2 bytes,
little-endian), at most 255 bytes of data; and back in the same form. Packets of number 0 are
words about the clients: "CONN 3 FROM 127.0.0.1:5555 IS UP" (and DOWN) to the backend,
"DISCONNECT 3" from it. The wire is muduo's. Without the backend there are no numbers, and
clients are sent away. Memory is bounded: a backend that reads slowly stops the reading from
clients, and a client that does not read is closed at the high-water mark.
"""

from examples import _run
from examples._multiplexer import Multiplexer
from muduopy import EventLoop, HostAddress


def main() -> None:
    with EventLoop() as loop:
        host, port = _run.text(3, "127.0.0.1"), _run.number(2, 9999)
        multiplexer = Multiplexer(loop, _run.address(3333), HostAddress(host, port))
        _run.serve(loop, multiplexer.server)
        multiplexer.client.close()


if __name__ == "__main__":
    main()
