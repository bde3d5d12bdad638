"""RequestHead: request line and header fields, checked as RFC 9112 asks. Pure functions.

The rules are strict, because a proxy in front of this server must never read another request than
this server does (request smuggling). A line ends with CR LF. A bare CR or LF, a folded line, a
space before a colon, a second length and an unknown transfer coding are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from muduopy.http.errors import BadRequestError
from muduopy.http.http_headers import HttpHeaders

TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

_parse_request_line = re.compile(rf"({TOKEN}) ([!-~]+) HTTP/([0-9])\.([0-9])").fullmatch

_find_fields = re.compile(rf"^({TOKEN}):[ \t]*([^\r\n]*)", re.MULTILINE).findall

_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t"))

_is_length = re.compile("[0-9]{1,18}").fullmatch

CHUNKED = -1
"""The ``length`` of a body that comes in chunks."""


@dataclass(slots=True, eq=False)
class RequestHead:
    """What is known about a request before its body. One owner.

    Attributes:
        length: the number of bytes in the body, or CHUNKED.
        keeps_alive: whether another request may follow.
        expects_continue: whether the client waits for "100 Continue" before it sends its body.
        wants_upgrade: whether the client asks for another protocol, which may follow.
    """

    method: str
    target: str
    version: str
    headers: HttpHeaders
    length: int
    keeps_alive: bool
    expects_continue: bool
    wants_upgrade: bool


def parse_head(head: bytes) -> RequestHead:
    """Parse everything before the empty line. Raises BadRequestError."""
    request_line, _, rest = _checked(head).partition("\r\n")
    found = _parse_request_line(request_line)
    if found is None:
        raise BadRequestError(400, "the first line is no request")
    method, target, major, minor = found.groups()
    fields = parse_fields(rest)
    if major != "1":
        raise BadRequestError(505, "only version 1 is spoken here")
    is_old = minor == "0"
    hosts = len(fields.get("host", ()))
    if hosts > 1 or not (hosts or is_old):
        raise BadRequestError(400, "the request needs one Host field")
    if method == "CONNECT":
        raise BadRequestError(501, "this is not a proxy")
    headers = HttpHeaders.of(fields)
    length = _body_length(fields, headers, is_old=is_old)
    if "expect" in fields and headers.tokens("expect") not in ([], ["100-continue"]):
        raise BadRequestError(417, "unknown expectation")
    options = headers.tokens("connection") if "connection" in fields else []
    return RequestHead(
        method,
        target,
        "1.0" if is_old else "1.1",
        headers,
        length,
        ("keep-alive" in options if is_old else True) and "close" not in options,
        "expect" in fields and not is_old and length != 0,
        "upgrade" in options and "upgrade" in fields and not is_old,
    )


def parse_fields(text: str) -> dict[str, list[str]]:
    """The values of each field by its name in lower case. Raises BadRequestError."""
    fields: dict[str, list[str]] = {}
    if not text:
        return fields
    found: list[tuple[str, str]] = _find_fields(text)
    if len(found) != text.count("\r\n") + 1:  # a folded line, for instance, begins with a space
        raise BadRequestError(400, "a header line is not of the form name: value")
    for spelled, value in found:
        name = spelled.lower()
        if name in fields:
            fields[name].append(value.rstrip(" \t"))
        else:
            fields[name] = [value.rstrip(" \t")]
    return fields


def parse_trailer(trailer: bytes) -> None:
    """Check the fields after the last chunk, which are dropped. Raises BadRequestError."""
    parse_fields(_checked(trailer))


def _checked(head: bytes) -> str:
    """The text of a head, if it has no control characters except tabs and pairs of CR and LF."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls != 2 * head.count(b"\r\n"):
        raise BadRequestError(400, "an illegal character in the header")
    return head.decode("latin-1")


def _body_length(fields: dict[str, list[str]], headers: HttpHeaders, *, is_old: bool) -> int:
    lengths = fields.get("content-length")
    if "transfer-encoding" in fields:
        # A proxy in front of this server may have found another end of the request, and the rest
        # would be a request that it has not checked (RFC 9112, 6.1).
        if lengths is not None or is_old:
            raise BadRequestError(400, "ambiguous length of the body")
        if headers.tokens("transfer-encoding") != ["chunked"]:
            raise BadRequestError(501, "unknown transfer coding")
        return CHUNKED
    if lengths is None:
        return 0
    if len(lengths) != 1 or not _is_length(lengths[0]):
        raise BadRequestError(400, "a bad Content-Length")
    return int(lengths[0])
