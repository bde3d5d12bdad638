"""A second login of an account: refused, taken over, racing, interrupted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.handlers.account import login
from chat.protocol import MsgType, encode
from chat.storage.tables import OFFLINE, ONLINE
from tests.chat.handlers.gate import Gate
from tests.chat.nodekit import PASSWORD, Node, replace_route
from tests.chat.sessionkit import go_online

REPLACED = {"msgid": 32, "reason": "replaced", "reconnect": False}


@pytest.mark.parametrize("device", [None, "phone"])
def test_another_device_is_refused(node: Node, device: str | None) -> None:
    ann = node.online("ann", device="laptop")
    second = node.connect()
    fields = {} if device is None else {"device": device}
    answer = second.log_in(ann.user_id, **fields)
    assert (answer["errno"], answer["errmsg"]) == (2, "this account is using, input another!")
    ann.nothing_more()
    assert node.logins.find(ann.user_id) is ann.login


def test_without_a_device_no_client_is_the_same(node: Node) -> None:
    ann = node.online("ann")
    assert node.connect().log_in(ann.user_id)["errno"] == 2


def test_classic_is_refused(node: Node) -> None:
    ann = node.online("ann", v2=False)
    answer = node.connect(v2=False).log_in(ann.user_id)
    assert (answer["errno"], answer["error"]) == (2, 2)


def test_the_same_device_takes_over(node: Node) -> None:
    ann = node.online("ann", device="laptop")
    old = ann.login
    second = node.online(ann.user_id, device="laptop")
    assert ann.ended() == [REPLACED]
    assert node.logins.find(ann.user_id) is second.login
    assert second.login.generation == old.generation + 1
    node.passes.settle()
    assert node.row(ann.user_id).state == ONLINE, "the old one's end does not release it"


def test_every_client_takes_over_if_the_server_is_set_so(make_node: Callable[..., Node]) -> None:
    node = make_node(replace=True)
    ann = node.online("ann", device="laptop")
    node.online(ann.user_id, v2=False)
    assert ann.ended() == [REPLACED]


def test_a_classic_client_that_is_replaced_is_just_closed(make_node: Callable[..., Node]) -> None:
    node = make_node(replace=True)
    ann = node.online("ann", v2=False)
    node.online(ann.user_id)
    assert ann.ended() == []


def test_messages_of_the_replaced_session_are_refused(make_node: Callable[..., Node]) -> None:
    node = make_node(replace=True)
    ann, bob = node.online("ann"), node.online("bob")
    row = node.row(ann.user_id)  # another node takes the user, and ann's has not heard of it yet
    go_online(node.database, row, "other")
    ack = ann.deliver(bob)
    assert (ack["errno"], ack["errmsg"]) == (3, "this session has been replaced")
    bob.nothing_more()


def test_mail_that_the_old_session_did_not_acknowledge_comes_to_the_new(node: Node) -> None:
    ann, bob = node.online("ann", device="laptop"), node.online("bob")
    seq = bob.deliver(ann)["seq"]
    ann.expect(MsgType.ONE_CHAT_MSG)
    second = node.connect()
    answer = second.log_in(ann.user_id, device="laptop")
    assert [mail["seq"] for mail in answer["offlinemsg"]] == [seq]
    ann.got(seq)  # too late: this session is over
    ann.ended()
    assert node.owed(ann.user_id) == [seq]


def test_a_row_left_online_by_a_crash_is_taken(node: Node) -> None:
    ann = node.user("ann")
    node.database.write(
        lambda tx: tx.execute("UPDATE user SET state = 'online', node = 'node-1', generation = 7")
    )
    client = node.online(ann)
    assert client.login.generation == 8


def test_of_two_logins_at_once_one_gets_in(make_node: Callable[..., Node]) -> None:
    gate = Gate(login)
    node = make_node(routes=replace_route(MsgType.LOGIN_MSG, run=gate), workers=3)
    ann = node.user("ann")
    clients = [node.connect() for _ in range(2)]
    for client in clients:
        client.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
    gate.open()
    answers = [client.expect(MsgType.LOGIN_MSG_ACK) for client in clients]
    assert sorted(answer["errno"] for answer in answers) == [0, 2]


@pytest.mark.parametrize(("fields", "errno"), [({}, 2), ({"device": "laptop"}, 8)])
def test_while_another_login_is_under_way(node: Node, fields: dict[str, str], errno: int) -> None:
    ann = node.user("ann")
    assert node.logins.reserve(ann)
    answer = node.connect().log_in(ann, **fields)
    assert answer["errno"] == errno
    assert ("retry_after" in answer) == (errno == 8)
    node.logins.cancel(ann)
    assert node.connect().log_in(ann, **fields)["errno"] == 0


def test_a_client_that_goes_while_it_is_being_logged_in(make_node: Callable[..., Node]) -> None:
    gate = Gate(login)
    node = make_node(routes=replace_route(MsgType.LOGIN_MSG, run=gate))
    ann = node.user("ann")
    client = node.connect()
    client.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
    node.until(gate.has_entered)  # it owns the row and is registered
    assert node.row(ann).state == ONLINE
    client.connection.tcp.force_close()
    node.until(lambda: client.connection.closed)
    gate.open()
    node.until(lambda: node.row(ann).state == OFFLINE)
    assert node.logins.owned() == set()


def test_a_half_closed_client_still_gets_its_answer(make_node: Callable[..., Node]) -> None:
    """When the login had begun before."""
    gate = Gate(login)
    node = make_node(routes=replace_route(MsgType.LOGIN_MSG, run=gate))
    ann = node.user("ann")
    client = node.connect()
    client.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
    node.until(gate.has_entered)
    client.sock.shutdown(1)
    node.until(lambda: client.connection.finishing)
    gate.open()
    (answer,) = client.ended()
    assert (answer["msgid"], answer["errno"]) == (2, 0)
    node.until(lambda: node.row(ann).state == OFFLINE)


@pytest.mark.parametrize("behind", [b"", b'{"msgid":26}\n', b"11\n" * 10_000])
def test_a_login_of_a_client_that_has_hung_up_is_not_begun(node: Node, behind: bytes) -> None:
    """Also when that is hidden behind bytes that are still unread."""
    ann = node.user("ann")
    client = node.connect()
    frame = encode({"msgid": 1, "v": 2, "id": ann, "password": PASSWORD}) + b"\n"
    client.write(frame + behind)
    client.close()
    node.until(lambda: not client.connection.tcp.connected, "the end")
    assert node.row(ann).generation == 0


# ---------------------------------------------------------------------- the database fails


def test_when_the_database_cannot_be_read(node: Node) -> None:
    ann = node.user("ann")
    node.database.broken_reads = True
    client = node.connect()
    answer = client.log_in(ann)
    assert (answer["errno"], answer["retry_after"]) == (8, 1)
    node.database.broken_reads = False
    assert client.log_in(ann)["errno"] == 0


def test_when_the_row_cannot_be_taken(node: Node) -> None:
    ann = node.user("ann")
    node.database.lose_commits = True
    client = node.connect()
    assert client.log_in(ann)["errno"] == 8
    assert node.logins.owned() == set()
    node.database.lose_commits = False
    assert node.row(ann).state == OFFLINE
    assert client.log_in(ann)["errno"] == 0


@pytest.mark.parametrize("reads", [1, 2])
def test_when_reading_fails_after_the_row_was_taken(node: Node, reads: int) -> None:
    """The groups cannot be read (1), or what the answer shows (2): the user is released."""
    ann = node.user("ann")
    real_read, count = node.database.read, 0

    def read(work: Any) -> Any:
        nonlocal count
        count += 1
        if count > reads:
            node.database.broken_reads = True
        return real_read(work)

    node.database.read = read  # type: ignore[method-assign]
    client = node.connect()
    answer = client.log_in(ann)
    assert answer["errno"] == 8
    node.database.read = real_read  # type: ignore[method-assign]
    node.database.broken_reads = False
    node.until(lambda: node.row(ann).state == OFFLINE)
    assert node.logins.owned() == set()
    assert client.connection.login is None
    assert client.log_in(ann)["errno"] == 0
