from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.model.room import Room, RoomKey
from client.ui.model.search import Search
from client.ui.view.message_view import MessageView
from tests.client.ui.uikit import (
    item,
)
from tests.client.ui.view.viewkit import make_view, numbered, stripped
from tests.tiers import examples


def all_lines(room: Room, cells: int) -> list[str]:
    """All lines of a room, drawn on a very high screen."""
    lines = stripped(make_view().draw(room, cells, 5000))
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def window(message_view: MessageView, room: Room, cells: int, height: int) -> int:
    """The index of the first drawn line among all lines of the room."""
    whole = all_lines(room, cells)
    shown = stripped(message_view.draw(room, cells, height))
    if len(whole) <= height:
        assert shown == [""] * (height - len(whole)) + whole
        return 0
    places = [n for n in range(len(whole) - height + 1) if whole[n : n + height] == shown]
    assert len(places) == 1, (shown, whole)
    return places[0]


def test_line_by_line_to_the_top_and_back() -> None:
    room = numbered(12)
    message_view = make_view()
    last = len(all_lines(room, 40)) - 5
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
    message_view = make_view()
    whole = len(all_lines(room, 40))
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
    message_view = make_view()
    last = len(all_lines(room, 40)) - 5
    for expected in range(last, -1, -1):
        assert window(message_view, room, 40, 5) == expected
        message_view.scroll_lines(room, 1)


def test_new_messages_do_not_move_the_view() -> None:
    room = numbered(30)
    message_view = make_view()
    message_view.draw(room, 40, 5)
    message_view.scroll_pages(room, 2)
    before = stripped(message_view.draw(room, 40, 5))
    room.receive(item(31, "new"))
    assert stripped(message_view.draw(room, 40, 5)) == before
    room.add_older([item(None, "x")], more=True)
    room.receive(item(32, "newer"))
    assert stripped(message_view.draw(room, 40, 5)) == before


def test_show_in_middle() -> None:
    room = numbered(50)
    message_view = make_view()
    message_view.draw(room, 40, 11)
    for number in range(50):
        message_view.show_in_middle(room, room.items[number])
        shown = stripped(message_view.draw(room, 40, 11))
        assert any(line.endswith(f"message {number + 1}") for line in shown)
        if 10 < number < 40:
            assert shown[5].endswith(f"message {number + 1}")


def test_resizing_keeps_the_place() -> None:
    room = Room(RoomKey(False, 2), "bob")
    for seq in range(1, 40):
        room.receive(item(seq, f"message {seq} " + "word " * 20))
    message_view = make_view()
    message_view.draw(room, 80, 20)
    message_view.scroll_lines(room, 33)
    lowest = stripped(message_view.draw(room, 80, 20))
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
def test_any_scrolling_shows_consecutive_lines(
    messages: list[str], steps: list[tuple[str, int]]
) -> None:
    room = Room(RoomKey(False, 2), "bob")
    for seq, text in enumerate(messages, 1):
        room.receive(item(seq, f"{seq} {text}"))
    message_view = make_view()
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
        shown = stripped(message_view.draw(room, cells, height))
        whole = all_lines(room, cells)
        if len(whole) >= height:
            assert any(whole[n : n + height] == shown for n in range(len(whole) - height + 1)), (
                shown,
                whole,
            )
        else:
            assert shown == [""] * (height - len(whole)) + whole


def test_ten_thousand_messages_cost_as_much_as_the_visible_ones() -> None:
    room = numbered(10_000)
    message_view = make_view()
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


def test_a_notice_does_not_move_the_top_line() -> None:
    room = numbered(30)
    message_view = make_view()
    message_view.draw(room, 40, 10)
    message_view.scroll_lines(room, 7)
    before = stripped(message_view.draw(room, 40, 10))
    assert stripped(message_view.draw(room, 40, 8)) == before[:8]
    assert stripped(message_view.draw(room, 40, 10)) == before
    message_view.to_end(room)
    assert stripped(message_view.draw(room, 40, 8)) == all_lines(room, 40)[-8:]


def test_a_search_holds_the_view_at_the_end_too() -> None:
    room = numbered(30)
    message_view = make_view()
    search = Search(room)
    before = stripped(message_view.draw(room, 40, 10))
    assert stripped(message_view.draw(room, 40, 10, search)) == before
    room.receive(item(31, "new"))
    assert stripped(message_view.draw(room, 40, 10, search)) == before
    room.add_older([item(None, "x")], more=True)
    assert stripped(message_view.draw(room, 40, 10, search)) == before
    message_view.show(room, room.items[-5])  # visible already
    assert stripped(message_view.draw(room, 40, 10, search)) == before
    message_view.show(room, room.items[2])
    assert stripped(message_view.draw(room, 40, 10, search)) != before
    message_view.to_end(room)
    message_view.draw(room, 40, 10)
    assert (room.held, room.anchor) == (False, None)


def test_the_first_new_message_is_put_on_top() -> None:
    room = numbered(30)
    room.mark_shown(room.items[:20])
    room.open()
    message_view = make_view()
    shown = stripped(message_view.draw(room, 40, 6))
    assert shown[0].strip("─") == " new "
    assert shown[1].endswith("message 21")
    assert message_view.shown is not None
    assert (message_view.shown.first, message_view.shown.last) == (20, 24)
    room.mark_shown(room.items[:28])
    room.open()  # all messages fit
    assert stripped(message_view.draw(room, 40, 6))[-1].endswith("message 30")
    assert room.anchor is None
