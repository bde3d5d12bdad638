"""The upgrade of a cluster under load: servers of version 4 of the tables give way to new ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chat.chatcluster.errors import ClusterError
from chat.storage.tables.node import LEASE_SECONDS
from tests.chaos.older_version import VERSION_4, unpack
from tests.chaos.rolling import SILENT_SECONDS, Crowd, check
from tests.chaos.servers import WITHOUT_BUG, Servers
from tests.e2e.chatkit import WAIT, Message, Wire, collect_mail

POLL_SECONDS = 0.5

WITHOUT_GRACE = (
    "-c",
    "import sys; from chat.login import device_switch; device_switch.GRACE_SECONDS = 0; "
    "from chat import app; sys.exit(app.main())",
)
"""A new server that waits for the end of an older server's lease, and no longer."""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The program of a server of version 4."""
    return unpack(VERSION_4, tmp_path_factory.mktemp("older"))


@pytest.fixture
def servers(older: tuple[str, ...]) -> Iterator[Servers]:
    """Two servers of version 4, with all that they need."""
    kit = Servers(devices=None)
    try:
        for name in kit.names:
            kit.install(name, older)
        kit.up()
        yield kit
    finally:
        kit.down()


def replace(servers: Servers, name: str, program: tuple[str, ...] = WITHOUT_BUG) -> None:
    """Drain a server, and start one with the new code."""
    servers.stop(name)
    servers.install(name, program)
    servers.start(name)


def log_in(servers: Servers, name: str, user_id: int, **fields: Any) -> tuple[Wire, Message]:
    """Log in as a client that knows devices, at a certain server."""
    wire = Wire(servers.port(name))
    return wire, wire.login(user_id, device="laptop", devices=True, **fields)


def log_in_to_named_device(servers: Servers, name: str, user_id: int) -> tuple[Wire, Message]:
    """Log in again until named devices are on. A slow server waits until it may judge others."""
    pause = threading.Event()
    for _ in range(int(WAIT / POLL_SECONDS)):
        wire, answer = log_in(servers, name, user_id)
        if "devices" in answer:
            return wire, answer
        wire.close()
        pause.wait(POLL_SECONDS)
    raise AssertionError("named devices do not begin")


def test_an_upgrade_under_load_loses_nothing(servers: Servers, older: tuple[str, ...]) -> None:
    first, second = servers.names
    crowd = Crowd(servers.listen, count=8, rate=20.0, device="laptop")
    with Wire(servers.port(second)) as wire:
        ann, bob = wire.register("ann"), wire.register("bob")
    crowd.start()

    replace(servers, first)  # it upgrades the tables, while the other server works on them
    threading.Event().wait(LEASE_SECONDS)  # from now on it could turn named devices on
    with Wire(servers.port(second)) as sender:
        sender.login(bob)
        sender.chat(ann, "from version 4", mid="1")
        sender.find(20, mid="1")
    unnamed, answer = log_in(servers, first, ann)
    assert "devices" not in answer
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["from version 4"]
    unnamed.close()  # without an acknowledgement

    replace(servers, second)
    laptop, answer = log_in_to_named_device(servers, first, ann)
    assert [mail["msg"] for mail in collect_mail(laptop, answer, 1)] == ["from version 4"]
    laptop.close()
    for name in servers.names:  # the crowd comes back with named devices
        replace(servers, name)
    assert crowd.has_named_devices()

    crowd.finish(SILENT_SECONDS)
    assert crowd.result.posts
    assert check(crowd.result.posts, crowd.result.arrivals) == []
    assert not any("Traceback" in servers.log(name) for name in servers.names)

    servers.stop(first)
    servers.install(first, older)
    with pytest.raises(ClusterError, match="its schema is version 5, newer than this program's 4"):
        servers.start(first, starts=1)


def test_an_older_server_that_was_frozen(servers: Servers) -> None:
    """It goes on after named devices have begun: it stores nothing, and stops."""
    first, second = servers.names
    replace(servers, first, WITHOUT_GRACE)
    with Wire(servers.port(second)) as bob, Wire(servers.port(first)) as again:
        ann = again.register("ann")
        user_id = bob.register("bob")
        bob.login(user_id, device="phone")
        servers.freeze(second)
        bob.chat(ann, "hi", mid="1")
        laptop, answer = log_in_to_named_device(servers, first, ann)
        servers.thaw(second)
        ack = bob.find_any(20)  # none, if the server ends before it reads the message
        assert ack is None or ack["errno"] == 3, "acknowledged, but not for the laptop"
        assert servers.wait(second)
        again.login(user_id, device="phone")
        again.chat(ann, "hi", mid="1")
        again.find(20, mid="1")
        again.chat(ann, "bye", mid="2")
        texts = [message["msg"] for message in collect_mail(laptop, answer, 2)]
        assert texts == ["hi", "bye"]
        laptop.close()
    assert "another server has started as node-1: this one stops" in servers.log(second)
    assert not any("Traceback" in servers.log(name) for name in servers.names)
