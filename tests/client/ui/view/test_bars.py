from __future__ import annotations

import pytest

from client.account.lifecycle import State, Status
from client.ui.model.login_form import LoginForm
from client.ui.model.room import RoomKey
from client.ui.model.room_list import RoomList
from client.ui.model.screen_state import ScreenState
from client.ui.text.cells import width
from client.ui.text.translations import Translations
from client.ui.view import bars
from tests.client.ui.uikit import ANN, bob_room, in_tea, make_rooms, one, plain, tea_room

EN, ZH = Translations("en"), Translations("zh")


def state_of(
    rooms: RoomList, texts: Translations, *, unsent: int = 0, status: State = State.ONLINE
) -> ScreenState:
    state = ScreenState(texts, LoginForm([]))
    state.rooms, state.unsent, state.status = rooms, unsent, Status(status)
    return state


def test_the_title() -> None:
    rooms = make_rooms()
    assert plain(bars.title_line(rooms, EN, 60, "localhost:6000")).strip() == "localhost:6000"
    rooms.open(bob_room(rooms))
    title = plain(bars.title_line(rooms, EN, 60, "localhost:6000"))
    assert title == " bob (2)  online" + " " * 28 + " localhost:6000 "
    rooms.open(tea_room(rooms))
    title = plain(bars.title_line(rooms, EN, 60, "localhost:6000"))
    assert title.startswith(" tea (7)  2 of 2 online  four o'clock ")
    rooms.open(rooms.room(RoomKey(False, 99)))
    assert plain(bars.title_line(rooms, EN, 60, "x")).startswith(" user 99 ")
    rooms.open(rooms.room(RoomKey(False, ANN)))
    assert plain(bars.title_line(rooms, EN, 60, "x")).startswith(" ann (myself)  online ")
    rooms.open(rooms.room(RoomKey(True, 5)))
    assert plain(bars.title_line(rooms, ZH, 60, "x")).startswith(" 群 5 ")


@pytest.mark.parametrize("cells", [20, 40, 57, 80, 132])
def test_bars_are_as_wide_as_the_screen(cells: int) -> None:
    rooms = make_rooms()
    room = tea_room(rooms)
    room.title = "名字" * 40
    rooms.open(room)
    rooms.receive(one(1, "hi"))
    for texts in (EN, ZH):
        assert width(plain(bars.title_line(rooms, texts, cells, "a-long-host-name:6000"))) == cells
        for unsent in (0, 3):
            for below in (False, True):
                line = bars.status_line(state_of(rooms, texts, unsent=unsent), cells, below=below)
                assert width(plain(line)) == cells


def test_the_status() -> None:
    rooms = make_rooms()
    line = plain(bars.status_line(state_of(rooms, EN), 60, below=False))
    assert line == " ann (1) ● " + " " * 40 + " F1 help "
    rooms.receive(one(1, "hi"))
    rooms.receive(one(2, "hi"))
    line = plain(
        bars.status_line(state_of(rooms, EN, unsent=1, status=State.WAITING), 60, below=False)
    )
    assert line.startswith(" ann (1) ○ 2 unread · 1 unsent ")
    rooms.receive(in_tea(3, "hi"))
    line = plain(bars.status_line(state_of(rooms, ZH), 60, below=True))
    assert line.startswith(" ann (1) ● ▼ 下面还有 · 2 个会话共 3 条未读 ")
    rooms.open(tea_room(rooms))
    tea_room(rooms).unloaded = 3
    line = plain(bars.status_line(state_of(rooms, EN), 80, below=True))
    assert "▼ 4 new below" in line
    line = plain(bars.status_line(state_of(rooms, EN), 80, below=True, above=3))
    assert "▲ 3 new above · ▼ 1 new below" in line
    line = plain(bars.status_line(state_of(rooms, EN, unsent=9), 40, below=True, above=3))
    assert line == " ann (1) ● ▲ 3 new above        F1 help "  # counts are left out, not clipped


def test_a_long_notice_has_several_rows() -> None:
    rows = bars.wrapped("class:notice", "word " * 28, 40)
    assert [width(plain(row)) for row in rows] == [40] * 4
    assert "".join(plain(row) for row in rows).split() == ["word"] * 28
    rows = bars.wrapped("class:notice", "word " * 300, 40)
    assert len(rows) == bars.MAX_ROWS
    assert plain(rows[-1]).rstrip().endswith("…")
    assert bars.wrapped("class:notice", "", 40) == []
