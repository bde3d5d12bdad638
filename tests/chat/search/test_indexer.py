"""The indexer: its claim among servers, its place after a crash, late numbers, and old chunks."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chat.search.filters import PARTS
from chat.search.indexer import (
    CHUNK,
    CLAIM_SECONDS,
    LONG,
    QUIET_SECONDS,
    WORK_SECONDS,
    Indexer,
)
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import (
    Progress,
    RetentionModel,
    SearchChunkModel,
    SearchProgressModel,
    group_conversation,
    user_conversation,
)
from tests.chat.nodekit import TestClock
from tests.chat.search.searchkit import chunks, find, index_all, log, newest

BOB = user_conversation(1, 2)
GROUP = group_conversation(3)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


def new(database: Database, clock: TestClock, **options: Any) -> Indexer:
    """An indexer that looks at each conversation, and has time."""
    defaults = {"work_seconds": 5.0, "settled_seconds": 0.0, "sample": 1, "least": 1}
    return Indexer(database, clock, **{**defaults, **options})


def progress(database: Database) -> Progress:
    return database.read(lambda tx: SearchProgressModel(tx).lock())


def fill(database: Database, count: int = CHUNK) -> None:
    log(database, [(2, f"hi {number}") for number in range(count)])


def test_chunks_of_each_conversation(database: Database, clock: TestClock) -> None:
    log(database, [(2, "a"), (-3, "b")] * (2 * CHUNK + 5))
    indexer = new(database, clock)
    assert indexer.work()
    assert chunks(database) == [
        (BOB, 0, 2 * CHUNK - 1),
        (GROUP, 0, 2 * CHUNK),
        (BOB, 2 * CHUNK - 1, 4 * CHUNK - 1),
        (GROUP, 2 * CHUNK, 4 * CHUNK),
    ]
    assert indexer.indexed == 4
    assert progress(database).place == newest(database)
    ((rows,),) = database.read(lambda tx: tx.query("SELECT COUNT(*) FROM searchchunk"))
    assert rows == 4 * PARTS
    assert not indexer.work()


def test_a_chunk_of_many_terms_is_shorter(database: Database, clock: TestClock) -> None:
    texts = ["".join(map(chr, range(0x4E00 + 30 * n, 0x4E00 + 30 * n + 30))) for n in range(CHUNK)]
    log(database, [(2, text) for text in texts])
    new(database, clock).work()
    found = chunks(database)
    assert len(found) > 1
    assert [after for _, after, _ in found] == [0, *(last for _, _, last in found[:-1])]


def test_a_long_text_is_always_read(database: Database, clock: TestClock) -> None:
    log(database, [(2, "x" * LONG + " needle"), *[(2, "hi")] * CHUNK])
    new(database, clock).work()
    assert chunks(database)[0] == (BOB, 0, 1)
    assert find(database, "needle", {BOB: 0}) == [[1]]


def test_few_new_messages_wait(database: Database, clock: TestClock) -> None:
    fill(database)
    assert not new(database, clock, least=CHUNK + 1).work()
    assert progress(database) == Progress(0, 0, ""), "not even a claim"
    assert new(database, clock, least=CHUNK).work()


def test_it_works_longer_in_a_quiet_process(database: Database, clock: TestClock) -> None:
    indexer = new(database, clock, work_seconds=None)
    indexer._last = (indexer._last[0] - 1000, indexer._last[1])
    assert indexer._seconds_by_load() == QUIET_SECONDS
    indexer._last = (indexer._last[0], indexer._last[1] - 1000)
    assert indexer._seconds_by_load() == WORK_SECONDS


# ---------------------------------------------------------------------- several servers


def test_one_server_indexes_until_its_claim_ends(database: Database, clock: TestClock) -> None:
    first, second = new(database, clock), new(database, clock)
    fill(database)
    assert first.work()
    fill(database)
    assert not second.work()
    clock.date += CLAIM_SECONDS
    clock.now += CLAIM_SECONDS
    assert second.work()
    fill(database)
    assert not first.work(), "it has lost its claim"
    assert second.work()
    assert len(chunks(database)) == 3


def test_a_frozen_server_stores_nothing(database: Database, clock: TestClock) -> None:
    """It awakes in the middle of its work; meanwhile another server has done the work."""
    first, second = new(database, clock), new(database, clock)
    fill(database)
    save = first._save

    def frozen(batch: Any) -> bool:
        clock.date += CLAIM_SECONDS
        assert second.work()
        return save(batch)

    first._save = frozen  # type: ignore[method-assign]
    assert not first.work()
    assert chunks(database) == [(BOB, 0, CHUNK)]
    assert progress(database).claim == second._claim


def test_a_clock_that_was_set_back_does_not_stop_the_index(
    database: Database, clock: TestClock
) -> None:
    fill(database)
    far = Progress(clock.date + 10_000, 0, "another")
    database.write(lambda tx: SearchProgressModel(tx).set(far))
    assert new(database, clock).work()


# ---------------------------------------------------------------------- crashes


def test_a_killed_server_loses_only_its_last_step(database: Database, clock: TestClock) -> None:
    """The step is done again by the next server, from the stored place."""
    fill(database, 3 * CHUNK)
    first = new(database, clock, work_seconds=1e-9)
    assert first.work()  # begins a batch, and has no time for more than its start
    before = progress(database).place
    clock.date += CLAIM_SECONDS
    second = new(database, clock)
    while second.work():
        pass
    assert before == 0
    assert [last for _, _, last in chunks(database)] == [CHUNK, 2 * CHUNK, 3 * CHUNK]


def test_an_error_is_tried_again(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    indexer = new(database, clock)

    def fail(*arguments: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(SearchChunkModel, "insert", fail)
        with pytest.raises(StorageError):
            indexer.work()
    assert chunks(database) == []
    assert indexer.work()
    assert chunks(database) == [(BOB, 0, CHUNK)]


def test_only_one_thread_works(database: Database, clock: TestClock) -> None:
    fill(database)
    indexer = new(database, clock)
    with indexer._busy:
        assert not indexer.work()
    assert indexer.work()


# ---------------------------------------------------------------------- late numbers


def test_it_stays_behind_the_newest_numbers(database: Database, clock: TestClock) -> None:
    fill(database)
    indexer = new(database, clock)
    indexer._settled_seconds = 30.0  # also of a database with one writer
    assert not indexer.work()
    clock.now += 29
    fill(database)
    assert not indexer.work()
    clock.now += 1
    assert indexer.work()
    assert progress(database).place == CHUNK
    clock.now += 30
    assert indexer.work()
    assert progress(database).place == 2 * CHUNK


def test_a_late_message_is_never_hidden(database: Database, clock: TestClock) -> None:
    """A message in the middle of a chunk is inserted, and committed only after the others."""
    if database.exclusive:
        return  # with one writer, numbers appear in order
    log(database, [(2, "hi")] * (CHUNK - 1))
    inserted, may_commit = threading.Event(), threading.Event()

    def late(tx: Transaction) -> None:
        columns = ("sender", "mid", "kind", "target", "text", "time")
        tx.insert_rows("message", columns, [(1, "late", 6, 2, "needle", "now")])
        inserted.set()
        may_commit.wait(10)

    thread = threading.Thread(target=database.write, args=(late,))
    thread.start()
    assert inserted.wait(10)
    log(database, [(2, "hi")] * CHUNK)
    indexer = new(database, clock)
    save = indexer._save

    def commit_first(batch: Any) -> bool:
        threading.Timer(0.2, may_commit.set).start()  # while the count waits for the row
        return save(batch)

    indexer._save = commit_first  # type: ignore[method-assign]
    indexer.work()
    thread.join()
    (seqs,) = find(database, "needle", {BOB: 0})
    assert len(seqs) == 1
    index_all(database)
    assert find(database, "needle", {BOB: 0}) == [seqs]


# ---------------------------------------------------------------------- retention


def test_chunks_of_deleted_messages_go(database: Database, clock: TestClock) -> None:
    fill(database, 3 * CHUNK)
    indexer = new(database, clock)
    indexer.work()
    database.write(lambda tx: RetentionModel(tx).set(0, 2 * CHUNK + 5))
    database.write(lambda tx: tx.execute("DELETE FROM message WHERE seq < ?", (2 * CHUNK,)))
    fill(database)
    clock.date += CLAIM_SECONDS
    indexer.work()
    assert [last for _, _, last in chunks(database)] == [3 * CHUNK, 4 * CHUNK]
    (found,) = find(database, "hi", {BOB: 0}, limit=1000)
    assert found == list(range(4 * CHUNK, 2 * CHUNK - 1, -1)), "also one that still waits"
