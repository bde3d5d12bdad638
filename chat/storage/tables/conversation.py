"""ConversationModel: the table ``conversation``: what a user has read and muted.

A conversation with another user has a row for each of the two. The transaction of its first message
inserts both. A row of a group exists after its member has read or muted something; the groups
themselves are in ``groupuser``.
"""

from __future__ import annotations

from collections.abc import Collection

from chat.protocol import MAX_ID
from chat.storage.base import Transaction
from chat.storage.tables.conversation_list import MOST_CONVERSATIONS

_ID_BITS = MAX_ID.bit_length()
_TABLE, _COLUMNS = "conversation", ("userid", "conversation", "readmark", "muted")


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

    def with_users(self, user_id: int) -> list[int]:
        """The conversations of a user with other users, at most MOST_CONVERSATIONS."""
        sql = "SELECT conversation FROM conversation WHERE userid = ? AND conversation > 0 LIMIT ?"
        return [number for (number,) in self._tx.query(sql, (user_id, MOST_CONVERSATIONS))]

    def muted(self, user_id: int, limit: int) -> list[int]:
        """The numbers of the muted conversations, ``limit`` at most."""
        sql = "SELECT conversation FROM conversation WHERE userid = ? AND muted = 1 LIMIT ?"
        return [number for (number,) in self._tx.query(sql, (user_id, limit))]
