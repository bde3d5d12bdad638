"""The part of a RoomList that the next run of the terminal restores, as JSON values. Pure.

Messages are not saved. Drafts are, and so are the counts of unread messages.
"""

from __future__ import annotations

from typing import Any

from client.ui.model.room import Room, RoomKey
from client.ui.model.room_list import RoomList

MAX_SAVED_DRAFT = 4096
"""Characters of a draft that are saved."""

_MAX_NUMBER = 1e15
"""Above all times and seqs; a larger number in the file is a damaged one."""


def to_saved(rooms: RoomList) -> dict[str, Any]:
    """The state to save."""
    return {
        "epoch": rooms.epoch,
        "current": None if rooms.current is None else list(rooms.current.key),
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
            for room in rooms.by_key.values()
        ],
    }


def restore(rooms: RoomList, saved: dict[str, Any]) -> None:
    """Put a saved state into an empty RoomList. Damaged parts are skipped."""
    rooms.epoch = saved["epoch"] if isinstance(saved.get("epoch"), str) else ""
    records = saved.get("rooms")
    for record in records if isinstance(records, list) else []:
        key = _read_key(record.get("key")) if isinstance(record, dict) else None
        if key is not None:
            _restore_room(rooms.room(key), record)
    current = _read_key(saved.get("current"))
    if current is not None and current in rooms.by_key:
        rooms.open(rooms.by_key[current])


def without_numbers(saved: dict[str, Any]) -> dict[str, Any]:
    """A saved state for another epoch: the numbers of messages mean nothing there."""
    rooms = [{**room, "read": 0.0, "unread": 0, "mentioned": False} for room in saved["rooms"]]
    return {**saved, "rooms": rooms}


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
    return number if 0 <= number < _MAX_NUMBER else 0.0
