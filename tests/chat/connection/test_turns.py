"""Turns: fair shares of a loop, in a real loop with real connections."""

from __future__ import annotations

from chat.connection.turns import FRAMES_PER_PASS, FRAMES_PER_TURN, PAUSE_SECONDS, Turns
from tests.chat.loopkit import ErrorLog
from tests.chat.nodekit import Client, Node

PING = b'{"msgid":26,"rid":"x"}\n'


class Order:
    """A Turns whose connections have so many frames; notes which was served and how far."""

    def __init__(self, node: Node, *clients: Client, frames: int) -> None:
        self.served: list[str] = []
        self.left = {client.connection: frames for client in clients}
        self.names = {
            client.connection: name for client, name in zip(clients, "abcdef", strict=False)
        }
        self.pauses: list[float] = []
        self.turns = Turns(node.passes.loop, self._take, self.pauses.append)
        for client in clients:
            self.turns.add(client.connection)

    def _take(self, connection: object, limit: int) -> int:
        assert limit == FRAMES_PER_TURN
        count = min(limit, self.left[connection])  # type: ignore[index]
        self.left[connection] -= count  # type: ignore[index]
        self.served.append(self.names[connection])  # type: ignore[index]
        if self.left[connection]:  # type: ignore[index]
            self.turns.add(connection)  # type: ignore[arg-type]
        return count


def test_one_after_the_other(node: Node) -> None:
    order = Order(node, *(node.connect() for _ in range(3)), frames=2 * FRAMES_PER_TURN)
    node.passes.settle()
    assert order.served == ["a", "b", "c"] * 2


def test_a_pass_is_bounded_and_the_next_goes_on_where_it_ended(node: Node) -> None:
    order = Order(node, *(node.connect() for _ in range(3)), frames=10 * FRAMES_PER_PASS)
    node.passes.one()
    turns = len(order.served)
    assert turns <= FRAMES_PER_PASS // FRAMES_PER_TURN
    node.passes.one()
    assert "".join(order.served) == ("abc" * turns)[: 2 * turns]


def test_a_pass_that_leaves_frames_waiting_pauses(node: Node) -> None:
    """The commits of other users need the interpreter in between."""
    order = Order(node, *(node.connect() for _ in range(3)), frames=FRAMES_PER_PASS)
    while any(order.left.values()):
        assert order.pauses == [PAUSE_SECONDS] * len(order.pauses)
        passes = len(order.pauses)
        node.passes.one()
        waiting = any(order.left.values())
        assert len(order.pauses) == passes + waiting
    assert order.pauses


def test_a_pass_that_serves_all_does_not_pause(node: Node) -> None:
    order = Order(node, node.connect(), frames=FRAMES_PER_TURN)
    node.passes.settle()
    assert order.served == ["a"]
    assert order.pauses == []


def test_a_connection_stands_in_line_once(node: Node) -> None:
    client = node.connect()
    order = Order(node, client, frames=1)
    order.turns.add(client.connection)
    node.passes.settle()
    assert order.served == ["a"]


def test_one_that_fails_costs_its_connection_only(node: Node, errors: ErrorLog) -> None:
    bad, good = node.connect(), node.connect()

    def take(connection: object, limit: int) -> int:
        if connection is bad.connection:
            raise RuntimeError("a bug")
        served.append(connection)
        return 1

    served: list[object] = []
    turns = Turns(node.passes.loop, take)
    turns.add(bad.connection)
    turns.add(good.connection)
    assert bad.ended() == []
    assert served == [good.connection]
    assert len(errors.records) == 1


def test_a_flood_does_not_hold_up_a_single_frame(node: Node) -> None:
    """It is answered in the pass in which it is read, and that pass is bounded."""
    flooder, ann = node.online("flooder"), node.online("ann")
    flooder.write(PING * 2000)
    node.until(lambda: flooder.connection.flow.pending)
    ann.write(PING)
    loop = node.passes.loop
    before = loop.iterations
    ann.until(lambda: ann.inbox)
    assert loop.iterations - before <= 5
    assert flooder.connection.flow.pending, "the flood is still being served"
    flooder.until(lambda: len(flooder.inbox) == 2000)
