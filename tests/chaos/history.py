"""The history of a chaos run: what its clients have done and got, in one order."""

from __future__ import annotations

from dataclasses import dataclass, field

UNNAMED = 0
"""The number of the device that old clients share."""


@dataclass(slots=True)
class Device:
    """A device of a user, from its first login to its end.

    Times are positions in the history, not seconds.

    Attributes:
        number: by the server, which uses no number again.
        since: by the server: it gets messages with higher numbers.
        opened: when the client had the answer to the first login.
        took: it has taken the place of the unnamed device, and gets the messages that waited there.
        alone: the other devices of the user had ended, or may have. Then the user has the unnamed
            device until a new one is opened, which may take its place.
        ended: when a client had the answer that it has ended; None: it has not.
        ending: a client has asked for its end, and has no answer yet.
    """

    user: int
    number: int
    since: int = 0
    opened: int = 0
    took: bool = False
    alone: bool = False
    ended: int | None = None
    ending: bool = False

    def __str__(self) -> str:
        return f"device {self.number} of user {self.user}"


@dataclass(slots=True)
class Sent:
    """A message, as its sender remembers it. ``number`` counts the device's messages.

    ``devices``: the sender's devices that have sent it. A device that has ended and comes again as
    a new one sends what was not acknowledged. ``changing``: it is for a group whose members change.
    The log of the group then tells its receivers.
    """

    sender: int
    number: int
    mid: str
    kind: int
    target: int
    text: str
    receivers: frozenset[int]
    first_sent: int
    connection: int
    devices: set[int] = field(default_factory=set)
    acked: int | None = None
    acked_connection: int | None = None
    seq: int | None = None
    changing: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a client received. ``device``: its number. ``at``: the position."""

    receiver: int
    device: int
    connection: int
    seq: int
    sender: int
    kind: int
    target: int
    text: str
    at: int = 0


@dataclass(slots=True)
class Change:
    """A change of a group, as the user remembers it that has asked for it.

    Attributes:
        event: the word of its event.
        group: None for a new group whose number is not known.
        user: the user whose membership changes; 0: the change is of the group itself.
        by: the user that asks.
        mark: the role, or a text that is in this change only; "" if the event has neither.
        asked, acked: positions. ``acked`` is None without an answer, and then the change was made
            or not.
        refused: the server has refused it.
    """

    event: str
    group: int | None
    user: int
    by: int
    mark: str
    asked: int
    acked: int | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a group that a client received: ``event`` to ``mark`` as in Change."""

    receiver: int
    device: int
    connection: int
    seq: int
    event: str
    group: int
    user: int
    by: int
    mark: str
    at: int


@dataclass(frozen=True, slots=True)
class Look:
    """The members of a group, which a client has asked for after an event. ``at``: the answer."""

    group: int
    seq: int
    members: frozenset[int]
    at: int


@dataclass(slots=True)
class History:
    """What all clients have done and got, in one order.

    Attributes:
        devices: by user and number.
        has_gaps: mailboxes are small. What a device has sent may then come back to it: a message
            that is taken from the log does not say which device has sent it.
    """

    devices: dict[tuple[int, int], Device] = field(default_factory=dict)
    has_gaps: bool = False
    sent: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    failed_connections: set[int] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    clock: int = 0

    def tick(self) -> int:
        """The next position."""
        self.clock += 1
        return self.clock

    def open(
        self, user: int, number: int, since: int = 0, *, asked: int = 0, took: bool = False
    ) -> None:
        """A client has logged in on this device, for the first time or again.

        ``asked``: when it sent the request.
        """
        device = self.devices.get((user, number))
        if device is None:
            others = [other for other in self.devices.values() if other.user == user]
            alone = all(other.ended is not None or other.ending for other in others)
            self.devices[user, number] = Device(user, number, since, self.tick(), took, alone)
        elif device.ended is not None and asked > device.ended:
            self.surprises.append(f"came again after its end: {device}")
        elif device.since != since and device.ended is None:
            self.surprises.append(f"begins after {since} now: {device!r}")

    def end(self, user: int, number: int) -> None:
        """A client had the answer that this device has ended. It may never have known it before."""
        device = self.devices.setdefault((user, number), Device(user, number, opened=self.clock))
        if device.ended is None:
            device.ended = self.tick()
