"""Chats: all conversations of one user, and which one is looked at. Pure.

This is the view-model's root. It knows no terminal and no connection: what happens is told it,
and what is to be shown is read from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from client.account.roster import ONLINE
from client.account.sending import Receipt, Sending
from client.ui.model.message_item import MessageItem, received, written
from client.ui.model.room import Room, RoomKey
from client.ui.text.mentions import mentions
from client.values import Account, ChatMessage, Friend, Group

MAX_SAVED_DRAFT = 4096
"""Characters of a draft that are kept between two runs."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a message that came means to the user.

    Attributes:
        fresh: it was not here yet.
        calls: it is addressed to the user: one to one, or by name.
        seen: its room is looked at, at its end, by a user who is there.
    """

    room: Room
    fresh: bool
    calls: bool
    seen: bool


class Chats:
    """The rooms of one user. The thread of the terminal.

    Attributes:
        me: the user's id and name.
        account: friends and groups; None before the first login.
        rooms: every conversation that is known of.
        current: the one that is looked at.
        previous: the one before.
    """

    def __init__(self, user_id: int, name: str = "") -> None:
        self.me = (user_id, name)
        self.account: Account | None = None
        self.rooms: dict[RoomKey, Room] = {}
        self.current: Room | None = None
        self.previous: Room | None = None
        self._friends: dict[int, Friend] = {}
        self._groups: dict[int, Group] = {}
        self._names: dict[int, str] = {}  # of whoever wrote
        self._in_room: dict[str, Room] = {}  # mid → where a message of one's own is

    # ------------------------------------------------------------------ who is who

    def set_account(self, account: Account) -> None:
        """Friends and groups are these now."""
        if account.name != self.me[1]:
            self._rename_myself(account.name)
        self.me = (account.id, account.name)
        self.account = account
        self._friends = {friend.id: friend for friend in account.friends}
        self._groups = {group.id: group for group in account.groups}
        for friend in account.friends:
            self.room(RoomKey(False, friend.id)).title = friend.name
        for group in account.groups:
            self.room(RoomKey(True, group.id)).title = group.name
            for member in group.members:
                self._names.setdefault(member.id, member.name)

    def _rename_myself(self, name: str) -> None:
        """What was written before the name was known."""
        for room in self.rooms.values():
            for item in room.items:
                if item.mine and item.sender != name:
                    item.sender, item.rendered = name, None

    def name_of(self, user_id: int) -> str:
        """A user's name, not escaped; empty if it is not known."""
        if user_id == self.me[0]:
            return self.me[1]
        friend = self._friends.get(user_id)
        return friend.name if friend is not None else self._names.get(user_id, "")

    def group(self, group_id: int) -> Group | None:
        """A group that the user is in."""
        return self._groups.get(group_id)

    def is_friend(self, user_id: int) -> bool:
        """Whether somebody is on the contact list."""
        return user_id in self._friends

    def is_online(self, room: Room) -> bool | None:
        """Whether the other one is there; None if that is not known, and for groups."""
        if room.key.in_group:
            return None
        friend = self._friends.get(room.key.id)
        if friend is not None:
            return friend.state == ONLINE
        return True if room.key.id == self.me[0] else None

    def members_online(self, room: Room) -> tuple[int, int]:
        """How many members of a room's group are there, and how many there are."""
        group = self._groups.get(room.key.id)
        members = () if group is None else group.members
        return sum(member.state == ONLINE for member in members), len(members)

    # ------------------------------------------------------------------ messages

    def receive(self, message: ChatMessage, *, watched: bool = True) -> Arrival:
        """A message has arrived; ``watched``: the user looks at the terminal."""
        self._names[message.sender_id] = message.sender_name
        key = self._key_of(message)
        room = self.room(key)
        is_theirs = not key.in_group and message.sender_id == key.id
        if is_theirs and key.id not in self._friends:
            room.title = message.sender_name
        item = self._new_item(message)
        seen = watched and room is self.current and room.anchor is None
        begins = room is self.current and not room.unread
        fresh = room.receive(item)
        if seen:
            room.mark_shown([item])
        elif begins and item.unread:
            room.divider = item
        calls = fresh and not item.mine and (item.mention or not key.in_group)
        return Arrival(room, fresh, calls, seen)

    def _key_of(self, message: ChatMessage) -> RoomKey:
        if message.group_id is not None:
            return RoomKey(True, message.group_id)
        from_me = message.sender_id == self.me[0]
        return RoomKey(False, message.to_id if from_me else message.sender_id)

    def write(self, sending: Sending) -> Room:
        """A message of one's own is on its way; also one that an earlier run has left."""
        room = self.room(RoomKey(sending.to_group, sending.target))
        me, name = self.me
        if sending.mid not in self._in_room:
            self._in_room[sending.mid] = room
            room.write(written(sending, me, name))
        return room

    def stored(self, receipt: Receipt) -> None:
        """The server has a message of one's own."""
        room = self._in_room.pop(receipt.mid, None)
        if room is not None:
            room.stored(receipt.mid, receipt.seq, receipt.time_text)

    def fail(self, mid: str, why: str) -> Room | None:
        """The server will not take a message of one's own; returns where it is."""
        room = self._in_room.get(mid)
        if room is not None:
            room.fail(mid, why)
        return room

    def forget(self, room: Room, item: MessageItem) -> None:
        """Take a message that failed or was withdrawn out."""
        if item.mid is not None:
            self._in_room.pop(item.mid, None)
        room.forget(item)

    def add_older(self, room: Room, messages: Iterable[ChatMessage], *, more: bool) -> int:
        """A page of a room's history; returns how many messages were not here yet."""
        return room.add_older(self._new_items(messages), more=more)

    def catch_up(self, room: Room, messages: Iterable[ChatMessage], *, more: bool) -> None:
        """The newest page of a room's history, after something may have been missed."""
        room.catch_up(self._new_items(messages), more=more)

    def _new_items(self, messages: Iterable[ChatMessage]) -> list[MessageItem]:
        items = []
        for message in messages:
            self._names.setdefault(message.sender_id, message.sender_name)
            items.append(self._new_item(message))
        return items

    def _new_item(self, message: ChatMessage) -> MessageItem:
        me, name = self.me
        item = received(message, me)
        in_group = message.group_id is not None
        item.mention = in_group and not item.mine and mentions(message.text, name)
        return item

    # ------------------------------------------------------------------ rooms

    def room(self, key: RoomKey) -> Room:
        """A room, made if it is new."""
        found = self.rooms.get(key)
        if found is None:
            found = self.rooms[key] = Room(key, "" if key.in_group else self.name_of(key.id))
        return found

    def open(self, room: Room | None) -> None:
        """Look at a room, or at none."""
        if room is self.current:
            return
        if self.current is not None:
            self.current.leave()
            self.previous = self.current
        self.current = room
        if room is not None:
            room.open()

    def ordered(self) -> list[Room]:
        """The rooms to list: the most lively first, then those where nothing was said."""
        listed = [room for room in self.rooms.values() if self._is_listed(room)]
        return sorted(listed, key=self._rank)

    def next_unread(self) -> Room | None:
        """The room to look at next: one that names the user before others, the oldest first."""
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
        """How many messages are unread, and in how many rooms."""
        counts = [room.unread for room in self.rooms.values() if room.unread]
        return sum(counts), len(counts)

    def missed_something(self) -> None:
        """There was no connection for a while: somebody else may have had the account."""
        for room in self.rooms.values():
            room.stale = bool(room.items)

    def _is_listed(self, room: Room) -> bool:
        if room is self.current:
            return True
        if room.hidden:
            return False
        known = self._groups if room.key.in_group else self._friends
        return bool(room.key.id in known or room.active or room.items or room.draft[0])

    def _rank(self, room: Room) -> tuple[float, bool, str, RoomKey]:
        return (-room.active, self.is_online(room) is False, room.title.casefold(), room.key)

    # ------------------------------------------------------------------ between two runs

    def to_saved(self) -> dict[str, Any]:
        """What is worth keeping, as JSON has it. No message is in it, but drafts are."""
        return {
            "current": None if self.current is None else list(self.current.key),
            "rooms": [
                {
                    "key": list(room.key),
                    "title": room.title,
                    "active": room.active,
                    "unread": room.unread,
                    "mentioned": room.mentioned,
                    "read": room.read_seq,
                    "draft": room.draft[0][:MAX_SAVED_DRAFT],
                    "hidden": room.hidden,
                }
                for room in self.rooms.values()
            ],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over what an earlier run has kept; whatever makes no sense is left out."""
        records = saved.get("rooms")
        for record in records if isinstance(records, list) else []:
            key = _read_key(record.get("key")) if isinstance(record, dict) else None
            if key is not None:
                _restore_room(self.room(key), record)
        current = _read_key(saved.get("current"))
        if current is not None and current in self.rooms:
            self.open(self.rooms[current])


def _read_key(value: object) -> RoomKey | None:
    match value:
        case [bool(in_group), int(number)] if number > 0 and not isinstance(number, bool):
            return RoomKey(in_group, number)
    return None


def _restore_room(room: Room, record: dict[str, Any]) -> None:
    room.title = record["title"] if isinstance(record.get("title"), str) else room.title
    draft = record.get("draft")
    room.draft = (draft, len(draft)) if isinstance(draft, str) else ("", 0)
    room.active = _read_number(record.get("active"))
    room.unloaded = int(_read_number(record.get("unread")))
    room.mentioned = record.get("mentioned") is True
    room.read = (_read_number(record.get("read")), 0)
    room.hidden = record.get("hidden") is True


def _read_number(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else 0.0
    return number if 0 <= number < 1e15 else 0.0
