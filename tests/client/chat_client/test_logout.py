"""Logging out."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, State
from client.account.saved_accounts import saved_accounts
from client.errors import ConnectionLostError, NoAnswerError, NotLoggedInError, RefusedError
from tests.client.chat_client.clientkit import QUICK, Make, States
from tests.client.fake_server import WAIT, FakeServer, one_chat


def test_logout(server: FakeServer, make: Make, tmp_path: Path) -> None:
    client = make(folder=tmp_path)
    client.login(1, "secret")
    assert [a.user_id for a in saved_accounts(tmp_path, "127.0.0.1", server.port)] == [1]
    client.send(5, "first")
    client.logout()
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "first"
    assert server.expect(MsgType.LOGINOUT_MSG)["id"] == 1
    assert saved_accounts(tmp_path, "127.0.0.1", server.port) == []
    assert client.account is None
    with pytest.raises(NotLoggedInError):
        client.logout()
    with pytest.raises(RefusedError, match="a password is needed"):
        client.login(1)
    assert client.login(2, "secret").id == 2


def test_logout_acknowledges_first(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    assert next(client.messages()).text == "a"
    client.logout()
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    server.expect(MsgType.LOGINOUT_MSG)


def test_a_logout_that_the_server_does_not_hear_counts_here(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    def hang_up(request: Message) -> list[Message]:
        server.hang_up()
        return []

    client = make(folder=tmp_path)
    client.login(1, "secret")
    server.rules[MsgType.LOGINOUT_MSG] = hang_up
    with pytest.raises(ConnectionLostError):
        client.logout()
    assert client.account is None
    assert saved_accounts(tmp_path, "127.0.0.1", server.port) == []


def test_a_logout_while_reconnecting(server: FakeServer, tmp_path: Path) -> None:
    states = States()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = ChatClient("127.0.0.1", port, folder=tmp_path, on_state=states, timing=QUICK)
    client.start()
    future = client.login_soon(1, "secret")
    states.wait_for(State.WAITING)
    with pytest.raises(ConnectionLostError, match="not connected"):
        client.logout()
    with pytest.raises(NotLoggedInError):
        future.result(WAIT)
    client.close()


def test_the_next_login_after_a_logout_uses_the_same_connection(
    server: FakeServer, make: Make
) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    states.wait_for(State.ONLINE)
    client.logout()
    states.wait_for(State.CONNECTED)
    assert client.login(2, "secret").id == 2
    assert states.queue.get(timeout=WAIT).state is State.LOGGING_IN
    assert states.queue.get(timeout=WAIT).state is State.ONLINE
    client.remove_friend(5)
    assert server.expect(MsgType.REMOVE_FRIEND_MSG)["id"] == 2


def test_a_logout_that_is_not_answered_in_time(server: FakeServer, client: ChatClient) -> None:
    del server.rules[MsgType.LOGINOUT_MSG]
    with pytest.raises(NoAnswerError, match=r"within 0\.05 s"):
        client.logout(timeout=0.05)
    assert client.account is None
