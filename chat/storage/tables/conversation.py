"""ConversationModel: the table ``conversation``: what a user has read and muted.

A conversation with another user has a row for each of the two. The transaction of its first message
inserts both. A row of a group exists after its member has read or muted something; the groups
themselves are in ``groupuser``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from chat.protocol import MAX_ID
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
_TABLE, _COLUMNS = "conversation", ("userid", "conversation", "readmark", "muted")

_OF_A_USER = (
    "SELECT -groupuser.groupid AS conversation, COALESCE(own.readmark, 0) AS readmark, "
    "COALESCE(own.muted, 0) AS muted, groupuser.since AS since FROM groupuser "
    "LEFT JOIN conversation AS own "
    "ON own.userid = groupuser.userid AND own.conversation = -groupuser.groupid "
    "WHERE groupuser.userid = ? "
    "UNION ALL SELECT conversation, readmark, muted, 0 FROM conversation "
    "WHERE userid = ? AND conversation > 0"
)
# The newest message. With MAX(seq), MariaDB would read the whole conversation.
_DATED = (
    "SELECT listed.conversation, listed.readmark, listed.muted, listed.since, "
    "(SELECT seq FROM message WHERE message.conversation = listed.conversation "
    "ORDER BY seq DESC LIMIT 1) AS newest "
    f"FROM ({_OF_A_USER}) AS listed LIMIT {MOST_CONVERSATIONS}"
)


class ConversationRow(NamedTuple):
    """A conversation as one of its users sees it.

    Attributes:
        conversation: its number: ``user_conversation`` or ``group_conversation``.
        mark: the user has read the messages up to this number, or has joined the group after it.
        muted: the user does not want to be disturbed by it.
        newest: the number of the newest message.
    """

    conversation: int
    mark: int
    muted: bool
    newest: int


class LastMessage(NamedTuple):
    """The newest message of a conversation. ``text``: one character more than LAST_CHARACTERS, if
    it is longer. ``name``: None if the sender's row is missing."""

    seq: int
    sender: int
    name: str | None
    text: str
    time: str


class Partner(NamedTuple):
    """The other user of a conversation. ``mark``: None if this user may not see it."""

    id: int
    name: str
    mark: int | None


class Unread(NamedTuple):
    """``number`` messages of others are unread. ``more``: there may be further ones."""

    number: int
    more: bool


def partner_of(conversation: int, user_id: int) -> int:
    """The other user of a conversation of two; the user itself in its notes to itself."""
    low, high = conversation >> _ID_BITS, conversation & MAX_ID
    return high if low == user_id else low


class ConversationModel:
    """Marks of conversations, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    # ------------------------------------------------------------------ changes

    def insert_missing(self, conversations: Collection[int]) -> None:
        """Give both users of these conversations a row, if they have none.

        The rows are inserted in the order of (userid, conversation), the same on all servers.
        """
        rows = {(number >> _ID_BITS, number) for number in conversations}
        rows |= {(number & MAX_ID, number) for number in conversations}
        self._tx.insert_missing_rows(_TABLE, _COLUMNS[:2], sorted(rows))

    def set_mark(self, user_id: int, conversation: int, mark: int) -> bool:
        """Raise the mark; False, and nothing is changed, if it is as high already.

        The caller has locked the user's row.
        """
        sql = "UPDATE conversation SET readmark = ? WHERE userid = ? AND conversation = ?"
        if self._tx.execute(f"{sql} AND readmark < ?", (mark, user_id, conversation, mark)):
            return True
        return self._insert(user_id, conversation, mark, 0)

    def set_muted(self, user_id: int, conversation: int, muted: bool) -> bool:
        """Mute the conversation or end that; False if it is so already.

        The caller has locked the user's row.
        """
        sql = "UPDATE conversation SET muted = ? WHERE userid = ? AND conversation = ?"
        value = int(muted)
        if self._tx.execute(f"{sql} AND muted <> ?", (value, user_id, conversation, value)):
            return True
        return muted and self._insert(user_id, conversation, 0, 1)

    def _insert(self, user_id: int, conversation: int, mark: int, muted: int) -> bool:
        """A row for a user that has none; False if there is one."""
        if self.find(user_id, conversation) is not None:
            return False
        self._tx.insert_missing_rows(_TABLE, _COLUMNS, [(user_id, conversation, mark, muted)])
        return True

    def fill(self) -> None:
        """Insert the rows that a server without this table has not inserted. Idempotent.

        What a user has not acknowledged is unread; all other messages of these conversations count
        as read. It reads the index of the log once: seconds for ten million messages.
        """
        read = (
            "COALESCE((SELECT seq - 1 FROM offlinemessage WHERE offlinemessage.userid = {user} "
            "ORDER BY seq LIMIT 1), (SELECT seq FROM message ORDER BY seq DESC LIMIT 1), 0)"
        )
        for user in (f"of.number >> {_ID_BITS}", f"of.number & {MAX_ID}"):
            self._tx.execute(
                f"INSERT INTO conversation (userid, conversation, readmark) "
                f"SELECT {user}, of.number, {read.format(user=user)} "
                "FROM (SELECT DISTINCT conversation AS number FROM message "
                f"WHERE conversation > {MAX_ID}) AS of "  # without the events of groups
                "WHERE NOT EXISTS (SELECT 1 FROM conversation AS own "
                f"WHERE own.userid = {user} AND own.conversation = of.number)"
            )
        self._tx.execute(
            "INSERT INTO conversation (userid, conversation, readmark) "
            f"SELECT member.userid, -member.groupid, {read.format(user='member.userid')} "
            "FROM groupuser AS member WHERE NOT EXISTS (SELECT 1 FROM conversation AS own "
            "WHERE own.userid = member.userid AND own.conversation = -member.groupid)"
        )

    # ------------------------------------------------------------------ one conversation

    def find(self, user_id: int, conversation: int) -> tuple[int, bool] | None:
        """The mark of a user, and whether the conversation is muted; None: there is no row."""
        sql = "SELECT readmark, muted FROM conversation WHERE userid = ? AND conversation = ?"
        rows = self._tx.query(sql, (user_id, conversation))
        return (rows[0][0], bool(rows[0][1])) if rows else None

    def newest(self, conversation: int) -> int:
        """The number of the newest message; 0 if the log has none."""
        sql = "SELECT seq FROM message WHERE conversation = ? ORDER BY seq DESC LIMIT 1"
        rows = self._tx.query(sql, (conversation,))
        return rows[0][0] if rows else 0

    # ------------------------------------------------------------------ lists

    def of_user(self, user_id: int, before: int, limit: int) -> list[ConversationRow]:
        """The conversations with the newest messages below ``before``, newest first."""
        rows = self._tx.query(
            f"SELECT conversation, readmark, muted, since, newest FROM ({_DATED}) AS dated "
            "WHERE newest > since AND newest < ? ORDER BY newest DESC LIMIT ?",
            (user_id, user_id, before, limit),
        )
        return [
            ConversationRow(number, max(mark, since), bool(muted), newest)
            for number, mark, muted, since, newest in rows
        ]

    def with_users(self, user_id: int) -> list[int]:
        """The conversations of a user with other users, at most MOST_CONVERSATIONS."""
        sql = "SELECT conversation FROM conversation WHERE userid = ? AND conversation > 0 LIMIT ?"
        return [number for (number,) in self._tx.query(sql, (user_id, MOST_CONVERSATIONS))]

    def muted(self, user_id: int, limit: int) -> list[int]:
        """The numbers of the muted conversations, ``limit`` at most."""
        sql = "SELECT conversation FROM conversation WHERE userid = ? AND muted = 1 LIMIT ?"
        return [number for (number,) in self._tx.query(sql, (user_id, limit))]

    def last_messages(self, seqs: Sequence[int]) -> dict[int, LastMessage]:
        """The messages with these numbers, their texts cut."""
        rows = self._tx.query_in(
            "SELECT message.seq, message.sender, user.name, "
            f"SUBSTR(message.text, 1, {LAST_CHARACTERS + 1}), message.time "
            "FROM message LEFT JOIN user ON user.id = message.sender WHERE message.seq IN :ids",
            seqs,
        )
        return {row[0]: LastMessage(*row) for row in rows}

    def partners(self, user_id: int, partner_ids: Sequence[int]) -> dict[int, Partner]:
        """The other users of conversations, with the marks that the user may see.

        A mark is hidden if one of the two has switched receipts off, or blocks the other one.
        """
        number = (
            f"CASE WHEN user.id < ? THEN (user.id << {_ID_BITS}) + ? "
            f"ELSE (? << {_ID_BITS}) + user.id END"
        )
        rows = self._tx.query_in(
            "SELECT user.id, user.name, other.readmark FROM user "
            "LEFT JOIN conversation AS other ON other.userid = user.id "
            f"AND other.conversation = {number} AND user.receipts = 1 "
            "AND EXISTS (SELECT 1 FROM user AS own WHERE own.id = ? AND own.receipts = 1) "
            "AND NOT EXISTS (SELECT 1 FROM blocked WHERE userid = user.id AND blockedid = ?) "
            "AND NOT EXISTS (SELECT 1 FROM blocked WHERE userid = ? AND blockedid = user.id) "
            "WHERE user.id IN :ids",
            partner_ids,
            before=(user_id,) * 6,
        )
        return {row[0]: Partner(*row) for row in rows}

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
