"""Cases 7: the closing handshake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.muduopy.websocket.cases.case import Case, Run, Scale, expect_failure
from tests.muduopy.websocket.cases.frame_cases import fragmented
from tests.muduopy.websocket.rawpeer import CLOSE, PING, TEXT, Frame, RawPeer, close, frame, text

VALID_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)


def ends(frames: Sequence[bytes], code: int, expected: Sequence[Frame] = ()) -> Run:
    """The frames have a Close among them. The answers are these, then a Close with the code."""

    def run(peer: RawPeer, scale: Scale) -> None:
        peer.send(*frames)
        for one in expected:
            answer = peer.read()
            assert answer == one, f"{answer} in place of {one}"
        expect_failure(peer, code)

    return run


def cases() -> Iterator[Case]:
    hello = text("Hello World!")
    echo = Frame(TEXT, b"Hello World!")
    begin, end = fragmented(TEXT, [b"fragment1", b"fragment2"])
    long = b"BAsd7&jh23" * 26215
    yield Case("7.1.1", "a text, then Close", ends([hello, close(1000)], 1000, [echo]))
    yield Case("7.1.2", "2 Closes", ends([close(1000), close(1000)], 1000))
    yield Case("7.1.3", "a Ping after Close", ends([close(1000), frame(PING)], 1000))
    yield Case("7.1.4", "a text after Close", ends([close(1000), hello], 1000))
    yield Case("7.1.5", "Close between fragments", ends([begin, close(1000), end], 1000))
    run = ends(
        [frame(TEXT, long), hello, close(1000), frame(PING)], 1000, [Frame(TEXT, long), echo]
    )
    yield Case("7.1.6", "256 KiB, a text, Close, a Ping", run)
    yield Case("7.3.1", "Close without payload", ends([frame(CLOSE)], 1005))
    yield Case("7.3.2", "Close with 1 octet", ends([frame(CLOSE, b"a")], 1002))
    yield Case("7.3.3", "Close with a code", ends([close(1000)], 1000))
    yield Case("7.3.4", "Close with a reason", ends([close(1000, b"Hello World!")], 1000))
    yield Case("7.3.5", "a reason of 123 octets", ends([close(1000, b"*" * 123)], 1000))
    yield Case("7.3.6", "a reason of 124 octets", ends([close(1000, b"*" * 124)], 1002))
    wrong = "κ\u1f79σμε".encode() + b"\xed\xa0\x80" + b"edited"
    yield Case("7.5.1", "a reason that is not UTF-8", ends([close(1000, wrong)], 1007))
    for number, code in enumerate(VALID_CODES, 1):
        yield Case(f"7.7.{number}", f"Close {code}, a valid code", ends([close(code)], code))
    for number, code in enumerate(INVALID_CODES, 1):
        yield Case(f"7.9.{number}", f"Close {code}, an invalid code", ends([close(code)], 1002))
    for number, code in enumerate((5000, 65535), 1):
        yield Case(f"7.13.{number}", f"Close {code}, beyond the ranges", ends([close(code)], 1002))
