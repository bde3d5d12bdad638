"""MailboxPoller: mail without a wake-up arrives all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

import chat.delivery.poller
from chat.delivery.poller import MailboxPoller
from chat.protocol import ONE_CHAT, MsgType
from chat.storage import Transaction
from chat.storage.tables import LogRow, MailboxGapModel, MessageModel, OfflineMessageModel
from tests.chat.nodekit import Node


@pytest.fixture
def rounds(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Runs a poller; the function waits for one more whole round."""
    monkeypatch.setattr(chat.delivery.poller, "POLL_SECONDS", 0.001)
    done: list[bool] = []
    poller = MailboxPoller(
        node.passes.loop, node.database, node.logins, node.workers, lambda: done.append(True)
    )
    poller.start()

    def one_more() -> None:
        seen = len(done)
        node.until(lambda: len(done) > seen + 1, "a round")

    yield one_more
    poller.close()
    poller.close()


def behind_its_back(node: Node, sender: int, receiver: int, *texts: str) -> list[int]:
    """Another node stores messages without a wake-up."""
    rows = [LogRow(sender, text, ONE_CHAT, receiver, text, "now", None) for text in texts]

    def store(tx: Transaction) -> list[int]:
        seqs = MessageModel(tx).insert_new(rows)
        OfflineMessageModel(tx).insert([(receiver, seq) for seq in seqs if seq])
        return [seq for seq in seqs if seq]

    return node.database.write(store)


def test_it_finds_mail(node: Node, rounds: Callable[[], None]) -> None:
    ann, bob = node.user("ann"), node.online("bob")
    seqs = behind_its_back(node, ann, bob.user_id, "1", "2")
    assert [m["seq"] for m in bob.take(2)] == seqs
    rounds()
    bob.nothing_more()
    bob.got(seqs[0])
    node.until_owed(bob.user_id, 1)
    rounds()
    bob.nothing_more()
    (third,) = behind_its_back(node, ann, bob.user_id, "3")
    assert bob.expect(MsgType.ONE_CHAT_MSG)["seq"] == third


def test_it_finds_a_gap(node: Node, rounds: Callable[[], None]) -> None:
    """Another node has begun the gap when the user had read all messages."""
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    rounds()
    node.database.write(lambda tx: MailboxGapModel(tx).open(group, [bob.user_id], 0))
    ann.tell(group, "in the gap")
    assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "in the gap"


def owe(user_id: int, seq: int, tx: Transaction) -> None:
    OfflineMessageModel(tx).insert([(user_id, seq)])


def test_a_lower_number_that_was_committed_later(node: Node, rounds: Callable[[], None]) -> None:
    ann, bob = node.user("ann"), node.online("bob")
    low, high = behind_its_back(node, ann, 999, "low", "high")
    for seq in (high, low):
        node.database.write(partial(owe, bob.user_id, seq))
        assert bob.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq


def test_without_users(node: Node, rounds: Callable[[], None]) -> None:
    rounds()


def test_the_database_is_away(node: Node, rounds: Callable[[], None]) -> None:
    ann, bob = node.user("ann"), node.online("bob")
    node.database.broken = True
    rounds()
    node.database.broken = False
    (seq,) = behind_its_back(node, ann, bob.user_id, "1")
    assert bob.expect(MsgType.ONE_CHAT_MSG)["seq"] == seq


def test_a_closed_one_does_not_begin(node: Node) -> None:
    done: list[bool] = []
    poller = MailboxPoller(
        node.passes.loop, node.database, node.logins, node.workers, lambda: done.append(True)
    )
    poller.close()
    poller.start()
    node.passes.settle()
    assert not done
