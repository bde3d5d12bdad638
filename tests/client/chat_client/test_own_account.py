"""The password, the name and the end of an account."""

from __future__ import annotations

import pytest

from chat.protocol import MsgType
from client import ChatClient
from client.errors import NotLoggedInError, RefusedError
from tests.client.fake_server import WAIT, FakeServer, refuse


def test_change_the_password_and_the_name(server: FakeServer, client: ChatClient) -> None:
    client.change_password("secret-1", "another-1")
    request = server.expect(MsgType.CHANGE_PASSWORD_MSG)
    assert (request["id"], request["old"], request["new"]) == (1, "secret-1", "another-1")
    assert client.rename("Alice") == "Alice"
    assert client.name == "Alice"
    assert client.account is not None
    assert client.account.name == "Alice"


def test_delete_the_account(server: FakeServer, client: ChatClient) -> None:
    client.delete_account("secret-1")
    assert server.expect(MsgType.DELETE_ACCOUNT_MSG)["password"] == "secret-1"
    assert client.account is None
    with pytest.raises(NotLoggedInError):
        client.send(2, "hi")


def test_a_refused_deletion_changes_nothing(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.DELETE_ACCOUNT_MSG] = refuse(MsgType.DELETE_ACCOUNT_ACK, 1, "wrong")
    with pytest.raises(RefusedError):
        client.delete_account("wrong")
    assert client.send(2, "hi").result(WAIT).seq == 1
