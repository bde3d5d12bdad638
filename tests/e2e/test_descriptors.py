"""Once it has started, a server needs no further descriptors for what clients ask."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

from tests.e2e.chatkit import PASSWORD, ServerProcess, Wire

CLIENTS = 12
REQUESTS = 20
HISTORY, HISTORY_ACK = 29, 30


def forbid_new_descriptors(server: ServerProcess) -> None:
    """From now on everything fails that would open something."""
    taken = {int(fd) for fd in os.listdir(f"/proc/{server.pid}/fd")}
    lowest_free = min(set(range(len(taken) + 1)) - taken)  # what the next one would get
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (lowest_free, hard))


def test_every_request_is_served(
    server: ServerProcess, member: Callable[..., Wire], connect: Callable[..., Wire]
) -> None:
    members = [member(server, f"user {number}") for number in range(CLIENTS)]
    new, back = connect(server), connect(server)
    for client in (new, back):
        client.nothing()  # it is accepted
    forbid_new_descriptors(server)
    for client in members:  # more at once than there are workers
        for number in range(REQUESTS):
            client.send(msgid=HISTORY, id=client.id, **{"with": 1}, rid=str(number))
    for client in members:
        for number in range(REQUESTS):
            client.find(HISTORY_ACK, errno=0, rid=str(number))
    ann, bob = members[:2]
    everything_else(ann, bob)
    new.login(new.register("new"))
    back.send(msgid=1, v=2, id=ann.id, password=PASSWORD + "x")
    back.expect(2, errno=1)


def everything_else(ann: Wire, bob: Wire) -> None:
    for number in range(50):
        ann.chat(bob.id, f"message {number}", mid=str(number))
    seqs = [bob.find(6)["seq"] for _ in range(50)]
    bob.acknowledge(*seqs)
    ann.send(msgid=7, id=ann.id, friendid=bob.id)
    ann.find(22, errno=0)
    ann.send(msgid=8, id=ann.id, groupname="tea", groupdesc="")
    group = ann.find(23, errno=0)["groupid"]
    bob.send(msgid=9, id=bob.id, groupid=group)
    bob.find(24, errno=0)
    ann.group_chat(group, "hello", mid="g")
    bob.find(10, msg="hello")
    ann.send(msgid=46, id=ann.id, groupid=group)
    ann.find(47, errno=0)
