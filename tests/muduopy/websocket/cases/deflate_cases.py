"""Cases 12 and 13: compressed messages, and the parameters of compression (RFC 7692).

The suite sends parts of five files. Here five kinds of data are made that compress as those do.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator
from functools import cache

from tests.muduopy.websocket.cases.case import Case, Run, Scale, close_cleanly
from tests.muduopy.websocket.rawpeer import BINARY, CONTINUATION, TEXT, Frame, RawPeer, frame

SIZES = (
    *((size, 0) for size in (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)),
    *((size, 256) for size in (8192, 16384, 32768, 65536, 131072)),
    *((131072, fragment) for fragment in (1024, 4096, 32768)),
)
"""Octets of a message, and of its fragments; 0 for one frame."""

TAIL = b"\x00\x00\xff\xff"


def words(seed: int, count: int) -> list[str]:
    """Words of an invented language, of which some are frequent."""
    source = random.Random(seed)
    known = ["".join(source.choices("abcdefghiklmnoprstuwzäöüß", k=n % 9 + 2)) for n in range(900)]
    return [known[min(int(source.expovariate(0.01)), 899)] for _ in range(count)]


def json_data() -> bytes:
    source = random.Random(1)
    records = [
        {"id": i, "name": name, "score": round(source.random(), 4), "tags": [name[:3], "x"]}
        for i, name in enumerate(words(2, 3000))
    ]
    return json.dumps(records, ensure_ascii=True).encode()


def bitmap() -> bytes:
    source = random.Random(3)
    level, data = 128, bytearray()
    for _ in range(263_000):
        level = min(255, max(0, level + source.randint(-4, 4)))
        data.append(level)
    return bytes(data)


def prose() -> bytes:
    return " ".join(words(4, 40_000)).encode()


def html() -> bytes:
    rows = (f'<tr class="row"><td>{a}</td><td>{len(a)}</td></tr>\n' for a in words(5, 5000))
    return "".join(rows).encode("ascii", "xmlcharrefreplace")


def document() -> bytes:
    source = random.Random(6)
    return b"".join(
        b"%d 0 obj << /Length 400 >> stream\n" % i + source.randbytes(400) for i in range(2000)
    )


DATA: list[tuple[str, int, Callable[[], bytes]]] = [
    ("JSON", TEXT, cache(json_data)),
    ("a bitmap", BINARY, cache(bitmap)),
    ("prose", BINARY, cache(prose)),
    ("HTML", TEXT, cache(html)),
    ("a compressed document", BINARY, cache(document)),
]

DEFAULT = "permessage-deflate; client_no_context_takeover; client_max_window_bits"

OFFERS: list[tuple[str, str]] = [
    ("default", DEFAULT),
    ("server_no_context_takeover", f"{DEFAULT}; server_no_context_takeover"),
    ("9 bits", f"{DEFAULT}; server_max_window_bits=9"),
    ("15 bits", f"{DEFAULT}; server_max_window_bits=15"),
    ("9 bits, no takeover", f"{DEFAULT}; server_no_context_takeover; server_max_window_bits=9"),
    ("15 bits, no takeover", f"{DEFAULT}; server_no_context_takeover; server_max_window_bits=15"),
    (
        "three offers",
        f"{DEFAULT}; server_no_context_takeover; server_max_window_bits=9,"
        f" {DEFAULT}; server_no_context_takeover, {DEFAULT}",
    ),
]


def cases() -> Iterator[Case]:
    for major, (what, opcode, data) in enumerate(DATA, 1):
        for minor, (size, fragment) in enumerate(SIZES, 1):
            title = f"{what}: {sizes(size, fragment)}"
            run = exchange_compressed(opcode, data, size, fragment)
            yield Case(f"12.{major}.{minor}", title, run, (extension(DEFAULT),))
    _, opcode, data = DATA[0]
    for major, (what, offer) in enumerate(OFFERS, 1):
        for minor, (size, fragment) in enumerate(SIZES, 1):
            title = f"{what}: {sizes(size, fragment)}"
            run = exchange_compressed(opcode, data, size, fragment)
            yield Case(f"13.{major}.{minor}", title, run, (extension(offer),))


def sizes(size: int, fragment: int) -> str:
    return f"1000 messages of {size} octets" + (f" in fragments of {fragment}" if fragment else "")


def extension(offer: str) -> str:
    return f"Sec-WebSocket-Extensions: {offer}"


class Codec:
    """The client's side of the agreement."""

    def __init__(self, agreed: str, offered: str) -> None:
        names = [part.strip() for part in agreed.split(";")]
        assert names[0] == "permessage-deflate", agreed
        self.parameters = dict((f"{one}=").split("=")[:2] for one in names[1:])
        self.forgets = "client_no_context_takeover" in self.parameters
        self.server_forgets = "server_no_context_takeover" in self.parameters
        bits = int(self.parameters.get("server_max_window_bits") or 15)
        first_offer = offered.split(",", maxsplit=1)[0]
        if "server_max_window_bits=" in first_offer:
            assert bits <= int(first_offer.rpartition("server_max_window_bits=")[2])
        if "server_no_context_takeover" in first_offer:
            assert self.server_forgets
        self.server_bits = bits
        self.bits = int(self.parameters.get("client_max_window_bits") or 15)
        self.deflater = zlib.compressobj(wbits=-self.bits)
        self.inflater = zlib.decompressobj(wbits=-bits)

    def compress(self, message: bytes) -> bytes:
        data = self.deflater.compress(message) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        if self.forgets:
            self.deflater = zlib.compressobj(wbits=-self.bits)
        return data.removesuffix(TAIL)

    def decompress(self, answer: Frame) -> bytes:
        if not answer.rsv:
            return answer.payload
        assert answer.rsv == 4
        data = self.inflater.decompress(answer.payload + TAIL)
        if self.server_forgets:
            self.inflater = zlib.decompressobj(wbits=-self.server_bits)
        return data


def exchange_compressed(
    opcode: int, make_data: Callable[[], bytes], size: int, fragment: int
) -> Run:
    def run(peer: RawPeer, scale: Scale) -> None:
        data = make_data()
        codec = Codec(peer.fields["sec-websocket-extensions"], peer.offered)
        place = 0
        for _ in range(scale.messages_of(size)):
            message = (data[place:] + data)[:size]
            place = (place + size) % len(data)
            packed = codec.compress(message)
            step = fragment or max(len(packed), 1)
            parts = [packed[i : i + step] for i in range(0, len(packed), step)]
            peer.send(
                *(
                    frame(
                        CONTINUATION if i else opcode,
                        part,
                        rsv=0 if i else 4,
                        fin=i == len(parts) - 1,
                    )
                    for i, part in enumerate(parts)
                )
            )
            answer = peer.read()
            assert answer.opcode == opcode, answer
            assert codec.decompress(answer) == message, "another message came back"
        close_cleanly(peer)

    return run
