"""Entrances, through a whole server: limits come before the queue for hashing, which is shared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chat.login.login_limits import LoginRates
from chat.protocol import MsgType
from chat.service.entrances import KNOWN_LOGINS, KNOWN_SECONDS
from chat.storage.tables import KnownDeviceModel
from tests.chat.loopkit import WAIT
from tests.chat.nodekit import PASSWORD, Client, Node

MakeNode = Callable[..., Node]


@contextmanager
def busy_hashers(node: Node) -> Iterator[None]:
    """Both threads are occupied, so further requests wait."""
    go, entered = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        entered.release()
        go.wait(WAIT)

    for _ in range(2):
        assert node.hashers.try_run(wait)
        assert entered.acquire(timeout=WAIT)
    try:
        yield
    finally:
        go.set()


def ask(client: Client, user_id: int, **fields: object) -> None:
    client.send(MsgType.LOGIN_MSG, **{"v": 2, "id": user_id, "password": PASSWORD, **fields})


def waiting(node: Node, count: int) -> None:
    node.until(lambda: node.hashers.queue_size == count, f"{count} requests in the queue")


def test_registrations_of_one_network(make_node: MakeNode) -> None:
    node = make_node(rates=LoginRates(registrations=2), loopback_exempt=False)
    client = node.connect()
    answers = [
        client.ask(MsgType.REG_MSG, v=2, name=f"user {number}", password=PASSWORD)
        for number in range(3)
    ]
    assert [answer["errno"] for answer in answers] == [0, 0, 6]
    assert answers[2]["retry_after"] == 1801
    assert "try again later" in answers[2]["errmsg"]
    node.clock.now += 1801
    assert client.ask(MsgType.REG_MSG, v=2, name="user 3", password=PASSWORD)["errno"] == 0


def test_guesses_over_many_accounts_end_and_a_known_device_gets_in(make_node: MakeNode) -> None:
    node = make_node(rates=LoginRates(of_network=5), loopback_exempt=False)
    ann = node.online("ann", device="laptop")
    user_id = ann.user_id
    ann.leave()
    node.login_limits._lately.forget(("127.0.0.1", user_id))  # only the device vouches
    bob = node.user("bob")
    client = node.connect()
    errnos = [client.log_in(1000 + number, password="wrong")["errno"] for number in range(7)]
    assert errnos == [1] * 5 + [6] * 2
    with busy_hashers(node):  # a refusal does not wait for them
        refused = node.connect().log_in(bob)
        assert (refused["errno"], refused["retry_after"]) == (6, 721)
        assert node.connect().log_in(bob, device="laptop")["errno"] == 6, "of another user"
    assert node.connect().log_in(user_id, device="phone")["errno"] == 6
    assert node.connect().log_in(user_id, device="laptop")["errno"] == 0


def test_one_network_has_a_share_of_the_queue(make_node: MakeNode) -> None:
    node = make_node(hash_queue=16, loopback_exempt=False)
    users = [node.user(name) for name in ("ann", "bob", "eve")]
    clients = [node.connect() for _ in users]
    with busy_hashers(node):
        for number, (client, user_id) in enumerate(zip(clients[:2], users, strict=False), 1):
            ask(client, user_id)
            waiting(node, number)
        refused = clients[2].log_in(users[2])
        assert (refused["errno"], refused["retry_after"]) == (8, 1)
    assert [client.next()["errno"] for client in clients[:2]] == [0, 0]
    assert clients[2].log_in(users[2])["errno"] == 0


def test_the_last_places_are_for_known_devices(make_node: MakeNode) -> None:
    node = make_node(hash_queue=8)
    user_id = node.user("ann")
    node.database.write(lambda tx: KnownDeviceModel(tx).note(user_id, "laptop", 1))
    crowd = [node.connect() for _ in range(6)]
    with busy_hashers(node):
        for number, client in enumerate(crowd, 1):
            ask(client, 1000 + number)
            waiting(node, number)
        assert node.connect().log_in(user_id)["errno"] == 8
        assert node.connect().log_in(user_id, device="phone")["errno"] == 8
        laptop = node.connect()
        ask(laptop, user_id, device="laptop")
        waiting(node, 7)
    assert laptop.next()["errno"] == 0
    assert [client.next()["errno"] for client in crowd] == [1] * 6


def test_an_account_gets_the_last_places_a_few_times_in_a_minute(make_node: MakeNode) -> None:
    node = make_node(hash_queue=32)
    user_id = node.user("eve")
    node.database.write(lambda tx: KnownDeviceModel(tx).note(user_id, "laptop", 1))
    crowd = [node.connect() for _ in range(24)]
    laptops = [node.connect() for _ in range(KNOWN_LOGINS + 1)]
    with busy_hashers(node):
        for number, client in enumerate(crowd, 1):
            ask(client, 1000 + number)
            waiting(node, number)
        for number, laptop in enumerate(laptops[:-1], 25):
            ask(laptop, user_id, device="laptop")
            waiting(node, number)
        refused = laptops[-1].log_in(user_id, device="laptop")
        assert (refused["errno"], refused["retry_after"]) == (6, KNOWN_SECONDS / KNOWN_LOGINS + 1)


def test_known_devices_of_one_network_leave_places_to_others(make_node: MakeNode) -> None:
    node = make_node(hash_queue=16, loopback_exempt=False)
    users = [node.user(f"user {number}") for number in range(5)]
    for user_id in users:
        node.database.write(
            lambda tx, user_id=user_id: KnownDeviceModel(tx).note(  # type: ignore[misc]
                user_id, "laptop", 1
            )
        )
    crowd = [node.connect() for _ in range(2)]
    laptops = [node.connect() for _ in users]
    with busy_hashers(node):
        for number, client in enumerate(crowd, 1):
            ask(client, 1000 + number)
            waiting(node, number)
        for number, (laptop, user_id) in enumerate(zip(laptops[:4], users, strict=False), 3):
            ask(laptop, user_id, device="laptop")
            waiting(node, number)
        assert laptops[4].log_in(users[4], device="laptop")["errno"] == 8


def test_a_login_by_token_needs_no_place(make_node: MakeNode) -> None:
    node = make_node(hash_queue=4, rates=LoginRates(failures=1))
    ann = node.online("ann")
    user_id, token = ann.user_id, ann.login.token
    ann.leave()
    assert node.connect().log_in(user_id, password="wrong")["errno"] == 1
    assert node.connect().log_in(user_id)["errno"] == 6
    with busy_hashers(node):
        assert node.connect().log_in(user_id, token=token)["errno"] == 0
