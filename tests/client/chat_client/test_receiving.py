"""Receiving messages with the iterator."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from chat.protocol import MsgType
from client import ChatClient
from tests.client.chat_client.clientkit import QUICK, Make, chat_ack, own_chat, silence
from tests.client.fake_server import WAIT, FakeServer, ack, group_chat, login_ack, one_chat


def test_the_iterator_acknowledges_when_the_next_is_asked_for(
    server: FakeServer, make: Make
) -> None:
    stored = [one_chat(3, "a"), group_chat(4, "b"), one_chat(None, "c")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client = make()
    client.login(1, "secret")
    messages = client.messages()
    assert next(messages).text == "a"
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)
    second = next(messages)
    assert (second.text, second.group_id, second.to_id) == ("b", 7, 1)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert next(messages).text == "c"
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [4]
    client.close()
    assert list(messages) == []
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_a_loop_that_ends_well_has_taken_care_of_its_last_message(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]
    with ChatClient("127.0.0.1", server.port, timing=QUICK) as client:
        client.login(1, "secret")
        for message in client.messages():
            assert message.text == "a"
            break
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]


def test_a_loop_that_fails_has_not(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]

    def run() -> None:
        with ChatClient("127.0.0.1", server.port, timing=QUICK) as client:
            client.login(1, "secret")
            for _ in client.messages():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_a_loop_ends_after_a_silence(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    assert [message.text for message in client.messages(timeout=0.2)] == ["a"]


def test_a_loop_ends_when_another_thread_closes(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    messages = client.messages()
    assert next(messages).text == "a"
    threading.Timer(0.02, client.close).start()
    assert list(messages) == []


def test_messages_from_another_device_of_the_account(server: FakeServer, make: Make) -> None:
    waiting = [own_chat(1, "from the phone", 2)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=waiting)]
    past = [own_chat(1, "from the phone", 2), one_chat(2, "hi")]
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=past, more=False)
    ]
    server.rules[MsgType.SEARCH_MSG] = lambda r: [ack(MsgType.SEARCH_ACK, r, messages=past)]
    client = make()
    client.login(1, "secret")
    server.send({**group_chat(3, "to all"), "id": 1}, one_chat(4, "hi"))
    first, second, third = (next(client.messages(WAIT)) for _ in range(3))
    assert (first.mine, first.other_id, first.text) == (True, 2, "from the phone")
    assert (second.mine, second.other_id, second.group_id) == (True, 0, 7)
    assert (third.mine, third.other_id) == (False, 2)
    assert [one.mine for one in client.history(user_id=2).messages] == [True, False]
    assert [hit.message.mine for hit in client.search_page("h").hits] == [True, False]
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"][0] == 1


def test_a_copy_and_the_answer_to_a_repetition_are_one_message(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    """The server was killed after the commit: no answer came, and the client sends again."""
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(folder=tmp_path, timing=replace(QUICK, chat_acks=0.01))
    client.login(1, "secret")
    client.send(2, "hello")
    client.send(2, "again")
    server.expect(MsgType.ONE_CHAT_MSG)
    client.close()
    waiting = [own_chat(5, "hello", 2), own_chat(6, "again", 2)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=waiting)]
    answers = {"hello": 5, "again": 7}  # another device has said "again", too
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(
        r, seq=answers[r["msg"]], time="2024-01-02 03:04:05"
    )
    again = make(folder=tmp_path)
    again.login(1)
    assert again.flush(WAIT)
    assert [message.seq for message in again.messages(0)] == [6]
    acknowledged = server.expect(MsgType.DELIVERED_MSG)["seqs"]
    while len(acknowledged) < 2:
        acknowledged += server.expect(MsgType.DELIVERED_MSG)["seqs"]
    assert sorted(acknowledged) == [5, 6]


def test_a_message_that_comes_again_is_shown_once(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    messages = client.messages()
    assert next(messages).text == "a"
    stored = [one_chat(3, "a"), one_chat(4, "b")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    server.hang_up()  # the first is in hand
    assert next(messages).text == "b"
    assert set(server.expect(MsgType.DELIVERED_MSG)["seqs"]) == {3}
    server.hang_up()  # it was seen: it is only acknowledged again
    assert 3 in server.expect(MsgType.DELIVERED_MSG)["seqs"]


def test_seen_messages_are_not_shown_after_a_restart(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    stored = [one_chat(3, "a"), one_chat(4, "b")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client = make(folder=tmp_path)
    client.login(1, "secret")
    messages = client.messages()
    assert [next(messages).text, next(messages).text] == ["a", "b"]
    client.close()  # "b" is still in hand
    again = make(folder=tmp_path)
    again.login(1)
    assert [message.text for message in again.messages(timeout=0.2)] == ["b"]
