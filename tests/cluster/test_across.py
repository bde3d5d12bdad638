"""People on different servers chat as if there were one; servers and services fail."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from chat.storage import Transaction
from chat.storage.tables import NodeModel, OfflineMessageModel, UserModel
from chat.storage.tables.node import LEASE_SECONDS
from tests.chat.sessionkit import go_online
from tests.cluster.clusterkit import ClusterKit, alive, try_login, until
from tests.e2e.chatkit import PROJECT, Wire, collect_mail, free_port

Member = Callable[..., Wire]
Connect = Callable[..., Wire]


@pytest.fixture
def mended(cluster: ClusterKit) -> Iterator[ClusterKit]:
    """For tests that break something: whatever happened, all runs again afterwards."""
    yield cluster
    state = cluster.state["processes"]
    for name in ("mariadb", "redis", "nginx", cluster.name(0), cluster.name(1)):
        if name in state and _runs(cluster, name):
            cluster.thaw(name)
        else:
            cluster.do("restart", name)
    until(lambda: cluster.do("status").count("bus healthy") == 2, "two healthy nodes")


def _runs(cluster: ClusterKit, name: str) -> bool:
    return alive(cluster.pid(name))


def received(client: Wire, count: int, kind: int = 6) -> list[str]:
    """The texts of the next messages, each acknowledged; presence notices are passed over."""
    texts: list[str] = []
    while len(texts) < count:
        message = client.find(kind)
        client.acknowledge(message["seq"])
        texts.append(message["msg"])
    return texts


# ---------------------------------------------------------------------- all is well


def test_one_to_one_both_ways(member: Member) -> None:
    ann, bob = member("ann one", 0), member("bob one", 1)
    for number in range(50):
        ann.chat(bob.id, f"a{number}", mid=f"{number}")
        bob.chat(ann.id, f"b{number}", mid=f"{number}")
    assert received(bob, 50) == [f"a{number}" for number in range(50)]
    assert received(ann, 50) == [f"b{number}" for number in range(50)]


def test_a_group_across_servers(member: Member) -> None:
    members = [member(f"member {number}", number % 2) for number in range(6)]
    first = members[0]
    first.send(msgid=8, id=first.id, groupname="across", groupdesc="")
    group = first.expect(23, errno=0)["groupid"]
    for wire in members[1:]:
        wire.send(msgid=9, id=wire.id, groupid=group)
        wire.find(24, errno=0)
    outsider = member("outsider", 1)
    for number, wire in enumerate(members):
        wire.group_chat(group, f"from {number}", mid="1")
        wire.find(20, errno=0)
    for number, wire in enumerate(members):
        expected = {f"from {other}" for other in range(6) if other != number}
        assert set(received(wire, 5, kind=10)) == expected
        wire.nothing()
    outsider.nothing()


def test_notices_across_servers(member: Member) -> None:
    ann, bob, eve = member("ann note", 0), member("bob note", 1), member("eve note", 1)
    ann.send(msgid=8, id=ann.id, groupname="notes", groupdesc="", join="invite")
    group = ann.expect(23, errno=0)["groupid"]
    for wire in (bob, eve):
        ann.send(msgid=78, id=ann.id, groupid=group, userid=wire.id)
        ann.expect(79, errno=0)
        wire.notice(event="invited", groupid=group, byname="ann note")
        wire.send(msgid=9, id=wire.id, groupid=group)
        wire.find(24, errno=0)
        ann.notice(event="joined", userid=wire.id)
    ann.send(msgid=72, id=ann.id, groupid=group, userid=bob.id, role="admin")
    ann.expect(73, errno=0)
    eve.notice(event="role", userid=bob.id, role="admin")
    bob.notice(event="role", userid=bob.id, role="admin")
    bob.send(msgid=70, id=bob.id, groupid=group, groupname="new notes")
    bob.find(71, errno=0)
    for wire in (ann, eve):
        wire.notice(event="renamed", groupname="new notes")
    bob.send(msgid=44, id=bob.id, groupid=group, userid=eve.id)
    bob.find(45, errno=0)
    for wire in (ann, eve):
        wire.notice(event="removed", userid=eve.id, by=bob.id)
    ann.send(msgid=46, id=ann.id, groupid=group)
    ann.expect(47, errno=0)
    bob.notice(event="dissolved", by=ann.id)
    bob.nothing()
    eve.nothing()
    assert not [notice for notice in eve.notices if notice["event"] == "dissolved"]


def test_offline_mail_is_found_at_any_server(member: Member, connect: Connect) -> None:
    ann, bob = member("ann off", 0), member("bob off", 0)
    bob.send(msgid=3, id=bob.id)
    bob.expect(25, errno=0)
    for number in range(300):
        ann.chat(bob.id, str(number), mid=str(number))
    for _ in range(300):
        ann.expect(20, errno=0)
    again = connect(1)
    mail = collect_mail(again, again.login(bob.id), 300)
    assert [m["msg"] for m in mail] == [str(number) for number in range(300)]


def test_a_classic_client_at_another_server(connect: Connect, cluster: ClusterKit) -> None:
    ann = connect(0)
    bob = Wire(cluster.port(1), v2=False, end=b"\0")
    with bob:
        ann.login(ann.register("ann classic"))
        bob.login(bob.register("bob classic"))
        ann.chat(bob.id, "hello", mid="1")
        assert bob.expect(6, msg="hello", id=ann.id, name="ann classic").get("seq") is None
        bob.chat(ann.id, "hi", name="another", time="now")
        assert ann.find(6)["msg"] == "hi"
        with cluster.database() as database:  # counted as delivered when the kernel had it
            until(
                lambda: not database.read(lambda tx: OfflineMessageModel(tx).sizes(bob.id, 1)),
                "delivery",
            )


def test_friends_hear_of_each_other(member: Member, connect: Connect) -> None:
    ann, bob = member("ann friend", 0), connect(1)
    bob_id = bob.register("bob friend")
    ann.send(msgid=7, id=ann.id, friendid=bob_id)
    ann.expect(22, errno=0)
    bob.login(bob_id)
    ann.expect(28, id=bob_id, state="online")
    bob.close()
    ann.expect(28, id=bob_id, state="offline")


# ---------------------------------------------------------------------- double login


def test_a_second_login_elsewhere_is_refused(member: Member, connect: Connect) -> None:
    ann = member("ann twice", 0)
    other = connect(1)
    answer = try_login(other, ann.id)
    assert (answer["errno"], answer["errmsg"]) == (2, "this account is using, input another!")
    ann.nothing()


def test_the_same_device_takes_over_elsewhere(member: Member, connect: Connect) -> None:
    ann, bob = member("ann device", 0, device="laptop"), member("bob device", 0)
    other = connect(1)
    other.login(ann.id, device="laptop")
    assert ann.expect(32)["reason"] == "replaced"
    ann.expect_end()
    bob.chat(ann.id, "where are you", mid="1")
    other.expect(6, msg="where are you")


def test_what_a_replaced_session_still_sends_is_refused(
    member: Member, connect: Connect, cluster: ClusterKit
) -> None:
    """The notice is lost: the database knows all the same."""
    ann, bob = member("ann replaced", 0), member("bob replaced", 1)
    with cluster.database() as database:
        row = database.read(lambda tx: UserModel(tx).find(ann.id))
        assert row is not None
        assert go_online(database, row, cluster.name(1), "x")
    ann.chat(bob.id, "too late", mid="1")
    ack = ann.find(20)
    assert ack["errno"] == 3, ack
    bob.nothing()
    # Node 1 has no such login, so it may have set the row to offline again.
    assert ann.find(32)["reason"] in ("replaced", "ended")


# ---------------------------------------------------------------------- servers fail


def test_a_server_is_killed(mended: ClusterKit, member: Member, connect: Connect) -> None:
    friend = member("friend of the killed", 1)
    ann, bob = member("ann killed", 0, device="laptop"), member("bob killed", 0)
    for other in (ann, bob):
        friend.send(msgid=7, id=friend.id, friendid=other.id)
        friend.find(22, errno=0)
    friend.chat(ann.id, "not acknowledged", mid="1")
    ann.find(6)
    mended.do("kill", mended.name(0))
    killed = time.monotonic()
    again = connect(1)
    answer = again.login(ann.id, device="laptop")
    assert [m["msg"] for m in answer["offlinemsg"]] == ["not acknowledged"]
    assert time.monotonic() - killed < LEASE_SECONDS, "the same device: at once"
    elsewhere = connect(1)
    until(lambda: try_login(elsewhere, bob.id)["errno"] == 0, "the lease's end")
    elsewhere.close()


def test_friends_see_the_killed_servers_users_offline(mended: ClusterKit, member: Member) -> None:
    friend, ann = member("friend of ann", 1), member("ann gone", 0)
    friend.send(msgid=7, id=friend.id, friendid=ann.id)
    friend.find(22, errno=0)
    mended.do("kill", mended.name(0))
    friend.find(28, id=ann.id, state="offline")


def test_a_restarted_server_has_no_users(
    mended: ClusterKit, member: Member, connect: Connect
) -> None:
    ann = member("ann restarted", 0)
    mended.do("kill", mended.name(0))
    mended.do("restart", mended.name(0))
    assert try_login(connect(1), ann.id)["errno"] == 0, "without a device, at once"


def test_a_frozen_server_finds_out_what_it_lost(
    mended: ClusterKit, member: Member, connect: Connect
) -> None:
    friend = member("friend of the frozen", 1)
    ann, bob = member("ann frozen", 0, device="laptop"), member("bob frozen", 0)
    for other in (ann, bob):
        friend.send(msgid=7, id=friend.id, friendid=other.id)
        friend.find(22, errno=0)
    mended.freeze(mended.name(0))
    ann.chat(friend.id, "sent to a frozen server", mid="1")
    again = connect(1)
    again.login(ann.id, device="laptop")
    friend.find(28, id=bob.id, state="offline")  # ten seconds and a little later
    mended.thaw(mended.name(0))
    assert ann.find(32)["reason"] == "replaced"
    ack = ann.find_any(20)  # unless the goodbye came first: then there is none
    assert ack is None or ack["errno"] == 3, ack
    if ack is not None:
        ann.expect_end()
    friend.find(28, id=bob.id, state="online")
    bob.chat(friend.id, "still here", mid="1")
    assert bob.find(20)["errno"] == 0
    assert friend.find(6)["msg"] == "still here", "and not what the replaced session sent"
    friend.chat(bob.id, "good", mid="1")
    assert bob.find(6)["msg"] == "good"


def test_two_servers_of_one_name(mended: ClusterKit, member: Member) -> None:
    """Only one of them has its lease: it is the later one, and the former one ends."""
    ann = member("ann of two names", 0)

    def claim(tx: Transaction) -> None:
        name = mended.name(0)
        ((place,),) = tx.query("SELECT place FROM node WHERE name = ?", (name,))
        NodeModel(tx).claim(name, "f" * 32, place, 1)

    with mended.database() as database:
        database.write(claim)
    assert ann.find(32)["reason"] == "draining"
    until(lambda: not _runs(mended, mended.name(0)), "the end of the first one")
    assert "another server has started under this one's name" in mended.log(0)


# ---------------------------------------------------------------------- rolling restart


def test_a_rolling_restart(mended: ClusterKit, connect: Connect, member: Member) -> None:
    """Through nginx; clients are told, come back, and every message arrives."""
    clients = {"a": member("ann rolling", device="a"), "b": member("bob rolling", device="b")}
    for name in (mended.name(0), mended.name(1)):
        mended.do("restart", name)
        for device, wire in clients.items():
            wire.send(msgid=26)
            message = wire.find_any(27, 32)
            assert message is not None
            if message["msgid"] == 32:
                assert (message["reason"], message["reconnect"]) == ("draining", True)
                clients[device] = connect()
                clients[device].login(wire.id, device=device)
        ann, bob = clients["a"], clients["b"]
        ann.chat(bob.id, f"after {name}", mid=name)
        assert ann.find(20)["errno"] == 0
        assert received(bob, 1) == [f"after {name}"]


# ---------------------------------------------------------------------- services fail


def test_redis_is_killed(mended: ClusterKit, member: Member) -> None:
    ann, bob = member("ann redis", 0), member("bob redis", 1)
    mended.do("kill", "redis")
    ann.chat(bob.id, "without Redis", mid="1")
    assert ann.find(20)["errno"] == 0
    assert received(bob, 1) == ["without Redis"], "by polling"
    mended.do("restart", "redis")
    until(lambda: mended.do("status").count("bus healthy") == 2, "a healthy bus")
    ann.chat(bob.id, "with Redis", mid="2")
    assert received(bob, 1) == ["with Redis"]


def test_redis_is_frozen(mended: ClusterKit, member: Member) -> None:
    ann, bob = member("ann frozen redis", 0), member("bob frozen redis", 1)
    mended.freeze("redis")
    for number in range(5):
        ann.chat(bob.id, str(number), mid=str(number))
        assert ann.find(20)["errno"] == 0
    assert received(bob, 5) == [str(number) for number in range(5)]
    mended.thaw("redis")
    ann.chat(bob.id, "5", mid="5")
    assert received(bob, 1) == ["5"]


def test_the_database_is_killed(mended: ClusterKit, member: Member, connect: Connect) -> None:
    ann, bob = member("ann db", 0), member("bob db", 1)
    ann.chat(bob.id, "before", mid="1")
    assert ann.find(20)["errno"] == 0
    assert received(bob, 1) == ["before"]
    mended.do("kill", "mariadb")
    ann.chat(bob.id, "meanwhile", mid="2")
    ack = ann.find(20)
    assert (ack["errno"], ack["retry_after"]) == (8, 1)
    assert try_login(connect(0), bob.id)["errno"] == 8
    mended.do("restart", "mariadb")

    def resent() -> bool:
        ann.chat(bob.id, "meanwhile", mid="2")
        return bool(ann.find(20)["errno"] == 0)

    until(resent, "the database")
    assert received(bob, 1) == ["meanwhile"]
    ann.chat(bob.id, "after", mid="3")
    assert received(bob, 1) == ["after"]


def test_the_database_becomes_read_only(mended: ClusterKit, member: Member) -> None:
    ann, bob = member("ann ro", 0), member("bob ro", 1)
    mended.administer("SET GLOBAL read_only = 1")
    try:
        ann.chat(bob.id, "later", mid="1")
        assert ann.find(20)["errno"] == 8
        ann.nothing()
    finally:
        mended.administer("SET GLOBAL read_only = 0")
    ann.chat(bob.id, "later", mid="1")
    assert ann.find(20)["errno"] == 0
    assert received(bob, 1) == ["later"]


def test_nginx_is_killed(mended: ClusterKit, member: Member) -> None:
    ann, bob = member("ann nginx", device="a"), member("bob nginx", 0)
    mended.do("kill", "nginx")
    ann.expect_end()
    bob.chat(ann.id, "meanwhile", mid="1")
    assert bob.find(20)["errno"] == 0
    mended.do("restart", "nginx")
    with mended.connect() as again:
        answer = again.login(ann.id, device="a")
        assert [m["msg"] for m in answer["offlinemsg"]] == ["meanwhile"]


# ---------------------------------------------------------------------- configuration


def test_servers_must_agree_on_delivery(cluster: ClusterKit) -> None:
    state = cluster.state
    database = f"mysql://chat@127.0.0.1:{state['mariadb_port']}/chat"
    command = [sys.executable, "-m", "chat.app", "127.0.0.1", str(free_port()), "--db", database]
    environment = {**os.environ, "CHAT_DB_PASSWORD": state["secret"]}
    done = subprocess.run(
        [*command, "--delivery", "direct"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done
    assert done.stderr.splitlines()[-1].startswith("chatserver: chat.delivery: ")
