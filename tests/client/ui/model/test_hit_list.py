"""The list of hits: the chosen one stays visible."""

from __future__ import annotations

from client.ui.model.hit_list import HitList
from client.ui.text.snippets import snippet
from client.ui.text.styled_line import Line
from client.values import ChatMessage, Hit


def hits(count: int) -> list[tuple[Hit, list[Line]]]:
    message = ChatMessage(1, "ann", "", "tea", None, 1)
    return [
        (Hit(message, ()), [[("", f"head {number}")], [("", f"text {number}")]])
        for number in range(count)
    ]


def chosen_lines(page: HitList, height: int) -> list[str]:
    return [line[0][1] for line in page.visible(height) if "current" in line[0][0]]


def test_the_chosen_hit_is_visible() -> None:
    page = HitList("title", "tea")
    page.add(hits(10), None)
    assert chosen_lines(page, 5) == ["head 0", "text 0"]
    for down, number in ((1, 1), (5, 6), (100, 9), (-3, 6), (-100, 0)):
        page.scroll(down)
        assert chosen_lines(page, 5) == [f"head {number}", f"text {number}"]


def test_others_are_wanted_at_the_end() -> None:
    page = HitList("title", "tea")
    page.add(hits(3), 7)
    assert not page.wants_more
    page.scroll(2)
    assert page.wants_more
    page.loading = True
    assert not page.wants_more
    page.loading = False
    page.add(hits(1), None)
    page.scroll(1)
    assert (page.wants_more, page.chosen) == (False, 3)


def test_snippets() -> None:
    assert snippet("green tea", [(6, 9)]) == [("", "green "), ("class:match", "tea")]
    text = "x" * 50 + " tea\nand tea" + "y" * 500
    line = snippet(text, [(51, 54), (59, 62)])
    assert line[0] == ("", "…")
    assert [piece for style, piece in line if style] == ["tea", "tea"]
    assert all("\n" not in piece for _, piece in line)
    assert sum(len(piece) for _, piece in line) < 350
    assert snippet("tea", []) == [("", "tea")]


def test_a_snippet_begins_with_a_word() -> None:
    """And with the whole text, if the match is near its beginning."""
    text = "three o'clock is the time for green tea"
    assert snippet(text, [(36, 39)])[0] == ("", text[:36])
    line = snippet("x" * 40 + " all of the best green tea", [(63, 66)])
    assert [piece for _, piece in line] == ["…", "of the best green ", "tea"]
    wide = snippet("茶" * 30 + "tea", [(30, 33)])
    assert [piece for _, piece in wide] == ["…", "茶" * 20, "tea"]
