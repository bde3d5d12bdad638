"""KeyedBuckets: the limit of one key, and the bound on the number of keys."""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.limits.keyed_buckets import SWEPT_AT_ONCE, KeyedBuckets


def taken(buckets: KeyedBuckets, key: Hashable, now: float, tries: int = 1000) -> int:
    """How many tokens the key gets at once."""
    return sum(buckets.take(key, now) == 0 for _ in range(tries))


def test_a_key_gets_its_burst_and_then_its_rate() -> None:
    buckets = KeyedBuckets(2.0, 10.0)
    assert taken(buckets, "a", 0.0) == 10
    assert buckets.take("a", 0.0) == pytest.approx(0.5)
    assert taken(buckets, "a", 3.0) == 6
    assert taken(buckets, "a", 1000.0) == 10


def test_keys_do_not_share_tokens() -> None:
    buckets = KeyedBuckets(1.0, 3.0)
    assert taken(buckets, "a", 0.0) == 3
    assert taken(buckets, "b", 0.0) == 3


def test_a_refused_take_costs_nothing() -> None:
    buckets = KeyedBuckets(1.0, 5.0)
    assert buckets.take("a", 0.0, 5) == 0
    for _ in range(100):
        assert buckets.take("a", 0.0, 2) == pytest.approx(2.0)
    assert buckets.take("a", 2.0, 2) == 0


def test_the_wait_is_exact() -> None:
    buckets = KeyedBuckets(0.3, 7.0)
    assert taken(buckets, "a", 5.0) == 7
    wait = buckets.retry_after("a", 5.0, 3)
    assert buckets.take("a", 5.0 + wait - 0.01, 3) > 0
    assert buckets.take("a", 5.0 + wait, 3) == 0


def test_retry_after_takes_nothing() -> None:
    buckets = KeyedBuckets(1.0, 1.0)
    for _ in range(10):
        assert buckets.retry_after("a", 0.0) == 0
    assert len(buckets) == 0


def test_a_cost_above_the_burst_needs_a_full_bucket_and_leaves_a_debt() -> None:
    buckets = KeyedBuckets(1.0, 5.0)
    assert buckets.take("a", 0.0, 20) == 0
    assert buckets.take("a", 0.0, 20) == pytest.approx(20.0)
    assert buckets.take("a", 20.0, 1) == 0
    assert buckets.take("a", 20.0, 20) == pytest.approx(1.0)


def test_a_charge_is_always_taken() -> None:
    buckets = KeyedBuckets(1.0, 5.0)
    buckets.charge("a", 0.0, 100)
    assert buckets.retry_after("a", 0.0) == pytest.approx(96.0)


def test_a_charge_may_be_bounded() -> None:
    buckets = KeyedBuckets(1.0, 5.0)
    for _ in range(50):
        buckets.charge("a", 0.0, most=8)
    assert buckets.retry_after("a", 0.0) == pytest.approx(4.0)


def test_a_bounded_charge_leaves_a_larger_debt_as_it_is() -> None:
    buckets = KeyedBuckets(1.0, 5.0)
    buckets.charge("a", 0.0, 50)
    buckets.charge("a", 0.0, most=8)
    assert buckets.retry_after("a", 0.0) == pytest.approx(46.0)


def test_forget_fills_the_bucket() -> None:
    buckets = KeyedBuckets(1.0, 5.0)
    assert taken(buckets, "a", 0.0) == 5
    buckets.forget("a")
    buckets.forget("b")
    assert taken(buckets, "a", 0.0) == 5


def test_an_infinite_rate_is_no_limit() -> None:
    buckets = KeyedBuckets(math.inf, 1.0)
    assert taken(buckets, "a", 0.0) == 1000
    assert len(buckets) == 0


@pytest.mark.parametrize(
    ("rate", "burst", "max_keys"),
    [(0, 1, 1), (-1, 1, 1), (math.nan, 1, 1), (1, 0, 1), (1, math.nan, 1), (1, 1, 0)],
)
def test_impossible_numbers_are_refused(rate: float, burst: float, max_keys: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        KeyedBuckets(rate, burst, max_keys)


# ---------------------------------------------------------------------- the bound


def test_full_buckets_go_first() -> None:
    buckets = KeyedBuckets(1.0, 10.0, max_keys=100)
    for number in range(99):
        buckets.take(number, 0.0)
    buckets.charge("owes", 0.0, 10)
    for number in range(1000):
        buckets.take(("later", number), 2.0 + number / 50)
    assert len(buckets) <= 100
    assert buckets.forgotten == 0


def test_new_keys_cannot_push_a_debt_out() -> None:
    buckets = KeyedBuckets(0.01, 10.0, max_keys=100)
    assert taken(buckets, "guesser", 0.0) == 10
    for number in range(10_000):
        buckets.take(("invented", number), 1.0)
    assert len(buckets) == 100
    assert buckets.forgotten == 10_000 - 99
    assert buckets.take("guesser", 1.0) > 0


def test_a_debt_that_has_grown_is_kept_although_its_entry_is_old() -> None:
    buckets = KeyedBuckets(0.01, 10.0, max_keys=100)
    for _ in range(10):
        for number in range(50):
            buckets.take(("busy", number), 0.0)
    for number in range(1000):
        buckets.take(("invented", number), 1.0)
    assert all(buckets.take(("busy", number), 1.0) > 0 for number in range(50))


def test_a_newcomer_is_served_although_the_table_is_full_of_debts() -> None:
    buckets = KeyedBuckets(0.01, 10.0, max_keys=10)
    for number in range(10):
        assert taken(buckets, number, 0.0) == 10
    assert buckets.take("newcomer", 0.0) == 0


def test_the_table_shrinks_after_a_flood() -> None:
    buckets = KeyedBuckets(1.0, 10.0, max_keys=1000)
    for number in range(1000):
        buckets.take(number, 0.0)
    for second in range(2000):
        buckets.take(("later", second), 100.0 + second)
    assert len(buckets) <= 1 + SWEPT_AT_ONCE


def test_forgotten_keys_are_removed_once() -> None:
    buckets = KeyedBuckets(1.0, 10.0, max_keys=10)
    for number in range(1000):
        buckets.take(number % 20, 0.0)
        buckets.forget(number % 20)
    assert len(buckets) <= 10


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.floats(0, 3), st.integers(0, 12), st.booleans()),
        max_size=200,
    )
)
def test_no_key_ever_gets_more_than_the_limit(
    steps: list[tuple[int, float, int, bool]],
) -> None:
    """Against a plain bucket for each key, in a table with room for all."""
    buckets, plain = KeyedBuckets(2.0, 6.0, max_keys=9), dict.fromkeys(range(9), (6.0, 0.0))
    now = 0.0
    for key, passed, cost, forgets in steps:
        now += passed
        tokens, at = plain[key]
        tokens = min(6.0, tokens + (now - at) * 2.0)
        if forgets:
            buckets.forget(key)
            plain[key] = (6.0, now)
            continue
        enough = tokens + 1e-6 >= min(cost, 6.0)
        wait = buckets.take(key, now, cost)
        if not enough:
            assert wait == pytest.approx((min(cost, 6.0) - tokens) / 2.0, abs=1e-5)
        plain[key] = (tokens - cost if not wait else tokens, now)
    assert buckets.forgotten == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 2), st.integers(1, 4))))
def test_the_table_never_holds_more_than_its_bound(steps: list[tuple[int, float, int]]) -> None:
    buckets, now = KeyedBuckets(1.0, 5.0, max_keys=7), 0.0
    for key, passed, cost in steps:
        now += passed
        buckets.charge(key, now, cost)
        assert len(buckets) <= 7


# ---------------------------------------------------------------------- changes


def test_a_changed_limit_holds_at_once() -> None:
    buckets = KeyedBuckets(0.1, 10.0)
    assert taken(buckets, "a", 0.0) == 10
    buckets.set_limit(10.0, 20.0, 0.0)
    assert taken(buckets, "a", 0.0) == 10
    assert taken(buckets, "b", 0.0) == 20
    buckets.set_limit(1.0, 2.0, 0.0)
    assert buckets.retry_after("a", 0.0) == pytest.approx(1.0)
    assert buckets.take("a", 1.0) == 0


def test_a_changed_limit_keeps_the_table_in_order() -> None:
    buckets = KeyedBuckets(0.1, 10.0, max_keys=10)
    for number in range(10):
        buckets.charge(number, 0.0, number + 1)
    buckets.set_limit(0.2, 10.0, 0.0)
    buckets.take("new", 0.0)
    assert buckets.retry_after(9, 0.0) > 0
    assert [key for key, _ in buckets.debtors(2, 0.0)] == [9, 8]


def test_debtors_are_those_that_owe_most() -> None:
    buckets = KeyedBuckets(1.0, 10.0)
    for key, cost in (("a", 3), ("b", 9), ("c", 1)):
        buckets.charge(key, 0.0, cost)
    found = buckets.debtors(2, 1.0)
    assert [key for key, _ in found] == ["b", "a"]
    assert [owed for _, owed in found] == pytest.approx([8.0, 2.0])


def test_threads_share_one_bucket() -> None:
    buckets, counts = KeyedBuckets(0.001, 5000.0), list[int]()

    def run() -> None:
        counts.append(taken(buckets, "a", 0.0, 2000))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 5000
