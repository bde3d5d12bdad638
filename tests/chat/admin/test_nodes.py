"""Commands on servers, and the command that another server takes with its lease."""

from __future__ import annotations

import dataclasses
import queue

import pytest

from chat.admin.commands.nodes import drain_node, list_nodes
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.login.lease import Lease
from chat.storage import Database
from chat.storage.tables import NodeModel
from tests.chat.admin.conftest import Desk
from tests.chat.loopkit import WAIT


def test_a_server_that_is_alone(desk: Desk) -> None:
    desk.node.online("ann")
    found = desk.ask("node list")
    (node,) = found["nodes"]
    assert found["here"] == node["name"] == "node-1"
    assert (node["users"], node["connections"], node["lease"]) == (1, 1, None)


def test_drain_here(desk: Desk) -> None:
    assert desk.ask("node drain", node="node-1") == {"node": "node-1", "here": True}
    assert desk.drains == 1
    (row,) = desk.audit()
    assert (row.actor, row.action, row.target) == ("root", "node drain", "node node-1")


def test_an_unknown_node(desk: Desk) -> None:
    with pytest.raises(AdminError, match="no node 'node-7' is alive"):
        desk.ask("node drain", node="node-7")
    assert desk.audit() == []


def test_drain_elsewhere(desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other server takes the command with its next renewal, once."""
    monkeypatch.setattr("chat.login.lease.RENEW_SECONDS", 0.001)
    commands: queue.SimpleQueue[str] = queue.SimpleQueue()

    def lease_of(name: str) -> Lease:
        lease = Lease(
            database,
            name,
            f"{name}:1",
            lambda: (3, "ok"),
            lambda whole: None,
            lambda: None,
            commands.put,
        )
        lease.claim()
        return lease

    here, there = lease_of("node-1"), lease_of("node-2")
    ctx = dataclasses.replace(desk.context, lease=here)
    nodes = list_nodes(ctx, AdminRequest("node list"))["nodes"]
    assert [(node["name"], node["alive"], node["state"]) for node in nodes] == [
        ("node-1", True, "serving"),
        ("node-2", True, "serving"),
    ]
    request = AdminRequest("node drain", {"node": "node-2"}, "root")
    assert drain_node(ctx, request) == {"node": "node-2", "here": False}
    there.start()
    assert commands.get(timeout=WAIT) == "drain"
    there.close()
    here.close()
    assert commands.empty()
    assert desk.drains == 0


def test_a_new_start_knows_no_former_command(database: Database) -> None:
    """Else a server that systemd has started again would drain at once."""
    for incarnation in ("first", "second"):
        database.write(lambda tx, run=incarnation: NodeModel(tx).claim("n", run, "p", 9000))  # type: ignore[misc]
        assert database.write(lambda tx: NodeModel(tx).take_command("n")) == ""
        database.write(lambda tx: NodeModel(tx).give_command("n", "drain"))
