"""Cases 9: large messages, small fragments, small chops, many messages."""

from __future__ import annotations

from collections.abc import Iterator

from tests.muduopy.websocket.cases.case import Case, Run, Scale, close_cleanly
from tests.muduopy.websocket.cases.frame_cases import chopped
from tests.muduopy.websocket.rawpeer import (
    BINARY,
    CONTINUATION,
    TEXT,
    Frame,
    RawPeer,
    frame,
)

KIB, MIB = 1 << 10, 1 << 20

PAYLOAD = b"BAsd7&jh23"

SIZES = (64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB)
FRAGMENTS = (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
CHOPS = (64, 128, 256, 512, KIB, 2 * KIB)
MANY = (0, 16, 64, 256, KIB, 4 * KIB)


def payload_of(length: int) -> bytes:
    return (PAYLOAD * (length // len(PAYLOAD) + 1))[:length]


def cases() -> Iterator[Case]:
    for even, opcode, kind in ((0, TEXT, "text"), (1, BINARY, "binary")):
        for number, size in enumerate(SIZES, 1):
            title = f"a {kind} of {shown(size)}"
            yield Case(f"9.{1 + even}.{number}", title, one(opcode, size))
        for number, size in enumerate(FRAGMENTS, 1):
            title = f"a {kind} of 4 MiB in fragments of {shown(size)}"
            yield Case(f"9.{3 + even}.{number}", title, one(opcode, 4 * MIB, fragment=size))
        for number, size in enumerate(CHOPS, 1):
            title = f"a {kind} of 1 MiB in chops of {size} octets"
            yield Case(f"9.{5 + even}.{number}", title, one(opcode, MIB, chop=size))
        for number, size in enumerate(MANY, 1):
            title = f"1000 {kind} messages of {size} octets"
            yield Case(f"9.{7 + even}.{number}", title, many(opcode, size))


def shown(size: int) -> str:
    if size >= MIB:
        return f"{size // MIB} MiB"
    return f"{size // KIB} KiB" if size >= KIB else f"{size} octets"


def one(opcode: int, size: int, *, fragment: int = 0, chop: int = 0) -> Run:
    """One message, in fragments or chops. The scale bounds its size, and the number of either."""

    def run(peer: RawPeer, scale: Scale) -> None:
        most = scale.most_bytes
        if fragment or chop:
            most = min(most, (fragment or chop) * scale.messages * 80)
        payload = payload_of(min(size, most))
        if not fragment:
            data = frame(opcode, payload)
        else:
            parts = list(chopped(payload, fragment))
            data = b"".join(
                frame(CONTINUATION if i else opcode, part, fin=i == len(parts) - 1)
                for i, part in enumerate(parts)
            )
        peer.send_pieces(chopped(data, chop) if chop else [data])
        answer = peer.read()
        assert answer == Frame(opcode, payload), "another message came back"
        close_cleanly(peer)

    return run


def many(opcode: int, size: int) -> Run:
    """Messages one after the other, each after the answer to the one before."""

    def run(peer: RawPeer, scale: Scale) -> None:
        payload = payload_of(size)
        data = frame(opcode, payload)
        for _ in range(scale.messages):
            assert peer.send(data).read() == Frame(opcode, payload)
        close_cleanly(peer)

    return run
