"""Planner: a database that asks for the plan of each statement before it runs the statement.

It sees the statements of the server, with their values. So a new statement needs no entry in a
list.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import chat.storage.tables
from chat.storage import Database, Transaction
from chat.storage.base import DatabaseUse, Done, Row, T, Work
from chat.storage.mysql.connection import MysqlConnection
from chat.storage.mysql.transaction import MysqlTransaction
from chat.storage.sqlite.transaction import SqliteTransaction
from tests.chat.databasekit import IS_MYSQL

GROWING = frozenset(
    {
        "allgroup",
        "blocked",
        "conversation",
        "device",
        "friend",
        "friendrequest",
        "groupban",
        "groupinvite",
        "groupuser",
        "knowndevice",
        "mailboxgap",
        "message",
        "offlinemessage",
        "searchblock",
        "token",
        "user",
    }
)
"""Tables that grow with the use of the server."""

MODEL_FOLDER = str(Path(chat.storage.tables.__file__).parent)


@dataclass(frozen=True)
class Scan:
    """A statement that reads a whole table, or a whole index of it.

    Attributes:
        method: of the model that issued it, as ``Model.method``.
    """

    method: str
    sql: str
    step: str


class Planner(Database):
    """A real database whose statements are planned first. Any thread, as the real one.

    Attributes:
        methods: the models' methods that have issued statements.
        scans: the statements that read a whole table.
    """

    def __init__(self, real: Database) -> None:
        self._real = real
        self.exclusive = real.exclusive
        self.methods: set[str] = set()
        self.scans: list[Scan] = []

    @property
    def use(self) -> DatabaseUse:
        return self._real.use

    def read(self, work: Work[T]) -> T:
        return self._real.read(lambda tx: work(self._planned(tx)))

    def write(self, work: Work[T]) -> T:
        return self._real.write(lambda tx: work(self._planned(tx)))

    def submit(self, work: Work[T], done: Done[T]) -> None:
        self._real.submit(lambda tx: work(self._planned(tx)), done)

    def close(self) -> None:
        self._real.close()

    def _planned(self, tx: Transaction) -> Transaction:
        if isinstance(tx, SqliteTransaction):
            return PlannedSqlite(self, tx)
        assert isinstance(tx, MysqlTransaction)
        return MysqlTransaction(PlannedConnection(self, tx._connection))  # type: ignore[arg-type]

    def note(self, sql: str, scans: Iterator[str]) -> None:
        """The steps of a plan that are scans."""
        method = _issuer()
        self.methods.add(method)
        self.scans += [Scan(method, sql[:200], step) for step in scans]


class PlannedSqlite(SqliteTransaction):
    def __init__(self, planner: Planner, tx: SqliteTransaction) -> None:
        super().__init__(tx._connection)
        self._planner = planner

    def _run(self, sql: str, params: Sequence[object]) -> Any:
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        self._planner.note(sql, _sqlite_scans(sql, [step for _, _, _, step in plan]))
        return super()._run(sql, params)


EXPLAIN = "EXPLAIN FORMAT=TRADITIONAL" if IS_MYSQL else "EXPLAIN"
"""For a plan with a row for each table. The default of MySQL 9 is a tree."""


class PlannedConnection:
    def __init__(self, planner: Planner, connection: MysqlConnection) -> None:
        self._planner = planner
        self._connection = connection
        self.statement_bytes = connection.statement_bytes

    def run(self, sql: str, params: Sequence[Any] = ()) -> Any:
        self._plan(sql, params)
        return self._connection.run(sql, params)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        self._plan(sql, params)
        return self._connection.rows(sql, params)

    def _plan(self, sql: str, params: Sequence[Any]) -> None:
        cursor = self._connection.run(f"{EXPLAIN} {sql}", params)
        names = [column[0] for column in cursor.description]
        plan = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        self._planner.note(sql, _mysql_scans(sql, plan))


def _sqlite_scans(sql: str, steps: Sequence[str]) -> Iterator[str]:
    tables = _tables(sql)
    for step in steps:
        found = re.match(r"SCAN (\w+)", step)
        if found and tables.get(found[1], found[1]) in GROWING:
            yield step


def _mysql_scans(sql: str, plan: Sequence[dict[str, Any]]) -> Iterator[str]:
    tables = _tables(sql)
    for step in plan:
        table = tables.get(step["table"], step["table"])
        if (
            step["select_type"] != "INSERT"
            and step["type"] in ("ALL", "index")
            and table in GROWING
        ):
            yield str(step)


def _tables(sql: str) -> dict[str, str]:
    """The tables behind a statement's aliases."""
    return {alias: table for table, alias in re.findall(r"(\w+) AS (\w+)", sql)}


def _issuer() -> str:
    """The outermost running method of a model, which the server has called."""
    frame: FrameType | None = sys._getframe(1)
    issuer = ""
    while frame is not None:
        if frame.f_code.co_filename.startswith(MODEL_FOLDER):
            issuer = frame.f_code.co_qualname
        frame = frame.f_back
    assert issuer, "SQL that no model has issued"
    return issuer


def model_methods() -> set[str]:
    """Every public method of every model."""
    models = [
        getattr(chat.storage.tables, name)
        for name in chat.storage.tables.__all__
        if name.endswith("Model")
    ]
    return {
        f"{model.__name__}.{name}"
        for model in models
        for name in vars(model)
        if not name.startswith("_")
    }
