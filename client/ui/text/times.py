"""The server's times as local text. Pure, but for the local time zone."""

from __future__ import annotations

import time

from client.wire_time import parse_time

_FORMAT = "%Y-%m-%d %H:%M:%S"

DAY = 24 * 60 * 60


def parse(text: str) -> float | None:
    """Unix seconds of a time of the server, which is in UTC; None for another text."""
    moment = parse_time(text)
    return None if moment is None else moment.timestamp()


def to_text(seconds: float) -> str:
    """``YYYY-MM-DD HH:MM:SS``, local."""
    return time.strftime(_FORMAT, time.localtime(seconds))


def to_clock(seconds: float) -> str:
    """``HH:MM``, local."""
    return time.strftime("%H:%M", time.localtime(seconds))


def day_of(seconds: float) -> tuple[int, int, int]:
    """Year, month and day, local."""
    local = time.localtime(seconds)
    return local.tm_year, local.tm_mon, local.tm_mday


def weekday_of(seconds: float) -> int:
    """0 is Monday, local."""
    return time.localtime(seconds).tm_wday


def briefly(seconds: float, now: float) -> str:
    """Five characters for a list: the time today, the day this year, or the year."""
    then, today = time.localtime(seconds), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if then.tm_year == today.tm_year:
        return time.strftime("%m-%d", then)
    return f"{then.tm_year:5}"
