"""ClassicOutput: its writer, and connections of original clients, whose frames end with NUL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chat.config import ClassicConfig, ServerConfig
from chat.connection.classic_writer import FULL
from chat.protocol import MsgType, encode
from tests.chat.nodekit import PASSWORD, Client, Node

GAP = 0.05


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(classic=ClassicConfig(gap=GAP), config=ServerConfig(stall_seconds=60))


def original(node: Node, user: int | str) -> Client:
    """An original client that has logged in."""
    client = node.connect(v2=False)
    client.end = b"\0"
    answer = client.log_in(node.user(user) if isinstance(user, str) else user)
    assert answer["errno"] == 0
    return client


def test_only_an_original_client_has_a_writer(make_node: Callable[..., Node]) -> None:
    node = make_node()
    assert original(node, "ann").connection.classic_output.writer is not None
    assert node.online("bob", v2=False).connection.classic_output.writer is None
    assert node.online("eve").connection.classic_output.writer is None
    v2 = node.connect()
    v2.end = b"\0"
    v2.log_in(node.user("joe"))
    assert v2.connection.classic_output.writer is None, (
        "its client reads every frame, whatever ends them"
    )


def test_without_a_gap_there_is_no_writer(make_node: Callable[..., Node]) -> None:
    node = make_node(classic=ClassicConfig(gap=0))
    connection = original(node, "ann").connection
    assert connection.classic_output.writer is None
    assert connection.classic_output.frame_limit == 1023


def test_without_a_frame_there_is_no_limit(make_node: Callable[..., Node]) -> None:
    node = make_node(classic=ClassicConfig(frame=0))
    connection = original(node, "ann").connection
    assert connection.classic_output.writer is not None
    assert connection.classic_output.frame_limit == 0


def test_a_client_that_turns_to_v2(node: Node) -> None:
    client = node.connect(v2=False)
    client.end = b"\0"
    client.ask(MsgType.REG_MSG, name="ann", password=PASSWORD)
    client.send_all({"msgid": 77}, {"msgid": 78})
    client.send(MsgType.LOGIN_MSG, id=1, v=2, password=PASSWORD)
    assert [client.next()["msgid"] for _ in range(3)] == [31, 31, 2]
    assert client.connection.classic_output.writer is None
    assert client.connection.classic_output.frame_limit == 0


def test_messages_are_deleted_one_by_one(node: Node) -> None:
    ann, bob = node.online("ann"), original(node, "bob")
    for number in range(5):
        ann.deliver(bob, str(number))
    assert bob.expect(MsgType.ONE_CHAT_MSG)["msg"] == "0"
    assert len(node.owed(bob.user_id)) >= 3
    assert [bob.next()["msg"] for _ in range(4)] == ["1", "2", "3", "4"]
    node.until_owed(bob.user_id, 0)


def test_a_full_mailbox_costs_few_looks(node: Node, make_node: Callable[..., Node]) -> None:
    node = make_node(classic=ClassicConfig(gap=0.0001))
    ann, bob = node.online("ann"), node.user("bob")
    count = 200
    for number in range(count):
        ann.say(bob, str(number))
    for _ in range(count):
        ann.expect(MsgType.CHAT_ACK)
    looks: list[int] = []
    read = node.mailbox.read

    def counted(pump: Any, known: frozenset[int], room: int) -> None:
        looks.append(room)
        read(pump, known, room)

    node.mailbox.read = counted  # type: ignore[method-assign]
    client = original(node, bob)
    assert [client.next()["msg"] for _ in range(count)] == [str(n) for n in range(count)]
    assert len(looks) <= count // 8
    node.until_owed(bob, 0)


def test_the_next_user_does_not_get_the_mail_of_the_one_before(node: Node) -> None:
    ann, bob, eve = node.online("ann"), original(node, "bob"), node.user("eve")
    for number in range(10):
        ann.deliver(bob, str(number))
    bob.expect(MsgType.ONE_CHAT_MSG)
    bob.send(MsgType.LOGINOUT_MSG)
    bob.send(MsgType.LOGIN_MSG, id=eve, password=PASSWORD)
    while (message := bob.next())["msgid"] != MsgType.LOGIN_MSG_ACK:
        assert message["toid"] == bob.user_id
    left = len(node.owed(bob.user_id))
    assert left >= 5
    ann.deliver(eve, "for eve")
    assert bob.next()["msg"] == "for eve"
    assert len(node.owed(bob.user_id)) == left


def test_requests_wait_while_many_answers_do(make_node: Callable[..., Node]) -> None:
    """Pings are no bad requests: they could fill the server's memory."""
    node = make_node(classic=ClassicConfig(gap=0.001))
    ann = original(node, "ann")
    count = 5 * FULL
    ann.send_all(*[{"msgid": 26, "rid": str(number)} for number in range(count)])
    longest = 0

    def waits() -> bool:
        nonlocal longest
        writer = ann.connection.classic_output.writer
        assert writer is not None
        longest = max(longest, len(writer._queue))
        return len(ann.inbox) == count

    ann.until(waits, "all answers")
    assert [pong["rid"] for pong in ann.inbox] == [str(number) for number in range(count)]
    assert FULL // 2 < longest <= FULL + 1


def test_what_was_asked_before_the_end_is_answered(node: Node) -> None:
    ann = original(node, "ann")
    ann.send_all({"msgid": 77}, {"msgid": 78}, {"msgid": 79})
    ann.sock.shutdown(1)
    assert [message["msgid"] for message in ann.ended()] == [31, 31, 31]


def test_a_client_that_does_not_read_is_closed(node: Node) -> None:
    ann = original(node, "ann")
    connection = ann.connection
    connection.tcp.send(b"x" * (16 << 20))
    assert connection.stalled_at is not None
    writer = connection.classic_output.writer
    assert writer is not None
    writer.send(b"{}")
    node.until(lambda: writer.stalled_at is not None, "the stall")
    node.sweep(59.0)
    node.passes.settle()
    assert connection.tcp.connected
    node.sweep(61.5)
    node.passes.settle()
    assert not connection.tcp.connected


def test_a_login_replaced_elsewhere_gets_nothing_more(make_node: Callable[..., Node]) -> None:
    node = make_node(classic=ClassicConfig(gap=GAP), replace=True)
    ann, bob = node.online("ann"), original(node, "bob")
    for number in range(10):
        ann.deliver(bob, str(number))
    bob.expect(MsgType.ONE_CHAT_MSG)
    again = node.connect()
    mail = again.log_in(bob.user_id)["offlinemsg"]
    shown = [message["msg"] for message in bob.ended()]
    assert len(shown) <= 3
    numbers = [message["msg"] for message in mail]
    assert numbers == [str(n) for n in range(10 - len(numbers), 10)]
    assert len(numbers) >= 6


@pytest.mark.parametrize("mode", ["stored", "direct"])
def test_a_message_to_oneself(make_node: Callable[..., Node], mode: str) -> None:
    node = make_node(mode=mode, classic=ClassicConfig(gap=GAP))
    ann = original(node, "ann")
    for number in range(3):
        ann.say(ann, str(number))
    assert [ann.next()["msg"] for _ in range(3)] == ["0", "1", "2"]


def test_mail_in_the_answer_counts_when_the_answer_is_out(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ann.deliver(bob, "one")
    ann.deliver(bob, "two")
    client = node.connect(v2=False)
    client.end = b"\0"
    client.send(MsgType.LOGIN_MSG, id=bob, password="wrong")
    client.send(MsgType.LOGIN_MSG, id=bob, password=PASSWORD)
    assert client.next()["errno"] == 1
    answer = client.next()
    assert [json.loads(mail)["msg"] for mail in answer["offlinemsg"]] == ["one", "two"]
    node.until_owed(bob, 0)


@pytest.mark.parametrize(
    "request_fields",
    [
        {"msgid": 77, "rid": "x" * 5000},
        {"msgid": 1, "id": 1, "password": PASSWORD, "rid": "x" * 5000},
        {"msgid": 4, "name": "x" * 5000, "password": PASSWORD, "rid": '"' * 64},
        {"msgid": 26, "rid": "\x01" * 64},
        {"msgid": "x" * 5000},
        {"msgid": 10, "groupid": 99, "msg": "x", "mid": "y" * 5000},
    ],
)
def test_every_answer_fits(node: Node, request_fields: dict[str, Any]) -> None:
    ann = original(node, "ann")
    ann.send_all(request_fields)
    assert len(encode(ann.next())) <= 1023
