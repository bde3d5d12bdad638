from __future__ import annotations

from datetime import UTC, datetime

import pytest

from client.values import ChatMessage


def test_the_time_of_a_message() -> None:
    message = ChatMessage(2, "bob", "2024-01-02 03:04:05", "hi", None, 9)
    assert message.time == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "noon", "2024-02-31 00:00:00", "2024-01-02T03:04:05"])
def test_a_text_that_is_no_time(text: str) -> None:
    assert ChatMessage(2, "bob", text, "hi", None, 9).time is None
