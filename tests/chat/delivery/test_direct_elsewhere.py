"""Delivery, direct: to logins at other servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.bus import Answer, BusListener, LocalBus, Received
from chat.delivery.codec import LiveMessage, Payload
from chat.delivery.delivery import DIRECT
from chat.delivery.submission import Submission
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT, MsgType
from chat.storage.tables import NORMAL, GroupModel
from tests.chat.loopkit import writer_held
from tests.chat.nodekit import Client, Node, member_lists

# ---------------------------------------------------------------------- other servers


class PatientBus(LocalBus[Payload]):
    """There are other nodes; they answer when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[LiveMessage, object]] = []  # requests, with their tags
        self.answers: list[tuple[str, Answer]] = []  # of this node, to requests of others
        self.deaf = False
        self._listener: BusListener[Payload] | None = None

    def start(self, listener: BusListener[Payload]) -> None:
        self._listener = listener

    @property
    def listener(self) -> BusListener[Payload]:
        assert self._listener is not None
        return self._listener

    @property
    def name(self) -> str:
        return "here"

    @property
    def healthy(self) -> bool:
        return not self.deaf

    @property
    def alone(self) -> bool:
        return False

    def request(self, payload: Payload, tag: object) -> None:
        assert isinstance(payload, LiveMessage)
        self.waiting.append((payload, tag))

    def answer(self, node: str, answer: Answer) -> None:
        self.answers.append((node, answer))

    def reach_all_but(self, *missed: int) -> None:
        """The oldest request has reached all receivers but these."""
        live, tag = self.waiting.pop(0)
        if not live.number:
            self.listener.on_counts([(tag, 0 if missed else 1)])
            return
        self.listener.on_counts([(tag, 1)])
        reached = live.message.receivers - set(missed)
        self.listener.on_answers([Answer(live.number, sorted(reached))])

    def bring(self, *lives: LiveMessage, fresh: bool = True) -> None:
        """Other nodes request these."""
        self.listener.on_received([Received(live, False, fresh) for live in lives])


def live_message(
    generation: int, mid: str, message: ChatMessage, *receivers: int, node: str = "there"
) -> LiveMessage:
    """As another node sends it; to a group where there are ``receivers``."""
    message.receivers = frozenset(receivers or (message.target,))
    return LiveMessage(node, 1 if receivers else 0, generation, mid, message)


@pytest.fixture
def bus() -> PatientBus:
    return PatientBus()


@pytest.fixture
def first_of_two(make_node: Callable[..., Node], bus: PatientBus) -> Node:
    return make_node(mode=DIRECT, bus=bus)


def group_with_one_elsewhere(node: Node) -> tuple[Client, Client, int, int]:
    """ann and bob, who are online here, the id of eve, who is not, and their group."""
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    group = ann.make_group("tea", bob)
    node.database.write(lambda tx: GroupModel(tx).add_member(group, eve, NORMAL))
    member_lists(node).forget(group)
    return ann, bob, eve, group


def test_to_a_user_elsewhere(first_of_two: Node, bus: PatientBus) -> None:
    node = first_of_two
    ann, bob = node.online("ann"), node.user("bob")
    ann.say(bob, "first")
    ann.say(bob, "second")
    node.until(lambda: len(bus.waiting) == 2)
    ann.nothing_more()
    bus.reach_all_but()
    assert "seq" not in ann.expect(MsgType.CHAT_ACK)
    bus.reach_all_but(bob)
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
    node.until(lambda: node.logins.find(eve.user_id) is None)
    ann.tell(group, "first")  # bob has not acknowledged the one before
    node.until(lambda: len(bus.waiting) == 1)
    bob.got(mail["seq"])
    ann.tell(group, "second")
    node.until(lambda: len(bus.waiting) == 2)
    bob.nothing_more()  # nor the second live: it would overtake the first
    bus.reach_all_but(eve.user_id)
    bus.reach_all_but(eve.user_id)
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
    bob.connection.flow.output_full = True
    for number in range(3):
        ann.say(eve, f"to eve {number}")
    ann.say(bob, "to bob, who cannot take it live")
    ann.say(eve, "to eve 3")
    node.until(lambda: len(bus.waiting) == 3 and ann.connection.flow.ready)
    assert node.owed(bob.user_id) == []
    for _ in range(3):
        bus.reach_all_but(eve)
    acks = [ann.expect(MsgType.CHAT_ACK) for _ in range(5)]
    seqs = [ack["seq"] for ack in acks]
    assert seqs == sorted(seqs)
    answer = node.connect().log_in(eve)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == [f"to eve {n}" for n in range(4)]
    bob.connection.flow.output_full = False
    bob.login.pump.kick()
    assert bob.expect(MsgType.ONE_CHAT_MSG)["msg"] == "to bob, who cannot take it live"


def test_late_receivers_share_a_row_of_the_log(first_of_two: Node, bus: PatientBus) -> None:
    node = first_of_two
    ann, *others = [node.online(name) for name in ("ann", "bob", "eve", "dan")]
    group = ann.make_group("tea", *others)
    for other in others:
        other.connection.flow.output_full = True
    generation = node.row(ann.user_id).generation
    message = ChatMessage(0, GROUP_CHAT, ann.user_id, "ann", group, "hi", "now")
    before = node.log_rows()
    bus.bring(live_message(generation, "m", message, *[other.user_id for other in others]))
    node.until(lambda: all(len(node.owed(other.user_id)) == 1 for other in others))
    assert node.log_rows() == before + 1
    for other in others:
        other.connection.flow.output_full = False


def test_what_was_acknowledged_elsewhere_is_stored_after_a_newer_login(
    first_of_two: Node, bus: PatientBus
) -> None:
    """Its sender has the acknowledgement."""
    node = first_of_two
    ann, bob = node.online("ann"), node.online("bob")
    bob.connection.flow.output_full = True
    generation = node.row(ann.user_id).generation
    message = ChatMessage(0, ONE_CHAT, ann.user_id, "ann", bob.user_id, "kept", "now")
    bus.bring(live_message(generation - 1, "m", message))
    node.until_owed(bob.user_id, 1)
    bob.connection.flow.output_full = False


def test_both_servers_store_it(first_of_two: Node, bus: PatientBus) -> None:
    """The answer came too late. The second one finds the row, and adds its receivers."""
    node = first_of_two
    ann, bob, eve, group = group_with_one_elsewhere(node)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    bob.expect(MsgType.GROUP_CHAT_MSG)
    ann.tell(group, "once", mid="m")
    node.until(lambda: bus.waiting)
    ((live, _),) = bus.waiting
    before = node.log_rows()
    node.delivery._receiver._store(
        Submission(None, live.generation, live.message.copy(), live.mid, only=frozenset({eve}))
    )
    node.until_owed(eve, 2)
    bus.reach_all_but(eve)
    assert ann.expect(MsgType.CHAT_ACK)["seq"] == node.owed(eve)[-1]
    assert node.log_rows() == before + 1
    assert (len(node.owed(eve)), len(node.owed(bob.user_id))) == (2, 2)


def test_what_came_late_is_stored_and_not_overtaken(first_of_two: Node, bus: PatientBus) -> None:
    """Its receiver is here, but it may have been given up: so it is stored, and all behind it."""
    node = first_of_two
    ann, bob = node.online("ann"), node.online("bob")
    generation = node.row(ann.user_id).generation
    first, second = [
        ChatMessage(0, ONE_CHAT, ann.user_id, "ann", bob.user_id, text, "now")
        for text in ("first", "second")
    ]
    with writer_held(node.database):
        bus.bring(live_message(generation, "m1", first), fresh=False)
        bus.bring(live_message(generation, "m2", second))
        node.until(lambda: bob.login.pump.stores_pending == 2)
    mail = bob.take(2)
    assert [(item["msg"], "seq" in item) for item in mail] == [("first", True), ("second", True)]
    bob.got(*[item["seq"] for item in mail])
    node.until(lambda: bob.login.pump.empty)
    assert "seq" not in ann.deliver(bob, "third")


def test_acknowledgements_come_in_order(first_of_two: Node, bus: PatientBus) -> None:
    """The same for a message that was handed over at once, behind one that is under way."""
    node = first_of_two
    ann, bob, away = node.online("ann"), node.online("bob"), node.user("away")
    ann.say(away, "there", mid="1")
    ann.say(bob, "here", mid="2")
    assert bob.expect(MsgType.ONE_CHAT_MSG)["msg"] == "here"
    node.until(lambda: bus.waiting)
    ann.nothing_more()
    bus.reach_all_but()
    assert [ann.expect(MsgType.CHAT_ACK)["mid"] for _ in range(2)] == ["1", "2"]


def test_a_repeated_message_that_is_stored_for_some(first_of_two: Node, bus: PatientBus) -> None:
    """Another server stored it for its own users; the sender never had an answer."""
    node = first_of_two
    ann, bob, eve, group = group_with_one_elsewhere(node)
    message = ChatMessage(0, GROUP_CHAT, ann.user_id, "ann", group, "important", "now")
    bus.bring(live_message(1, "m", message, bob.user_id), fresh=False)
    node.until_owed(bob.user_id, 1)
    member_lists(node).forget(group)
    ann.tell(group, "important", mid="m")
    assert ann.expect(MsgType.CHAT_ACK)["seq"] == node.owed(bob.user_id)[0] == node.owed(eve)[0]


def test_no_list_is_believed_while_the_bus_is_deaf(first_of_two: Node, bus: PatientBus) -> None:
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


def test_in_doubt_the_lists_are_forgotten(first_of_two: Node, bus: PatientBus) -> None:
    node = first_of_two
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    assert member_lists(node).of(group) == frozenset({ann.user_id, bob.user_id})
    bus.listener.on_doubt()
    assert member_lists(node).of(group) is None


# ---------------------------------------------------------------------- requests of other nodes


def to_bob(sender: int, bob: int, text: str = "hi") -> ChatMessage:
    return ChatMessage(0, ONE_CHAT, sender, "ann", bob, text, "now")


def test_a_request_is_handed_over_at_once(first_of_two: Node, bus: PatientBus) -> None:
    node = first_of_two
    ann, bob = node.user("ann"), node.online("bob")
    bus.bring(live_message(1, "m", to_bob(ann, bob.user_id)))
    mail = bob.expect(MsgType.ONE_CHAT_MSG)
    assert (mail["msg"], "seq" in mail) == ("hi", False)
    assert node.log_rows() == 0
    assert not bus.answers, "the number of subscribers was the answer"


def test_a_user_who_has_just_left_gets_it_stored(first_of_two: Node, bus: PatientBus) -> None:
    """Redis counted this node's subscription, so the sender's node counts on this one."""
    node = first_of_two
    ann, bob = node.user("ann"), node.user("bob")
    bus.bring(live_message(1, "m", to_bob(ann, bob)))
    node.until_owed(bob, 1)


def test_a_group_s_request_is_answered(first_of_two: Node, bus: PatientBus) -> None:
    """With the receivers that are here, also if there are none."""
    node = first_of_two
    ann, bob, eve = node.user("ann"), node.online("bob"), node.online("eve")
    group = bob.make_group("tea", eve)
    for receivers in ((bob.user_id, 99), (98, 99)):
        message = ChatMessage(0, GROUP_CHAT, ann, "ann", group, "hi", "now")
        bus.bring(live_message(1, "m", message, *receivers))
    assert bus.answers == [("there", Answer(1, [bob.user_id])), ("there", Answer(1, []))]
    assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "hi"
    eve.nothing_more()


def test_an_own_request_counts_as_an_answer(first_of_two: Node, bus: PatientBus) -> None:
    """The receivers here had it from the sender's login."""
    node = first_of_two
    ann, bob, eve, group = group_with_one_elsewhere(node)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    bob.got(bob.expect(MsgType.GROUP_CHAT_MSG)["seq"])
    node.until(lambda: bob.login.pump.empty)
    ann.tell(group, "one")
    node.until(lambda: bus.waiting)
    ((live, tag),) = bus.waiting
    bus.bring(live)
    bus.listener.on_counts([(tag, 1)])
    assert ann.expect(MsgType.CHAT_ACK)["seq"] == node.owed(eve)[-1]
    assert "seq" not in bob.expect(MsgType.GROUP_CHAT_MSG)
    bob.nothing_more()
    assert not bus.answers


def test_a_node_that_does_not_answer_is_not_waited_for(
    first_of_two: Node, bus: PatientBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.delivery.forwarding.NODE_ANSWER_SECONDS", 0.0)
    node = first_of_two
    ann, _, eve, group = group_with_one_elsewhere(node)
    ann.tell(group, "zero")
    ann.expect(MsgType.CHAT_ACK)
    ann.tell(group, "one")
    assert ann.expect(MsgType.CHAT_ACK)["seq"] == node.owed(eve)[-1]
