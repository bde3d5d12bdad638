"""X-Forwarded-For: only what a proxy has appended counts."""

from __future__ import annotations

import pytest

from chat.web.forwarded import client_of


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.0.0.1", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("", None),
        ("10.0.0.1", None),
        ("192.0.2.7, unknown", None),
        ("192.0.2.7:1234", None),
        ("fe80::1%\x1b[2J", None),
    ],
)
def test_the_client(forwarded: str, client: str | None) -> None:
    assert client_of(forwarded, lambda host: host == "10.0.0.1") == client
