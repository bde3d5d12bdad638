"""Cases 1 to 5 and 10: frames, Pings, reserved bits, opcodes, fragments."""

from __future__ import annotations

from collections.abc import Iterator

from tests.muduopy.websocket.cases.case import (
    FRAMEWISE,
    OCTETWISE,
    WHOLE,
    Case,
    Run,
    Scale,
    close_cleanly,
    exchange,
    expect_silence,
)
from tests.muduopy.websocket.rawpeer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    RawPeer,
    frame,
)

MODES = ((WHOLE, "in one piece"), (FRAMEWISE, "frame by frame"), (OCTETWISE, "octet by octet"))

LENGTHS = (0, 125, 126, 127, 128, 65535, 65536)

HELLO = frame(TEXT, b"Hello, world!")
HELLO_ECHO = Frame(TEXT, b"Hello, world!")


def cases() -> Iterator[Case]:
    yield from messages()
    yield from pings()
    yield from reserved_bits()
    yield from opcodes()
    yield from fragments()
    parts = [b"*" * 1300] * 50 + [b"*" * 536]
    yield Case("10.1.1", "a text of 65536 octets in frames of 1300", echo_of(TEXT, parts))


def echo_of(opcode: int, parts: list[bytes], mode: str = WHOLE) -> Run:
    """A message in these fragments comes back."""
    return exchange(fragmented(opcode, parts), [Frame(opcode, b"".join(parts))], mode=mode)


def fragmented(opcode: int, parts: list[bytes]) -> list[bytes]:
    last = len(parts) - 1
    return [
        frame(opcode if i == 0 else CONTINUATION, part, fin=i == last)
        for i, part in enumerate(parts)
    ]


def chopped(data: bytes, size: int) -> Iterator[bytes]:
    """The pieces of these bytes."""
    return (data[i : i + size] for i in range(0, len(data), size))


def messages() -> Iterator[Case]:
    for major, opcode, octet in (("1.1", TEXT, b"*"), ("1.2", BINARY, b"\xfe")):
        kind = "text" if opcode == TEXT else "binary"
        for minor, length in enumerate(LENGTHS, 1):
            payload = octet * length
            yield Case(
                f"{major}.{minor}", f"a {kind} of {length} octets", echo_of(opcode, [payload])
            )

        def in_chops(
            peer: RawPeer, scale: Scale, opcode: int = opcode, payload: bytes = octet * 65536
        ) -> None:
            peer.send_pieces(chopped(frame(opcode, payload), 997))
            assert peer.read() == Frame(opcode, payload)
            close_cleanly(peer)

        yield Case(f"{major}.8", f"a {kind} of 65536 octets in chops of 997", in_chops)


def pings() -> Iterator[Case]:
    def answered(*payloads: bytes, mode: str = WHOLE) -> Run:
        return exchange(
            [frame(PING, one) for one in payloads],
            [Frame(PONG, one) for one in payloads],
            mode=mode,
        )

    yield Case("2.1", "a Ping without payload", answered(b""))
    yield Case("2.2", "a Ping with a text", answered(b"Hello, world!"))
    yield Case(
        "2.3", "a Ping with octets that are no UTF-8", answered(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")
    )
    yield Case("2.4", "a Ping with 125 octets", answered(b"\xfe" * 125))
    yield Case(
        "2.5", "a Ping with 126 octets", exchange([frame(PING, b"\xfe" * 126)], fails_with=1002)
    )
    yield Case(
        "2.6", "a Ping with 125 octets, octet by octet", answered(b"\xfe" * 125, mode=OCTETWISE)
    )
    yield Case("2.7", "a Pong that was not asked for", exchange([frame(PONG)]))
    yield Case("2.8", "such a Pong with payload", exchange([frame(PONG, b"unsolicited")]))
    yield Case(
        "2.9",
        "such a Pong, then a Ping",
        exchange([frame(PONG, b"unsolicited"), frame(PING, b"ping")], [Frame(PONG, b"ping")]),
    )
    ten = [b"payload-%d" % i for i in range(10)]
    yield Case("2.10", "ten Pings", answered(*ten))
    yield Case("2.11", "ten Pings, octet by octet", answered(*ten, mode=OCTETWISE))


def reserved_bits() -> Iterator[Case]:
    wrong = frame(TEXT, b"Hello, world!", rsv=2)
    yield Case("3.1", "a text with RSV 1", exchange([frame(TEXT, b"x", rsv=1)], fails_with=1002))
    for number, rsv, (mode, how) in zip((2, 3, 4), (2, 3, 4), MODES, strict=True):
        wrong = frame(TEXT, b"Hello, world!", rsv=rsv)
        run = exchange([HELLO, wrong, frame(PING)], [HELLO_ECHO], fails_with=1002, mode=mode)
        yield Case(f"3.{number}", f"a text, then one with RSV {rsv}, a Ping, {how}", run)
    yield Case(
        "3.5", "a binary with RSV 5", exchange([frame(BINARY, b"\0\xff", rsv=5)], fails_with=1002)
    )
    yield Case("3.6", "a Ping with RSV 6", exchange([frame(PING, b"x", rsv=6)], fails_with=1002))
    yield Case("3.7", "a Close with RSV 7", exchange([frame(CLOSE, rsv=7)], fails_with=1002))


def opcodes() -> Iterator[Case]:
    for major, first in (("4.1", 3), ("4.2", 11)):
        one, two, three, four, five = range(first, first + 5)
        yield Case(f"{major}.1", f"opcode {one}", exchange([frame(one)], fails_with=1002))
        yield Case(
            f"{major}.2",
            f"opcode {two} with payload",
            exchange([frame(two, b"reserved")], fails_with=1002),
        )
        for minor, opcode, payload, mode in (
            (3, three, b"", WHOLE),
            (4, four, b"reserved", WHOLE),
            (5, five, b"reserved", OCTETWISE),
        ):
            run = exchange(
                [HELLO, frame(opcode, payload), frame(PING)],
                [HELLO_ECHO],
                fails_with=1002,
                mode=mode,
            )
            yield Case(f"{major}.{minor}", f"a text, then opcode {opcode}, {mode}", run)


def fragments() -> Iterator[Case]:
    one, two = b"fragment1", b"fragment2"
    both = Frame(TEXT, one + two)
    begin, end = fragmented(TEXT, [one, two])
    ping, pong = frame(PING, b"ping payload"), Frame(PONG, b"ping payload")
    for number, opcode in ((1, PING), (2, PONG)):
        run = exchange([frame(opcode, one, fin=False), frame(CONTINUATION, two)], fails_with=1002)
        yield Case(f"5.{number}", f"a fragmented {'Ping' if opcode == PING else 'Pong'}", run)
    for i, (mode, how) in enumerate(MODES):
        yield Case(
            f"5.{3 + i}", f"a text in 2 fragments, {how}", exchange([begin, end], [both], mode=mode)
        )
        run = exchange([begin, ping, end], [pong, both], mode=mode)
        yield Case(f"5.{6 + i}", f"a Ping between 2 fragments, {how}", run)
    for i, (mode, how) in enumerate(MODES):
        for base, fin in ((9, True), (12, False)):
            run = exchange([frame(CONTINUATION, one, fin=fin), HELLO], fails_with=1002, mode=mode)
            yield Case(
                f"5.{base + i}", f"a continuation of nothing, FIN {fin}, then a text, {how}", run
            )
    run = exchange(
        [begin, end, frame(CONTINUATION, one, fin=False), HELLO], [both], fails_with=1002
    )
    yield Case("5.15", "a text in 2 fragments, a continuation of nothing, a text", run)
    for number, fin in ((16, False), (17, True)):
        run = exchange([frame(CONTINUATION, one, fin=fin), begin, end] * 2, fails_with=1002)
        yield Case(
            f"5.{number}", f"twice: a continuation of nothing, FIN {fin}, then fragments", run
        )
    run = exchange([begin, frame(TEXT, two)], fails_with=1002)
    yield Case("5.18", "a text in 2 fragments that are both text frames", run)
    for number, mode in ((19, WHOLE), (20, FRAMEWISE)):
        yield Case(f"5.{number}", f"5 fragments, 2 Pings, and a pause, {mode}", with_a_pause(mode))


def with_a_pause(mode: str) -> Run:
    parts = [b"fragment%d" % i for i in range(1, 6)]
    frames = fragmented(TEXT, parts)

    def run(peer: RawPeer, scale: Scale) -> None:
        for pieces, ping in ((frames[:2], b"pongme 1!"), (frames[2:4], b"pongme 2!")):
            expect_silence(peer)
            sent = [*pieces, frame(PING, ping)]
            peer.send_pieces(sent if mode == FRAMEWISE else [b"".join(sent)])
            assert peer.read() == Frame(PONG, ping)
        peer.send(frames[4])
        assert peer.read() == Frame(TEXT, b"".join(parts))
        close_cleanly(peer)

    return run
