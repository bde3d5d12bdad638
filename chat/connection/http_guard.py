"""Keeps HTTP away from the chat port.

A web page, or ``curl -d``, can send any bytes as the lines of a request to any port. Each line
would be a frame: enough to register users through the browser of a stranger. But before its
header lines and its body comes a request line, and that ends the connection.
"""

from __future__ import annotations

import re

_is_request_line = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t].*[ \t]HTTP/[0-9]", re.IGNORECASE
).match
"""A token, a target in any form, with blanks, too, and a version: HTTP/1.1, and the first line of
HTTP/2. It names one blank on each side: ``[ \t]+.*`` would try a run of them in all its parts."""

_TEXT = b"This port speaks the chat protocol of docs/protocol.md, not HTTP.\n"

ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Content-Type: text/plain\r\n"
    b"Content-Length: %d\r\n"
    b"Connection: close\r\n"
    b"\r\n%b" % (len(_TEXT), _TEXT)
)
"""For a browser that has opened the port."""


def is_http(frame: bytes) -> bool:
    """Is this frame, which is not JSON, the first line of an HTTP request? Pure."""
    return _is_request_line(frame) is not None
