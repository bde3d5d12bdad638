"""The audit log loses old changes, and no others."""

from __future__ import annotations

import pytest

from chat.admin.audit import delete_old_changes
from chat.storage import Database, Transaction
from chat.storage.tables import AuditModel
from tests.chat.nodekit import TestClock

DAY = 86_400


@pytest.mark.parametrize("count", [1, 4, 5])
def test_old_changes_are_deleted(
    database: Database, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("chat.storage.tables.audit.PART", 2)
    clock = TestClock()

    def insert(tx: Transaction) -> None:
        for number in range(count):
            AuditModel(tx).insert(clock.date - 366 * DAY, "root", "old", str(number), "")
        AuditModel(tx).insert(clock.date - 364 * DAY, "root", "new", "", "")

    database.write(insert)
    for _ in range(2):
        delete_old_changes(database, clock, 365)
        rows = database.read(lambda tx: AuditModel(tx).last(10))
        assert [row.action for row in rows] == ["new"]
