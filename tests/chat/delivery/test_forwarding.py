"""Which receivers a live message has not reached at other nodes."""

from __future__ import annotations

import pytest

from chat.delivery.forwarding import NODE_ANSWER_SECONDS, Forward, Forwarded, Forwarding
from tests.chat.rediskit import to_group, to_user


def begin_user(forwarding: Forwarding, receiver: int = 7) -> Forward:
    return forwarding.begin(to_user(receiver, 0), frozenset((receiver,)), "tag")


def begin_group(forwarding: Forwarding, *receivers: int) -> Forward:
    return forwarding.begin(to_group(8, 0, *receivers), frozenset(receivers), "tag")


def missed(results: list[Forwarded]) -> list[set[int]]:
    return [set(result.missed) for result in results]


@pytest.mark.parametrize(("subscribers", "expected"), [(0, {7}), (1, set()), (2, set())])
def test_a_user_has_it_if_a_node_subscribes(subscribers: int, expected: set[int]) -> None:
    forwarding = Forwarding()
    forward = begin_user(forwarding)
    assert missed(forwarding.published(forward, subscribers)) == [expected]


def test_a_group_without_subscribers() -> None:
    forwarding = Forwarding()
    forward = begin_group(forwarding, 1, 2)
    assert missed(forwarding.published(forward, 0)) == [{1, 2}]
    assert forwarding.answered(forward.number, [1]) == [], "over already"


def test_a_group_at_two_nodes() -> None:
    forwarding = Forwarding()
    forward = begin_group(forwarding, 1, 2, 3)
    assert forwarding.published(forward, 3) == []
    assert forwarding.answered(forward.number, [1]) == []
    assert forwarding.answered(forward.number, []) == [], "our own node's"
    assert missed(forwarding.answered(forward.number, [3])) == [{2}]


def test_answers_that_come_before_the_count() -> None:
    forwarding = Forwarding()
    forward = begin_group(forwarding, 1, 2)
    assert forwarding.answered(forward.number, [1]) == []
    assert missed(forwarding.published(forward, 1)) == [{2}]


def test_when_all_have_it_no_node_is_waited_for() -> None:
    forwarding = Forwarding()
    forward = begin_group(forwarding, 1, 2)
    forwarding.published(forward, 5)
    assert missed(forwarding.answered(forward.number, [1, 2])) == [set()]


def test_two_at_a_time() -> None:
    forwarding = Forwarding()
    first, second = begin_group(forwarding, 1), begin_group(forwarding, 1)
    assert forwarding.published(second, 1) == []
    assert forwarding.answered(second.number, [1])[0].forward is second
    assert forwarding.published(first, 0)[0].forward is first


def test_a_node_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    forwarding = Forwarding()
    forward = begin_group(forwarding, 1, 2)
    forwarding.published(forward, 2)
    forwarding.answered(forward.number, [1])
    now += NODE_ANSWER_SECONDS
    assert forwarding.overdue() == []
    now += 0.1
    assert missed(forwarding.overdue()) == [{2}]
    assert forwarding.overdue() == []


def test_a_stranger_s_answer() -> None:
    forwarding = Forwarding()
    assert forwarding.answered(99, [1]) == []
