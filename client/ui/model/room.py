"""Room: one conversation, with a user or in a group, and where one is in it. Pure.

Its items are in the order of ``seq``: one that comes late is put in its place. A message of
one's own that the server has not confirmed stands at the end, and finds its place with its seq.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from client.ui.model.message_item import LAST, Mark, MessageItem, Place

START: Place = (0.0, 0)


class RoomKey(NamedTuple):
    """Which conversation: with this user, or in this group."""

    in_group: bool
    id: int


class HistoryState(Enum):
    """What is known of a room's history."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    MORE = "more"
    COMPLETE = "complete"
    UNAVAILABLE = "unavailable"


class Anchor(NamedTuple):
    """Where a room is scrolled to: the lowest item to be seen, and its lines below the edge."""

    item: MessageItem
    below: int


class Room:
    """A conversation. The thread of the terminal.

    Attributes:
        title: the name, not escaped.
        items: in their order; do not change the list.
        unloaded: messages that an earlier run has not shown, and that are not in ``items`` yet.
        mentioned: an unread message names the user.
        read: all up to there was shown by an earlier run.
        divider: the first of the new ones, while that is to be seen; None otherwise.
        anchor: None follows the end.
        wanted: an item to put at the top of the view with the next drawing.
        held: what comes does not move the view, not even at its end.
        seeking: the first unread message is being loaded, to be shown.
        past: what is known of older messages.
        active: unix seconds of the last message, 0 if there was none.
        draft: what is being written, and where the cursor is in it.
        hidden: not to be listed until something happens in it.
        stale: something may have been said that did not come here.
    """

    def __init__(self, key: RoomKey, title: str) -> None:
        self.key = key
        self.title = title
        self.items: list[MessageItem] = []
        self.unloaded = 0
        self.mentioned = False
        self.read: Place = START
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
        self._by_seq: dict[int, MessageItem] = {}
        self._by_mid: dict[str, MessageItem] = {}
        self._fresh = 0  # items that are unread
        self._count = 0  # numbers items that have no seq
        self._highest = 0

    def __repr__(self) -> str:
        kind = "group" if self.key.in_group else "user"
        return f"<Room {kind} {self.key.id}: {len(self.items)} items, {self.unread} unread>"

    @property
    def oldest_seq(self) -> int | None:
        """The lowest seq that is here."""
        return next((item.seq for item in self.items if item.seq is not None), None)

    @property
    def has_more(self) -> bool:
        """Whether older messages may be asked for."""
        return self.history in (HistoryState.UNKNOWN, HistoryState.MORE)

    @property
    def failed(self) -> list[MessageItem]:
        """Messages of one's own that the server did not take."""
        return [item for item in self.items if item.mark is Mark.FAILED]

    @property
    def unsent(self) -> list[MessageItem]:
        """Messages of one's own that the server has not taken: queued or failed, in order."""
        return [item for item in self.items if item.mid is not None]

    # ------------------------------------------------------------------ what happens

    def receive(self, item: MessageItem) -> bool:
        """A message has arrived. Returns whether it was not here yet."""
        if not self._put(item):
            return False
        self._happened(item)
        if not item.mine:
            self._flag(item)
        return True

    def write(self, item: MessageItem) -> None:
        """A message of one's own is on its way. What was new is not any more."""
        assert item.mid is not None
        self._by_mid[item.mid] = item
        self._place(item, LAST)
        self._happened(item)
        self.divider = self.anchor = self.wanted = None
        self.seeking = False

    def stored(self, mid: str, seq: int | None, time: str) -> MessageItem | None:
        """The server has a message of one's own; it takes its place. None if it is not here."""
        item = self._by_mid.pop(mid, None)
        if item is None:
            return None
        self._take_out(item)
        item.mid = None
        item.seq = seq
        item.change(Mark.STORED, time=time)
        if not self._put(item) and self.anchor is not None and self.anchor.item is item:
            self.anchor = None  # it had come by another way, and stands there
        return item

    def fail(self, mid: str, why: str) -> MessageItem | None:
        """The server will not take a message of one's own. None if it is not here."""
        item = self._by_mid.get(mid)
        if item is None:
            return None
        self._take_out(item)
        item.change(Mark.FAILED, why=why)
        self._place(item, float(self._highest))
        return item

    def forget(self, item: MessageItem) -> None:
        """Take a message of one's own out, one that failed or was withdrawn."""
        self._take_out(item)
        if item.mid is not None:
            self._by_mid.pop(item.mid, None)
        if self.anchor is not None and self.anchor.item is item:
            self.anchor = None

    def add_older(self, items: Iterable[MessageItem], *, more: bool) -> int:
        """A page of history. Returns how many of it were not here yet."""
        added = [item for item in items if self._put(item)]
        self.history = HistoryState.MORE if more else HistoryState.COMPLETE
        if self.items:
            self.active = max(self.active, self.items[-1].when or 0.0)
        if self.unloaded:
            self._flag_past(added)
        return len(added)

    def has_no_history(self) -> None:
        """Older messages cannot be had."""
        self.history = HistoryState.UNAVAILABLE
        self.unloaded = 0
        self.seeking = False

    def _flag(self, item: MessageItem) -> None:
        item.unread = True
        self._fresh += 1
        self.mentioned |= item.mention

    def _flag_past(self, added: list[MessageItem]) -> None:
        """Find the messages again that an earlier run has not shown, the newest first."""
        for item in reversed(added):
            if not self.unloaded or item.place <= self.read:
                break
            if not item.mine:
                self._flag(item)
                self.unloaded -= 1
        oldest = self.oldest_seq
        if self.history is HistoryState.COMPLETE or (oldest is not None and oldest <= self.read[0]):
            self.unloaded = 0  # there are fewer than were counted

    def catch_up(self, items: list[MessageItem], *, more: bool) -> None:
        """The newest page of history, after a time in which something may have been missed.

        If it does not reach back to what is here, there is a gap, and what is here goes: all
        but what the server has not confirmed.
        """
        self.stale = False
        known_past = self.history
        reaches_back = any(item.seq in self._by_seq for item in items)
        if more and not reaches_back and self._by_seq:
            self._start_afresh()
        self.add_older(items, more=more)
        if reaches_back:
            self.history = known_past

    def _start_afresh(self) -> None:
        kept = [item for item in self.items if item.mid is not None]
        self.read = (self.read_seq, 0)
        self.unloaded, self._fresh = self.unread, 0
        self.items = kept
        self._by_seq.clear()
        self.anchor = self.divider = self.wanted = None

    # ------------------------------------------------------------------ being read

    def open(self) -> None:
        """It is looked at from now on."""
        self.hidden = False
        self.seek_new()

    def leave(self) -> None:
        """It is looked at no more."""
        self.divider = self.wanted = None
        self.seeking = False

    @property
    def unread(self) -> int:
        """Messages that have not been shown."""
        return self._fresh + self.unloaded

    @property
    def read_seq(self) -> float:
        """All up to this ``seq`` has been shown."""
        if self.unloaded:
            return self.read[0]
        first = self.first_unread()
        if first is None:
            return float(self._highest)
        return max(first.place[0] - 1, 0.0)

    def first_unread(self) -> MessageItem | None:
        """The oldest message that is here and has not been shown."""
        found, left = None, self._fresh
        for item in reversed(self.items):
            if not left:
                break
            if item.unread:
                found, left = item, left - 1
        return found

    def unread_above(self, index: int) -> int:
        """How many messages before this place have not been shown."""
        if not self.unread:
            return 0
        return self.unread - sum(item.unread for item in self.items[index:])

    def seek_new(self) -> None:
        """Show the first unread message, when it is here."""
        self.divider = self.wanted = self.first_unread()
        self.seeking = self.unloaded > 0

    def mark_shown(self, items: Iterable[MessageItem]) -> bool:
        """These were on the screen. Returns whether one of them was unread."""
        if not self._fresh:
            return False
        before = self._fresh
        for item in items:
            if item.unread:
                item.unread = False
                self._fresh -= 1
        if not self.unread:
            self.mentioned = False
            self.read = (float(self._highest), 0)
        return self._fresh < before

    def index(self, item: MessageItem) -> int:
        """Where an item stands. It must be in here."""
        return bisect_right(self.items, item.place, key=_place_of) - 1

    # ------------------------------------------------------------------ order

    def _happened(self, item: MessageItem) -> None:
        self.active = max(self.active, item.when or 0.0)
        self.hidden = False

    def _put(self, item: MessageItem) -> bool:
        if item.seq is None:
            self._place(item, float(self._highest))
            return True
        if item.seq in self._by_seq:
            return False
        self._by_seq[item.seq] = item
        self._highest = max(self._highest, item.seq)
        item.place = (float(item.seq), 0)
        insort(self.items, item, key=_place_of)
        return True

    def _place(self, item: MessageItem, after: float) -> None:
        self._count += 1
        item.place = (after, self._count)
        insort(self.items, item, key=_place_of)

    def _take_out(self, item: MessageItem) -> None:
        del self.items[self.index(item)]


def _place_of(item: MessageItem) -> Place:
    return item.place
