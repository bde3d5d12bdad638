"""The Host fields that the status page answers to."""

from __future__ import annotations

import pytest

from chat.status.host_check import is_own_host


@pytest.mark.parametrize(
    ("field", "own"),
    [
        (None, True),
        ("127.0.0.1:9600", True),
        ("10.0.0.11", True),
        ("[::1]:9600", True),
        ("localhost:9600", True),
        ("LOCALHOST.", True),
        ("Chat-1.internal:9600", True),
        ("evil.example:9600", False),
        ("chat-1.internal.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1, evil.example", False),
        ("[evil.example]", False),
        ("", False),
    ],
)
def test_the_host_of_a_request(field: str | None, own: bool) -> None:
    assert is_own_host(field, {"chat-1.internal"}) is own
