from __future__ import annotations

import pytest

from chat.storage import Database, UniqueViolation
from chat.storage.tables import Invitation, InvitationModel, code_hash, new_code

CODE = "mq4vk-3fwzt"


def insert(database: Database, code: str = CODE, uses: int = 1, expires: int = 0) -> None:
    database.write(lambda tx: InvitationModel(tx).insert(code, uses, expires, "for ann"))


def use(database: Database, code: str = CODE, now: int = 1000) -> bool:
    return database.write(lambda tx: InvitationModel(tx).use(code, now))


def test_a_code_is_used_as_often_as_it_says(database: Database) -> None:
    insert(database, uses=2)
    assert [use(database) for _ in range(3)] == [True, True, False]
    (left,) = database.read(lambda tx: InvitationModel(tx).list())
    assert left == Invitation(code_hash(CODE), 0, 0, "for ann")


def test_codes_are_typed_by_people(database: Database) -> None:
    insert(database, uses=3)
    assert use(database, "MQ4VK-3FWZT")
    assert use(database, " mq4vk 3fwzt ")
    assert use(database, "mq4vk3fwzt")


@pytest.mark.parametrize("code", ["", "mq4vk", "mq4vk-3fwzu", "\ud800"])
def test_an_unknown_code(database: Database, code: str) -> None:
    insert(database)
    assert not use(database, code)


def test_it_expires_to_the_second(database: Database) -> None:
    insert(database, expires=1000)
    assert not use(database, now=1000)
    assert use(database, now=999)


def test_list_and_delete(database: Database) -> None:
    insert(database, "b", expires=2000)
    insert(database, "a", expires=1000)
    listed = database.read(lambda tx: InvitationModel(tx).list())
    assert [row.expires for row in listed] == [1000, 2000]
    assert database.write(lambda tx: InvitationModel(tx).delete(listed[0].hash))
    assert not database.write(lambda tx: InvitationModel(tx).delete(listed[0].hash))
    assert not use(database, "a", now=1)
    assert use(database, "b", now=1)


def test_a_code_is_stored_once(database: Database) -> None:
    insert(database)
    with pytest.raises(UniqueViolation):
        insert(database, CODE.upper())


def test_new_codes_differ_and_are_easy_to_read() -> None:
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(len(code) == 23 and not set(code) & set("il1o0") for code in codes)
