"""The devices of a user, through a whole server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.delivery.delivery import DIRECT
from chat.mailbox_number import mailbox_of
from chat.protocol import Limits, Message, MsgType
from chat.storage.tables import ONLINE
from tests.chat.nodekit import Client, Node

ENDED = {"msgid": 32, "reason": "ended", "reconnect": False}
REPLACED = {"msgid": 32, "reason": "replaced", "reconnect": False}


def on(node: Node, user: int | str, device: str, **fields: Any) -> Client:
    """A login with a named device."""
    return node.online(user, devices=True, device=device, **fields)


def devices(client: Client) -> list[Message]:
    found: list[Message] = client.ask(MsgType.DEVICES_MSG)["devices"]
    return found


def numbers(client: Client) -> list[int]:
    return [device["deviceid"] for device in devices(client)]


def news(client: Client) -> tuple[str, int]:
    notice = client.expect(MsgType.DEVICE_NOTICE_MSG)
    return notice["event"], notice["deviceid"]


def test_two_devices_each_with_its_own_mail(node: Node) -> None:
    phone = on(node, "ann", "phone", label="my phone")
    laptop = on(node, phone.user_id, "laptop")
    assert news(phone) == ("new", 2)
    bob = node.online("bob")
    seq = bob.deliver(phone.user_id)["seq"]
    for client in (phone, laptop):
        assert client.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq
    boxes = [mailbox_of(phone.user_id, number) for number in (1, 2)]
    phone.send(MsgType.DELIVERED_MSG, seqs=[seq])
    node.until_owed(boxes[0], 0)
    assert node.owed(boxes[1]) == [seq], "an acknowledgement is for one device"
    assert node.owed(phone.user_id) == []
    again = node.connect().log_in(phone.user_id, devices=True, device="laptop")
    assert laptop.ended() == [REPLACED]
    assert [mail["seq"] for mail in again["offlinemsg"]] == [seq]
    phone.nothing_more()


def test_a_copy_for_the_senders_other_device(node: Node) -> None:
    phone, bob = on(node, "ann", "phone"), node.user("bob")
    laptop = on(node, phone.user_id, "laptop")
    news(phone)
    seq = laptop.deliver(bob)["seq"]
    copy = phone.expect(MsgType.ONE_CHAT_MSG)
    assert (copy["seq"], copy["id"], copy["toid"]) == (seq, phone.user_id, bob)
    laptop.nothing_more()


def test_the_answer_says_which_device_it_is(node: Node) -> None:
    ann = node.user("ann")
    first = node.connect().log_in(ann, devices=True, device="d", label="my phone")
    assert (first["devices"], first["deviceid"], first["label"]) == (True, 1, "my phone")
    again = node.connect().log_in(ann, devices=True, device="d")
    assert (again["deviceid"], again["label"]) == (1, "my phone"), "the old label stays"
    for fields in ({}, {"devices": False, "device": "d"}):
        answer = node.connect().log_in(node.user(f"user {len(fields)}"), **fields)
        assert "devices" not in answer


def test_the_list_of_devices(node: Node) -> None:
    phone = on(node, "ann", "phone", label="my phone")
    old = node.online(phone.user_id)
    assert news(phone) == ("new", 0)
    assert old.inbox == [], "an older client does not know the notice"
    node.clock.date += 60
    on(node, phone.user_id, "tablet").close()
    news(phone)
    node.until(lambda: not devices_online(node, phone)[2], "the end of the tablet's login")
    unnamed, first, tablet = devices(phone)
    assert (unnamed["deviceid"], unnamed["online"], unnamed["this"]) == (0, True, False)
    assert (first["label"], first["online"], first["this"]) == ("my phone", True, True)
    assert (tablet["deviceid"], tablet["online"]) == (3, False)
    assert first["first"] < tablet["first"] == tablet["last"]


def devices_online(node: Node, client: Client) -> list[bool]:
    return [device["online"] for device in devices(client)]


def test_a_user_without_named_devices(node: Node) -> None:
    ann = node.online("ann")
    assert devices(ann) == [{"deviceid": 0, "label": "", "online": True, "this": True}]


# ---------------------------------------------------------------------- the unnamed mailbox


def waiting(node: Node, user_id: int) -> int:
    """A message that waits for the user, who is offline."""
    seq: int = node.online(f"sender to {user_id}").deliver(user_id)["seq"]
    return seq


def test_the_first_device_of_a_new_user_takes_the_mail(node: Node) -> None:
    ann = node.user("ann")
    seq = waiting(node, ann)
    phone = node.connect()
    answer = phone.log_in(ann, devices=True, device="phone")
    assert [mail["seq"] for mail in answer["offlinemsg"]] == [seq]
    assert numbers(phone) == [1]
    assert node.owed(ann) == []


def test_an_upgraded_client_takes_its_mail(node: Node) -> None:
    old = node.online("ann", device="phone")
    other = node.connect()
    waits = waiting(node, old.user_id)
    assert old.expect(MsgType.ONE_CHAT_MSG)["seq"] == waits
    answer = other.log_in(old.user_id, devices=True, device="phone")
    assert old.ended() == [ENDED]
    assert [mail["seq"] for mail in answer["offlinemsg"]] == [waits]
    assert numbers(other) == [1]


def test_it_does_after_a_logout_of_the_old_client(node: Node) -> None:
    old = node.online("ann", device="phone")
    old.ask(MsgType.LOGINOUT_MSG)
    seq = waiting(node, old.user_id)
    answer = node.connect().log_in(old.user_id, devices=True, device="phone")
    assert [mail["seq"] for mail in answer["offlinemsg"]] == [seq]


def test_it_does_after_a_logout_at_a_server_of_version_4(node: Node) -> None:
    old = node.online("ann", device="phone")
    old.ask(MsgType.LOGINOUT_MSG)
    node.database.write(lambda tx: tx.execute("UPDATE user SET device = NULL"))
    seq = waiting(node, old.user_id)
    answer = node.connect().log_in(old.user_id, devices=True, device="phone")
    assert [mail["seq"] for mail in answer["offlinemsg"]] == [seq]


@pytest.mark.parametrize("device", ["laptop", None])
def test_another_device_leaves_the_mail_to_the_old_client(node: Node, device: str | None) -> None:
    fields: dict[str, Any] = {"device": device} if device else {}
    old = node.online("ann", **fields)
    phone = node.connect()
    answer = phone.log_in(old.user_id, devices=True, device="phone")
    assert answer["offlinemsg"] == []
    assert numbers(phone) == [0, 1]
    old.nothing_more()
    seq = node.online("bob").deliver(old.user_id)["seq"]
    assert old.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq
    assert phone.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq


def test_an_older_client_of_a_user_with_devices(node: Node) -> None:
    """It gets what is sent from its first login on."""
    phone = on(node, "ann", "phone")
    waiting(node, phone.user_id)
    phone.expect(MsgType.ONE_CHAT_MSG)
    old = node.connect(v2=False)
    assert old.log_in(phone.user_id).get("offlinemsg", []) == []
    assert news(phone) == ("new", 0)
    assert node.connect(v2=False).log_in(phone.user_id)["errno"] == 2, "one login of them"
    phone.nothing_more()
    node.online("bob").deliver(phone.user_id, text="hi")
    assert old.next()["msg"] == phone.next()["msg"] == "hi"


# ---------------------------------------------------------------------- too many


def test_too_many_new_devices_in_an_hour(make_node: Callable[..., Node]) -> None:
    node = make_node(devices=2, limits=Limits(new_devices=3))
    phone = on(node, "ann", "phone")
    ann, guest = phone.user_id, node.connect()
    on(node, ann, "laptop").close()
    full = guest.log_in(ann, devices=True, device="tablet")
    assert full["errno"] == 13, "it opens none, so it does not count"
    wrong = guest.log_in(ann, devices=True, device="tablet", end_device=99)
    assert wrong["errno"] == 5
    on(node, ann, "tablet", end_device=2).close()
    assert sorted(news(phone)[0] for _ in range(3)) == ["ended", "new", "new"]
    before = numbers(phone)
    watch = {"devices": True, "device": "watch", "end_device": before[1]}
    refused = guest.log_in(ann, **watch)
    assert (refused["errno"], 0 < refused["retry_after"] <= 1201) == (6, True)
    assert numbers(phone) == before, "the login has ended no device"
    on(node, ann, "tablet").close()
    assert guest.log_in(node.user("bob"), devices=True, device="d")["errno"] == 0
    node.clock.now += refused["retry_after"]
    assert node.connect().log_in(ann, **watch)["errno"] == 0


def test_the_unnamed_device_counts_as_a_new_one(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(new_devices=1))
    phone = on(node, "ann", "phone")
    guest = node.connect()
    assert guest.log_in(phone.user_id)["errno"] == 6
    node.context.login_flow.change_limits(Limits(new_devices=2))
    assert guest.log_in(phone.user_id)["errno"] == 0


def test_one_device_too_many(make_node: Callable[..., Node]) -> None:
    node = make_node(devices=2)
    phone = on(node, "ann", "phone", label="my phone")
    on(node, phone.user_id, "laptop")
    tablet = node.connect()
    answer = tablet.log_in(phone.user_id, devices=True, device="tablet")
    assert (answer["errno"], "end one" in answer["errmsg"]) == (13, True)
    assert [device["label"] for device in answer["devices"]] == ["my phone", ""]
    assert tablet.log_in(phone.user_id)["errno"] == 13, "the unnamed one would be one more"
    wrong = tablet.log_in(phone.user_id, devices=True, device="tablet", password="wrong-1")
    assert (wrong["errno"], "devices" in wrong) == (1, False)
    on(node, phone.user_id, "laptop")
    answer = tablet.log_in(phone.user_id, devices=True, device="tablet", end_device=1)
    assert (answer["errno"], answer["deviceid"] > 3) == (0, True)
    assert phone.ended()[-1] == ENDED
    assert news(tablet) == ("ended", 1)
    assert numbers(tablet) == [2, answer["deviceid"]]


def test_a_token_ends_no_device(node: Node) -> None:
    phone = on(node, "ann", "phone")
    token = phone.login.token
    answer = node.connect().log_in(
        phone.user_id, devices=True, device="x", token=token, end_device=1
    )
    assert (answer["errno"], "end_device" in answer["errmsg"]) == (4, True)


@pytest.mark.parametrize("fields", [{}, {"device": ""}])
def test_without_device_it_is_the_unnamed_one(node: Node, fields: Any) -> None:
    ann = node.connect()
    assert "deviceid" not in ann.log_in(node.user("ann"), devices=True, **fields)
    assert numbers(ann) == [0]


@pytest.mark.parametrize("label", [" x", "a\u200bb", "x" * 65, "a\nb"])
def test_labels_are_plain(node: Node, label: str) -> None:
    answer = node.connect().log_in(node.user("ann"), devices=True, device="d", label=label)
    assert answer["errno"] == 4


@pytest.mark.parametrize("options", [{"devices": 1}, {"mode": DIRECT}])
def test_where_a_user_has_one_device(make_node: Callable[..., Node], options: Any) -> None:
    node = make_node(**options)
    ann = node.user("ann")
    first = node.connect()
    assert "devices" not in first.log_in(ann, devices=True, device="phone")
    assert node.connect().log_in(ann, devices=True, device="laptop")["errno"] == 2
    node.connect().log_in(ann, devices=True, device="phone")
    assert first.ended() == [REPLACED]


# ---------------------------------------------------------------------- ending one


def test_ending_another_device(node: Node) -> None:
    phone = on(node, "ann", "phone")
    laptop = on(node, phone.user_id, "laptop")
    news(phone)
    token = laptop.login.token
    seq = waiting(node, phone.user_id)
    for client in (phone, laptop):
        assert client.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq
    assert phone.ask(MsgType.END_DEVICE_MSG, deviceid=2)["deviceid"] == 2
    assert laptop.ended() == [ENDED]
    assert news(phone) == ("ended", 2)
    assert numbers(phone) == [1]
    assert node.owed(mailbox_of(phone.user_id, 2)) == []
    back = node.connect().log_in(phone.user_id, devices=True, device="laptop", token=token)
    assert back["errno"] == 1, "its token is void"
    again = node.connect()
    assert again.log_in(phone.user_id, devices=True, device="laptop")["deviceid"] > 3
    assert node.row(phone.user_id).state == ONLINE


def test_ending_the_own_device(node: Node) -> None:
    phone = on(node, "ann", "phone")
    phone.send(MsgType.END_DEVICE_MSG, deviceid=1)
    answer, bye = phone.ended()
    assert (answer["msgid"], answer["errno"], bye) == (93, 0, ENDED)
    seq = waiting(node, phone.user_id)
    assert node.owed(phone.user_id) == [seq], "without devices it is the unnamed one's"


def test_ending_the_unnamed_device(node: Node) -> None:
    old = node.online("ann", v2=False)
    phone = on(node, old.user_id, "phone")
    assert phone.ask(MsgType.END_DEVICE_MSG, deviceid=0)["errno"] == 0
    assert old.ended() == []
    assert news(phone) == ("ended", 0)
    assert numbers(phone) == [1]
    waiting(node, old.user_id)
    assert node.owed(old.user_id) == []


@pytest.mark.parametrize("number", [0, 1, 3, 99])
def test_the_devices_of_others(node: Node, number: int) -> None:
    ann = on(node, "ann", "phone")
    eve = on(node, "eve", "phone")
    answer = eve.ask(MsgType.END_DEVICE_MSG, deviceid=number)
    assert (answer["errno"], answer["errmsg"]) == (5, "you have no such device")
    ann.nothing_more()
    assert numbers(ann) == [1]
    assert numbers(eve) == [2]


def test_a_guest_ends_none(node: Node) -> None:
    guest = node.connect()
    guest.send(MsgType.PING_MSG)
    guest.next()
    for msgid, fields in ((MsgType.END_DEVICE_MSG, {"deviceid": 0}), (MsgType.DEVICES_MSG, {})):
        guest.send(msgid, id=1, **fields)
        assert guest.next()["errno"] == 3


# ---------------------------------------------------------------------- sessions


def test_a_user_is_online_while_a_device_is(node: Node) -> None:
    phone = on(node, "ann", "phone")
    laptop = on(node, phone.user_id, "laptop")
    news(phone)
    phone.ask(MsgType.LOGINOUT_MSG)
    assert node.row(phone.user_id).state == ONLINE
    laptop.ask(MsgType.LOGINOUT_MSG)
    assert node.row(phone.user_id).state != ONLINE
    assert numbers(on(node, phone.user_id, "phone")) == [1, 2], "a logout ends no device"


def test_a_changed_password_ends_the_other_devices(node: Node) -> None:
    phone = on(node, "ann", "phone")
    laptop = on(node, phone.user_id, "laptop")
    news(phone)
    assert phone.ask(MsgType.CHANGE_PASSWORD_MSG, old="secret-1", new="another-1")["errno"] == 0
    assert laptop.ended() == [ENDED]
    phone.nothing_more()
    assert numbers(phone) == [1, 2]


def test_a_deleted_account_ends_all_devices(node: Node) -> None:
    phone = on(node, "ann", "phone")
    laptop = on(node, phone.user_id, "laptop")
    news(phone)
    phone.send(MsgType.DELETE_ACCOUNT_MSG, password="secret-1")
    assert phone.ended()[0]["errno"] == 0
    assert laptop.ended() == [{**ENDED, "reason": "deleted"}]
    rows = node.database.read(lambda tx: tx.query("SELECT COUNT(*) FROM device"))
    assert rows == [(0,)]


@pytest.mark.parametrize("msgid", [MsgType.RENAME_MSG, MsgType.END_DEVICE_MSG])
def test_a_replaced_device_changes_nothing(node: Node, msgid: MsgType) -> None:
    """It was replaced at another node, and the notice is late."""
    phone = on(node, "ann", "phone")
    node.database.write(
        lambda tx: tx.execute("UPDATE device SET generation = generation + 1, node = 'n2'")
    )
    fields: dict[int, Any] = {
        MsgType.RENAME_MSG: {"name": "eve"},
        MsgType.END_DEVICE_MSG: {"deviceid": 1},
    }
    assert phone.ask(msgid, **fields[msgid])["errno"] == 3
    assert node.row(phone.user_id).name == "ann"
