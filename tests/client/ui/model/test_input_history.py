from __future__ import annotations

from client.ui.model.input_history import MAX_LINES, InputHistory


def test_earlier_and_later_lines() -> None:
    recall = InputHistory()
    assert recall.earlier("x") is None
    assert recall.later() is None
    for line in ("one", "two", "two", "three"):
        recall.add(line)
    assert [recall.earlier("half"), recall.earlier("?"), recall.earlier("?")] == [
        "three", "two", "one",
    ]  # fmt: skip
    assert recall.earlier("?") is None
    assert [recall.later(), recall.later(), recall.later(), recall.later()] == [
        "two", "three", "half", None,
    ]  # fmt: skip
    for number in range(MAX_LINES + 50):
        recall.add(str(number))
    assert len(recall._lines) == MAX_LINES
