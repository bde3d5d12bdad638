"""KnownDeviceModel."""

from __future__ import annotations

from chat.storage import Database
from chat.storage.tables import KnownDeviceModel
from chat.storage.tables.knowndevice import DAY, KEPT

ANN, BOB = 1, 2


def note(database: Database, device: str, now: int, user_id: int = ANN) -> None:
    database.write(lambda tx: KnownDeviceModel(tx).note(user_id, device, now))


def knows(database: Database, device: str, user_id: int = ANN) -> bool:
    return database.read(lambda tx: KnownDeviceModel(tx).knows(user_id, device))


def rows(database: Database) -> list[tuple[int, int]]:
    return database.read(
        lambda tx: tx.query("SELECT userid, used FROM knowndevice ORDER BY userid, used")
    )


def test_a_device_is_known_to_one_user(database: Database) -> None:
    assert not knows(database, "laptop")
    note(database, "laptop", 5)
    assert knows(database, "laptop")
    assert not knows(database, "laptop", BOB)
    assert not knows(database, "Laptop")


def test_it_is_written_once_a_day(database: Database) -> None:
    for now in (5, DAY - 1, DAY + 7, DAY + 9, 3):
        note(database, "laptop", now)
    assert rows(database) == [(ANN, DAY + 7)]


def test_the_newest_devices_are_kept(database: Database) -> None:
    note(database, "of another user", 1, BOB)
    for number in range(KEPT + 3):
        note(database, f"device {number}", number * DAY)
    known = [number for number in range(KEPT + 3) if knows(database, f"device {number}")]
    assert known == list(range(3, KEPT + 3))
    assert knows(database, "of another user", BOB)
