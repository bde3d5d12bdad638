"""The PROXY protocol, version 1: a balancer sends the address of its client. Pure.

One line of text before anything else: ``PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\\r\\n``. Source:
the specification at haproxy.org, section 2.1.
"""

from __future__ import annotations

from chat.limits.networks import canonical

MAX_LINE = 107
"""Bytes, with the line's end."""

EMPTY_FRAMES = b"\r\n\0"


class BadProxyLineError(ValueError):
    """A connection that does not begin as it must behind a balancer."""


def split_proxy_line(data: bytes) -> tuple[str | None, bytes] | None:
    """The client's address and the bytes after the line; None if the line is not complete.

    The address is None where the balancer speaks for itself (UNKNOWN). Raises BadProxyLineError.
    """
    line, end, rest = data.partition(b"\r\n")
    if not end:
        if len(data) >= MAX_LINE or not data.startswith(b"PROXY "[: len(data)]):
            raise BadProxyLineError("no PROXY line")
        return None
    if len(line) + len(end) > MAX_LINE:
        raise BadProxyLineError("no PROXY line")
    words = line.split(b" ")
    if words[:2] == [b"PROXY", b"UNKNOWN"]:
        return None, rest
    # The scope of an IPv6 address could be any text, such as a terminal's escape in the log.
    scoped = b"%" in line
    if len(words) != 6 or words[0] != b"PROXY" or words[1] not in (b"TCP4", b"TCP6") or scoped:
        raise BadProxyLineError("a malformed PROXY line")
    try:
        return canonical(words[2].decode("ascii")), rest
    except ValueError as exc:
        raise BadProxyLineError("a malformed PROXY line") from exc


def is_idle(data: bytes, *, proxy: bool) -> bool:
    """Whether a peer that has sent only these bytes, and closed, needs no answer.

    ``proxy``: a PROXY line comes first. A wrong one is no idle peer: the log reports it.
    """
    if proxy:
        try:
            found = split_proxy_line(data)
        except BadProxyLineError:
            return False
        data = b"" if found is None else found[1]
    return not data.strip(EMPTY_FRAMES)
