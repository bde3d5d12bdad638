"""The named devices of a user have the same list of friends, through a whole server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.notice import DECLINED, LISTED, Notice
from chat.protocol import Message, MsgType
from tests.chat.handlers.test_friend_requests import RecordingBus, add, answer, remove
from tests.chat.nodekit import Client, Node


def two_devices(node: Node, name: str) -> tuple[Client, Client]:
    phone = node.online(name, devices=True, device="phone")
    laptop = node.online(phone.user_id, devices=True, device="laptop")
    assert phone.next()["msgid"] == MsgType.DEVICE_NOTICE_MSG
    return phone, laptop


def news(client: Client) -> Message:
    return client.expect(MsgType.FRIEND_NOTICE_MSG)


def test_a_friend_that_another_device_adds_and_removes(node: Node) -> None:
    phone, laptop = two_devices(node, "ann")
    bob = node.online("bob")
    assert add(laptop, bob.user_id)["errno"] == 0
    notice: dict[str, Any] = {"msgid": 67, "id": bob.user_id, "name": "bob"}
    assert news(phone) == {**notice, "event": "added", "state": "online"}
    assert add(laptop, bob.user_id)["errno"] == 10
    assert remove(phone, bob.user_id) == 0
    assert news(laptop) == {**notice, "event": "removed"}
    assert remove(phone, bob.user_id) == 5
    for client in (phone, laptop, bob):
        client.nothing_more()


@pytest.mark.parametrize("accept", [True, False])
def test_a_request_that_another_device_answers(
    make_node: Callable[..., Node], accept: bool
) -> None:
    node = make_node(approve=True)
    phone, laptop = two_devices(node, "ann")
    bob = node.online("bob")
    add(bob, phone.user_id)
    for client in (phone, laptop):
        assert news(client)["event"] == "asked"
    assert answer(laptop, bob.user_id, accept=accept)["errno"] == 0
    assert news(phone)["event"] == ("added" if accept else "declined")
    if accept:
        assert news(bob)["event"] == "accepted"
    for client in (phone, laptop, bob):
        client.nothing_more()


def test_a_request_that_is_taken_back_is_in_no_list(make_node: Callable[..., Node]) -> None:
    node = make_node(approve=True)
    phone, laptop = two_devices(node, "ann")
    bob = node.user("bob")
    add(laptop, bob)
    assert remove(laptop, bob) == 0
    phone.nothing_more()


def test_clients_of_the_unnamed_device_are_not_told(node: Node) -> None:
    """They are older clients, which do not know the events."""
    classic, bob = node.online("ann"), node.user("bob")
    phone = node.online(classic.user_id, devices=True, device="phone")
    add(phone, bob)
    classic.nothing_more()
    assert remove(classic, bob) == 0
    assert news(phone)["event"] == "removed"


def test_the_order_of_notices_is_that_of_the_changes(node: Node) -> None:
    phone, laptop = two_devices(node, "ann")
    bob = node.user("bob")
    for _ in range(20):
        add(laptop, bob)
        remove(laptop, bob)
    events = [news(phone)["event"] for _ in range(40)]
    assert events[-1] == "removed"


def test_devices_at_another_server(make_node: Callable[..., Node]) -> None:
    bus = RecordingBus()
    node = make_node(bus=bus)
    phone, bob = node.online("ann", devices=True, device="phone"), node.user("bob")
    add(phone, bob)
    assert Notice(phone.user_id, LISTED, (bob, 1)) in bus.told


def test_a_notice_of_another_server(node: Node) -> None:
    """It shows the list as it is, whatever the notice says."""
    phone, laptop = two_devices(node, "ann")
    bob = node.user("bob")
    hear = node.context.friend_notices.heard_change
    hear(Notice(phone.user_id, LISTED, (bob, 2)))
    assert news(phone)["event"] == "removed"
    laptop.nothing_more()
    hear(Notice(phone.user_id, DECLINED, (bob,)))
    for client in (phone, laptop):
        assert news(client)["event"] == "declined"
    hear(Notice(bob, LISTED, (phone.user_id,)))
    phone.nothing_more()


def test_a_bus_that_is_down(make_node: Callable[..., Node]) -> None:
    class DownBus(RecordingBus):
        healthy = False

    node = make_node(bus=DownBus())
    phone, laptop = two_devices(node, "ann")
    add(laptop, node.user("bob"))
    assert news(phone)["event"] == "added"
