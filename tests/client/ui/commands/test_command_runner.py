"""Command runner, in the whole terminal with a scripted server."""

from __future__ import annotations

import pytest

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, refuse
from tests.client.ui.apprun import ENTER, AppRun, ctrl


def test_commands_of_the_original(server: FakeServer, app: AppRun) -> None:
    app.command("chat:5:hello: you")
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"]) == (5, "hello: you")
    app.wait_for("name 5 (5)", "hello: you")
    app.command("groupchat:7:all: of you")
    assert server.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "all: of you"
    app.wait_for("tea (7)")
    app.command("addfriend:3")
    app.wait_for("bob (3) is on your list.")
    app.command("creategroup:chess:for fun")
    app.wait_for("The group chess is there. Its number is 4.")
    app.command("addgroup:9")
    app.wait_for("You are in g (9) now.")


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ("/dance", "There is no command /dance."),
        ("/chat", "Type it like this: /chat WHO [TEXT]"),
        ("/chat zoe hi", "There is no user called zoe. Check the name; one with spaces"),
        ('/chat "zoe li" hi', "There is no user called zoe li. Check the name."),
        ("/add zoe li", "There is no user called zoe li. Check the name."),
        ("/add me", "There is no user called me. Check the name."),
        ("/add 99", "no such user: check the name or number"),
        ("/add 1", "That is your own name. /add takes a friend's."),
        ("/theme pink", "pink: choose one of dark, light."),
        ("/export /no/such/folder/x", "/no/such/folder/x: No such file or directory"),
        ("/help nothing", "There is no command nothing."),
        ("groupchat:x:hi", "Type it like this: groupchat:groupid:message (groupid is a number)"),
        ("/kick bob", "Open a group first: /group GROUP"),
        ("/\x1b[2J", "There is no command /"),
    ],
)
def test_mistakes_get_one_line(server: FakeServer, talk: AppRun, line: str, notice: str) -> None:
    server.rules[MsgType.ADD_FRIEND_MSG] = refuse(MsgType.ADD_FRIEND_ACK, 5, "no such user")
    server.rules[MsgType.FIND_USER_MSG] = refuse(MsgType.FIND_USER_ACK, 5, "no such user")
    talk.ask(lambda: talk.app.terminal.set_input(line))
    talk.type(ENTER)
    screen = talk.wait_for(notice)
    assert sum(notice in shown for shown in screen.splitlines()) == 1


@pytest.mark.parametrize("line", ["hello", "/retry", "/search", "/close", "/say hi"])
def test_commands_that_need_an_open_room(app: AppRun, line: str) -> None:
    app.command(line)
    app.wait_for("Choose a conversation first")


def test_bytes_that_are_not_utf_8_are_not_sent(server: FakeServer, talk: AppRun) -> None:
    talk.ask(lambda: talk.app.terminal.set_input("\udcc4\udce3"))
    talk.type(ENTER)
    talk.wait_for("Some bytes are not UTF-8. Set the terminal to UTF-8")
    talk.type(ctrl("c"))
    talk.command("good")
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "good"
