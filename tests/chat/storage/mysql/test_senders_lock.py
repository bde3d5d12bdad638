"""The statement about the senders of a batch locks no rows but theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chat.storage import Database, Transaction
from chat.storage.tables import BlockedModel, SettingModel, UserModel
from tests.chat.loopkit import WAIT
from tests.chat.mariadbkit import mariadb


@pytest.fixture
def database() -> Iterator[Database]:
    database = mariadb().new_database()
    yield database
    database.close()


def test_a_deletion_and_a_block_do_not_wait_for_a_batch(database: Database) -> None:
    ann = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    database.write(lambda tx: SettingModel(tx).set("deletions", "1"))
    database.write(lambda tx: BlockedModel(tx).insert(7, ann))
    inside, done = threading.Event(), threading.Event()

    def batch(tx: Transaction) -> None:
        senders = UserModel(tx).senders([ann])
        assert (senders.blocked, senders.version) == ({ann}, ("1", "0"))
        inside.set()
        assert done.wait(WAIT)

    def others() -> None:
        assert inside.wait(WAIT)
        database.write(lambda tx: SettingModel(tx).set("deletions", "2"))
        database.write(lambda tx: BlockedModel(tx).delete(7, ann))
        done.set()

    thread = threading.Thread(target=others)
    thread.start()
    database.write(batch)
    thread.join(WAIT)
    assert done.is_set()
