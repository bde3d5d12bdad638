"""Callbacks: their order, their failures, and what they may call."""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path

import pytest

from chat.protocol import MsgType
from client import ChatClient, ChatMessage, State, Timing
from client.errors import ClosedError, NotConfirmedError
from tests.client.chat_client.clientkit import Make, States, silence
from tests.client.fake_server import WAIT, FakeServer, login_ack, one_chat


def test_callbacks_in_order_acknowledged_one_by_one(server: FakeServer, make: Make) -> None:
    got: queue.SimpleQueue[tuple[ChatMessage, int]] = queue.SimpleQueue()
    go_on = threading.Semaphore(0)

    def on_message(message: ChatMessage) -> None:
        got.put((message, threading.get_ident()))
        assert go_on.acquire(timeout=WAIT)

    stored = [one_chat(seq, str(seq)) for seq in (3, 4)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client = make(on_message=on_message)
    client.login(1, "secret")
    with pytest.raises(ValueError, match="on_message takes"):
        client.messages()
    first, thread = got.get(timeout=WAIT)
    assert first.text == "3"
    assert thread != threading.get_ident()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)
    go_on.release()
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert got.get(timeout=WAIT)[0].text == "4"
    go_on.release()
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [4]


def test_a_callback_that_raises(
    server: FakeServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def on_message(message: ChatMessage) -> None:
        raise ZeroDivisionError

    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]
    with caplog.at_level(logging.ERROR):
        client = make(on_message=on_message)
        client.login(1, "secret")
        assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_that_cannot_take_any_more(server: FakeServer, make: Make) -> None:
    refused = threading.Event()

    def on_message(message: ChatMessage) -> None:
        refused.set()
        raise ClosedError

    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]
    client = make(on_message=on_message)
    client.login(1, "secret")
    assert refused.wait(WAIT)
    client.close()
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_a_callback_may_ask_and_send_and_wait(server: FakeServer, make: Make) -> None:
    done = threading.Event()

    client: ChatClient

    def on_message(message: ChatMessage) -> None:
        client.add_friend(message.sender_id)
        assert client.send(message.sender_id, "thanks").result(WAIT).seq == 1
        done.set()

    client = make(on_message=on_message)
    client.login(1, "secret")
    server.send(one_chat(3, "a"))
    assert done.wait(WAIT)


def test_a_callback_may_close(server: FakeServer, make: Make) -> None:
    closed = threading.Event()

    client: ChatClient

    def on_message(message: ChatMessage) -> None:
        client.close()
        closed.set()

    client = make(on_message=on_message)
    client.login(1, "secret")
    server.send(one_chat(3, "a"), one_chat(4, "b"))
    assert closed.wait(WAIT)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_closing_waits_for_the_callback_that_runs(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    running, go_on = threading.Event(), threading.Event()

    def on_message(message: ChatMessage) -> None:
        running.set()
        assert go_on.wait(WAIT)

    client = make(on_message=on_message, folder=tmp_path)
    client.login(1, "secret")
    server.send(one_chat(3, "a"), one_chat(4, "b"))
    assert running.wait(WAIT)
    closing = threading.Thread(target=client.close)
    closing.start()
    go_on.set()
    closing.join(WAIT)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    again = make(folder=tmp_path)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, offlinemsg=[one_chat(3, "a"), one_chat(4, "b")])
    ]
    again.login(1)
    assert next(again.messages()).text == "b"


def test_a_callback_that_waits_for_an_ack_does_not_hold_up_closing(
    server: FakeServer, make: Make
) -> None:
    waiting, failed = threading.Event(), threading.Event()

    client: ChatClient

    def on_message(message: ChatMessage) -> None:
        sending = client.send(5, "hi")
        waiting.set()
        with pytest.raises(NotConfirmedError):
            sending.result(WAIT)
        failed.set()

    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(on_message=on_message, timing=Timing(chat_acks=0.05, goodbye=0.05))
    client.login(1, "secret")
    server.send(one_chat(3, "a"))
    assert waiting.wait(WAIT)
    client.close()
    assert failed.wait(WAIT)


def test_more_than_an_application_takes(
    server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.account.inbox.QUEUE_LIMIT", 10)
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    server.send(*(one_chat(None, "x") for _ in range(20)))
    lost = states.wait_for(State.WAITING)
    assert "more messages than the application takes" in str(lost.error)
    client.close()
