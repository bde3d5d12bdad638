from __future__ import annotations

import pytest

from client.ui.model.room import RoomKey
from client.ui.model.room_list import RoomList
from client.ui.text import times
from client.ui.text.cells import width
from client.ui.text.translations import Translations
from client.ui.view.room_list_view import list_lines
from tests.client.ui.uikit import bob_room, in_tea, make_rooms, one, plain

EN = Translations("en")


def now() -> float:
    moment = times.parse("2026-11-23 12:00:00")
    assert moment is not None
    return moment


def listed(rooms: RoomList, cells: int = 22, height: int = 10) -> list[str]:
    return [plain(line) for line in list_lines(rooms, EN, cells, height, now())]


def test_the_list() -> None:
    rooms = make_rooms()
    rooms.receive(one(1, "hi", minute=1))
    rooms.receive(in_tea(2, "@ann", minute=2))
    assert listed(rooms) == [
        "# tea         @1 18:02",
        "● bob          1 18:01",
        "○ 安妮                ",
    ]
    rooms.open(bob_room(rooms))
    lines = list_lines(rooms, EN, 22, 10, now())
    assert all("class:list.current" in style for style, _ in lines[1])
    assert "class:list.mention" in lines[0][2][0]


@pytest.mark.parametrize("cells", [8, 12, 16, 20, 22, 30])
def test_every_line_of_the_list_is_as_wide_as_the_list(cells: int) -> None:
    rooms = make_rooms()
    for sender in range(10, 25):
        rooms.receive(one(sender, "hi" * sender, sender=sender, minute=sender))
    rooms.by_key[RoomKey(False, 10)].title = "一个很长的名字\x1b[2J" * 3
    rooms.by_key[RoomKey(False, 11)].unloaded = 12345
    for line in listed(rooms, cells, 20):
        assert width(line) == cells
        assert line.isprintable()


def test_the_list_shows_the_current_room() -> None:
    rooms = make_rooms()
    for sender in range(10, 40):
        rooms.receive(one(sender, "hi", sender=sender, minute=sender))
    assert len(listed(rooms, height=5)) == 5
    for room in rooms.ordered():
        rooms.open(room)
        shown = list_lines(rooms, EN, 22, 5, now())
        assert sum("class:list.current" in line[0][0] for line in shown) == 1
        assert len(shown) == 5


def test_an_empty_list() -> None:
    assert listed(RoomList(5)) == ["no chats yet"]
