"""RoomList: all conversations of one user, and the open one. Pure.

It is the root of the model of the conversations. Events of the client are passed in; the view
reads the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from client.account.sending import Receipt, Sending
from client.ui.model.directory import Directory
from client.ui.model.message_item import MessageItem, received, written
from client.ui.model.room import Room, RoomKey
from client.ui.text.group_notices import group_notice_text
from client.ui.text.mentions import mentions
from client.ui.text.translations import Translations
from client.values import Account, ChatMessage, GroupNotice

TYPING_SECONDS = 6.0
"""The time for which a notice of typing is shown. Clients repeat it every few seconds."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The effect of a received message.

    Attributes:
        fresh: whether the message is new, and not a repetition.
        alerts: whether it is addressed to the user, one to one or by name.
        seen: whether its room is open at the end, and the terminal has the focus.
    """

    room: Room
    fresh: bool
    alerts: bool
    seen: bool


class RoomList:
    """The rooms of one user. The terminal's thread.

    Attributes:
        directory: the users and groups.
        by_key: every known conversation.
        current: the open one.
        previous: the one that was open before.
        epoch: the history of the server to which the numbers of messages belong; empty: not known.
        typing: the users that are writing, by room, with the time of their last notice.
    """

    def __init__(self, user_id: int, name: str = "", texts: Translations | None = None) -> None:
        """``texts``: for the lines of events; None: in English."""
        self._texts = texts or Translations("en")
        self.directory = Directory(user_id, name)
        self.by_key: dict[RoomKey, Room] = {}
        self.current: Room | None = None
        self.previous: Room | None = None
        self.epoch = ""
        self.typing: dict[RoomKey, dict[int, float]] = {}
        self._room_of_mid: dict[str, Room] = {}  # for own messages without a receipt

    def set_account(self, account: Account) -> None:
        """Take over friends and groups, and their names as titles."""
        if account.name != self.directory.me[1]:
            self._rename_own_messages(account.name)
        self.directory.set_account(account)
        for friend in account.friends:
            self.room(RoomKey(False, friend.id)).title = friend.name
        for group in account.groups:
            self.room(RoomKey(True, group.id)).title = group.name
        self.set_muted(account)

    def name_user(self, user_id: int, name: str) -> None:
        """Note the name of a user, as the server tells it."""
        if not name:
            return
        self.directory.add_name(user_id, name, newest=True)
        room = self.by_key.get(RoomKey(False, user_id))
        if room is not None:
            room.title = name

    def set_conversations(self, account: Account) -> None:
        """Take the conversations in the answer to a login: order, counts, marks, muting."""
        for listed in account.conversations:
            in_group = listed.group_id is not None
            room = self.room(RoomKey(in_group, listed.group_id or listed.user_id or 0))
            if not in_group and not self.directory.is_friend(room.key.id):
                room.title = listed.name
                self.directory.add_name(room.key.id, listed.name, newest=False)
            room.take_listed(listed, self._line_of(listed.last))
        self.set_muted(account)

    def set_muted(self, account: Account) -> None:
        """Take the muted conversations."""
        for room in self.by_key.values():
            muted = account.muted_groups if room.key.in_group else account.muted_users
            room.muted = room.key.id in muted

    def note_typing(self, key: RoomKey, user_id: int, now: float) -> None:
        """A user is writing in this room, if that is known."""
        if key in self.by_key:
            self.typing.setdefault(key, {})[user_id] = now

    def typing_in(self, key: RoomKey, now: float) -> list[int]:
        """The users that are writing in this room. ``now``: as in ``note_typing``."""
        writers = self.typing.get(key, {})
        return [user_id for user_id, then in writers.items() if now - then < TYPING_SECONDS]

    def _rename_own_messages(self, name: str) -> None:
        """Correct the messages that were written before the login gave the name."""
        for room in self.by_key.values():
            for item in room.items:
                if item.mine and item.sender != name:
                    item.sender, item.rendered = name, None

    # ------------------------------------------------------------------ messages

    def receive(self, message: ChatMessage, *, focused: bool = True) -> Arrival:
        """Add a received message. ``focused``: the terminal has the focus."""
        self.directory.add_name(message.sender_id, message.sender_name, newest=True)
        key = self.key_of(message)
        room = self.room(key)
        self.typing.get(key, {}).pop(message.sender_id, None)
        from_other = not key.in_group and message.sender_id == key.id
        if from_other and not self.directory.is_friend(key.id):
            room.title = message.sender_name
        item = self._new_item(message)
        seen = focused and room is self.current and room.anchor is None
        first_unread = room is self.current and not room.unread
        fresh = room.receive(item)
        if seen:
            room.mark_shown([item])
        elif first_unread and item.unread:
            room.divider = item
        alerts = fresh and not item.mine and (item.mention or not (key.in_group or room.muted))
        return Arrival(room, fresh, alerts, seen)

    def receive_event(self, message: ChatMessage) -> None:
        """Add an event of a group as a line in its room, if the user has that room."""
        key = RoomKey(True, message.group_id or 0)
        if key in self.by_key:
            self.by_key[key].add_event(self._new_item(message))

    def key_of(self, message: ChatMessage) -> RoomKey:
        if message.group_id is not None:
            return RoomKey(True, message.group_id)
        own = message.sender_id == self.directory.me[0]
        return RoomKey(False, message.to_id if own else message.sender_id)

    def write(self, sending: Sending) -> Room:
        """Add an own message that is being sent, also one that an earlier run has queued."""
        room = self.room(RoomKey(sending.to_group, sending.target))
        me, name = self.directory.me
        if sending.mid not in self._room_of_mid:
            self._room_of_mid[sending.mid] = room
            room.write(written(sending, me, name))
        return room

    def confirm(self, receipt: Receipt) -> None:
        """Mark an own message as stored by the server."""
        room = self._room_of_mid.pop(receipt.mid, None)
        if room is not None:
            room.confirm(receipt.mid, receipt.seq, receipt.time_text)

    def fail(self, mid: str, reason: str) -> Room | None:
        """Mark an own message as refused; returns its room."""
        room = self._room_of_mid.get(mid)
        if room is not None:
            room.fail(mid, reason)
        return room

    def forget(self, room: Room, item: MessageItem) -> None:
        """Remove an own message that failed or was withdrawn."""
        if item.mid is not None:
            self._room_of_mid.pop(item.mid, None)
        room.forget(item)

    def add_older(self, room: Room, messages: Iterable[ChatMessage], *, more: bool) -> int:
        """Add a page of a room's history; returns the number of new messages."""
        return room.add_older(self._new_items(messages), more=more)

    def catch_up(self, room: Room, messages: Iterable[ChatMessage], *, more: bool) -> None:
        """Add the newest page of a room's history after a lost connection."""
        room.catch_up(self._new_items(messages), more=more)

    def _new_items(self, messages: Iterable[ChatMessage]) -> list[MessageItem]:
        items = []
        for message in messages:
            self.directory.add_name(message.sender_id, message.sender_name, newest=False)
            items.append(self._new_item(message))
        return items

    def _new_item(self, message: ChatMessage) -> MessageItem:
        me, name = self.directory.me
        item = received(message, me)
        if message.event is not None:
            item.text = self._event_text(message.event) or item.text
            return item
        in_group = message.group_id is not None
        item.mention = in_group and not item.mine and mentions(message.text, name)
        return item

    def _line_of(self, message: ChatMessage) -> str:
        """A message or an event as one line, not escaped."""
        if message.event is None:
            return f"{message.sender_name}: {message.text}"
        return self._event_text(message.event) or message.text

    def _event_text(self, event: GroupNotice) -> str | None:
        """The line of an event; None for an unknown one."""
        for user_id, known in ((event.user_id, event.name), (event.by_id, event.by_name)):
            if known:
                self.directory.add_name(user_id, known, newest=True)
        own = event.user_id == self.directory.me[0]
        return group_notice_text(event, event.name, event.by_name, self._texts, own=own)

    # ------------------------------------------------------------------ rooms

    def room(self, key: RoomKey) -> Room:
        """A room, created if it is new."""
        found = self.by_key.get(key)
        if found is None:
            title = "" if key.in_group else self.directory.name_of(key.id)
            found = self.by_key[key] = Room(key, title)
        return found

    def open(self, room: Room | None) -> None:
        """Open a room in place of the current one; None opens none."""
        if room is self.current:
            return
        if self.current is not None:
            self.current.leave()
            self.previous = self.current
        self.current = room
        if room is not None:
            room.open()

    def ordered(self) -> list[Room]:
        """The rooms to list: by their last message, then those without messages by name."""
        listed = [room for room in self.by_key.values() if self._is_listed(room)]
        return sorted(listed, key=self._rank)

    def next_unread(self) -> Room | None:
        """The room to read next: rooms with messages to the user first, then by age."""
        waiting = [room for room in self.ordered() if room.unread and room is not self.current]
        waiting.sort(key=lambda room: (not (room.mentioned or not room.key.in_group), room.active))
        return waiting[0] if waiting else None

    def neighbour(self, step: int) -> Room | None:
        """The room above (-1) or below (1) the current one in the list."""
        rooms = self.ordered()
        if not rooms:
            return None
        if self.current not in rooms:
            return rooms[0 if step > 0 else -1]
        return rooms[(rooms.index(self.current) + step) % len(rooms)]

    @property
    def unread(self) -> tuple[int, int]:
        """The number of unread messages, and of rooms that have some."""
        counts = [room.unread for room in self.by_key.values() if room.unread and not room.muted]
        return sum(counts), len(counts)

    def mark_stale(self) -> None:
        """The connection was lost: each room may lack messages.

        Example: while this terminal is offline, the user logs in with another client and reads
        the messages there; the server does not send them here again.
        """
        for room in self.by_key.values():
            room.stale = bool(room.items)

    def _is_listed(self, room: Room) -> bool:
        if room is self.current:
            return True
        if room.hidden:
            return False
        known = self.directory.is_listed(room.key)
        return bool(known or room.active or room.items or room.draft[0])

    def _rank(self, room: Room) -> tuple[float, bool, str, RoomKey]:
        is_offline = self.directory.is_online(room.key) is False
        return (-room.active, is_offline, room.title.casefold(), room.key)
