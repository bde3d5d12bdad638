"""Reads X-Forwarded-For, in which an HTTP proxy names its client. Pure."""

from __future__ import annotations

from collections.abc import Callable

from chat.limits.networks import canonical


def client_of(forwarded: str, is_proxy: Callable[[str], bool]) -> str | None:
    """The last address that is no proxy's; None: there is none, or it is malformed.

    Each proxy appends the address of its peer. What comes before the last address of a stranger is
    that stranger's own claim.
    """
    for text in reversed(forwarded.split(",")):
        try:
            # The scope of an IPv6 address could be any text.
            host = canonical(text.strip(" \t").replace("%", " "))
        except ValueError:
            return None
        if not is_proxy(host):
            return host
    return None
