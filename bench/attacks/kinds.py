"""The attacks: what each connection of an attack sends, and how."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.attacks.accounts import (
    FLOODERS,
    GROUP,
    GROUP_SENDERS,
    HISTORY_READERS,
    PASSWORD,
    VICTIMS,
    device_of,
)

Script = tuple[bytes, bytes]
"""The bytes of one connection: the prologue, such as a login, and the payload."""

NUMBER = b"\x01"
"""The attacker replaces this byte of a payload by a new number each time."""

MANY = 65_536
"""Addresses that a distributed attack announces."""


SOURCES = ("one", "many", "loopback")
"""Where an attack comes from: one address, many addresses, or the server's own machine.

The first two are announced by PROXY lines, because every connection of this machine comes from the
loopback network, which the limits for addresses exempt. ``loopback`` is an attack without PROXY
lines, so that it meets only the limits that do not depend on the address.
"""


@dataclass(frozen=True)
class Kind:
    """One kind of attack.

    Attributes:
        mode: the mode of attacker.c.
        connections: how many it keeps open.
        scripts: makes what the connections send; connection i sends script i modulo their number.
        interval_ms: between two bytes of the mode ``trickle``.
        tls: the server has a certificate.
        max_connections: of the server. The default is above the connections of every attack.
        lies: the connections begin with lines of their own instead of a PROXY line.
    """

    name: str
    mode: str
    connections: int
    scripts: Callable[[], list[Script]]
    interval_ms: int = 0
    tls: bool = False
    max_connections: int = 10_000
    lies: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the attack can come from. A server cannot have both PROXY lines and TLS."""
        if self.tls:
            return ("loopback",)
        return ("one",) if self.lies else SOURCES


def frame(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def login(user: int) -> bytes:
    return frame(msgid=1, v=2, id=user, password=PASSWORD, device=device_of(user))


def payload(data: bytes) -> Callable[[], list[Script]]:
    """All connections send the same, without a login."""
    return lambda: [(b"", data)]


def registrations() -> list[Script]:
    name = NUMBER.decode()
    text = json.dumps({"msgid": 4, "v": 2, "name": f"r{name}", "password": PASSWORD})
    return [(b"", text.replace("\\u0001", name).encode() + b"\n")]


def wrong_logins() -> list[Script]:
    return [(b"", frame(msgid=1, v=2, id=user, password="wrong-password")) for user in VICTIMS]


def chat_floods() -> list[Script]:
    """Each of the users writes to the next one, and acknowledges nothing."""
    following = [*FLOODERS[1:], FLOODERS[0]]
    return [
        (login(user), frame(msgid=6, id=user, toid=to, msg="x" * 100))
        for user, to in zip(FLOODERS, following, strict=True)
    ]


def group_floods() -> list[Script]:
    return [
        (login(user), frame(msgid=10, id=user, groupid=GROUP, msg="x" * 100))
        for user in GROUP_SENDERS
    ]


def histories() -> list[Script]:
    """Two users have a conversation of long messages; all readers read theirs with one of them."""
    return [
        (login(user), frame(msgid=29, id=user, groupid=GROUP, limit=100))
        for user in HISTORY_READERS
    ]


def client_hello() -> list[Script]:
    """The first flight of a TLS handshake, which costs the server a signature."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    handshake = context.wrap_bio(received, sent)
    try:
        handshake.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return [(b"", sent.read())]


LIES = (
    b"PROXY TCP4 999.1.1.1 127.0.0.1 1 1\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\nPROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n",
    b"PROXY TCP6 ::1 ::1 1 1\r\n\n",
    b"PROXY UNKNOWN\r\n\n",
    b"PROXY " + b"x" * 300 + b"\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b'{"msgid":26}\n',
)


def proxy_lies() -> list[Script]:
    return [(b"", line) for line in LIES]


PING = b'{"msgid":26}\n'

KINDS = {
    kind.name: kind
    for kind in (
        Kind("ping", "flood", 100, payload(PING)),
        Kind("line-feeds", "flood", 100, payload(b"\n")),
        Kind("registrations", "ask", 1000, registrations),
        Kind("logins", "ask", 1000, wrong_logins),
        Kind("connect-close", "close", 100, payload(b"")),
        Kind("resets", "reset", 100, payload(PING)),
        Kind("chat", "flood", len(FLOODERS), chat_floods),
        Kind("groups", "flood", len(GROUP_SENDERS), group_floods),
        Kind("history", "flood", len(HISTORY_READERS), histories),
        Kind("tls-hellos", "hello", 100, client_hello, tls=True),
        Kind("tls-silence", "hold", 1050, payload(b""), tls=True, max_connections=1000),
        Kind("slowloris", "trickle", 1000, payload(b"x"), 3000, max_connections=1000),
        Kind("proxy-lies", "flood", 100, proxy_lies, lies=True),
    )
}
