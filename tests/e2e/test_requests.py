"""Every request and its answers, in both dialects."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from tests.e2e.chatkit import PASSWORD, ServerProcess, Wire

Connect = Callable[..., Wire]
Make = Callable[..., ServerProcess]


def test_a_session_in_v2(server: ServerProcess, connect: Connect) -> None:
    ann, bob = connect(server), connect(server)
    ann.send(msgid=4, v=2, name="张三", password=PASSWORD, rid="r1")
    assert ann.receive() == {"msgid": 5, "errno": 0, "id": 1, "rid": "r1"}
    ann.send(msgid=4, v=2, name="张三", password=PASSWORD)
    ann.expect(5, errno=1)
    bob.register("bob")

    answer = ann.login(1, device="laptop", rid="r2")
    token = answer.pop("token")
    assert len(token) == 43
    assert len(answer.pop("service")) == len(answer.pop("epoch")) == 32
    assert answer == {
        "msgid": 2,
        "errno": 0,
        "id": 1,
        "name": "张三",
        "friends": [],
        "groups": [],
        "offlinemsg": [],
        "v": 2,
        "heartbeat": 30,
        "node": f"node-{server.port}",
        "rid": "r2",
    }
    ann.send(msgid=7, id=1, friendid=2)
    friend = {"id": 2, "name": "bob", "state": "offline"}
    assert ann.receive() == {"msgid": 22, "errno": 0, "friend": friend}
    ann.send(msgid=7, id=1, friendid=2)
    ann.expect(22, errno=10, friend=friend)
    ann.send(msgid=7, id=1, friendid=1)
    ann.expect(22, errno=4)
    ann.send(msgid=7, id=1, friendid=3)
    ann.expect(22, errno=5)
    ann.send(msgid=8, id=1, groupname="tea", groupdesc="four o'clock", rid="g")
    assert ann.receive() == {"msgid": 23, "errno": 0, "groupid": 1, "rid": "g"}
    ann.send(msgid=8, id=1, groupname="tea", groupdesc="")
    ann.expect(23, errno=10)
    bob.login(2)
    users = [
        {"id": 1, "name": "张三", "state": "online", "role": "creator"},
        {"id": 2, "name": "bob", "state": "online", "role": "normal"},
    ]
    group = {"id": 1, "groupname": "tea", "groupdesc": "four o'clock", "users": users}
    group |= {"members": 2, "more": False}
    bob.send(msgid=9, id=2, groupid=1)
    assert bob.receive() == {"msgid": 24, "errno": 0, "group": group}
    bob.send(msgid=9, id=2, groupid=1)
    bob.expect(24, errno=10, group=group)
    bob.send(msgid=9, id=2, groupid=7)
    bob.expect(24, errno=5)
    ann.send(msgid=26, rid="p")
    assert ann.receive() == {"msgid": 27, "rid": "p"}
    ann.send(msgid=3, id=1, rid="x")
    assert ann.receive() == {"msgid": 25, "errno": 0, "rid": "x"}
    answer = ann.login(1)
    assert answer["friends"] == [{**friend, "state": "online"}]
    assert answer["groups"] == [group]


@pytest.mark.parametrize("end", [b"\n", b"\0"])
def test_a_session_in_classic(server: ServerProcess, connect: Connect, end: bytes) -> None:
    ann, bob = connect(server, v2=False, end=end), connect(server, v2=False)
    ann.register("ann")
    bob.register("bob")
    ann.send(msgid=4, name="ann", password=PASSWORD)
    refused = ann.receive()
    assert refused is not None
    assert (refused["errno"], refused["error"]) == (1, 1)
    ann.send(msgid=1, id=1, password="wrong")
    ann.expect(2, errno=1, error=1, errmsg="id or password is invalid!")
    assert ann.login(1) == {
        "msgid": 2,
        "errno": 0,
        "error": 0,
        "errnum": 0,
        "id": 1,
        "name": "ann",
    }
    ann.send(msgid=7, id=1, friendid=2)
    ann.send(msgid=8, id=1, groupname="tea", groupdesc="d")
    ann.nothing_classic()
    bob.login(2)
    bob.send(msgid=9, id=2, groupid=1)
    bob.nothing_classic()
    told = {"msgid": 6, "id": 1, "name": "ann", "toid": 2, "msg": "hi", "time": "then", "x": [1]}
    ann.send(**told)
    assert bob.receive() == told
    ann.group_chat(1, "all", time="now", name="forged")
    group = {"msgid": 10, "id": 1, "name": "ann", "groupid": 1, "msg": "all", "time": "now"}
    assert bob.receive() == group
    bob.send(msgid=3, id=2)
    bob.nothing_classic()
    ann.send(**told)
    ann.group_chat(1, "all", time="now")
    ann.nothing_classic()
    answer = bob.login(2)
    assert [json.loads(message) for message in answer["offlinemsg"]] == [told, group]
    (tea,) = [json.loads(group) for group in answer["groups"]]
    assert [json.loads(user)["role"] for user in tea["users"]] == ["creator", "normal"]
    ann.send(msgid=3, id=1)
    answer = ann.login(1)
    assert [json.loads(friend)["name"] for friend in answer["friends"]] == ["bob"]
    ann.send(msgid=7, id=1, friendid=99)
    ann.expect(31, errno=5, error=5)


def test_the_dialects_understand_each_other(server: ServerProcess, member: Connect) -> None:
    old, new = member(server, "old", v2=False), member(server, "new")
    old.chat(new.id, "to v2", time="2020-01-01 00:00:00", color="red")
    got = new.expect(6, msg="to v2")
    assert got["time"] > "2026", "the server's time, not the sender's"
    assert "color" not in got
    new.acknowledge(got["seq"])
    new.chat(old.id, "to classic", mid="m", time="ignored")
    new.expect(20, errno=0)
    got = old.expect(6, msg="to classic", id=new.id, name="new")
    assert set(got) == {"msgid", "id", "name", "toid", "msg", "time"}
    assert got["time"] != "ignored"


def test_tokens(make_server: Make, connect: Connect) -> None:
    server = make_server()
    ann, bob = connect(server), connect(server)
    ann_id, bob_id = ann.register("ann"), bob.register("bob")
    token = ann.login(ann_id)["token"]
    assert server.query("SELECT COUNT(*) FROM token WHERE hash = ?", token) == [(0,)]
    ann.close()
    server.wait_until_offline(ann_id)
    bob.send(msgid=1, v=2, id=bob_id, token=token)
    bob.expect(2, errno=1)
    ann = connect(server)
    ann.v2 = True
    assert ann.login(ann_id, token=token)["token"] == token
    server.kill()
    server.start()
    ann = connect(server)
    ann.login(ann_id, token=token)  # it survives the server
    ann.send(msgid=3, id=ann_id)
    ann.expect(25, errno=0)
    ann.send(msgid=1, v=2, id=ann_id, token=token)
    ann.expect(2, errno=1)  # and is revoked by logging out


def test_ids_are_the_sessions_own(server: ServerProcess, member: Connect, connect: Connect) -> None:
    ann, bob = member(server, "ann"), member(server, "bob")
    requests: list[dict[str, Any]] = [
        {"msgid": 3},
        {"msgid": 6, "toid": bob.id, "msg": "I am bob"},
        {"msgid": 7, "friendid": ann.id},
        {"msgid": 8, "groupname": "g", "groupdesc": ""},
        {"msgid": 9, "groupid": 1},
        {"msgid": 10, "groupid": 1, "msg": "I am bob"},
    ]
    acks = {3: 25, 6: 20, 7: 22, 8: 23, 9: 24, 10: 20}
    stranger = connect(server)
    stranger.send(msgid=1, v=2, id=ann.id, password="wrong!")
    stranger.expect(2, errno=1)
    for request in requests:
        ann.send(id=bob.id, **request)
        ann.expect(acks[request["msgid"]], errno=3)
        stranger.send(id=bob.id, **request)
        stranger.expect(acks[request["msgid"]], errno=3)
    bob.nothing()
    ann.send(msgid=1, v=2, id=bob.id, password=PASSWORD)
    ann.expect(2, errno=4)  # logged in already
    ann.chat(bob.id, "as myself", name="bob")
    ann.expect(20, errno=0)
    bob.expect(6, id=ann.id, name="ann")


FORGED = [
    b'{"msgid":6,"id":1,"name":"ann","toid":2,"msg":"x","time":"t","name":"bob"}',
    b'{"msgid":6,"id":1,"name":"bob","toid":2,"msg":"x","time":"t"}',
    b'{"msgid":6,"id":1,"\\u006eame":"bob","toid":2,"msg":"x","time":"t"}',
    b'{"msgid":6,"id":1,"name":"ann","\\u006eame":"bob","toid":2,"msg":"x","time":"t"}',
    b'{"msgid":6,"id":2,"name":"ann","toid":2,"msg":"x","time":"t","id":1}',
    b'{"msgid":6,"id":1,"name":"ann","toid":2,"msg":"x","time":"t","seq":7,"from":1}',
]


@pytest.mark.parametrize("mode", ["stored", "direct"])
@pytest.mark.parametrize("frame", FORGED)
def test_a_classic_receiver_sees_the_true_sender(
    make_server: Make, member: Connect, frame: bytes, mode: str
) -> None:
    server = make_server("", "--delivery", mode)
    ann, bob = member(server, "ann", v2=False), member(server, "bob", v2=False)
    ann.write(frame + b"\n")
    while b"\n" not in bob.rest:
        bob.fill()
    raw = bob.rest
    for pairs in (dict, lambda pairs: dict(reversed(pairs))):  # last and first key wins
        got = json.loads(raw, object_pairs_hook=pairs)
        assert (got["id"], got["name"], got["toid"], got["msg"]) == (1, "ann", 2, "x")
        assert "seq" not in got


# ---------------------------------------------------------------------- races


def _at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run these at the same moment; their results."""
    results: list[Any] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        barrier.wait()
        results[number] = jobs[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _ask(wire: Wire, **message: Any) -> int:
    wire.send(**message)
    answer = wire.receive()
    assert answer is not None
    errno: int = answer["errno"]
    return errno


@pytest.mark.parametrize("threads", ["0", "3"])
def test_one_of_many_registrations_wins(make_server: Make, connect: Connect, threads: str) -> None:
    server = make_server("", "--threads", threads)
    for name in ("twins", "again"):
        wires = [connect(server) for _ in range(10)]
        jobs = [partial(_ask, wire, msgid=4, v=2, name=name, password=PASSWORD) for wire in wires]
        assert sorted(_at_once(jobs)) == [0] + [1] * 9


@pytest.mark.parametrize("threads", ["0", "3"])
def test_one_of_ten_logins_wins(make_server: Make, connect: Connect, threads: str) -> None:
    server = make_server("", "--threads", threads)
    user_id = connect(server).register("ann")
    for _ in range(5):
        wires = [connect(server) for _ in range(10)]
        jobs = [partial(_ask, wire, msgid=1, v=2, id=user_id, password=PASSWORD) for wire in wires]
        results = _at_once(jobs)
        assert sorted(results) == [0] + [2] * 9
        for wire in wires:
            wire.close()
        server.wait_until_offline(user_id)


def test_the_same_device_takes_over(server: ServerProcess, member: Connect) -> None:
    ann = member(server, "ann")
    first, second = Wire(server.port), Wire(server.port)
    with first, second:
        first.send(msgid=1, v=2, id=ann.id, password=PASSWORD, device="phone")
        first.expect(2, errno=2)  # ann's first login named no device
        ann.send(msgid=3, id=ann.id)
        ann.expect(25, errno=0)
        first.login(ann.id, device="phone")
        second.send(msgid=1, v=2, id=ann.id, password=PASSWORD, device="laptop")
        second.expect(2, errno=2, errmsg="this account is using, input another!")
        second.login(ann.id, device="phone")
        first.expect(32, reason="replaced", reconnect=False)
        first.expect_end()
        second.chat(ann.id, "to myself")
        second.find(20, errno=0)
        second.find(6, msg="to myself")


def test_a_newer_login_replaces_the_older_where_that_is_configured(
    make_server: Make, connect: Connect
) -> None:
    server = make_server('[chat]\non_duplicate_login = "replace"\n')
    first, second = connect(server), connect(server)
    user_id = first.register("ann")
    first.login(user_id)
    second.login(user_id)
    first.expect(32, reason="replaced", reconnect=False)
    first.expect_end()
    second.nothing()


def test_registration_can_be_closed(make_server: Make, connect: Connect) -> None:
    server = make_server("[chat]\nregistration = false\n")
    wire = connect(server)
    wire.send(msgid=4, v=2, name="ann", password=PASSWORD)
    wire.expect(5, errno=1)
