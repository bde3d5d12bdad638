"""Room: one conversation, with a user or in a group, and the reading position in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.reading import START, Reading
from client.ui.text import times
from client.values import Conversation


class RoomKey(NamedTuple):
    """The identity of a conversation: the id of a user or of a group."""

    in_group: bool
    id: int


class HistoryState(Enum):
    """Whether the server has older messages of a room."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    MORE = "more"
    COMPLETE = "complete"
    UNAVAILABLE = "unavailable"


class Anchor(NamedTuple):
    """The scroll position: the lowest visible item, and its lines below the edge."""

    item: MessageItem
    below: int


class Room(Reading):
    """A conversation. The terminal's thread. Reading has further attributes.

    Attributes:
        title: the name, not escaped.
        divider: the first new message, below the line "new messages"; None without that line.
        anchor: the scroll position; None follows the end.
        wanted: an item that the next drawing puts at the top of the view.
        held: whether the view stays when new messages arrive, even at the end.
        seeking: whether the first unread message is being loaded. The view goes there afterwards.
        history: the state of the older messages.
        active: the time of the last message, in Unix seconds; 0 without one.
        draft: the unsent input line, and the cursor in it.
        hidden: whether the user has closed it. It is not listed until the next message.
        stale: whether messages may be missing, because the connection was lost.
        muted: whether it should not disturb the user.
        preview: the last message as the server has listed it, while none is loaded.
    """

    def __init__(self, key: RoomKey, title: str) -> None:
        super().__init__()
        self.key = key
        self.title = title
        self.divider: MessageItem | None = None
        self.anchor: Anchor | None = None
        self.wanted: MessageItem | None = None
        self.held = False
        self.seeking = False
        self.history = HistoryState.UNKNOWN
        self.active = 0.0
        self.draft = ("", 0)
        self.hidden = False
        self.stale = False
        self.muted = False
        self.preview = ""
        self._by_mid: dict[str, MessageItem] = {}

    def __repr__(self) -> str:
        kind = "group" if self.key.in_group else "user"
        return f"<Room {kind} {self.key.id}: {len(self.items)} items, {self.unread} unread>"

    @property
    def oldest_seq(self) -> int | None:
        """The lowest loaded ``seq``."""
        return self._order.oldest_seq

    @property
    def has_more(self) -> bool:
        """Whether a request for older messages is of use."""
        return self.history in (HistoryState.UNKNOWN, HistoryState.MORE)

    @property
    def is_above_end(self) -> bool:
        """Whether the last line is not visible."""
        anchor = self.anchor
        return anchor is not None and (anchor.below > 0 or anchor.item is not self.items[-1])

    @property
    def failed(self) -> list[MessageItem]:
        """The own messages that failed."""
        return [item for item in self.items if item.mark is Mark.FAILED]

    @property
    def unsent(self) -> list[MessageItem]:
        """The own messages that are queued or failed, in their order."""
        return [item for item in self.items if item.mid is not None]

    def index(self, item: MessageItem) -> int:
        """The index of an item. It must be in here."""
        return self._order.index(item)

    # ------------------------------------------------------------------ messages

    def receive(self, item: MessageItem) -> bool:
        """Add a received message. Returns False for a repetition."""
        if not self._order.add(item):
            return False
        self._touch(item)
        if item.mine:
            self._move_receipt()
        elif item.seq is None or item.seq > self._read_elsewhere:
            self._mark_unread(item)
            if item.seq is not None and item.seq <= self._counted:
                self.unloaded = max(self.unloaded - 1, 0)  # the server has counted it
        return True

    def add_notice(self, item: MessageItem) -> None:
        """Add a line about a change of the group. It is no message: nothing becomes unread."""
        self._order.add_behind_known(item)

    def write(self, item: MessageItem) -> None:
        """Add an own message that is being sent. The view goes to the end."""
        assert item.mid is not None
        self._by_mid[item.mid] = item
        self._order.add_last(item)
        self._touch(item)
        self.divider = self.anchor = self.wanted = None
        self.seeking = False

    def confirm(self, mid: str, seq: int | None, time_text: str) -> MessageItem | None:
        """Move an own message to the place that its ``seq`` gives; None if it is not here.

        Example: the history brings the message with its ``seq`` before the acknowledgement comes.
        Then that item stays, and the one without ``seq`` goes.
        """
        item = self._by_mid.pop(mid, None)
        if item is None:
            return None
        self._order.remove(item)
        item.mid = None
        item.seq = seq
        item.change(Mark.STORED, time_text=time_text)
        if not self._order.add(item):
            self._drop_anchor(item)
        self._move_receipt()
        return item

    def fail(self, mid: str, reason: str) -> MessageItem | None:
        """Mark an own message as failed; None if it is not here."""
        item = self._by_mid.get(mid)
        if item is None:
            return None
        self._order.remove(item)
        item.change(Mark.FAILED, failure=reason)
        self._order.add_behind_known(item)
        return item

    def forget(self, item: MessageItem) -> None:
        """Remove an own message that failed or was withdrawn."""
        self._order.remove(item)
        if item.mid is not None:
            self._by_mid.pop(item.mid, None)
        self._drop_anchor(item)

    def _drop_anchor(self, item: MessageItem) -> None:
        if self.anchor is not None and self.anchor.item is item:
            self.anchor = None

    def _touch(self, item: MessageItem) -> None:
        self.active = max(self.active, item.time or 0.0)
        self.hidden = False

    def add_event(self, item: MessageItem) -> bool:
        """Add an event of the group at its place. Returns False for a repetition.

        It is no message: nothing becomes unread, and the room keeps its place in the list.
        """
        return self._order.add(item)

    # ------------------------------------------------------------------ history

    def add_older(self, items: Iterable[MessageItem], *, more: bool) -> int:
        """Add a page of history. Returns the number of new messages."""
        added = [item for item in items if self._order.add(item)]
        self.history = HistoryState.MORE if more else HistoryState.COMPLETE
        messages = (item for item in reversed(self.items) if item.mark is not Mark.NOTICE)
        newest = next(messages, None)
        if newest is not None:
            self.active = max(self.active, newest.time or 0.0)
        if self.unloaded:
            self._restore_unread(added)
        self._move_receipt()
        return len(added)

    def set_no_history(self) -> None:
        """The server refuses older messages."""
        self.history = HistoryState.UNAVAILABLE
        self.unloaded = 0
        self.seeking = False

    def _restore_unread(self, added: list[MessageItem]) -> None:
        """Mark the messages as unread that an earlier run has not shown, the newest first."""
        for item in reversed(added):
            if not self.unloaded or item.place <= self.read:
                break
            if not item.mine and item.mark is not Mark.NOTICE:
                self._mark_unread(item)
                self.unloaded -= 1
        oldest = self.oldest_seq
        if self.history is HistoryState.COMPLETE or (oldest is not None and oldest <= self.read[0]):
            self.unloaded = 0  # the saved count was too high

    def catch_up(self, items: list[MessageItem], *, more: bool) -> None:
        """Add the newest page of history after a lost connection.

        A page that does not reach back to the loaded messages leaves a gap. Then the loaded
        messages are dropped, except those that the server has not confirmed.
        """
        self.stale = False
        known_history = self.history
        reaches_back = self._order.has_any(items)
        if more and not reaches_back and self._order.has_seqs:
            self._drop_confirmed()
        self.add_older(items, more=more)
        if reaches_back:
            self.history = known_history

    def _drop_confirmed(self) -> None:
        self.read = (self.read_seq, 0)
        self.unloaded, self._unread_items = self.unread, 0
        self._order.keep_only(self.unsent)
        self.anchor = self.divider = self.wanted = None

    # ------------------------------------------------------------------ reading

    def open(self) -> None:
        """The room becomes the open one."""
        self.hidden = False
        self.seek_new()

    def leave(self) -> None:
        """The room is not the open one any more."""
        self.divider = self.wanted = None
        self.seeking = False

    @property
    def last_line(self) -> str:
        """The newest message with its sender, or event, not escaped; empty if none is known."""
        for item in reversed(self.items):
            if item.mark is not Mark.NOTICE:
                return f"{item.sender}: {item.text}"
            if item.seq is not None:
                return item.text
        return self.preview

    def seek_new(self) -> None:
        """Go to the first unread message, after loading it if necessary."""
        self.divider = self.wanted = self.first_unread()
        self.seeking = self.unloaded > 0

    # ------------------------------------------------------------------ marks of the server

    def take_listed(self, conversation: Conversation, line: str) -> None:
        """Take what the answer to a login says about this conversation.

        ``line``: its last message, or event. An event does not move the room in the list.

        The count of the server replaces the saved one, unless this terminal has shown more than the
        server knows. Example: the messages were read without a connection.
        """
        last = conversation.last
        if last.seq is None:
            return
        if last.event is None or not self.active:
            self.active = max(self.active, times.parse(last.time_text) or 0.0)
        self.preview = line
        self.told_read = conversation.read
        self.set_other_read(conversation.other_read or 0)
        known = self.unloaded or self.read > START  # an earlier run has shown some
        if not known or conversation.read > self.read_seq:
            self._set_shown_up_to(conversation.read)
            self.unloaded = max(conversation.unread - self._unread_items, 0)
            self._counted = last.seq
        elif not conversation.unread:
            self.take_read(last.seq)
