"""Room loader, in the whole terminal with a scripted server."""

from __future__ import annotations

from pathlib import Path

from chat.protocol import MsgType
from client.ui.model.room import HistoryState
from tests.client.fake_server import FakeServer, ack, one_chat, refuse
from tests.client.ui.appkit import Start, current_room, history, messages_on, silence
from tests.client.ui.apprun import PAGE_DOWN, PAGE_UP, AppRun, alt, ctrl


def test_page_up_loads_older_messages(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((51, 100), (1, 50))
    app.command("/chat 2")
    app.wait_for("message 100")
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["with"], request["limit"]) == (2, 50)
    app.type(PAGE_UP)
    app.wait_for("▼ more below")
    app.type(PAGE_UP)  # loads older messages before they are visible
    assert server.expect(MsgType.HISTORY_MSG)["before"] == 51
    app.until(lambda: current_room(app).oldest_seq == 1)
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


def test_failed_history_is_requested_again(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.HISTORY_ACK, 8, "later")
    app.command("/chat 2")
    app.wait_for("PageUp: older messages")
    server.rules[MsgType.HISTORY_MSG] = history((1, 2))
    app.type(PAGE_UP)
    app.wait_for("message 2")


def test_older_messages_do_not_move_the_view(server: FakeServer, app: AppRun) -> None:
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


def test_the_first_unread_message_is_sought_again(server: FakeServer, app: AppRun) -> None:
    """The user leaves the room while its first unread message is being loaded."""
    pages, nothing = history((51, 100), (1, 50)), server.rules[MsgType.HISTORY_MSG]
    server.rules[MsgType.HISTORY_MSG] = lambda r: (pages if "with" in r else nothing)(r)
    app.command("/chat 2")
    app.wait_for("message 100")

    def set_unloaded() -> None:
        room = app.app.state.rooms.current
        assert room is not None
        room.unloaded, room.read = 5, (40.0, 0)

    app.ask(set_unloaded)
    app.type(ctrl("n"))
    app.wait_for("tea (7)", "5 unread")
    app.type(ctrl("p"))
    app.wait_for("─ new ─", "message 46\n", gone="unread")
