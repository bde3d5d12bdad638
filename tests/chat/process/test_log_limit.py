"""LogLimit: a few lines of each kind, and the number of the others."""

from __future__ import annotations

import logging

import pytest

from chat.process import log_limit
from chat.process.log_limit import (
    LINES_PER_PERIOD,
    MOST_KINDS,
    PEERS,
    PERIOD_SECONDS,
    LogLimit,
    LogLimiter,
)

KIND = ("chat", logging.INFO, "%s: reset")
OTHER = ("chat", logging.WARNING, "%s: failed")


def test_some_of_each_kind_in_a_period() -> None:
    limiter = LogLimiter(3, 60.0)
    assert [limiter.allows(KIND, 0.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert limiter.allows(OTHER, 0.0)
    assert limiter.left_out(59.0) == []
    assert limiter.left_out(60.0) == [(KIND, 2)]
    assert limiter.left_out(60.0) == []
    assert limiter.allows(KIND, 61.0)


def test_left_out_lines_are_reported_during_a_flood() -> None:
    """The next period begins after the report, so the reports count all lines."""
    limiter, written, told = LogLimiter(3, 60.0), 0, 0
    for second in range(1000):
        written += limiter.allows(KIND, float(second))
        if second % 5 == 0:
            told += sum(count for _, count in limiter.left_out(float(second)))
    told += sum(count for _, count in limiter.left_out(1e9))
    assert written + told == 1000
    assert written <= 3 * (1000 // 60 + 1)


def test_a_kind_that_stays_within_the_limit_is_never_cut() -> None:
    limiter = LogLimiter(3, 60.0)
    assert all(limiter.allows(KIND, 25.0 * number) for number in range(100))


def test_it_filters_by_the_format_and_reports(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    limit = LogLimit(clock=lambda: now[0])
    logger = logging.getLogger("test_log_limit")
    logger.addFilter(limit)
    try:
        with caplog.at_level(logging.INFO):
            for number in range(LINES_PER_PERIOD + 7):
                logger.info("%d: reset", number)
            logger.info("another kind")
            limit.report()
            now[0] = PERIOD_SECONDS
            limit.report()
    finally:
        logger.removeFilter(limit)
    assert caplog.messages == [
        *(f"{number}: reset" for number in range(LINES_PER_PERIOD)),
        "another kind",
        "7 more lines of test_log_limit were left out: %d: reset",
    ]


def test_one_peer_does_not_hide_others() -> None:
    limiter = LogLimiter(3, 60.0)
    assert [limiter.allows(KIND, 0.0, "203.0.113.1") for _ in range(5)].count(True) == 3
    assert limiter.allows(KIND, 0.0, "203.0.113.2")


def test_many_peers_have_a_limit_together() -> None:
    limiter = LogLimiter(3, 60.0)
    written = sum(limiter.allows(KIND, 0.0, f"peer {number}") for number in range(1000))
    assert written == 3 * PEERS
    assert len(limiter._counts[KIND].peers) == written  # an attacker cannot make it grow
    assert limiter.total == 1000 - written


def test_the_number_of_kinds_is_bounded() -> None:
    limiter = LogLimiter(3, 60.0)
    for number in range(MOST_KINDS + 100):
        limiter.allows(("chat", logging.ERROR, f"made up {number}"), 0.0)
    assert len(limiter._counts) == MOST_KINDS + 1
    assert limiter.left_out(60.0) == [(log_limit.OTHER, 97)]
