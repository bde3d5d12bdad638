"""Users by name, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, Rule, ack, one_chat, refuse
from tests.client.ui.apprun import ESC, AppRun

NO_DIRECTORY = refuse(MsgType.FIND_USER_ACK, 1, "this server has no directory")
NOT_THERE = refuse(MsgType.FIND_USER_ACK, 5, "no such user")


def without_directory(rule: Rule) -> Rule:
    """Requests for the first letters of a name are refused."""
    return lambda request: (NO_DIRECTORY if "prefix" in request else rule)(request)


def test_find_a_user(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.FIND_USER_MSG] = without_directory(server.rules[MsgType.FIND_USER_MSG])
    app.command("/find bob")
    app.wait_for("bob is a user. /chat 2 writes, /add 2 adds a friend.")
    server.rules[MsgType.FIND_USER_MSG] = lambda r: (NO_DIRECTORY if "prefix" in r else NOT_THERE)(
        r
    )
    app.command("/find zoe")
    app.wait_for("There is no user called zoe.")


def test_find_in_a_directory(server: FakeServer, app: AppRun) -> None:
    users = [{"id": 21, "name": "zed"}, {"id": 22, "name": "zoe\x1b"}]
    server.rules[MsgType.FIND_USER_MSG] = lambda r: [
        ack(MsgType.FIND_USER_ACK, r, users=users, more=False)
    ]
    app.command("/find z")
    app.wait_for("Users whose names begin with z", "21  zed", "22  zoe\\x1b")
    app.type(ESC)
    app.command("/chat zed hello")
    assert server.expect(MsgType.ONE_CHAT_MSG)["toid"] == 21
    app.wait_for("zed (21)", "hello")


def test_a_name_that_only_the_server_knows(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.FIND_USER_MSG] = lambda r: [
        ack(MsgType.FIND_USER_ACK, r, users=[{"id": 9, "name": "Dan"}], exact=False)
    ]
    app.command("/chat ｄａｎ hello there")
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"]) == (9, "hello there")
    app.wait_for("Dan (9)", "hello there")
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, friend={"id": 9, "name": "Dan", "state": "offline"})
    ]
    app.command("/add dan")
    app.wait_for("Dan (9) is on your list.")
    assert server.expect(MsgType.ADD_FRIEND_MSG)["friendid"] == 9


def test_a_line_with_an_unknown_name_comes_back(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.FIND_USER_MSG] = NOT_THERE
    app.command("/chat zoe hello")
    app.wait_for("There is no user called zoe.", "> /chat zoe hello")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_a_conversation_that_another_device_began(server: FakeServer, app: AppRun) -> None:
    """The own message names its receiver by number only."""
    server.send({**one_chat(5, "from my phone", sender=1, name="alice"), "toid": 9})
    app.wait_for("name 9", gone="user 9")
    assert server.expect(MsgType.USER_MSG)["ids"] == [9]


def test_a_server_that_tells_no_names(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.USER_MSG] = refuse(MsgType.ERROR_MSG, 4, "msgid: is missing or unknown")
    app.command("/chat 9")
    app.wait_for("user 9", "no messages yet")
