"""HttpRequest: what a client asked for, complete with its body."""

from __future__ import annotations

from dataclasses import dataclass

from muduopy.address import Address
from muduopy.http.http_headers import HttpHeaders


@dataclass(frozen=True, slots=True, eq=False)
class HttpRequest:
    """A value without behaviour. Immutable; any thread.

    Attributes:
        method: in the client's spelling: "GET", "POST", anything.
        target: the second word of the request line, as it came.
        path: of the target, with %xx decoded; what is not UTF-8 becomes U+FFFD. Dots and
            slashes are as they came: do not open files by it without a look.
        query: of the target, what follows the "?", not decoded; see ``urllib.parse.parse_qs``.
        version: "1.1" or "1.0".
        headers: looked up without regard to case. Their text is Latin-1.
        body: chunks have been put together; empty if none came.
        peer: the other end's address.
        when: when the last byte of it was looked at, seconds of ``time.monotonic``.
    """

    method: str
    target: str
    path: str
    query: str
    version: str
    headers: HttpHeaders
    body: bytes
    peer: Address
    when: float
