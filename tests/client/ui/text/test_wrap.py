from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.text.cells import flatten, width
from client.ui.text.wrap import wrap
from tests.tiers import examples


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("hello", ["hello"]),
        ("hello world", ["hello", "world"]),
        ("hello  world", ["hello", "world"]),
        ("a b c d e f", ["a b c d", "e f"]),
        ("extraordinary", ["extraord", "inary"]),
        ("an extraordinary", ["an", "extraord", "inary"]),
        ("1234567 ", ["1234567 "]),
        ("12345678 9", ["12345678", "9"]),
        ("  indented", ["  indent", "ed"]),
        ("你好世界", ["你好世界"]),
        ("你好，世界", ["你好，世", "界"]),
        ("一二三四，五", ["一二三", "四，五"]),
        ("一二三（四", ["一二三", "（四"]),
        ("say 你好世界", ["say 你好", "世界"]),
        ("hello你好", ["hello你", "好"]),
        ("你好 hello", ["你好", "hello"]),
        ("😀😀😀😀😀", ["😀😀😀😀", "😀"]),
        ("cafe\u0301 cafe\u0301", ["cafe\u0301", "cafe\u0301"]),
        ("ééééééééé é", ["éééééééé", "é é"]),
    ],
)
def test_eight_cells(text: str, lines: list[str]) -> None:
    assert wrap(text, 8) == lines


def test_a_shorter_first_line() -> None:
    assert wrap("hello big world", 8, first=5) == ["hello", "big", "world"]
    assert wrap("你好世界你好", 8, first=5) == ["你好", "世界你好"]


@pytest.mark.parametrize("text", ["   a", "   é"])
def test_spaces_that_fill_the_first_line_are_dropped(text: str) -> None:
    assert wrap(text, 2) == ["", text[-1]]


@pytest.mark.parametrize("cells", [-1, 0, 1])
def test_narrow_lines(cells: int) -> None:
    assert wrap("ab", cells) == ["a", "b"]
    assert wrap("你b", cells) == ["你", "b"]
    assert wrap("你b", cells, first=-5) == ["你", "b"]


_TEXT = st.text(st.sampled_from("ab  ,.()你好，。（）「」😀é" + "e\u0301"))


@settings(deadline=None, max_examples=examples(300))
@given(_TEXT | st.text(st.characters(exclude_categories=["C"])), st.integers(2, 20), st.data())
def test_lines_fit_and_only_spaces_are_lost(text: str, cells: int, data: st.DataObject) -> None:
    text = flatten(text)
    first = data.draw(st.integers(2, cells))
    lines = wrap(text, cells, first)
    assert lines
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for number, line in enumerate(lines):
        assert width(line.rstrip(" ")) <= (cells if number else first)


@settings(deadline=None)
@given(st.text(st.sampled_from("abc  ,."), max_size=200), st.integers(1, 20), st.integers(1, 20))
def test_ascii_and_other_texts_break_alike(text: str, cells: int, first: int) -> None:
    from client.ui.text.wrap import _wrap_any, _wrap_ascii

    first = min(first, cells)
    ascii_lines = _wrap_ascii(text, cells, first)
    assert [line.rstrip(" ") for line in ascii_lines if line.strip()] == [
        line.rstrip(" ") for line in _wrap_any(text, cells, first) if line.strip()
    ]
