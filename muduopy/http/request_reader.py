"""RequestReader: cuts the bytes of a connection into the heads and bodies of requests."""

from __future__ import annotations

import re
from collections.abc import Callable

from muduopy.buffer import Buffer
from muduopy.http.errors import BadRequestError
from muduopy.http.request_head import CHUNKED, TOKEN, RequestHead, parse_head, parse_trailer

MAX_CHUNK_LINE = 256
"""Bytes of the line before a chunk: its size, and extensions, which are dropped."""

_is_token_character = re.compile(TOKEN.removesuffix("+").encode()).match
_find_bare_lf = re.compile(rb"(?<!\r)\n").search
_parse_chunk_line = re.compile(
    rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?"
).fullmatch


class RequestReader:
    """Bytes in; heads and parts of bodies out, in the order of the connection.

    Call ``read_head``, then ``read_part`` until it returns the end of the body, then ``next``. All
    raise BadRequestError; then nothing more can be read. Pure; one owner.

    Attributes:
        started: time of the first byte of the present request; None before.
        finished: the peer has finished sending.
        in_body: some bytes of the present body have arrived.
    """

    __slots__ = (
        "_buffer",
        "_left",
        "_max_header_bytes",
        "_read_chunk",
        "_scanned",
        "finished",
        "in_body",
        "started",
    )

    def __init__(self, max_header_bytes: int) -> None:
        self.started: float | None = None
        self.finished = False
        self.in_body = False
        self._max_header_bytes = max_header_bytes
        self._buffer = Buffer()
        self._scanned = 0  # so many bytes have no end of the head
        self._left = 0  # bytes of the body, or of the present chunk, that have not been read
        self._read_chunk: Callable[[RequestReader], bytes | None] | None = None

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes; ``b""`` for the end of the stream."""
        if not data:
            self.finished = True
            return
        self._buffer.append(data)
        if self.started is None:
            self._begin(now)

    def take_rest(self) -> bytes:
        """Take the bytes that belong to no request that was read."""
        return self._buffer.retrieve_all()

    def next(self, now: float) -> None:
        """The body has ended; the following bytes are the next request."""
        self.started = None
        self.in_body = False
        self._begin(now)

    def _begin(self, now: float) -> None:
        buffer = self._buffer
        while len(buffer) >= 2 and buffer.peek(2) == b"\r\n":
            buffer.retrieve(2)  # RFC 9112, 2.2: some clients send an empty line first
        self._scanned = 0
        if buffer and buffer.peek() != b"\r":
            self.started = now

    # ------------------------------------------------------------------ the head

    def read_head(self) -> RequestHead | None:
        """The head of the present request, when it is complete."""
        if self.started is None:
            return None
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", max(0, self._scanned - 3))
        if end < 0:
            self._check_incomplete_head()
            return None
        if end + 4 > self._max_header_bytes:
            raise BadRequestError(431, "the header is too large")
        head = parse_head(buffer.retrieve_as_bytes(end))
        buffer.retrieve(4)
        self._left = head.length
        self._read_chunk = RequestReader._read_chunk_line if head.length == CHUNKED else None
        return head

    def _check_incomplete_head(self) -> None:
        data = self._buffer.peek()
        if not _is_token_character(data):
            raise BadRequestError(400, "the first line is no request")
        if len(data) > self._max_header_bytes:
            if b"\r\n" in data:
                raise BadRequestError(431, "the header is too large")
            raise BadRequestError(414, "the first line is too long")
        if _find_bare_lf(data, self._scanned):
            raise BadRequestError(400, "a line must end with CR LF")
        if self.finished:
            raise BadRequestError(400, "the connection ended within a request")
        self._scanned = len(data)

    # ------------------------------------------------------------------ the body

    def read_part(self) -> bytes | None:
        """The next bytes of the body; ``b""`` at its end; None if more data is needed."""
        part = self._read_length() if self._read_chunk is None else self._read_chunks()
        if part is None and self.finished:
            raise BadRequestError(400, "the connection ended within a request")
        return part

    def _read_length(self) -> bytes | None:
        if not self._left:
            return b""
        if not (count := min(self._left, len(self._buffer))):
            return None
        self.in_body = True
        self._left -= count
        return self._buffer.retrieve_as_bytes(count)

    def _read_chunks(self) -> bytes | None:
        """Run the steps of the chunked coding until one has bytes, or needs more data."""
        if self._buffer:
            self.in_body = True
        while True:
            step = self._read_chunk
            assert step is not None
            part = step(self)
            if part is not None or self._read_chunk is step:
                return part

    def _read_chunk_line(self) -> bytes | None:
        buffer = self._buffer
        end = buffer.find(b"\r\n")
        if not 0 <= end <= MAX_CHUNK_LINE:
            # A line that is not complete must be the beginning of a good one.
            line = buffer.peek(min(len(buffer), MAX_CHUNK_LINE + 1))
            if len(line) > MAX_CHUNK_LINE or (line.rstrip(b"\r") and not _chunk_line(line)):
                raise BadRequestError(400, "a bad chunk size")
            return None
        found = _parse_chunk_line(buffer.peek(end))
        if found is None:
            raise BadRequestError(400, "a bad chunk size")
        buffer.retrieve(end + 2)
        self._left = int(found[1], 16)
        self._read_chunk = (
            RequestReader._read_chunk_data if self._left else RequestReader._read_trailer
        )
        return None

    def _read_chunk_data(self) -> bytes | None:
        if self._left:
            return self._read_length()
        if len(self._buffer) < 2:
            return None
        if self._buffer.peek(2) != b"\r\n":
            raise BadRequestError(400, "a chunk is longer than its size")
        self._buffer.retrieve(2)
        self._read_chunk = RequestReader._read_chunk_line
        return None

    def _read_trailer(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        if buffer.peek(2) == b"\r\n":
            buffer.retrieve(2)
            return b""
        end = buffer.find(b"\r\n\r\n")
        if (len(buffer) if end < 0 else end + 4) > self._max_header_bytes:
            raise BadRequestError(431, "the trailer is too large")
        if end < 0:
            if _find_bare_lf(buffer.peek()):
                raise BadRequestError(400, "a line must end with CR LF")
            return None
        parse_trailer(buffer.retrieve_as_bytes(end))
        buffer.retrieve(4)
        return b""


def _chunk_line(line: bytes) -> bool:
    """Whether these bytes may begin the line of a chunk."""
    return _parse_chunk_line(line.removesuffix(b"\r")) is not None
