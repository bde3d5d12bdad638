from __future__ import annotations

from dataclasses import replace

import pytest

from client.ui.model.message_item import received
from client.ui.model.room import HistoryState, Room, RoomKey
from client.ui.model.search import Search
from client.ui.text.cells import width
from client.ui.text.styled_line import Line
from tests.client.ui.uikit import (
    ANN,
    bob_room,
    in_tea,
    make_rooms,
    one,
    receipt,
    sending,
    tea_room,
)
from tests.client.ui.view.viewkit import drawn, make_view, noon, numbered, stripped


def styles(line: Line) -> dict[str, str]:
    """Style → text."""
    return {style: text for style, text in line if style}


def test_a_conversation() -> None:
    rooms = make_rooms()
    room = bob_room(rooms)
    rooms.receive(one(1, "hello", minute=1))
    rooms.write(sending("m1", "hi bob, how are you on this fine day?"))
    rooms.confirm(receipt("m1", 2, minute=2))
    rooms.write(sending("m2", "no"))
    rooms.fail("m2", "no such user")
    rooms.write(sending("m3", "on its way"))
    for own in room.items[-2:]:
        own.time = noon()
    room.history = HistoryState.COMPLETE
    assert drawn(room, 44, 9) == [
        "",
        "   this is where the conversation begins",
        "────── today, Monday 23 November 2026 ──────",
        " 18:01 bob: hello",
        "✓18:02 ann: hi bob, how are you on this fine",
        "       day?",
        "✗20:00 ann: no",
        "       (no such user; /retry or /unsend)",
        "…20:00 ann: on its way",
    ]


def test_a_conversation_in_chinese() -> None:
    rooms = make_rooms()
    room = bob_room(rooms)
    rooms.receive(one(1, "你好，今天晚上一起去喝茶怎么样？四点钟，在老地方见", sender=3, minute=2))
    rooms.receive(one(2, "两行\n👍🏽 好的", sender=3, minute=3))
    room = rooms.by_key[RoomKey(False, 3)]
    room.history = HistoryState.MORE
    assert drawn(room, 34, 8, "zh") == [
        "",
        "        PageUp：更早的消息",
        "── 今天, 2026年11月23日 星期一 ───",
        " 18:02 安妮: 你好，今天晚上一起去",
        "       喝茶怎么样？四点钟，在老地",
        "       方见",
        " 18:03 安妮: 两行",
        "       👍 好的",
    ]


@pytest.mark.parametrize("cells", [12, 20, 33, 34, 40, 57, 80, 200])
def test_every_line_fits(cells: int) -> None:
    rooms = make_rooms()
    room = tea_room(rooms)
    rooms.receive(in_tea(1, "x" * 300, minute=1))
    rooms.receive(in_tea(2, "你好" * 90 + "\n😀" * 3, minute=2))
    rooms.receive(in_tea(3, "a b c " * 70 + "\x1b[2J\u202e", sender=99, minute=3))
    rooms.receive(
        replace(in_tea(4, "@ann", minute=4), sender_name="很长的名字" * 10, time_text="嘿")
    )
    rooms.open(room)
    lines = make_view().draw(room, cells, 60)
    assert len(lines) == 60
    for line in stripped(lines):
        assert width(line) <= cells, line
        assert line.isprintable()


def test_delivery_marks() -> None:
    rooms = make_rooms()
    room = rooms.write(sending("m1", "hello"))
    assert drawn(room)[-1].startswith("…")
    rooms.fail("m1", "no such\x1b user")
    shown = drawn(room)[-3:]
    assert shown[0].startswith("✗")
    assert shown[1:] == ["       (no such\\x1b user; /retry or", "       /unsend)"]
    rooms.confirm(receipt("m1", 1, minute=2))
    assert drawn(room)[-1] == "✓18:02 ann: hello"


def test_a_date_line_for_each_day() -> None:
    room = Room(RoomKey(False, 2), "bob")
    for seq, day in ((1, "2025-01-05"), (2, "2026-11-22"), (3, "2026-11-22"), (4, "2026-11-23")):
        room.receive(received(replace(one(seq, str(seq)), time_text=f"{day} 01:00:00"), ANN))
    shown = drawn(room, 60, 10)
    assert [line.strip("─ ") for line in shown if "─" in line] == [
        "Sunday 5 January 2025",
        "yesterday, Sunday 22 November 2026",
        "today, Monday 23 November 2026",
    ]
    shown = drawn(room, 60, 10, "zh")
    assert shown[-2].strip("─ ") == "今天, 2026年11月23日 星期一"


def test_a_classic_clients_time() -> None:
    room = Room(RoomKey(False, 2), "bob")
    room.receive(received(one(1, "dated", minute=1), ANN))
    room.receive(received(replace(one(2, "odd"), time_text="half past\nnine"), ANN))
    room.receive(received(replace(one(3, "none"), time_text=""), ANN))
    room.receive(received(one(4, "same day", minute=2), ANN))
    shown = drawn(room, 40, 6)
    assert shown[-3:] == [" half… bob: odd", "       bob: none", " 18:02 bob: same day"]


def test_the_divider_above_new_messages() -> None:
    rooms = make_rooms()
    room = bob_room(rooms)
    rooms.receive(one(1, "old"))
    rooms.open(room)
    room.mark_shown(room.items)
    rooms.open(tea_room(rooms))
    rooms.receive(one(2, "new"))
    rooms.open(room)
    lines = make_view().draw(room, 40, 4)
    assert stripped(lines)[1:] == [
        " 18:00 bob: old",
        "─" * 17 + " new " + "─" * 18,
        " 18:00 bob: new",
    ]
    assert lines[2][0][0] == "class:divider"


def test_names_and_mentions_have_their_styles() -> None:
    rooms = make_rooms()
    rooms.receive(in_tea(1, "hello all"))
    rooms.receive(in_tea(2, "hello ann", sender=99))
    rooms.receive(in_tea(3, "it is me", sender=ANN))
    lines = make_view().draw(tea_room(rooms), 40, 4)
    assert "class:mention" not in styles(lines[-3])
    assert styles(lines[-2])["class:mention"] == "hello ann"
    assert styles(lines[-1])["class:name.me"] == "ann"
    assert {style for style in styles(lines[-3]) if style.startswith("class:name.")} == {
        "class:name.2"
    }


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (HistoryState.UNKNOWN, "PageUp: older messages"),
        (HistoryState.LOADING, "loading older messages …"),
        (HistoryState.MORE, "PageUp: older messages"),
        (HistoryState.COMPLETE, "no messages yet"),
        (HistoryState.UNAVAILABLE, "older messages are not available"),
    ],
)
def test_an_empty_room(past: HistoryState, text: str) -> None:
    room = Room(RoomKey(False, 2), "bob")
    room.history = past
    message_view = make_view()
    assert [line.strip() for line in stripped(message_view.draw(room, 40, 3))] == ["", "", text]
    assert message_view.at_top
    message_view.scroll_lines(room, 5)
    message_view.scroll_lines(room, -5)
    message_view.to_start(room)
    assert room.anchor is None


def test_matches_are_marked() -> None:
    room = numbered(3)
    search = Search(room)
    search.set_text("MESSAGE 2")
    lines = make_view().draw(room, 40, 4, search)
    assert styles(lines[-2])[" class:match.found"] == "message 2"
    search.set_text("age")
    lines = make_view().draw(room, 40, 4, search)
    assert styles(lines[-1])[" class:match"] == "age"
    assert stripped(lines) == stripped(make_view().draw(room, 40, 4))
