"""The conditional requests of RFC 9110, section 13. Pure functions; any thread."""

from __future__ import annotations

import re
from calendar import timegm
from email.utils import parsedate_tz

from muduopy.http.http_headers import HttpHeaders

_find_tags = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"').findall


def precondition_status(headers: HttpHeaders, etag: str, modified: int) -> int:
    """200, 304 or 412, for GET and HEAD of a file with this strong ETag.

    ``modified``: time of the last change, in whole seconds since 1970.
    """
    if "if-match" in headers:
        if not _matches(headers["if-match"], etag, weak=False):
            return 412
    elif "if-unmodified-since" in headers:
        since = http_time(headers["if-unmodified-since"])
        if since is not None and modified > since:
            return 412
    if "if-none-match" in headers:
        return 304 if _matches(headers["if-none-match"], etag, weak=True) else 200
    if "if-modified-since" in headers:
        since = http_time(headers["if-modified-since"])
        if since is not None and modified <= since:
            return 304
    return 200


def range_is_current(headers: HttpHeaders, etag: str, modified: int) -> bool:
    """Whether If-Range lets the ranges be sent: the client has parts of this very file."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    if condition.endswith('"'):
        return condition == etag  # a weak one never matches
    return http_time(condition) == modified


def http_time(text: str) -> int | None:
    """Seconds since 1970 of a time in one of HTTP's formats; None if it is none."""
    try:
        parsed = parsedate_tz(text)
        return None if parsed is None else timegm((*parsed[:6], 0, 0, 0)) - (parsed[9] or 0)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _matches(field: str, etag: str, *, weak: bool) -> bool:
    if field.strip(" \t") == "*":
        return True
    tags: list[str] = _find_tags(field)
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)
