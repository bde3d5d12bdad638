"""The keys of the input line, typed to the whole terminal."""

from __future__ import annotations

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer
from tests.client.ui.apprun import DOWN, ENTER, ESC, TAB, UP, AppRun, alt, ctrl, paste


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


def test_entered_lines_are_recalled(server: FakeServer, talk: AppRun) -> None:
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
    app.type(ENTER)  # accepts the completion
    app.wait_for("> /help", gone="/chat WHO")
    app.type(ESC, ctrl("c"))
    app.type("@", TAB)
    app.wait_for("@bob", "@安妮")


def test_ctrl_c_clears_the_line_then_quits(app: AppRun) -> None:
    app.type("something", ctrl("c"))
    app.settle()
    app.type(ctrl("c"))
    app.wait_for("Press Ctrl+C again to quit.", gone="something")
    app.type(ctrl("c"))
    assert app.end() == 0
