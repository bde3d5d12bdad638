"""The check of groups finds each kind of violation, and nothing where there is none."""

from __future__ import annotations

import dataclasses

import pytest

from tests.chaos.checker import check
from tests.chaos.history import UNNAMED, Change, Event, History, Look, Received, Sent

GROUP = 7
OBSERVER = 9


class Story:
    """A history of one group, told step by step.

    User 9 is the observer, with the device 90. User 1 has the devices 10 and 11, user 2 has 20, and
    user 3 has the unnamed device only.
    """

    def __init__(self) -> None:
        self.history = History()
        self.seq = 0
        self.devices = {OBSERVER: [90], 1: [10, 11], 2: [20], 3: []}
        for user, numbers in self.devices.items():
            for number in numbers or [UNNAMED]:
                self.history.open(user, number)
        self.made("created", OBSERVER, mark="group no. 0", told=[OBSERVER])

    def ask(self, event: str, user: int = 0, by: int | None = None, mark: str = "") -> Change:
        group = None if event == "created" else GROUP
        by = user if by is None else by
        change = Change(event, group, user, by, mark, self.history.tick())
        self.history.changes.append(change)
        return change

    def ack(self, change: Change) -> None:
        change.group, change.acked = GROUP, self.history.tick()

    def tell(self, change: Change, *users: int, seq: int | None = None) -> int:
        """All devices of these users get the event."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        for user in users:
            for device in self.devices[user]:
                self.tell_device(change, user, device, seq)
        return seq

    def tell_device(self, change: Change, user: int, device: int, seq: int) -> None:
        what = (change.event, GROUP, change.user, change.by, change.mark)
        at = self.history.tick()
        self.history.events.append(Event(user, device, device, seq, *what, at))

    def made(
        self, event: str, user: int = 0, by: int | None = None, mark: str = "", *, told: list[int]
    ) -> int:
        """A change with its answer and its event; returns the number."""
        change = self.ask(event, user, by, mark)
        self.ack(change)
        return self.tell(change, *told)

    def send(self, sender: int, seq: int) -> Sent:
        """An acknowledged message to the group."""
        text, asked = f"text {seq}", self.history.tick()
        device = (self.devices[sender] or [UNNAMED])[0]
        place = (10, GROUP, text, frozenset[int](), asked, 1, {device})
        sent = Sent(sender, seq, text, *place, self.history.tick(), 1, seq, changing=True)
        self.history.sent.append(sent)
        self.seq = seq
        return sent

    def receive(self, sent: Sent, user: int, device: int) -> None:
        place = (user, device, 50 + device, sent.seq or 0)
        got = Received(*place, sent.sender, sent.kind, GROUP, sent.text, self.history.tick())
        self.history.received.append(got)

    def problem(self) -> str:
        (problem,) = check(self.history)
        return problem


def test_all_is_well() -> None:
    story = Story()
    story.made("joined", 1, told=[OBSERVER, 1])
    story.made("joined", 2, told=[OBSERVER, 1, 2])
    story.made("role", 2, OBSERVER, "admin", told=[OBSERVER, 1, 2])
    story.made("removed", 1, 2, told=[OBSERVER, 1, 2])
    story.made("joined", 1, told=[OBSERVER, 1, 2])
    story.made("renamed", 0, 2, "another name", told=[OBSERVER, 1, 2])
    story.made("banned", 1, OBSERVER, "a reason", told=[OBSERVER, 1, 2])
    story.made("left", 2, told=[OBSERVER, 2])
    story.made("changed", 0, OBSERVER, "about", told=[OBSERVER])
    story.made("dissolved", 0, OBSERVER, told=[OBSERVER])
    story.ask("joined", 1).refused = True
    story.ask("left", 1)  # without an answer, and not made
    assert check(story.history) == []


def test_a_change_without_an_answer_was_made() -> None:
    story = Story()
    story.tell(story.ask("joined", 1), OBSERVER, 1)
    assert check(story.history) == []


def test_an_event_is_lost_for_one_device() -> None:
    story = Story()
    change = story.ask("joined", 1)
    story.ack(change)
    seq = story.tell(change, OBSERVER)
    story.tell_device(change, 1, 10, seq)
    assert story.problem().startswith("lost: device 11 of user 1 never got event 2")
    story.history.devices[1, 11].since = seq
    assert check(story.history) == [], "the device was opened later"
    story.history.devices[1, 11].since = 0
    story.history.end(1, 11)
    assert check(story.history) == [], "the device has ended"


@pytest.mark.parametrize(("word", "by"), [("removed", OBSERVER), ("banned", OBSERVER), ("left", 1)])
def test_a_user_that_is_out_is_not_told(word: str, by: int) -> None:
    story = Story()
    story.made("joined", 1, told=[OBSERVER, 1])
    story.made(word, 1, by, told=[OBSERVER])
    assert [p.partition(" never")[0] for p in check(story.history)] == [
        "lost: device 10 of user 1",
        "lost: device 11 of user 1",
    ]


def test_no_device_gets_an_event() -> None:
    story = Story()
    story.ack(story.ask("joined", 1))
    assert story.problem().startswith("lost: no device got the event of Change(event='joined'")


def test_an_event_comes_twice() -> None:
    story = Story()
    change = story.ask("joined", 1)
    story.ack(change)
    seq = story.tell(change, OBSERVER, 1)
    story.tell_device(change, 1, 10, seq)
    assert story.problem().startswith("twice on one connection")


def test_a_change_has_two_events() -> None:
    story = Story()
    change = story.ask("renamed", 0, OBSERVER, "another name")
    story.ack(change)
    story.tell(change, OBSERVER)
    assert check(story.history) == []
    story.tell(change, OBSERVER)
    assert story.problem().startswith("without a change: event 3")


def test_an_event_of_a_refused_change() -> None:
    story = Story()
    change = story.ask("joined", 1)
    change.refused = True
    story.tell(change, OBSERVER, 1)
    assert story.problem().startswith("without a change: event 2")


def test_an_event_before_its_change() -> None:
    story = Story()
    seq = story.made("joined", 1, told=[OBSERVER, 1])
    story.history.looks.append(Look(GROUP, seq, frozenset({OBSERVER}), story.history.tick()))
    assert story.problem().startswith("before its change: event 2")
    story.history.looks[0] = Look(GROUP, seq, frozenset({OBSERVER, 1}), story.history.tick())
    assert check(story.history) == []


def test_a_list_of_members_that_is_newer_than_the_event() -> None:
    story = Story()
    seq = story.made("joined", 1, told=[OBSERVER, 1])
    story.made("left", 1, told=[OBSERVER, 1])
    story.history.looks.append(Look(GROUP, seq, frozenset({OBSERVER}), story.history.tick()))
    assert check(story.history) == []


def test_changes_out_of_order() -> None:
    story = Story()
    first = story.ask("joined", 1)
    story.ack(first)
    second = story.ask("joined", 2)
    story.ack(second)
    story.tell(second, OBSERVER, 2, seq=11)
    story.tell(first, OBSERVER, 1, 2, seq=12)
    assert story.problem().startswith("out of order: event 11 of group 7 (joined, user 2, by 2)")


def test_changes_that_overlap_may_have_either_order() -> None:
    story = Story()
    first, second = story.ask("joined", 1), story.ask("joined", 2)
    story.ack(first)
    story.ack(second)
    story.tell(second, OBSERVER, 2, seq=11)
    story.tell(first, OBSERVER, 1, 2, seq=12)
    assert check(story.history) == []


def test_an_event_for_another_user() -> None:
    story = Story()
    story.made("joined", 1, told=[OBSERVER, 1, 2])
    assert story.problem().endswith("was not for device 20 of user 2")


def test_an_event_from_before_the_device() -> None:
    story = Story()
    seq = story.made("joined", 1, told=[OBSERVER, 1])
    story.history.devices[1, 11].since = seq
    assert story.problem().startswith("older than the device")


def test_an_event_for_an_ended_device() -> None:
    story = Story()
    story.history.end(1, 11)
    story.made("joined", 1, told=[OBSERVER, 1])
    assert story.problem().startswith("made after the end of the device")


def test_events_that_differ() -> None:
    story = Story()
    change = story.ask("renamed", 0, OBSERVER, "another name")
    story.ack(change)
    seq = story.tell(change, OBSERVER)
    story.history.open(OBSERVER, 91, since=1)
    change.mark = "a third name"
    story.tell_device(change, OBSERVER, 91, seq)
    change.mark = "another name"
    assert story.problem().startswith("event 2 differs")


def test_roles_and_bans_without_effect() -> None:
    story = Story()
    story.made("joined", 1, told=[OBSERVER, 1])
    story.made("role", 1, OBSERVER, "admin", told=[OBSERVER, 1])
    story.ack(story.ask("role", 1, OBSERVER, "admin"))
    story.ack(story.ask("banned", 2, OBSERVER, "no member"))
    assert check(story.history) == []
    story.ack(story.ask("role", 1, OBSERVER, "normal"))
    story.ack(story.ask("banned", 1, OBSERVER, "a member"))
    first, second = check(story.history)
    assert "mark='normal'" in first
    assert "mark='a member'" in second


def test_a_creator_leaves_or_makes_another_one() -> None:
    story = Story()
    story.made("joined", 1, told=[OBSERVER, 1])
    handed = story.ask("role", 1, OBSERVER, "creator")
    story.ack(handed)
    story.tell(handed, OBSERVER, 1)
    assert story.problem().startswith("its second event is missing: event 3")
    second = dataclasses.replace(handed, user=OBSERVER, mark="admin")
    story.tell(second, OBSERVER, 1)
    assert check(story.history) == []
    left = story.ask("left", 1)
    story.ack(left)
    story.tell(left, OBSERVER, 1)
    successor = Change("role", GROUP, OBSERVER, 1, "creator", left.asked)
    story.tell(successor, OBSERVER)
    assert check(story.history) == []
    story.tell(successor, OBSERVER)
    assert check(story.history)[0].startswith("does not follow: event 7")


def test_a_message_goes_to_the_members_of_its_number() -> None:
    story = Story()
    story.made("joined", 2, told=[OBSERVER, 2])
    early = story.send(OBSERVER, 10)
    story.made("joined", 1, told=[OBSERVER, 1, 2])
    late = story.send(1, 20)
    for sent, user, device in ((early, 2, 20), (late, 2, 20), (late, OBSERVER, 90)):
        story.receive(sent, user, device)
    assert story.problem().startswith("lost: device 11 of user 1 never got"), "a copy"
    story.receive(late, 1, 11)
    assert check(story.history) == []
    story.receive(early, 1, 10)
    assert "was not for this device" in story.problem()


def test_a_gap_of_a_user_that_leaves() -> None:
    """What waited behind the gap is lost, but not the end of the membership."""
    story = Story()
    story.made("joined", 1, told=[OBSERVER, 1])
    sent = story.send(OBSERVER, 10)
    story.made("renamed", 0, OBSERVER, "another name", told=[OBSERVER])
    story.made("removed", 1, OBSERVER, told=[OBSERVER, 1])
    assert len(check(story.history)) == 4
    story.history.has_gaps = True
    assert check(story.history) == []
    story.history.events = [
        e for e in story.history.events if (e.event, e.device) != ("removed", 11)
    ]
    assert story.problem().startswith("lost: device 11 of user 1 never got event 12")
    assert sent.receivers == {1}


def test_a_large_group() -> None:
    """Only the devices of the user are told that it has joined or left; all others may be."""
    story = Story()
    story.made("joined", 2, told=[OBSERVER, 2])
    story.made("joined", 1, told=[1])
    assert len(check(story.history, most_told=4)) == 2
    assert check(story.history, most_told=3) == []
    story.made("renamed", 0, OBSERVER, "another name", told=[OBSERVER, 2])
    assert len(check(story.history, most_told=3)) == 2, "all other events go to all"
