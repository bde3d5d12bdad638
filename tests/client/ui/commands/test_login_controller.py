"""Login controller, in the whole terminal with a scripted server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chat.protocol import Message, MsgType
from client.account.last_server import LastServer, last_server
from client.account.records import Credentials
from client.account.saved_accounts import saved_accounts
from client.account.store import Store
from tests.client.fake_server import FakeServer, ack, login_ack, one_chat, refuse
from tests.client.ui.appkit import Start, save_login
from tests.client.ui.apprun import ENTER, ESC, TAB, UP, AppRun, ctrl


def test_login(server: FakeServer, start: Start) -> None:
    app = start()
    screen = app.wait_for("Sign in", "name", "password")
    assert "again" not in screen
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for("● bob", "○ 安妮", "# tea", "alice (1) ●")
    assert "secret" not in app.screen
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "secret"


def test_login_by_name(server: FakeServer, start: Start, tmp_path: Path) -> None:
    """The messages in the answer arrive before its result: they are in the list of the user."""
    mail = [{**one_chat(5, "while you were away"), "toid": 7}]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, id=7, name="li si", offlinemsg=mail)]
    app = start(tmp_path)
    app.wait_for("Sign in")
    app.type("li si", ENTER, "secret", ENTER)
    app.wait_for("li si (7) ●", "bob")
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["name"], "id" in request) == ("li si", False)
    app.command("/chat bob")
    app.wait_for("while you were away")
    app.type(ctrl("q"))
    app.end()
    assert last_server(tmp_path) == LastServer("127.0.0.1", server.port)
    app = start(tmp_path, user="li si")
    app.wait_for("li si (7) ●")
    assert server.expect(MsgType.LOGIN_MSG)["token"] == "t"


def test_a_server_that_takes_no_names(server: FakeServer, start: Start) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 4, "id: is missing")
    app = start()
    app.type("li si", ENTER, "secret", ENTER)
    app.wait_for("this server takes no names: sign in with the number")


def test_a_restored_backup(server: FakeServer, start: Start) -> None:
    """The numbers 1 and 2 belong to other messages after the restore."""
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, epoch="e" * 32)]
    app = start()
    app.sign_in()
    server.send(one_chat(1, "one"), one_chat(2, "lost"))
    app.command("/chat 2")
    app.wait_for("one", "lost")
    app.type("a draft")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, epoch="f" * 32)]
    server.hang_up()
    server.expect(MsgType.LOGIN_MSG)
    server.expect(MsgType.LOGIN_MSG)
    server.send({**one_chat(2, "new"), "time": "2024-01-03 03:04:05"})
    app.wait_for("new", "> a draft", gone="lost")


def test_a_password_is_not_on_the_screen(start: Start) -> None:
    app = start()
    app.type("1", TAB, "secret")
    assert "secret" not in app.wait_for("******")


def test_registration(server: FakeServer, start: Start) -> None:
    app = start()
    app.type(ctrl("r"))
    app.wait_for("name", "again")
    app.type("alice", ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for("You are registered as alice.", "alice (1) ●")
    assert server.expect(MsgType.REG_MSG)["name"] == "alice"
    assert server.expect(MsgType.LOGIN_MSG)["id"] == 1


def test_a_cancelled_registration_shows_the_name(server: FakeServer, start: Start) -> None:
    """The server may have carried the request out before Esc, so its answer is shown."""
    answer = server.rules.pop(MsgType.REG_MSG)
    app = start()
    app.type(ctrl("r"))
    app.wait_for("name", "again")
    app.type("alice", ENTER, "secret", ENTER, "secret", ENTER)
    request = server.expect(MsgType.REG_MSG)
    app.wait_for("registering")
    app.type(ESC)
    app.wait_for("again", gone="registering")
    for message in answer(request):
        server.send(message)
    app.wait_for("You are registered as alice.", "Register")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ([ENTER], "Type the name that you registered with."),
        (["x" * 51, ENTER, "x", ENTER], "at most 50 characters"),
        (["5", ENTER, ENTER], "Type your password."),
        ([ctrl("r"), ENTER], "Type the name that others will see."),
        ([ctrl("r"), "x", ENTER, "short", ENTER, ENTER], "at least 6 characters"),
        ([ctrl("r"), "x", ENTER, "secret", ENTER, "other!", ENTER], "not the same"),
        ([ctrl("r"), "x" * 51, ENTER, "secret", ENTER, "secret", ENTER], "at most 50 characters"),
    ],
)
def test_mistakes_in_the_form_get_one_line(start: Start, keys: list[str], line: str) -> None:
    app = start()
    app.type(*keys)
    screen = app.wait_for(line)
    assert sum(line in shown for shown in screen.splitlines()) == 1


def test_different_passwords_are_both_typed_again(server: FakeServer, start: Start) -> None:
    """The fields are cleared: new letters would go behind the invisible old ones."""
    app = start()
    app.type(ctrl("r"), "alice", ENTER, "secert", ENTER, "secret", ENTER)
    app.wait_for("not the same", gone="***")
    app.type("secret", ENTER, "secret", ENTER)
    app.wait_for("alice (1) ●")
    assert server.expect(MsgType.REG_MSG)["password"] == "secret"


def test_a_taken_name_is_corrected_in_its_field(server: FakeServer, start: Start) -> None:
    answer = server.rules.pop(MsgType.REG_MSG)
    server.rules[MsgType.REG_MSG] = refuse(MsgType.REG_MSG_ACK, 1, "this name is taken")
    app = start()
    app.type(ctrl("r"), "alice", ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for("The name alice is taken.")
    server.rules[MsgType.REG_MSG] = answer
    app.type("2", ENTER)
    app.wait_for("You are registered as alice2.")
    assert server.expect(MsgType.REG_MSG)["name"] == "alice"
    assert server.expect(MsgType.REG_MSG)["name"] == "alice2"


@pytest.mark.parametrize(
    ("errno", "errmsg", "line"),
    [
        (1, "no", "Name or password is wrong."),
        (2, "in use", "This account is in use elsewhere."),
        (5, "odd\x1b[2J", "odd\\x1b[2J"),
    ],
)
def test_a_refused_login(
    server: FakeServer, start: Start, errno: int, errmsg: str, line: str
) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, errno, errmsg)
    app = start()
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for(line, "Sign in")
    if errno == 2:
        app.wait_for("end the other session?")
        app.type("n")
        app.wait_for(line, gone="end the other session?")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app.type("secret", ENTER)
    app.wait_for("alice (1) ●")


def test_end_the_other_session(server: FakeServer, start: Start) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 2, "in use")
    app = start()
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for("Sign in here and end the other session?")
    assert "replace" not in server.expect(MsgType.LOGIN_MSG)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app.type("y")
    app.wait_for("alice (1) ●")
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["replace"], request["password"]) == (True, "secret")


@pytest.mark.parametrize(
    ("errno", "errmsg", "line"),
    [
        (1, "this name is taken", "The name ann\\x07 is taken."),
        (1, "registration is closed", "This server does not register users. Ask"),
        (4, "name: has control characters", "name: has control characters"),
    ],
)
def test_a_refused_registration(
    server: FakeServer, start: Start, errno: int, errmsg: str, line: str
) -> None:
    server.rules[MsgType.REG_MSG] = refuse(MsgType.REG_MSG_ACK, errno, errmsg)
    app = start()
    app.type(ctrl("r"))
    app.wait_for("again")
    app.ask(lambda: app.app.terminal.set_field("name", "ann\x07"))
    app.type(ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for(line, "again")


def test_login_without_a_server(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with AppRun(port) as app:
        hint = "Connection refused: start the server, or check host and port"
        app.wait_for("Sign in", hint)  # before a request
        app.type("1", ENTER, "secret", ENTER)
        app.wait_for("signing in", "Connection refused")
        app.type(ESC)
        app.wait_for("Tab: next field", gone="signing in")
        app.type(ctrl("c"), ctrl("c"))
        assert app.end() == 0


def test_logout(server: FakeServer, start: Start, tmp_path: Path) -> None:
    app = start(tmp_path)
    app.sign_in()
    assert saved_accounts(tmp_path, "127.0.0.1", server.port)
    app.command("/logout")
    screen = app.wait_for("You have signed out.", "Sign in")
    assert "bob" not in screen
    assert "need no password" not in screen, "the saved login is gone"
    server.expect(MsgType.LOGINOUT_MSG)
    assert saved_accounts(tmp_path, "127.0.0.1", server.port) == []
    app.type(ctrl("a"), ctrl("k"))
    app.ask(lambda: app.app.terminal.set_field("id", ""))
    app.type("2", TAB, "secret", ENTER)
    app.wait_for("alice (2) ●")


def test_the_form_does_not_name_the_saved_room(talk: AppRun) -> None:
    """Saved rooms are read before the server has accepted the password."""
    talk.ask(lambda: setattr(talk.app.state, "logged_in", False))
    talk.type("1")
    talk.wait_for("Sign in", gone="bob (2)")


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
    app = start(tmp_path, user=1)
    app.wait_for("eve (1) ●")
    app.type(ctrl("q"))
    app.end()
    app = start(tmp_path, user=9)
    app.wait_for("Sign in", "9", "need no password: 1, 5")
    app.type(UP, UP)
    app.type(ENTER)
    app.wait_for("eve (5) ●")


def test_a_user_without_a_saved_login_is_asked_for_the_password(
    server: FakeServer, start: Start
) -> None:
    app = start(user=1)
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
    app.wait_for("no longer valid: type your password", "Sign in")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app.type("secret", ENTER)
    app.wait_for("alice (1) ●")
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 1, "no")
    server.hang_up()  # the same at a reconnect
    app.wait_for("no longer valid: type your password", "Sign in")


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
        app.wait_for("Another program has this account open. With the password", "Sign in")
        app.type("secret", ENTER)
        app.wait_for("alice (1) ●")
        request = server.expect(MsgType.LOGIN_MSG)
        assert request["password"] == "secret"
        assert request["device"] != "laptop"


def test_registration_with_an_invitation(server: FakeServer, start: Start) -> None:
    def answer(request: Message) -> list[Message]:
        if request.get("code") == "right":
            return [ack(MsgType.REG_MSG_ACK, request, id=1)]
        return [ack(MsgType.REG_MSG_ACK, request, 1, errmsg="code", invitation=True)]

    server.rules[MsgType.REG_MSG] = answer
    app = start()
    app.type(ctrl("r"), "alice", ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for("This server needs an invitation.", "invitation\n")
    app.type("wrong")
    app.wait_for("invitation  wrong")
    app.type(ENTER)
    app.wait_for("This code is not valid.")
    app.type("right", ENTER)
    app.wait_for("You are registered as alice.")
    assert [server.expect(MsgType.REG_MSG).get("code") for _ in range(3)] == [
        None,
        "wrong",
        "right",
    ]
