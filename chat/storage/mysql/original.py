"""Takes over the texts of the original project's tables, in their right encoding.

The upgrade script ``0001`` has copied all columns except texts, and has kept the original's tables
as ``original_user`` and so on. This module fills in names, descriptions, passwords and waiting
messages from them, in one transaction. The server must start with any texts. So missing, double and
too long names get a replacement, and a line in the log.

A text in doubt (see ``garbled.py``) is restored if other texts are certainly garbled and none is
certainly right, because then one program wrote them all. Otherwise it stays as it is, and the log
shows both readings.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from chat.storage.mysql.connection import MysqlConnection
from chat.storage.mysql.garbled import Reading, StoredText, Verdict, is_common, read_stored

log = logging.getLogger(__name__)

KEPT = (
    "original_friend",
    "original_groupuser",
    "original_offlinemessage",
    "original_mail",
    "original_allgroup",
    "original_user",
)
"""The original's tables, in an order in which they can be dropped: some clones have foreign keys to
groups and users. ``original_mail`` has the waiting messages with their new numbers.
"""

NAME = 50
PASSWORD = 255
DESCRIPTION = 200
"""Characters of our columns. The original's may be wider."""

BATCH = 1000
"""Rows of one SELECT."""

SHOWN = 1000
"""Lines in the log about single texts, at most."""


@dataclass(frozen=True, slots=True)
class Column:
    """A text column of the original. ``private``: its texts are not logged."""

    source: str
    key: str
    name: str
    private: bool = False


USER_NAME = Column("original_user", "id", "name")
USER_PASSWORD = Column("original_user", "id", "password", private=True)
GROUP_NAME = Column("original_allgroup", "id", "groupname")
GROUP_DESC = Column("original_allgroup", "id", "groupdesc")
MESSAGE = Column("original_mail", "seq", "message", private=True)
COLUMNS = (USER_NAME, USER_PASSWORD, GROUP_NAME, GROUP_DESC, MESSAGE)


@dataclass(slots=True)
class Report:
    """The verdicts on all texts, and the lines for the log."""

    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    doubts_restored: bool = False
    lines: list[str] = field(default_factory=list)

    def trusts(self, reading: Reading) -> bool:
        """True if the restored text is certain enough to be stored."""
        if reading.verdict is Verdict.IN_DOUBT:
            return self.doubts_restored and is_common(reading.restored or "")
        return reading.verdict is Verdict.GARBLED


def take_over_texts(connection: MysqlConnection) -> None:
    """Fill in the texts. Main thread, at the start. Raises StorageError, with no change."""
    report = Report()
    for column in COLUMNS:
        for _, stored in _texts(connection, column):
            report.counts[read_stored(stored).verdict] += 1
    counts = report.counts
    report.doubts_restored = counts[Verdict.GARBLED] > 0 and counts[Verdict.RIGHT] == 0
    _set_names(connection, "user", USER_NAME, "user", report)
    _set_names(connection, "allgroup", GROUP_NAME, "group", report)
    for key, text in _readings(connection, USER_PASSWORD, report):
        update = "UPDATE user SET password = %s WHERE id = %s"
        connection.run(update, (text[:PASSWORD], key))
    for key, text in _readings(connection, GROUP_DESC, report):
        update = "UPDATE allgroup SET groupdesc = %s WHERE id = %s"
        connection.run(update, (text[:DESCRIPTION], key))
    for key, text in _readings(connection, MESSAGE, report):
        owner = "(SELECT userid FROM original_mail WHERE seq = %s)"
        update = f"UPDATE offlinemessage SET message = %s WHERE userid = {owner} AND seq = %s"
        connection.run(update, (text, key, key))
    connection.run("UPDATE setting SET value = 'read' WHERE name = 'original_texts'")
    connection.commit()
    _tell(connection, report)


def unique_names(names: Iterable[tuple[int, str]], word: str) -> Iterator[tuple[int, str, str]]:
    """A unique name for each id: (id, name, the reason for a new name or ""). Pure.

    Of several rows with the same name the row with the lowest id keeps it.
    """
    rows = sorted((row_id, name[:NAME].lstrip("\x01").rstrip(" ")) for row_id, name in names)
    wanted = {name for _, name in rows}
    given: set[str] = set()
    for row_id, name in rows:
        if name and name not in given:
            given.add(name)
            yield row_id, name, ""
            continue
        why = "another one has it" if name else "it had none"
        ending = f" {row_id}"
        new = (name or word)[: NAME - len(ending)] + ending
        while new in given or new in wanted:
            ending += "'"
            new = (name or word)[: NAME - len(ending)] + ending
        given.add(new)
        yield row_id, new, why


def _texts(connection: MysqlConnection, column: Column) -> Iterator[tuple[int, StoredText]]:
    """All texts of a column with their keys. NULL is left out."""
    name, key = column.name, column.key
    bytes_in = ", ".join([_bytes_in(name, charset) for charset in ("gbk", "latin1")])
    sql = (
        f"SELECT {key}, CONVERT({name} USING utf8mb4), {bytes_in} FROM {column.source} "
        f"WHERE {key} > %s AND {name} IS NOT NULL ORDER BY {key} LIMIT {BATCH}"
    )
    last = 0
    while rows := connection.rows(sql, (last,)):
        for row_key, text, gbk, latin1 in rows:
            yield row_key, StoredText(text, _from_hex(gbk), _from_hex(latin1))
        last = rows[-1][0]


def _bytes_in(name: str, charset: str) -> str:
    """SQL: a text's bytes in an encoding, in hexadecimal; NULL if the text has other characters."""
    there = f"CONVERT({name} USING {charset})"
    back = f"CAST(CONVERT({there} USING utf8mb4) AS BINARY)"
    plain = f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"
    return f"IF({back} = {plain}, HEX({there}), NULL)"


def _from_hex(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)


def _readings(
    connection: MysqlConnection, column: Column, report: Report
) -> Iterator[tuple[int, str]]:
    """The texts of a column, restored where that is certain, with their keys."""
    for key, stored in _texts(connection, column):
        reading = read_stored(stored)
        if report.trusts(reading):
            assert reading.restored is not None
            yield key, reading.restored
            continue
        if reading.verdict in (Verdict.IN_DOUBT, Verdict.DAMAGED):
            line = f"{column.source} {key}, {column.name}: left as it is, {reading.verdict.value}"
            if not column.private:
                line += f": {stored.text!r}"
                line += f", perhaps {reading.restored!r}" if reading.restored else ""
            report.lines.append(line)
        yield key, stored.text


def _set_names(
    connection: MysqlConnection, table: str, column: Column, word: str, report: Report
) -> None:
    names = {row_id: "" for (row_id,) in connection.rows(f"SELECT id FROM {table}")}
    names.update(_readings(connection, column, report))
    for row_id, name, why in unique_names(names.items(), word):
        connection.run(f"UPDATE {table} SET {column.name} = %s WHERE id = %s", (name, row_id))
        if why:
            report.lines.append(f"{word} {row_id} is called {name!r} now: {why}")


def _tell(connection: MysqlConnection, report: Report) -> None:
    """Log the results."""
    counts = report.counts
    restored = counts[Verdict.GARBLED]
    ((users,),) = connection.rows("SELECT COUNT(*) FROM user")
    ((waiting,),) = connection.rows("SELECT COUNT(*) FROM offlinemessage")
    log.info("the original's tables were taken over: %d users, %d messages waiting", users, waiting)
    if restored:
        log.info("%d texts were in another encoding than the tables said; restored", restored)
    for line in report.lines[:SHOWN]:
        log.warning("%s", line)
    if len(report.lines) > SHOWN:
        log.warning("and %d more like these", len(report.lines) - SHOWN)


def remind_of_the_original(tables: Collection[str]) -> None:
    """Log a warning if the original's tables still exist, because they hold passwords."""
    kept = [table for table in KEPT if table in tables]
    if kept:
        log.warning(
            "the original's tables are kept, with passwords in clear text; when all is well: "
            "DROP TABLE %s",
            ", ".join(kept),
        )
