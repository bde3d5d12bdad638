"""Mailbox: reads on real workers, deletions on the real writer, answers in the loop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import ujson

from chat.mailbox.mailbox import Mailbox, load
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT
from chat.storage import Database
from chat.storage.tables import LogRow, MessageModel, OfflineMessageModel, UserModel
from muduopy import EventLoop, ThreadPool
from tests.chat.loopkit import FailingDatabase, Passes, writer_held


class RecordingPump:
    """Hears what a pump hears."""

    def __init__(self, loop: EventLoop, user_id: int) -> None:
        self.connection = SimpleNamespace(loop=loop)
        self.mailbox = user_id
        self.found: list[tuple[list[int], bool]] = []
        self.failures = 0
        self.forgotten: list[set[int]] = []

    def read_done(self, messages: list[ChatMessage], complete: bool) -> None:
        assert self.connection.loop.is_in_loop_thread
        self.found.append(([message.seq for message in messages], complete))

    def read_failed(self) -> None:
        assert self.connection.loop.is_in_loop_thread
        self.failures += 1

    def deleted(self, seqs: set[int]) -> None:
        assert self.connection.loop.is_in_loop_thread
        self.forgotten.append(set(seqs))


@pytest.fixture
def mailbox(failing: FailingDatabase, workers: ThreadPool) -> Mailbox:
    return Mailbox(failing, workers)


@pytest.fixture
def pump(loop: EventLoop) -> Any:
    return RecordingPump(loop, 9)


def owe(database: Database, user_id: int, count: int) -> list[int]:
    """Log messages and owe them."""
    rows = [LogRow(user_id, f"m{n}", ONE_CHAT, user_id, f"t{n}", "now", None) for n in range(count)]
    seqs = [s for s in database.write(lambda tx: MessageModel(tx).insert_new(rows)) if s]
    database.write(lambda tx: OfflineMessageModel(tx).insert([(user_id, seq) for seq in seqs]))
    return seqs


def owed(database: Database, user_id: int) -> list[int]:
    return [seq for seq, _ in database.read(lambda tx: OfflineMessageModel(tx).sizes(user_id, 99))]


def test_read(mailbox: Mailbox, database: Database, passes: Passes, pump: Any) -> None:
    seqs = owe(database, 9, 3)
    for known, room, expected in [
        ((), 2, (seqs[:2], False)),
        ((), 3, (seqs, True)),
        ((), 4, (seqs, True)),
        (seqs[:1], 1, (seqs[1:2], False)),
        (seqs[1:2], 2, ([seqs[0], seqs[2]], True)),
        (seqs, 1, ([], True)),
        ((77, 78), 2, (seqs[:2], False)),
    ]:
        mailbox.read(pump, frozenset(known), room)
        passes.until(lambda: pump.found)
        assert pump.found.pop() == expected


def test_a_failed_read(
    mailbox: Mailbox, failing: FailingDatabase, passes: Passes, pump: Any
) -> None:
    failing.broken = True
    mailbox.read(pump, frozenset(), 5)
    passes.until(lambda: pump.failures)
    assert not pump.found


def test_no_worker_to_read(database: Database, passes: Passes, pump: Any) -> None:
    stopped = ThreadPool(1, "none")
    stopped.stop()
    Mailbox(database, stopped).read(pump, frozenset(), 5)
    assert not pump.failures, "never from inside the call"
    passes.until(lambda: pump.failures)


def test_deletions_that_gather_are_committed_together(
    mailbox: Mailbox, database: Database, passes: Passes, pump: Any, loop: EventLoop
) -> None:
    mine, others = owe(database, 9, 5), owe(database, 8, 3)
    other: Any = RecordingPump(loop, 8)
    with writer_held(database):
        mailbox.delete(pump, set(mine[:2]))
        mailbox.delete(pump, {mine[2]})
        mailbox.delete(other, {others[0], mine[3]})  # not this user's: harmless
    passes.until(lambda: other.forgotten)
    assert pump.forgotten == [set(mine[:2]), {mine[2]}]
    assert other.forgotten == [{others[0], mine[3]}]
    assert owed(database, 9) == mine[3:]
    assert owed(database, 8) == others[1:]


def test_more_than_a_statement_holds(
    mailbox: Mailbox, database: Database, passes: Passes, pump: Any
) -> None:
    seqs = owe(database, 9, 300)
    mailbox.delete(pump, set(seqs))
    passes.until(lambda: pump.forgotten)
    assert owed(database, 9) == []


def test_a_deletion_has_its_limit(
    mailbox: Mailbox,
    failing: FailingDatabase,
    passes: Passes,
    pump: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.mailbox.mailbox.MAX_DELETED", 5)
    sizes: list[int] = []
    delete = OfflineMessageModel.delete

    def note(model: OfflineMessageModel, received: list[tuple[int, int]]) -> None:
        sizes.append(len(received))
        delete(model, received)

    monkeypatch.setattr(OfflineMessageModel, "delete", note)
    seqs = owe(failing, 9, 20)
    with writer_held(failing):
        for start, end in ((0, 2), (2, 4), (4, 6), (6, 13), (13, 20)):
            mailbox.delete(pump, set(seqs[start:end]))
    passes.until(lambda: len(pump.forgotten) == 5)
    assert sizes == [4, 2, 7, 7], "one acknowledgement is not divided"
    assert sorted(seq for part in pump.forgotten for seq in part) == seqs
    assert owed(failing, 9) == []


def test_a_failed_deletion_is_tried_again_with_the_next(
    mailbox: Mailbox, failing: FailingDatabase, passes: Passes, pump: Any
) -> None:
    seqs = owe(failing, 9, 3)
    failing.lose_commits = True
    mailbox.delete(pump, {seqs[0]})
    failing.submit(lambda tx: None, lambda result, error: None)
    wait_for_writer(failing)
    passes.settle()
    assert not pump.forgotten, "the rows are still there"
    failing.lose_commits = False
    mailbox.delete(pump, {seqs[1]})
    passes.until(lambda: len(pump.forgotten) == 2)
    assert pump.forgotten == [{seqs[0]}, {seqs[1]}]
    assert owed(failing, 9) == [seqs[2]]


def wait_for_writer(database: FailingDatabase) -> None:
    database._real.write(lambda tx: None)


def test_a_closed_database_deletes_nothing(
    mailbox: Mailbox, database: Database, passes: Passes, pump: Any
) -> None:
    database.close()
    mailbox.delete(pump, {1})
    passes.settle()
    assert not pump.forgotten
    mailbox.delete(pump, {2})
    passes.settle()
    assert not pump.forgotten


# ---------------------------------------------------------------------- loading


def store_whole(database: Database, seq: int, whole: str) -> None:
    row = [(9, seq, whole)]
    columns = ("userid", "seq", "message")
    database.write(lambda tx: tx.insert_rows("offlinemessage", columns, row))


def loaded(database: Database) -> ChatMessage:
    messages, complete = database.read(lambda tx: load(tx, 9, (), 10, 1000))
    assert complete
    (message,) = messages
    return message


def test_what_the_log_says(database: Database) -> None:
    sender = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    row = LogRow(sender, "m", GROUP_CHAT, 7, "hi", "then", '{"colour":"red"}')
    (seq,) = database.write(lambda tx: MessageModel(tx).insert_new([row]))
    assert seq is not None
    database.write(lambda tx: OfflineMessageModel(tx).insert([(9, seq)]))
    message = loaded(database)
    assert message.fields(v2=True) == {
        "msgid": 10,
        "id": sender,
        "name": "ann",
        "groupid": 7,
        "msg": "hi",
        "time": "then",
        "seq": seq,
    }
    assert message.fields(v2=False)["colour"] == "red"


@pytest.mark.parametrize(("kind", "target"), [(6, "toid"), (10, "groupid")])
def test_what_the_original_system_wrote(database: Database, kind: int, target: str) -> None:
    fields = {"msgid": kind, "id": 3, "name": "ann", target: 9, "msg": "hi", "time": "then"}
    store_whole(database, 5, ujson.dumps(fields))
    # When the server took it is not known; the sender's own time is for classic receivers.
    assert loaded(database).fields(v2=True) == {**fields, "seq": 5, "time": ""}
    assert loaded(database).fields(v2=False) == fields


UNREADABLE = [
    "",
    "hello",
    "[]",
    "null",
    "{}",
    '{"msgid":6}',
    '{"msgid":6,"id":0,"name":"a","toid":9,"msg":"x"}',
    '{"msgid":6,"id":3,"name":"a","toid":4294967296,"msg":"x"}',
    '{"msgid":6,"id":"x","name":"a","toid":9,"msg":"x"}',
    '{"msgid":99,"id":3,"name":"a","toid":9,"msg":"x"}',
    '{"msgid":[],"id":3,"name":"a","toid":9,"msg":"x"}',
    '{"msgid":6,"id":[],"name":"a","toid":9,"msg":"x"}',
    '{"msgid":6,"id":null,"name":"a","toid":9,"msg":"x"}',
]

BREAKING = [
    # Each of these makes load() or encoding raise, and with it every login of the user.
    '{"msgid":6,"id":1e999,"name":"a","toid":9,"msg":"x"}',
    '{"msgid":1,"id":3,"name":"a","groupid":9,"msg":"x"}',
    '{"msgid":6,"id":3,"name":"a","toid":9,"msg":"\\ud800"}',
    '{"msgid":6,"id":3,"name":"\\udc00","toid":9,"msg":"x"}',
]


@pytest.mark.parametrize("whole", UNREADABLE)
def test_what_cannot_be_read_is_shown_as_it_is(database: Database, whole: str) -> None:
    store_whole(database, 5, whole)
    message = loaded(database)
    assert (message.seq, message.text, message.kind) == (5, whole, ONE_CHAT)
    assert message.frame(True)
    assert message.frame(False)


@pytest.mark.parametrize("whole", BREAKING)
def test_what_cannot_be_sent_is_shown_as_it_is(database: Database, whole: str) -> None:
    store_whole(database, 5, whole)
    message = loaded(database)
    assert (message.seq, message.text, message.kind) == (5, whole, ONE_CHAT)
    assert message.frame(True)
    assert message.frame(False)
