from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.model.message_item import received
from client.ui.model.room import HistoryState, Room, RoomKey
from client.ui.model.search import Search
from client.ui.text import times
from client.ui.text.cells import width
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.view.message_view import MessageView
from tests.client.ui.uikit import (
    ANN,
    bob_room,
    in_tea,
    item,
    make_rooms,
    one,
    receipt,
    sending,
    tea_room,
)
from tests.tiers import examples


def noon() -> float:
    moment = times.parse("2026-11-23 12:00:00")
    assert moment is not None
    return moment


def make_pane(language: str = "en") -> MessageView:
    return MessageView(Translations(language), noon)


def plain(lines: list[Line]) -> list[str]:
    return ["".join(text for _, text in line).rstrip() for line in lines]


def styles(line: Line) -> dict[str, str]:
    """Style → text."""
    return {style: text for style, text in line if style}


def drawn(room: Room, cells: int = 40, height: int = 8, language: str = "en") -> list[str]:
    return plain(make_pane(language).draw(room, cells, height))


def numbered(count: int) -> Room:
    room = Room(RoomKey(False, 2), "bob")
    for seq in range(1, count + 1):
        room.receive(item(seq, f"message {seq}"))
    return room


# ---------------------------------------------------------------------- what it looks like


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
    lines = make_pane().draw(room, cells, 60)
    assert len(lines) == 60
    for line in plain(lines):
        assert width(line) <= cells, line
        assert line.isprintable()


def test_marks_of_ones_own_messages() -> None:
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


def test_where_the_new_ones_begin() -> None:
    rooms = make_rooms()
    room = bob_room(rooms)
    rooms.receive(one(1, "old"))
    rooms.open(room)
    room.mark_shown(room.items)
    rooms.open(tea_room(rooms))
    rooms.receive(one(2, "new"))
    rooms.open(room)
    lines = make_pane().draw(room, 40, 4)
    assert plain(lines)[1:] == [
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
    lines = make_pane().draw(tea_room(rooms), 40, 4)
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
        (HistoryState.COMPLETE, "nothing was said yet"),
        (HistoryState.UNAVAILABLE, "older messages are not available"),
    ],
)
def test_an_empty_room(past: HistoryState, text: str) -> None:
    room = Room(RoomKey(False, 2), "bob")
    room.history = past
    message_view = make_pane()
    assert [line.strip() for line in plain(message_view.draw(room, 40, 3))] == ["", "", text]
    assert message_view.at_top
    message_view.scroll_lines(room, 5)
    message_view.scroll_lines(room, -5)
    message_view.to_start(room)
    assert room.anchor is None


def test_what_is_found_is_marked() -> None:
    room = numbered(3)
    search = Search(room)
    search.set_text("MESSAGE 2")
    lines = make_pane().draw(room, 40, 4, search)
    assert styles(lines[-2])[" class:match.found"] == "message 2"
    search.set_text("age")
    lines = make_pane().draw(room, 40, 4, search)
    assert styles(lines[-1])[" class:match"] == "age"
    assert plain(lines) == plain(make_pane().draw(room, 40, 4))


# ---------------------------------------------------------------------- scrolling


def everything(room: Room, cells: int) -> list[str]:
    """All lines of a room, drawn on a screen that is high enough."""
    lines = plain(make_pane().draw(room, cells, 5000))
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def window(message_view: MessageView, room: Room, cells: int, height: int) -> int:
    """Which part of everything is drawn: the number of the first line."""
    whole = everything(room, cells)
    shown = plain(message_view.draw(room, cells, height))
    if len(whole) <= height:
        assert shown == [""] * (height - len(whole)) + whole
        return 0
    places = [n for n in range(len(whole) - height + 1) if whole[n : n + height] == shown]
    assert len(places) == 1, (shown, whole)
    return places[0]


def test_line_by_line_to_the_top_and_back() -> None:
    room = numbered(12)
    message_view = make_pane()
    last = len(everything(room, 40)) - 5
    assert window(message_view, room, 40, 5) == last
    for expected in [*range(last - 1, -1, -1), 0, 0]:
        message_view.scroll_lines(room, 1)
        assert window(message_view, room, 40, 5) == expected
        assert message_view.at_top is (expected == 0)
    for expected in [*range(1, last + 1), last]:
        message_view.scroll_lines(room, -1)
        assert window(message_view, room, 40, 5) == expected
    assert room.anchor is None


def test_pages() -> None:
    room = numbered(30)
    message_view = make_pane()
    whole = len(everything(room, 40))
    assert window(message_view, room, 40, 10) == whole - 10
    message_view.scroll_pages(room, 1)
    assert window(message_view, room, 40, 10) == whole - 19
    message_view.scroll_pages(room, 1)
    message_view.scroll_pages(room, 1)
    message_view.scroll_pages(room, 1)
    assert window(message_view, room, 40, 10) == 0
    message_view.scroll_pages(room, -1)
    assert window(message_view, room, 40, 10) == 9
    message_view.to_end(room)
    assert window(message_view, room, 40, 10) == whole - 10
    message_view.to_start(room)
    assert window(message_view, room, 40, 10) == 0


def test_a_message_longer_than_the_screen() -> None:
    room = Room(RoomKey(False, 2), "bob")
    room.receive(item(1, "\n".join(f"line {n}" for n in range(30))))
    message_view = make_pane()
    last = len(everything(room, 40)) - 5
    for expected in range(last, -1, -1):
        assert window(message_view, room, 40, 5) == expected
        message_view.scroll_lines(room, 1)


def test_what_arrives_does_not_move_what_is_read() -> None:
    room = numbered(30)
    message_view = make_pane()
    message_view.draw(room, 40, 5)
    message_view.scroll_pages(room, 2)
    before = plain(message_view.draw(room, 40, 5))
    room.receive(item(31, "new"))
    assert plain(message_view.draw(room, 40, 5)) == before
    room.add_older([item(None, "x")], more=True)
    room.receive(item(32, "newer"))
    assert plain(message_view.draw(room, 40, 5)) == before


def test_a_message_is_revealed_in_the_middle() -> None:
    room = numbered(50)
    message_view = make_pane()
    message_view.draw(room, 40, 11)
    for number in range(50):
        message_view.show_in_middle(room, room.items[number])
        shown = plain(message_view.draw(room, 40, 11))
        assert any(line.endswith(f"message {number + 1}") for line in shown)
        if 10 < number < 40:
            assert shown[5].endswith(f"message {number + 1}")


def test_resizing_keeps_the_place() -> None:
    room = Room(RoomKey(False, 2), "bob")
    for seq in range(1, 40):
        room.receive(item(seq, f"message {seq} " + "word " * 20))
    message_view = make_pane()
    message_view.draw(room, 80, 20)
    message_view.scroll_lines(room, 33)
    lowest = plain(message_view.draw(room, 80, 20))
    assert any("message" in line for line in lowest)
    anchor = room.anchor
    for cells, height in ((20, 20), (200, 5), (30, 50), (80, 20)):
        window(message_view, room, cells, height)
    assert room.anchor == anchor


@settings(deadline=None, max_examples=examples(60))
@given(
    st.lists(st.text(st.sampled_from("word 你好\n"), min_size=1, max_size=60), max_size=25),
    st.lists(
        st.tuples(
            st.sampled_from("up down page back start end resize reveal new".split()),
            st.integers(1, 9),
        ),
        max_size=25,
    ),
)
def test_whatever_is_done_a_part_of_everything_is_seen(
    messages: list[str], steps: list[tuple[str, int]]
) -> None:
    room = Room(RoomKey(False, 2), "bob")
    for seq, text in enumerate(messages, 1):
        room.receive(item(seq, f"{seq} {text}"))
    message_view = make_pane()
    cells, height = 24, 6
    message_view.draw(room, cells, height)
    for step, number in steps:
        if step == "up":
            message_view.scroll_lines(room, number)
        elif step == "down":
            message_view.scroll_lines(room, -number)
        elif step == "page":
            message_view.scroll_pages(room, 1)
        elif step == "back":
            message_view.scroll_pages(room, -1)
        elif step == "start":
            message_view.to_start(room)
        elif step == "end":
            message_view.to_end(room)
        elif step == "resize":
            cells, height = 10 + number * 4, 2 + number
        elif step == "reveal" and room.items:
            message_view.show_in_middle(room, room.items[number % len(room.items)])
        elif step == "new":
            room.receive(item(len(room.items) + 1, f"{len(room.items) + 1} new"))
        shown = plain(message_view.draw(room, cells, height))
        whole = everything(room, cells)
        if len(whole) >= height:
            assert any(whole[n : n + height] == shown for n in range(len(whole) - height + 1)), (
                shown,
                whole,
            )
        else:
            assert shown == [""] * (height - len(whole)) + whole


# ---------------------------------------------------------------------- what it costs


def test_ten_thousand_messages_cost_no_more_than_what_is_seen() -> None:
    room = numbered(10_000)
    message_view = make_pane()
    message_view.draw(room, 57, 20)
    assert message_view.lines.formatted <= 20
    for _ in range(20):  # a key that changes nothing
        message_view.draw(room, 57, 20)
    assert message_view.lines.formatted <= 20
    message_view.scroll_pages(room, 1)
    message_view.draw(room, 57, 20)
    assert message_view.lines.formatted <= 45
    room.receive(item(10_001, "new"))
    message_view.draw(room, 57, 20)
    assert message_view.lines.formatted <= 46
    before = message_view.lines.formatted
    message_view.draw(room, 100, 20)  # a resize
    assert message_view.lines.formatted - before <= 20
    before = message_view.lines.formatted
    message_view.to_start(room)
    message_view.draw(room, 100, 20)
    assert message_view.lines.formatted - before <= 45
    search = Search(room)
    assert search.set_text("message 5000")
    assert search.found is not None
    before = message_view.lines.formatted
    message_view.show_in_middle(room, search.found)
    message_view.draw(room, 100, 20, search)
    assert message_view.lines.formatted - before <= 45


def test_a_bar_that_comes_and_goes_does_not_move_the_top_line() -> None:
    room = numbered(30)
    message_view = make_pane()
    message_view.draw(room, 40, 10)
    message_view.scroll_lines(room, 7)
    before = plain(message_view.draw(room, 40, 10))
    assert plain(message_view.draw(room, 40, 8)) == before[:8]
    assert plain(message_view.draw(room, 40, 10)) == before
    message_view.to_end(room)
    assert plain(message_view.draw(room, 40, 8)) == everything(room, 40)[-8:]


def test_a_search_holds_the_view_at_the_end_too() -> None:
    room = numbered(30)
    message_view = make_pane()
    search = Search(room)
    before = plain(message_view.draw(room, 40, 10))
    assert plain(message_view.draw(room, 40, 10, search)) == before
    room.receive(item(31, "new"))
    assert plain(message_view.draw(room, 40, 10, search)) == before
    room.add_older([item(None, "x")], more=True)
    assert plain(message_view.draw(room, 40, 10, search)) == before
    message_view.show(room, room.items[-5])  # it is there already
    assert plain(message_view.draw(room, 40, 10, search)) == before
    message_view.show(room, room.items[2])
    assert plain(message_view.draw(room, 40, 10, search)) != before
    message_view.to_end(room)
    message_view.draw(room, 40, 10)
    assert (room.held, room.anchor) == (False, None)


def test_the_first_new_message_is_put_on_top() -> None:
    room = numbered(30)
    room.mark_shown(room.items[:20])
    room.open()
    message_view = make_pane()
    shown = plain(message_view.draw(room, 40, 6))
    assert shown[0].strip("─") == " new "
    assert shown[1].endswith("message 21")
    assert message_view.shown is not None
    assert (message_view.shown.first, message_view.shown.last) == (20, 24)
    room.mark_shown(room.items[:28])
    room.open()  # all of it fits
    assert plain(message_view.draw(room, 40, 6))[-1].endswith("message 30")
    assert room.anchor is None
