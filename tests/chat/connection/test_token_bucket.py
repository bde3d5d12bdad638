"""TokenBucket: what a connection may send, by a clock that the test sets."""

from __future__ import annotations

import pytest

from chat.connection.token_bucket import BURST_SECONDS, Allowances, TokenBucket
from chat.protocol import Limits

RATE = 100
BURST = RATE * BURST_SECONDS


def test_a_burst_and_then_a_pause() -> None:
    bucket = TokenBucket(RATE, 0.0)
    assert bucket.tokens == BURST
    bucket.tokens -= BURST
    assert bucket.refill(0.0) == 1.0
    assert bucket.refill(1.0) == 0.0
    assert bucket.tokens == RATE


def test_a_debt_is_paid_first() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.tokens = -RATE
    assert bucket.refill(0.0) == 2.0
    bucket.refill(2.0)
    assert bucket.tokens == RATE


@pytest.mark.parametrize("rate", [1, 50, 99, 100])
def test_a_client_within_the_rate_never_pauses(rate: int) -> None:
    bucket = TokenBucket(RATE, 0.0)
    for frame in range(10_000):
        bucket.tokens -= 1
        if bucket.tokens <= 0:
            assert bucket.refill(frame / rate) == 0.0


@pytest.mark.parametrize("rate", [150, 1_000, 1_000_000])
def test_a_client_above_it_gets_the_rate(rate: int) -> None:
    bucket, now, sent = TokenBucket(RATE, 0.0), 0.0, 0
    while now < 100.0:
        now += 1 / rate
        sent += 1
        bucket.tokens -= 1
        if bucket.tokens <= 0:
            pause = bucket.refill(now)
            if pause:
                now += pause
                bucket.refill(now)
    assert sent <= BURST + RATE * (now + 1)


def test_shortages_count_until_it_is_full_again() -> None:
    bucket, now = TokenBucket(RATE, 0.0), 0.0
    for shortage in range(1, 5):
        bucket.tokens = 0
        now += bucket.refill(now)
        assert bucket.shortages == shortage
        bucket.refill(now)
    bucket.refill(now + BURST_SECONDS)
    assert bucket.shortages == 0
    assert bucket.tokens == BURST


def test_time_adds_no_more_than_the_burst() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.refill(1e6)
    assert bucket.tokens == BURST


def test_a_guest_has_less_than_a_user() -> None:
    both = Allowances.of(65536, Limits())
    assert both.guest.frame < both.user.frame == 65536
    assert both.guest.rate < both.user.rate
    assert both.guest.read < both.user.read
    assert Allowances.of(100, Limits()).guest.frame == 100
