"""Names of users, names of services, and epochs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chat.protocol import MsgType
from client import ChatClient, State
from client.account.saved_accounts import saved_accounts
from client.account.store import Store
from client.errors import RefusedError, StoreError
from client.values import Friend, User
from tests.client.chat_client.clientkit import QUICK, Make, States, answers_login, chat_ack, silence
from tests.client.fake_server import WAIT, FakeServer, one_chat, refuse


def test_a_login_by_name(server: FakeServer, make: Make, tmp_path: Path) -> None:
    client = make(folder=tmp_path)
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=7, token="tt")
    future = client.login_soon("li si", "secret")
    assert client.user_id in (None, 7)
    sending = client.send(5, "written before the number is known")
    assert future.result(WAIT).id == 7
    request = server.expect(MsgType.LOGIN_MSG)
    assert request["name"] == "li si"
    assert "id" not in request
    assert sending.result(WAIT).seq == 1
    assert server.expect(MsgType.ONE_CHAT_MSG)["id"] == 7
    assert (client.user_id, client.name) == (7, "li si")
    assert [a.user_id for a in saved_accounts(tmp_path, "127.0.0.1", server.port)] == [7]
    client.close()
    again = make(folder=tmp_path)
    again.login("li si")
    token_login = server.expect(MsgType.LOGIN_MSG)
    assert (token_login["id"], token_login["token"]) == (7, "tt")
    assert token_login["device"] == request["device"]


def test_a_name_without_a_saved_login(server: FakeServer, make: Make, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no saved login"):
        make(folder=tmp_path).login("li si")


def test_a_name_that_another_user_has_now(server: FakeServer, make: Make, tmp_path: Path) -> None:
    """User 7 was li si and is zhang san now; user 8 is li si."""
    client = make(folder=tmp_path, timing=replace(QUICK, chat_acks=0.01))
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=7)
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client.login("li si", "secret")
    client.send(5, "of user 7")
    server.expect(MsgType.ONE_CHAT_MSG)
    client.close()
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=8)
    server.rules[MsgType.ONE_CHAT_MSG] = chat_ack
    again = make(folder=tmp_path)
    assert again.login("li si", "secret").id == 8
    assert again.outbox == ()
    sent = again.send(5, "of user 8")
    sent.result(WAIT)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "of user 8"
    again.logout()
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=7, name="zhang san")
    again.login(7)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "of user 7"


def test_two_programs_with_one_name(server: FakeServer, make: Make, tmp_path: Path) -> None:
    with Store(tmp_path, "127.0.0.1", server.port, 1):
        client = make(folder=tmp_path)
        with pytest.raises(StoreError, match="another"):
            client.login("li si", "secret")
    client.login("li si", "secret")
    assert client.user_id == 1


def test_a_server_that_takes_no_names(server: FakeServer, make: Make) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 4, "id: is missing")
    with pytest.raises(RefusedError, match="sign in with the number"):
        make().login("li si", "secret")


def test_two_addresses_of_one_service(server: FakeServer, make: Make, tmp_path: Path) -> None:
    server.rules[MsgType.LOGIN_MSG] = answers_login(service="s" * 32, epoch="e" * 32)
    client = make(folder=tmp_path)
    account = client.login(1, "secret")
    assert (account.service, account.epoch) == ("s" * 32, "e" * 32)
    server.send(one_chat(5, "hi"))
    assert [m.text for m in client.messages(timeout=0.2)] == ["hi"]
    client.remember("rooms.json", {"a": 1})
    client.close()
    other = ChatClient("localhost", server.port, timing=QUICK, folder=tmp_path)
    with other:
        with pytest.raises(RefusedError, match="no saved login"):
            other.login(1)
        other.login(1, "secret")
        assert other.recall("rooms.json") == {"a": 1}
        server.send(one_chat(5, "hi"), one_chat(6, "new"))
        assert [m.text for m in other.messages(timeout=0.2)] == ["new"]
    assert [path.name for path in (tmp_path / "services").iterdir()] == ["s" * 32]


def test_a_new_epoch(server: FakeServer, make: Make, tmp_path: Path) -> None:
    """The operator has restored a backup: the same number is another message's."""
    states = States()
    server.rules[MsgType.LOGIN_MSG] = answers_login(epoch="e" * 32)
    client = make(folder=tmp_path, on_state=states)
    client.login(1, "secret")
    server.send(one_chat(5, "hi"))
    assert [m.text for m in client.messages(timeout=0.2)] == ["hi"]
    states.wait_for(State.ONLINE)
    for epoch, shown in (("e" * 32, []), ("f" * 32, ["hi"]), ("f" * 32, [])):
        server.rules[MsgType.LOGIN_MSG] = answers_login(epoch=epoch)
        server.hang_up()
        states.wait_for(State.ONLINE)
        server.send(one_chat(5, "hi"))
        assert [m.text for m in client.messages(timeout=0.2)] == shown, epoch


def test_the_name_of_a_user(server: FakeServer, make: Make) -> None:
    friends = [{"id": 2, "name": "bob", "state": "online"}]
    server.rules[MsgType.LOGIN_MSG] = answers_login(friends=friends)
    client = make()
    assert client.known_name(2) == ""
    client.login(1, "secret")
    assert client.name_of(2) == client.known_name(2) == "bob"
    assert client.known_name(9) == ""
    assert client.name_of(9) == client.known_name(9) == "name 9"
    assert server.expect(MsgType.USER_MSG)["ids"] == [9]
    assert client.user_names([3, 4, 3]) == {3: "name 3", 4: "name 4"}
    server.send(one_chat(1, "hi", sender=9, name="new name"))
    next(client.messages(WAIT))
    assert client.name_of(9) == "new name"
    server.rules[MsgType.USER_MSG] = refuse(MsgType.ERROR_MSG, 4, "msgid: is missing or unknown")
    assert client.name_of(10) == "", "a server of version 0.2.0"


def test_users_by_name(server: FakeServer, client: ChatClient) -> None:
    assert client.find_user("Bob") == User(2, "bob")
    assert client.find_users("b") == (User(2, "bob"),)
    assert client.add_friend("bob") == Friend(2, "bob", "offline")
    assert server.expect(MsgType.ADD_FRIEND_MSG)["friendname"] == "bob"
    client.send_to("bob", "hi").result(WAIT)
    assert server.expect(MsgType.ONE_CHAT_MSG)["toid"] == 2
    server.rules[MsgType.FIND_USER_MSG] = refuse(MsgType.FIND_USER_ACK, 5, "no such user")
    assert client.find_user("eve") is None
    with pytest.raises(RefusedError, match="no such user"):
        client.send_to("eve", "hi")
