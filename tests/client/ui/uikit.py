"""Messages and accounts for the terminal's tests."""

from __future__ import annotations

from client.account.sending import Receipt, Sending
from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import Room, RoomKey
from client.ui.model.room_list import RoomList
from client.ui.text.styled_line import Line
from client.values import Account, ChatMessage, Friend, Group, Member

ANN, BOB, CAT = 1, 2, 3
TEA = 7

ACCOUNT = Account(
    ANN,
    "ann",
    (Friend(BOB, "bob", "online"), Friend(CAT, "安妮", "offline")),
    (
        Group(
            TEA,
            "tea",
            "four o'clock",
            (Member(ANN, "ann", "online", "creator"), Member(BOB, "bob", "online", "normal")),
        ),
    ),
    30.0,
)


def at(minute: int) -> str:
    """A time as the server writes it."""
    return f"2026-11-23 {10 + minute // 60:02}:{minute % 60:02}:00"


def one(
    seq: int | None, text: str, sender: int = BOB, to: int = ANN, minute: int = 0
) -> ChatMessage:
    """A message of one user to another."""
    names = {ANN: "ann", BOB: "bob", CAT: "安妮"}
    name = names.get(sender, f"name {sender}")
    return ChatMessage(sender, name, at(minute), text, None, seq, to)


def in_tea(seq: int | None, text: str, sender: int = BOB, minute: int = 0) -> ChatMessage:
    """A message in the group "tea"."""
    name = {ANN: "ann", BOB: "bob"}.get(sender, f"name {sender}")
    return ChatMessage(sender, name, at(minute), text, TEA, seq)


def sending(mid: str, text: str = "hello", to: int = BOB, *, to_group: bool = False) -> Sending:
    return Sending(mid, to, to_group, text, 1_800_000_000.0)


def receipt(mid: str, seq: int | None, minute: int = 0) -> Receipt:
    return Receipt(mid, seq, at(minute))


def make_rooms() -> RoomList:
    rooms = RoomList(ANN, "ann")
    rooms.set_account(ACCOUNT)
    return rooms


def bob_room(rooms: RoomList) -> Room:
    return rooms.room(RoomKey(False, BOB))


def tea_room(rooms: RoomList) -> Room:
    return rooms.room(RoomKey(True, TEA))


def show(rooms: RoomList) -> None:
    """Mark the messages of the open room as drawn."""
    assert rooms.current is not None
    rooms.current.mark_shown(rooms.current.items)


def plain(line: Line) -> str:
    """A line without its styles."""
    return "".join(text for _, text in line)


def texts(room: Room) -> list[str]:
    return [item.text for item in room.items]


def item(seq: int | None, text: str = "x", *, mine: bool = False) -> MessageItem:
    mark = Mark.STORED if mine else Mark.RECEIVED
    return MessageItem(ANN if mine else BOB, "bob", text, at(0), 1000.0, mark, seq=seq)
