"""Conversations of the server, marks, receipts and typing, in the whole terminal."""

from __future__ import annotations

from typing import Any

from chat.protocol import Message, MsgType
from client.ui.model.room import RoomKey
from tests.client.fake_server import FakeServer, ack, login_ack, one_chat, refuse
from tests.client.ui.appkit import FRIENDS, GROUPS, Start, current_room
from tests.client.ui.apprun import AppRun

BOB: dict[str, Any] = {
    "with": 2,
    "name": "bob",
    "last": {"seq": 9, "id": 2, "name": "bob", "msg": "see you", "time": "2026-11-23 10:00:00"},
    "read": 7,
    "unread": 2,
    "other_read": 0,
}
DAN: dict[str, Any] = {
    "with": 9,
    "name": "dan",
    "last": {"seq": 8, "id": 1, "name": "alice", "msg": "hi dan", "time": "2026-11-23 09:00:00"},
    "read": 8,
    "unread": 0,
    "muted": True,
}


def list_at_login(server: FakeServer, *entries: Message, **fields: Any) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, friends=FRIENDS, groups=GROUPS, conversations=list(entries), **fields)
    ]


def messages(first: int, last: int, *, mine: bool = False) -> list[Message]:
    found = [one_chat(seq, f"message {seq}") for seq in range(first, last + 1)]
    return [{**item, "id": 1, "toid": 2} for item in found] if mine else found


def test_the_terminal_opens_with_the_conversations(server: FakeServer, start: Start) -> None:
    list_at_login(server, BOB, DAN, muted=[{"with": 9}])
    app = start()
    app.sign_in()
    screen = app.wait_for("bob: see you", "alice: hi dan", "Choose a conversation")
    rows = [line for line in screen.splitlines() if "bob: see you" in line or "hi dan" in line]
    assert "bob" in rows[0]
    assert " 2 " in rows[0]
    assert "dan" in rows[1]
    assert "2 unread" in screen


def test_the_conversations_on_a_narrow_screen(server: FakeServer, start: Start) -> None:
    """How to open one is told in several lines."""
    list_at_login(server, BOB, DAN)
    app = start(columns=60)
    app.sign_in()
    app.wait_for("bob: see you", "Choose a conversation on the left:", "Ctrl+K.")


def test_what_is_shown_is_marked_as_read(server: FakeServer, start: Start) -> None:
    list_at_login(server, BOB)
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=messages(5, 9), more=False)
    ]
    app = start()
    app.sign_in()
    app.wait_for("2 unread")
    app.command("/chat bob")
    app.wait_for("─ new ─", "message 9", gone="unread")
    request = server.expect(MsgType.READ_MSG)
    assert (request["with"], request["seq"]) == (2, 9)
    server.send(one_chat(12, "and one more"))
    app.wait_for("and one more")
    assert server.expect(MsgType.READ_MSG)["seq"] == 12


def test_a_message_that_the_server_has_counted_counts_once(
    server: FakeServer, start: Start
) -> None:
    list_at_login(server, BOB, offlinemsg=messages(8, 8))
    app = start()
    app.sign_in()
    app.wait_for("2 unread")
    server.send(one_chat(9, "see you"))
    app.wait_for("2 unread")
    server.send(one_chat(10, "more"))
    app.wait_for("3 unread")


def test_reading_on_another_device(server: FakeServer, start: Start) -> None:
    list_at_login(server, BOB)
    app = start()
    app.sign_in()
    app.wait_for("2 unread")
    server.send({"msgid": 105, "id": 1, "with": 2, "seq": 9})
    app.wait_for(gone="unread")


def test_receipts(server: FakeServer, talk: AppRun) -> None:
    talk.command("first")
    talk.wait_for("✓", "alice: first")
    talk.command("second")
    talk.wait_for("alice: second")
    server.send({"msgid": 105, "id": 2, "with": 2, "seq": 1000})
    talk.wait_for("alice: first ✓✓")
    server.send({"msgid": 105, "id": 2, "with": 2, "seq": 1001})
    screen = talk.wait_for("alice: second ✓✓")
    assert screen.count("✓✓") == 1
    server.send({"msgid": 105, "id": 2, "with": 77, "seq": 1001})  # an unknown conversation
    talk.settle()


def test_a_receipt_for_messages_of_the_history(server: FakeServer, start: Start) -> None:
    list_at_login(server, {**BOB, "unread": 0, "read": 9, "other_read": 6})
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=messages(5, 7, mine=True), more=False)
    ]
    app = start()
    app.sign_in()
    app.command("/chat bob")
    screen = app.wait_for("message 6 ✓✓")
    assert screen.count("✓✓") == 1


def test_typing_of_others(server: FakeServer, talk: AppRun) -> None:
    server.send({"msgid": 107, "id": 2, "with": 2})
    talk.wait_for("bob (2)  is writing …")
    server.send(one_chat(5, "here it is"))
    talk.wait_for("bob (2)  online", "here it is")
    talk.command("/group tea")
    talk.wait_for("tea (7)")
    server.send({"msgid": 107, "id": 2, "groupid": 7})
    talk.wait_for("bob: writing …")


def test_the_own_typing(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(5, "hello"))
    talk.wait_for("bob: hello")
    talk.type("/he")
    talk.type("\x03")
    talk.type("h")
    request = server.expect(MsgType.TYPING_MSG)
    assert request["with"] == 2
    talk.type("i")
    talk.settle()
    assert server.received_nothing_more(MsgType.TYPING_MSG), "not for each key"


def test_muting(server: FakeServer, talk: AppRun) -> None:
    talk.command("/mute")
    talk.wait_for("bob is muted: no bell", "online  muted")
    request = server.expect(MsgType.MUTE_MSG)
    assert (request["with"], request["muted"]) == (2, True)
    talk.command("/group tea")
    talk.wait_for("tea (7)")
    server.send(one_chat(5, "psst"))
    talk.until(lambda: talk.app.state.rooms.by_key[RoomKey(False, 2)].unread == 1)
    assert "unread" not in talk.screen
    server.send({"msgid": 112, "with": 2, "muted": False})
    talk.wait_for("1 unread")
    talk.command("/mute on")
    talk.wait_for("tea is muted")
    assert server.expect(MsgType.MUTE_MSG)["groupid"] == 7
    talk.command("/mute off")
    talk.wait_for("tea is not muted any more.")


def test_a_mark_that_the_server_refuses(server: FakeServer, talk: AppRun) -> None:
    """Nothing is shown, and the next mark is tried."""
    server.rules[MsgType.READ_MSG] = refuse(MsgType.READ_ACK, 8, "busy")
    server.send(one_chat(5, "hello"))
    talk.wait_for("bob: hello")
    assert server.expect(MsgType.READ_MSG)["seq"] == 5
    talk.settle()
    assert "busy" not in talk.screen
    server.send(one_chat(6, "again"))
    assert server.expect(MsgType.READ_MSG)["seq"] == 6
    assert talk.ask(lambda: current_room(talk).told_read) == 0
