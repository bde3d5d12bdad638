"""Splits long messages into several frames, for classic clients that read 1,024 bytes. Pure.

Such a client parses the bytes of one ``recv(1024)``, up to the first NUL. A longer frame is invalid
JSON for it, and the client ends. So a long text is sent as several messages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from chat.protocol.codec import Message, encode

Encode = Callable[[Message], bytes]

MIN_ROOM = 32
"""Bytes of text in each frame, at least. A character takes up to 6 bytes (``\\u0001``)."""

MAX_SEQUENCE = 32
"""Characters that stay together, at most. Longer sequences are decoration, and are cut."""

ZERO_WIDTH_JOINER = "\u200d"


def split_message(fields: Message, limit: int, encode: Encode = encode) -> list[bytes]:
    """A chat message as frames of at most ``limit`` bytes. A long text is split into parts.

    ``encode`` may use other names, and may write a field twice. The parts together are the text.
    """
    frame = encode(fields)
    if len(frame) <= limit:
        return [frame]
    room = _room(fields, limit, encode)
    if room < MIN_ROOM:  # a dialect writes name and time twice, and both are very long
        fields = {**fields, "time": "", "name": fields["name"][:1]}
        room = _room(fields, limit, encode)
    return [encode({**fields, "msg": part}) for part in split_text(fields["msg"], room)]


def _room(fields: Message, limit: int, encode: Encode) -> int:
    """The bytes that are left for the text in JSON."""
    without = len(encode({**fields, "msg": ""}))
    times = len(encode({**fields, "msg": "x"})) - without  # 2 in a dialect with the text twice
    return (limit - without) // max(times, 1)


def split_text(text: str, room: int) -> list[str]:
    """Parts of the text that take at most ``room`` bytes each in JSON. An empty text is one part.

    The cuts are between visible characters: not before a combining mark, and not inside an emoji of
    several code points, unless the emoji alone is too long.
    """
    parts = []
    start = 0
    while start < len(text):
        end = _longest(text, start, room)
        if end < len(text):
            end = _boundary(text, start, end)
        parts.append(text[start:end])
        start = end
    return parts or [""]


def json_size(text: str) -> int:
    """Bytes of the text in JSON, without the quotation marks."""
    return len(encode({"": text})) - len(b'{"":""}')


def _longest(text: str, start: int, room: int) -> int:
    """The end of the longest part that fits. A part has at least one character."""
    low, high = start + 1, min(len(text), start + room)  # no character is less than one byte
    while low < high:
        middle = (low + high + 1) // 2
        if json_size(text[start:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def _boundary(text: str, start: int, end: int) -> int:
    """The last place before ``end`` for a cut; ``end`` if a sequence is too long."""
    for cut in range(end, max(start, end - MAX_SEQUENCE), -1):
        if not _joined(text, cut):
            return cut
    return end


def _joined(text: str, at: int) -> bool:
    """True if the characters before and after this place are one visible character."""
    before, behind = text[at - 1], text[at]
    if behind.isascii():
        return before == "\r" and behind == "\n"
    if ZERO_WIDTH_JOINER in (before, behind):
        return True
    if unicodedata.category(behind)[0] == "M" or _modifies(behind):
        return True
    if _is_flag_letter(before) and _is_flag_letter(behind):
        letters = 1
        while letters < at and _is_flag_letter(text[at - 1 - letters]):
            letters += 1
        return letters % 2 == 1  # two letters make a flag
    return False


def _modifies(char: str) -> bool:
    """Skin tones, tags of flags, and the vowels and finals of Hangul written in parts."""
    return "\U0001f3fb" <= char <= "\U0001f3ff" or (
        "\U000e0020" <= char <= "\U000e007f" or "\u1160" <= char <= "\u11ff"
    )


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
