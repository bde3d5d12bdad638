"""OwnedRowsModel: the rows of a user or device in all tables but ``user`` and ``message``."""

from __future__ import annotations

from collections.abc import Collection

from chat.storage.base import Transaction
from chat.storage.tables.device import DeviceModel
from chat.storage.tables.mailboxgap import MailboxGapModel
from chat.storage.tables.offlinemessage import OfflineMessageModel

OF_A_USER = (
    ("token", "userid"),
    ("friend", "userid"),
    ("friend", "friendid"),
    ("friendrequest", "userid"),
    ("friendrequest", "friendid"),
    ("blocked", "userid"),
    ("blocked", "blockedid"),
    ("groupinvite", "userid"),
    ("knowndevice", "userid"),
    ("device", "userid"),
)
"""Tables, and their columns with the user. ``groupuser`` is absent: a user leaves each group."""

OF_A_MAILBOX = ("offlinemessage", "mailboxgap")
"""Tables whose column ``userid`` has the number of a mailbox. In the order of the locks."""


class OwnedRowsModel:
    """All that belongs to one user or device, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def delete_rows(self, user_id: int) -> None:
        """Delete the rows of OF_A_USER, the mailboxes of all devices, and the conversations."""
        devices = DeviceModel(self._tx).of_user(user_id)
        for table, column in OF_A_USER:
            self._tx.execute(f"DELETE FROM {table} WHERE {column} = ?", (user_id,))
        self._empty({user_id, *(device.mailbox for device in devices)})
        self._tx.execute("DELETE FROM conversation WHERE userid = ?", (user_id,))  # the last lock

    def delete_device(self, user_id: int, mailbox: int) -> None:
        """Delete a device: its row, its tokens, its mailbox.

        ``DeviceModel.next_number`` has been called. ``SessionModel.end`` ends the login of the
        unnamed device; that of another one ends with its row.
        """
        tokens = (0, user_id) if mailbox == user_id else (mailbox, mailbox)
        sql = "DELETE FROM token WHERE userid = ? AND mailbox IN (?, ?)"
        self._tx.execute(sql, (user_id, *tokens))
        self._tx.execute("DELETE FROM device WHERE mailbox = ?", (mailbox,))
        self._empty([mailbox])

    def move_mailbox(self, old: int, new: int) -> None:
        """Give the messages that wait in a mailbox, and its gaps, to another one, which is new."""
        for table in OF_A_MAILBOX:
            self._tx.execute(f"UPDATE {table} SET userid = ? WHERE userid = ?", (new, old))

    def join_mailbox(self, named: int, unnamed: int) -> None:
        """Add the messages that wait for a named device to those for the unnamed one, and the gaps.

        Without copies of the user's own messages and without events: clients of the unnamed device
        get neither. ``DeviceModel.changed`` has been called.
        """
        MailboxGapModel(self._tx).join(named, unnamed)
        mail = OfflineMessageModel(self._tx)
        surplus = mail.copies_and_events(named) | mail.in_both(named, unnamed)
        mail.delete([(named, seq) for seq in surplus])
        self.move_mailbox(named, unnamed)

    def clear_new(self, user_id: int) -> None:
        """Delete what other users have stored about a number before its account existed.

        A block, or a request to be a friend, is stored for any number. Otherwise its answer would
        show which accounts exist.
        """
        self._tx.execute("DELETE FROM blocked WHERE blockedid = ?", (user_id,))
        self._tx.execute("DELETE FROM friendrequest WHERE friendid = ?", (user_id,))

    def _empty(self, mailboxes: Collection[int]) -> None:
        for table in OF_A_MAILBOX:
            self._tx.execute_in(f"DELETE FROM {table} WHERE userid IN :ids", sorted(mailboxes))
