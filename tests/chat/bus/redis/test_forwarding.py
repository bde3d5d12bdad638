"""Who turned out not to get a live message that went to other nodes."""

from __future__ import annotations

import pytest

from chat.bus import Forward, Forwarded
from chat.bus.redis.forwarding import ANSWER_SECONDS, Forwarding
from tests.chat.rediskit import to_group, to_user


def one(receiver: int = 7) -> Forward:
    return Forward(to_user(receiver, 0), frozenset((receiver,)), 1, "m-1", "tag")


def group(*receivers: int) -> Forward:
    return Forward(to_group(8, 0, *receivers), frozenset(receivers), 1, "m-1", "tag")


def missed(results: list[Forwarded]) -> list[set[int]]:
    return [set(result.missed) for result in results]


@pytest.mark.parametrize(("subscribers", "expected"), [(0, {7}), (1, set()), (2, set())])
def test_a_user_has_got_it_where_somebody_listens(subscribers: int, expected: set[int]) -> None:
    assert missed(Forwarding().published(one(), 0, subscribers)) == [expected]


def test_a_group_nobody_listens_to() -> None:
    forwarding, forward = Forwarding(), group(1, 2)
    number = forwarding.begin(forward)
    assert missed(forwarding.published(forward, number, 0)) == [{1, 2}]
    assert forwarding.answered(number, [1]) == [], "over already"


def test_a_group_at_two_nodes() -> None:
    forwarding, forward = Forwarding(), group(1, 2, 3)
    number = forwarding.begin(forward)
    assert forwarding.published(forward, number, 3) == []
    assert forwarding.answered(number, [1]) == []
    assert forwarding.answered(number, []) == [], "our own node's"
    assert missed(forwarding.answered(number, [3])) == [{2}]


def test_answers_that_come_before_the_count() -> None:
    forwarding, forward = Forwarding(), group(1, 2)
    number = forwarding.begin(forward)
    assert forwarding.answered(number, [1]) == []
    assert missed(forwarding.published(forward, number, 1)) == [{2}]


def test_when_all_have_it_nobody_is_waited_for() -> None:
    forwarding, forward = Forwarding(), group(1, 2)
    number = forwarding.begin(forward)
    forwarding.published(forward, number, 5)
    assert missed(forwarding.answered(number, [1, 2])) == [set()]


def test_two_at_a_time() -> None:
    forwarding, first, second = Forwarding(), group(1), group(1)
    numbers = [forwarding.begin(first), forwarding.begin(second)]
    assert forwarding.published(second, numbers[1], 1) == []
    assert forwarding.answered(numbers[1], [1])[0].forward is second
    assert forwarding.published(first, numbers[0], 0)[0].forward is first


def test_a_node_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    forwarding, forward = Forwarding(), group(1, 2)
    number = forwarding.begin(forward)
    forwarding.published(forward, number, 2)
    forwarding.answered(number, [1])
    now += ANSWER_SECONDS
    assert forwarding.overdue() == []
    now += 0.1
    assert missed(forwarding.overdue()) == [{2}]
    assert forwarding.overdue() == []


def test_a_stranger_s_answer() -> None:
    forwarding = Forwarding()
    assert forwarding.answered(99, [1]) == []
