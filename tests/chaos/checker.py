"""The checker: it reads the history of the clients and lists violations of the promise. Pure.

It knows nothing of servers. It demands of every run:

- A message that was acknowledged to its sender has reached each device of every receiver, and the
  sender's other named devices. It need not reach devices that have ended, and those that were
  opened after it: a device has ``since``, and gets messages with higher numbers.
- No device gets a message from before ``since``, or one that was sent after the device had ended.
  A device that has ended never comes again under its number.
- A message does not come back to the device that has sent it, unless it is to the sender. The
  unnamed device gets no copies of what its owner sends.
- Each message has one number (``seq``), and each number has one message. So a client that shows
  each number once shows each message once.
- No number comes twice on one connection.
- A device that remembers the last REMEMBERED numbers shows no message twice.
- The numbers are in the order of each sender. If a sender sends B after A was acknowledged, on
  whatever device, B has the higher number. The same holds for two messages on one connection
  without a failure.
- Each message that appears was sent, and was sent to this receiver.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

REMEMBERED = 1000
"""Numbers that a client remembers, by the protocol."""


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
    a new one sends what was not acknowledged.
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


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a client received. ``device``: its number."""

    receiver: int
    device: int
    connection: int
    seq: int
    sender: int
    kind: int
    target: int
    text: str


@dataclass(slots=True)
class History:
    """All events of the clients, in one order.

    Attributes:
        devices: by user and number.
        has_gaps: mailboxes are small. What a device has sent may then come back to it: a message
            that is taken from the log does not say which device has sent it.
    """

    devices: dict[tuple[int, int], Device] = field(default_factory=dict)
    has_gaps: bool = False
    sent: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
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

    def missing(self) -> list[tuple[Sent, Device]]:
        """The acknowledged messages that have not reached a device yet."""
        got = {(item.receiver, item.device, item.text) for item in self.received}
        of_user: defaultdict[int, list[Device]] = defaultdict(list)
        for device in self.devices.values():
            if device.ended is None and not device.ending:
                of_user[device.user].append(device)
        return [
            (sent, device)
            for sent in self.sent
            if sent.acked is not None
            for user in sorted(sent.receivers | {sent.sender})
            for device in of_user[user]
            if is_for(sent, device)
            and ((sent.seq or 0) > device.since or (device.took and user in sent.receivers))
            and (user, device.number, sent.text) not in got
            and not (device.took and (user, UNNAMED, sent.text) in got)
        ]


def is_for(sent: Sent, device: Device) -> bool:
    """Is the message for this device, if that is there when the message is stored?"""
    if device.user in sent.receivers:
        return True
    is_copy = device.user == sent.sender and bool(sent.receivers)
    return is_copy and device.number not in (UNNAMED, *sent.devices)


def check(history: History) -> list[str]:
    """Every violation, in words."""
    by_text = {sent.text: sent for sent in history.sent}
    problems = list(history.surprises)
    if len(by_text) != len(history.sent):
        problems.append("the run itself sent a text twice")
    problems += _foreign(history, by_text)
    problems += _late_beginnings(history)
    problems += _ended_senders(history)
    problems += _numbers(history, by_text)
    problems += _twice_on_a_connection(history)
    problems += _shown_twice(history)
    problems += _lost(history)
    problems += _order(history)
    return problems


def _foreign(history: History, by_text: dict[str, Sent]) -> list[str]:
    """Received messages that were not sent, were sent differently, or had another receiver."""
    problems = []
    for got in history.received:
        sent, device = by_text.get(got.text), history.devices[got.receiver, got.device]
        if sent is None:
            problems.append(f"never sent: {got}")
        elif (sent.sender, sent.kind, sent.target) != (got.sender, got.kind, got.target):
            problems.append(f"{got} is not what was sent: {sent}")
        elif device.ended is not None and sent.first_sent > device.ended:
            problems.append(f"sent after the end of the device: {got}")
        elif got.seq <= device.since and not _has_waited(sent, device):
            problems.append(f"older than the device, which begins after {device.since}: {got}")
        elif not (is_for(sent, device) or _is_from_log(history, sent, device)):
            problems.append(f"{got} was not for this device")
    return problems


def _has_waited(sent: Sent, device: Device) -> bool:
    """May it have waited in the mailbox of the unnamed device, which this one has taken over?"""
    return (device.took or device.alone) and device.user in sent.receivers


def _ended_senders(history: History) -> list[str]:
    """A device that has ended sends nothing more."""
    problems = []
    for sent in history.sent:
        devices = [history.devices[sent.sender, number] for number in sent.devices]
        ended = [d.ended is not None and d.ended < sent.first_sent for d in devices]
        if sent.acked is not None and ended and all(ended):
            problems.append(f"stored for a device that had ended: {sent}")
    return problems


def _is_from_log(history: History, sent: Sent, device: Device) -> bool:
    """May it come back to the device that has sent it?"""
    return history.has_gaps and device.user == sent.sender and device.number != UNNAMED


def _late_beginnings(history: History) -> list[str]:
    """A message that was sent when a device was open already has a number after its beginning."""
    return [
        f"{device} begins after {device.since}, too late for {sent}"
        for device in history.devices.values()
        for sent in history.sent
        if sent.seq is not None and sent.seq <= device.since and sent.first_sent > device.opened
    ]


def _numbers(history: History, by_text: dict[str, Sent]) -> list[str]:
    """A message with two numbers would be shown twice; a number with two messages, once."""
    problems = []
    texts: defaultdict[int, set[str]] = defaultdict(set)
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    pairs = [(got.text, got.seq) for got in history.received]
    pairs += [(sent.text, sent.seq) for sent in history.sent if sent.seq is not None]
    for text, seq in pairs:
        texts[seq].add(text)
        numbers[text].add(seq)
    for seq, found in texts.items():
        if len(found) > 1:
            problems.append(f"seq {seq} is more than one message: {sorted(found)}")
    for text, seqs in numbers.items():
        if len(seqs) > 1:
            problems.append(f"delivered twice, as {sorted(seqs)}: {by_text.get(text, text)}")
    return problems


def _twice_on_a_connection(history: History) -> list[str]:
    seen: set[tuple[int, int]] = set()
    problems = []
    for got in history.received:
        if (got.connection, got.seq) in seen:
            problems.append(f"twice on one connection: {got}")
        seen.add((got.connection, got.seq))
    return problems


def _shown_twice(history: History) -> list[str]:
    shown: defaultdict[tuple[int, int], dict[int, None]] = defaultdict(dict)  # in their order
    ever: set[tuple[int, int, int]] = set()
    problems = []
    for got in history.received:
        remembered = shown[got.receiver, got.device]
        if got.seq in remembered:
            continue
        if (got.receiver, got.device, got.seq) in ever:
            problems.append(f"came again when it was long forgotten: {got}")
        ever.add((got.receiver, got.device, got.seq))
        remembered[got.seq] = None
        if len(remembered) > REMEMBERED:
            del remembered[next(iter(remembered))]
    return problems


def _lost(history: History) -> list[str]:
    return [f"lost: {device} never got {sent}" for sent, device in history.missing()]


def _order(history: History) -> list[str]:
    by_sender: defaultdict[int, list[Sent]] = defaultdict(list)
    for sent in history.sent:
        if sent.acked is not None:
            by_sender[sent.sender].append(sent)
    problems = []
    for messages in by_sender.values():
        problems += _after_the_ack(messages)
        problems += _on_one_connection(messages, history.failed_connections)
    return problems


def _after_the_ack(messages: list[Sent]) -> list[str]:
    """A message that was acknowledged before another one was sent has the lower number."""
    problems = []
    by_ack = sorted(messages, key=lambda sent: sent.acked or 0)
    highest: Sent | None = None
    position = 0
    for sent in sorted(messages, key=lambda sent: sent.first_sent):
        while position < len(by_ack) and (by_ack[position].acked or 0) < sent.first_sent:
            earlier = by_ack[position]
            if highest is None or (earlier.seq or 0) > (highest.seq or 0):
                highest = earlier
            position += 1
        if highest is not None and (sent.seq or 0) < (highest.seq or 0):
            problems.append(f"out of order: {sent} was sent after the ack of {highest}")
    return problems


def _on_one_connection(messages: list[Sent], failed: set[int]) -> list[str]:
    problems = []
    last: dict[int, Sent] = {}
    for sent in sorted(messages, key=lambda sent: sent.number):
        if sent.connection != sent.acked_connection or sent.connection in failed:
            continue
        earlier = last.get(sent.connection)
        if earlier is not None and (sent.seq or 0) < (earlier.seq or 0):
            problems.append(f"out of order on one connection: {sent} after {earlier}")
        last[sent.connection] = sent
    return problems
