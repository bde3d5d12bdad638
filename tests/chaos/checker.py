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

group_check.py has the demands for changes of groups. Their log tells who gets a message to a group
whose members change.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter

from tests.chaos.group_check import MOST_TOLD, GroupCheck, Step
from tests.chaos.history import UNNAMED, Device, Event, History, Received, Sent

REMEMBERED = 1000
"""Numbers that a client remembers, by the protocol."""


GROUP_CHAT = 10


class Check:
    """A history, and what it says about the groups."""

    def __init__(self, history: History, most_told: int = MOST_TOLD) -> None:
        self.history = history
        self.groups = GroupCheck(history, most_told)
        self._find_receivers()

    def _find_receivers(self) -> None:
        """Of the messages to groups whose members change."""
        numbers = {got.text: got.seq for got in self.history.received}
        for sent in self.history.sent:
            if sent.changing:
                seq = sent.seq or numbers.get(sent.text, 0)
                members = self.groups.log.roles_at(sent.target, seq)
                sent.receivers = frozenset(members) - {sent.sender}

    def missing(self) -> list[str]:
        """The acknowledged messages, and the events, that have not reached a device yet."""
        return [
            *(f"lost: {device} never got {sent}" for sent, device in self._missing_messages()),
            *self.groups.missing(),
        ]

    def _missing_messages(self) -> list[tuple[Sent, Device]]:
        history = self.history
        got = {(item.receiver, item.device, item.text) for item in history.received}
        of_user: defaultdict[int, list[Device]] = defaultdict(list)
        for device in history.devices.values():
            if device.ended is None and not device.ending:
                of_user[device.user].append(device)
        return [
            (sent, device)
            for sent in history.sent
            if sent.acked is not None
            for user in sorted(sent.receivers | {sent.sender})
            for device in of_user[user]
            if is_for(sent, device)
            and ((sent.seq or 0) > device.since or (device.took and user in sent.receivers))
            and (user, device.number, sent.text) not in got
            and not (device.took and (user, UNNAMED, sent.text) in got)
            and not self._left_with_a_gap(sent, user)
        ]

    def _left_with_a_gap(self, sent: Sent, user: int) -> bool:
        """May the message have waited behind a gap when the user lost the group?"""
        leaves = self.groups.log.leaves_after
        return self.history.has_gaps and sent.changing and leaves(sent.target, user, sent.seq or 0)


def is_for(sent: Sent, device: Device) -> bool:
    """Is the message for this device, if that is there when the message is stored?"""
    if device.user in sent.receivers:
        return True
    is_copy = device.user == sent.sender and (sent.changing or bool(sent.receivers))
    return is_copy and device.number not in (UNNAMED, *sent.devices)


def check(history: History, most_told: int = MOST_TOLD) -> list[str]:
    """Every violation, in words."""
    whole = Check(history, most_told)
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
    problems += whole.missing()
    problems += _order(history)
    problems += whole.groups.log.problems + whole.groups.problems
    problems += whole.groups.foreign() + whole.groups.early()
    problems += _order_in_groups(history, whole.groups.steps)
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
    pairs += [(f"event {got.seq}", got.seq) for got in history.events]
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


def _arrivals(history: History) -> list[Received | Event]:
    """Messages and events, in the order in which they came."""
    return sorted([*history.received, *history.events], key=attrgetter("at"))


def _twice_on_a_connection(history: History) -> list[str]:
    seen: set[tuple[int, int]] = set()
    problems = []
    for got in _arrivals(history):
        if (got.connection, got.seq) in seen:
            problems.append(f"twice on one connection: {got}")
        seen.add((got.connection, got.seq))
    return problems


def _shown_twice(history: History) -> list[str]:
    shown: defaultdict[tuple[int, int], dict[int, None]] = defaultdict(dict)  # in their order
    ever: set[tuple[int, int, int]] = set()
    problems = []
    for got in _arrivals(history):
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


def _order(history: History) -> list[str]:
    by_sender: defaultdict[int, list[Sent]] = defaultdict(list)
    for sent in history.sent:
        if sent.acked is not None:
            by_sender[sent.sender].append(sent)
    problems = []
    for messages in by_sender.values():
        problems += _after_the_ack([_step(sent) for sent in messages])
        problems += _on_one_connection(messages, history.failed_connections)
    return problems


def _order_in_groups(history: History, changes: list[Step]) -> list[str]:
    by_group: defaultdict[int, list[Step]] = defaultdict(list)
    messages = [_step(s) for s in history.sent if s.changing and s.acked is not None]
    for step in changes + messages:
        by_group[step.group].append(step)
    return [problem for steps in by_group.values() for problem in _after_the_ack(steps)]


def _step(sent: Sent) -> Step:
    return Step(sent.target, sent.first_sent, sent.acked, sent.seq or 0, str(sent))


def _after_the_ack(steps: list[Step]) -> list[str]:
    """A step that was acknowledged before another one was asked for has the lower number."""
    problems = []
    by_ack = sorted((s for s in steps if s.acked is not None), key=lambda step: step.acked or 0)
    highest: Step | None = None
    position = 0
    for step in sorted(steps, key=lambda step: step.asked):
        while position < len(by_ack) and (by_ack[position].acked or 0) < step.asked:
            earlier = by_ack[position]
            if highest is None or earlier.seq > highest.seq:
                highest = earlier
            position += 1
        if highest is not None and step.seq < highest.seq:
            problems.append(f"out of order: {step.words} was sent after the ack of {highest.words}")
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
