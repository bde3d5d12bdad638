"""The head of an answer as bytes, checked so that no value of a program can add a line."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from muduopy.http.errors import BadResponseError
from muduopy.http.request_head import CHUNKED, TOKEN

if TYPE_CHECKING:
    from muduopy.http.http_response import HttpResponse

REASONS = {status.value: status.phrase for status in HTTPStatus}

WITHOUT_BODY = frozenset({204, 304})

UNTIL_CLOSE = -2
"""The ``length`` of a body that ends with the connection: for HTTP/1.0, without a known length."""

_is_token = re.compile(TOKEN).fullmatch
_is_value = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch


class ResponseHead(NamedTuple):
    """
    data: the bytes, with the empty line.
    length: the number of bytes of the body that follow; CHUNKED or UNTIL_CLOSE.
    closes: no request can follow.
    """

    data: bytes
    length: int
    closes: bool


def format_head(
    response: HttpResponse, *, version: str, is_head: bool, closes: bool, date: str
) -> ResponseHead:
    """``version``, ``is_head``: of the request. Raises BadResponseError."""
    try:
        return _format(response, version, is_head, closes or response.close, date)
    except (TypeError, ValueError, AttributeError) as exc:
        raise BadResponseError(str(exc)) from exc


_CHUNKED_LINE = "Transfer-Encoding: chunked\r\n"

_OWN = frozenset({"content-length", "transfer-encoding", "connection", "date"})
"""Fields that the server adds, or whose values it has to know."""


def _format(
    response: HttpResponse, version: str, is_head: bool, closes: bool, date: str
) -> ResponseHead:
    status = response.status
    reason = REASONS.get(status, "") if response.reason is None else response.reason
    if not _is_value(reason):
        raise ValueError(f"illegal reason {reason!r}")
    lines = [f"HTTP/1.1 {status} {reason}\r\n"]
    own: dict[str, tuple[str, str]] = {}
    for name, value in response.headers:
        if not _is_token(name) or not _is_value(value):
            raise ValueError(f"illegal header field {name!r}: {value!r}")
        if (lower := name.lower()) in _OWN:
            own[lower] = name, value
        if lower not in _OWN or lower == "date":
            lines.append(f"{name}: {value}\r\n")
    if "connection" in own:
        closes = closes or "close" in own["connection"][1].lower()
    length = _length(response, own)
    if length == CHUNKED and version == "1.0":
        length, closes = UNTIL_CLOSE, True
    # For HEAD a callback may set the length of a body that it did not make.
    if is_head and response.has_no_body and "content-length" in own:
        lines.append("{}: {}\r\n".format(*own["content-length"]))
    elif status not in WITHOUT_BODY and length != UNTIL_CLOSE:
        lines.append(_CHUNKED_LINE if length == CHUNKED else f"Content-Length: {length}\r\n")
    if "date" not in own:
        lines.append(f"Date: {date}\r\n")
    if closes:
        lines.append("Connection: close\r\n")
    elif version == "1.0":
        lines.append("Connection: keep-alive\r\n")
    lines.append("\r\n")
    has_body = not is_head and status not in WITHOUT_BODY
    return ResponseHead("".join(lines).encode("latin-1"), length if has_body else 0, closes)


def _length(response: HttpResponse, own: dict[str, tuple[str, str]]) -> int:
    if "transfer-encoding" not in own:
        return response.body_length
    _, coding = own["transfer-encoding"]
    if coding.lower() != "chunked":
        raise ValueError(f"unknown transfer coding {coding!r}")
    return CHUNKED
