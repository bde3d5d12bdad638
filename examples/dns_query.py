"""DNS through a Channel: `python -m examples.dns_query NAME SERVER [PORT]` prints its addresses.

A question is one datagram (RFC 1035). The program asks twice a second, at most five times. To
connect to a host by its name, `HostAddress` is simpler.
"""

import secrets
import socket
import struct
import sys
from collections.abc import Iterator

from examples import _run
from muduopy import Channel, EventLoop

ASK_SECONDS, ASK_TIMES = 0.5, 5
RECURSION, TYPE_A, CLASS_IN = 0x0100, 1, 1
HEADER, RECORD = struct.Struct("!6H"), struct.Struct("!HHIH")


def question(number: int, name: str) -> bytes:
    labels = [label.encode("idna") for label in name.rstrip(".").split(".")]
    encoded = b"".join(bytes([len(label)]) + label for label in [*labels, b""])
    kind = struct.pack("!2H", TYPE_A, CLASS_IN)
    return HEADER.pack(number, RECURSION, 1, 0, 0, 0) + encoded + kind


def after_name(data: bytes, at: int) -> int:
    while data[at]:
        if data[at] >= 0xC0:  # a pointer to the rest of the name
            return at + 2
        at += 1 + data[at]
    return at + 1


def addresses(data: bytes) -> Iterator[str]:
    """The A records of an answer. Raises IndexError or struct.error for garbage."""
    questions, answers = HEADER.unpack_from(data)[2:4]
    at = HEADER.size
    for _ in range(questions):
        at = after_name(data, at) + 4
    for _ in range(answers):
        at = after_name(data, at)
        kind, _, _, length = RECORD.unpack_from(data, at)
        at += RECORD.size
        if kind == TYPE_A:
            yield socket.inet_ntoa(data[at : at + 4])
        at += length


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asked = question(secrets.randbelow(1 << 16), sys.argv[1])
    with EventLoop() as loop, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((sys.argv[2], _run.number(3, 53)))  # the kernel drops other hosts' datagrams
        sock.setblocking(False)

        def answer() -> None:
            try:
                data = sock.recv(512)
                found = list(addresses(data)) if data[:2] == asked[:2] else None
            except (OSError, IndexError, struct.error):
                return  # no server, or garbage: the timer asks again
            if found is not None:
                print(*found or ["no address"], sep="\n", flush=True)
                loop.quit()

        channel = Channel(loop, sock.fileno())
        channel.read_callback = channel.error_callback = answer
        channel.enable_reading()
        sock.send(asked)
        loop.run_every(ASK_SECONDS, lambda: sock.send(asked))
        loop.run_after(ASK_SECONDS * ASK_TIMES, loop.quit)
        _run.run(loop)
        channel.disable_all()


if __name__ == "__main__":
    main()
