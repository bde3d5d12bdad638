"""Room: one conversation, with a user or in a group, and where one is in it. Pure.

Its entries are in the order of ``seq``: one that comes late is put in its place. A message of
one's own that the server has not confirmed stands at the end, and finds its place with its seq.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from client.ui.model.message_item import LAST, Entry, Mark, Place

START: Place = (0.0, 0)


class RoomKey(NamedTuple):
    """Which conversation: with this user, or in this group."""

    in_group: bool
    id: int


class Past(Enum):
    """What is known of a room's history."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    MORE = "more"
    COMPLETE = "complete"
    UNAVAILABLE = "unavailable"


class Anchor(NamedTuple):
    """Where a room is scrolled to: the lowest entry to be seen, and its lines below the edge."""

    entry: Entry
    below: int


class Room:
    """A conversation. The thread of the terminal.

    Attributes:
        title: the name, not escaped.
        entries: in their order; do not change the list.
        unloaded: messages that an earlier run has not shown, and that are not in ``entries`` yet.
        mentioned: an unread message names the user.
        read: all up to there was shown by an earlier run.
        divider: the first of the new ones, while that is to be seen; None otherwise.
        anchor: None follows the end.
        wanted: an entry to put at the top of the view with the next drawing.
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
        self.entries: list[Entry] = []
        self.unloaded = 0
        self.mentioned = False
        self.read: Place = START
        self.divider: Entry | None = None
        self.anchor: Anchor | None = None
        self.wanted: Entry | None = None
        self.held = False
        self.seeking = False
        self.past = Past.UNKNOWN
        self.active = 0.0
        self.draft = ("", 0)
        self.hidden = False
        self.stale = False
        self._by_seq: dict[int, Entry] = {}
        self._by_mid: dict[str, Entry] = {}
        self._fresh = 0  # entries that are unread
        self._count = 0  # numbers entries that have no seq
        self._highest = 0

    def __repr__(self) -> str:
        kind = "group" if self.key.in_group else "user"
        return f"<Room {kind} {self.key.id}: {len(self.entries)} entries, {self.unread} unread>"

    @property
    def oldest_seq(self) -> int | None:
        """The lowest seq that is here."""
        return next((entry.seq for entry in self.entries if entry.seq is not None), None)

    @property
    def has_more(self) -> bool:
        """Whether older messages may be asked for."""
        return self.past in (Past.UNKNOWN, Past.MORE)

    @property
    def failed(self) -> list[Entry]:
        """Messages of one's own that the server did not take."""
        return [entry for entry in self.entries if entry.mark is Mark.FAILED]

    @property
    def unsent(self) -> list[Entry]:
        """Messages of one's own that the server has not taken: queued or failed, in order."""
        return [entry for entry in self.entries if entry.mid is not None]

    # ------------------------------------------------------------------ what happens

    def receive(self, entry: Entry) -> bool:
        """A message has arrived. Returns whether it was not here yet."""
        if not self._put(entry):
            return False
        self._happened(entry)
        if not entry.mine:
            self._flag(entry)
        return True

    def write(self, entry: Entry) -> None:
        """A message of one's own is on its way. What was new is not any more."""
        assert entry.mid is not None
        self._by_mid[entry.mid] = entry
        self._place(entry, LAST)
        self._happened(entry)
        self.divider = self.anchor = self.wanted = None
        self.seeking = False

    def stored(self, mid: str, seq: int | None, time: str) -> Entry | None:
        """The server has a message of one's own; it takes its place. None if it is not here."""
        entry = self._by_mid.pop(mid, None)
        if entry is None:
            return None
        self._take_out(entry)
        entry.mid = None
        entry.seq = seq
        entry.change(Mark.STORED, time=time)
        if not self._put(entry) and self.anchor is not None and self.anchor.entry is entry:
            self.anchor = None  # it had come by another way, and stands there
        return entry

    def fail(self, mid: str, why: str) -> Entry | None:
        """The server will not take a message of one's own. None if it is not here."""
        entry = self._by_mid.get(mid)
        if entry is None:
            return None
        self._take_out(entry)
        entry.change(Mark.FAILED, why=why)
        self._place(entry, float(self._highest))
        return entry

    def forget(self, entry: Entry) -> None:
        """Take a message of one's own out, one that failed or was withdrawn."""
        self._take_out(entry)
        if entry.mid is not None:
            self._by_mid.pop(entry.mid, None)
        if self.anchor is not None and self.anchor.entry is entry:
            self.anchor = None

    def add_past(self, entries: Iterable[Entry], *, more: bool) -> int:
        """A page of history. Returns how many of it were not here yet."""
        added = [entry for entry in entries if self._put(entry)]
        self.past = Past.MORE if more else Past.COMPLETE
        if self.entries:
            self.active = max(self.active, self.entries[-1].when or 0.0)
        if self.unloaded:
            self._flag_past(added)
        return len(added)

    def has_no_past(self) -> None:
        """Older messages cannot be had."""
        self.past = Past.UNAVAILABLE
        self.unloaded = 0
        self.seeking = False

    def _flag(self, entry: Entry) -> None:
        entry.unread = True
        self._fresh += 1
        self.mentioned |= entry.mention

    def _flag_past(self, added: list[Entry]) -> None:
        """Find the messages again that an earlier run has not shown, the newest first."""
        for entry in reversed(added):
            if not self.unloaded or entry.place <= self.read:
                break
            if not entry.mine:
                self._flag(entry)
                self.unloaded -= 1
        oldest = self.oldest_seq
        if self.past is Past.COMPLETE or (oldest is not None and oldest <= self.read[0]):
            self.unloaded = 0  # there are fewer than were counted

    def catch_up(self, entries: list[Entry], *, more: bool) -> None:
        """The newest page of history, after a time in which something may have been missed.

        If it does not reach back to what is here, there is a gap, and what is here goes: all
        but what the server has not confirmed.
        """
        self.stale = False
        known_past = self.past
        reaches_back = any(entry.seq in self._by_seq for entry in entries)
        if more and not reaches_back and self._by_seq:
            self._start_afresh()
        self.add_past(entries, more=more)
        if reaches_back:
            self.past = known_past

    def _start_afresh(self) -> None:
        kept = [entry for entry in self.entries if entry.mid is not None]
        self.read = (self.read_seq, 0)
        self.unloaded, self._fresh = self.unread, 0
        self.entries = kept
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

    def first_unread(self) -> Entry | None:
        """The oldest message that is here and has not been shown."""
        found, left = None, self._fresh
        for entry in reversed(self.entries):
            if not left:
                break
            if entry.unread:
                found, left = entry, left - 1
        return found

    def unread_above(self, index: int) -> int:
        """How many messages before this place have not been shown."""
        if not self.unread:
            return 0
        return self.unread - sum(entry.unread for entry in self.entries[index:])

    def seek_new(self) -> None:
        """Show the first unread message, when it is here."""
        self.divider = self.wanted = self.first_unread()
        self.seeking = self.unloaded > 0

    def mark_shown(self, entries: Iterable[Entry]) -> bool:
        """These were on the screen. Returns whether one of them was unread."""
        if not self._fresh:
            return False
        before = self._fresh
        for entry in entries:
            if entry.unread:
                entry.unread = False
                self._fresh -= 1
        if not self.unread:
            self.mentioned = False
            self.read = (float(self._highest), 0)
        return self._fresh < before

    def index(self, entry: Entry) -> int:
        """Where an entry stands. It must be in here."""
        return bisect_right(self.entries, entry.place, key=_place_of) - 1

    # ------------------------------------------------------------------ order

    def _happened(self, entry: Entry) -> None:
        self.active = max(self.active, entry.when or 0.0)
        self.hidden = False

    def _put(self, entry: Entry) -> bool:
        if entry.seq is None:
            self._place(entry, float(self._highest))
            return True
        if entry.seq in self._by_seq:
            return False
        self._by_seq[entry.seq] = entry
        self._highest = max(self._highest, entry.seq)
        entry.place = (float(entry.seq), 0)
        insort(self.entries, entry, key=_place_of)
        return True

    def _place(self, entry: Entry, after: float) -> None:
        self._count += 1
        entry.place = (after, self._count)
        insort(self.entries, entry, key=_place_of)

    def _take_out(self, entry: Entry) -> None:
        del self.entries[self.index(entry)]


def _place_of(entry: Entry) -> Place:
    return entry.place
