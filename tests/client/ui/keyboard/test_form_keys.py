"""The keys of the login form, typed to the whole terminal."""

from __future__ import annotations

import pytest

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer
from tests.client.ui.appkit import Start
from tests.client.ui.apprun import DOWN, ENTER, ESC, F1, TAB, UP, ctrl, paste


def test_moving_through_the_form(start: Start) -> None:
    app = start()
    app.type(TAB, TAB, "12", DOWN, UP, "3", "\x1b[Z", "\x1b[Z", "4")
    app.wait_for("1234")
    app.type(F1)
    app.wait_for("KEYS")
    app.type(ESC)
    app.wait_for("1234", gone="KEYS")
    app.type(paste("5\nsecond line"))
    app.wait_for("12345", gone="second")


@pytest.mark.parametrize("key", [ctrl("q"), ctrl("d")])
def test_keys_that_quit_from_the_form(start: Start, key: str) -> None:
    app = start()
    app.wait_for("Sign in")
    app.type(key)
    assert app.end() == 0


def test_ctrl_c_in_the_form_asks_once(start: Start) -> None:
    app = start()
    app.type("1", ctrl("c"))
    app.wait_for("Press Ctrl+C again to quit.")
    app.type("2", ctrl("c"))
    app.settle()
    app.type(ctrl("c"))
    assert app.end() == 0


def test_the_cursor_returns_to_its_field(server: FakeServer, start: Start) -> None:
    """After the help page, letters go to the password and not to the number."""
    app = start()
    app.type("1", TAB, "sec", F1)
    app.wait_for("KEYS")
    app.type(ESC)
    app.wait_for("***", gone="KEYS")
    app.type(ESC)
    app.settle()
    app.type("ret", ENTER)
    app.wait_for("alice (1) ●")
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "secret"
