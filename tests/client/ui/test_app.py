"""The application, typed to through a pipe, with a scripted server."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.protocol import Message, MsgType
from client.account.records import Credentials
from client.account.saved_accounts import saved_accounts
from client.account.store import Store
from client.ui.model.room import HistoryState, Room
from client.ui.text.translations import Translations
from tests.client.fake_server import FakeServer, ack, group_chat, login_ack, one_chat, refuse
from tests.client.ui.apprun import (
    DOWN,
    END,
    ENTER,
    ESC,
    F1,
    F2,
    F5,
    FOCUS_IN,
    FOCUS_OUT,
    HOME,
    PAGE_DOWN,
    PAGE_UP,
    TAB,
    UP,
    AppRun,
    alt,
    ctrl,
    paste,
)

FRIENDS = [
    {"id": 2, "name": "bob", "state": "online"},
    {"id": 3, "name": "安妮", "state": "offline"},
]
GROUPS: list[dict[str, Any]] = [
    {
        "id": 7,
        "groupname": "tea",
        "groupdesc": "four o'clock",
        "users": [
            {"id": 1, "name": "alice", "state": "online", "role": "creator"},
            {"id": 2, "name": "bob", "state": "online", "role": "normal"},
        ],
    }
]

Start = Callable[..., AppRun]


def silence(request: Message) -> list[Message]:
    return []


def keep_unanswered(held: list[Message]) -> Callable[[Message], list[Message]]:
    """A rule that stores the requests, for an answer later in the test."""

    def keep(request: Message) -> list[Message]:
        held.append(request)
        return []

    return keep


def current_room(app: AppRun) -> Room:
    """The open room. The terminal's thread, or while it does nothing."""
    room = app.app.state.rooms.current
    assert room is not None
    return room


@pytest.fixture
def server(server: FakeServer) -> FakeServer:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS, groups=GROUPS)]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [
        ack(MsgType.MEMBERS_ACK, r, users=GROUPS[0]["users"])
    ]
    seqs = itertools.count(1000)
    for kind in (MsgType.ONE_CHAT_MSG, MsgType.GROUP_CHAT_MSG):
        server.rules[kind] = lambda r: [
            ack(MsgType.CHAT_ACK, r, mid=r["mid"], seq=next(seqs), time="2026-11-23 10:00:00")
        ]
    return server


@pytest.fixture
def start(server: FakeServer) -> Iterator[Start]:
    """Starts applications; each is ended."""
    runs: list[AppRun] = []

    def make(folder: Path | None = None, **options: Any) -> AppRun:
        runs.append(AppRun(server.port, folder, **options).__enter__())
        return runs[-1]

    yield make
    for run in runs:
        run.__exit__(None, None, None)


@pytest.fixture
def app(start: Start) -> AppRun:
    """One that is signed in."""
    run = start()
    run.sign_in()
    return run


@pytest.fixture
def talk(app: AppRun) -> AppRun:
    """One that talks with bob."""
    app.command("/chat bob")
    app.wait_for("bob (2)  online")
    return app


# ---------------------------------------------------------------------- the form


def test_signing_in(server: FakeServer, start: Start) -> None:
    app = start()
    screen = app.wait_for("Sign in", "number", "password")
    assert "again" not in screen
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for("● bob", "○ 安妮", "# tea", "alice (1) ●")
    assert "secret" not in app.screen
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "secret"


def test_a_password_is_not_on_the_screen(start: Start) -> None:
    app = start()
    app.type("1", TAB, "secret")
    assert "secret" not in app.wait_for("******")


def test_registering(server: FakeServer, start: Start) -> None:
    app = start()
    app.type(ctrl("r"))
    app.wait_for("name", "again")
    app.type("alice", ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for("You are number 1.", "alice (1) ●")
    assert server.expect(MsgType.REG_MSG)["name"] == "alice"
    assert server.expect(MsgType.LOGIN_MSG)["id"] == 1


def test_giving_up_a_registration(server: FakeServer, start: Start) -> None:
    """The server may have it by then; whoever gave up must hear the number."""
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
    app.wait_for("You are number 1.", "Register")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ([ENTER], "Type the number that you were given"),
        (["bob", ENTER, "x", ENTER], "bob is no number"),
        (["0", ENTER, "x", ENTER], "0 is no number"),
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


def test_two_passwords_that_differ_are_both_typed_anew(server: FakeServer, start: Start) -> None:
    """They cannot be seen: what was typed would stand before what is typed now."""
    app = start()
    app.type(ctrl("r"), "alice", ENTER, "secert", ENTER, "secret", ENTER)
    app.wait_for("not the same", gone="***")
    app.type("secret", ENTER, "secret", ENTER)
    app.wait_for("alice (1) ●")
    assert server.expect(MsgType.REG_MSG)["password"] == "secret"


def test_a_name_that_is_taken_is_mended_in_its_field(server: FakeServer, start: Start) -> None:
    answer = server.rules.pop(MsgType.REG_MSG)
    server.rules[MsgType.REG_MSG] = refuse(MsgType.REG_MSG_ACK, 1, "this name is taken")
    app = start()
    app.type(ctrl("r"), "alice", ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for("The name alice is taken.")
    server.rules[MsgType.REG_MSG] = answer
    app.type("2", ENTER)
    app.wait_for("You are number 1.")
    assert server.expect(MsgType.REG_MSG)["name"] == "alice"
    assert server.expect(MsgType.REG_MSG)["name"] == "alice2"


@pytest.mark.parametrize(
    ("errno", "errmsg", "line"),
    [
        (1, "no", "Number or password is wrong."),
        (2, "in use", "This account is in use elsewhere."),
        (5, "odd\x1b[2J", "odd\\x1b[2J"),
    ],
)
def test_a_login_that_is_refused(
    server: FakeServer, start: Start, errno: int, errmsg: str, line: str
) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, errno, errmsg)
    app = start()
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for(line, "Sign in")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app.type("secret", ENTER)
    app.wait_for("alice (1) ●")


@pytest.mark.parametrize(
    ("errno", "errmsg", "line"),
    [
        (1, "this name is taken", "The name ann\\x07 is taken."),
        (1, "registration is closed", "This server does not register users. Ask"),
        (4, "name: has control characters", "name: has control characters"),
    ],
)
def test_a_registration_that_is_refused(
    server: FakeServer, start: Start, errno: int, errmsg: str, line: str
) -> None:
    server.rules[MsgType.REG_MSG] = refuse(MsgType.REG_MSG_ACK, errno, errmsg)
    app = start()
    app.type(ctrl("r"))
    app.wait_for("again")
    app.ask(lambda: app.app.terminal.set_field("name", "ann\x07"))
    app.type(ENTER, "secret", ENTER, "secret", ENTER)
    app.wait_for(line, "again")


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


def test_a_server_that_is_not_there(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with AppRun(port) as app:
        hint = "Connection refused: start the server, or check host and port"
        app.wait_for("Sign in", hint)  # before anything is sent
        app.type("1", ENTER, "secret", ENTER)
        app.wait_for("signing in", "Connection refused")
        app.type(ESC)
        app.wait_for("Tab: next field", gone="signing in")
        app.type(ctrl("c"), ctrl("c"))
        assert app.end() == 0


@pytest.mark.parametrize("key", [ctrl("q"), ctrl("d")])
def test_leaving_from_the_form(start: Start, key: str) -> None:
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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_hint_is_cut(start: Start, server: FakeServer, language: str) -> None:
    """Everything that is to be seen at 80 x 24 without conversations and with them."""
    texts = Translations(language)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app = start(language=language)
    app.wait_for(texts("form keys", other=texts("register instead")))
    app.type(ctrl("r"))
    app.wait_for(texts("form keys", other=texts("sign in instead")))
    app.type(ctrl("r"), "1", ENTER, "secret", ENTER)
    app.wait_for(*(texts(f"welcome {key}") for key in ("add", "chat", "create", "join", "help")))
    app.type(F1)
    app.wait_for(texts("page keys"))
    app.type(ESC, ctrl("c"))
    app.wait_for(texts("say again"))
    app.command("/add 2")
    words = "".join(texts("choose").split())  # it has two rows

    def has_words(screen: str) -> bool:
        message_view = "".join(line.partition("│")[2] for line in screen.splitlines())
        return words in "".join(message_view.split())

    app.wait_until(has_words)
    app.command("/chat 2")
    app.wait_for(texts("nothing said"))
    app.type(ctrl("f"))
    app.wait_for(texts("search keys"))
    app.type(ESC)


def test_in_chinese(start: Start) -> None:
    app = start(environment={"LANG": "zh_CN.UTF-8"})
    app.wait_for("登录", "账号", "密码")
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for("alice (1) ●", "F1 帮助")
    app.type(F1)
    app.wait_for("按键")


# ---------------------------------------------------------------------- saved logins


def save_login(folder: Path, port: int, user_id: int, name: str, token: str = "tt") -> None:
    with Store(folder, "127.0.0.1", port, user_id) as store:
        store.save_credentials(Credentials(name, "laptop", token))


def test_straight_in_with_a_saved_login(server: FakeServer, start: Start, tmp_path: Path) -> None:
    save_login(tmp_path, server.port, 1, "alice")
    app = start(tmp_path)
    app.wait_for("● bob", "alice (1) ●")
    assert server.expect(MsgType.LOGIN_MSG)["token"] == "tt"


def test_the_last_used_one_or_the_one_that_is_named(
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


def test_the_field_has_the_cursor_again(server: FakeServer, start: Start) -> None:
    """After the help, a password is not typed into the number."""
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


def test_a_saved_login_that_is_not_good_any_more(
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
    server.hang_up()  # and while one is in
    app.wait_for("not good any more: type your password", "Sign in")


def test_a_saved_login_while_the_server_is_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    save_login(tmp_path, port, 1, "alice")
    with AppRun(port, tmp_path) as app:
        app.wait_for("alice (1) ○", "Connection refused")
        app.command("/chat 5 are you there?")
        app.wait_for("…", "are you there?", "1 unsent")
        app.type(ctrl("c"))  # one question, not two
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


def test_an_account_that_is_open_elsewhere(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    with Store(tmp_path, "127.0.0.1", server.port, 1) as store:
        store.save_credentials(Credentials("alice", "laptop", "tt"))
        app = start(tmp_path)
        app.wait_for("open in another program here. Close it, or register: Ctrl+R.", "Sign in")


def test_signing_out(server: FakeServer, start: Start, tmp_path: Path) -> None:
    app = start(tmp_path)
    app.sign_in()
    assert saved_accounts(tmp_path, "127.0.0.1", server.port)
    app.command("/logout")
    screen = app.wait_for("You have signed out.", "Sign in")
    assert "bob" not in screen
    assert "need no password" not in screen, "there is no saved login any more"
    server.expect(MsgType.LOGINOUT_MSG)
    assert saved_accounts(tmp_path, "127.0.0.1", server.port) == []
    app.type(ctrl("a"), ctrl("k"))
    app.ask(lambda: app.app.terminal.set_field("id", ""))
    app.type("2", TAB, "secret", ENTER)
    app.wait_for("alice (2) ●")


# ---------------------------------------------------------------------- talking


def test_writing_and_its_marks(server: FakeServer, talk: AppRun) -> None:
    held: list[Message] = []
    server.rules[MsgType.ONE_CHAT_MSG] = keep_unanswered(held)
    talk.command("hello bob")
    talk.wait_until(
        lambda screen: any("…" in line and "hello bob" in line for line in screen.splitlines())
    )
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"]) == (2, "hello bob")
    server.send(ack(MsgType.CHAT_ACK, sent, mid=sent["mid"], seq=5, time="2026-11-23 10:00:00"))
    talk.wait_for("✓18:00 alice: hello bob")


def test_a_message_that_fails_and_is_sent_again(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [
        ack(MsgType.CHAT_ACK, r, 5, mid=r["mid"], errmsg="no such user")
    ]
    talk.command("hello")
    talk.wait_for("✗", "(no such user; /retry or /unsend)")
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [ack(MsgType.CHAT_ACK, r, mid=r["mid"], seq=5)]
    talk.type(alt("r"))
    talk.wait_for("✓", gone="✗")
    talk.command("/retry")
    talk.wait_for("No message has failed here.")


def test_a_failed_message_is_discarded(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [
        ack(MsgType.CHAT_ACK, r, 5, mid=r["mid"], errmsg="no such user")
    ]
    talk.command("gone for good")
    talk.wait_for("✗")
    talk.command("/discard")
    talk.wait_for("Messages taken back: 1.", gone="gone for good")


def test_a_failed_message_is_taken_back(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [
        ack(MsgType.CHAT_ACK, r, 5, mid=r["mid"], errmsg="no such user")
    ]
    talk.command("with a tpyo")
    talk.wait_for("✗")
    talk.type(alt("u"))
    talk.wait_for("Taken back. It was not sent.", "> with a tpyo", gone="✗")
    talk.type(ctrl("c"))
    talk.command("/unsend")
    talk.wait_for("The server has every message of this conversation.")


def test_a_queued_message_is_taken_back(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = silence
    server.hang_up()
    talk.wait_for("alice (1) ○")
    for text in ("one", "two", "three"):
        talk.command(text)
    talk.wait_for("alice: three", "3 unsent")
    talk.command("/unsend")
    talk.wait_for("Taken back. It was not sent.", "> three", "2 unsent", gone="alice: three")
    talk.type(ctrl("c"))
    talk.command("/discard")
    talk.wait_for("Messages taken back: 2.", gone="alice: one")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS)]
    server.hang_up()
    talk.wait_for("alice (1) ●")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_a_message_that_may_have_arrived_is_taken_back(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    talk.command("did it arrive?")
    server.expect(MsgType.ONE_CHAT_MSG)
    talk.command("/unsend")
    talk.wait_for("It is on its way and cannot be taken back. Wait for its mark.")
    server.rules[MsgType.LOGIN_MSG] = silence
    server.hang_up()
    talk.wait_for("alice (1) ○")
    talk.type(alt("u"))
    talk.wait_for("Taken back, but the server may have it already.", "> did it arrive?")


def test_receiving_in_front_and_behind(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "hi there"))
    talk.wait_for("bob: hi there")
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert talk.output.bells == 0
    server.send(one_chat(4, "psst", sender=3, name="安妮"))
    talk.wait_for("安妮       1", "1 unread")
    assert talk.output.bells == 1
    talk.pass_time(5.0)
    server.send(group_chat(5, "alice, tea?"))
    talk.wait_for("tea       @1", "2 unread in 2")
    assert talk.output.bells == 2
    talk.pass_time(5.0)
    server.send(group_chat(6, "nothing for you"))
    talk.wait_for("@2")
    assert talk.output.bells == 2
    assert talk.output.titles[-1] == "(3) chat"
    talk.type(alt("a"))
    talk.wait_for("─ new ─", "bob: alice, tea?")
    talk.type(alt("a"))
    talk.wait_for("─ new ─", "安妮: psst")
    talk.type(alt("a"))
    talk.wait_for("Nothing is unread.")
    assert talk.output.titles[-1] == "chat"


def test_somebody_new_in_a_group(server: FakeServer, app: AppRun) -> None:
    app.command("/group tea")
    app.wait_for("of 2 online")
    users = [*GROUPS[0]["users"], {"id": 9, "name": "dan", "state": "online", "role": "normal"}]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=users)]
    server.send({**group_chat(5, "hello, I am new"), "id": 9, "name": "dan"})
    app.wait_for("dan: hello, I am new", "of 3 online")


def test_what_the_server_does_not_know_is_not_opened(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.HISTORY_ACK, 5, "no such user")
    app.command("/chat 999")
    app.wait_for("There is no user 999. Check the number.", gone="user 999\n")
    app.command("/chat 999 hello: you")
    app.wait_for("There is no user 999.", "> /chat 999 hello: you")
    app.type(ctrl("c"))
    app.command("/group 5")
    app.wait_for("There is no group 5.")
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.HISTORY_ACK, 9, "not a member")
    app.command("groupchat:5:hello")
    app.wait_for("You are not in group 5. Join it first: /join 5", "> groupchat:5:hello")
    assert app.ask(lambda: app.app.state.rooms.current) is None
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)
    assert server.received_nothing_more(MsgType.GROUP_CHAT_MSG)


def test_what_follows_an_order_does_not_go_elsewhere(server: FakeServer, talk: AppRun) -> None:
    """An Enter while the server is asked about a conversation sends nothing to the old one."""
    server.rules[MsgType.HISTORY_MSG] = silence
    talk.command("/chat 9")
    asked = server.expect(MsgType.HISTORY_MSG)
    while asked["with"] != 9:
        asked = server.expect(MsgType.HISTORY_MSG)
    talk.type("secret for 9", ENTER)
    talk.settle()
    server.send(ack(MsgType.HISTORY_ACK, asked, messages=[], more=False))
    talk.wait_for("user 9")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_notices_go_by_themselves(start: Start) -> None:
    app = start(notice_seconds=0.1)
    app.sign_in()
    app.command("/whoami")
    app.wait_for("You are alice, number 1")
    app.wait_until(lambda screen: "You are alice" not in screen)


def test_presence(server: FakeServer, app: AppRun) -> None:
    app.wait_for("○ 安妮")
    server.send({"msgid": 28, "id": 3, "state": "online"})
    app.wait_for("● 安妮")


def test_a_burst_of_mail_rings_once(server: FakeServer, app: AppRun) -> None:
    server.send(*(one_chat(seq, f"mail {seq}") for seq in range(1, 151)))
    app.wait_for("150 unread")
    assert app.output.bells == 1


def test_the_bell_can_be_silenced(server: FakeServer, app: AppRun) -> None:
    app.command("/bell off")
    app.wait_for("The bell is silent.")
    server.send(one_chat(3, "psst"))
    app.wait_for("1 unread")
    assert app.output.bells == 0


def test_what_others_send_cannot_drive_the_terminal(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "\x1b[2J\x1b]0;owned\x07 \u202eevil\u200b\x9b31m"))
    screen = talk.wait_for("\\x1b[2J", "\\x1b]0;owned\\x07", "\\u202eevil\\u200b\\x9b31m")
    assert all(line.isprintable() for line in screen.splitlines())


def test_a_draft_stays_with_its_conversation(server: FakeServer, talk: AppRun) -> None:
    talk.type("half a thou")
    server.send(one_chat(3, "meanwhile"))
    talk.wait_for("meanwhile", "> half a thou")
    talk.type(ctrl("n"))
    talk.wait_for("tea (7)", gone="half a thou")
    talk.type("other")
    talk.wait_for("> other")
    talk.type(ctrl("p"))
    talk.wait_for("> half a thou", gone="other")
    talk.type("ght", ENTER)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "half a thought"
    talk.type(alt("/"))
    talk.wait_for("> other")


def test_bytes_that_are_not_utf_8_are_not_sent(server: FakeServer, talk: AppRun) -> None:
    talk.ask(lambda: talk.app.terminal.set_input("\udcc4\udce3"))
    talk.type(ENTER)
    talk.wait_for("Some bytes are not UTF-8. Set the terminal to UTF-8")
    talk.type(ctrl("c"))
    talk.command("good")
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "good"


def test_a_message_of_several_lines(server: FakeServer, talk: AppRun) -> None:
    talk.type("one", alt(ENTER), "two", ctrl("j"), "three")
    talk.wait_for("> one\n  two\n  three")
    talk.type(ENTER)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "one\ntwo\nthree"
    talk.wait_for("alice: one", "       two")


def test_a_paste_of_several_lines_asks_first(server: FakeServer, talk: AppRun) -> None:
    talk.type(paste("one line"))
    talk.wait_for("> one line")
    talk.type(paste("\r\ntwo\r\nthree\x1b\x00\r\n"))
    talk.wait_for("Paste 2 lines into the message?")
    talk.type("x", "n")
    talk.wait_for("> one line", gone="Paste")
    talk.type(paste("\ntwo\nthree"))
    talk.wait_for("Paste 2 lines")
    talk.type("y")
    talk.wait_for("> one linetwo\n  three")
    talk.type(ENTER)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "one linetwo\nthree"


def test_what_was_sent_can_be_had_again(server: FakeServer, talk: AppRun) -> None:
    talk.command("first")
    talk.command("second")
    talk.wait_for("alice: second")
    talk.type("unfinished", UP)
    talk.wait_for("> second")
    talk.type(UP)
    talk.wait_for("> first")
    talk.type(DOWN, DOWN)
    talk.wait_for("> unfinished")
    talk.type(DOWN)
    talk.settle()
    assert "> unfinished" in talk.screen


def test_a_message_longer_than_the_server_takes(talk: AppRun) -> None:
    talk.type(paste("x" * 16_385))
    talk.type(ENTER)
    talk.wait_for("Too long: 16385 bytes of 16384. Shorten the message or send it in parts.")
    assert talk.ask(lambda: len(talk.app.terminal.input_text()[0])) == 16_385
    talk.type(ctrl("c"))
    talk.settle()
    assert talk.ask(lambda: talk.app.terminal.input_text()) == ("", 0)


# ---------------------------------------------------------------------- commands


def test_commands_of_the_original(server: FakeServer, app: AppRun) -> None:
    app.command("chat:5:hello: you")
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"]) == (5, "hello: you")
    app.wait_for("user 5", "hello: you")
    app.command("groupchat:7:all: of you")
    assert server.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "all: of you"
    app.wait_for("tea (7)")
    app.command("addfriend:3")
    app.wait_for("bob (3) is on your list.")
    app.command("creategroup:chess:for fun")
    app.wait_for("The group chess is there. Its number is 4.")
    app.command("addgroup:9")
    app.wait_for("You are in g (9) now.")


def test_friends_and_groups(server: FakeServer, talk: AppRun) -> None:
    talk.command("/friends")
    talk.wait_for("Friends", "2  bob", "3  安妮")
    talk.type("q")
    talk.wait_for(">", gone="Friends")
    talk.command("/remove")
    talk.wait_for("Take bob off your list? y: yes   n: no")
    talk.type("n")
    talk.wait_for(">", gone="Take bob")
    assert server.received_nothing_more(MsgType.REMOVE_FRIEND_MSG)
    talk.command("/remove")
    talk.type("y")
    talk.wait_for("bob is not on your list any more.")
    assert server.expect(MsgType.REMOVE_FRIEND_MSG)["friendid"] == 2
    talk.command("/members")
    talk.wait_for("This conversation is not with a group.")
    talk.type(ctrl("c"))
    talk.command("/members tea")
    talk.wait_for("Members of tea", "1  alice  creator", "2  bob")
    talk.type(ESC)
    talk.command("/group tea")
    talk.wait_for("tea (7)  2 of 2 online  four o'clock")
    talk.command("/kick bob")
    talk.wait_for("bob is not in tea any more.")
    request = server.expect(MsgType.REMOVE_MEMBER_MSG)
    assert (request["groupid"], request["userid"]) == (7, 2)
    talk.command("/leave")
    talk.wait_for("Leave tea? y: yes   n: no")
    talk.type("n")
    talk.wait_for(">", gone="Leave tea?")
    assert server.received_nothing_more(MsgType.LEAVE_GROUP_MSG)
    talk.command("/dissolve")
    talk.wait_for("Dissolve tea for all members?")
    talk.type("y")
    talk.wait_for("tea does not exist any more.")
    server.expect(MsgType.DISSOLVE_GROUP_MSG)


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ("/dance", "There is no command /dance."),
        ("/chat", "Type it like this: /chat WHO [TEXT]"),
        ("/chat zoe hi", "No known user is called zoe"),
        ("/add me", "me is no number"),
        ("/add 99", "no such user: check the number"),
        ("/add 1", "That is your own number. /add takes a friend's."),
        ("/theme pink", "pink: choose one of dark, light."),
        ("/export /no/such/folder/x", "/no/such/folder/x: No such file or directory"),
        ("/help nothing", "There is no command nothing."),
        ("chat:bob:hi", "Type it like this: chat:friendid:message (friendid is a number)"),
        ("/kick bob", "This conversation is not with a group."),
        ("/remove 77", "77 is not on your list."),
        ("/\x1b[2J", "There is no command /"),
    ],
)
def test_mistakes_get_one_line(server: FakeServer, talk: AppRun, line: str, notice: str) -> None:
    server.rules[MsgType.ADD_FRIEND_MSG] = refuse(MsgType.ADD_FRIEND_ACK, 5, "no such user")
    talk.ask(lambda: talk.app.terminal.set_input(line))
    talk.type(ENTER)
    screen = talk.wait_for(notice)
    assert sum(notice in shown for shown in screen.splitlines()) == 1


@pytest.mark.parametrize("line", ["hello", "/retry", "/search x", "/close", "/say hi"])
def test_where_nothing_is_looked_at(app: AppRun, line: str) -> None:
    app.command(line)
    app.wait_for("Choose a conversation first")


def test_the_small_commands(start: Start, tmp_path: Path) -> None:
    app = start(tmp_path)
    app.sign_in()
    app.command("/whoami")
    app.wait_for("You are alice, number 1, at 127.0.0.1:")
    app.command("/help quit")
    app.wait_for("/quit: leave the program")
    app.command("/theme")
    app.wait_for("The theme is dark")
    app.command("/theme light")
    app.wait_for("The theme is light.")
    app.command("/lang zh")
    app.wait_for("现在是中文。", "F1 帮助")
    app.command("/bell")
    app.wait_for("给你的消息会响铃。")
    app.command("/reconnect")
    app.wait_for("已经连接。")
    app.command("quit")
    assert app.end() == 0
    kept = json.loads((tmp_path / "settings.json").read_text("utf-8"))
    assert kept == {"theme": "light", "language": "zh", "bell": True, "notify": "off"}
    again = start(tmp_path)
    again.wait_for("F1 帮助")


def test_tab_completes(app: AppRun) -> None:
    app.type("/ch", TAB)
    app.wait_for("> /chat")
    app.type("b", TAB)
    app.wait_for("> /chat 2")
    app.type("hi", ENTER)
    app.wait_for("bob (2)", "alice: hi")
    app.type("/", TAB)
    app.wait_for("/help [COMMAND]", "/chat WHO [TEXT]")
    app.type(TAB)
    app.settle()
    app.type(ENTER)  # takes what is offered
    app.wait_for("> /help", gone="/chat WHO")
    app.type(ESC, ctrl("c"))
    app.type("@", TAB)
    app.wait_for("@bob", "@安妮")


def test_the_list(app: AppRun) -> None:
    app.wait_for("│", "● bob")
    app.type(F2)
    app.wait_for("Choose a conversation", gone="● bob")
    app.command("/list")
    app.wait_for("● bob")
    app.type(alt("2"))
    app.wait_for("tea (7)")
    app.command("/close")
    app.wait_for("安妮 (3)", gone="tea")
    app.type(alt("9"))
    app.settle()
    assert "安妮 (3)" in app.screen


def test_the_switcher(app: AppRun) -> None:
    app.type(ctrl("k"))
    app.wait_for("go to:", "bob (2)", "tea (7)")
    app.type("te")
    app.wait_for("go to: te", " tea (7)", gone="bob (2)")
    app.type(ENTER)
    app.wait_for("tea (7)  2 of 2 online")
    app.type(ctrl("k"), DOWN, UP, TAB, ctrl("p"), ESC)
    app.wait_for(">", gone="go to:")
    app.type(ctrl("k"), "xyz", ENTER)
    app.wait_for("tea (7)  2 of 2 online", gone="go to:")


def test_help(app: AppRun) -> None:
    app.type("?")
    app.wait_for("KEYS", "Esc: close")
    app.type(PAGE_DOWN)
    app.wait_for("COMMANDS")
    app.type(END)
    app.wait_for("THE ORIGINAL'S COMMANDS")
    app.type(HOME, "j", "k", DOWN, UP, " ", PAGE_UP)
    app.wait_for("KEYS")
    app.type("q")
    app.wait_for("● bob", gone="KEYS")
    app.type("x?")
    app.wait_for("> x?")


# ---------------------------------------------------------------------- the past


def history(*pages: tuple[int, int]) -> Callable[[Message], list[Message]]:
    """A rule that answers with these pages (first and last seq), the newest first."""
    left = list(pages)

    def answer(request: Message) -> list[Message]:
        first, last = left.pop(0)
        messages = [one_chat(seq, f"message {seq}") for seq in range(first, last + 1)]
        return [ack(MsgType.HISTORY_ACK, request, messages=messages, more=bool(left))]

    return answer


def test_older_messages_come_with_page_up(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((51, 100), (1, 50))
    app.command("/chat 2")
    app.wait_for("message 100")
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["with"], request["limit"]) == (2, 50)
    app.type(PAGE_UP)
    app.wait_for("▼ more below")
    app.type(PAGE_UP)  # older ones are loaded before they are scrolled to
    assert server.expect(MsgType.HISTORY_MSG)["before"] == 51
    app.wait_until(lambda screen: current_room(app).oldest_seq == 1)
    app.type(PAGE_UP)
    app.wait_for("message 40\n")
    app.type(alt("<"))
    app.wait_for("this is where the conversation begins", "message 1\n")
    app.type(PAGE_DOWN, alt("j"), alt("k"))
    server.send(one_chat(101, "fresh"))
    app.wait_for("▼ 1 new below")
    app.type(alt(">"))
    app.wait_for("bob: fresh", gone="▼")


def test_a_server_without_history(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.ERROR_MSG, 4, "msgid: unknown")
    app.command("/chat 2")
    app.wait_for("older messages are not available")


def test_history_that_fails_is_asked_for_again(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.HISTORY_ACK, 8, "later")
    app.command("/chat 2")
    app.wait_for("PageUp: older messages")
    server.rules[MsgType.HISTORY_MSG] = history((1, 2))
    app.type(PAGE_UP)
    app.wait_for("message 2")


def test_searching(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((1, 50))
    app.command("/chat 2")
    app.wait_for("message 50")
    app.type(ctrl("f"), "MESSAGE 4")
    app.wait_for("search: MESSAGE 4", "message 49")
    for _ in range(10):
        app.type(ENTER)
    app.wait_for("message 4\n")
    app.type(UP)
    app.wait_for("nothing above, that was all (50 messages)")
    app.type(DOWN)
    app.wait_for("message 40", gone="nothing above")
    app.type("0")
    app.wait_for("message 40")
    app.type("000")
    app.wait_for("not there (50 messages)")
    app.type(ESC)
    app.wait_for(">", gone="search:")
    app.command("/search message 7")
    app.wait_for("search: message 7", "message 7")
    app.type(ESC)
    app.settle()
    app.type(ctrl("f"))
    app.wait_for("search:", gone="search: message 7")
    app.type(ctrl("c"))
    app.wait_for(">")


def messages_on(screen: str) -> list[str]:
    """The messages that are to be seen, from the top."""
    lines = [line.partition("│")[2] for line in screen.splitlines() if "│" in line]
    return [line.partition("bob: ")[2] for line in lines if "bob: " in line]


def test_loading_older_messages_moves_nothing(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((51, 100))
    app.command("/chat 2")
    app.wait_for("message 100")
    app.ask(lambda: setattr(current_room(app), "history", HistoryState.MORE))
    server.rules[MsgType.HISTORY_MSG] = silence
    app.type(alt("<"), alt("k"))
    asked = server.expect(MsgType.HISTORY_MSG)
    asked = server.expect(MsgType.HISTORY_MSG) if "before" not in asked else asked
    before = app.wait_for("loading older", "message 51\n")
    older = [one_chat(seq, f"message {seq}") for seq in range(1, 51)]
    server.send(ack(MsgType.HISTORY_ACK, asked, messages=older, more=False))
    after = app.wait_for("message 50\n", gone="loading older")
    assert messages_on(after)[-len(messages_on(before)) :] == messages_on(before)
    where = [line for line in before.splitlines() if "message 60" in line]
    assert [line for line in after.splitlines() if "message 60" in line] == where


def test_searching_loads_older_messages(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((151, 200), (101, 150), (51, 100), (1, 50))
    app.command("/chat 2")
    app.wait_for("message 200")
    app.type(ctrl("f"), "message 77")
    app.wait_for("search: message 77", "message 77\n", "Esc: done")
    app.type(UP)
    app.wait_for("nothing above, that was all (200 messages)", "message 77\n")


def test_a_search_can_be_stopped_and_moves_nothing(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((151, 200))
    app.command("/chat 2")
    app.wait_for("message 200")
    app.ask(lambda: setattr(current_room(app), "history", HistoryState.MORE))
    held: list[Message] = []
    server.rules[MsgType.HISTORY_MSG] = keep_unanswered(held)
    before = messages_on(app.screen)
    app.type(ctrl("f"), "nowhere")
    app.wait_for("nowhere: not in the last 50 messages, loading older ones …   Esc: stop")
    while "before" not in server.expect(MsgType.HISTORY_MSG):
        pass
    server.send(one_chat(201, "fresh"))  # does not move what is looked at
    app.wait_until(lambda screen: "1 unread" in screen)
    assert messages_on(app.screen) == before[: len(messages_on(app.screen))]
    app.type(ESC)
    app.wait_for(">", gone="search:")
    older = [one_chat(seq, f"message {seq}") for seq in range(101, 151)]
    server.send(ack(MsgType.HISTORY_ACK, held[-1], messages=older, more=True))
    app.wait_until(lambda screen: current_room(app).oldest_seq == 101)
    assert server.received_nothing_more(MsgType.HISTORY_MSG)
    app.type(alt(">"))
    app.wait_for("bob: fresh")


def test_unread_messages_are_shown_from_the_first(server: FakeServer, app: AppRun) -> None:
    server.send(*(one_chat(seq, f"message {seq}") for seq in range(1, 101)))
    app.wait_for("100 unread")
    app.type(alt("a"))
    screen = app.wait_for("─ new ─", "message 1\n", "▼ 81 new below", "81 unread")
    assert messages_on(screen) == [f"message {n}" for n in range(1, 20)]
    app.type(alt(">"))
    app.wait_for("message 100", "▲ 60 new above")
    app.type(alt("n"))
    screen = app.wait_for("message 20\n", "▼")
    assert messages_on(screen)[0] == "message 20"
    for _ in range(6):
        app.type(PAGE_DOWN)
        app.settle()
    app.wait_for("message 100", gone="unread")
    app.type(alt("n"))
    app.wait_for("─ new ─", "message 20\n")


def test_unread_messages_of_an_earlier_run_are_loaded(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    app = start(tmp_path)
    app.sign_in()
    server.send(*(one_chat(seq, f"message {seq}") for seq in range(101, 221)))
    app.wait_for("120 unread")
    app.type(ctrl("q"))
    assert app.end() == 0
    server.rules[MsgType.HISTORY_MSG] = history((171, 220), (121, 170), (71, 120), (1, 70))
    again = start(tmp_path)
    again.wait_for("120 unread")
    again.type(alt("a"))
    again.wait_for("─ new ─", "message 101\n", "new below")


def test_unread_messages_that_were_not_found_are_sought_again(
    server: FakeServer, app: AppRun
) -> None:
    """The room was left while the first unread message was being loaded."""
    pages, nothing = history((51, 100), (1, 50)), server.rules[MsgType.HISTORY_MSG]
    server.rules[MsgType.HISTORY_MSG] = lambda r: (pages if "with" in r else nothing)(r)
    app.command("/chat 2")
    app.wait_for("message 100")

    def as_left() -> None:
        room = app.app.state.rooms.current
        assert room is not None
        room.unloaded, room.read = 5, (40.0, 0)

    app.ask(as_left)
    app.type(ctrl("n"))
    app.wait_for("tea (7)", "5 unread")
    app.type(ctrl("p"))
    app.wait_for("─ new ─", "message 46\n", gone="unread")


def test_messages_while_the_user_looks_elsewhere(server: FakeServer, talk: AppRun) -> None:
    talk.command("/notify 777")
    talk.wait_for("Desktop notices by OSC 777")
    talk.type(FOCUS_OUT)
    talk.settle()
    server.send(one_chat(3, "are you; there?"))
    talk.wait_for("bob: are you; there?", "1 unread", "─ new ─")
    assert (talk.output.bells, talk.output.titles[-1]) == (1, "(1) chat")
    assert "\x1b]777;notify;bob;are you; there?\x07" in talk.output.raw
    talk.type(FOCUS_IN)
    talk.wait_for("─ new ─", gone="unread")
    talk.pass_time(5.0)
    server.send(one_chat(4, "good"))
    talk.wait_for("bob: good")
    talk.type("typed")
    talk.wait_for("> typed", gone="unread")
    assert (talk.output.bells, talk.output.titles[-1]) == (1, "chat")


def test_the_form_names_no_conversation(talk: AppRun) -> None:
    """Saved conversations are read before the server has accepted the password."""
    talk.ask(lambda: setattr(talk.app.state, "logged_in", False))
    talk.type("1")
    talk.wait_for("Sign in", gone="bob (2)")


def test_a_key_is_as_good_as_a_report_of_the_focus(server: FakeServer, talk: AppRun) -> None:
    """tmux reports a lost focus when one detaches, and may report nothing afterwards."""
    talk.type(FOCUS_OUT)
    talk.settle()
    server.send(one_chat(3, "are you there?"))
    talk.wait_for("bob: are you there?", "1 unread")
    talk.type("y")
    talk.wait_for("> y", gone="unread")


def test_the_messages_as_plain_lines(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "a long line " * 20), one_chat(4, "x = 1\n    y = 2"))
    talk.wait_for("y = 2")
    talk.type(alt("l"))
    talk.wait_until(lambda screen: any("Press a key" in raw for raw in talk.output.raw))
    printed = next(raw for raw in talk.output.raw if "Press a key" in raw)
    assert "bob: " + "a long line " * 20 + "\r\n" in printed
    assert "\r\nx = 1\r\n    y = 2\r\n" in printed
    server.send(one_chat(5, "meanwhile"))
    while 5 not in server.expect(MsgType.DELIVERED_MSG)["seqs"]:
        pass
    talk.type("x")  # any key
    talk.wait_for("bob: meanwhile", "─ new ─", gone="unread")
    talk.type("typed")
    talk.wait_for("> typed")
    talk.type(ctrl("c"))
    talk.type(alt("l") + alt("l"))  # twice is once
    talk.settle_bare()
    talk.app.terminal.call_soon(talk.app.terminal.exit, 3)
    assert talk.end() == 3


def test_opening_an_address(server: FakeServer, start: Start, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new; mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    app = start(environment={"BROWSER": str(browser)})
    app.sign_in()
    app.command("/chat bob")
    app.wait_for("bob (2)")
    app.command("/open")
    app.wait_for("There is no web address")
    app.type(ctrl("c"))
    server.send(one_chat(3, "http://a.example/1 and http://a.example/2;x=$(y)."))
    app.wait_for("a.example/2")
    app.command("/open")
    app.wait_for("Opening http://a.example/2;x=$(y)")
    for _ in range(500):
        if opened.exists():
            break
        time.sleep(0.01)  # the other program sends no event
    assert opened.read_text("ascii") == "http://a.example/2;x=$(y)"


def test_exporting(server: FakeServer, app: AppRun, tmp_path: Path) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((51, 100), (1, 50))
    app.command("/chat 2")
    app.wait_for("message 100")
    path = tmp_path / "bob.txt"
    app.command(f"/export {path}")
    app.wait_for("Messages written to")
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 100
    assert lines[0].endswith("[2] bob: message 1")
    app.command(f"/export {path}")
    app.wait_for("exists")  # the path may be long: the rest may be on the next line


def test_between_two_runs(server: FakeServer, start: Start, tmp_path: Path) -> None:
    app = start(tmp_path)
    app.sign_in()
    app.command("/chat 3")
    app.wait_for("安妮 (3)")
    app.type("half typed")
    app.wait_for("> half typed")
    server.send(one_chat(5, "unread"))
    app.wait_for("bob        1")
    app.type(ctrl("q"))
    assert app.end() == 0
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=[one_chat(5, "unread")], more=False)
    ]
    again = start(tmp_path)
    again.wait_for("> half typed", "安妮 (3)", "bob        1")
    again.type(ENTER, ENTER)
    again.wait_for("This was typed earlier.", "> half typed")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)
    again.type("\x1b[D")
    again.type(ENTER)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "half typed"
    again.type(alt("a"))
    again.wait_for("─ new ─", "bob: unread")


# ---------------------------------------------------------------------- connection


def test_the_connection_is_lost_and_comes_back(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = silence
    server.hang_up()
    talk.wait_for("signing in … what you write is sent later", "alice (1) ○")
    talk.command("written meanwhile")
    talk.wait_for("…", "written meanwhile", "1 unsent")
    talk.command("/add 5")
    talk.wait_for("That needs a connection")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS)]
    server.hang_up()
    talk.wait_for("✓", "written meanwhile", "alice (1) ●", gone="unsent")


def test_back_off_and_f5(server: FakeServer, start: Start) -> None:
    from client.timing import Timing

    app = start(timing=Timing(first_backoff=1000.0, longest_backoff=1000.0, goodbye=0.1))
    app.sign_in()
    server.hang_up()
    app.wait_for("not connected: closed by the server. Next attempt in", "(F5: now)")
    app.type(F5)
    app.wait_for("alice (1) ●", gone="not connected")


def test_replaced_and_taken_back(server: FakeServer, talk: AppRun) -> None:
    server.send({"msgid": 32, "reason": "replaced", "reconnect": False})
    talk.wait_for("this account has signed in elsewhere. F5: take it back")
    talk.command("kept for later")
    talk.wait_for("…", "kept for later")
    talk.type(F5)
    talk.wait_for("✓", gone="elsewhere")


def test_what_was_said_elsewhere_meanwhile(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "before"))
    talk.wait_for("bob: before")
    server.rules[MsgType.HISTORY_MSG] = history((60, 65), (50, 59))
    server.send({"msgid": 32, "reason": "replaced", "reconnect": False})
    talk.wait_for("F5")
    talk.type(F5)
    talk.wait_for("message 65", gone="before")


# ---------------------------------------------------------------------- leaving and resizing


def test_ways_to_leave(start: Start) -> None:
    for keys in ([ctrl("q")], [ctrl("d")], ["/quit", ENTER], ["quit", ENTER]):
        app = start()
        app.sign_in()
        app.type(*keys)
        assert app.end() == 0


def test_ctrl_c_empties_the_line_and_leaves_at_the_second_time(app: AppRun) -> None:
    app.type("something", ctrl("c"))
    app.settle()
    app.type(ctrl("c"))
    app.wait_for("Press Ctrl+C again to quit.", gone="something")
    app.type(ctrl("c"))
    assert app.end() == 0


def test_the_terminal_goes_away(app: AppRun) -> None:
    app.hang_up()
    assert app.end() == 1


@pytest.mark.parametrize("columns", [20, 40, 55, 56, 80, 200])
@pytest.mark.parametrize("rows", [3, 10, 24, 60])
def test_any_size_will_do(server: FakeServer, start: Start, columns: int, rows: int) -> None:
    app = start(columns=80, rows=24)
    app.sign_in()
    app.command("/chat 2")
    app.wait_for("bob (2)")
    server.send(one_chat(3, "hello 你好 " * 10))
    app.wait_for("bob: hello")
    app.resize(columns, rows)
    app.settle()
    assert len(app.lines) == rows
    app.type("x")
    app.settle()
    for keys in (F1, ESC, ctrl("k"), ESC, ctrl("f"), ESC, F2, F2):
        app.type(keys)
        app.settle()
    app.resize(80, 24)
    app.wait_for("bob: hello", "> x")


def test_a_narrow_terminal_has_no_list(start: Start) -> None:
    app = start(columns=50)
    app.sign_in()
    app.wait_for("Choose a conversation", gone="● bob")
    app.type(F2)
    app.wait_for("● bob")


def test_warnings_are_shown_where_they_disturb_nothing(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / f"127.0.0.1_{server.port}" / "1"
    folder.mkdir(parents=True)
    (folder / "ui.json").write_bytes(b"nonsense")
    app = start(tmp_path, not_kept="no\x1b home")
    app.wait_for("Login and unsent messages cannot be kept (no\\x1b home). Choose another")
    app.sign_in()
    app.wait_for("ui.json is damaged, and ignored")


def test_a_wall_clock_that_is_set_back(
    server: FakeServer, talk: AppRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen goes on being drawn, though each reading is an hour before the last."""
    hours = itertools.count(1)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall - 3600.0 * next(hours))
    server.send(one_chat(3, "after the clock was set back"))
    talk.wait_for("after the clock was set back")
    talk.type("typed")
    talk.wait_for("> typed")


def test_a_flood_does_not_keep_keys_waiting(server: FakeServer, talk: AppRun) -> None:
    done = threading.Event()

    def flood() -> None:
        server.send(*(one_chat(None, f"flood {number}") for number in range(3000)))
        done.set()

    threading.Thread(target=flood, daemon=True).start()
    talk.type("still typing")
    talk.wait_for("> still typing")
    assert done.wait(30)
    talk.wait_for("flood 2999")
    renders = talk.renders
    assert renders < 1500  # far fewer than messages


def test_text_for_nobody_goes_to_the_first_conversation(server: FakeServer, app: AppRun) -> None:
    """A first message arrives; the user answers it before its conversation is open."""
    server.send(one_chat(3, "are you there?"))
    app.wait_for("1 unread")
    app.type("yes, I am", ENTER)
    app.wait_for("Choose a conversation first", "> yes, I am")
    app.type(ctrl("n"))
    app.wait_for("bob: are you there?", "> yes, I am")
    app.type(END, ENTER)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "yes, I am"
