"""Room commands, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, refuse
from tests.client.ui.apprun import DOWN, ENTER, ESC, F2, TAB, UP, AppRun, alt, ctrl


def test_unknown_rooms_are_not_opened(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.HISTORY_ACK, 5, "no such user")
    app.command("/chat 999")
    app.wait_for("There is no user 999. Check the number, or use the name.", gone="user 999\n")
    app.command("/chat 999 hello: you")
    app.wait_for("There is no user 999.", "> /chat 999 hello: you")
    app.type(ctrl("c"))
    app.command("/group 5")
    app.wait_for("There is no group 5, or it is closed to you.")
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.HISTORY_ACK, 9, "not a member")
    app.command("groupchat:5:hello")
    app.wait_for("You are not in group 5. Join it first: /join 5", "> groupchat:5:hello")
    assert app.ask(lambda: app.app.state.rooms.current) is None
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)
    assert server.received_nothing_more(MsgType.GROUP_CHAT_MSG)


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
