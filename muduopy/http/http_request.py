"""HttpRequest: one request, with its body unless that comes in parts."""

from __future__ import annotations

from dataclasses import dataclass

from muduopy.address import Address
from muduopy.http.http_headers import HttpHeaders


@dataclass(frozen=True, slots=True, eq=False)
class HttpRequest:
    """A value. Immutable; any thread.

    Attributes:
        method: "GET", "POST" or any other word, in the client's spelling.
        target: the second word of the request line, unchanged.
        path: the path of the target, with %xx decoded; bytes that are not UTF-8 become U+FFFD.
            Dots and slashes are unchanged, so check it before you open a file with it.
        raw_path: the path of the target, not decoded.
        query: the part of the target after the "?", not decoded; see ``urllib.parse.parse_qs``.
        version: "1.1" or "1.0".
        headers: the header fields; look-ups ignore case. Their text is Latin-1.
        body: the body, with its chunks joined; empty if there was none, or if it comes in parts
            (HttpUpload).
        peer: address of the other end.
        when: time at which its last byte was parsed, seconds of ``time.monotonic``.
    """

    method: str
    target: str
    path: str
    raw_path: str
    query: str
    version: str
    headers: HttpHeaders
    body: bytes
    peer: Address
    when: float

    def asks_for(self, protocol: str) -> bool:
        """Whether the client asks to go on with this protocol, such as "websocket".

        See ``HttpResponse.upgrade``.
        """
        headers = self.headers
        return (
            self.version == "1.1"
            and "upgrade" in headers.tokens("connection")
            and protocol.lower() in headers.tokens("upgrade")
        )
