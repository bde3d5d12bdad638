"""The checker finds each kind of violation, and nothing where there is none."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.chaos.checker import REMEMBERED, History, Received, Sent, check


class Story:
    """A history, told step by step."""

    def __init__(self) -> None:
        self.history = History()

    def send(self, sender: int, *receivers: int, connection: int = 1, **changes: Any) -> Sent:
        number = len(self.history.sent)
        sent = Sent(
            sender,
            number,
            f"mid {number}",
            6 if len(receivers) == 1 else 10,
            receivers[0],
            f"text {number}",
            frozenset(receivers),
            self.history.tick(),
            connection,
        )
        self.history.sent.append(dataclasses.replace(sent, **changes))
        return self.history.sent[-1]

    def ack(self, sent: Sent, seq: int, connection: int = 1) -> None:
        sent.acked, sent.seq, sent.acked_connection = self.history.tick(), seq, connection

    def receive(self, sent: Sent, receiver: int, seq: int, connection: int = 7) -> None:
        self.history.received.append(
            Received(receiver, connection, seq, sent.sender, sent.kind, sent.target, sent.text)
        )

    def problem(self) -> str:
        (problem,) = check(self.history)
        return problem


def test_all_is_well() -> None:
    story = Story()
    first, second = story.send(1, 2), story.send(1, 2, 3)
    story.ack(first, 10)
    story.ack(second, 11)
    for receiver, connection in ((2, 7), (3, 8)):
        story.receive(second, receiver, 11, connection)
    story.receive(first, 2, 10)
    story.receive(first, 2, 10, connection=9)  # once more, after reconnecting
    story.send(1, 3)  # never acknowledged, never received
    unacked = story.send(2, 3)
    story.receive(unacked, 3, 12, 8)
    assert check(story.history) == []


def test_lost() -> None:
    story = Story()
    sent = story.send(1, 2, 3)
    story.ack(sent, 10)
    story.receive(sent, 2, 10)
    assert story.problem().startswith("lost: user 3 never got")


def test_delivered_twice() -> None:
    story = Story()
    sent = story.send(1, 2)
    story.ack(sent, 10)
    story.receive(sent, 2, 10)
    story.receive(sent, 2, 11)
    assert story.problem().startswith("delivered twice, as [10, 11]")


def test_came_again_when_it_was_forgotten() -> None:
    story = Story()
    old = story.send(1, 2)
    story.receive(old, 2, 1)
    for seq in range(2, REMEMBERED + 2):
        if seq == REMEMBERED:
            story.receive(old, 2, 1, connection=8)
            assert check(story.history) == []
        story.receive(story.send(1, 2), 2, seq)
    story.receive(old, 2, 1, connection=9)
    assert story.problem().startswith("came again when it was long forgotten")


def test_acknowledged_under_another_number() -> None:
    story = Story()
    sent = story.send(1, 2)
    story.ack(sent, 10)
    story.receive(sent, 2, 11)
    assert story.problem().startswith("delivered twice")


def test_one_number_for_two_messages() -> None:
    story = Story()
    for _ in range(2):
        story.receive(story.send(1, 2), 2, 10, connection=len(story.history.sent))
    assert story.problem().startswith("seq 10 is more than one message")


def test_twice_on_one_connection() -> None:
    story = Story()
    sent = story.send(1, 2)
    story.receive(sent, 2, 10)
    story.receive(sent, 2, 10)
    assert story.problem().startswith("twice on one connection")


def test_out_of_order() -> None:
    story = Story()
    first = story.send(1, 2)
    story.ack(first, 11)
    second = story.send(1, 2, connection=2)
    story.ack(second, 10, connection=2)
    story.receive(first, 2, 11)
    story.receive(second, 2, 10)
    assert story.problem().startswith("out of order: ")


def test_out_of_order_on_one_connection() -> None:
    story = Story()
    first, second = story.send(1, 2), story.send(1, 2)
    story.ack(second, 10)
    story.ack(first, 11)
    story.receive(first, 2, 11)
    story.receive(second, 2, 10)
    assert story.problem().startswith("out of order on one connection")
    story.history.failed_connections.add(1)  # where something failed, what followed may overtake
    assert check(story.history) == []


def test_foreign_messages() -> None:
    story = Story()
    sent = story.send(1, 2)
    story.receive(sent, 3, 10)
    assert "was not for this receiver" in story.problem()
    story = Story()
    sent = story.send(1, 2)
    story.receive(dataclasses.replace(sent, sender=5), 2, 10)
    assert "is not what was sent" in story.problem()
    story = Story()
    sent = story.send(1, 2)
    story.receive(dataclasses.replace(sent, text="text 0?"), 2, 10)
    assert story.problem().startswith("never sent")


def test_surprises_count() -> None:
    story = Story()
    story.history.surprises.append("a surprise")
    assert story.problem() == "a surprise"
