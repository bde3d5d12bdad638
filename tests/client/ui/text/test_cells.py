from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.text import cells


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("abc", 3), ("你好", 4), ("e\u0301", 1), ("😀", 2), ("a你e\u0301", 4), ("●✓…", 3)],
)
def test_width(text: str, size: int) -> None:
    assert cells.width(text) == size


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("👍🏽 ok", "👍 ok"),
        ("🏽", "🏽"),
        ("from 🇨🇳!", "from CN!"),
        ("👩🏽\u200d🚀", "👩🚀"),
        ("a\nb\x1b", r"a\nb\x1b"),
    ],
)
def test_one_line(raw: str, shown: str) -> None:
    assert cells.one_line(raw) == shown


def test_lines() -> None:
    assert cells.lines("🇨🇳\n👍🏽\x07") == ["CN", "👍\\x07"]


@pytest.mark.parametrize(
    ("text", "size", "clipped"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("你好", 4, "你好"),
        ("你好", 3, "你…"),
        ("你好", 2, "…"),
        ("你好", 1, "…"),
        ("abc", 0, ""),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_clip(text: str, size: int, clipped: str) -> None:
    assert cells.clip(text, size) == clipped


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C"])), st.integers(0, 30))
def test_a_padded_text_has_exactly_its_cells(text: str, size: int) -> None:
    assert cells.width(cells.pad(cells.flatten(text), size)) == size


@settings(deadline=None)
@given(st.text())
def test_clusters_are_the_text(text: str) -> None:
    found = list(cells.clusters(text))
    assert "".join(found) == text
    assert all(found)


@settings(deadline=None)
@given(st.text(st.characters()))
def test_each_character_of_a_line_has_a_known_width(raw: str) -> None:
    for line in cells.lines(raw):
        assert all(ord(char) < 0x1F1E6 or ord(char) > 0x1F1FF for char in line)
        assert cells.flatten(line) == line
