"""Tables: aligned also with wide and with hostile names."""

from __future__ import annotations

import pytest

from chat.chatctl.table import date, pairs, table, width


def test_columns() -> None:
    assert table(("id", "name", "n"), [(1, "ann", 10), (12, "聊天小王", None)]) == [
        "id  name       n",
        " 1  ann       10",
        "12  聊天小王   -",
    ]
    assert table(("id", "name"), []) == ["id  name"]


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\u202eevil", "a\u0301" * 20, "\ud800", ""])
def test_hostile_names_take_their_own_cell_only(name: str) -> None:
    lines = table(("name", "state"), [(name, "x"), ("plain", "y")])
    assert len(lines) == 3
    assert len({width(line) for line in lines[1:]}) == 1
    for line in lines:
        assert line.isprintable()


def test_pairs() -> None:
    assert pairs([("a", 1), ("long name", None), ("x", "")]) == [
        "a          1",
        "long name  -",
        "x          -",
    ]


def test_dates() -> None:
    assert date(0) == "never"
    assert len(date(1_800_000_000)) == len("2027-01-15 08:00:00")
