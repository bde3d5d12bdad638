"""Delivery, direct: live to whoever can take it, stored for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from loopkit import writer_held
from nodekit import Client, Node

from chat.bus import Forward, Forwarded, Live, LocalBus
from chat.config import ServerConfig
from chat.delivery.delivery import DIRECT
from chat.delivery.message import ChatMessage
from chat.protocol import GROUP_CHAT, MsgType


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(mode=DIRECT)


def log_rows(node: Node) -> int:
    return int(node.database.read(lambda tx: tx.query("SELECT COUNT(*) FROM message"))[0][0])


def test_to_somebody_online(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ack = ann.deliver(bob, "live", mid="m", rid="r")
    assert ack == {"msgid": 20, "errno": 0, "mid": "m", "rid": "r", "time": ack["time"]}
    mail = bob.expect(MsgType.ONE_CHAT_MSG)
    assert mail["msg"] == "live"
    assert "seq" not in mail
    assert log_rows(node) == 0
    bob.nothing_more()


def test_without_a_mid_the_ack_has_none(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    assert "mid" not in ann.deliver(bob)


def test_classic_to_classic(node: Node) -> None:
    ann, bob = node.online("ann", v2=False), node.online("bob", v2=False)
    ann.say(bob, "live")
    assert bob.next()["msg"] == "live"
    ann.nothing_more()
    assert log_rows(node) == 0


def test_to_oneself(node: Node) -> None:
    ann = node.online("ann")
    ann.say(ann, "note")
    assert [message["msgid"] for message in ann.take(2)] == [6, 20]


def test_to_somebody_offline(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ack = ann.deliver(bob, "later")
    assert ack["seq"]
    answer = node.connect().log_in(bob)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["later"]


def test_to_nobody(node: Node) -> None:
    assert node.online("ann").deliver(99)["errno"] == 5


def test_who_is_owed_something_gets_it_in_order(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ann.deliver(bob, "first")
    client = node.connect()
    answer = client.log_in(bob)
    (mail,) = answer["offlinemsg"]
    assert ann.deliver(bob, "second")["seq"], "stored, behind the first"
    second = client.expect(MsgType.ONE_CHAT_MSG)
    assert (second["msg"], second["seq"] > mail["seq"]) == ("second", True)
    client.got(mail["seq"], second["seq"])
    node.until(lambda: client.session.pump.empty)
    assert "seq" not in ann.deliver(bob, "third")
    assert client.next()["msg"] == "third"


def test_a_message_does_not_overtake_the_senders_earlier_one(node: Node) -> None:
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    with writer_held(node.database):
        ann.say(eve, "stored")
        ann.say(bob, "behind it")
        node.until(lambda: ann.session.in_flight == 2)
    assert all("seq" in ack for ack in ann.take(2))
    assert "seq" in bob.next()


def test_who_does_not_read_gets_it_stored(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    bob.session.output_full = True
    ack = ann.deliver(bob, "kept")
    assert ack["seq"]
    assert len(node.owed(bob.user_id)) == 1
    bob.session.output_full = False
    bob.session.pump.kick()
    assert bob.next()["msg"] == "kept"


# ---------------------------------------------------------------------- groups


@pytest.fixture
def members(node: Node) -> Iterator[tuple[Client, Client, Client, int]]:
    """Three members of a group, and the group; its list of members is known."""
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    group = ann.make_group("tea", bob, eve)
    ann.tell(group, "the first is stored")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    for member in (bob, eve):
        mail = member.expect(MsgType.GROUP_CHAT_MSG)
        member.got(mail["seq"])
        node.until(lambda member=member: member.session.pump.empty)
    yield ann, bob, eve, group


Members = tuple[Client, Client, Client, int]


def test_to_a_group_that_is_all_there(node: Node, members: Members) -> None:
    ann, bob, eve, group = members
    ann.tell(group, "live")
    assert "seq" not in ann.expect(MsgType.CHAT_ACK)
    for member in (bob, eve):
        mail = member.expect(MsgType.GROUP_CHAT_MSG)
        assert (mail["msg"], "seq" in mail) == ("live", False)
    ann.nothing_more()
    assert log_rows(node) == 1


def test_to_a_group_of_which_somebody_is_away(node: Node, members: Members) -> None:
    ann, bob, eve, group = members
    eve.leave()
    ann.tell(group, "live and stored")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    assert "seq" not in bob.expect(MsgType.GROUP_CHAT_MSG)
    bob.nothing_more()
    assert node.owed(bob.user_id) == []
    answer = node.connect().log_in(eve.user_id)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["live and stored"]


def test_who_has_just_joined_is_not_missed(node: Node, members: Members) -> None:
    ann, _, _, group = members
    dan = node.online("dan")
    dan.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    ann.tell(group, "welcome")
    assert dan.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "welcome"


def test_the_list_of_members_is_not_believed_for_ever(
    node: Node, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, _, group = members
    lists = node.delivery._members
    assert lists.of(group) == {1, 2, 3}
    expires, users = lists._lists[group]
    monkeypatch.setitem(lists._lists, group, (expires - 3600, users))
    assert lists.of(group) is None
    ann.tell(group, "stored again")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]


def test_who_is_not_a_member(node: Node, members: Members) -> None:
    _, bob, _, group = members
    dan = node.online("dan")
    dan.tell(group)
    assert dan.expect(MsgType.CHAT_ACK)["errno"] == 9
    bob.nothing_more()


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
    ack = ann.deliver(bob, "diverted")
    assert "seq" not in ack, "answered before it was known"
    loops.until_owed(bob.user_id, 1)
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
            ann.deliver(bob, text)
        loops.until(lambda: bob.session.pump.stores_pending == 2)
        bob.session.output_full = False
        ann.deliver(bob, "third")
        loops.until(lambda: bob.session.pump.stores_pending == 3)
    assert [item["msg"] for item in bob.take(3)] == ["first", "second", "third"]


def test_a_diverted_message_for_a_user_who_has_just_left(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    bob.session.user_id = 0  # its logout has been served in its loop, the registry does not know
    ann.deliver(bob, "kept")
    loops.until_owed(bob.user_id, 1)
    bob.session.user_id = bob.user_id


def test_a_diverted_message_that_cannot_be_stored(loops: Node) -> None:
    """At most once: it is lost, and nobody waits for it."""
    ann, bob = loops.online("ann"), loops.online("bob")
    loops.database.lose_commits = True
    bob.session.output_full = True
    ann.deliver(bob, "lost")
    loops.until(
        lambda: not bob.session.pump.stores_pending and not loops.delivery._commits._waiting
    )
    loops.database.lose_commits = False
    bob.session.output_full = False
    loops.until(lambda: bob.session.pump.empty)
    assert "seq" not in ann.deliver(bob, "next")
    assert bob.next()["msg"] == "next"


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
    later = [bob.expect(MsgType.GROUP_CHAT_MSG) for _ in range(2)]
    assert [item["msg"] for item in later] == ["first", "second"]
    bus.answer(eve.user_id)
    bus.answer(eve.user_id)
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
    before = log_rows(node)
    lives = [Live(other.user_id, other.session, message, generation) for other in others]
    node.delivery.hand_over(lives)
    node.until(lambda: all(len(node.owed(other.user_id)) == 1 for other in others))
    assert log_rows(node) == before + 1
    for other in others:
        other.session.output_full = False
