"""RequestLimits: limits of one account's requests beyond its chat messages.

A short request can draw a long answer: 116 KB of requests for history drew 4.5 GB. So an account
pays for the bytes of its answers, after the event, because their number is not known before. While
it owes, further requests are refused.

Each request that changes something has a number in an hour (``LIMIT_OF``). So have requests for
names and conversations, and searches, which may read much for a short answer. Refused ones count,
too, so that ids and names cannot be tried out.

Chat messages are limited by the token bucket of the connection (``user_rate``), which costs
nothing: an account has one connection for each of its devices (``chat.devices``). A login makes a
new bucket; it costs the sender more time than the bucket holds.
"""

from __future__ import annotations

from chat.limits.keyed_buckets import KeyedBuckets
from chat.protocol import ErrNo, Limits, MsgType, ProtocolError

HOUR = 3600.0
KIB = 1024

ANSWER_SECONDS = 8
"""An account may draw the answers of so many seconds at once, and owe as much again."""

LIMIT_OF: dict[int, str] = {
    MsgType.ADD_GROUP_MSG: "joins",
    MsgType.CREATE_GROUP_MSG: "new_groups",
    MsgType.ADD_FRIEND_MSG: "new_friends",
    MsgType.INVITE_MSG: "invitations",
    MsgType.RENAME_MSG: "renames",
    MsgType.CHANGE_PASSWORD_MSG: "password_changes",
    MsgType.CHANGE_GROUP_MSG: "group_changes",
    MsgType.SET_ROLE_MSG: "moderations",
    MsgType.REMOVE_MEMBER_MSG: "moderations",
    MsgType.BAN_MEMBER_MSG: "moderations",
    MsgType.UNBAN_MEMBER_MSG: "moderations",
    MsgType.READ_MSG: "reads",
    MsgType.CONVERSATIONS_MSG: "conversation_lists",
    MsgType.BLOCK_MSG: "other_changes",
    MsgType.UNBLOCK_MSG: "other_changes",
    MsgType.ANSWER_FRIEND_MSG: "other_changes",
    MsgType.END_DEVICE_MSG: "other_changes",
    MsgType.REMOVE_FRIEND_MSG: "other_changes",
    MsgType.LEAVE_GROUP_MSG: "other_changes",
    MsgType.DISSOLVE_GROUP_MSG: "other_changes",
    MsgType.FIND_USER_MSG: "lookups",
    MsgType.USER_MSG: "lookups",
    MsgType.SEARCH_MSG: "searches",
    MsgType.MUTE_MSG: "other_changes",
    MsgType.SETTINGS_MSG: "other_changes",
}
"""The attribute of Limits with the number in an hour. Requests with the same one share it."""

ONLY_SERVED = frozenset({MsgType.CHANGE_PASSWORD_MSG})
"""Refused requests of these kinds do not count here. Else a thief with a token could use up the
number with wrong passwords, and keep the owner from changing the password. Wrong passwords count as
failed logins."""

IN_DEBT = frozenset({MsgType.LOGINOUT_MSG, MsgType.LEAVE_GROUP_MSG})
"""An account that owes for its answers may still send these: they end something."""


class RequestLimits:
    """The buckets of all accounts. Any thread. ``now``: monotonic seconds."""

    def __init__(self, limits: Limits) -> None:
        self._rate = limits.answer_kib * KIB
        self._answers = KeyedBuckets(self._rate, self._rate * ANSWER_SECONDS)
        self._hourly = {
            name: KeyedBuckets(number / HOUR, number) for name, number in _numbers(limits)
        }

    def change(self, limits: Limits, now: float) -> None:
        """Use other limits from now on. Debts stay."""
        self._rate = limits.answer_kib * KIB
        self._answers.set_limit(self._rate, self._rate * ANSWER_SECONDS, now)
        for name, number in _numbers(limits):
            self._hourly[name].set_limit(number / HOUR, number, now)

    def check(self, user_id: int, msgid: int, now: float) -> None:
        """Count a request, before it is served. Raises ProtocolError(TOO_MANY)."""
        wait = 0.0 if msgid in IN_DEBT else self._answers.retry_after(user_id, now)
        name = LIMIT_OF.get(msgid)
        if not wait and name is not None:
            hourly = self._hourly[name]
            count = hourly.retry_after if msgid in ONLY_SERVED else hourly.take
            wait = count(user_id, now)
        if wait:
            words = "too many requests: wait, and send this one again"
            raise ProtocolError(ErrNo.TOO_MANY, words, retry_after=int(wait) + 1)

    def served(self, user_id: int, msgid: int, now: float) -> None:
        """A request that ``check`` has let pass was not refused."""
        if msgid in ONLY_SERVED:
            self._hourly[LIMIT_OF[msgid]].charge(user_id, now)

    def answered(self, user_id: int, size: int, now: float) -> None:
        """The account has drawn so many bytes."""
        self._answers.charge(user_id, now, size, most=2 * ANSWER_SECONDS * self._rate)


def _numbers(limits: Limits) -> list[tuple[str, int]]:
    """Requests of one account in an hour, by attribute."""
    return [(name, getattr(limits, name)) for name in sorted(set(LIMIT_OF.values()))]
