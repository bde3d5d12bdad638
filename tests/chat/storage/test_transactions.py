"""Conformance of the storage port: transactions, their isolation and their errors."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from chat.storage import Database, StorageError, Transaction, UniqueViolation
from tests.chat.loopkit import WAIT, Outcomes, writer_held

PUT = "INSERT INTO setting (name, value) VALUES (?, ?)"
GET = "SELECT value FROM setting WHERE name = ?"
ADD_USER = "INSERT INTO user (name, password) VALUES (?, ?)"


class Refused(Exception):
    """An error of the work itself."""


def put(database: Database, name: str, value: str) -> int:
    return database.write(lambda tx: tx.execute(PUT, (name, value)))


def get(database: Database, name: str) -> str | None:
    rows = database.read(lambda tx: tx.query(GET, (name,)))
    return rows[0][0] if rows else None


def test_written_rows_can_be_read(database: Database) -> None:
    assert put(database, "a", "1") == 1
    assert get(database, "a") == "1"
    assert get(database, "b") is None


def test_rows_are_tuples(database: Database) -> None:
    put(database, "a", "1")
    rows = database.read(lambda tx: tx.query("SELECT name, value FROM setting WHERE name = 'a'"))
    assert rows == [("a", "1")]


@pytest.mark.parametrize(
    "value",
    ["", "plain", 'it\'s; -- "x"', "\0 in the middle \0", "line\nline", "你好 😀", "x" * 250],
)
def test_text_survives(database: Database, value: str) -> None:
    put(database, "text", value)
    assert get(database, "text") == value


def test_null_survives(database: Database) -> None:
    database.write(lambda tx: tx.insert(ADD_USER, ("ann", "hash")))
    assert database.read(lambda tx: tx.query("SELECT node FROM user")) == [(None,)]


def test_large_integers_survive(database: Database) -> None:
    insert = "INSERT INTO token (hash, userid, used) VALUES (?, ?, ?)"
    database.write(lambda tx: tx.execute(insert, ("h", 1, 2**53)))
    assert database.read(lambda tx: tx.query("SELECT used FROM token")) == [(2**53,)]


def test_keys_compare_exactly(database: Database) -> None:
    # Not "a ": under MySQL's binary collation a space at the end does not count.
    for name in ("a", "A", "á", "😀", "😁"):
        put(database, name, name)
    for name in ("a", "A", "á", "😀", "😁"):
        assert get(database, name) == name


def test_execute_counts_the_rows_it_met(database: Database) -> None:
    put(database, "a", "1")
    put(database, "b", "1")
    same = "UPDATE setting SET value = '1' WHERE name IN ('a', 'b', 'c')"
    assert database.write(lambda tx: tx.execute(same)) == 2, "rows met, though nothing changed"
    assert database.write(lambda tx: tx.execute("DELETE FROM setting WHERE name = 'c'")) == 0


def test_insert_returns_growing_ids(database: Database) -> None:
    ids = database.write(
        lambda tx: [tx.insert(ADD_USER, (f"user {number}", "h")) for number in range(5)]
    )
    assert ids == sorted(set(ids))
    assert ids[0] > 0


def test_ids_are_not_used_again(database: Database) -> None:
    first = database.write(lambda tx: tx.insert(ADD_USER, ("ann", "h")))
    database.write(lambda tx: tx.execute("DELETE FROM user"))
    assert database.write(lambda tx: tx.insert(ADD_USER, ("bob", "h"))) > first


def test_a_duplicate_key_is_a_unique_violation(database: Database) -> None:
    put(database, "a", "1")
    with pytest.raises(UniqueViolation):
        put(database, "a", "2")
    with pytest.raises(UniqueViolation):
        database.write(lambda tx: tx.insert_rows("setting", ("name", "value"), [("a", "3")]))
    assert get(database, "a") == "1"


def test_a_duplicate_name_is_a_unique_violation(database: Database) -> None:
    database.write(lambda tx: tx.insert(ADD_USER, ("ann", "h")))
    with pytest.raises(UniqueViolation):
        database.write(lambda tx: tx.insert(ADD_USER, ("ann", "h")))


def test_a_unique_violation_can_be_caught_inside_the_work(database: Database) -> None:
    put(database, "a", "1")

    def work(tx: Transaction) -> str:
        tx.execute(PUT, ("b", "2"))
        try:
            tx.execute(PUT, ("a", "2"))
        except UniqueViolation:
            tx.execute(PUT, ("c", "3"))
        return "went on"

    assert database.write(work) == "went on"
    assert [get(database, name) for name in "abc"] == ["1", "2", "3"]


def test_wrong_sql_is_a_storage_error(database: Database) -> None:
    for run in (database.read, database.write):
        with pytest.raises(StorageError) as caught:
            run(lambda tx: tx.query("SELECT nothing FROM nowhere"))
        assert not isinstance(caught.value, UniqueViolation)
        assert str(caught.value)
    assert put(database, "a", "1") == 1, "and the database goes on"


def test_work_sees_its_own_changes(database: Database) -> None:
    def work(tx: Transaction) -> list[tuple[str]]:
        tx.execute(PUT, ("a", "1"))
        return tx.query(GET, ("a",))

    assert database.write(work) == [("1",)]


def test_an_error_of_the_work_is_raised_and_nothing_is_committed(database: Database) -> None:
    def work(tx: Transaction) -> None:
        tx.execute(PUT, ("a", "1"))
        raise Refused("no")

    with pytest.raises(Refused, match="no"):
        database.write(work)
    assert get(database, "a") is None
    with pytest.raises(Refused):
        database.read(work_that_raises)
    assert get(database, "a") is None


def work_that_raises(tx: Transaction) -> None:
    raise Refused("no")


def test_one_failing_job_does_not_fail_its_neighbours(database: Database) -> None:
    outcomes = Outcomes()

    def fails(tx: Transaction) -> None:
        tx.execute(PUT, ("bad", "1"))
        raise Refused("no")

    with writer_held(database):
        database.submit(lambda tx: tx.execute(PUT, ("a", "1")), outcomes)
        database.submit(fails, outcomes)
        database.submit(lambda tx: tx.execute(PUT, ("a", "2")), outcomes)
        database.submit(lambda tx: tx.execute(PUT, ("b", "1")), outcomes)
        assert not outcomes.waiting
    (first, none), (_, refused), (_, twice), (last, also_none) = outcomes.take(4)
    assert (first, none, last, also_none) == (1, None, 1, None)
    assert isinstance(refused, Refused)
    assert isinstance(twice, UniqueViolation)
    assert [get(database, name) for name in ("a", "b", "bad")] == ["1", "1", None]


def test_a_job_sees_those_before_it(database: Database) -> None:
    outcomes = Outcomes()
    with writer_held(database):
        database.submit(lambda tx: tx.execute(PUT, ("a", "1")), outcomes)
        database.submit(lambda tx: tx.query(GET, ("a",)), outcomes)
    assert [result for result, _ in outcomes.take(2)] == [1, [("1",)]]


def test_jobs_run_in_the_order_of_submission(database: Database) -> None:
    outcomes = Outcomes()
    ran: list[int] = []

    def note(number: int, tx: Transaction) -> None:
        ran.append(number)

    with writer_held(database):
        for number in range(200):  # more than one group
            database.submit(partial(note, number), outcomes)
    assert all(error is None for _, error in outcomes.take(200))
    assert ran == list(range(200))


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    put(database, "a", "old")
    written = threading.Event()
    reading = threading.Event()
    seen: list[str] = []

    def work(tx: Transaction) -> None:
        seen.append(tx.query(GET, ("a",))[0][0])
        reading.set()
        assert written.wait(WAIT), "a reader must not hold the writer up"
        seen.append(tx.query(GET, ("a",))[0][0])

    reader = threading.Thread(target=lambda: database.read(work))
    reader.start()
    assert reading.wait(WAIT)
    database.write(lambda tx: tx.execute("UPDATE setting SET value = 'new' WHERE name = 'a'"))
    written.set()
    reader.join(WAIT)
    assert seen == ["old", "old"]
    assert get(database, "a") == "new"


def test_a_reader_sees_committed_rows_only(database: Database) -> None:
    outcomes = Outcomes()
    inside, looked = threading.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        tx.execute(PUT, ("a", "1"))
        inside.set()
        assert looked.wait(WAIT)

    database.submit(work, outcomes)
    assert inside.wait(WAIT)
    assert get(database, "a") is None
    looked.set()
    assert outcomes.next() == (None, None)
    assert get(database, "a") == "1"


def test_readers_run_beside_each_other(database: Database) -> None:
    together = threading.Barrier(4, timeout=WAIT)
    passed: list[int] = []

    def work(tx: Transaction) -> None:
        passed.append(tx.query("SELECT 1")[0][0])
        together.wait()

    readers = [threading.Thread(target=lambda: database.read(work)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(WAIT)
    assert passed == [1] * 4
    assert not together.broken


def test_done_comes_after_the_commit_on_one_thread(database: Database) -> None:
    threads: list[int] = []
    seen: list[str | None] = []
    finished = Outcomes()

    def done(result: object, error: Exception | None) -> None:
        threads.append(threading.get_ident())
        seen.append(get(database, "a"))
        finished(result, error)

    database.submit(lambda tx: threads.append(threading.get_ident()), done)
    database.submit(lambda tx: tx.execute(PUT, ("a", "1")), done)
    finished.take(2)
    assert seen[-1] == "1"
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


def test_done_may_submit(database: Database) -> None:
    outcomes = Outcomes()

    def again(result: object, error: Exception | None) -> None:
        database.submit(lambda tx: tx.execute(PUT, ("b", "1")), outcomes)

    database.submit(lambda tx: tx.execute(PUT, ("a", "1")), again)
    assert outcomes.next() == (1, None)


def test_work_may_submit(database: Database) -> None:
    outcomes = Outcomes()
    database.submit(
        lambda tx: database.submit(lambda tx: tx.execute(PUT, ("b", "1")), outcomes), outcomes
    )
    assert outcomes.take(2) == [(None, None), (1, None)]
