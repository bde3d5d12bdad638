"""Many clients over one connection: `python -m examples.multiplexer [PORT [BACKEND_PORT [HOST]]]`.

The clients' bytes go to the backend in packets: length (1 byte), client's number (2 bytes,
little-endian), at most 255 bytes of data. The backend's answers have the same form. Packets with
number 0 are about the clients: "CONN 3 FROM 127.0.0.1:5555 IS UP" (or DOWN) to the backend,
"DISCONNECT 3" from it. The protocol is muduo's. While there is no backend, clients are closed.
Memory is bounded by two rules. While the backend reads slowly, the clients are not read. A client
that does not read is closed at the high-water mark.
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
