"""BraceCutter: finds the end of a frame by its closing brace, for clients that send no terminator.

Each byte is looked at once, however small the pieces in which it comes: the cutter remembers
where it is. It knows strings and escapes, and of the rest of JSON nothing. A line feed ends a
frame in any case (frames have none inside), so that the cutter finds its way again after garbage.
"""

from __future__ import annotations

import re

from chat.protocol.codec import MAX_DEPTH

_between = re.compile(rb"[^{}\n]*+").match
"""Outside of any object: up to a brace or the end of a line."""

_object = re.compile(
    rb"""(?: [^"{}\n]++                            # anything but strings and objects
        | " (?: [^"\\\n]++ | \\[^\n] )*+ "         # a whole string
        | \{ [^"{}\n]*+ \}                         # an object without strings
     )*+""",
    re.VERBOSE,
).match
"""Inside an object. Passes over whole strings and flat objects; stops at a brace that counts, or at
a string that is not finished."""

_string = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+').match

LF, QUOTE, OPEN, CLOSE = b'\n"{}'


class BraceCutter:
    """Cuts the frames of one connection; a Cutter (see chat.protocol.frames).

    Attributes:
        found: how many frames have ended with their brace.
    """

    __slots__ = ("_at", "_depth", "_in_string", "found")

    def __init__(self) -> None:
        self.found = 0
        self._reset()

    def _reset(self) -> None:
        self._at = 0  # bytes before this place have been scanned
        self._depth = 0
        self._in_string = False

    def cut(self, held: bytearray, limit: int) -> list[bytes]:
        """Remove up to ``limit`` frames from the front of ``held``; empty lines count as well."""
        pieces: list[bytes] = []
        while len(pieces) < limit and (end := self._find_end(held)):
            piece = bytes(held[:end])
            del held[:end]
            self._reset()
            self.found += piece[-1] == CLOSE
            pieces.append(piece.strip(b" \t\r\n"))
        return pieces

    def _find_end(self, held: bytearray) -> int:
        """Where the first frame ends, its end included; 0 if it is not whole yet."""
        size = len(held)
        while True:
            at = self._skip(held)
            self._at = at
            if at == size:
                return 0
            byte = held[at]
            if byte == LF:
                return at + 1
            if byte == QUOTE:
                self._in_string = not self._in_string
            elif byte == OPEN:
                self._depth += 1
            elif byte == CLOSE:
                self._depth -= 1
            elif at + 1 == size:  # a backslash, whose other half has not come
                return 0
            else:  # a backslash before a line feed
                return at + 2
            self._at += 1
            if (byte == CLOSE and self._depth <= 0) or self._depth > MAX_DEPTH:
                return self._at

    def _skip(self, held: bytearray) -> int:
        skip = _string if self._in_string else _object if self._depth else _between
        found = skip(held, self._at)
        assert found is not None  # each of them matches nothing as well
        return found.end()
