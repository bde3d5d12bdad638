from __future__ import annotations

from chat.storage import Database
from chat.storage.schema import SCHEMA_VERSION
from chat.storage.tables import SettingModel


def get(database: Database, name: str) -> str | None:
    return database.read(lambda tx: SettingModel(tx).get(name))


def put(database: Database, name: str, value: str) -> None:
    database.write(lambda tx: SettingModel(tx).set(name, value))


def test_the_schema_says_its_version(database: Database) -> None:
    assert get(database, "schema_version") == str(SCHEMA_VERSION)


def test_set_and_set_again(database: Database) -> None:
    assert get(database, "delivery") is None
    for value in ("stored", "stored", "direct", ""):  # the same value twice, too
        put(database, "delivery", value)
        assert get(database, "delivery") == value


def test_settings_are_apart(database: Database) -> None:
    put(database, "a", "1")
    put(database, "b", "2")
    assert (get(database, "a"), get(database, "b"), get(database, "A")) == ("1", "2", None)
