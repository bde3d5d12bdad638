"""The check of the Host field, against DNS rebinding. Pure.

A page of an attacker in an operator's browser asks http://evil.example:9600/inspect. The name first
leads to the attacker, and then to 127.0.0.1. The browser sends the name in the field, and would
show the answer to the page of the attacker.
"""

from __future__ import annotations

from collections.abc import Collection

from chat.limits.networks import parse_address

LOCAL = "localhost"


def is_own_host(field: str | None, names: Collection[str]) -> bool:
    """Whether a request with this Host field is for this server.

    It is if the host is an address, ``localhost``, or one of ``names``, or if there is no field,
    which browsers always send.
    """
    if field is None:
        return True
    host = field.strip().lower()
    if host.startswith("["):
        return parse_address(host[1:].partition("]")[0]) is not None
    host = host.partition(":")[0].removesuffix(".")
    return host == LOCAL or host in names or parse_address(host) is not None
