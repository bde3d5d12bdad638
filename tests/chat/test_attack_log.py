"""The log names the client that attacks, by the address that its balancer announced."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.config import ServerConfig
from chat.protocol import ErrNo, Limits, MsgType
from chat.service.answers import MAX_STRIKES
from tests.chat.nodekit import PASSWORD, Client, Node

PEER = "192.0.2.7"


@pytest.fixture
def client(
    make_node: Callable[..., Node],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Client:
    monkeypatch.setattr("chat.service.answers.GUEST_TOKENS", 0)
    caplog.set_level("WARNING", "chat")
    node = make_node(config=ServerConfig(proxy_protocol=True, max_frame=1000))
    client = node.connect()
    client.write(f"PROXY TCP4 {PEER} 127.0.0.1 1 2\r\n".encode())
    return client


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"msgid":1,"id":5,"password":"wrong-1"}\n', "a login as user 5 failed"),
        (b'{"msgid":1,"id":5,"password":"wrong-1"}\n' * 10, "10 failed logins"),
        (b"junk\n" * MAX_STRIKES, "closed for abuse, guest: 50 bad requests in a row"),
        (b"x" * 1500, "a frame of more than 1000 bytes, guest"),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP on the chat port"),
        (b"\n" * 100_000, "sends too much without a login"),
    ],
)
def test_who_and_what(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    data: bytes,
    said: str,
) -> None:
    monkeypatch.setattr("chat.connection.flow_control.SHORTAGES", 0)
    try:
        client.write(data)
    except OSError:  # closed while we were writing
        pass
    client.node.until(lambda: any(said in line for line in caplog.messages), said)
    (line, *_) = [line for line in caplog.messages if said in line]
    assert line.startswith(f"{PEER}")


def test_one_that_is_refused(
    make_node: Callable[..., Node], caplog: pytest.LogCaptureFixture
) -> None:
    node = make_node(config=ServerConfig(max_connections=1))
    node.online("ann")
    node.socket().ended()
    (line,) = [line for line in caplog.messages if "too many connections" in line]
    assert "127.0.0.1" in line
    assert "server.max_connections" in line


def test_a_limit_of_an_account_and_a_refused_login_are_in_the_log(
    make_node: Callable[..., Node], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "chat")
    node = make_node(limits=Limits(joins=1))
    ann = node.online("ann")
    for _ in range(2):
        ann.ask(MsgType.ADD_GROUP_MSG, groupid=1)
    label = ann.connection.label
    assert f"{label}: message 9 of {ann.login} refused: too many requests" in caplog.text
    other = node.connect()
    assert other.log_in(ann.user_id)["errno"] == ErrNo.ALREADY_ONLINE
    line = f"{other.connection.label}: a login as user {ann.user_id} was refused"
    assert line in caplog.text


def test_a_registration_is_in_the_log(
    make_node: Callable[..., Node], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "chat")
    client = make_node().connect()
    answer = client.ask(MsgType.REG_MSG, name="ann", password=PASSWORD, v=2)
    assert f"{client.connection.label}: user {answer['id']} has registered" in caplog.messages
    client.ask(MsgType.REG_MSG, name="ann", password=PASSWORD, v=2)
    assert f"{client.connection.label}: registration of 'ann' refused" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_new_password_and_a_deleted_account_are_in_the_log(
    make_node: Callable[..., Node], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "chat")
    ann = make_node().online("ann")
    label, user = ann.connection.label, f"user {ann.user_id}"
    ann.ask(MsgType.CHANGE_PASSWORD_MSG, old="not it", new="another-1")
    assert f"{label}: {ann.login} has sent a wrong password" in caplog.messages
    ann.ask(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new="another-1")
    assert caplog.messages.count(f"{label}: {user} has changed the password") == 1
    ann.ask(MsgType.DELETE_ACCOUNT_MSG, password="another-1")
    assert caplog.messages.count(f"{label}: {user} has deleted the account") == 1
    assert "another-1" not in caplog.text
