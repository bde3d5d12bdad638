"""IdleDevices: devices that are not used end, with their mail and their tokens."""

from __future__ import annotations

from chat.login.idle_devices import DAY, IdleDevices
from chat.mailbox_number import mailbox_of
from chat.protocol import MsgType
from chat.storage.tables import DeviceModel
from tests.chat.nodekit import Client, Node

DAYS = 60


def on(node: Node, user: int | str, device: str) -> Client:
    return node.online(user, devices=True, device=device)


def end_idle(node: Node) -> None:
    IdleDevices(node.database, node.clock, node.device_notices, DAYS).end_idle()


def numbers(node: Node, user_id: int) -> list[int]:
    rows = node.database.read(lambda tx: DeviceModel(tx).of_user(user_id))
    return [row.mailbox >> 31 for row in rows]


def log_out(client: Client) -> None:
    client.send(MsgType.LOGINOUT_MSG)
    client.until(lambda: any(m["msgid"] == MsgType.LOGINOUT_ACK for m in client.inbox))


def test_an_unused_device_ends(node: Node) -> None:
    tablet = on(node, "ann", "tablet")
    token = tablet.login.token
    log_out(tablet)
    phone = on(node, tablet.user_id, "phone")
    seq = node.online("bob").deliver(phone.user_id)["seq"]
    assert phone.next()["seq"] == seq
    node.clock.date += DAYS * DAY - 1
    end_idle(node)
    assert numbers(node, phone.user_id) == [1, 2]
    node.clock.date += 1
    end_idle(node)
    assert numbers(node, phone.user_id) == [2]
    assert node.owed(mailbox_of(phone.user_id, 1)) == []
    assert node.owed(mailbox_of(phone.user_id, 2)) == [seq]
    notice = phone.expect(MsgType.DEVICE_NOTICE_MSG)
    assert (notice["event"], notice["deviceid"]) == ("ended", 1)
    answer = node.connect().log_in(phone.user_id, devices=True, device="tablet", token=token)
    assert answer["errno"] == 1


def test_the_last_device_stays(node: Node) -> None:
    ann = on(node, "ann", "tablet")
    log_out(ann)
    node.clock.date += DAY
    phone = on(node, ann.user_id, "phone")
    log_out(phone)
    node.clock.date += 10 * DAYS * DAY
    end_idle(node)
    end_idle(node)
    assert numbers(node, ann.user_id) == [2]


def test_a_device_that_is_online_is_in_use(node: Node) -> None:
    tablet = on(node, "ann", "tablet")
    on(node, tablet.user_id, "phone")
    tablet.next()
    node.clock.date += 2 * DAYS * DAY
    end_idle(node)
    log_out(tablet)
    end_idle(node)
    assert numbers(node, tablet.user_id) == [1, 2], "it was online until now"


def test_the_unnamed_device_ends_like_the_others(node: Node) -> None:
    old = node.online("ann", v2=False)
    phone = on(node, old.user_id, "phone")
    node.clock.date += 2 * DAYS * DAY
    end_idle(node)
    assert numbers(node, phone.user_id) == [0, 2] or numbers(node, phone.user_id) == [0, 1]
    old.close()
    node.until(lambda: node.row(phone.user_id).node is None, "the end of the old login")
    node.clock.date += 2 * DAYS * DAY
    end_idle(node)
    assert len(numbers(node, phone.user_id)) == 1
    node.online("bob").deliver(phone.user_id)
    assert node.owed(phone.user_id) == []
