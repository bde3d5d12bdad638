"""Delivery, direct: to sessions in other loops, and at other servers."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from loopkit import WAIT, writer_held
from nodekit import Node, replace_route

from chat.bus import Forward, Forwarded, Live, LocalBus
from chat.config import ServerConfig
from chat.delivery.delivery import DIRECT
from chat.delivery.message import ChatMessage
from chat.delivery.outgoing import Outgoing
from chat.handlers.account import logout
from chat.handlers.context import Context, Request
from chat.model import NORMAL, GroupModel
from chat.protocol import GROUP_CHAT, ONE_CHAT, Message, MsgType

# ---------------------------------------------------------------------- between loops


@pytest.fixture
def loops(make_node: Callable[..., Node]) -> Node:
    return make_node(mode=DIRECT, config=ServerConfig(threads=2))


def test_live_between_loops(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    assert ann.session.loop is not bob.session.loop
    for number in range(50):
        ann.say(bob, str(number))
    mail = bob.take(50)
    assert [item["msg"] for item in mail] == [str(number) for number in range(50)]
    assert all("seq" not in item for item in mail)
    assert len([ann.expect(MsgType.CHAT_ACK) for _ in range(50)]) == 50


def test_what_could_not_be_taken_live_there_is_stored(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    bob.session.output_full = True
    assert ann.deliver(bob, "diverted")["seq"]
    assert len(loops.owed(bob.user_id)) == 1
    loops.until(lambda: not bob.session.pump.stores_pending)
    bob.session.output_full = False
    bob.session.loop.queue_in_loop(bob.session.pump.kick)
    mail = bob.expect(MsgType.ONE_CHAT_MSG)
    assert (mail["msg"], "seq" in mail) == ("diverted", True)


def test_what_follows_a_diverted_message_stays_behind_it(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    bob.session.output_full = True
    with writer_held(loops.database):
        for text in ("first", "second"):
            ann.say(bob, text)
        loops.until(lambda: bob.session.pump.stores_pending)
        bob.session.output_full = False
        ann.say(bob, "third")
        loops.until(lambda: ann.session.in_flight + len(ann.session.backlog) == 3)
    assert [item["msg"] for item in bob.take(3)] == ["first", "second", "third"]
    assert all(ann.expect(MsgType.CHAT_ACK)["seq"] for _ in range(3))


def test_who_is_leaving_gets_all_in_order(make_node: Callable[..., Node]) -> None:
    """What waits in the receiver's loop is not overtaken by what is stored meanwhile."""
    entered, go = threading.Event(), threading.Event()

    def gated(ctx: Context, request: Request) -> Message:
        entered.set()
        assert go.wait(WAIT)
        return logout(ctx, request)

    routes = replace_route(MsgType.LOGINOUT_MSG, run=gated)
    node = make_node(mode=DIRECT, routes=routes, config=ServerConfig(threads=2), workers=3)
    bob_id = node.user("bob")
    ann = node.online("ann")
    ann.deliver(bob_id, "zero")
    bob = node.online(bob_id)  # who does not acknowledge it
    assert ann.session.loop is not bob.session.loop
    bob.send(MsgType.LOGINOUT_MSG)
    node.until(entered.is_set)
    busy = threading.Event()
    bob.session.loop.queue_in_loop(lambda: busy.wait(WAIT))
    ann.say(bob_id, "first")
    node.until(lambda: ann.session.live_sends)
    go.set()
    node.until(lambda: node.sessions.find(bob_id) is None)
    ann.say(bob_id, "second")
    node.until(lambda: ann.session.in_flight + len(ann.session.backlog) == 2)
    busy.set()
    node.until_owed(bob_id, 3)
    answer = node.connect().log_in(bob_id)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["zero", "first", "second"]


def test_a_diverted_message_for_a_user_who_has_just_left(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    bob.session.user_id = 0  # its logout has been served in its loop, the registry does not know
    assert ann.deliver(bob, "kept")["seq"]
    loops.until_owed(bob.user_id, 1)
    bob.session.user_id = bob.user_id


def test_a_diverted_message_that_cannot_be_stored(loops: Node) -> None:
    """Its sender hears of it, and nobody waits for it."""
    ann, bob = loops.online("ann"), loops.online("bob")
    loops.database.lose_commits = True
    bob.session.output_full = True
    assert ann.deliver(bob, "refused")["errno"]
    loops.until(lambda: not bob.session.pump.stores_pending)
    loops.database.lose_commits = False
    bob.session.output_full = False
    loops.until(lambda: bob.session.pump.empty)
    assert "seq" not in ann.deliver(bob, "next")
    assert bob.next()["msg"] == "next"


def test_a_group_in_many_loops_is_logged_once(make_node: Callable[..., Node]) -> None:
    node = make_node(mode=DIRECT, config=ServerConfig(threads=3), workers=3)
    ann, bob, eve = [node.online(name) for name in ("ann", "bob", "eve")]
    assert len({client.session.loop for client in (ann, bob, eve)}) == 3
    group = ann.make_group("tea", bob, eve)
    ann.tell(group, "zero")  # stored; and not acknowledged, so the next one is stored as well
    ann.expect(MsgType.CHAT_ACK)
    ann.tell(group, "once")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    assert [mail["msg"] for mail in (*bob.take(2), *eve.take(2))] == ["zero", "once"] * 2
    found = ann.ask(MsgType.HISTORY_MSG, groupid=group)["messages"]
    assert [message["msg"] for message in found] == ["zero", "once"]


# ---------------------------------------------------------------------- other servers


class PatientBus(LocalBus):
    """There are others; what became of a live message is known when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Forward] = []

    @property
    def alone(self) -> bool:
        return False

    def forward(self, forward: Forward) -> None:
        self.waiting.append(forward)

    def answer(self, *missed: int) -> None:
        """The oldest one has reached all but these."""
        assert self.live is not None
        self.live.forwarded([Forwarded(self.waiting.pop(0), frozenset(missed))])


@pytest.fixture
def bus() -> PatientBus:
    return PatientBus()


@pytest.fixture
def first_of_two(make_node: Callable[..., Node], bus: PatientBus) -> Node:
    return make_node(mode=DIRECT, bus=bus)


def test_to_a_user_elsewhere(first_of_two: Node, bus: PatientBus) -> None:
    node = first_of_two
    ann, bob = node.online("ann"), node.user("bob")
    ann.say(bob, "first")
    ann.say(bob, "second")
    node.until(lambda: len(bus.waiting) == 2)
    ann.nothing_more()
    bus.answer()
    assert "seq" not in ann.expect(MsgType.CHAT_ACK)
    bus.answer(bob)
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    answer = node.connect().log_in(bob)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["second"]


def test_who_is_here_and_not_ready_is_not_overtaken(first_of_two: Node, bus: PatientBus) -> None:
    """What the others' servers say comes later than the sender's next message."""
    node = first_of_two
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    group = ann.make_group("tea", bob, eve)
    ann.tell(group, "stored")
    ann.expect(MsgType.CHAT_ACK)
    mail = bob.expect(MsgType.GROUP_CHAT_MSG)
    eve.leave()
    node.until(lambda: node.sessions.find(eve.user_id) is None)
    ann.tell(group, "first")  # bob has not acknowledged the one before
    node.until(lambda: len(bus.waiting) == 1)
    bob.got(mail["seq"])
    ann.tell(group, "second")
    node.until(lambda: len(bus.waiting) == 2)
    bob.nothing_more()  # nor the second live: it would overtake the first
    bus.answer(eve.user_id)
    bus.answer(eve.user_id)
    later = [bob.expect(MsgType.GROUP_CHAT_MSG) for _ in range(2)]
    assert [item["msg"] for item in later] == ["first", "second"]
    assert all(ann.expect(MsgType.CHAT_ACK)["seq"] for _ in range(2))
    bob.nothing_more()
    answer = node.connect().log_in(eve.user_id)
    assert [m["msg"] for m in answer["offlinemsg"]] == ["stored", "first", "second"]


def test_what_must_be_stored_waits_for_what_is_forwarded(
    first_of_two: Node, bus: PatientBus
) -> None:
    """For that may have to be stored, too, and was sent before."""
    node = first_of_two
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    bob.session.output_full = True
    for number in range(3):
        ann.say(eve, f"to eve {number}")
    ann.say(bob, "to bob, who cannot take it live")
    ann.say(eve, "to eve 3")
    node.until(lambda: len(bus.waiting) == 3 and ann.session.backlog)
    assert node.owed(bob.user_id) == []
    for _ in range(3):
        bus.answer(eve)
    acks = [ann.expect(MsgType.CHAT_ACK) for _ in range(5)]
    seqs = [ack["seq"] for ack in acks]
    assert seqs == sorted(seqs)
    answer = node.connect().log_in(eve)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == [f"to eve {n}" for n in range(4)]
    bob.session.output_full = False
    bob.session.pump.kick()
    assert bob.expect(MsgType.ONE_CHAT_MSG)["msg"] == "to bob, who cannot take it live"


def test_late_receivers_share_a_row_of_the_log(first_of_two: Node, bus: PatientBus) -> None:
    node = first_of_two
    ann, *others = [node.online(name) for name in ("ann", "bob", "eve", "dan")]
    group = ann.make_group("tea", *others)
    for other in others:
        other.session.output_full = True
    generation = node.row(ann.user_id).generation
    message = ChatMessage(0, GROUP_CHAT, ann.user_id, "ann", group, "hi", "now")
    before = node.log_rows()
    lives = [Live(other.user_id, other.session, message, generation, "m") for other in others]
    node.delivery._direct.hand_over(lives)
    node.until(lambda: all(len(node.owed(other.user_id)) == 1 for other in others))
    assert node.log_rows() == before + 1
    for other in others:
        other.session.output_full = False


def test_what_was_acknowledged_elsewhere_is_stored_whoever_has_logged_in(
    first_of_two: Node,
) -> None:
    """Its sender has the answer: that there is a newer login by now does not matter."""
    node = first_of_two
    ann, bob = node.online("ann"), node.online("bob")
    bob.session.output_full = True
    generation = node.row(ann.user_id).generation
    message = ChatMessage(0, ONE_CHAT, ann.user_id, "ann", bob.user_id, "kept", "now")
    live = Live(bob.user_id, bob.session, message, generation - 1, "m")
    node.delivery._direct.hand_over([live])
    node.until_owed(bob.user_id, 1)
    bob.session.output_full = False


def test_both_servers_store_it(first_of_two: Node, bus: PatientBus) -> None:
    """The answer came too late: whoever stores second finds the row, and adds who is missing."""
    node = first_of_two
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    group = ann.make_group("tea", bob)
    node.database.write(lambda tx: GroupModel(tx).add_member(group, eve, NORMAL))
    node.delivery.forget_members(group)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    bob.expect(MsgType.GROUP_CHAT_MSG)
    ann.tell(group, "once", mid="m")
    node.until(lambda: bus.waiting)
    (forward,) = bus.waiting
    before = node.log_rows()
    there = forward.message.copy()
    there.receivers = frozenset({eve})
    node.delivery._direct._store(
        Outgoing(None, forward.generation, there, forward.mid, only=frozenset({eve}))
    )
    node.until_owed(eve, 2)
    bus.answer(eve)
    assert ann.expect(MsgType.CHAT_ACK)["seq"] == node.owed(eve)[-1]
    assert node.log_rows() == before + 1
    assert (len(node.owed(eve)), len(node.owed(bob.user_id))) == (2, 2)


def test_what_came_late_is_stored_and_not_overtaken(first_of_two: Node) -> None:
    """Its receiver is here, but it may have been given up: so it is stored, and all behind it."""
    node = first_of_two
    ann, bob = node.online("ann"), node.online("bob")
    generation = node.row(ann.user_id).generation
    first, second = [
        ChatMessage(0, ONE_CHAT, ann.user_id, "ann", bob.user_id, text, "now")
        for text in ("first", "second")
    ]
    direct = node.delivery._direct
    with writer_held(node.database):
        direct.store(first, generation, "m1")
        direct.hand_over([Live(bob.user_id, bob.session, second, generation, "m2")])
        node.until(lambda: bob.session.pump.stores_pending == 2)
    mail = bob.take(2)
    assert [(item["msg"], "seq" in item) for item in mail] == [("first", True), ("second", True)]
    bob.got(*[item["seq"] for item in mail])
    node.until(lambda: bob.session.pump.empty)
    assert "seq" not in ann.deliver(bob, "third")
