"""RequestReader: cuts the bytes of a connection into the heads and bodies of requests."""

from __future__ import annotations

import re
from collections.abc import Callable

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
        "_data",
        "_left",
        "_max_header_bytes",
        "_scanned",
        "_start",
        "_step",
        "finished",
        "in_body",
        "started",
    )

    def __init__(self, max_header_bytes: int) -> None:
        self.started: float | None = None
        self.finished = False
        self.in_body = False
        self._max_header_bytes = max_header_bytes
        # A bytes object and an offset, because most requests come in one piece. What is left of it
        # is copied when more arrives: at most a header, or the line before a chunk.
        self._data = b""
        self._start = 0
        self._scanned = 0  # the end of the head is not before this place
        self._left = 0  # bytes of the body, or of the present chunk, that have not been read
        self._step: Callable[[RequestReader], bytes | None] | None = None  # of the chunked coding

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes; ``b""`` for the end of the stream."""
        if not data:
            self.finished = True
            return
        start = self._start
        if start == len(self._data):
            self._data = data
            self._start = self._scanned = 0
        elif start:
            self._data = self._data[start:] + data
            self._scanned = max(0, self._scanned - start)
            self._start = 0
        else:
            self._data += data
        if self.started is None:
            self._begin(now)

    def take_rest(self) -> bytes:
        """Take the bytes that belong to no request that was read."""
        rest = self._data[self._start :]
        self._data = b""
        self._start = 0
        return rest

    def next(self, now: float) -> None:
        """The body has ended; the following bytes are the next request."""
        self.started = None
        self.in_body = False
        if self._start != len(self._data):
            self._begin(now)

    def _begin(self, now: float) -> None:
        data, start = self._data, self._start
        while data.startswith(b"\r\n", start):
            start += 2  # RFC 9112, 2.2: some clients send an empty line first
        self._start = self._scanned = start
        if start != len(data) and (len(data) - start > 1 or not data.endswith(b"\r")):
            self.started = now

    # ------------------------------------------------------------------ the head

    def read_head(self) -> RequestHead | None:
        """The head of the present request, when it is complete."""
        if self.started is None:
            return None
        data, start = self._data, self._start
        end = data.find(b"\r\n\r\n", self._scanned)
        if end < 0:
            self._check_incomplete_head()
            return None
        if end + 4 - start > self._max_header_bytes:
            raise BadRequestError(431, "the header is too large")
        self._start = end + 4
        head = parse_head(data[start:end])
        self._left = head.length
        self._step = RequestReader._read_chunk_line if head.length == CHUNKED else None
        return head

    def _check_incomplete_head(self) -> None:
        data, start = self._data, self._start
        if not _is_token_character(data, start):
            raise BadRequestError(400, "the first line is no request")
        if len(data) - start > self._max_header_bytes:
            if data.find(b"\r\n", start) >= 0:
                raise BadRequestError(431, "the header is too large")
            raise BadRequestError(414, "the first line is too long")
        if _find_bare_lf(data, self._scanned):
            raise BadRequestError(400, "a line must end with CR LF")
        if self.finished:
            raise BadRequestError(400, "the connection ended within a request")
        self._scanned = max(start, len(data) - 3)

    # ------------------------------------------------------------------ the body

    def read_part(self) -> bytes | None:
        """The next bytes of the body; ``b""`` at its end; None if more data is needed."""
        part = self._read_length() if self._step is None else self._read_chunks()
        if part is None and self.finished:
            raise BadRequestError(400, "the connection ended within a request")
        return part

    def _read_length(self) -> bytes | None:
        if not self._left:
            return b""
        data, start = self._data, self._start
        count = min(self._left, len(data) - start)
        if not count:
            return None
        self.in_body = True
        self._left -= count
        self._start = end = start + count
        return data if count == len(data) else data[start:end]

    def _read_chunks(self) -> bytes | None:
        """Run the steps of the chunked coding until one has bytes, or needs more data."""
        if self._start != len(self._data):
            self.in_body = True
        while True:
            step = self._step
            assert step is not None
            part = step(self)
            if part is not None or self._step is step:
                return part

    def _read_chunk_line(self) -> bytes | None:
        data, start = self._data, self._start
        end = data.find(b"\r\n", start, start + MAX_CHUNK_LINE + 2)
        if end < 0:
            # A line that is not complete must be the beginning of a good one.
            line = data[start : start + MAX_CHUNK_LINE + 1]
            begins = line.removesuffix(b"\r")
            if len(line) > MAX_CHUNK_LINE or (begins and not _parse_chunk_line(begins)):
                raise BadRequestError(400, "a bad chunk size")
            return None
        found = _parse_chunk_line(data, start, end)
        if found is None:
            raise BadRequestError(400, "a bad chunk size")
        self._start = end + 2
        self._left = int(found[1], 16)
        self._step = RequestReader._read_chunk_data if self._left else RequestReader._read_trailer
        return None

    def _read_chunk_data(self) -> bytes | None:
        if self._left:
            return self._read_length()
        if len(self._data) - self._start < 2:
            return None
        if not self._data.startswith(b"\r\n", self._start):
            raise BadRequestError(400, "a chunk is longer than its size")
        self._start += 2
        self._step = RequestReader._read_chunk_line
        return None

    def _read_trailer(self) -> bytes | None:
        data, start = self._data, self._start
        if len(data) - start < 2:
            return None
        if data.startswith(b"\r\n", start):
            self._start += 2
            return b""
        end = data.find(b"\r\n\r\n", start)
        if (len(data) if end < 0 else end + 4) - start > self._max_header_bytes:
            raise BadRequestError(431, "the trailer is too large")
        if end < 0:
            if _find_bare_lf(data, start):
                raise BadRequestError(400, "a line must end with CR LF")
            return None
        self._start = end + 4
        parse_trailer(data[start:end])
        return b""
