from __future__ import annotations

import pytest

from chat.storage import Database, UniqueViolation
from chat.storage.tables import OFFLINE, ONLINE, Contact, FriendModel, UserModel
from tests.chat.sessionkit import go_online


@pytest.fixture
def ids(database: Database) -> list[int]:
    names = ("ann", "bob", "eve")
    return database.write(lambda tx: [UserModel(tx).insert(name, "h") for name in names])


def add(database: Database, user_id: int, friend_id: int) -> None:
    database.write(lambda tx: FriendModel(tx).insert(user_id, friend_id))


def friends(database: Database, user_id: int) -> list[Contact]:
    return database.read(lambda tx: FriendModel(tx).of_user(user_id, 100))


def test_a_new_user_has_no_friends(database: Database, ids: list[int]) -> None:
    assert friends(database, ids[0]) == []
    assert friends(database, 999) == []


def test_a_list_is_one_way(database: Database, ids: list[int]) -> None:
    ann, bob, _ = ids
    add(database, ann, bob)
    assert friends(database, ann) == [Contact(bob, "bob", OFFLINE)]
    assert friends(database, bob) == []


def test_a_list_is_ordered_and_shows_states(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    add(database, eve, bob)
    add(database, eve, ann)
    user = database.read(lambda tx: UserModel(tx).find(bob))
    assert user is not None
    go_online(database, user, "n")
    assert friends(database, eve) == [Contact(ann, "ann", OFFLINE), Contact(bob, "bob", ONLINE)]


def test_a_friend_is_added_once(database: Database, ids: list[int]) -> None:
    ann, bob, _ = ids
    add(database, ann, bob)
    with pytest.raises(UniqueViolation):
        add(database, ann, bob)
    add(database, bob, ann)


def test_a_missing_user_is_not_shown(database: Database, ids: list[int]) -> None:
    add(database, ids[0], 999)
    assert friends(database, ids[0]) == []


def test_a_friend_is_removed(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    add(database, ann, bob)
    add(database, ann, eve)
    add(database, bob, ann)
    assert database.write(lambda tx: FriendModel(tx).delete(ann, bob))
    assert not database.write(lambda tx: FriendModel(tx).delete(ann, bob))
    assert [friend.name for friend in friends(database, ann)] == ["eve"]
    assert [friend.name for friend in friends(database, bob)] == ["ann"]
