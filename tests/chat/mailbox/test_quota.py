"""Full mailboxes, through a whole server: refused senders, and gaps of groups that are filled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.delivery.delivery import DIRECT, mailbox_limit
from chat.mailbox.quota import DOUBT_SECONDS, Fill, Fills, MailboxLimit, fill_of
from chat.protocol import GROUP_CHAT, ONE_CHAT, Limits, Message, MsgType
from chat.storage.tables import MailboxGapModel, MailShare
from tests.chat.loopkit import ErrorLog
from tests.chat.nodekit import Client, Node

SMALL = Limits(mailbox_rows=8)
"""One sender fills two places, groups fill four, and strangers six."""

REFUSED = {
    "msgid": 20,
    "errno": 12,
    "errmsg": "too many messages wait for this user: try again later",
    "retry_after": 10,
}


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(limits=SMALL)


def until_counted(node: Node, user_id: int, condition: Callable[[Fill], bool]) -> None:
    def met() -> bool:
        fill = node.delivery.quota.fills.get(user_id)
        return fill is not None and condition(fill)

    node.until(met, "the count of the mailbox")


def until_taken_again(node: Node, user_id: int) -> None:
    """Make each count old, and wait until the mailbox is counted and takes messages."""

    def met() -> bool:
        quota = node.delivery.quota
        old = {user: fill._replace(counted=-1e9) for user, fill in quota.fills.items()}
        quota.fills = Fills(old)
        quota.refused([user_id])  # as the next message to the user would do
        return user_id not in quota.fills

    node.until(met, "another count of the mailbox")


def befriend(node: Node, owner: int, others: list[Client]) -> None:
    """Put the others into the owner's list."""
    pairs = [(owner, other.user_id) for other in others]
    node.database.write(lambda tx: tx.insert_rows("friend", ("userid", "friendid"), pairs))


def gaps(node: Node, group: int) -> dict[int, int]:
    found = node.database.read(lambda tx: MailboxGapModel(tx).of_groups([group]))
    return found.get(group, {})


def fill_by_group(node: Node, ann: Client, group: int, absent: int) -> list[str]:
    """Messages to a group, after which an absent member has a gap. Returns their texts."""
    texts = [f"to all {number}" for number in range(5)]
    for text in texts:
        ann.tell(group, text)
        assert ann.expect(MsgType.CHAT_ACK)["errno"] == 0
        if text == texts[3]:
            until_counted(node, absent, lambda fill: fill.groups)
    node.until(lambda: absent in gaps(node, group), "the gap")
    return texts


def read_all(client: Client, first: Message, count: int) -> list[str]:
    """The texts of so many messages; each is acknowledged."""
    texts, mail = [], list(first["offlinemsg"])
    while True:
        for message in mail:
            texts.append(message["msg"])
            client.got(message["seq"])
        if len(texts) == count:
            return texts
        mail = [client.next()]


def test_one_sender_fills_a_quarter(node: Node) -> None:
    ann, eve, bob = node.online("ann"), node.online("eve"), node.user("bob")
    for number in range(2):
        assert eve.deliver(bob, mid=f"m{number}")["errno"] == 0
    until_counted(node, bob, lambda fill: eve.user_id in fill.senders)
    assert eve.deliver(bob, mid="m2") == {**REFUSED, "mid": "m2"}
    assert ann.deliver(bob)["errno"] == 0
    assert len(node.owed(bob)) == 3
    assert node.log_rows() == 3


def test_a_full_mailbox_takes_no_message_until_it_is_read(node: Node) -> None:
    senders = [node.online(f"friend {number}") for number in range(5)]
    bob = node.user("bob")
    befriend(node, bob, senders)
    for sender in senders[:4]:
        for _ in range(2):
            assert sender.deliver(bob)["errno"] == 0
    until_counted(node, bob, lambda fill: fill.full)
    refused = senders[4].deliver(bob, "now?", mid="m", rid="r")
    assert refused == {**REFUSED, "mid": "m", "rid": "r"}
    reader = node.connect()
    read_all(reader, reader.log_in(bob), 8)
    node.until_owed(bob, 0)
    until_taken_again(node, bob)
    assert senders[4].deliver(bob, "now?", mid="m")["errno"] == 0  # the mid was not used up
    assert reader.expect(MsgType.ONE_CHAT_MSG)["msg"] == "now?"


def test_strangers_leave_a_quarter_to_friends(node: Node) -> None:
    strangers = [node.online(f"stranger {number}") for number in range(4)]
    friend, bob = node.online("friend"), node.user("bob")
    befriend(node, bob, [friend])
    for stranger in strangers[:3]:
        for number in range(2):
            assert stranger.deliver(bob, mid=f"m{number}")["errno"] == 0
    until_counted(node, bob, lambda fill: fill.strangers)
    assert strangers[3].deliver(bob, mid="m") == {**REFUSED, "mid": "m"}
    assert strangers[0].deliver(bob, mid="m1")["errno"] == 0, "a repetition"
    for _ in range(2):
        assert friend.deliver(bob)["errno"] == 0
    until_counted(node, bob, lambda fill: fill.full)
    assert friend.deliver(bob)["errno"] == 12
    assert len(node.owed(bob)) == 8


def test_a_sender_that_has_added_the_receiver_is_a_stranger(node: Node) -> None:
    eves = [node.online(f"eve {number}") for number in range(4)]
    bob = node.user("bob")
    for eve in eves:
        assert eve.ask(MsgType.ADD_FRIEND_MSG, friendid=bob)["errno"] == 0
    for eve in eves[:3]:
        for _ in range(2):
            assert eve.deliver(bob)["errno"] == 0
    until_counted(node, bob, lambda fill: fill.strangers)
    assert eves[3].deliver(bob)["errno"] == 12


def test_notes_to_oneself_are_no_messages_of_strangers(node: Node) -> None:
    bob = node.online("bob")
    node.delivery.quota.fills = Fills(
        {bob.user_id: Fill(False, True, True, frozenset(), counted=1e12)}
    )
    bob.say(bob)
    assert sorted(message["msgid"] for message in bob.take(2)) == [6, 20]
    assert node.log_rows() == 1


def test_a_classic_sender_gets_an_error(node: Node) -> None:
    eve, bob = node.online("eve", v2=False), node.user("bob")
    for _ in range(2):
        eve.say(bob)
    node.until_owed(bob, 2)
    until_counted(node, bob, lambda fill: eve.user_id in fill.senders)
    eve.say(bob)
    answer = eve.expect(MsgType.ERROR_MSG)
    assert (answer["errno"], answer["errmsg"]) == (12, REFUSED["errmsg"])


def test_a_repetition_is_acknowledged_although_the_mailbox_is_full(node: Node) -> None:
    eve, bob = node.online("eve"), node.user("bob")
    stored = [eve.deliver(bob, mid=f"m{number}") for number in range(2)]
    until_counted(node, bob, lambda fill: eve.user_id in fill.senders)
    assert eve.deliver(bob, mid="m1") == stored[1]
    assert eve.deliver(bob, mid="m2")["errno"] == 12


def test_the_limit_in_bytes(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(mailbox_bytes=40_000))
    eve, bob = node.online("eve"), node.user("bob")
    assert eve.deliver(bob, "x" * 10_000)["errno"] == 0
    until_counted(node, bob, lambda fill: eve.user_id in fill.senders)
    assert eve.deliver(bob)["errno"] == 12


def test_a_receiver_that_keeps_up_is_never_full(node: Node) -> None:
    eve, bob = node.online("eve"), node.online("bob")
    for number in range(30):
        eve.say(bob, f"{number}")
        assert eve.expect(MsgType.CHAT_ACK)["errno"] == 0
        bob.got(bob.expect(MsgType.ONE_CHAT_MSG)["seq"])
        node.until_owed(bob.user_id, 0)
    assert not node.delivery.quota.fills


def test_an_absent_member_gets_all_messages_of_a_group_later(node: Node) -> None:
    ann, eve, bob = node.online("ann"), node.online("eve"), node.online("bob")
    group = ann.make_group("tea", eve, bob)
    bob.leave()
    texts = fill_by_group(node, ann, group, bob.user_id)
    rows = len(node.owed(bob.user_id))
    for number in range(250):  # more than one filling of the gap
        texts.append(f"later {number}")
        ann.tell(group, texts[-1])
        assert ann.expect(MsgType.CHAT_ACK)["errno"] == 0
    assert len(node.owed(bob.user_id)) == rows
    assert len(eve.take(200)) == 200  # the other members are not concerned
    again = node.connect()
    assert read_all(again, again.log_in(bob.user_id), len(texts)) == texts
    again.nothing_more()
    node.until(lambda: bob.user_id not in gaps(node, group), "the end of the gap")
    ann.tell(group, "at once")
    assert again.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "at once"


def test_a_gap_does_not_hold_up_messages_to_the_user(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    texts = fill_by_group(node, ann, group, bob.user_id)
    ann.tell(group, "in the gap")
    ann.take(1)
    assert ann.deliver(bob, "to you")["errno"] == 0
    again = node.connect()
    found = read_all(again, again.log_in(bob.user_id), len(texts) + 2)
    assert found == [*texts, "to you", "in the gap"]


def test_a_classic_client_gets_them_too(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob", v2=False)
    group = ann.make_group("tea")
    bob.send(MsgType.ADD_GROUP_MSG, groupid=group)
    bob.nothing_more()
    bob.leave()
    fill_by_group(node, ann, group, bob.user_id)
    ann.tell(group, "in the gap")
    ann.take(1)
    again = node.connect(v2=False)
    again.log_in(bob.user_id)
    assert again.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "in the gap"
    node.until_owed(bob.user_id, 0)


def test_a_gap_of_a_user_that_has_read_all_meanwhile(node: Node) -> None:
    """The count is old when the gap begins: the pump must look for it."""
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    old = Fill(False, False, True, frozenset(), counted=1e12)
    node.delivery.quota.fills = Fills({bob.user_id: old})
    node.delivery.quota.crowded = frozenset([bob.user_id])
    for number in range(20):
        ann.tell(group, f"{number}")
        ann.expect(MsgType.CHAT_ACK)
    got = bob.take(20)
    assert [message["msg"] for message in got] == [f"{number}" for number in range(20)]


def test_a_member_that_leaves_has_no_gap(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    fill_by_group(node, ann, group, bob.user_id)
    answer = ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=bob.user_id)
    assert answer["errno"] == 0
    assert gaps(node, group) == {}


def test_filling_a_gap_fails_and_is_tried_again(node: Node, errors: ErrorLog) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    texts = fill_by_group(node, ann, group, bob.user_id)
    ann.tell(group, "in the gap")
    ann.take(1)
    again = node.connect()
    answer = again.log_in(bob.user_id)
    node.database.lose_commits = True
    again.got(*[message["seq"] for message in answer["offlinemsg"]])
    again.nothing_more()
    node.database.lose_commits = False
    assert len(answer["offlinemsg"]) == len(texts)
    assert again.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "in the gap"


def test_direct_refuses_and_has_gaps_too(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=SMALL, mode=DIRECT)
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    texts = fill_by_group(node, ann, group, bob.user_id)
    ann.tell(group, "in the gap")
    ann.take(1)
    for _ in range(2):
        assert ann.deliver(bob.user_id)["errno"] == 0
    until_counted(node, bob.user_id, lambda fill: ann.user_id in fill.senders)
    assert ann.deliver(bob.user_id)["errno"] == 12
    again = node.connect()
    found = read_all(again, again.log_in(bob.user_id), len(texts) + 3)
    assert found == [*texts, "hi", "hi", "in the gap"]
    ann.tell(group, "after it")
    assert again.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "after it"


# ---------------------------------------------------------------------- the rule itself

LIMIT = MailboxLimit(rows=100, size=10_000, longest=1000)


def test_the_parts_of_a_mailbox() -> None:
    def fill(*shares: MailShare) -> Fill | None:
        return fill_of(shares, LIMIT, 1.0)

    assert fill(MailShare(1, ONE_CHAT, 24, 2499)) is None
    by_rows, by_size = MailShare(1, ONE_CHAT, 25, 0), MailShare(2, ONE_CHAT, 1, 2500)
    assert fill(by_rows) == Fill(False, False, False, frozenset({1}), 1.0)
    assert fill(by_rows, by_size) == Fill(False, False, False, frozenset({1, 2}), 1.0)
    group = MailShare(1, GROUP_CHAT, 50, 0)
    assert fill(group) == Fill(False, False, True, frozenset(), 1.0)
    strangers = fill(group, MailShare(1, ONE_CHAT, 24, 0), MailShare(2, ONE_CHAT, 1, 0))
    assert strangers == Fill(False, True, True, frozenset(), 1.0)
    unknown = MailShare(None, None, 50, 0)
    full = fill(group, unknown)
    assert full == Fill(True, True, True, frozenset(), 1.0)
    assert full.refuses(7)


def test_a_mailbox_is_counted_long_before_it_can_be_too_full() -> None:
    limit = mailbox_limit(Limits())
    assert limit.surely_fits * limit.longest <= limit.size
    assert limit.surely_fits <= limit.rows
    assert REFUSED["retry_after"] > DOUBT_SECONDS  # type: ignore[operator]
