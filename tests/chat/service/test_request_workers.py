"""RequestWorkers: hashing keeps nothing else waiting, and nothing is done for peers that left."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chat.protocol import MsgType, encode
from chat.service.request_workers import (
    MAX_HASHERS,
    PATIENCE_SECONDS,
    RequestWorkers,
    hash_threads,
    new_hashers,
)
from muduopy import ThreadPool
from tests.chat.loopkit import WAIT
from tests.chat.nodekit import PASSWORD, Client, Node, TestClock


@contextmanager
def held(pool: ThreadPool, threads: int = 2) -> Iterator[None]:
    """The pool's threads are busy inside the block."""
    released, inside = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        inside.release()
        assert released.wait(WAIT)

    for _ in range(threads):
        assert pool.run(hold)
    for _ in range(threads):
        assert inside.acquire(timeout=WAIT)
    try:
        yield
    finally:
        released.set()


def register(client: Client, name: str) -> None:
    client.send(MsgType.REG_MSG, v=2, name=name, password=PASSWORD)


def users(node: Node) -> int:
    rows = node.database.read(lambda tx: tx.query("SELECT COUNT(*) FROM user"))
    return int(rows[0][0])


def reset(client: Client) -> None:
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


# ---------------------------------------------------------------------- two pools


def test_what_does_not_hash_does_not_wait_for_hashing(node: Node) -> None:
    ann = node.connect()
    first = ann.log_in(node.user("ann"))
    ann.leave()
    bob, stranger = node.online("bob"), node.connect()
    with held(node.hashers):
        register(stranger, "new")
        node.until(lambda: stranger.connection.flow.busy)
        again = node.connect()
        assert again.log_in(first["id"], token=first["token"])["errno"] == 0
        assert bob.ask(MsgType.HISTORY_MSG, **{"with": first["id"]})["errno"] == 0
        assert bob.ask(MsgType.ADD_FRIEND_MSG, friendid=first["id"])["errno"] == 0
    assert stranger.next()["errno"] == 0


def test_hashing_does_not_wait_for_the_rest(node: Node) -> None:
    ann, client = node.user("ann"), node.connect()
    with held(node.workers):
        assert client.log_in(ann)["errno"] == 0


@pytest.mark.parametrize("v2", [True, False])
def test_a_token_is_no_excuse_in_classic(node: Node, v2: bool) -> None:
    """Which has no tokens: that login hashes its password."""
    ann, client = node.user("ann"), node.connect(v2=v2)
    version = {"v": 2} if v2 else {}
    with held(node.workers if v2 else node.hashers):
        client.send(MsgType.LOGIN_MSG, id=ann, token="x", password=PASSWORD, **version)
        node.until(lambda: client.connection.flow.busy)
        node.passes.settle()
        assert client.connection.flow.busy
    assert client.next()["errno"] == (1 if v2 else 0)


# ---------------------------------------------------------------------- a short queue


def test_more_than_the_queue_holds_is_refused_at_once(make_node: Callable[..., Node]) -> None:
    node = make_node(hash_queue=4)
    ann = node.user("ann")
    clients = [node.connect() for _ in range(10)]
    with held(node.hashers):
        for number, client in enumerate(clients):
            register(client, f"u{number}")
            node.until(lambda client=client: client.connection.flow.busy)  # type: ignore[misc]
        refused = clients[2:]
        for client in refused:
            answer = client.next()
            assert (answer["msgid"], answer["errno"], answer["retry_after"]) == (5, 8, 1)
        login = node.connect()
        login.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
        node.until(lambda: login.connection.flow.busy)
        node.passes.settle()
        assert login.connection.flow.busy, "registrations leave it a place"
    assert login.next()["errno"] == 0
    assert [client.next()["errno"] for client in clients[:2]] == [0, 0]
    assert users(node) == 3, "none is made for one that was refused"


def test_users_that_hash_leave_places_to_logins(make_node: Callable[..., Node]) -> None:
    node = make_node(hash_queue=4)
    ann, users = node.user("ann"), [node.online(f"user {number}") for number in range(3)]
    with held(node.hashers):
        for number, user in enumerate(users[:2], 1):
            user.send(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new=PASSWORD)
            node.until(lambda number=number: node.hashers.queue_size == number)  # type: ignore[misc]
        refused = users[2].ask(
            MsgType.CREATE_GROUP_MSG,
            groupname="tea",
            groupdesc="",
            join="password",
            password=PASSWORD,
        )
        assert (refused["errno"], refused["retry_after"]) == (8, 1)
        login = node.connect()
        login.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
        node.until(lambda: node.hashers.queue_size == 3)
    assert login.next()["errno"] == 0


def test_users_of_one_network_that_hash_have_a_share(make_node: Callable[..., Node]) -> None:
    node = make_node(hash_queue=16, loopback_exempt=False)
    users = [node.online(f"user {number}") for number in range(3)]
    with held(node.hashers):
        for number, user in enumerate(users[:2], 1):
            user.send(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new=PASSWORD)
            node.until(lambda number=number: node.hashers.queue_size == number)  # type: ignore[misc]
        assert users[2].ask(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new=PASSWORD)["errno"] == 8
    assert [user.next()["errno"] for user in users[:2]] == [0, 0]
    answer = users[2].ask(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new=PASSWORD)
    assert answer["errno"] == 0, "the places are free again"


# ---------------------------------------------------------------------- peers that left


@pytest.mark.parametrize("behind", [b"", b"11\n" * 10_000])
@pytest.mark.parametrize("leave", [Client.close, reset])
def test_no_account_for_one_that_hangs_up_at_once(
    node: Node, leave: Callable[[Client], None], behind: bytes
) -> None:
    client = node.connect()
    frame = encode({"msgid": 4, "v": 2, "name": "ann", "password": PASSWORD}) + b"\n"
    client.write(frame + behind)
    leave(client)
    node.until(lambda: not client.connection.tcp.connected, "the end")
    assert users(node) == 0


@pytest.mark.parametrize("leave", [Client.close, reset])
def test_no_account_for_one_that_hangs_up_in_the_queue(
    node: Node, leave: Callable[[Client], None]
) -> None:
    client = node.connect()
    with held(node.hashers):
        register(client, "ann")
        node.until(lambda: node.hashers.queue_size == 1)
        leave(client)
        node.until(lambda: client.connection.finishing or client.connection.closed)
    node.until(lambda: not client.connection.tcp.connected, "the end")
    assert users(node) == 0


def test_a_request_of_a_user_that_has_gone_is_not_begun(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with held(node.workers):
        ann.send(MsgType.ADD_FRIEND_MSG, friendid=bob)
        node.until(lambda: node.workers.queue_size == 1)
        reset(ann)
        node.until(lambda: ann.connection.closed)
    node.until(lambda: not ann.connection.flow.busy)
    rows = node.database.read(lambda tx: tx.query("SELECT COUNT(*) FROM friend"))
    assert int(rows[0][0]) == 0


@pytest.mark.parametrize(
    ("msgid", "fields"),
    [
        (MsgType.HISTORY_MSG, {"with": 1}),
        (MsgType.ADD_FRIEND_MSG, {"friendid": 1}),
        (MsgType.LOGINOUT_MSG, {}),
    ],
)
def test_a_request_that_has_waited_for_too_long(
    node: Node, msgid: int, fields: dict[str, int]
) -> None:
    ann = node.online("ann")
    node.clock.now = node.passes.loop.poll_return_time + 1000.0 * PATIENCE_SECONDS
    answer = ann.ask(msgid, **fields)
    assert (answer["errno"], answer["retry_after"]) == (8, 1)
    node.clock.now = node.passes.loop.poll_return_time
    assert ann.ask(msgid, **fields)["errno"] != 8


# ---------------------------------------------------------------------- the number of threads


def test_one_thread_for_each_core() -> None:
    assert hash_threads(0) == min(len(os.sched_getaffinity(0)), MAX_HASHERS)
    assert hash_threads(3) == 3
    pool = new_hashers(2)
    assert pool.max_queue == 64
    pool.stop()


def test_on_a_slow_machine_fewer_requests_wait() -> None:
    """By the time that the last ones took: so that a known device is not behind a long queue."""
    clock = TestClock()
    workers = RequestWorkers(ThreadPool(1), ThreadPool(1, max_queue=64), clock)

    def slow() -> None:
        clock.now += 0.5

    assert workers._places(0.75) == 48
    for _ in range(100):
        workers._timed(slow)
    assert round(workers._places(0.75)) == 4
    assert workers._places(1) == 64
