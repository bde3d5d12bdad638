"""Reading: the messages of a room that the user has read, and those the other user has. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from client.ui.model.message_item import Mark, MessageItem, Place
from client.ui.model.message_order import MessageOrder

START: Place = (0.0, 0)


class Reading:
    """A base of Room. The terminal's thread.

    Attributes:
        items: the messages in their order. Only Room changes the list.
        unloaded: the unread messages of an earlier run that are not in ``items`` yet.
        mentioned: whether an unread message names the user.
        read: the place up to which an earlier run has shown all messages.
        told_read: the ``seq`` up to which the server knows that the user has read.
        other_read: the ``seq`` up to which the other user has read; 0 if that is not known.
    """

    def __init__(self) -> None:
        self.unloaded = 0
        self.mentioned = False
        self.read: Place = START
        self.told_read = 0
        self.other_read = 0
        self._receipt: MessageItem | None = None
        self._counted = 0  # ``unloaded`` counts messages up to this ``seq``
        self._read_elsewhere = 0  # another device has shown the messages up to this ``seq``
        self._order = MessageOrder()
        self.items = self._order.items
        self._unread_items = 0

    @property
    def unread(self) -> int:
        """The number of messages that were not shown."""
        return self._unread_items + self.unloaded

    @property
    def read_seq(self) -> float:
        """The ``seq`` up to which all messages were shown."""
        if self.unloaded:
            return self.read[0]
        first = self.first_unread()
        if first is None:
            return max(float(self._order.highest_seq), self.read[0])
        return max(first.place[0] - 1, 0.0)

    def first_unread(self) -> MessageItem | None:
        """The oldest loaded message that was not shown."""
        found, left = None, self._unread_items
        for item in reversed(self.items):
            if not left:
                break
            if item.unread:
                found, left = item, left - 1
        return found

    def unread_above(self, index: int) -> int:
        """The number of unread messages before this index."""
        if not self.unread:
            return 0
        return self.unread - sum(item.unread for item in self.items[index:])

    def mark_shown(self, items: Iterable[MessageItem]) -> bool:
        """Mark messages as read. Returns whether one of them was unread."""
        if not self._unread_items:
            return False
        before = self._unread_items
        for item in items:
            if item.unread:
                item.unread = False
                self._unread_items -= 1
        if not self.unread:
            self.mentioned = False
            self.read = (float(self._order.highest_seq), 0)
        return self._unread_items < before

    def take_read(self, seq: int) -> None:
        """The user has read up to this ``seq`` on another device."""
        self.told_read = max(self.told_read, seq)
        self._set_shown_up_to(seq)
        if seq >= self._counted:
            self.unloaded = 0
        if not self.unread:
            self.mentioned = False

    def set_other_read(self, seq: int) -> None:
        """The other user has read up to this ``seq``."""
        if seq > self.other_read:
            self.other_read = seq
            self._move_receipt()

    def _set_shown_up_to(self, seq: int) -> None:
        self._read_elsewhere = max(self._read_elsewhere, seq)
        self.read = max(self.read, (float(seq), 0))
        for item in self.items:
            if item.unread and item.seq is not None and item.seq <= seq:
                item.unread = False
                self._unread_items -= 1

    def _move_receipt(self) -> None:
        """Put the receipt on the last own message that the other user has read."""
        if not self.other_read:
            return
        for item in reversed(self.items):
            if item.mark is Mark.STORED and item.seq is not None and item.seq <= self.other_read:
                if item is not self._receipt:
                    if self._receipt is not None:
                        self._receipt.receipt, self._receipt.rendered = False, None
                    item.receipt, item.rendered = True, None
                    self._receipt = item
                return

    def _mark_unread(self, item: MessageItem) -> None:
        item.unread = True
        self._unread_items += 1
        self.mentioned |= item.mention
