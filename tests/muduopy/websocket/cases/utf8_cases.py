"""Cases 6: texts that are UTF-8 and texts that are not (RFC 3629, and Kuhn's stress test)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.muduopy.websocket.cases.case import (
    OCTETWISE,
    WHOLE,
    Case,
    Run,
    Scale,
    exchange,
    expect_failure,
    expect_silence,
)
from tests.muduopy.websocket.cases.frame_cases import echo_of, fragmented
from tests.muduopy.websocket.rawpeer import CONTINUATION, TEXT, Frame, RawPeer, frame

VALID = "Hello-µ@ßöäüàá-UTF-8!!".encode()
GREEK = "κ\u1f79σμε".encode()
EDITED = b"edited"

FIRST_OF_LENGTH = [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]
LAST_OF_LENGTH = [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]
CUT_SHORT = [
    *(b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80"),
    *(b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"),
]
SURROGATES = [0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF]


def surrogate(*codes: int) -> bytes:
    """UTF-16 surrogates in the form of UTF-8, which must not have them."""
    return "".join(map(chr, codes)).encode("utf-8", "surrogatepass")


def lonely(first: int, last: int) -> bytes:
    """Start octets with a space after each."""
    return b"".join(bytes((octet, 0x20)) for octet in range(first, last))


def noncharacters() -> list[bytes]:
    """U+FFFE and U+FFFF of the planes: valid UTF-8."""
    return [chr(plane << 16 | low).encode() for plane in range(17) for low in (0xFFFE, 0xFFFF)]


GROUPS: list[tuple[str, list[bytes]]] = [
    ("valid texts", [b"hello$world", "hello¢world".encode(), "hello€world".encode(),
                     "hello𤭢world".encode(), GREEK]),
    ("prefixes of a valid text", [GREEK[:i] for i in range(1, len(GREEK) + 1)]),
    ("first sequences of a length", FIRST_OF_LENGTH),
    ("first sequences of 5 and 6 octets", [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    ("last sequences of a length", LAST_OF_LENGTH),
    ("last sequences of 4 to 6 octets",
     [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    ("other boundaries", [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf",
                          b"\xf4\x90\x80\x80"]),
    ("unexpected continuation octets",
     [b"\x80", b"\xbf", *[(b"\x80\xbf" * 3)[:n] for n in range(2, 7)], bytes(range(0x80, 0xBF))]),
    ("lonely start octets", [lonely(0xC0, 0xDF), lonely(0xE0, 0xEF), lonely(0xF0, 0xF7),
                             lonely(0xF8, 0xFB), lonely(0xFC, 0xFD)]),
    ("sequences without their last octet", CUT_SHORT),
    ("incomplete sequences in a row", [b"".join(CUT_SHORT)]),
    ("impossible octets", [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    ("overlong slashes", [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
                          b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"]),
    ("the largest overlong sequences", [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf",
                                        b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"]),
    ("overlong NULs", [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80",
                       b"\xfc\x80\x80\x80\x80\x80"]),
    ("single surrogates", [surrogate(code) for code in SURROGATES]),
    ("surrogates in pairs",
     [surrogate(high, low) for high in SURROGATES[:4] for low in (0xDC00, 0xDFFF)]),
    ("noncharacters", noncharacters()),
    ("specials", [chr(code).encode() for code in range(0xFFF9, 0x10000)]),
]  # fmt: skip


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def cases() -> Iterator[Case]:
    yield Case("6.1.1", "an empty text", echo_of(TEXT, [b""]))
    yield Case("6.1.2", "a text of 3 empty fragments", echo_of(TEXT, [b"", b"", b""]))
    yield Case("6.1.3", "a text between 2 empty fragments", echo_of(TEXT, [b"", b"middle", b""]))
    yield Case("6.2.1", "a valid text", echo_of(TEXT, [VALID]))
    yield Case(
        "6.2.2", "2 fragments, cut between characters", echo_of(TEXT, [VALID[:14], VALID[14:]])
    )
    yield Case("6.2.3", "fragments of one octet", echo_of(TEXT, octets(VALID)))
    yield Case("6.2.4", "the same with Greek text", echo_of(TEXT, octets(GREEK)))
    wrong = GREEK + b"\xed\xa0\x80" + EDITED
    yield Case("6.3.1", "an invalid text", exchange([frame(TEXT, wrong)], fails_with=1007))
    run = exchange(fragmented(TEXT, octets(wrong)), fails_with=1007, mode=OCTETWISE)
    yield Case("6.3.2", "an invalid text in fragments of one octet", run)
    whole_sequence = [GREEK, b"\xf4\x90\x80\x80", EDITED]
    half_sequence = [GREEK + b"\xf4", b"\x90", b"\x80\x80" + EDITED]
    for number, parts, as_frames in (
        (1, whole_sequence, True),
        (2, half_sequence, True),
        (3, whole_sequence, False),
        (4, half_sequence, False),
    ):
        what = "fragments" if as_frames else "chops of one frame"
        cut = "cut before" if parts is whole_sequence else "cut inside"
        yield Case(
            f"6.4.{number}", f"fails at once: {what}, {cut} the octets", at_once(parts, as_frames)
        )
    for minor, (what, texts) in enumerate(GROUPS, 5):
        for i, text in enumerate(texts, 1):
            if is_utf8(text):
                run = exchange([frame(TEXT, text)], [Frame(TEXT, text)])
            else:
                run = exchange([frame(TEXT, text)], fails_with=1007, mode=WHOLE)
            yield Case(f"6.{minor}.{i}", f"{what}: {shown(text)}", run)


def shown(text: bytes) -> str:
    return text.hex() if len(text) <= 12 else f"{text[:12].hex()}…"


def octets(text: bytes) -> list[bytes]:
    return [text[i : i + 1] for i in range(len(text))]


def at_once(parts: list[bytes], as_frames: bool) -> Run:
    """The second of three parts makes the text invalid, and fails before the third is sent."""

    def run(peer: RawPeer, scale: Scale) -> None:
        if as_frames:
            first, second = (
                frame(TEXT, parts[0], fin=False),
                frame(CONTINUATION, parts[1], fin=False),
            )
        else:
            whole = frame(TEXT, b"".join(parts))
            head = len(whole) - sum(map(len, parts))
            cut = head + len(parts[0])
            first, second = whole[:cut], whole[cut : cut + len(parts[1])]
        peer.send(first)
        expect_silence(peer)
        peer.send(second)
        expect_failure(peer, 1007)

    return run
