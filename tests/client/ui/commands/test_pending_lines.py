"""Lines that are entered while the server is asked about an earlier one, in the whole terminal."""

from __future__ import annotations

import pytest

from chat.protocol import Message, MsgType
from tests.client.fake_server import FakeServer, ack, one_chat
from tests.client.ui.appkit import keep_unanswered
from tests.client.ui.apprun import ESC, AppRun, alt, ctrl

WAITS = "The server is asked first. Lines that wait for it: {}."


@pytest.fixture
def held(server: FakeServer, talk: AppRun) -> list[Message]:
    """The requests for history that the test answers. The conversation with 2 is open."""
    talk.wait_for("no messages yet")
    held: list[Message] = []
    server.rules[MsgType.HISTORY_MSG] = keep_unanswered(held)
    return held


def answer(server: FakeServer, talk: AppRun, held: list[Message], errno: int = 0) -> None:
    """Answer the question about user 9, and all later requests for history."""
    talk.until(lambda: any(request.get("with") == 9 for request in held))
    asked = next(request for request in held if request.get("with") == 9)
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=[], more=False)
    ]
    server.send(ack(MsgType.HISTORY_ACK, asked, errno, errmsg="e", messages=[], more=False))


def test_messages_go_to_the_room_that_opens(
    server: FakeServer, talk: AppRun, held: list[Message]
) -> None:
    talk.command("/chat 9")
    talk.command("first for 9")
    talk.command("second for 9")
    talk.wait_for(WAITS.format(2))
    talk.type("half a thi")
    talk.wait_for("> half a thi")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)
    answer(server, talk, held)
    for text in ("first for 9", "second for 9"):
        sent = server.expect(MsgType.ONE_CHAT_MSG)
        assert (sent["toid"], sent["msg"]) == (9, text)
    talk.wait_for("name 9 (9)", "alice: first for 9", "alice: second for 9", "> half a thi")
    talk.command("rd")
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "half a third"


def test_a_command_is_carried_out_as_well(
    server: FakeServer, talk: AppRun, held: list[Message]
) -> None:
    talk.command("/chat 9")
    talk.command("/whoami")
    talk.wait_for(WAITS.format(1), gone="/whoami")
    answer(server, talk, held)
    talk.wait_for("name 9 (9)", "You are alice, number 1", gone="/whoami")


def test_messages_come_back_if_there_is_no_such_user(
    server: FakeServer, talk: AppRun, held: list[Message]
) -> None:
    """They are not for the open conversation. Enter does not send them by accident."""
    talk.command("/chat 9 hello")
    talk.command("secret")
    talk.wait_for(WAITS.format(1))
    talk.type("more")
    talk.wait_for("> more")
    answer(server, talk, held, errno=5)
    talk.wait_for("There is no user 9.", "> /chat 9 hello", "  secret", "  more", "bob (2)")
    talk.type("\r")
    talk.wait_for("This was typed earlier.")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_a_wrong_line_comes_back_with_those_behind_it(
    server: FakeServer, talk: AppRun, held: list[Message]
) -> None:
    talk.command("/chat 9")
    talk.command("/dance")
    talk.command("after it")
    talk.wait_for(WAITS.format(2))
    talk.type("typed")
    talk.wait_for("> typed")
    answer(server, talk, held)
    talk.wait_for("There is no command /dance.", "> /dance", "  after it", "  typed", "name 9 (9)")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_another_room_is_opened_meanwhile(
    server: FakeServer, talk: AppRun, held: list[Message]
) -> None:
    """The lines stay in the room where they were typed. The late answer opens nothing."""
    talk.command("/chat 9")
    talk.command("secret")
    talk.wait_for(WAITS.format(1))
    talk.type(ctrl("n"))
    talk.wait_for("tea (7)", gone="secret")
    answer(server, talk, held)
    talk.command("for tea")
    assert server.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "for tea"
    talk.type(alt("/"))
    talk.wait_for("bob (2)", "> secret")
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_lines_wait_for_a_user_by_name(server: FakeServer, talk: AppRun) -> None:
    """The line behind /chat is not for the open conversation, which is still there."""
    found: list[Message] = []
    server.rules[MsgType.FIND_USER_MSG] = keep_unanswered(found)
    talk.command("/chat zoe")
    talk.command("for zoe")
    talk.wait_for(WAITS.format(1))
    talk.until(lambda: found)
    server.send(ack(MsgType.FIND_USER_ACK, found[0], users=[{"id": 9, "name": "zoe"}]))
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"]) == (9, "for zoe")
    talk.wait_for("zoe (9)", "alice: for zoe")


def test_lines_come_back_without_an_answer(server: FakeServer, talk: AppRun) -> None:
    found: list[Message] = []
    server.rules[MsgType.FIND_USER_MSG] = keep_unanswered(found)
    talk.command("/add zoe")
    talk.command("hello bob")
    talk.wait_for(WAITS.format(1))
    talk.until(lambda: found)
    server.send(ack(MsgType.FIND_USER_ACK, found[0], 8, errmsg="busy"))
    talk.wait_for("the server or its database is busy", "> /add zoe", "  hello bob")


def test_a_message_to_another_device_arrives_meanwhile(
    server: FakeServer, talk: AppRun, held: list[Message]
) -> None:
    """It makes the conversation known, and the user enters a command at once."""
    talk.command("/chat 9")
    server.send({**one_chat(7, "from the phone", sender=1, name="alice"), "toid": 9})
    talk.wait_for("name 9")
    talk.command("/whoami")
    answer(server, talk, held)
    talk.wait_for("alice: from the phone", "You are alice, number 1", gone="/whoami")
    talk.type(ESC)
