"""Saved logins, in the whole terminal with a scripted server."""

from __future__ import annotations

import socket
from pathlib import Path

from chat.protocol import MsgType
from client.account.records import Credentials
from client.account.store import Store
from tests.client.fake_server import FakeServer, login_ack, refuse
from tests.client.ui.appkit import Start, save_login
from tests.client.ui.apprun import ENTER, UP, AppRun, ctrl


def test_a_saved_login_needs_no_password(server: FakeServer, start: Start, tmp_path: Path) -> None:
    save_login(tmp_path, server.port, 1, "alice")
    app = start(tmp_path)
    app.wait_for("● bob", "alice (1) ●")
    assert server.expect(MsgType.LOGIN_MSG)["token"] == "tt"


def test_the_last_used_login_or_the_wanted_one(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    save_login(tmp_path, server.port, 1, "alice")
    save_login(tmp_path, server.port, 5, "eve")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, name="eve")]
    app = start(tmp_path)
    app.wait_for("eve (5) ●")
    app.type(ctrl("q"))
    app.end()
    app = start(tmp_path, user_id=1)
    app.wait_for("eve (1) ●")
    app.type(ctrl("q"))
    app.end()
    app = start(tmp_path, user_id=9)
    app.wait_for("Sign in", "9", "eve (1), eve (5)")
    app.type(UP, UP)
    app.type(ENTER)
    app.wait_for("eve (5) ●")


def test_a_user_without_a_saved_login_is_asked_for_the_password(
    server: FakeServer, start: Start
) -> None:
    app = start(user_id=1)
    app.wait_for("Sign in", "1")
    app.type("mypassword")
    assert "mypassword" not in app.wait_for("**********")
    app.type(ENTER)
    app.wait_for("alice (1) ●")
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "mypassword"


def test_a_saved_login_that_the_server_refuses(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    save_login(tmp_path, server.port, 1, "alice")
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 1, "no")
    app = start(tmp_path)
    app.wait_for("not good any more: type your password", "Sign in")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app.type("secret", ENTER)
    app.wait_for("alice (1) ●")
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 1, "no")
    server.hang_up()  # the same at a reconnect
    app.wait_for("not good any more: type your password", "Sign in")


def test_a_saved_login_while_the_server_is_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    save_login(tmp_path, port, 1, "alice")
    with AppRun(port, tmp_path) as app:
        app.wait_for("alice (1) ○", "Connection refused")
        app.command("/chat 5 are you there?")
        app.wait_for("…", "are you there?", "1 unsent")
        app.type(ctrl("c"))  # one question only
        app.wait_for("Not sent yet: 1. Quit?")
        app.type(ctrl("c"))
        app.wait_for("1 unsent", gone="Quit?")
        app.type(ctrl("q"))
        app.wait_for("Not sent yet: 1. Quit?")
        app.type("n")
        app.wait_for("1 unsent", gone="Quit?")
        app.type(ctrl("q"))
        app.wait_for("Quit?")
        app.type("y")
        assert app.end() == 0
    with AppRun(port, tmp_path) as app:
        app.wait_for("…", "are you there?", "1 unsent", "user 5")


def test_an_account_that_is_open_in_another_program(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    with Store(tmp_path, "127.0.0.1", server.port, 1) as store:
        store.save_credentials(Credentials("alice", "laptop", "tt"))
        app = start(tmp_path)
        app.wait_for("open in another program here. Close it, or register: Ctrl+R.", "Sign in")
