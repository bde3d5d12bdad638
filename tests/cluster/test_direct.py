"""``delivery = "direct"`` across servers: live to ready receivers, stored for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.clusterkit import ClusterKit, running_cluster, until
from tests.e2e.chatkit import Wire

Member = Callable[..., Wire]
Connect = Callable[..., Wire]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterKit]:
    """Two servers that deliver directly."""
    settings = '[chat]\ndelivery = "direct"\n'
    with running_cluster(tmp_path_factory.mktemp("direct") / "dir", settings) as kit:
        yield kit


def test_live_in_order(member: Member) -> None:
    ann, bob = member("ann", 0), member("bob", 1)
    for number in range(200):
        ann.chat(bob.id, str(number), mid=str(number))
    acks = [ann.find(20) for _ in range(200)]
    assert [(ack["mid"], ack["errno"]) for ack in acks] == [(str(n), 0) for n in range(200)]
    assert not any("seq" in ack for ack in acks), "handed on, not stored"
    messages = [bob.find(6) for _ in range(200)]
    assert [message["msg"] for message in messages] == [str(number) for number in range(200)]
    assert not any("seq" in message for message in messages)


def test_classic_clients(cluster: ClusterKit) -> None:
    with (
        Wire(cluster.port(0), v2=False, end=b"\0") as ann,
        Wire(cluster.port(1), v2=False, end=b"\0") as bob,
    ):
        ann.login(ann.register("ann classic"))
        bob.login(bob.register("bob classic"))
        for number in range(20):
            ann.chat(bob.id, str(number), name="ann classic", time="now", mood="good")
        for number in range(20):
            assert bob.expect(6, msg=str(number), id=ann.id)["mood"] == "good"


def test_who_is_offline_finds_it(member: Member, connect: Connect) -> None:
    ann, bob = member("ann off", 0), member("bob off", 1)
    bob.send(msgid=3, id=bob.id)
    bob.find(25, errno=0)
    ann.chat(bob.id, "for later", mid="1")
    assert ann.find(20, errno=0)["seq"] > 0, "stored"
    answer = connect(0).login(bob.id)
    assert [message["msg"] for message in answer["offlinemsg"]] == ["for later"]


def test_nothing_overtakes_what_is_stored(member: Member, connect: Connect) -> None:
    """Until the receiver has acknowledged its mail, what follows goes the same way."""
    ann, bob = member("ann order", 0), connect(1)
    bob_id = bob.register("bob order")
    ann.chat(bob_id, "0", mid="0")
    ann.find(20, errno=0)
    assert [m["msg"] for m in bob.login(bob_id)["offlinemsg"]] == ["0"]
    for number in range(1, 20):
        ann.chat(bob_id, str(number), mid=str(number))
    got = [bob.find(6) for _ in range(19)]
    assert [message["msg"] for message in got] == [str(number) for number in range(1, 20)]
    assert all("seq" in message for message in got)
    bob.acknowledge(*range(1, got[-1]["seq"] + 1))

    def live() -> bool:
        ann.chat(bob_id, "live")
        message = bob.find(6)
        bob.acknowledge(message.get("seq", 1))
        return "seq" not in message

    until(live, "a live message, once all is acknowledged")


def test_a_group(member: Member, connect: Connect) -> None:
    members = [member(f"member {number}", number % 2) for number in range(6)]
    first = members[0]
    first.send(msgid=8, id=first.id, groupname="group", groupdesc="")
    group = first.find(23, errno=0)["groupid"]
    for wire in members[1:]:
        wire.send(msgid=9, id=wire.id, groupid=group)
        wire.find(24, errno=0)
    absent = members.pop()
    absent.send(msgid=3, id=absent.id)
    absent.find(25, errno=0)
    for number in range(10):
        first.group_chat(group, str(number), mid=f"g{number}")
        first.find(20, errno=0)
    for wire in members[1:]:
        # In the sender's order; which were live depends on the times of the acknowledgements.
        for number in range(10):
            message = wire.find(10)
            assert message["msg"] == str(number)
            wire.acknowledge(message.get("seq", 1))
    answer = connect(0).login(absent.id)
    assert [m["msg"] for m in answer["offlinemsg"]] == [str(number) for number in range(10)]


@pytest.mark.parametrize("msgid", [44, 74], ids=["removed", "banned"])
def test_a_removed_member_gets_nothing_live(member: Member, msgid: int) -> None:
    """ann removes bob, who is at the other server, as is eve, who goes on writing."""
    ann, bob, eve = member(f"ann {msgid}", 0), member(f"bob {msgid}", 1), member(f"eve {msgid}", 1)
    ann.send(msgid=8, id=ann.id, groupname=f"group {msgid}", groupdesc="")
    group = ann.find(23, errno=0)["groupid"]
    for wire in (bob, eve):
        wire.send(msgid=9, id=wire.id, groupid=group)
        wire.find(24, errno=0)

    def live() -> bool:
        eve.group_chat(group, "with bob")
        message = bob.find(10)
        for wire, text in ((bob, message), (ann, ann.find(10))):
            wire.acknowledge(text.get("seq", 1))
        eve.find(20, errno=0)
        return "seq" not in message

    until(live, "a live message to the whole group")
    ann.send(msgid=msgid, id=ann.id, groupid=group, userid=bob.id)
    ann.find(msgid + 1, errno=0)
    event = "removed" if msgid == 44 else "banned"
    for wire in (bob, eve):
        assert wire.notice(event=event, groupid=group)["userid"] == bob.id
    for number in range(20):
        eve.group_chat(group, f"without bob {number}", mid=f"w{number}")
        eve.find(20, errno=0)
        assert ann.find(10)["msg"] == f"without bob {number}"
    bob.nothing()
    bob.send(msgid=48, id=bob.id, groupid=group)
    bob.find(49, errno=9)


def test_without_redis_it_is_stored(cluster: ClusterKit, member: Member) -> None:
    ann, bob = member("ann redis", 0), member("bob redis", 1)
    cluster.freeze("redis")
    try:
        for number in range(5):
            ann.chat(bob.id, str(number), mid=str(number))
        for number in range(5):
            message = bob.find(6, msg=str(number))
            bob.acknowledge(message["seq"])
        assert [ann.find(20)["errno"] for _ in range(5)] == [0] * 5
    finally:
        cluster.thaw("redis")
    until(lambda: cluster.do("status").count("bus healthy") == 2, "two healthy nodes")


def test_a_server_is_killed(cluster: ClusterKit, member: Member, connect: Connect) -> None:
    ann, bob = member("ann kill", 0), member("bob kill", 1, device="d")
    cluster.do("kill", cluster.name(1))

    def stored() -> bool:
        """Until Redis has noticed, it counts the dead server: at most once, as promised."""
        ann.chat(bob.id, "to a dead server")
        return "seq" in ann.find(20, errno=0)

    until(stored, "Redis to notice")
    answer = connect(0).login(bob.id, device="d")
    assert [message["msg"] for message in answer["offlinemsg"]] == ["to a dead server"]
    cluster.do("restart", cluster.name(1))
