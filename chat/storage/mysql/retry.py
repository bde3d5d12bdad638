"""Retries of transactions that met a deadlock or lost their connection before COMMIT."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from chat.storage.base import T
from chat.storage.mysql.connection import Busy, LostConnection

ATTEMPTS = 5
"""The number of times that a transaction is begun."""

PAUSE_SECONDS = 0.02
"""Before the second attempt. It doubles for each further attempt."""


def with_retries(attempt: Callable[[], T]) -> T:
    """Run a transaction; begin it again after a deadlock or a lost connection. Blocks.

    Before COMMIT nothing has happened, so a new attempt cannot repeat an effect. A COMMIT without
    an answer is no case for this: it raises OutcomeUnknown, which passes.
    """
    for number in range(1, ATTEMPTS):
        try:
            return attempt()
        except (LostConnection, Busy):
            pause(number)
    return attempt()


def pause(attempt: int) -> None:
    """Wait between two attempts, for a random time: two that met do not meet again."""
    time.sleep(random.uniform(0.5, 1.0) * PAUSE_SECONDS * 2**attempt)
