"""MySQL only: lost connections, deadlocks, COMMITs without an answer. Real MariaDB."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import mysql.connector
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.storage import OutcomeUnknown, StorageError, Transaction, UniqueViolation
from chat.storage.base import Work
from chat.storage.mysql.connection import OFF, LostConnection, MysqlConnection
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.mysql.transaction import CHARACTERS, ROWS, _chunks
from chat.storage.tables import (
    LogRow,
    MessageModel,
    OfflineMessageModel,
    SettingModel,
    UserModel,
)
from tests.chat.cutkit import CuttingProxy
from tests.chat.loopkit import WAIT, ErrorLog, Outcomes
from tests.chat.mariadbkit import PASSWORD, Mariadb, mariadb


@pytest.fixture
def server() -> Mariadb:
    return mariadb()


@pytest.fixture
def database(server: Mariadb) -> Iterator[MysqlDatabase]:
    database = server.new_database()
    assert isinstance(database, MysqlDatabase)
    yield database
    database.close()


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


def put(name: str, value: str = "x") -> Work[None]:
    return lambda tx: SettingModel(tx).set(name, value)


def get(database: MysqlDatabase, name: str) -> str | None:
    return database.read(lambda tx: SettingModel(tx).get(name))


def connection_id(tx: Transaction) -> int:
    ((number,),) = tx.query("SELECT CONNECTION_ID()")
    return int(number)


def kill(server: Mariadb, number: int) -> None:
    killer = server.connect()
    killer.run(f"KILL {number}")
    killer.close()


# ---------------------------------------------------------------------- lost connections


def test_connections_killed_while_idle(server: Mariadb, database: MysqlDatabase) -> None:
    for _ in range(3):
        kill(server, database.read(connection_id))
        assert get(database, "b") is None
        kill(server, database.read(connection_id))
        database.write(put("a"))


def test_a_connection_killed_in_the_middle(server: Mariadb, database: MysqlDatabase) -> None:
    """Nothing was committed, so the transaction begins again."""
    runs = 0

    def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        put("a", str(runs))(tx)
        if runs == 1:
            kill(server, connection_id(tx))
        put("b", str(runs))(tx)

    database.write(work)
    assert (get(database, "a"), get(database, "b"), runs) == ("2", "2", 2)


def test_the_writers_connection_killed(
    server: Mariadb, database: MysqlDatabase, outcomes: Outcomes
) -> None:
    killed: list[int] = []

    def work(tx: Transaction) -> str:
        put("a")(tx)
        if not killed:
            killed.append(connection_id(tx))
            kill(server, killed[0])
        put("b")(tx)
        return "done"

    database.submit(work, outcomes)
    assert outcomes.next() == ("done", None)
    assert get(database, "b") == "x"


def test_the_database_restarts(
    server: Mariadb, database: MysqlDatabase, outcomes: Outcomes, errors: ErrorLog
) -> None:
    database.write(put("a", "1"))
    server.process.stop(20.0)
    try:
        is_away(database, outcomes)
    finally:
        server.start()
    assert get(database, "a") == "1"
    database.submit(put("a", "3"), outcomes)
    assert outcomes.next()[1] is None
    assert get(database, "a") == "3"


def is_away(database: MysqlDatabase, outcomes: Outcomes) -> None:
    with pytest.raises(StorageError):
        database.write(put("a", "2"))
    database.submit(put("a", "2"), outcomes)
    _, error = outcomes.next()
    assert isinstance(error, StorageError)


def test_closed(database: MysqlDatabase, outcomes: Outcomes) -> None:
    database.close()
    database.submit(put("a"), outcomes)
    assert isinstance(outcomes.next()[1], StorageError)
    with pytest.raises(StorageError, match="closed"):
        get(database, "a")


# ---------------------------------------------------------------------- locks


def test_a_deadlock_is_tried_again(database: MysqlDatabase) -> None:
    users = database.write(lambda tx: [UserModel(tx).insert(name, "h") for name in ("a", "b")])
    both = threading.Barrier(2)
    runs = []

    def work(first: int, second: int) -> None:
        met = False

        def cross(tx: Transaction) -> None:
            nonlocal met
            runs.append(first)
            tx.execute("UPDATE user SET device = 'x' WHERE id = ?", (first,))
            if not met:
                met = True
                both.wait(WAIT)
            tx.execute("UPDATE user SET device = 'y' WHERE id = ?", (second,))

        database.write(cross)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(work, *users), pool.submit(work, *reversed(users))]:
            future.result(WAIT)
    assert len(runs) > 2


def test_a_lock_that_is_held_for_too_long(
    server: Mariadb, database: MysqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a server that is frozen inside a transaction: the database ends the transaction."""
    monkeypatch.setattr("chat.storage.mysql.connection.IDLE_TRANSACTION_SECONDS", 1)
    user = database.write(lambda tx: UserModel(tx).insert("a", "h"))
    frozen = server.connect()
    frozen.rows("SELECT id FROM user WHERE id = %s FOR UPDATE", (user,))
    database.write(lambda tx: tx.execute("UPDATE user SET device = 'x' WHERE id = ?", (user,)))
    assert not frozen.is_alive()
    frozen.close()


def test_senders_are_locked_until_the_commit(database: MysqlDatabase) -> None:
    user = database.write(lambda tx: UserModel(tx).insert("a", "h"))
    locked, taken = threading.Event(), threading.Event()

    def store(tx: Transaction) -> None:
        UserModel(tx).generations([user], lock=True)
        locked.set()
        assert not taken.wait(0.2), "a login got through"

    def login() -> None:
        locked.wait(WAIT)
        database.write(lambda tx: tx.execute("UPDATE user SET generation = generation + 1"))
        taken.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(login)
        database.write(store)
        future.result(WAIT)
    assert taken.is_set()


# ---------------------------------------------------------------------- the group commit


def test_one_that_fails_costs_no_other(
    database: MysqlDatabase, outcomes: Outcomes, errors: ErrorLog
) -> None:
    held, begun = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        begun.set()
        held.wait(WAIT)

    def fail(tx: Transaction) -> None:
        put("b")(tx)
        raise ValueError("mine")

    database.submit(hold, outcomes)
    begun.wait(WAIT)
    database.submit(put("a"), outcomes)
    database.submit(fail, outcomes)
    database.submit(lambda tx: UserModel(tx).insert("n", "h"), outcomes)
    database.submit(lambda tx: UserModel(tx).insert("n", "h"), outcomes)
    held.set()
    found = [outcomes.next()[1] for _ in range(5)]
    assert [type(error) for error in found] == [
        *(type(None), type(None), ValueError, type(None), UniqueViolation)
    ]
    assert (get(database, "a"), get(database, "b")) == ("x", None)


@pytest.fixture
def proxied(server: Mariadb) -> Iterator[tuple[MysqlDatabase, CuttingProxy]]:
    server.empty()
    proxy = CuttingProxy(server.port)
    database = MysqlDatabase.open(dataclasses.replace(server.address, port=proxy.port, tls=OFF))
    yield database, proxy
    database.close()
    proxy.close()


def cut_the_first_commit(proxy: CuttingProxy) -> None:
    def is_commit(data: bytes) -> bool:
        # Not "READ COMMITTED". The bytes before it depend on the driver.
        return data.upper().endswith(b"COMMIT") and not proxy.cuts

    proxy.cut_after = is_commit


def test_a_lost_answer_to_commit_is_said(proxied: tuple[MysqlDatabase, CuttingProxy]) -> None:
    database, proxy = proxied
    cut_the_first_commit(proxy)
    with pytest.raises(OutcomeUnknown):
        database.write(put("a"))
    assert get(database, "a") == "x"
    database.write(put("a", "y"))
    assert get(database, "a") == "y"


def test_the_writer_runs_it_again(
    proxied: tuple[MysqlDatabase, CuttingProxy], outcomes: Outcomes
) -> None:
    database, proxy = proxied
    cut_the_first_commit(proxy)
    row = LogRow(1, "mid", 6, 2, "hi", "2026-01-02 03:04:05", None)
    runs: list[list[int | None]] = []

    def store(tx: Transaction) -> int:
        seqs = MessageModel(tx).insert_new([row])
        runs.append(seqs)
        if seqs[0] is not None:
            OfflineMessageModel(tx).insert([(2, seqs[0])])
        found = MessageModel(tx).find(1, "mid")
        assert found is not None
        return found[0]

    database.submit(store, outcomes)
    seq, error = outcomes.next()
    assert error is None
    assert runs == [[seq], [None]]
    assert proxy.cuts == 1
    owed = database.read(lambda tx: OfflineMessageModel(tx).sizes(2, 10))
    assert [owed_seq for owed_seq, _ in owed] == [seq]


def test_many_new_rows_with_some_old(database: MysqlDatabase) -> None:
    def row(number: int) -> LogRow:
        return LogRow(1, f"mid-{number}", 6, 2, "hi", "2026-01-02 03:04:05", None)

    first = database.write(
        lambda tx: MessageModel(tx).insert_new([row(n) for n in range(0, 900, 3)])
    )
    seqs = database.write(lambda tx: MessageModel(tx).insert_new([row(n) for n in range(900)]))
    assert [seq is None for seq in seqs] == [n % 3 == 0 for n in range(900)]
    fresh = [seq for seq in seqs if seq is not None]
    assert fresh == sorted(fresh)
    assert not set(fresh) & set(first)


def test_mids_that_other_collations_take_for_equal(database: MysqlDatabase) -> None:
    mids = ["abc", "ABC", "abc ", "äbc", "😀", "😁", "a" * 64, "密" * 64]
    rows = [LogRow(1, mid, 6, 2, mid, "", None) for mid in mids]
    seqs = database.write(lambda tx: MessageModel(tx).insert_new(rows))
    assert None not in seqs
    found = database.read(lambda tx: [MessageModel(tx).find(1, mid) for mid in mids])
    assert found == list(zip(seqs, rows, strict=True))


def test_read_only(server: Mariadb, database: MysqlDatabase) -> None:
    root = MysqlConnection(server.address, "READ COMMITTED")
    try:
        # For this session: the account has no right to set it globally.
        def work(tx: Transaction) -> None:
            tx.execute("SET @x = 1")
            tx.query("SELECT 1")

        database.read(work)
        root.run("SET SESSION TRANSACTION READ ONLY")
        with pytest.raises(StorageError, match=r"(?i)read.only"):
            root.run("INSERT INTO setting (name, value) VALUES ('a', 'b')")
    finally:
        root.close()


@pytest.fixture
def small() -> Iterator[Mariadb]:
    """A server whose files cannot grow. They can after a restart without ``options``."""
    server = Mariadb("--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M")
    yield server
    server.stop()


def test_a_full_disk(small: Mariadb, outcomes: Outcomes, errors: ErrorLog) -> None:
    """No transaction is stored in part, and the server continues when there is space."""
    text = "x" * 20_000

    def log(tx: Transaction, mid: str) -> None:
        (seq,) = MessageModel(tx).insert_new([LogRow(1, mid, 6, 2, text, "", None)])
        OfflineMessageModel(tx).insert([(2, seq or 0)])

    with contextlib.closing(MysqlDatabase.open(small.address)) as database:
        stored = 0
        with pytest.raises(StorageError, match="full"):
            while True:
                database.write(partial(log, mid=f"m{stored}"))
                stored += 1
        counts = "SELECT (SELECT COUNT(*) FROM message), (SELECT COUNT(*) FROM offlinemessage)"
        assert database.read(lambda tx: tx.query(counts)) == [(stored, stored)]
        database.submit(lambda tx: log(tx, "by the writer"), outcomes)
        assert isinstance(outcomes.next()[1], StorageError)
        small.process.stop(WAIT)
        small.options = ()
        small.start()
        database.submit(lambda tx: log(tx, "by the writer"), outcomes)
        assert outcomes.next() == (None, None)


@given(st.lists(st.integers(0, 3 * CHARACTERS // 2), max_size=30))
def test_a_statement_has_its_limit(lengths: list[int]) -> None:
    rows = [(number, "x" * length) for number, length in enumerate(lengths)]
    chunks = list(_chunks(rows, CHARACTERS))
    assert [row for chunk in chunks for row in chunk] == rows
    for chunk in chunks:
        assert 0 < len(chunk) <= ROWS
        assert len(chunk) == 1 or sum(len(text) for _, text in chunk) <= CHARACTERS


def test_connections_are_opened_at_the_start(server: Mariadb) -> None:
    with contextlib.closing(MysqlDatabase.open(server.address, 8, 5)) as database:
        assert (database.pool.size, database.pool.idle) == (5, 5)
    with contextlib.closing(MysqlDatabase.open(server.address, 2, 5)) as database:
        assert database.pool.size == 2


def test_the_most_characters_in_the_fewest_statements(database: MysqlDatabase) -> None:
    """Each character takes four bytes in SQL, and a statement has at most 16 MiB."""
    text = "\U0001f600" * 16_384
    rows = [LogRow(1, f"m{number}", 6, 2, text, "", text) for number in range(300)]
    seqs = database.write(lambda tx: MessageModel(tx).insert_new(rows))
    assert None not in seqs


def test_the_password_does_not_show(database: MysqlDatabase) -> None:
    assert PASSWORD not in repr(database.address) + str(database.address)


def test_a_connection_that_is_lost_at_once(
    server: Mariadb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver raises another error at the creation of the cursor."""
    connect = mysql.connector.connect
    with contextlib.closing(server.connect()) as other:

        def connect_and_lose(**options: Any) -> Any:
            raw = connect(**options)
            other.run(f"KILL {raw.connection_id}")
            return raw

        monkeypatch.setattr(mysql.connector, "connect", connect_and_lose)
        with pytest.raises(LostConnection):
            MysqlConnection(server.address, "READ COMMITTED")
