"""The server's times, and how they are shown. Pure, but for the local time zone."""

from __future__ import annotations

import time

from client.wire_time import parse_time

_FORMAT = "%Y-%m-%d %H:%M:%S"

DAY = 24 * 60 * 60


def parse(text: str) -> float | None:
    """Unix seconds of a time as the server writes it, in UTC; None if it is none."""
    moment = parse_time(text)
    return None if moment is None else moment.timestamp()


def to_text(when: float) -> str:
    """Local date and time."""
    return time.strftime(_FORMAT, time.localtime(when))


def to_clock(when: float) -> str:
    """``HH:MM``, local."""
    return time.strftime("%H:%M", time.localtime(when))


def day_of(when: float) -> tuple[int, int, int]:
    """Year, month and day, local."""
    local = time.localtime(when)
    return local.tm_year, local.tm_mon, local.tm_mday


def weekday_of(when: float) -> int:
    """0 is Monday, local."""
    return time.localtime(when).tm_wday


def briefly(when: float, now: float) -> str:
    """Five characters for a list: the time today, the day this year, or the year."""
    then, today = time.localtime(when), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if then.tm_year == today.tm_year:
        return time.strftime("%m-%d", then)
    return f"{then.tm_year:5}"
