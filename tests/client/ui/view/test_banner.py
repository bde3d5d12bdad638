from __future__ import annotations

import pytest

from client.account.lifecycle import State, Status
from client.errors import (
    ConnectError,
    ConnectionLostError,
    NoAnswerError,
    RefusedError,
    ReplacedError,
)
from client.ui.text.translations import Translations
from client.ui.view.banner import banner

EN, ZH = Translations("en"), Translations("zh")


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status(State.ONLINE), ""),
        (Status(State.CLOSED), ""),
        (
            Status(State.WAITING, ConnectionLostError("closed by the server"), 112.4),
            "not connected: closed by the server. Next attempt in 12 s (F5: now)",
        ),
        (
            Status(State.CONNECTING, ConnectError("host", 1, "Connection refused")),
            "connecting … (Connection refused)",
        ),
        (Status(State.CONNECTING), "connecting … messages that you write are sent later"),
        (Status(State.LOGGING_IN), "signing in … messages that you write are sent later"),
        (
            Status(State.STOPPED, ReplacedError("replaced")),
            "this account has signed in elsewhere. F5: take it back",
        ),
        (
            Status(State.STOPPED, ReplacedError("disabled")),
            "an operator of the server has disabled this account",
        ),
        (
            Status(State.STOPPED, ReplacedError("ended")),
            "this device was signed out, by another one of yours or by an operator of the server. "
            "F5: sign in with your password",
        ),
        (
            Status(State.STOPPED, ReplacedError("ab\x1buse")),
            "the server has closed the session: ab\\x1buse. F5: try again",
        ),
        (
            Status(State.STOPPED, RefusedError(2, "in use")),
            "the server refuses the login: in use: sign in with the password to end that. "
            "F5: try again",
        ),
        (
            Status(State.STOPPED, NoAnswerError(5)),
            "no answer: check the network, or try again",
        ),
    ],
)
def test_the_banner(status: Status, shown: str) -> None:
    assert banner(status, EN, now=100.0) == shown
    assert bool(banner(status, ZH, now=100.0)) is bool(shown)
