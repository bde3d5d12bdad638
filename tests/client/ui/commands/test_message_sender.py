"""Message sender, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import Message, MsgType
from tests.client.fake_server import FakeServer, ack, login_ack
from tests.client.ui.appkit import FRIENDS, keep_unanswered, silence
from tests.client.ui.apprun import ENTER, AppRun, alt, ctrl, paste


def test_delivery_marks(server: FakeServer, talk: AppRun) -> None:
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


def test_a_failed_message_is_sent_again(server: FakeServer, talk: AppRun) -> None:
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


def test_a_failed_message_is_withdrawn(server: FakeServer, talk: AppRun) -> None:
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


def test_a_queued_message_is_withdrawn(server: FakeServer, talk: AppRun) -> None:
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


def test_a_message_that_may_have_arrived_is_withdrawn(server: FakeServer, talk: AppRun) -> None:
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


def test_a_message_above_the_limit(talk: AppRun) -> None:
    talk.type(paste("x" * 16_385))
    talk.type(ENTER)
    talk.wait_for("Too long: 16385 bytes of 16384. Shorten the message or send it in parts.")
    assert talk.ask(lambda: len(talk.app.terminal.input_text()[0])) == 16_385
    talk.type(ctrl("c"))
    talk.settle()
    assert talk.ask(lambda: talk.app.terminal.input_text()) == ("", 0)
