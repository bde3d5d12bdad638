"""ChatServer: connections and the limits on them, silence, and the end."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest

from chat.config import ServerConfig
from chat.connection.server import HEARTBEATS_MISSED, ChatServer
from chat.protocol import MsgType
from muduopy import InetAddress
from tests.chat.loopkit import writer_held
from tests.chat.nodekit import PASSWORD, Node

IDLE = {"msgid": 32, "reason": "idle", "reconnect": True}
CONFIG = ServerConfig(heartbeat=30, login_seconds=600, stall_seconds=60)


def test_it_says_where_it_listens(node: Node) -> None:
    assert node.server.address.host == "127.0.0.1"


# ---------------------------------------------------------------------- several addresses


@pytest.mark.parametrize("threads", [0, 2])
def test_further_addresses(make_node: Callable[..., Node], threads: int) -> None:
    """They share the loops and the limit; stopping the server ends all of them."""
    config = ServerConfig(threads=threads, max_connections=3)
    node = make_node(config=config, also=[(InetAddress.loopback(0), None)] * 2)
    assert len({str(address) for address in node.server.addresses}) == 3
    clients = [node.connect(place=place) for place in range(3)]
    for place, client in enumerate(clients):
        assert client.log_in(node.user(f"user-{place}"))["errno"] == 0
    assert node.socket(place=1).ended()[0]["errno"] == 6
    ann = clients[2]
    stopped: list[bool] = []
    node.server.stop(5.0, lambda: stopped.append(True))
    assert ann.ended() == [{"msgid": 32, "reason": "draining", "reconnect": True}]
    for client in clients:
        client.close()
    node.until(lambda: stopped, "the server's end")


def test_an_address_that_is_taken_is_named(make_node: Callable[..., Node]) -> None:
    node = make_node()
    taken = node.server.address
    assert isinstance(taken, InetAddress)
    with pytest.raises(OSError) as raised:
        ChatServer(
            node.passes.loop,
            InetAddress.loopback(0),
            node.config,
            node.context.classic,
            node.service,
            node.context.limits,
            also=[(taken, None)],
        )
    assert raised.value.filename == str(taken)


# ---------------------------------------------------------------------- how many


def test_one_connection_too_many(make_node: Callable[..., Node]) -> None:
    node = make_node(config=ServerConfig(max_connections=2))
    first, second = node.online("ann"), node.online("bob")
    third = node.socket()
    assert third.ended() == [
        {
            "msgid": 31,
            "errno": 6,
            "error": 6,
            "errnum": 6,
            "errmsg": "too many connections, try again later",
            "retry_after": 5,
        }
    ]
    for client in (first, second):
        client.nothing_more()
    first.leave()
    node.until(lambda: node.server.open == 1)
    node.connect().nothing_more()


def test_refused_connections_do_not_count(make_node: Callable[..., Node]) -> None:
    node = make_node(config=ServerConfig(max_connections=1))
    first = node.online("ann")
    refused = [node.socket() for _ in range(3)]
    for client in refused:
        client.write(b'{"msgid":26}\n')
        assert len(client.ended()) == 1
    first.leave()
    node.until(lambda: not node.server.open)
    node.connect().nothing_more()


@pytest.mark.parametrize("v2", [True, False])
def test_the_oldest_guest_makes_room(make_node: Callable[..., Node], v2: bool) -> None:
    node = make_node(config=ServerConfig(max_connections=3))
    ann, oldest, newer = node.online("ann"), node.connect(v2=v2), node.connect()
    if v2:
        assert oldest.log_in(99)["errno"] == 1
    bob = node.online("bob")
    (error,) = oldest.ended()
    assert error["errno"] == 6
    assert error["retry_after"] > 0
    for client in (ann, newer, bob):
        client.nothing_more()
    assert node.server.admission.made_room == 1


def test_guests_that_flood_make_room_for_each_other(make_node: Callable[..., Node]) -> None:
    """The count stays right, and a user is not disturbed."""
    node = make_node(config=ServerConfig(max_connections=4))
    ann = node.online("ann")
    for _ in range(20):
        node.connect()
    node.until(lambda: node.server.open == 4)
    ann.nothing_more()
    for client in node.clients[1:]:
        client.close()
    node.until(lambda: node.server.open == 1)


def test_connections_that_come_and_go_are_forgotten(node: Node) -> None:
    for _ in range(20):
        node.connect().leave()
    node.until(lambda: not node.server._by_loop[node.passes.loop])
    assert node.server.open == 0


def test_a_reset_connection_is_forgotten(node: Node) -> None:
    ann = node.online("ann")
    ann.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ann.leave()
    node.until(lambda: not node.logins.owned())
    assert node.server.open == 0


# ---------------------------------------------------------------------- frames


def test_byte_by_byte(node: Node) -> None:
    client = node.connect()
    for byte in b'{"msgid":26,"rid":"slow"}\r\n':
        client.write(bytes([byte]))
        node.passes.one()
    assert client.next()["rid"] == "slow"


def test_many_frames_at_once(node: Node) -> None:
    client = node.online("ann")
    client.send_all(*({"msgid": 26, "rid": str(number)} for number in range(500)))
    assert [client.next()["rid"] for _ in range(500)] == [str(number) for number in range(500)]


@pytest.mark.parametrize(("size", "good"), [(100, True), (101, False)])
def test_the_largest_frame(make_node: Callable[..., Node], size: int, good: bool) -> None:
    node = make_node(config=ServerConfig(max_frame=100))
    client = node.connect()
    frame = b'{"msgid":26}'
    client.write(frame + b" " * (size - len(frame)) + b"\n")
    answer = client.next()
    assert (answer["msgid"] == 27) == good
    if not good:
        assert answer["errno"] == 7
        client.ended()


def test_what_follows_a_frame_that_is_too_large_is_ignored(make_node: Callable[..., Node]) -> None:
    node = make_node(config=ServerConfig(max_frame=100))
    client = node.connect()
    client.write(b"x" * 200)
    assert client.next()["errno"] == 7
    client.write(b'\n{"msgid":26}\n' * 10)
    assert client.ended() == []


# ---------------------------------------------------------------------- silence


def test_who_never_logs_in(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    classic, v2 = node.connect(v2=False), node.connect()
    v2.log_in(99)
    node.sweep(599.0)
    node.passes.settle()
    v2.nothing_more()
    node.sweep(601.0)
    assert classic.ended() == []
    assert v2.ended() == [IDLE]


def test_who_talks_without_logging_in_may_not_stay(make_node: Callable[..., Node]) -> None:
    """A try to log in counts, even if it fails; other requests do not."""
    node = make_node(config=CONFIG)
    talking, trying = node.connect(), node.connect()
    for client in (talking, trying):
        client.connection.guest.since -= 599.0
    talking.nothing_more()
    assert trying.log_in(99)["errno"] == 1
    node.sweep(2.0)
    assert talking.ended() == []
    trying.nothing_more()


def test_a_logout_begins_the_time_anew(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    ann = node.online("ann")
    ann.connection.guest.since -= 1000.0
    ann.ask(MsgType.LOGINOUT_MSG)
    ann.user_id = 0
    node.sweep(1.0)
    ann.nothing_more()


def test_who_is_being_logged_in_is_not_idle(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    ann = node.user("ann")
    client = node.connect()
    with writer_held(node.database):
        client.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
        node.until(lambda: client.connection.flow.busy)
        node.sweep(1000.0)
        assert not client.connection.closed
    assert client.next()["errno"] == 0


def test_a_v2_client_that_misses_its_heartbeats(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    ann = node.online("ann")
    node.sweep(HEARTBEATS_MISSED * 30 - 1.0)
    ann.nothing_more()
    node.sweep(HEARTBEATS_MISSED * 30 + 1.0)
    assert ann.ended() == [IDLE]
    ann.close()
    node.until(lambda: not node.logins.owned())


def test_a_classic_client_may_be_silent(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    ann = node.online("ann", v2=False)
    node.sweep(100_000.0)
    ann.nothing_more()


def test_a_classic_client_may_be_left_at_the_menu(make_node: Callable[..., Node]) -> None:
    """Once it has registered or logged in, silence is the business of TCP's keepalive."""
    node = make_node(config=CONFIG)
    registered = node.connect(v2=False)
    registered.ask(MsgType.REG_MSG, name="ann", password="123")
    back = node.online("bob", v2=False)
    back.send(MsgType.LOGINOUT_MSG)
    node.until(lambda: back.connection.login is None)
    passer_by, v2 = node.connect(v2=False), node.connect()
    v2.ask(MsgType.REG_MSG, name="eve", password=PASSWORD, v=2)
    node.sweep(100_000.0)
    assert passer_by.ended() == []
    assert v2.ended() == [IDLE]
    registered.nothing_more()
    back.nothing_more()


def test_who_does_not_read_is_closed(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    client = node.connect(receive_buffer=8192, v2=False)
    client.log_in(node.user("ann"))
    connection = client.connection.tcp
    connection.send(b"x" * (8 << 20))
    assert connection.output_bytes
    node.sweep(59.0)
    node.passes.settle()
    assert connection.connected
    node.sweep(61.0)
    node.passes.settle()
    assert not connection.connected


def test_who_does_not_read_the_goodbye_is_closed_too(make_node: Callable[..., Node]) -> None:
    node = make_node(config=CONFIG)
    client = node.connect(receive_buffer=8192)
    connection = client.connection.tcp
    connection.send(b"x" * (8 << 20))
    client.connection.close("idle")
    node.sweep(61.0)
    node.passes.settle()
    assert not node.server._by_loop[node.passes.loop]


def test_the_sweep_runs_by_itself(
    make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.connection.server.SWEEP_SECONDS", 0.01)
    node = make_node(config=CONFIG)
    client = node.connect(v2=False)
    client.connection.guest.since -= 1000.0
    assert client.ended() == []


# ---------------------------------------------------------------------- the end


def test_stopping_says_goodbye_and_finishes(make_node: Callable[..., Node]) -> None:
    node = make_node()
    ann, bob, classic = node.online("ann"), node.user("bob"), node.online("eve", v2=False)
    stopped: list[bool] = []
    with writer_held(node.database):
        ann.say(bob, mid="m")
        node.until(lambda: ann.connection.flow.in_flight)
        node.server.stop(10.0, lambda: stopped.append(True))
        node.passes.settle()
        assert not stopped
    bye, ack = ann.ended()
    assert bye == {"msgid": 32, "reason": "draining", "reconnect": True}
    assert (ack["mid"], ack["errno"]) == ("m", 0)
    assert classic.ended() == []
    ann.close()
    classic.close()
    node.until(lambda: stopped)
    with pytest.raises(ConnectionRefusedError):
        node.socket()


def test_stopping_does_not_wait_for_ever(make_node: Callable[..., Node]) -> None:
    node = make_node()
    ann = node.online("ann", v2=False)
    stopped: list[bool] = []
    node.server.stop(0.01, lambda: stopped.append(True))
    node.until(lambda: stopped)
    assert not ann.connection.tcp.connected


def test_with_sub_loops(make_node: Callable[..., Node]) -> None:
    node = make_node(config=ServerConfig(threads=2))
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    assert len({client.connection.loop for client in (ann, bob, eve)}) == 2
    group = ann.make_group("tea", bob, eve)
    for sender in (ann, bob, eve):
        for receiver in (ann, bob, eve):
            if receiver is not sender:
                sender.say(receiver, "hi")
                sender.expect(MsgType.CHAT_ACK)
                assert receiver.expect(MsgType.ONE_CHAT_MSG)["msg"] == "hi"
        sender.tell(group, "all")
        sender.expect(MsgType.CHAT_ACK)
        for receiver in (ann, bob, eve):
            if receiver is not sender:
                assert receiver.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "all"
