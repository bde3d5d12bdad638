"""Commands of operators at one server, and their effect at the other one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.cluster.clusterkit import ClusterKit, until
from tests.e2e.chatkit import WAIT, Wire

Member = Callable[..., Wire]


def chatctl(cluster: ClusterKit, number: int, *words: str) -> Any:
    """The result of a command at this server."""
    place = cluster.folder / f"chatserver-{cluster.port(number)}.sock"
    command = [sys.executable, "-m", "chat.chatctl.main", "--json", "--socket", str(place), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_users_of_the_other_server(cluster: ClusterKit, member: Member) -> None:
    ann, bob = member("ann ctl", 0), member("bob ctl", 1)
    found = chatctl(cluster, 0, "user", "list", "--online", "--search", "ctl")["users"]
    assert {user["node"] for user in found} == {cluster.name(0), cluster.name(1)}
    chatctl(cluster, 0, "announce", "maintenance")
    for user in (ann, bob):
        user.find(89, msg="maintenance")
    chatctl(cluster, 0, "user", "logout", "bob ctl")
    bob.find(32, reason="ended", reconnect=False)


def test_drain_the_other_server(cluster: ClusterKit, member: Member) -> None:
    bob = member("bob drained", 1)
    name = cluster.name(1)
    chatctl(cluster, 0, "node", "drain", name)
    bob.find(32, reason="draining")
    until(
        lambda: name not in [node["name"] for node in chatctl(cluster, 0, "node", "list")["nodes"]],
        "the end of the lease",
    )
    actions = [entry["action"] for entry in chatctl(cluster, 0, "audit")["entries"]]
    assert actions[-1] == "node drain"
    until(lambda: f"{name:<12} down" in cluster.do("status"), "the end of the process")
    cluster.do("restart", name)
