"""The indexer: its claim among servers, its place after a crash, late numbers, and old blocks."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chat.search.filters import CHUNKS, FAN, LEVELS, MESSAGES, PARTS
from chat.search.indexer import (
    AT_ONCE,
    BLOCK,
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
    SearchBlockModel,
    SearchProgressModel,
    group_conversation,
    user_conversation,
)
from tests.chat.nodekit import TestClock
from tests.chat.search.searchkit import blocks, find, index_all, log, newest

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


def fill(database: Database, count: int = BLOCK) -> None:
    log(database, [(2, f"hi {number}") for number in range(count)])


def test_blocks_of_each_conversation(database: Database, clock: TestClock) -> None:
    log(database, [(2, "a"), (-3, "b")] * (2 * BLOCK + 5))
    indexer = new(database, clock)
    assert indexer.work()
    assert blocks(database) == [
        (BOB, 0, 2 * BLOCK - 1),
        (GROUP, 0, 2 * BLOCK),
        (BOB, 2 * BLOCK - 1, 4 * BLOCK - 1),
        (GROUP, 2 * BLOCK, 4 * BLOCK),
    ]
    assert indexer.indexed == 4
    assert progress(database).place == newest(database)
    ((rows,),) = database.read(lambda tx: tx.query("SELECT COUNT(*) FROM searchblock"))
    assert rows == 4 * (PARTS + 1)
    assert not indexer.work()


def test_a_block_of_many_terms_is_shorter(database: Database, clock: TestClock) -> None:
    texts = ["".join(map(chr, range(0x4E00 + 30 * n, 0x4E00 + 30 * n + 30))) for n in range(BLOCK)]
    log(database, [(2, text) for text in texts * 2])
    new(database, clock).work()
    found = blocks(database)
    assert len(found) > 1
    assert all(last - after < BLOCK for _, after, last in found)
    assert [after for _, after, _ in found] == [0, *(last for _, _, last in found[:-1])]


def test_a_long_text_is_always_read(database: Database, clock: TestClock) -> None:
    log(database, [(2, "x" * LONG + " needle"), *[(2, "hi")] * BLOCK])
    new(database, clock).work()
    assert blocks(database) == [(BOB, 0, 1 + (CHUNKS - 1) * MESSAGES)]
    assert find(database, "needle", {BOB: 0}) == [[1]]


def test_blocks_become_larger_ones(database: Database, clock: TestClock) -> None:
    """Two times eight small blocks, and a search finds the same as before in each chunk."""
    log(database, [(2, f"number{n} 第{chr(0x4E00 + n)}") for n in range((2 * FAN + 1) * BLOCK)])
    new(database, clock).work()
    assert blocks(database) == [
        (BOB, 0, FAN * BLOCK),
        (BOB, FAN * BLOCK, 2 * FAN * BLOCK),
        (BOB, 2 * FAN * BLOCK, (2 * FAN + 1) * BLOCK),
    ]
    for number in range(0, (2 * FAN + 1) * BLOCK, 7):
        (found,) = find(database, f"第{chr(0x4E00 + number)}", {BOB: 0})
        assert found == [number + 1]


def test_the_largest_blocks_stay_as_they_are(database: Database, clock: TestClock) -> None:
    many = FAN ** (LEVELS - 1)
    log(database, [(2, "hi")] * ((many + 1) * BLOCK))
    new(database, clock).work()
    assert blocks(database) == [(BOB, 0, many * BLOCK), (BOB, many * BLOCK, (many + 1) * BLOCK)]


def test_few_new_messages_wait(database: Database, clock: TestClock) -> None:
    fill(database)
    assert not new(database, clock, least=BLOCK + 1).work()
    assert progress(database) == Progress(0, 0, ""), "not even a claim"
    assert new(database, clock, least=BLOCK).work()


def test_it_works_longer_in_a_quiet_process(database: Database, clock: TestClock) -> None:
    indexer = new(database, clock, work_seconds=None)
    indexer.work()
    assert indexer._seconds_by_load() == WORK_SECONDS, "it has just started"
    indexer._last = (indexer._last[0] - 1000, indexer._last[1])
    indexer.work()  # there is nothing to do, and it measures the load
    assert indexer._seconds_by_load() == QUIET_SECONDS
    indexer._last = (indexer._last[0], indexer._last[1] - 1000)
    indexer.work()
    assert indexer._seconds_by_load() == WORK_SECONDS


def test_a_transaction_stores_few_blocks(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error loses the blocks of one transaction, and the place is stored with the last ones."""
    fill(database, (2 * AT_ONCE + 1) * BLOCK)
    indexer = new(database, clock)
    insert, calls = SearchBlockModel.insert, 0

    def fail_once(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2 * AT_ONCE:
            raise StorageError("the disk is full")
        insert(*arguments)

    monkeypatch.setattr(SearchBlockModel, "insert", fail_once)
    with pytest.raises(StorageError):
        indexer.work()
    assert len(blocks(database)) == indexer.indexed == AT_ONCE
    assert progress(database).place == 0
    assert indexer.work()
    assert blocks(database)[-1][2] == progress(database).place == newest(database)
    (found,) = find(database, "hi", {BOB: 0}, limit=1000)
    assert len(found) == newest(database)


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
    assert len(blocks(database)) == 3


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
    assert blocks(database) == [(BOB, 0, BLOCK)]
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
    fill(database, 3 * BLOCK)
    first = new(database, clock, work_seconds=1e-9)
    assert first.work()  # begins a batch, and has no time for more than its start
    before = progress(database).place
    clock.date += CLAIM_SECONDS
    second = new(database, clock)
    while second.work():
        pass
    assert before == 0
    assert [last for _, _, last in blocks(database)] == [BLOCK, 2 * BLOCK, 3 * BLOCK]


def test_an_error_is_tried_again(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    indexer = new(database, clock)

    def fail(*arguments: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(SearchBlockModel, "insert", fail)
        with pytest.raises(StorageError):
            indexer.work()
    assert blocks(database) == []
    assert indexer.work()
    assert blocks(database) == [(BOB, 0, BLOCK)]


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
    assert progress(database).place == BLOCK
    clock.now += 30
    assert indexer.work()
    assert progress(database).place == 2 * BLOCK


def test_a_late_message_is_never_hidden(database: Database, clock: TestClock) -> None:
    """A message in the middle of a block is inserted, and committed only after the others."""
    if database.exclusive:
        return  # with one writer, numbers appear in order
    log(database, [(2, "hi")] * (BLOCK - 1))
    inserted, may_commit = threading.Event(), threading.Event()

    def late(tx: Transaction) -> None:
        columns = ("sender", "mid", "kind", "target", "text", "time")
        tx.insert_rows("message", columns, [(1, "late", 6, 2, "needle", "now")])
        inserted.set()
        may_commit.wait(10)

    thread = threading.Thread(target=database.write, args=(late,))
    thread.start()
    assert inserted.wait(10)
    log(database, [(2, "hi")] * BLOCK)
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


def test_blocks_of_deleted_messages_go(database: Database, clock: TestClock) -> None:
    fill(database, 3 * BLOCK)
    indexer = new(database, clock)
    indexer.work()
    database.write(lambda tx: RetentionModel(tx).set(0, 2 * BLOCK + 5))
    database.write(lambda tx: tx.execute("DELETE FROM message WHERE seq < ?", (2 * BLOCK,)))
    fill(database)
    clock.date += CLAIM_SECONDS
    indexer.work()
    assert [last for _, _, last in blocks(database)] == [3 * BLOCK, 4 * BLOCK]
    (found,) = find(database, "hi", {BOB: 0}, limit=1000)
    assert found == list(range(4 * BLOCK, 2 * BLOCK - 1, -1)), "also one that still waits"
