"""OwnedRowsModel: the rows of a user in all tables but ``user`` and ``message``."""

from __future__ import annotations

from chat.storage.base import Transaction

OF_A_USER = (
    # In the order of the locks: mailboxes, then conversations.
    ("token", "userid"),
    ("friend", "userid"),
    ("friend", "friendid"),
    ("friendrequest", "userid"),
    ("friendrequest", "friendid"),
    ("blocked", "userid"),
    ("blocked", "blockedid"),
    ("groupinvite", "userid"),
    ("knowndevice", "userid"),
    ("mailboxgap", "userid"),
    ("offlinemessage", "userid"),
    ("conversation", "userid"),
)
"""Tables, and their columns with the user. ``groupuser`` is absent: a user leaves each group."""


class OwnedRowsModel:
    """All that belongs to one user, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def delete_rows(self, user_id: int) -> None:
        """Delete the rows of OF_A_USER, among them the messages that wait for the user."""
        for table, column in OF_A_USER:
            self._tx.execute(f"DELETE FROM {table} WHERE {column} = ?", (user_id,))

    def clear_new(self, user_id: int) -> None:
        """Delete what other users have stored about a number before its account existed.

        A block, or a request to be a friend, is stored for any number. Otherwise its answer would
        show which accounts exist.
        """
        self._tx.execute("DELETE FROM blocked WHERE blockedid = ?", (user_id,))
        self._tx.execute("DELETE FROM friendrequest WHERE friendid = ?", (user_id,))
