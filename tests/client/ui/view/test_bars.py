from __future__ import annotations

import pytest

from client.account.lifecycle import State, Status
from client.errors import (
    ConnectError,
    ConnectionLostError,
    NoAnswerError,
    RefusedError,
    ReplacedError,
)
from client.ui.model.chats import Chats
from client.ui.model.room import RoomKey
from client.ui.text import times
from client.ui.text.cells import width
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.view import bars
from tests.client.ui.uikit import ANN, bob_room, in_tea, make_chats, one, tea_room

EN, ZH = Translations("en"), Translations("zh")


def now() -> float:
    moment = times.parse("2026-11-23 12:00:00")
    assert moment is not None
    return moment


def plain(line: Line) -> str:
    return "".join(text for _, text in line)


def listed(chats: Chats, cells: int = 22, height: int = 10) -> list[str]:
    return [plain(line) for line in bars.list_lines(chats, EN, cells, height, now())]


def test_the_list() -> None:
    chats = make_chats()
    chats.receive(one(1, "hi", minute=1))
    chats.receive(in_tea(2, "@ann", minute=2))
    assert listed(chats) == [
        "# tea         @1 18:02",
        "● bob          1 18:01",
        "○ 安妮                ",
    ]
    chats.open(bob_room(chats))
    lines = bars.list_lines(chats, EN, 22, 10, now())
    assert all("class:list.current" in style for style, _ in lines[1])
    assert "class:list.mention" in lines[0][2][0]


@pytest.mark.parametrize("cells", [8, 12, 16, 20, 22, 30])
def test_every_line_of_the_list_is_as_wide_as_the_list(cells: int) -> None:
    chats = make_chats()
    for sender in range(10, 25):
        chats.receive(one(sender, "hi" * sender, sender=sender, minute=sender))
    chats.rooms[RoomKey(False, 10)].title = "一个很长的名字\x1b[2J" * 3
    chats.rooms[RoomKey(False, 11)].unloaded = 12345
    for line in listed(chats, cells, 20):
        assert width(line) == cells
        assert line.isprintable()


def test_the_list_shows_the_current_room() -> None:
    chats = make_chats()
    for sender in range(10, 40):
        chats.receive(one(sender, "hi", sender=sender, minute=sender))
    assert len(listed(chats, height=5)) == 5
    for room in chats.ordered():
        chats.open(room)
        shown = bars.list_lines(chats, EN, 22, 5, now())
        assert sum("class:list.current" in line[0][0] for line in shown) == 1
        assert len(shown) == 5


def test_an_empty_list() -> None:
    assert listed(Chats(5)) == ["nobody yet"]


def test_the_title() -> None:
    chats = make_chats()
    assert plain(bars.title_line(chats, EN, 60, "localhost:6000")).strip() == "localhost:6000"
    chats.open(bob_room(chats))
    title = plain(bars.title_line(chats, EN, 60, "localhost:6000"))
    assert title == " bob (2)  online" + " " * 28 + " localhost:6000 "
    chats.open(tea_room(chats))
    title = plain(bars.title_line(chats, EN, 60, "localhost:6000"))
    assert title.startswith(" tea (7)  2 of 2 online  four o'clock ")
    chats.open(chats.room(RoomKey(False, 99)))
    assert plain(bars.title_line(chats, EN, 60, "x")).startswith(" user 99 ")
    chats.open(chats.room(RoomKey(False, ANN)))
    assert plain(bars.title_line(chats, EN, 60, "x")).startswith(" ann (myself)  online ")
    chats.open(chats.room(RoomKey(True, 5)))
    assert plain(bars.title_line(chats, ZH, 60, "x")).startswith(" 群 5 ")


@pytest.mark.parametrize("cells", [20, 40, 57, 80, 132])
def test_bars_are_as_wide_as_the_screen(cells: int) -> None:
    chats = make_chats()
    room = tea_room(chats)
    room.title = "名字" * 40
    chats.open(room)
    chats.receive(one(1, "hi"))
    for texts in (EN, ZH):
        assert width(plain(bars.title_line(chats, texts, cells, "a-long-host-name:6000"))) == cells
        for unsent in (0, 3):
            for below in (False, True):
                line = bars.status_line(chats, texts, cells, State.ONLINE, unsent, below)
                assert width(plain(line)) == cells


def test_the_status() -> None:
    chats = make_chats()
    line = plain(bars.status_line(chats, EN, 60, State.ONLINE, 0, below=False))
    assert line == " ann (1) ● " + " " * 40 + " F1 help "
    chats.receive(one(1, "hi"))
    chats.receive(one(2, "hi"))
    line = plain(bars.status_line(chats, EN, 60, State.WAITING, 1, below=False))
    assert line.startswith(" ann (1) ○ 2 unread · 1 unsent ")
    chats.receive(in_tea(3, "hi"))
    line = plain(bars.status_line(chats, ZH, 60, State.ONLINE, 0, below=True))
    assert line.startswith(" ann (1) ● ▼ 下面还有 · 2 个会话共 3 条未读 ")
    chats.open(tea_room(chats))
    tea_room(chats).unloaded = 3
    line = plain(bars.status_line(chats, EN, 80, State.ONLINE, 0, below=True))
    assert "▼ 4 new below" in line
    line = plain(bars.status_line(chats, EN, 80, State.ONLINE, 0, below=True, above=3))
    assert "▲ 3 new above · ▼ 1 new below" in line
    line = plain(bars.status_line(chats, EN, 40, State.ONLINE, 9, below=True, above=3))
    assert line == " ann (1) ● ▲ 3 new above        F1 help "  # left out, not cut


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status(State.ONLINE), ""),
        (Status(State.CLOSED), ""),
        (
            Status(State.WAITING, ConnectionLostError("closed by the server"), 112.4),
            "not connected: closed by the server. Next attempt in 12 s (F5: now)",
        ),
        (
            Status(State.CONNECTING, ConnectError("host", 1, "Connection refused")),
            "connecting … (Connection refused)",
        ),
        (Status(State.CONNECTING), "connecting … what you write is sent later"),
        (Status(State.LOGGING_IN), "signing in … what you write is sent later"),
        (
            Status(State.STOPPED, ReplacedError("replaced")),
            "this account has signed in elsewhere. F5: take it back",
        ),
        (
            Status(State.STOPPED, ReplacedError("ab\x1buse")),
            "the server has sent us away: ab\\x1buse. F5: try again",
        ),
        (
            Status(State.STOPPED, RefusedError(2, "in use")),
            "the server does not let us in: in use. F5: try again",
        ),
        (
            Status(State.STOPPED, NoAnswerError(5)),
            "no answer: check the network, or try again",
        ),
    ],
)
def test_the_banner(status: Status, shown: str) -> None:
    assert bars.banner(status, EN, now=100.0) == shown
    assert bool(bars.banner(status, ZH, now=100.0)) is bool(shown)


def test_a_long_notice_has_several_rows() -> None:
    rows = bars.wrapped("class:notice", "word " * 28, 40)
    assert [width(plain(row)) for row in rows] == [40] * 4
    assert "".join(plain(row) for row in rows).split() == ["word"] * 28
    rows = bars.wrapped("class:notice", "word " * 300, 40)
    assert len(rows) == bars.MOST_ROWS
    assert plain(rows[-1]).rstrip().endswith("…")
    assert bars.wrapped("class:notice", "", 40) == []
