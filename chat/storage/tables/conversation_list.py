"""ConversationListModel: the conversations of a user with their last messages, and unread counts.

The lists of groups are in ``groupuser``, those of users in ``conversation``. The log has the
messages, and the events of groups, each under a number of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from chat.protocol import GROUP_EVENT, MAX_ID
from chat.storage.base import Transaction
from chat.storage.chunks import bounds_of_chunks

MOST_CONVERSATIONS = 20_000
"""Conversations of a user that are compared for a list. Each costs one look-up in an index: some
60 ms in all."""

UNREAD_OF_ONE = 100
UNREAD_OF_ALL = 1000
UNREAD_LEAST = 10
"""Messages that are looked at to count unread ones: of one conversation, and of all in a list. With
many unread conversations each gets an equal share, and UNREAD_LEAST at least."""

LAST_CHARACTERS = 100
"""Characters of the last message in a list."""

_ID_BITS = MAX_ID.bit_length()
_SEQ = attrgetter("seq")


class ConversationRow(NamedTuple):
    """A conversation as one of its users sees it.

    Attributes:
        conversation: its number: ``user_conversation`` or ``group_conversation``.
        partner: the other user; 0 in a group.
        name: of the other user or of the group; None if its row is missing.
        mark: the user has read the messages up to this number, or has joined the group after it.
        muted: 1: the user does not want to be disturbed by it.
        other_mark: of the other user; None if this user may not see it.
        seq: the newest message or event.
        sender: of that message.
        sender_name: the name of the sender in a group; else None.
        text: one character more than LAST_CHARACTERS, if it is longer.
        time: of the newest message.
        event: JSON, if it is an event; else None.
    """

    conversation: int
    partner: int
    name: str | None
    mark: int
    muted: int
    other_mark: int | None
    seq: int
    sender: int
    sender_name: str | None
    text: str
    time: str
    event: str | None


class Unread(NamedTuple):
    """``number`` messages of others are unread. ``more``: there may be further ones."""

    number: int
    more: bool


class ConversationListModel:
    """Lists of conversations, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of_user(
        self, user_id: int, before: int, limit: int, *, events: bool
    ) -> list[ConversationRow]:
        """The conversations with the newest messages below ``before``, newest first.

        ``events``: an event of a group counts as a message.

        The mark of the other user is hidden if one of the two has switched receipts off, or blocks
        the other one. ``chat/handlers/conversations.py`` has the same rule.
        """
        sql = _list_sql(self._tx.greatest, events)
        params = (user_id, user_id, before, limit, *(user_id,) * 5)
        rows = [ConversationRow._make(row) for row in self._tx.query(sql, params)]
        rows.sort(key=_SEQ, reverse=True)
        return rows

    def unread(self, user_id: int, marks: Sequence[tuple[int, int]]) -> dict[int, Unread]:
        """The unread messages of conversations with newer ones: pairs of conversation and mark."""
        if not marks:
            return {}
        most = min(UNREAD_OF_ONE, max(UNREAD_LEAST, UNREAD_OF_ALL // len(marks)))
        found: dict[int, Unread] = {}
        for start, end in _parts(len(marks)):
            part = marks[start:end]
            params = chain.from_iterable([(user_id, *mark) for mark in part])
            for place, seen, count in self._tx.query(_unread_sql(end - start, most), tuple(params)):
                found[part[place][0]] = Unread(int(count or 0), seen == most)
        return found


def _newest_in(conversation: str) -> str:
    """The newest number of a conversation. With MAX(seq), MariaDB would read all of it."""
    return (
        f"(SELECT seq FROM message WHERE message.conversation = {conversation} "
        "ORDER BY seq DESC LIMIT 1)"
    )


@lru_cache(maxsize=4)
def _list_sql(greatest: str, events: bool) -> str:
    """One statement, because each further one for 100 conversations takes a third of its time.

    ``greatest``: the function of that name.
    """
    newest = _newest_in("-groupuser.groupid")
    if events:
        event = _newest_in("groupuser.groupid")
        newest = f"{greatest}(COALESCE({newest}, 0), COALESCE({event}, 0))"
    listed = (
        "SELECT -groupuser.groupid AS conversation, 0 AS partner, "
        f"{greatest}(COALESCE(own.readmark, 0), groupuser.since) AS readmark, "
        f"COALESCE(own.muted, 0) AS muted, groupuser.since AS since, {newest} AS newest "
        "FROM groupuser LEFT JOIN conversation AS own "
        "ON own.userid = groupuser.userid AND own.conversation = -groupuser.groupid "
        "WHERE groupuser.userid = ? "
        "UNION ALL SELECT conversation, "
        f"(conversation >> {_ID_BITS}) + (conversation & {MAX_ID}) - userid, "
        f"readmark, muted, 0, {_newest_in('conversation.conversation')} "
        f"FROM conversation WHERE userid = ? AND conversation > 0 LIMIT {MOST_CONVERSATIONS}"
    )
    dated = (
        f"SELECT conversation, partner, readmark, muted, newest FROM ({listed}) AS listed "
        "WHERE newest > since AND newest < ? ORDER BY newest DESC LIMIT ?"
    )
    return (
        "SELECT dated.conversation, dated.partner, COALESCE(partner.name, allgroup.groupname), "
        "dated.readmark, dated.muted, other.readmark, message.seq, message.sender, sender.name, "
        f"SUBSTR(message.text, 1, {LAST_CHARACTERS + 1}), message.time, "
        f"CASE WHEN message.kind = {int(GROUP_EVENT)} THEN message.extra END "
        f"FROM ({dated}) AS dated JOIN message ON message.seq = dated.newest "
        "LEFT JOIN user AS sender ON sender.id = message.sender AND dated.partner = 0 "
        "LEFT JOIN user AS partner ON partner.id = dated.partner "
        "LEFT JOIN allgroup ON allgroup.id = -dated.conversation "
        "LEFT JOIN conversation AS other ON other.userid = partner.id "
        "AND other.conversation = dated.conversation AND partner.receipts = 1 "
        "AND EXISTS (SELECT 1 FROM user AS own WHERE own.id = ? AND own.receipts = 1) "
        # For most users the two queries without ``partner`` answer for all rows.
        "AND (NOT EXISTS (SELECT 1 FROM blocked WHERE blockedid = ?) "
        "OR NOT EXISTS (SELECT 1 FROM blocked WHERE userid = partner.id AND blockedid = ?)) "
        "AND (NOT EXISTS (SELECT 1 FROM blocked WHERE userid = ?) "
        "OR NOT EXISTS (SELECT 1 FROM blocked WHERE userid = ? AND blockedid = partner.id))"
    )


# A statement for many conversations costs less than many statements, and few sizes stay in the
# cache of prepared statements.
_CHUNKS = (32, 8, 2, 1)


@lru_cache(maxsize=256)
def _parts(count: int) -> tuple[tuple[int, int], ...]:
    """The bounds of the chunks of so many conversations."""
    return bounds_of_chunks(count, _CHUNKS)


@lru_cache(maxsize=64)
def _unread_sql(count: int, most: int) -> str:
    """Counts the newest messages after a mark, ``most`` at the most, and those of others."""
    return " UNION ALL ".join(
        f"SELECT {place}, COUNT(*), SUM(sender <> ?) FROM (SELECT sender FROM message "
        f"WHERE conversation = ? AND seq > ? ORDER BY seq DESC LIMIT {most}) AS newest{place}"
        for place in range(count)
    )
