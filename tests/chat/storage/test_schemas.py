"""The two schema files agree in tables, columns, keys, defaults and version."""

from __future__ import annotations

import re

import pytest

from chat.storage.schema import SCHEMA_VERSION, upgrade_scripts
from tests.chat.loopkit import PROJECT

Columns = dict[str, str]

TABLE = re.compile(r"CREATE TABLE (\w+) \(\n(.*?)\n\)", re.DOTALL)
KEYS = re.compile(r"(?:PRIMARY KEY|UNIQUE(?: KEY \w+)?) *\(([\w, ]+)\)")
UNIQUE_INDEX = re.compile(r"CREATE UNIQUE INDEX \w+ ON (\w+) \(([\w, ]+)\)")


def source(name: str) -> str:
    text = (PROJECT / "db" / name).read_text(encoding="utf-8")
    return re.sub(r"--.*", "", text)


def tables(name: str) -> dict[str, list[str]]:
    """The lines inside each CREATE TABLE."""
    return {
        table: [line.strip().rstrip(",") for line in body.splitlines() if line.strip()]
        for table, body in TABLE.findall(source(name))
    }


def columns(lines: list[str]) -> Columns:
    """Column definitions by name; lines in capitals are keys."""
    return {line.split()[0]: line for line in lines if line.split()[0].islower()}


SQLITE = tables("schema.sqlite.sql")
MYSQL = tables("schema.sql")


def test_the_same_tables_in_the_same_order() -> None:
    assert list(SQLITE) == list(MYSQL)
    assert {"user", "message", "offlinemessage", "device"} <= SQLITE.keys()


@pytest.mark.parametrize("table", SQLITE)
def test_the_same_columns_in_the_same_order(table: str) -> None:
    assert list(columns(SQLITE[table])) == list(columns(MYSQL[table]))


@pytest.mark.parametrize("table", SQLITE)
def test_columns_are_optional_in_both_or_in_none(table: str) -> None:
    def required(lines: list[str]) -> set[str]:
        return {
            name
            for name, line in columns(lines).items()
            if "NOT NULL" in line or "PRIMARY KEY" in line
        }

    assert required(SQLITE[table]) == required(MYSQL[table])


@pytest.mark.parametrize("table", SQLITE)
def test_the_same_defaults(table: str) -> None:
    def defaults(lines: list[str]) -> dict[str, str]:
        found = {name: re.search(r"DEFAULT (\S+)", line) for name, line in columns(lines).items()}
        return {name: match[1] for name, match in found.items() if match}

    assert defaults(SQLITE[table]) == defaults(MYSQL[table])


@pytest.mark.parametrize("table", SQLITE)
def test_the_same_keys(table: str) -> None:
    def keys(lines: list[str]) -> set[str]:
        single = {
            name
            for name, line in columns(lines).items()
            if re.search(r"\bPRIMARY KEY|\bUNIQUE", line)
        }
        return single | set(KEYS.findall("\n".join(line for line in lines if line[0].isupper())))

    # SQLite cannot add a unique column to a table, so an upgrade adds a unique index.
    indexes = {
        columns for of, columns in UNIQUE_INDEX.findall(source("schema.sqlite.sql")) if of == table
    }
    assert keys(SQLITE[table]) | indexes == keys(MYSQL[table])
    assert keys(SQLITE[table])


@pytest.mark.parametrize("table", SQLITE)
def test_the_same_column_generates_ids(table: str) -> None:
    def generated(lines: list[str]) -> set[str]:
        return {
            name
            for name, line in columns(lines).items()
            if "AUTOINCREMENT" in line or "AUTO_INCREMENT" in line
        }

    assert generated(SQLITE[table]) == generated(MYSQL[table])


@pytest.mark.parametrize("table", SQLITE)
def test_the_same_choices(table: str) -> None:
    def choices(lines: list[str]) -> dict[str, set[str]]:
        found = {
            name: re.search(r"\b(?:ENUM|IN) *\(([^)]*)\)", line)
            for name, line in columns(lines).items()
        }
        return {
            name: set(re.findall(r"'(\w+)'", match[1])) for name, match in found.items() if match
        }

    assert choices(SQLITE[table]) == choices(MYSQL[table])


@pytest.mark.parametrize("name", ["schema.sql", "schema.sqlite.sql"])
def test_the_version_is_the_programs(name: str) -> None:
    version = re.compile(r"REPLACE INTO setting VALUES \('schema_version', '(\d+)'\)")
    assert version.findall(source(name)) == [str(SCHEMA_VERSION)]


@pytest.mark.parametrize(("database", "oldest"), [("mysql", 0), ("sqlite", 1)])
def test_each_version_has_an_upgrade(database: str, oldest: int) -> None:
    folder = PROJECT / "db" / "upgrade" / database
    scripts = list(upgrade_scripts(folder, oldest))
    assert scripts == sorted(folder.iterdir())
    assert [int(path.name[:4]) for path in scripts] == list(range(oldest + 1, SCHEMA_VERSION + 1))
    assert list(upgrade_scripts(folder, SCHEMA_VERSION - 1)) == scripts[-1:]
    assert not list(upgrade_scripts(folder, SCHEMA_VERSION))


def test_mysql_compares_exactly() -> None:
    for table in re.findall(r"^\) (.*);", source("schema.sql"), re.MULTILINE):
        assert table == "ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin"
