"""A user of a chaos run, and the devices it has at the beginning."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, field


class Kind(enum.Enum):
    """How a user came to its devices."""

    OLD = "the unnamed device only"
    MIXED = "the unnamed device, and named ones beside it"
    NEW = "named devices only; the first one gets what waited before"
    UPGRADED = "an unnamed device that says `devices` later on, as the first named one"


PEOPLE = (
    *((Kind.NEW, 4), (Kind.MIXED, 3), (Kind.UPGRADED, 3), (Kind.NEW, 1), (Kind.OLD, 1)),
    *((Kind.MIXED, 2), (Kind.NEW, 3), (Kind.UPGRADED, 1), (Kind.NEW, 2), (Kind.MIXED, 4)),
)
"""The users of a run: their kinds, and their devices at the beginning."""

OBSERVER = (Kind.NEW, 1)
"""A further one, which creates the groups whose members change. Its device does not end."""


@dataclass(slots=True)
class Person:
    """What the clients of a user know of each other. The event loop's thread.

    Attributes:
        heir: the number of the device that took the place of the unnamed one; None: none did yet.
        ready: the first device has logged in, so the others may.
        numbers: of the named devices that a client uses, by the name of the device.
        lost: names and numbers of devices that no client uses any more.
    """

    user_id: int
    name: str
    kind: Kind
    count: int
    groups: dict[int, frozenset[int]] = field(default_factory=dict)
    foreign_groups: list[int] = field(default_factory=list)
    peers: list[int] = field(default_factory=list)
    heir: int | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: dict[str, int] = field(default_factory=dict)
    lost: list[tuple[str, int]] = field(default_factory=list)

    def begins_named(self, seat: int) -> bool:
        """Does its device number ``seat`` say ``devices`` from the beginning?"""
        if seat:
            return True
        return self.kind is Kind.NEW

    def device_name(self, seat: int) -> str:
        """The identification of a device at the beginning."""
        return f"device {seat} of {self.name}"
