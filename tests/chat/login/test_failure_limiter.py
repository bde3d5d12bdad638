from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chat.login.failure_limiter
from chat.login.failure_limiter import FailureLimiter
from tests.tiers import examples

KEY = ("10.0.0.1", 7)


def fail(limiter: FailureLimiter, times: int, now: float = 0.0, key: Any = KEY) -> None:
    for _ in range(times):
        limiter.failed(key, now)


def test_nothing_failed() -> None:
    assert FailureLimiter(3, 60).retry_after(KEY, 5.0) == 0.0


def test_up_to_the_limit() -> None:
    limiter = FailureLimiter(3, 60)
    for _ in range(2):
        limiter.failed(KEY, 10.0)
        assert limiter.retry_after(KEY, 10.0) == 0.0
    limiter.failed(KEY, 10.0)
    assert limiter.retry_after(KEY, 10.0) == 60.0
    assert limiter.retry_after(KEY, 30.0) == 40.0


def test_the_window_ends() -> None:
    limiter = FailureLimiter(3, 60)
    fail(limiter, 3, now=10.0)
    assert limiter.retry_after(KEY, 69.9) > 0
    assert limiter.retry_after(KEY, 70.0) == 0.0
    fail(limiter, 2, now=70.0)
    assert limiter.retry_after(KEY, 70.0) == 0.0, "counted anew"
    fail(limiter, 1, now=71.0)
    assert limiter.retry_after(KEY, 71.0) == 59.0, "from the first of the new window"


def test_success_forgives() -> None:
    limiter = FailureLimiter(2, 60)
    fail(limiter, 2)
    limiter.succeeded(KEY)
    assert limiter.retry_after(KEY, 0.0) == 0.0
    fail(limiter, 1)
    assert limiter.retry_after(KEY, 0.0) == 0.0
    limiter.succeeded("another user")


def test_keys_are_apart() -> None:
    limiter = FailureLimiter(1, 60)
    fail(limiter, 1)
    assert limiter.retry_after(KEY, 0.0) == 60.0
    assert limiter.retry_after(("10.0.0.2", 7), 0.0) == 0.0
    assert limiter.retry_after(("10.0.0.1", 8), 0.0) == 0.0


def test_memory_is_bounded_and_the_longest_untouched_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.login.failure_limiter, "MAX_KEYS", 3)
    limiter = FailureLimiter(1, 60)
    for key in "abc":
        fail(limiter, 1, key=key)
    fail(limiter, 1, key="a")  # touched again
    fail(limiter, 1, key="d")
    assert len(limiter._failures) == 3
    assert [limiter.retry_after(key, 0.0) > 0 for key in "abcd"] == [True, False, True, True]


def test_the_real_bound() -> None:
    limiter = FailureLimiter(1, 60)
    for number in range(chat.login.failure_limiter.MAX_KEYS + 100):
        limiter.failed(number, 0.0)
    assert len(limiter._failures) == chat.login.failure_limiter.MAX_KEYS


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.sampled_from(["fail", "succeed"]), st.sampled_from("ab")),
        max_size=40,
    )
)
@settings(max_examples=examples(200), deadline=None, database=None)
def test_like_a_simple_model(steps: list[tuple[float, str, str]]) -> None:
    limiter = FailureLimiter(3, 60.0)
    windows: dict[str, tuple[float, int]] = {}
    now = 0.0
    for wait, what, key in steps:
        now += wait
        begun, count = windows.get(key, (now, 0))
        if now >= begun + 60:
            begun, count = now, 0
        if what == "fail":
            limiter.failed(key, now)
            windows[key] = (begun, count + 1)
        else:
            limiter.succeeded(key)
            windows.pop(key, None)
        for other in "ab":
            begun, count = windows.get(other, (now, 0))
            blocked = count >= 3 and now < begun + 60
            left = limiter.retry_after(other, now)
            assert left == (begun + 60 - now if blocked else 0.0)


def test_threads_lose_no_failure() -> None:
    limiter = FailureLimiter(8001, 60)
    threads = [threading.Thread(target=fail, args=(limiter, 2000)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limiter.retry_after(KEY, 0.0) == 0.0
    fail(limiter, 1)
    assert limiter.retry_after(KEY, 0.0) == 60.0
