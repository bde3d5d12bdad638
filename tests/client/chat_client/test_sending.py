"""Sending messages."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, State, Timing
from client.errors import NotConfirmedError, RefusedError, ReplacedError
from tests.client.chat_client.clientkit import Make, States, chat_ack, silence
from tests.client.fake_server import WAIT, FakeServer, login_ack


def test_messages_and_receipts(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=7, time="2024-01-02 03:04:05")
    sending = client.send(5, "hi: 你好")
    receipt = sending.result(WAIT)
    assert (receipt.mid, receipt.seq) == (sending.mid, 7)
    assert receipt.time == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    request = server.expect(MsgType.ONE_CHAT_MSG)
    assert (request["toid"], request["msg"], request["mid"]) == (5, "hi: 你好", sending.mid)
    assert client.send_group(7, "all").result(WAIT).seq == 1
    assert server.expect(MsgType.GROUP_CHAT_MSG)["groupid"] == 7
    assert client.outbox == ()
    assert not sending.cancel()


def test_a_message_that_is_refused(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, 5, errmsg="no such user")
    with pytest.raises(RefusedError, match="no such user") as caught:
        client.send(99, "hi").result(WAIT)
    assert caught.value.errno == 5


def test_duplicate_acks_are_one(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=7) * 3 + chat_ack(r, 5)
    assert client.send(5, "a").result(WAIT).seq == 7
    assert client.send(5, "b").result(WAIT).seq == 7
    assert client.state is State.ONLINE


def test_messages_wait_for_a_connection(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    del server.rules[MsgType.LOGIN_MSG]
    server.hang_up()
    states.wait_for(State.LOGGING_IN)
    sendings = [client.send(5, str(number)) for number in range(5)]
    assert client.outbox == tuple(sendings)
    assert not client.flush(0.01)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    server.hang_up()
    assert client.flush(WAIT)
    sent = [server.expect(MsgType.ONE_CHAT_MSG) for _ in range(5)]
    assert [m["mid"] for m in sent] == [s.mid for s in sendings]


def test_unacked_messages_are_sent_again_in_order_with_their_mids(
    server: FakeServer, client: ChatClient
) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    sendings = [client.send(5, str(number)) for number in range(3)]
    first = [server.expect(MsgType.ONE_CHAT_MSG)["mid"] for _ in range(3)]
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=1)
    server.hang_up()
    assert client.flush(WAIT)
    second = [server.expect(MsgType.ONE_CHAT_MSG)["mid"] for _ in range(3)]
    assert first == second == [s.mid for s in sendings]


@pytest.mark.parametrize("errno", [6, 8])
def test_not_now_means_again_from_there_on(
    server: FakeServer, client: ChatClient, errno: int
) -> None:
    refused: list[str] = []
    stored: list[str] = []

    def serve(request: Message) -> list[Message]:
        text = request["msg"]
        if text in ("1", "2", "3") and text not in refused:
            refused.append(text)
            return chat_ack(request, errno, errmsg="later")
        stored.append(text)
        return chat_ack(request, seq=len(stored))

    server.rules[MsgType.ONE_CHAT_MSG] = serve
    sendings = [client.send(5, str(number)) for number in range(5)]
    for sending in sendings:
        sending.result(WAIT)
    assert refused == ["1", "2", "3"]
    assert [text for text in dict.fromkeys(stored) if text in refused] == refused
    assert client.outbox == ()


def test_errno_3_to_a_message_means_that_the_session_is_gone(
    server: FakeServer, make: Make
) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, 3, errmsg="not logged in")
    sending = client.send(5, "hi")
    assert isinstance(states.wait_for(State.STOPPED).error, ReplacedError)
    assert not sending.done()
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=4)
    client.reconnect()
    assert sending.result(WAIT).seq == 4


def test_closing_waits_for_acks(server: FakeServer, make: Make) -> None:
    held: list[Message] = []

    def hold(request: Message) -> list[Message]:
        held.append(request)
        return []

    server.rules[MsgType.ONE_CHAT_MSG] = hold
    client = make()
    client.login(1, "secret")
    sending = client.send(5, "hi")
    server.expect(MsgType.ONE_CHAT_MSG)
    closing = threading.Thread(target=client.close)
    closing.start()
    server.send(*chat_ack(held[0], seq=4))
    closing.join(WAIT)
    assert sending.result(0).seq == 4


def test_an_unconfirmed_message_when_the_client_closes(server: FakeServer, make: Make) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(timing=Timing(chat_acks=0.05))
    client.login(1, "secret")
    sending = client.send(5, "hi")
    client.close()
    with pytest.raises(NotConfirmedError, match=r"^not confirmed by the server$"):
        sending.result(0)


def test_a_restart_with_the_same_folder(server: FakeServer, make: Make, tmp_path: Path) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(folder=tmp_path, timing=Timing(chat_acks=0.05))
    client.login(1, "secret")
    sending = client.send(5, "hi")
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    client.close()
    with pytest.raises(NotConfirmedError, match="stays in the outbox"):
        sending.result(0)
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=9)
    again = make(folder=tmp_path)
    outbox_was_read = threading.Event()

    def late_login(request: Message) -> list[Message]:
        assert outbox_was_read.wait(WAIT)
        return [login_ack(request)]

    server.rules[MsgType.LOGIN_MSG] = late_login
    future = again.login_soon(1)
    (restored,) = again.outbox
    outbox_was_read.set()
    assert (restored.mid, restored.text, restored.created) == (sent["mid"], "hi", sending.created)
    future.result(WAIT)
    assert restored.result(WAIT).seq == 9
    assert server.expect(MsgType.LOGIN_MSG)["token"] == "t"
    again.close()
    last = make(folder=tmp_path)
    last.login(1)
    assert last.outbox == ()


def test_many_threads_write(server: FakeServer, client: ChatClient) -> None:
    def write(number: int) -> None:
        for count in range(50):
            client.send(number, str(count))

    threads = [threading.Thread(target=write, args=(number,)) for number in (5, 6, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert client.flush(WAIT)
    texts: dict[int, list[str]] = {5: [], 6: [], 7: []}
    for _ in range(150):
        message = server.expect(MsgType.ONE_CHAT_MSG)
        texts[message["toid"]].append(message["msg"])
    assert all(found == [str(count) for count in range(50)] for found in texts.values())
