"""RequestLimits: limits of one account's requests beyond its chat messages.

A short request can draw a long answer: 116 KB of requests for history drew 4.5 GB. So an account
pays for the bytes of its answers, after the event, because their number is not known before. While
it owes, further requests are refused. Joins, new groups and new contacts have a number in an hour;
refused ones count, too, so that ids cannot be tried out.

Chat messages are limited by the token bucket of the connection (``user_rate``), which costs
nothing: an account has one connection at a time. A login makes a new bucket; it costs the sender
more time than the bucket holds.
"""

from __future__ import annotations

from chat.limits.keyed_buckets import KeyedBuckets
from chat.protocol import ErrNo, Limits, MsgType, ProtocolError

HOUR = 3600.0
KIB = 1024

ANSWER_SECONDS = 8
"""An account may draw the answers of so many seconds at once, and owe as much again."""


class RequestLimits:
    """The buckets of all accounts. Any thread. ``now``: monotonic seconds."""

    def __init__(self, limits: Limits) -> None:
        self._rate = limits.answer_kib * KIB
        self._answers = KeyedBuckets(self._rate, self._rate * ANSWER_SECONDS)
        self._counted = {
            msgid: KeyedBuckets(number / HOUR, number) for msgid, number in _numbers(limits)
        }

    def change(self, limits: Limits, now: float) -> None:
        """Use other limits from now on. Debts stay."""
        self._rate = limits.answer_kib * KIB
        self._answers.set_limit(self._rate, self._rate * ANSWER_SECONDS, now)
        for msgid, number in _numbers(limits):
            self._counted[msgid].set_limit(number / HOUR, number, now)

    def check(self, user_id: int, msgid: int, now: float) -> None:
        """Count a request, before it is served. Raises ProtocolError(TOO_MANY)."""
        wait = self._answers.retry_after(user_id, now)
        if not wait and msgid in self._counted:
            wait = self._counted[msgid].take(user_id, now)
        if wait:
            words = "too many requests: wait, and send this one again"
            raise ProtocolError(ErrNo.TOO_MANY, words, retry_after=int(wait) + 1)

    def answered(self, user_id: int, size: int, now: float) -> None:
        """The account has drawn so many bytes."""
        self._answers.charge(user_id, now, size, most=2 * ANSWER_SECONDS * self._rate)


def _numbers(limits: Limits) -> tuple[tuple[int, int], ...]:
    """Requests of one account in an hour."""
    return (
        (MsgType.ADD_GROUP_MSG, limits.joins),
        (MsgType.CREATE_GROUP_MSG, limits.new_groups),
        (MsgType.ADD_FRIEND_MSG, limits.new_contacts),
    )
