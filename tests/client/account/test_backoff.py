from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from client.account.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 4.0, lambda: 1.0)
    assert [backoff.next() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.next() == 0.5


def test_the_wait_is_anything_below_the_ceiling() -> None:
    chances = iter([0.0, 0.5, 0.25])
    backoff = Backoff(1.0, 100.0, lambda: next(chances))
    assert [backoff.next() for _ in range(3)] == [0.0, 1.0, 1.0]


def test_the_pause_that_the_server_asks_for_is_the_least() -> None:
    backoff = Backoff(1.0, 8.0, lambda: 0.5)
    assert backoff.next(at_least=3) == 3
    assert backoff.next(at_least=0.25) == 1.0


@given(st.integers(0, 5000), st.integers())
def test_any_number_of_failures(failures: int, seed: int) -> None:
    backoff = Backoff(0.5, 30.0, random.Random(seed).random)
    for _ in range(failures):
        assert 0 <= backoff.next() <= 30
    assert repr(backoff).startswith("<Backoff up to")
