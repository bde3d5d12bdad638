"""``chat.devices`` was lowered: to 1, where the named devices end, and to a number above 1."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from chat.delivery.delivery import DIRECT
from chat.login.devices import Devices
from chat.mailbox.gap import open_gaps, open_user_gaps
from chat.mailbox_number import mailbox_of
from chat.protocol import MsgType
from chat.storage.tables import BETWEEN_USERS, DeviceModel, MailboxGapModel
from tests.chat.nodekit import Client, Node

Make = Callable[..., Node]

ONE = [{"devices": 1}, {"mode": DIRECT}]


@pytest.fixture
def node(make_node: Make) -> Node:
    """A server of users with several devices. The test starts the next one after it."""
    return make_node()


def on(node: Node, user: int | str, device: str | None, **fields: Any) -> Client:
    if device is not None:
        fields |= {"devices": True, "device": device}
    return node.online(user, **fields)


def log_out(client: Client) -> None:
    """As a client that is closed: it keeps its token."""
    node, user_id = client.node, client.user_id
    login = client.login
    client.close()
    node.until(lambda: node.logins.find(login.mailbox) is None, "the end of the login")
    node.until(lambda: not online(node, user_id, login.mailbox), "the row of the login")


def online(node: Node, user_id: int, mailbox: int) -> bool:
    rows = node.database.read(lambda tx: DeviceModel(tx).of_user(user_id))
    return any(row.mailbox == mailbox and row.node is not None for row in rows)


def waiting(node: Node, user_id: int, *texts: str) -> list[int]:
    sender = node.online(f"sender {texts}")
    return [sender.deliver(user_id, text)["seq"] for text in texts]


def mail(answer: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in answer["offlinemsg"]]


def devices(node: Node, user_id: int) -> list[int]:
    rows = node.database.read(lambda tx: DeviceModel(tx).of_user(user_id))
    return [row.mailbox >> 31 for row in rows]


@pytest.mark.parametrize("options", ONE)
def test_each_device_gets_its_own_mail(node: Node, make_node: Make, options: Any) -> None:
    """The phone has read the first message; the laptop has read none."""
    phone = on(node, "ann", "phone")
    laptop = on(node, phone.user_id, "laptop")
    phone.expect(MsgType.DEVICE_NOTICE_MSG)
    log_out(laptop)
    (first,) = waiting(node, phone.user_id, "first")
    phone.expect(MsgType.ONE_CHAT_MSG)
    phone.send(MsgType.DELIVERED_MSG, seqs=[first])
    node.until_owed(mailbox_of(phone.user_id, 1), 0)
    log_out(phone)
    (second,) = waiting(node, phone.user_id, "second")
    later = make_node(**options)
    answer = later.connect().log_in(phone.user_id, devices=True, device="laptop")
    assert mail(answer) == [first, second]
    assert "devices" not in answer
    assert devices(later, phone.user_id) == []
    assert [later.owed(mailbox_of(phone.user_id, number)) for number in (1, 2)] == [[], []]


def test_further_messages_go_to_the_one_device(node: Node, make_node: Make) -> None:
    ann = on(node, "ann", "phone")
    log_out(ann)
    one = make_node(devices=1)
    client = one.online(ann.user_id, devices=True, device="phone")
    (seq,) = waiting(one, ann.user_id, "hi")
    assert client.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq
    assert one.owed(ann.user_id) == [seq]
    assert one.owed(mailbox_of(ann.user_id, 1)) == []


@pytest.mark.parametrize("options", ONE)
def test_an_unknown_client_gets_what_waits_for_the_latest(
    node: Node, make_node: Make, options: Any
) -> None:
    tablet = on(node, "ann", "tablet")
    log_out(tablet)
    node.clock.date += 60
    phone = on(node, tablet.user_id, "phone")
    (first,) = waiting(node, phone.user_id, "first")
    phone.expect(MsgType.ONE_CHAT_MSG)
    phone.send(MsgType.DELIVERED_MSG, seqs=[first])
    node.until_owed(mailbox_of(phone.user_id, 2), 0)
    log_out(phone)
    (second,) = waiting(node, phone.user_id, "second")
    answer = make_node(**options).connect().log_in(phone.user_id)
    assert mail(answer) == [second]


def test_the_unnamed_device_keeps_its_mail(node: Node, make_node: Make) -> None:
    old = on(node, "ann", None)
    phone = on(node, old.user_id, "phone")
    log_out(phone)
    seqs = waiting(node, old.user_id, "first", "second")
    old.close()
    node.until(lambda: node.row(old.user_id).node is None, "the end of the old login")
    one = make_node(devices=1)
    assert mail(one.connect().log_in(old.user_id)) == seqs
    assert one.owed(mailbox_of(old.user_id, 1)) == []


def test_both_mailboxes_are_joined(node: Node, make_node: Make) -> None:
    """No message is lost, and none comes twice."""
    old = on(node, "ann", None)
    (first,) = waiting(node, old.user_id, "first")
    old.expect(MsgType.ONE_CHAT_MSG)
    phone = on(node, old.user_id, "phone")
    (second,) = waiting(node, old.user_id, "second")
    for client in (old, phone):
        client.expect(MsgType.ONE_CHAT_MSG)
    log_out(phone)
    old.close()
    node.until(lambda: node.row(old.user_id).node is None, "the end of the old login")
    answer = make_node(devices=1).connect().log_in(old.user_id, device="phone")
    assert mail(answer) == [first, second]


def test_no_copies_and_no_events(node: Node, make_node: Make) -> None:
    """A client of the unnamed device would take a copy for a message of another user."""
    phone, bob = on(node, "ann", "phone"), node.user("bob")
    laptop = on(node, phone.user_id, "laptop")
    log_out(phone)
    laptop.deliver(bob, "a copy")
    laptop.send(MsgType.ONE_CHAT_MSG, toid=phone.user_id, msg="to myself", mid="own")
    own = laptop.expect(MsgType.ONE_CHAT_MSG)["seq"]
    laptop.expect(MsgType.CHAT_ACK)
    assert laptop.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="")["errno"] == 0
    assert len(node.owed(mailbox_of(phone.user_id, 1))) == 3
    log_out(laptop)
    answer = make_node(devices=1).connect().log_in(phone.user_id, device="phone")
    assert mail(answer) == [own]


def test_gaps_come_along(node: Node, make_node: Make) -> None:
    old = on(node, "ann", None)
    phone = on(node, old.user_id, "phone")
    group = old.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="")["groupid"]
    (first,) = waiting(node, old.user_id, "first")
    box = mailbox_of(old.user_id, 1)
    assert node.database.write(lambda tx: open_user_gaps(tx, [box])) == {box}
    node.database.write(lambda tx: open_gaps(tx, group, [box]))
    (second,) = waiting(node, old.user_id, "second")
    node.database.write(lambda tx: open_gaps(tx, group, [old.user_id]))
    log_out(phone)
    old.close()
    node.until(lambda: node.row(old.user_id).node is None, "the end of the old login")
    one = make_node(devices=1)
    client = one.connect()
    answer = client.log_in(old.user_id, device="phone")
    gaps = one.database.read(lambda tx: MailboxGapModel(tx).of_groups([group, BETWEEN_USERS]))
    seen = set(mail(answer))
    assert {first, second} <= seen
    assert all(set(of_group) <= {old.user_id} for of_group in gaps.values())


def test_tokens_stay_valid(node: Node, make_node: Make) -> None:
    phone = on(node, "ann", "phone")
    laptop = on(node, phone.user_id, "laptop")
    tokens = {"phone": phone.login.token, "laptop": laptop.login.token}
    phone.expect(MsgType.DEVICE_NOTICE_MSG)
    for client in (phone, laptop):
        log_out(client)
    one = make_node(devices=1)
    for device in ("phone", "laptop"):
        client = one.connect()
        answer = client.log_in(
            phone.user_id, devices=True, device=device, token=tokens[device], password=None
        )
        assert answer["errno"] == 0
        client.close()
        one.until(lambda: one.row(phone.user_id).node is None, "the end of the login")


def test_a_device_that_is_online_elsewhere(make_node: Make) -> None:
    """A login ends another one only as it may where users have one device."""
    node = make_node()
    phone = on(node, "ann", "phone")
    flow = node.context.login_flow
    flow._devices = flow._taker._devices = None  # as with chat.devices = 1
    assert node.connect().log_in(phone.user_id, device="laptop")["errno"] == 2
    phone.nothing_more()
    assert devices(node, phone.user_id) == [1], "the refused login has changed nothing"
    answer = node.connect().log_in(phone.user_id, device="laptop", replace=True)
    assert answer["errno"] == 0
    node.reconciliation.check([phone.user_id])
    assert phone.ended()[-1]["reason"] == "ended"


def test_another_user_is_untouched(node: Node, make_node: Make) -> None:
    ann, bob = on(node, "ann", "phone"), on(node, "bob", "phone")
    seqs = waiting(node, bob.user_id, "hi")
    log_out(ann)
    make_node(devices=1).connect().log_in(ann.user_id, device="phone")
    assert devices(node, bob.user_id) == [2]
    assert node.owed(mailbox_of(bob.user_id, 2)) == seqs


# ---------------------------------------------------------------------- to a number above 1


def test_fewer_but_several(node: Node, make_node: Make) -> None:
    """A user with five devices keeps them, and opens no sixth until two are left."""
    ann = on(node, "ann", "d1")
    for number in range(2, 6):
        on(node, ann.user_id, f"d{number}").close()
    few = make_node(devices=3)
    last = few.online(ann.user_id, devices=True, device="d5")
    assert few.connect().log_in(ann.user_id, devices=True, device="d6")["errno"] == 13
    assert few.connect().log_in(ann.user_id)["errno"] == 13
    for number in (1, 2, 3):
        assert few.connect().log_in(ann.user_id, devices=True, device="d6")["errno"] == 13
        assert last.ask(MsgType.END_DEVICE_MSG, deviceid=number)["errno"] == 0
        last.expect(MsgType.DEVICE_NOTICE_MSG)
    assert few.connect().log_in(ann.user_id, devices=True, device="d6")["errno"] == 0
    assert few.connect().log_in(ann.user_id, devices=True, device="d7")["errno"] == 13


def test_a_change_while_the_server_runs(node: Node) -> None:
    ann = on(node, "ann", "d1")
    assert node.devices is not None
    node.devices.change(2)
    on(node, ann.user_id, "d2")
    assert node.connect().log_in(ann.user_id, devices=True, device="d3")["errno"] == 13
    node.devices.change(3)
    assert node.connect().log_in(ann.user_id, devices=True, device="d3")["errno"] == 0


@pytest.mark.parametrize(
    ("most", "line"),
    [
        (3, None),
        (2, "chat.devices is 2: 1 users have more devices"),
        (1, "chat.devices is 1: the named devices of 2 users end at their next logins"),
    ],
)
def test_the_log_says_so(
    node: Node, caplog: pytest.LogCaptureFixture, most: int, line: str | None
) -> None:
    ann = on(node, "ann", "d1")
    for device in ("d2", "d3"):
        on(node, ann.user_id, device)
    on(node, "bob", "d1")
    node.online("old client")
    rule: Devices | None = node.devices
    assert rule is not None
    rule.change(most)
    with caplog.at_level(logging.INFO):
        rule.report(node.database)
    said = [record.getMessage() for record in caplog.records if "chat.devices" in record.msg]
    assert len(said) == (line is not None)
    assert line is None or line in said[0]
