"""Retention: old messages go, except those in mailboxes; gaps, histories and ``mid``s follow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from chat.mailbox.gap import fill_gap
from chat.maintenance.retention import PASS_SECONDS, Retention, find_boundary
from chat.protocol import Limits, MsgType
from chat.storage import Database, StorageError
from chat.storage.tables import LogRow, MailboxGapModel, MessageModel, OfflineMessageModel
from muduopy import EventLoop, ThreadPool
from tests.chat.loopkit import FailingDatabase, Passes
from tests.chat.nodekit import Client, Node, TestClock

DAY = 86_400
DAYS = 10


def text(date: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(date))


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def retention(
    failing: FailingDatabase, clock: TestClock, loop: EventLoop, workers: ThreadPool
) -> Retention:
    workers.start()
    return Retention(failing, clock, DAYS, loop, workers)


def write(database: Database, clock: TestClock, ages: list[float], target: int = 2) -> list[int]:
    """Messages of user 1 that are so many days old. Returns their numbers."""
    rows = [
        LogRow(1, f"m{target} {number}", 6, target, "hi", text(clock.date - age * DAY), None)
        for number, age in enumerate(ages)
    ]
    return [seq for seq in database.write(lambda tx: MessageModel(tx).insert_new(rows)) if seq]


def left(database: Database) -> list[int]:
    return database.read(lambda tx: MessageModel(tx).numbers(0, 1_000_000, 1_000_000))


def test_a_pass(database: Database, clock: TestClock, retention: Retention, passes: Passes) -> None:
    """More messages than one deletion takes, and in one of the mailboxes."""
    seqs = write(database, clock, [20.0] * 450 + [11, 9, 1])
    waiting = [seqs[3], seqs[451]]
    database.write(lambda tx: OfflineMessageModel(tx).insert([(2, seq) for seq in waiting]))
    retention.begin()
    kept = [seqs[3], *seqs[451:]]
    passes.until(lambda: left(database) == kept, "the end of the pass")
    mail = database.read(lambda tx: OfflineMessageModel(tx).messages(2, waiting))
    assert [(row.seq, row.text) for row in mail] == [(seq, "hi") for seq in waiting]


def test_the_next_pass_is_due_later(
    database: Database, clock: TestClock, retention: Retention
) -> None:
    write(database, clock, [11.0, 9.0, 0.0])
    assert retention.claim()
    assert not retention.claim()  # another server has the same answer
    clock.date += PASS_SECONDS
    assert retention.claim()
    clock.date -= DAY  # set back: the stored time means nothing
    assert retention.claim()


@pytest.mark.parametrize("old", range(7))
def test_the_boundary(database: Database, clock: TestClock, old: int) -> None:
    seqs = write(database, clock, [20.0] * old + [1.0] * (6 - old))
    database.write(lambda tx: MessageModel(tx).delete(seqs[1:3]))
    found = database.read(lambda tx: find_boundary(tx, text(clock.date - DAYS * DAY)))
    expected = [seq for seq in [seqs[0], *seqs[3:]] if seqs.index(seq) < min(old, 5)]
    assert found == (expected[-1] if expected else 0)


def test_an_empty_log(database: Database, retention: Retention) -> None:
    assert retention.claim()
    assert not retention.step()


def test_the_newest_message_stays(
    database: Database, clock: TestClock, retention: Retention
) -> None:
    seqs = write(database, clock, [20.0, 20.0])
    retention.claim()
    while retention.step():
        pass
    assert left(database) == seqs[1:]


def test_the_database_fails(
    failing: FailingDatabase, clock: TestClock, retention: Retention, passes: Passes
) -> None:
    seqs = write(failing, clock, [20.0, 20.0, 0.0])
    retention.claim()
    failing.broken = True
    with pytest.raises(StorageError):
        retention.step()
    failing.broken = False
    clock.date += PASS_SECONDS
    retention.begin()
    passes.until(lambda: left(failing) == seqs[2:], "the next pass")


def test_a_mid_is_forgotten_with_its_message(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    first = ann.deliver(bob, "hi", mid="m")
    bob.got(bob.expect(MsgType.ONE_CHAT_MSG)["seq"])
    ann.deliver(bob, "the newest")
    node.until_owed(bob.user_id, 1)
    prune_all(node)
    assert [m["msg"] for m in history(ann, bob.user_id)] == ["the newest"]
    assert ann.deliver(bob, "hi", mid="m")["seq"] > first["seq"]


def test_a_gap_goes_on_behind_deleted_messages(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(mailbox_rows=8))
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    node.database.write(lambda tx: MailboxGapModel(tx).open(group, [bob.user_id], 0))
    for word in ("old", "older", "newest"):
        ann.tell(group, word)
        ann.expect(MsgType.CHAT_ACK)
    prune_all(node)
    again = node.connect()
    assert again.log_in(bob.user_id)["offlinemsg"] == []
    assert again.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "newest"


def test_no_row_for_a_message_that_may_be_deleted_at_any_moment(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    node.database.write(lambda tx: MailboxGapModel(tx).open(group, [bob.user_id], 0))
    for word in ("old", "newest"):
        ann.tell(group, word)
        ann.expect(MsgType.CHAT_ACK)
    pass_of(node).claim()
    node.database.write(lambda tx: fill_gap(tx, bob.user_id))
    assert len(node.owed(bob.user_id)) == 1


def pass_of(node: Node) -> Retention:
    """A retention for which all messages are old."""
    later = TestClock()
    later.date = int(time.time()) + 2 * DAY
    return Retention(node.database, later, 1, node.passes.loop, node.workers)


def prune_all(node: Node) -> None:
    retention = pass_of(node)
    assert retention.claim()
    while retention.step():
        pass


def history(client: Client, other: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = client.ask(MsgType.HISTORY_MSG, **{"with": other})["messages"]
    return messages
