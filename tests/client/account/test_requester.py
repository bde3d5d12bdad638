from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat.protocol import MsgType
from client import ChatClient, RefusedError, Timing
from client.account.requester import Requester
from client.protocol.requests import ADD_FRIEND, REGISTER
from client.values import Friend
from tests.client.fake_server import WAIT, FakeServer, ack, refuse

TIMING = Timing(answer=WAIT, login=WAIT)


@pytest.fixture
def client(server: FakeServer) -> Iterator[ChatClient]:
    with ChatClient("127.0.0.1", server.port, timing=TIMING) as client:
        yield client


@pytest.fixture
def requester(client: ChatClient) -> Requester:
    return Requester(client._shared, TIMING)


def test_a_request_before_the_login(client: ChatClient, requester: Requester) -> None:
    assert requester.ask(REGISTER, name="ann", password="secret") == 1
    assert requester.with_roster(lambda roster: roster.heard) is None


def test_an_existing_object_is_a_success(
    server: FakeServer, client: ChatClient, requester: Requester
) -> None:
    friend = {"id": 3, "name": "bob", "state": "online"}
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, 10, errmsg="is a friend already", friend=friend)
    ]
    client.login(1, "secret")
    assert requester.ask_for("friend", ADD_FRIEND, friendid=3) == Friend(3, "bob", "online")
    with pytest.raises(RefusedError, match="is a friend already"):
        requester.ask_for("group", ADD_FRIEND, friendid=3)
    server.rules[MsgType.ADD_FRIEND_MSG] = refuse(MsgType.ADD_FRIEND_ACK, 5, "no such user")
    with pytest.raises(RefusedError, match="no such user"):
        requester.ask_for("friend", ADD_FRIEND, friendid=3)
    assert requester.with_roster(lambda roster: roster.account.id) == 1
