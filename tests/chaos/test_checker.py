"""The checker finds each kind of violation, and nothing where there is none."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.chaos.checker import REMEMBERED, check
from tests.chaos.history import UNNAMED, History, Received, Sent


class Story:
    """A history, told step by step. Users without other devices have the unnamed one."""

    def __init__(self) -> None:
        self.history = History()

    def send(
        self,
        sender: int,
        *receivers: int,
        connection: int = 1,
        device: int = UNNAMED,
        **changes: Any,
    ) -> Sent:
        number = len(self.history.sent)
        users = {user for user, _ in self.history.devices}
        for user in {sender, *receivers} - users:
            self.history.open(user, UNNAMED)
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
            {device},
        )
        self.history.sent.append(dataclasses.replace(sent, **changes))
        return self.history.sent[-1]

    def ack(self, sent: Sent, seq: int, connection: int = 1) -> None:
        sent.acked, sent.seq, sent.acked_connection = self.history.tick(), seq, connection

    def receive(
        self, sent: Sent, receiver: int, seq: int, connection: int = 7, device: int = UNNAMED
    ) -> None:
        place = (receiver, device, connection, seq)
        self.history.received.append(
            Received(*place, sent.sender, sent.kind, sent.target, sent.text)
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
    assert story.problem().startswith("lost: device 0 of user 3 never got")


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
    story.history.open(3, UNNAMED)
    story.receive(sent, 3, 10)
    assert "was not for this device" in story.problem()
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


# ---------------------------------------------------------------------- devices


def with_devices() -> Story:
    """User 1 has the devices 11 and 12, user 2 the devices 21 and 22, and the unnamed one."""
    story = Story()
    for user, number in ((1, 11), (1, 12), (2, 21), (2, 22), (2, UNNAMED)):
        story.history.open(user, number, since=9 if number else 0)
    return story


def test_each_device_gets_a_message() -> None:
    story = with_devices()
    sent = story.send(1, 2, device=11)
    story.ack(sent, 10)
    story.receive(sent, 1, 10, 1, device=12)
    story.receive(sent, 2, 10, 2)
    story.receive(sent, 2, 10, 3, device=21)
    assert story.problem().startswith("lost: device 22 of user 2 never got")
    story.receive(sent, 2, 10, 4, device=22)
    assert check(story.history) == []


def test_the_other_device_of_the_sender_gets_a_copy() -> None:
    story = with_devices()
    sent = story.send(2, 1, device=21)
    story.ack(sent, 10)
    for device in (11, 12):
        story.receive(sent, 1, 10, device, device=device)
    assert story.problem().startswith("lost: device 22 of user 2 never got")
    story.receive(sent, 2, 10, 4, device=22)
    assert check(story.history) == []
    story.receive(sent, 2, 10, 5)
    assert "was not for this device" in story.problem(), "the unnamed device gets no copies"


@pytest.mark.parametrize("receivers", [(1,), (1, 3)])
def test_no_copy_for_the_sending_device(receivers: tuple[int, ...]) -> None:
    story = with_devices()
    story.history.open(3, UNNAMED)
    sent = story.send(2, *receivers, device=21)
    story.receive(sent, 2, 10, device=21)
    assert "was not for this device" in story.problem()
    story.history.has_gaps = True  # it may come back from the log
    assert check(story.history) == []


def test_a_message_to_oneself_comes_to_all_devices() -> None:
    story = with_devices()
    sent = story.send(2, 2, device=21)
    story.ack(sent, 10)
    for device in (21, 22):
        story.receive(sent, 2, 10, device, device=device)
    assert story.problem().startswith("lost: device 0 of user 2 never got")
    story.receive(sent, 2, 10)
    assert check(story.history) == []


def test_a_device_gets_no_message_from_before_its_beginning() -> None:
    story = Story()
    sent = story.send(1, 2)
    story.ack(sent, 10)
    story.receive(sent, 2, 10)
    story.history.open(2, 21, since=10)
    assert check(story.history) == []
    story.receive(sent, 2, 10, 8, device=21)
    assert story.problem().startswith("older than the device")


def test_a_new_device_misses_a_message() -> None:
    """It was sent before the device was there, and has a higher number than the beginning."""
    story = Story()
    sent = story.send(1, 2)
    story.history.open(2, 21, since=9)
    story.ack(sent, 10)
    story.receive(sent, 2, 10)
    assert story.problem().startswith("lost: device 21 of user 2 never got")


def test_a_device_that_begins_too_late() -> None:
    story = Story()
    story.history.open(2, 21, since=10)
    sent = story.send(1, 2)
    story.ack(sent, 10)
    assert "too late for" in story.problem()


def test_a_device_that_takes_the_place_of_the_unnamed_one() -> None:
    story = Story()
    first, second, own = story.send(1, 2), story.send(1, 2), story.send(2, 1)
    for seq, sent in enumerate((first, second, own), 10):
        story.ack(sent, seq, connection=seq)
    story.receive(own, 1, 12)
    story.receive(first, 2, 10)
    story.history.open(2, 21, since=12, took=True)
    story.history.end(2, UNNAMED)
    assert story.problem().startswith("lost: device 21 of user 2 never got")
    story.receive(second, 2, 11, 8, device=21)
    assert check(story.history) == []
    story.receive(own, 2, 12, 8, device=21)
    assert story.problem().startswith("older than the device"), "copies begin with the device"


def test_an_ended_device_gets_nothing_more() -> None:
    story = with_devices()
    early = story.send(1, 2, device=11)
    story.history.end(2, 22)
    late = story.send(1, 2, device=11)
    for seq, sent in enumerate((early, late), 10):
        story.ack(sent, seq)
        story.receive(sent, 1, seq, 6, device=12)
        story.receive(sent, 2, seq)
        story.receive(sent, 2, seq, 8, device=21)
    assert check(story.history) == []
    story.receive(early, 2, 10, 9, device=22)  # it was under way when the device ended
    assert check(story.history) == []
    story.receive(late, 2, 11, 9, device=22)
    assert story.problem().startswith("sent after the end of the device")


def test_an_ended_device_comes_again() -> None:
    story = with_devices()
    asked = story.history.tick()
    story.history.end(1, 12)
    story.history.open(1, 12, since=9, asked=asked)  # its answer was under way
    story.history.open(1, 13, since=20)
    assert check(story.history) == []
    story.history.open(1, 12, since=9, asked=story.history.tick())
    assert story.problem() == "came again after its end: device 12 of user 1"


def test_a_device_whose_end_is_in_doubt() -> None:
    story = with_devices()
    sent = story.send(2, 1, device=21)
    story.ack(sent, 10)
    story.receive(sent, 1, 10, device=11)
    story.receive(sent, 2, 10, 8, device=22)
    story.history.devices[1, 12].ending = True
    assert check(story.history) == []
    story.receive(sent, 1, 10, 9, device=12)
    assert check(story.history) == []


def test_a_device_that_came_again_repeats_a_message() -> None:
    """The device 21 has sent it, and ended; 23 has sent it again, and got the acknowledgement."""
    story = with_devices()
    sent = story.send(2, 1, device=21)
    story.history.end(2, 21)
    story.history.open(2, 23, since=9)
    sent.devices.add(23)
    story.ack(sent, 10)
    for user, device in ((1, 11), (1, 12), (2, 22)):
        story.receive(sent, user, 10, device, device=device)
    assert check(story.history) == []


def test_the_order_of_a_sender_holds_across_devices() -> None:
    story = with_devices()
    first = story.send(2, 3, device=21)
    story.ack(first, 11)
    second = story.send(2, 3, device=22, connection=2)
    story.ack(second, 10, connection=2)
    for sent, seq, device in ((first, 11, 22), (second, 10, 21)):
        story.receive(sent, 3, seq)
        story.receive(sent, 2, seq, device, device=device)
    assert story.problem().startswith("out of order: ")


def test_a_beginning_that_changes() -> None:
    story = with_devices()
    story.history.open(1, 12, since=8)
    assert story.problem().startswith("begins after 8 now: ")


def test_an_ended_device_sends_nothing_more() -> None:
    story = with_devices()
    story.history.end(1, 11)
    sent = story.send(1, 3, device=11)
    story.ack(sent, 10)
    story.receive(sent, 3, 10)
    story.receive(sent, 1, 10, 8, device=12)
    assert story.problem().startswith("stored for a device that had ended")


def test_a_device_that_is_opened_when_all_others_have_ended() -> None:
    """What came in between may have waited in the mailbox of the unnamed device."""
    story = Story()
    story.history.open(2, 21, since=5)
    story.history.end(2, 21)
    sent = story.send(1, 2)
    story.ack(sent, 10)
    story.history.open(2, 22, since=10)
    assert check(story.history) == []
    story.receive(sent, 2, 10, device=22)
    assert check(story.history) == []
    story.history.open(2, 23, since=10)
    story.receive(sent, 2, 10, 8, device=23)
    assert story.problem().startswith("older than the device"), "it was not alone"
