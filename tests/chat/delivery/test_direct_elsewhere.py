"""Delivery, direct: to sessions at other servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.bus import Forward, Forwarded, Live, LocalBus
from chat.delivery.delivery import DIRECT
from chat.delivery.outgoing import Outgoing
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT, MsgType
from chat.storage.tables import NORMAL, GroupModel
from tests.chat.loopkit import writer_held
from tests.chat.nodekit import Node

# ---------------------------------------------------------------------- other servers


class PatientBus(LocalBus):
    """There are others; what became of a live message is known when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Forward] = []
        self.deaf = False

    @property
    def healthy(self) -> bool:
        return not self.deaf

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
    node.until(lambda: len(bus.waiting) == 3 and ann.session.ready)
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
    late = Live(bob.user_id, bob.session, first, generation, "m1", fresh=False)
    with writer_held(node.database):
        direct.hand_over([late, Live(bob.user_id, bob.session, second, generation, "m2")])
        node.until(lambda: bob.session.pump.stores_pending == 2)
    mail = bob.take(2)
    assert [(item["msg"], "seq" in item) for item in mail] == [("first", True), ("second", True)]
    bob.got(*[item["seq"] for item in mail])
    node.until(lambda: bob.session.pump.empty)
    assert "seq" not in ann.deliver(bob, "third")


def test_acknowledgements_come_in_order(first_of_two: Node, bus: PatientBus) -> None:
    """Also of what was handed over here at once, behind something that is on its way."""
    node = first_of_two
    ann, bob, away = node.online("ann"), node.online("bob"), node.user("away")
    ann.say(away, "there", mid="1")
    ann.say(bob, "here", mid="2")
    assert bob.expect(MsgType.ONE_CHAT_MSG)["msg"] == "here"
    node.until(lambda: bus.waiting)
    ann.nothing_more()
    bus.answer()
    assert [ann.expect(MsgType.CHAT_ACK)["mid"] for _ in range(2)] == ["1", "2"]


def test_a_repeated_message_that_is_stored_for_some(first_of_two: Node) -> None:
    """Another server stored it for whom it had; the sender never had an answer."""
    node = first_of_two
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    group = ann.make_group("tea", bob)
    node.database.write(lambda tx: GroupModel(tx).add_member(group, eve, NORMAL))
    node.delivery.forget_members(group)
    message = ChatMessage(0, GROUP_CHAT, ann.user_id, "ann", group, "important", "now")
    late = Live(bob.user_id, bob.session, message, 1, "m", fresh=False)
    node.delivery._direct.hand_over([late])
    node.until_owed(bob.user_id, 1)
    node.delivery.forget_members(group)
    ann.tell(group, "important", mid="m")
    assert ann.expect(MsgType.CHAT_ACK)["seq"] == node.owed(bob.user_id)[0] == node.owed(eve)[0]


def test_no_list_is_believed_while_nobody_can_tell_of_changes(
    first_of_two: Node, bus: PatientBus
) -> None:
    node = first_of_two
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    group = ann.make_group("tea", bob)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    node.database.write(lambda tx: GroupModel(tx).add_member(group, eve, NORMAL))
    bus.deaf = True
    ann.tell(group, "one")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    assert len(node.owed(eve)) == 1


def test_in_doubt_the_lists_are_forgotten(first_of_two: Node) -> None:
    node = first_of_two
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    assert node.delivery._members.of(group) == {ann.user_id, bob.user_id}
    node.delivery._on_doubt()
    assert node.delivery._members.of(group) is None
