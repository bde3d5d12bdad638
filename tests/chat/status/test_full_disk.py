"""A full disk shows in the samples, until messages have room again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.status.samples import Samples
from chat.storage import Database, DiskError
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.sqlite.database import SqliteDatabase
from chat.storage.tables import SettingModel
from muduopy import EventLoop, ThreadPool
from tests.chat.loopkit import SCHEMA, WAIT, ErrorLog, Outcomes
from tests.chat.mariadbkit import Mariadb

FULL = "the disk is full or broken: "


class Probes:
    """The samples of a database, with probes on demand."""

    def __init__(self, database: Database, loop: EventLoop, workers: ThreadPool) -> None:
        self.samples = Samples(database, workers)
        self._loop = loop

    def trouble(self) -> str:
        """The trouble after a probe."""
        self.samples._probe()
        late: list[bool] = []
        guard = self._loop.run_after(WAIT, lambda: late.append(True))
        while self.samples._probing:
            assert not late
            self._loop.queue_in_loop(lambda: None)
            self._loop._one_pass()
        self._loop.cancel(guard)
        return self.samples.trouble


@pytest.fixture
def probes_of(loop: EventLoop, workers: ThreadPool) -> Callable[[Database], Probes]:
    return lambda database: Probes(database, loop, workers)


def settings(database: Database) -> int:
    ((rows,),) = database.read(lambda tx: tx.query("SELECT COUNT(*) FROM setting"))
    assert isinstance(rows, int)
    return rows


def test_sqlite(tmp_path: Path, errors: ErrorLog, probes_of: Callable[[Database], Probes]) -> None:
    """It takes small changes when it has no room for a message."""
    with contextlib.closing(SqliteDatabase.open(tmp_path / "chat.db", SCHEMA)) as database:
        probes, before = probes_of(database), settings(database)
        ((pages,),) = database.write(lambda tx: tx.query("PRAGMA page_count"))
        database.write(lambda tx: tx.query(f"PRAGMA max_page_count = {pages}"))
        assert probes.trouble() == ""
        with pytest.raises(DiskError):
            database.write(lambda tx: SettingModel(tx).set("long", "x" * 20_000))
        database.write(lambda tx: SettingModel(tx).set("short", "x"))
        assert probes.samples.trouble == FULL + "database or disk is full"
        assert probes.trouble() == "database or disk is full"
        database.write(lambda tx: tx.query("PRAGMA max_page_count = 1000000"))
        assert probes.trouble() == ""
        assert settings(database) == before + 1, "the short one"


def fill(server: Mariadb) -> None:
    """Use up the room with a table of the test's own."""
    with contextlib.closing(server.connect()) as connection:
        connection.run("CREATE TABLE filler (text LONGTEXT) ENGINE = InnoDB")
        for size in (1 << 20, 1 << 17):
            with contextlib.suppress(DiskError):
                while True:
                    connection.run("INSERT INTO filler VALUES (%s)", ("x" * size,))
                    connection.commit()


def room(mebibytes: int) -> tuple[str, str]:
    """Options: all tables are in one file of this size at most."""
    file = f"ibdata1:12M:autoextend:max:{mebibytes}M"
    return "--innodb-file-per-table=0", f"--innodb-data-file-path={file}"


def make_room(server: Mariadb) -> None:
    """InnoDB needs room for dropping a table, too. So the server starts again with more."""
    server.process.stop(WAIT)
    server.options = room(80)
    server.start()


def test_mariadb(errors: ErrorLog, probes_of: Callable[[Database], Probes]) -> None:
    server = Mariadb(*room(64))
    try:
        with contextlib.closing(MysqlDatabase.open(server.address)) as database:
            probes, before = probes_of(database), settings(database)
            fill(server)
            assert probes.trouble() == "", "nothing has failed yet"
            with pytest.raises(DiskError):
                database.write(lambda tx: SettingModel(tx).fill_room())
            failure = database.use.disk_failure
            assert probes.samples.trouble.startswith(FULL)
            assert "full" in probes.trouble()
            outcomes = Outcomes()
            database.submit(lambda tx: SettingModel(tx).fill_room(), outcomes)
            assert isinstance(outcomes.next()[1], DiskError)
            assert database.use.disk_failure is not failure
            make_room(server)
            assert probes.trouble() == ""
            assert settings(database) == before
    finally:
        server.stop()
