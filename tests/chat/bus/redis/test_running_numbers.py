"""RunningNumbers: numbers in and out of turn, and the bounds of its memory."""

from __future__ import annotations

import pytest

from chat.bus.redis.running_numbers import RunningNumbers
from chat.message import Topic
from chat.protocol import ONE_CHAT

ANN: Topic = (ONE_CHAT, 1)
BOB: Topic = (ONE_CHAT, 2)


@pytest.fixture
def receiver() -> RunningNumbers:
    return RunningNumbers()


def test_the_next_number_is_in_turn(receiver: RunningNumbers) -> None:
    turns = [receiver.in_turn(ANN, "other.0", number) for number in (1, 2, 4, 5, 5, 6)]
    assert turns == [True, True, False, True, False, True]
    assert receiver.in_turn(BOB, "other.0", 1)


def test_who_is_heard_for_the_first_time(receiver: RunningNumbers) -> None:
    assert not receiver.in_turn(ANN, "other.0", 7)
    assert receiver.in_turn(ANN, "other.0", 8)
    receiver.forget(ANN)
    assert not receiver.in_turn(ANN, "other.0", 9)
    receiver.forget_all()
    assert not receiver.in_turn(ANN, "other.0", 10)


def test_one_hears_what_another_numbers(receiver: RunningNumbers) -> None:
    publisher = RunningNumbers()
    for _ in range(3):
        assert receiver.in_turn(ANN, *publisher.next(ANN))
        assert receiver.in_turn(BOB, *publisher.next(BOB))
    publisher.next(ANN)  # which is lost
    assert not receiver.in_turn(ANN, *publisher.next(ANN))
    assert receiver.in_turn(BOB, *publisher.next(BOB))


def test_its_own(receiver: RunningNumbers) -> None:
    assert receiver.is_own(receiver.next(ANN)[0])
    assert not receiver.is_own(RunningNumbers().next(ANN)[0])


def test_a_new_epoch_when_there_are_too_many_channels(
    receiver: RunningNumbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.bus.redis.running_numbers.MAX_TOPICS", 3)
    publisher = RunningNumbers()
    numbered = [publisher.next((ONE_CHAT, user)) for user in (1, 2, 3, 4, 1)]
    assert [number for _, number in numbered] == [1] * 5
    assert len({epoch for epoch, _ in numbered}) == 2
    # The last of the old epoch may be lost: a new one's first number does not tell.
    assert receiver.in_turn(ANN, *numbered[0])
    assert not receiver.in_turn(ANN, *numbered[4])
    assert receiver.in_turn(ANN, *publisher.next(ANN))


def test_an_epoch_replaces_the_one_before(receiver: RunningNumbers) -> None:
    for epoch in range(100):
        receiver.in_turn(ANN, f"other.{epoch}", 1)
    assert len(receiver._heard[ANN]) == 1
    assert receiver.in_turn(ANN, "other.99", 2)
    assert not receiver.in_turn(ANN, "other.98", 2)


def test_only_so_many_publishers_are_remembered(
    receiver: RunningNumbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was restarted is another publisher; so there are more and more of them."""
    monkeypatch.setattr("chat.bus.redis.running_numbers.MAX_PUBLISHERS", 10)
    assert all([receiver.in_turn(ANN, f"other{number}.0", 1) for number in range(40)])
    assert len(receiver._heard[ANN]) <= 11
    # Who is forgotten is not in turn once, and after that it is again.
    assert [receiver.in_turn(ANN, "other0.0", number) for number in (2, 3)] == [False, True]
