"""Friends, read marks, muting, typing and events of groups reach devices on other servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chat.mailbox_number import mailbox_of
from tests.cluster.clusterkit import ClusterKit
from tests.e2e.chatkit import Message, Wire

Member = Callable[..., Wire]
Connect = Callable[..., Wire]

FRIEND_NOTICE = 67
ONE_CHAT, READ_NOTICE, TYPING_NOTICE, MUTE_NOTICE, GROUP_EVENT = 6, 105, 107, 112, 113


def on(connect: Connect, node: int, user_id: int, device: str) -> Wire:
    wire = connect(node)
    wire.login(user_id, devices=True, device=device)
    return wire


def pair(connect: Connect, name: str) -> tuple[Wire, Wire]:
    """The two devices of a new user, one on each server."""
    user_id = connect(0).register(name)
    return on(connect, 0, user_id, "phone"), on(connect, 1, user_id, "laptop")


def new_group(creator: Wire, name: str, *members: Wire) -> int:
    creator.send(msgid=8, id=creator.id, groupname=name, groupdesc="")
    group: int = creator.find(23, errno=0)["groupid"]
    for wire in members:
        wire.send(msgid=9, id=wire.id, groupid=group)
        wire.find(24, errno=0)
    return group


def event(wire: Wire, **fields: Any) -> Message:
    """The next event with these fields, acknowledged."""
    message = wire.find(GROUP_EVENT, **fields)
    wire.acknowledge(message["seq"])
    return message


def query(cluster: ClusterKit, sql: str, *params: object) -> list[tuple[Any, ...]]:
    """Look into the servers' database."""
    with cluster.database() as database:
        return list(database.read(lambda tx: tx.query(sql, params)))


def test_a_friend_that_another_device_adds_and_removes(connect: Connect) -> None:
    phone, laptop = pair(connect, "ann adds")
    bob = connect(0).register("bob is added")
    phone.send(msgid=7, id=phone.id, friendid=bob)
    phone.find(22, errno=0)
    laptop.find(FRIEND_NOTICE, event="added", id=bob, name="bob is added", state="offline")
    laptop.send(msgid=40, id=laptop.id, friendid=bob)
    laptop.find(41, errno=0)
    phone.find(FRIEND_NOTICE, event="removed", id=bob)
    assert not laptop.taken(FRIEND_NOTICE)


def test_a_read_mark(connect: Connect) -> None:
    """The reader's other device and the other user learn it, each on another server."""
    phone, laptop = pair(connect, "ann reads")
    bob_phone, bob_laptop = pair(connect, "bob is read")
    bob_phone.chat(phone.id, "hi", mid="1")
    seq = bob_phone.find(20, errno=0)["seq"]
    for wire in (phone, laptop, bob_laptop):
        wire.acknowledge(wire.find(ONE_CHAT, msg="hi")["seq"])
    phone.send(msgid=102, id=phone.id, **{"with": bob_phone.id}, seq=seq)
    phone.find(103, errno=0)
    laptop.find(READ_NOTICE, id=phone.id, **{"with": bob_phone.id}, seq=seq)
    for wire in (bob_phone, bob_laptop):
        wire.find(READ_NOTICE, id=phone.id, **{"with": phone.id}, seq=seq)
    assert not phone.taken(READ_NOTICE), "the reading device has the answer"


def test_a_read_mark_of_a_group_is_for_the_own_devices(member: Member, connect: Connect) -> None:
    phone, laptop = pair(connect, "ann reads a group")
    bob = on(connect, 1, connect(0).register("bob in the group"), "phone")
    group = new_group(phone, "read across", bob)
    bob.group_chat(group, "hi", mid="1")
    seq = bob.find(20, errno=0)["seq"]
    phone.acknowledge(phone.find(10)["seq"])
    phone.send(msgid=102, id=phone.id, groupid=group, seq=seq)
    phone.find(103, errno=0)
    laptop.find(READ_NOTICE, id=phone.id, groupid=group, seq=seq)
    assert not bob.taken(READ_NOTICE)


def test_no_receipt_if_one_of_them_does_not_want_it(connect: Connect) -> None:
    phone, laptop = pair(connect, "ann without receipts")
    bob = on(connect, 1, connect(0).register("bob without receipt"), "phone")
    seqs = []
    for wish in (False, True):
        bob.chat(phone.id, "hi", mid=str(wish))
        seqs.append(bob.find(20, errno=0)["seq"])
        phone.send(msgid=110, id=phone.id, receipts=wish)
        phone.find(111, errno=0, receipts=wish)
        phone.send(msgid=102, id=phone.id, **{"with": bob.id}, seq=seqs[-1])
        phone.find(103, errno=0)
        laptop.find(READ_NOTICE, id=phone.id, seq=seqs[-1])
    assert bob.find(READ_NOTICE)["seq"] == seqs[1], "the first one told nothing"


def test_a_muted_conversation(connect: Connect) -> None:
    phone, laptop = pair(connect, "ann mutes")
    bob = on(connect, 1, connect(0).register("bob is muted"), "phone")
    bob.chat(phone.id, "hi", mid="1")
    bob.find(20, errno=0)
    for muted in (True, False):
        laptop.send(msgid=108, id=phone.id, **{"with": bob.id}, muted=muted)
        laptop.find(109, errno=0)
        phone.find(MUTE_NOTICE, **{"with": bob.id}, muted=muted)
    assert not bob.taken(MUTE_NOTICE)
    assert not laptop.taken(MUTE_NOTICE)


def test_typing(member: Member, connect: Connect, cluster: ClusterKit) -> None:
    """It is shown on the other server, and not stored: a later login knows nothing of it."""
    ann = on(connect, 0, connect(0).register("ann types"), "phone")
    phone, laptop = pair(connect, "bob watches")
    ann.chat(phone.id, "hi", mid="1")
    ann.find(20, errno=0)
    for wire in (phone, laptop):
        wire.acknowledge(wire.find(ONE_CHAT)["seq"])
    ann.send(msgid=106, id=ann.id, **{"with": phone.id})
    for wire in (phone, laptop):
        wire.find(TYPING_NOTICE, id=ann.id, **{"with": ann.id})
    ((newest,),) = query(cluster, "SELECT MAX(seq) FROM message")
    again = connect(1)
    answer = again.login(phone.id, devices=True, device="laptop")
    assert [m for m in answer["offlinemsg"] if m["msgid"] == TYPING_NOTICE] == []
    assert answer["newest"] == newest
    assert not again.taken(TYPING_NOTICE)


def test_typing_in_a_group(connect: Connect) -> None:
    ann = on(connect, 0, connect(0).register("ann types to all"), "phone")
    bob = on(connect, 1, connect(0).register("bob watches a group"), "phone")
    eve = on(connect, 1, connect(0).register("eve is no member"), "phone")
    group = new_group(ann, "typing across", bob)
    ann.send(msgid=106, id=ann.id, groupid=group)
    bob.find(TYPING_NOTICE, id=ann.id, groupid=group)
    assert not eve.taken(TYPING_NOTICE)


def test_events_of_a_group(connect: Connect) -> None:
    """Each device gets each event once, on whatever server; a removed user the last one."""
    ann, ann_too = pair(connect, "ann makes a group")
    bob, bob_too = pair(connect, "bob comes and goes")
    group = new_group(ann, "events across", bob)
    everyone = [ann, ann_too, bob, bob_too]
    told = [event(wire, event="joined", groupid=group, userid=bob.id) for wire in everyone]
    assert len({message["seq"] for message in told}) == 1
    ann_too.send(msgid=70, id=ann.id, groupid=group, groupname="events beyond")
    ann_too.find(71, errno=0)
    for wire in everyone:
        event(wire, event="renamed", groupname="events beyond")
    ann_too.send(msgid=44, id=ann.id, groupid=group, userid=bob.id)
    ann_too.find(45, errno=0)
    for wire in everyone:
        event(wire, event="removed", userid=bob.id, by=ann.id)
    ann.send(msgid=46, id=ann.id, groupid=group)
    ann.find(47, errno=0)
    for wire in (ann, ann_too):
        event(wire, event="dissolved", groupid=group)
    for wire in (ann, ann_too):
        assert [e["event"] for e in wire.taken(GROUP_EVENT)] == ["created"]
    for wire in (bob, bob_too):
        assert not wire.taken(GROUP_EVENT)


def test_a_device_is_ended_from_another_server(connect: Connect, cluster: ClusterKit) -> None:
    phone, laptop = pair(connect, "ann loses her phone")
    bob = on(connect, 1, connect(0).register("bob writes to ann"), "phone")
    laptop.send(msgid=90, id=laptop.id)
    number = next(d["deviceid"] for d in laptop.find(91)["devices"] if not d["this"])
    token = connect(0).login(phone.id, devices=True, device="phone")["token"]
    phone.find(32, reason="replaced")
    again = on(connect, 0, phone.id, "phone")
    laptop.send(msgid=92, id=laptop.id, deviceid=number)
    laptop.find(93, errno=0)
    again.find(32, reason="ended", reconnect=False)
    again.expect_end()
    place = mailbox_of(phone.id, number)
    assert not query(cluster, "SELECT 1 FROM device WHERE mailbox = ?", place)
    assert not query(cluster, "SELECT 1 FROM offlinemessage WHERE userid = ?", place)
    thief = connect(0)
    thief.send(msgid=1, id=phone.id, v=2, device="phone", devices=True, token=token)
    thief.find(2, errno=1)
    bob.chat(phone.id, "still here?", mid="1")
    laptop.find(ONE_CHAT, msg="still here?")
