"""Search commands, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import Message, MsgType
from client.ui.model.room import HistoryState
from tests.client.fake_server import FakeServer, ack, one_chat
from tests.client.ui.appkit import current_room, history, keep_unanswered, messages_on
from tests.client.ui.apprun import DOWN, ENTER, ESC, UP, AppRun, alt, ctrl


def test_search(server: FakeServer, app: AppRun) -> None:
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
    app.type(ctrl("f"), "message 7")
    app.wait_for("search: message 7", "message 7")
    app.type(ESC)
    app.settle()
    app.type(ctrl("f"))
    app.wait_for("search:", gone="search: message 7")
    app.type(ctrl("c"))
    app.wait_for(">")


def test_a_search_loads_older_messages(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((151, 200), (101, 150), (51, 100), (1, 50))
    app.command("/chat 2")
    app.wait_for("message 200")
    app.type(ctrl("f"), "message 77")
    app.wait_for("search: message 77", "message 77\n", "Esc: done")
    app.type(UP)
    app.wait_for("nothing above, that was all (200 messages)", "message 77\n")


def test_a_stopped_search_leaves_the_view(server: FakeServer, app: AppRun) -> None:
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
    server.send(one_chat(201, "fresh"))  # does not move the view
    app.wait_until(lambda screen: "1 unread" in screen)
    assert messages_on(app.screen) == before[: len(messages_on(app.screen))]
    app.type(ESC)
    app.wait_for(">", gone="search:")
    older = [one_chat(seq, f"message {seq}") for seq in range(101, 151)]
    server.send(ack(MsgType.HISTORY_ACK, held[-1], messages=older, more=True))
    app.until(lambda: current_room(app).oldest_seq == 101)
    assert server.received_nothing_more(MsgType.HISTORY_MSG)
    app.type(alt(">"))
    app.wait_for("bob: fresh")
