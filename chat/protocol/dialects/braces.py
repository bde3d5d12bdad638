"""BraceCutter: finds the end of a frame by its closing brace, for clients that send no terminator.

The cutter scans each byte once, even if bytes arrive one by one, because it remembers its place. It
knows the strings, escapes and braces of JSON, and nothing else of it. A line feed always ends a
frame, since no frame has one inside. So the cutter recovers after invalid input.
"""

from __future__ import annotations

import re

from chat.protocol.codec import MAX_DEPTH

_between = re.compile(rb"[^{}\n]*+").match
"""Outside of any object: up to a brace or a line feed."""

_object = re.compile(
    rb"""(?: [^"{}\n]++                            # anything but strings and objects
        | " (?: [^"\\\n]++ | \\[^\n] )*+ "         # a whole string
        | \{ [^"{}\n]*+ \}                         # an object without strings
     )*+""",
    re.VERBOSE,
).match
"""Inside an object. Skips whole strings and flat objects; stops at any other brace, and at an
incomplete string."""

_string = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+').match

LF, QUOTE, OPEN, CLOSE = b'\n"{}'


class BraceCutter:
    """Cuts the frames of one connection; a Cutter (see chat.protocol.frames).

    Attributes:
        found: the number of frames that have ended with their brace.
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
        """Remove up to ``limit`` frames from the front of ``held``; empty lines count as frames."""
        pieces: list[bytes] = []
        while len(pieces) < limit and (end := self._find_end(held)):
            piece = bytes(held[:end])
            del held[:end]
            self._reset()
            self.found += piece[-1] == CLOSE
            pieces.append(piece.strip(b" \t\r\n"))
        return pieces

    def _find_end(self, held: bytearray) -> int:
        """The place after the first frame; 0 if the frame is incomplete."""
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
            elif at + 1 == size:  # a backslash; the escaped character has not come yet
                return 0
            else:  # a backslash before a line feed
                return at + 2
            self._at += 1
            if (byte == CLOSE and self._depth <= 0) or self._depth > MAX_DEPTH:
                return self._at

    def _skip(self, held: bytearray) -> int:
        skip = _string if self._in_string else _object if self._depth else _between
        found = skip(held, self._at)
        assert found is not None  # each pattern matches the empty string, too
        return found.end()
