"""The lines of ``chatcluster status``: the processes, and the nodes' rows in the database."""

from __future__ import annotations

from chat.chatcluster.local_cluster import SERVICES, LocalCluster
from chat.chatcluster.state import ClusterState, node_name
from chat.config import ConfigError
from chat.node_status import NodeStatus, read_nodes
from chat.storage import StorageError
from chat.storage.tables import OfflineMessageModel


def status_lines(cluster: LocalCluster) -> list[str]:
    """Raises ClusterError if there is no cluster."""
    state = cluster.state()
    if not any(process.alive for process in state.processes.values()):
        return [f"the cluster in {cluster.folder} is down; start it with: chatcluster up"]
    lines = [f"nginx on port {state.listen}, servers on {', '.join(map(str, state.ports()))}"]
    for name in SERVICES:
        lines.append(f"{name:<12} {_process(state, name)}")
    try:
        nodes, waiting = _ask(cluster, state)
    except (StorageError, ConfigError) as exc:
        nodes, waiting = {}, None
        lines.append(f"the database does not answer: {exc}")
    for port in state.ports():
        name = node_name(port)
        lines.append(f"{name:<12} {_process(state, name)}{_node(nodes.get(name))}")
    if waiting is not None:
        lines.append(f"mailboxes    {waiting} messages wait to be received")
    return lines


def _process(state: ClusterState, name: str) -> str:
    process = state.processes.get(name)
    return "down" if process is None or not process.alive else f"up, pid {process.pid}"


def _node(node: NodeStatus | None) -> str:
    if node is None:
        return ", no lease"
    lease = f"lease {node.lease:.1f} s" if node.alive else "lease run out"
    draining = "" if node.state == "serving" else f", {node.state}"
    return (
        f", {node.users} users, {node.connections} connections, {lease}, "
        f"bus {node.bus or 'starting'}{draining}"
    )


def _ask(cluster: LocalCluster, state: ClusterState) -> tuple[dict[str, NodeStatus], int | None]:
    """From the database: the nodes by name, and the number of waiting messages."""
    database = cluster.open_database(state)
    try:
        nodes = database.read(read_nodes)
        waiting = database.read(lambda tx: OfflineMessageModel(tx).count())
    finally:
        database.close()
    return {node.name: node for node in nodes}, waiting
