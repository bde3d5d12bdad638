"""Logins that something overtakes: another login, a join, the end of the connection."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from chat.bus import LocalBus
from chat.delivery.codec import Payload
from chat.handlers.context import Context, Request
from chat.handlers.group_members import Joined, join_group
from chat.message import Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT, MsgType
from chat.service.request_workers import PATIENCE_SECONDS
from chat.storage import StorageError
from chat.storage.tables import NORMAL, OFFLINE, ONLINE, GroupModel
from tests.chat.loopkit import WAIT
from tests.chat.nodekit import PASSWORD, Client, Node, replace_route

REPLACED = {"msgid": 32, "reason": "replaced", "reconnect": False}

# What a login reads, in this order: the user, the user's groups, and what the answer shows.
GROUPS, SHOWN = 2, 3


class CountingBus(LocalBus[Payload]):
    """Counts the subscriptions."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.counts: Counter[Topic] = Counter()

    def subscribe(self, topics: Iterable[Topic]) -> None:
        with self._lock:
            self.counts.update(topics)

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        with self._lock:
            self.counts.subtract(topics)

    @property
    def heard(self) -> dict[Topic, int]:
        with self._lock:
            return {topic: count for topic, count in self.counts.items() if count}


class Pause:
    """Stops a worker when it has read for the n-th time from now on; others pass."""

    def __init__(self, node: Node, number: int) -> None:
        self.node = node
        self.error: Exception | None = None
        self._number = number
        self._count = 0
        self._inside, self._opened = threading.Event(), threading.Event()
        self._real = node.database.read
        node.database.read = self._read  # type: ignore[method-assign]

    def _read(self, work: Any) -> Any:
        self._count += 1
        if self._count != self._number:
            return self._real(work)
        result = self._real(work)
        self._inside.set()
        assert self._opened.wait(WAIT)
        if self.error is not None:
            raise self.error
        return result

    def entered(self) -> None:
        self.node.until(self._inside.is_set, "the login")

    def open(self, error: Exception | None = None) -> None:
        self.error = error
        self._opened.set()


@pytest.fixture
def bus() -> CountingBus:
    return CountingBus()


@pytest.fixture
def node(make_node: Callable[..., Node], bus: CountingBus) -> Node:
    """One at which everybody takes over."""
    return make_node(replace=True, workers=4, bus=bus)


def begin(node: Node, user_id: int, **fields: Any) -> Client:
    """A client that has asked for a login."""
    client = node.connect()
    client.send(MsgType.LOGIN_MSG, v=2, id=user_id, password=PASSWORD, **fields)
    return client


def paused(node: Node, user_id: int, number: int) -> tuple[Client, Pause]:
    """A login that has come so far."""
    pause = Pause(node, number)
    client = begin(node, user_id)
    pause.entered()
    return client, pause


# ---------------------------------------------------------------------- another login


def test_who_is_replaced_before_its_answer_is_told(node: Node, bus: CountingBus) -> None:
    ann, bob = node.user("ann"), node.online("bob")
    first, pause = paused(node, ann, SHOWN)
    second = node.online(ann)
    pause.open()
    assert first.ended() == [REPLACED], "not logged in, and deaf for ever"
    assert first.connection.login is None
    assert node.logins.find(ann) is second.login
    assert node.row(ann).state == ONLINE
    assert bus.heard == {(ONE_CHAT, ann): 1, (ONE_CHAT, bob.user_id): 1}
    bob.deliver(ann, "hello")
    assert second.expect(MsgType.ONE_CHAT_MSG)["msg"] == "hello"


def test_who_fails_after_having_been_replaced_takes_nothing_along(
    node: Node, bus: CountingBus
) -> None:
    ann = node.user("ann")
    first, pause = paused(node, ann, SHOWN)
    second = node.online(ann)
    pause.open(StorageError("for the test"))
    assert first.expect(MsgType.LOGIN_MSG_ACK)["errno"] == 8
    assert node.logins.find(ann) is second.login
    assert bus.heard == {(ONE_CHAT, ann): 1}, "what the second one hears"
    node.workers.stop()  # the release, if there was one, has been carried out
    assert node.row(ann).state == ONLINE


@pytest.mark.parametrize("number", [GROUPS, SHOWN])
def test_who_fails_leaves_nothing_behind(node: Node, bus: CountingBus, number: int) -> None:
    ann = node.user("ann")
    first, pause = paused(node, ann, number)
    pause.open(StorageError("for the test"))
    assert first.expect(MsgType.LOGIN_MSG_ACK)["errno"] == 8
    node.until(lambda: node.row(ann).state == OFFLINE)
    assert node.logins.owned() == set()
    assert bus.heard == {}
    assert first.log_in(ann)["errno"] == 0


def test_being_sent_away_late(node: Node) -> None:
    """The user has logged in again by then, on the same connection: that is another login."""
    ann = node.user("ann")
    client = node.online(ann)
    old = client.login
    client.ask(MsgType.LOGINOUT_MSG)
    node.online(ann).leave()
    assert client.log_in(ann)["errno"] == 0
    assert client.login.generation == 3
    old.send_away()
    node.passes.settle()  # the loop has done it
    client.nothing_more()
    client.login.send_away()
    assert client.ended() == [REPLACED]


# ---------------------------------------------------------------------- a group is joined


def test_a_group_that_is_joined_while_the_user_is_taken_over(node: Node, bus: CountingBus) -> None:
    """By the old login, which is not the current one any more: it is refused."""
    eve, old = node.online("eve"), node.online("ann")
    ann = old.user_id
    group = eve.make_group("tea")
    node.until(lambda: not eve.login.pump.is_waiting)  # its look would be counted, too
    new, pause = paused(node, ann, GROUPS)
    assert old.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 3
    pause.open()
    assert new.expect(MsgType.LOGIN_MSG_ACK)["groups"] == []
    assert old.ended() == [REPLACED]
    assert new.ask(MsgType.ADD_GROUP_MSG, id=ann, groupid=group)["errno"] == 0
    assert new.login.groups == {group}
    assert bus.heard == {
        (ONE_CHAT, ann): 1,
        (ONE_CHAT, eve.user_id): 1,
        (GROUP_CHAT, group): 2,
    }
    eve.tell(group, "to the group")
    eve.expect(MsgType.CHAT_ACK)
    assert new.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "to the group"


# ---------------------------------------------------------------------- the client has given up


@pytest.mark.parametrize("number", [GROUPS, SHOWN])
def test_a_connection_that_ends_during_the_login(node: Node, bus: CountingBus, number: int) -> None:
    ann = node.user("ann")
    client, pause = paused(node, ann, number)
    client.connection.tcp.force_close()
    node.until(lambda: client.connection.closed)
    pause.open()
    node.until(lambda: node.row(ann).state == OFFLINE)
    assert node.logins.owned() == set()
    assert bus.heard == {}


def test_who_has_hung_up_does_not_take_over(node: Node) -> None:
    """As after a server was frozen: by now the client is logged in elsewhere."""
    ann = node.online("ann", device="laptop")
    late = begin(node, ann.user_id, device="laptop")
    late.close()  # its bytes have not been read yet
    node.until(lambda: late.connection.closed and not late.connection.flow.busy)
    ann.nothing_more()
    row = node.row(ann.user_id)
    assert (row.state, row.generation) == (ONLINE, 1)
    assert node.logins.find(ann.user_id) is ann.login


def test_who_has_gone_is_not_even_tried(node: Node) -> None:
    ann = node.user("ann")
    client = begin(node, ann)
    node.until(lambda: client.connection.flow.busy)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # with a reset
    node.until(lambda: client.connection.closed and not client.connection.flow.busy)
    assert node.row(ann).generation == 0


def test_who_has_waited_for_too_long_is_told_so(node: Node) -> None:
    """The client has given up by now, and has asked another server."""
    ann = node.online("ann", device="laptop")
    second = node.connect()
    node.clock.now = node.passes.loop.poll_return_time + 1000.0 * PATIENCE_SECONDS
    answer = second.log_in(ann.user_id, device="laptop")
    assert (answer["errno"], answer["retry_after"]) == (8, 1)
    ann.nothing_more()
    assert node.row(ann.user_id).generation == 1
    node.clock.now = node.passes.loop.poll_return_time
    assert second.log_in(ann.user_id, device="laptop")["errno"] == 0
    assert ann.ended() == [REPLACED]


# ---------------------------------------------------------------------- groups


def test_what_is_said_in_a_group_while_it_is_being_joined_late(node: Node) -> None:
    """Between the answer's content and the registration for the group no login is woken.

    A server of version 0.2.0 lets the old login join.
    """
    eve, ann = node.online("eve"), node.user("ann")
    group = eve.make_group("tea")
    node.until(lambda: not eve.login.pump.is_waiting)  # its look would be counted, too
    groups = Pause(node, GROUPS)
    new = begin(node, ann)
    groups.entered()
    node.database.write(lambda tx: GroupModel(tx).add_member(group, ann, NORMAL))
    node.database.read = groups._real  # type: ignore[method-assign]
    shown = Pause(node, 1)
    groups.open()
    shown.entered()
    eve.tell(group, "first")
    eve.expect(MsgType.CHAT_ACK)
    shown.open()
    assert new.expect(MsgType.LOGIN_MSG_ACK)["offlinemsg"] == []
    assert new.login.groups == {group}
    eve.tell(group, "second")
    eve.expect(MsgType.CHAT_ACK)
    assert [mail["msg"] for mail in new.take(2)] == ["first", "second"]


@pytest.mark.parametrize("how", ["lost", "taken over"])
def test_a_join_that_outlives_its_login(make_node: Callable[..., Node], how: str) -> None:
    """The next login is the current one, so the join is refused, and may be repeated."""
    entered, go = threading.Event(), threading.Event()

    def gated(ctx: Context, request: Request[Any]) -> Joined:
        entered.set()
        assert go.wait(WAIT)
        return join_group(ctx, request)

    bus = CountingBus()
    routes = replace_route(MsgType.ADD_GROUP_MSG, run=gated)
    node = make_node(routes=routes, workers=4, bus=bus)
    eve, old = node.online("eve"), node.online("ann", device="laptop")
    group = eve.make_group("tea")
    old.send(MsgType.ADD_GROUP_MSG, groupid=group)
    node.until(entered.is_set)
    if how == "lost":
        old.connection.tcp.force_close()
        node.until(lambda: old.connection.closed)
    new = node.online(old.user_id, device="laptop")
    go.set()
    assert new.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    node.until(lambda: bus.heard[(GROUP_CHAT, group)] == 2)  # the refused one has ended, too
    eve.tell(group, "hello")
    assert new.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "hello"
    assert new.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 10
    assert bus.heard[(GROUP_CHAT, group)] == 2


def test_joining_again_mends_what_was_missed(node: Node, bus: CountingBus) -> None:
    """The answer to the commit was lost, and no session is registered for the group."""
    eve, ann = node.online("eve"), node.online("ann")
    group = eve.make_group("tea")
    node.database.write(lambda tx: GroupModel(tx).add_member(group, ann.user_id, NORMAL))
    assert ann.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 10
    assert bus.heard[(GROUP_CHAT, group)] == 2
    eve.tell(group, "hello")
    assert ann.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "hello"
