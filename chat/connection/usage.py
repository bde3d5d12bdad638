"""Usage: what each connection has sent and received, read from counters that exist anyway.

Nothing is counted for this, so a message costs no more because of it. Two readings, some seconds
apart, show the connections that send most.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chat.connection.connection import AnyConnection
from chat.connection.token_bucket import TokenBucket


@dataclass(frozen=True, slots=True)
class Usage:
    """The input and output of one connection in some seconds.

    Attributes:
        peer: the client's host.
        owner: its user, or "guest".
        cost: tokens of its bucket (token_bucket.py): frames, and one more for each KiB of a frame.
        received, sent: bytes.
    """

    peer: str
    owner: str
    cost: int
    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of one connection at one moment."""

    bucket: TokenBucket
    used: int
    received: int
    sent: int


Reading = Mapping[AnyConnection, Counters]


def read_counters(connections: Collection[AnyConnection]) -> Reading:
    """A reading of these connections, which are of one loop. That loop."""
    found = {}
    for connection in connections:
        bucket, tcp = connection.flow.bucket, connection.tcp
        found[connection] = Counters(bucket, bucket.used, tcp.bytes_received, tcp.bytes_sent)
    return found


def between(first: Reading, second: Reading) -> list[Usage]:
    """The usage of the connections of the second reading, the greatest cost first. Any thread."""
    usages = []
    for connection, now in second.items():
        before = first.get(connection)
        received, sent, cost = now.received, now.sent, now.used
        if before is not None:
            received -= before.received
            sent -= before.sent
            # A login gives the connection a new bucket.
            cost -= before.used if now.bucket is before.bucket else 0
        usages.append(Usage(connection.peer, connection.owner, cost, received, sent))
    return sorted(usages, key=lambda usage: (usage.cost, usage.received), reverse=True)
