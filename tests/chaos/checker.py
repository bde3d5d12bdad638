"""The checker: it reads the history of the clients and lists violations of the promise. Pure.

It knows nothing of servers. It demands of every run:

- A message that was acknowledged to its sender has reached every receiver.
- Each message has one number (``seq``), and each number has one message. So a client that shows
  each number once shows each message once.
- No number comes twice on one connection.
- A client that remembers the last REMEMBERED numbers shows no message twice.
- The numbers are in the order of each sender. If a sender sends B after A was acknowledged, B has
  the higher number. The same holds for two messages on one connection without a failure.
- Each message that appears was sent, and was sent to this receiver.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

REMEMBERED = 1000
"""Numbers that a client remembers, by the protocol."""


@dataclass(slots=True)
class Sent:
    """A message, as its sender remembers it. ``number`` counts the sender's messages.

    Times are positions in the history, not seconds.
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
    acked: int | None = None
    acked_connection: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a client received."""

    receiver: int
    connection: int
    seq: int
    sender: int
    kind: int
    target: int
    text: str


@dataclass(slots=True)
class History:
    """All events of the clients, in one order."""

    sent: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    failed_connections: set[int] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    clock: int = 0

    def tick(self) -> int:
        """The next position."""
        self.clock += 1
        return self.clock


def check(history: History) -> list[str]:
    """Every violation, in words."""
    by_text = {sent.text: sent for sent in history.sent}
    problems = list(history.surprises)
    if len(by_text) != len(history.sent):
        problems.append("the run itself sent a text twice")
    problems += _foreign(history, by_text)
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
        sent = by_text.get(got.text)
        if sent is None:
            problems.append(f"never sent: {got}")
        elif (sent.sender, sent.kind, sent.target) != (got.sender, got.kind, got.target):
            problems.append(f"{got} is not what was sent: {sent}")
        elif got.receiver not in sent.receivers:
            problems.append(f"{got} was not for this receiver")
    return problems


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
    shown: defaultdict[int, dict[int, None]] = defaultdict(dict)  # in their order
    ever: set[tuple[int, int]] = set()
    problems = []
    for got in history.received:
        remembered = shown[got.receiver]
        if got.seq in remembered:
            continue
        if (got.receiver, got.seq) in ever:
            problems.append(f"came again when it was long forgotten: {got}")
        ever.add((got.receiver, got.seq))
        remembered[got.seq] = None
        if len(remembered) > REMEMBERED:
            del remembered[next(iter(remembered))]
    return problems


def _lost(history: History) -> list[str]:
    got = {(item.receiver, item.text) for item in history.received}
    return [
        f"lost: user {receiver} never got {sent}"
        for sent in history.sent
        if sent.acked is not None
        for receiver in sorted(sent.receivers)
        if (receiver, sent.text) not in got
    ]


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
