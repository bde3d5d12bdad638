from __future__ import annotations

import pytest

from chat.protocol import MAX_ID
from client.ids import check_id, parse_id


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        (" 42 ", 42),
        ("007", 7),
        (str(MAX_ID), MAX_ID),
        (str(MAX_ID + 1), None),
        ("0", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        ("٣", None),
        ("²", None),
        ("", None),
        ("9" * 10_000, None),
    ],
)
def test_typed_ids(text: str, number: int | None) -> None:
    assert parse_id(text) == number


@pytest.mark.parametrize("number", [1, MAX_ID])
def test_ids_of_a_program(number: int) -> None:
    assert check_id(number) == number


@pytest.mark.parametrize("number", [0, -1, MAX_ID + 1, True, 1.0, "1", None])
def test_no_ids_of_a_program(number: object) -> None:
    with pytest.raises(ValueError, match="is no id"):
        check_id(number)  # type: ignore[arg-type]
