"""Commands on the servers of a database: worker thread."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chat.admin.audit import write_audited
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.node_status import NodeStatus, read_nodes
from chat.storage import Transaction
from chat.storage.tables import DRAIN, NodeModel, SessionModel


def list_nodes(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """The servers. ``here``: the one that answers."""
    return {"nodes": [asdict(node) for node in _nodes(ctx)], "here": ctx.node}


def drain_node(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Have a server finish its work and end. Argument: node.

    This server begins at once. Another one reads the command with the next renewal of its lease,
    within three seconds. A server of version 0.2 never reads it.
    """
    name = request.text("node")
    if name not in {node.name for node in _nodes(ctx) if node.alive}:
        raise AdminError(f"no node {name!r} is alive; list them with: chatctl node list")
    here = name == ctx.node

    def command(tx: Transaction) -> None:
        if not here:
            NodeModel(tx).give_command(name, DRAIN)

    write_audited(ctx, request, command, f"node {name}")
    if here:
        ctx.drain()
    return {"node": name, "here": here}


def _nodes(ctx: AdminContext) -> list[NodeStatus]:
    if ctx.lease is not None:
        return ctx.database.read(read_nodes)
    users = ctx.database.read(lambda tx: SessionModel(tx).online_by_node())
    bus, state = "local", "serving"
    here = NodeStatus(ctx.node, users.get(ctx.node, 0), ctx.server.open, None, True, bus, state)
    return [here]
