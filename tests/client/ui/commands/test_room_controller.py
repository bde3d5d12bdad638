"""Room controller, in the whole terminal with a scripted server."""

from __future__ import annotations

from pathlib import Path

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack, one_chat
from tests.client.ui.appkit import Start
from tests.client.ui.apprun import END, ENTER, AppRun, alt, ctrl


def test_each_room_has_its_own_draft(server: FakeServer, talk: AppRun) -> None:
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


def test_rooms_and_drafts_are_restored(server: FakeServer, start: Start, tmp_path: Path) -> None:
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


def test_text_without_a_room_goes_to_the_first_room(server: FakeServer, app: AppRun) -> None:
    """A first message arrives, and the user answers before its room is open."""
    server.send(one_chat(3, "are you there?"))
    app.wait_for("1 unread")
    app.type("yes, I am", ENTER)
    app.wait_for("Choose a conversation first", "> yes, I am")
    app.type(ctrl("n"))
    app.wait_for("bob: are you there?", "> yes, I am")
    app.type(END, ENTER)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "yes, I am"
