"""kill -9 at chosen points of a change of a group, and of the opening of a device.

Two servers share a database, and a proxy between them and the database knows the statements. Users
come back at the other server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.chaos.database_proxy import Trap
from tests.chaos.servers import Servers
from tests.e2e.chatkit import WAIT, Message, Wire

GROUP_EVENT = 113
DYING, OTHER = "node-0", "node-1"

JOIN, REMOVE = b"INSERT INTO groupuser ", b"DELETE FROM groupuser "
NEW_DEVICE = b"INSERT INTO device "


@pytest.fixture(scope="module")
def shared() -> Iterator[Servers]:
    kit = Servers(devices=None, heartbeat=60)
    try:
        kit.up()
        yield kit
        logs = "".join(kit.log(name) for name in kit.names)
        assert "Traceback" not in logs, logs
    finally:
        kit.down()


@pytest.fixture
def servers(shared: Servers) -> Iterator[Servers]:
    """All of them run again after each test."""
    yield shared
    shared.heal()


@pytest.fixture
def log_in(servers: Servers) -> Iterator[Callable[..., Wire]]:
    """``log_in(server, user_id, device)``. The mail in the answer comes first."""
    wires: list[Wire] = []

    def make(name: str, user_id: int, device: str) -> Wire:
        wire = Wire(servers.port(name))
        wires.append(wire)
        answer = wire.login(user_id, devices=True, device=device)
        wire.pending += answer["offlinemsg"]
        return wire

    yield make
    for wire in wires:
        wire.close()


LogIn = Callable[..., Wire]


def register(servers: Servers, name: str) -> int:
    with Wire(servers.port(OTHER)) as wire:
        return wire.register(name)


def kill_at(servers: Servers, statement: bytes, action: str) -> threading.Event:
    """The event is set when the trap has sprung, and the server is dead."""
    dead = threading.Event()

    def kill() -> None:
        servers.kill(DYING)
        dead.set()

    servers.proxies[DYING].arm(Trap(statement, action, kill))
    return dead


def only(wire: Wire, **fields: Any) -> Message:
    """The event with these fields, which comes once on this connection."""
    found = wire.find(GROUP_EVENT, **fields)
    wire.acknowledge(found["seq"])
    others = [m for m in wire.taken(GROUP_EVENT) if fields.items() <= m.items()]
    assert not others
    return found


def logged(wire: Wire, group: int, **fields: Any) -> list[int]:
    """The numbers of the events with these fields in the group's history."""
    wire.send(msgid=29, id=wire.id, groupid=group)
    messages = wire.find(30, errno=0)["messages"]
    return [m["seq"] for m in messages if {"msgid": GROUP_EVENT, **fields}.items() <= m.items()]


# ---------------------------------------------------------------------- changes of groups


class Club:
    """A group of three. Ann, at the server that dies, removes Bob; Cid and Bob watch."""

    def __init__(self, servers: Servers, log_in: LogIn, name: str) -> None:
        self.log_in = log_in
        ids = [register(servers, f"{user} of {name}") for user in ("ann", "bob", "cid")]
        self.ann = log_in(DYING, ids[0], "phone")
        self.bob = log_in(DYING, ids[1], "phone")
        self.bob_too = log_in(OTHER, ids[1], "laptop")
        self.cid = log_in(OTHER, ids[2], "phone")
        self.ann.send(msgid=8, id=self.ann.id, groupname=name, groupdesc="")
        self.group: int = self.ann.find(23, errno=0)["groupid"]
        for wire in (self.bob, self.cid):
            wire.send(msgid=9, id=wire.id, groupid=self.group)
            wire.find(24, errno=0)

    def remove_bob(self, wire: Wire) -> None:
        wire.send(msgid=44, id=self.ann.id, groupid=self.group, userid=self.bob.id)

    def come_back(self) -> None:
        """Ann and Bob have lost their connections, and log in at the other server."""
        self.ann = self.log_in(OTHER, self.ann.id, "phone")
        self.bob = self.log_in(OTHER, self.bob.id, "phone")

    def check_removal(self) -> None:
        """Each device gets one event, and it is the same one."""
        wires = (self.ann, self.bob, self.bob_too, self.cid)
        seqs = [only(wire, event="removed", userid=self.bob.id)["seq"] for wire in wires]
        assert logged(self.ann, self.group, event="removed") == [seqs[0]]
        assert len(set(seqs)) == 1


def test_killed_after_the_acknowledgement(servers: Servers, log_in: LogIn) -> None:
    club = Club(servers, log_in, "acknowledged")
    club.remove_bob(club.ann)
    club.ann.find(45, errno=0)
    servers.kill(DYING)
    club.come_back()
    club.check_removal()


def test_killed_between_commit_and_acknowledgement(servers: Servers, log_in: LogIn) -> None:
    club = Club(servers, log_in, "committed")
    dead = kill_at(servers, REMOVE, "hold")
    club.remove_bob(club.ann)
    assert dead.wait(WAIT)
    club.come_back()
    assert not club.ann.taken(45)
    club.remove_bob(club.ann)
    club.ann.find(45, errno=5)
    club.check_removal()


def test_killed_before_the_commit(servers: Servers, log_in: LogIn) -> None:
    club = Club(servers, log_in, "not committed")
    dead = kill_at(servers, REMOVE, "stop")
    club.remove_bob(club.ann)
    assert dead.wait(WAIT)
    club.come_back()
    assert logged(club.ann, club.group, event="removed") == []
    club.remove_bob(club.ann)
    club.ann.find(45, errno=0)
    club.check_removal()


def test_killed_while_a_user_joins(servers: Servers, log_in: LogIn) -> None:
    club = Club(servers, log_in, "joined")
    eve = log_in(DYING, register(servers, "eve who joins"), "phone")
    dead = kill_at(servers, JOIN, "hold")
    eve.send(msgid=9, id=eve.id, groupid=club.group)
    assert dead.wait(WAIT)
    club.come_back()
    eve = log_in(OTHER, eve.id, "phone")
    eve.send(msgid=9, id=eve.id, groupid=club.group)
    assert eve.find(24, errno=10)["group"]["members"] == 4
    wires = (eve, club.ann, club.bob, club.bob_too, club.cid)
    seqs = [only(wire, event="joined", userid=eve.id)["seq"] for wire in wires]
    assert logged(club.ann, club.group, event="joined", userid=eve.id) == [seqs[0]]
    assert len(set(seqs)) == 1


# ---------------------------------------------------------------------- opening a device


class Opening:
    """Ann has a laptop at the other server, and opens a phone at the one that dies. Bob writes."""

    def __init__(self, servers: Servers, log_in: LogIn, name: str) -> None:
        self.servers = servers
        self.log_in = log_in
        ann = register(servers, f"ann {name}")
        self.laptop = log_in(OTHER, ann, "laptop")
        self.bob = log_in(OTHER, register(servers, f"bob {name}"), "phone")
        self.write("before")

    def write(self, text: str) -> int:
        """Bob writes to Ann; returns the number."""
        self.bob.chat(self.laptop.id, text, mid=text)
        seq: int = self.bob.find(20, errno=0)["seq"]
        self.laptop.acknowledge(self.laptop.find(6, msg=text, seq=seq)["seq"])
        return seq

    def ask(self) -> Wire:
        """Send the login of the phone; its answer is not read."""
        wire = Wire(self.servers.port(DYING))
        fields = {"password": "secret-1", "device": "phone", "devices": True}
        wire.send(msgid=1, id=self.laptop.id, v=2, **fields)
        return wire

    def come_back(self, *texts: str) -> Message:
        """Log in with the phone at the other server; it gets these texts, each once."""
        wire = Wire(self.servers.port(OTHER))
        answer = wire.login(self.laptop.id, devices=True, device="phone")
        wire.pending += answer["offlinemsg"]
        for text in texts:
            message = wire.find(6, msg=text)
            assert message["seq"] > answer["since"]
            wire.acknowledge(message["seq"])
        assert not wire.taken(6)
        wire.send(msgid=90, id=self.laptop.id)
        assert len(wire.find(91)["devices"]) == 2
        wire.close()
        return answer


def test_killed_before_the_device_is_there(servers: Servers, log_in: LogIn) -> None:
    opening = Opening(servers, log_in, "early")
    dead = kill_at(servers, NEW_DEVICE, "stop")
    with opening.ask() as phone:
        assert dead.wait(WAIT)
        phone.expect_end()
    seq = opening.write("between")
    assert opening.come_back()["since"] == seq, "the device begins with the second login"
    opening.write("after")
    opening.come_back("after")


def test_killed_between_the_device_and_the_answer(servers: Servers, log_in: LogIn) -> None:
    opening = Opening(servers, log_in, "halfway")
    dead = kill_at(servers, NEW_DEVICE, "hold")
    with opening.ask() as phone:
        assert dead.wait(WAIT)
        phone.expect_end()
    seq = opening.write("between")
    assert opening.come_back("between")["since"] < seq, "the device of the first login"


def test_killed_between_the_answer_and_the_first_delivery(servers: Servers, log_in: LogIn) -> None:
    opening = Opening(servers, log_in, "late")
    phone = log_in(DYING, opening.laptop.id, "phone")
    servers.freeze(DYING)  # it delivers nothing from now on
    opening.write("between")
    servers.kill(DYING)
    phone.expect_end()
    opening.come_back("between")
