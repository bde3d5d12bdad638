from __future__ import annotations

import pytest

from chat.storage import Database, UniqueViolation
from chat.storage.tables import (
    CREATOR,
    NORMAL,
    OFFLINE,
    ONLINE,
    Group,
    GroupModel,
    GroupUser,
    LogRow,
    Membership,
    MessageModel,
    UserModel,
)
from tests.chat.sessionkit import go_online


@pytest.fixture
def ids(database: Database) -> list[int]:
    names = ("ann", "bob", "eve")
    return database.write(lambda tx: [UserModel(tx).insert(name, "h") for name in names])


def make(database: Database, name: str, *members: int, desc: str = "") -> int:
    """A group; the first member is its creator."""
    group_id = database.write(lambda tx: GroupModel(tx).insert(name, desc))
    for number, user_id in enumerate(members):
        join(database, group_id, user_id, NORMAL if number else CREATOR)
    return group_id


def join(database: Database, group_id: int, user_id: int, role: str = NORMAL) -> None:
    database.write(lambda tx: GroupModel(tx).add_member(group_id, user_id, role))


def test_no_group(database: Database) -> None:
    assert database.read(lambda tx: GroupModel(tx).find(1, 200)) is None


def test_a_group_without_members(database: Database) -> None:
    group_id = make(database, "tea", desc="four o'clock")
    found = database.read(lambda tx: GroupModel(tx).find(group_id, 200))
    assert found == Group(group_id, "tea", "four o'clock")


def test_a_group_with_members(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    group_id = make(database, "tea", eve, ann)
    make(database, "coffee", bob)
    user = database.read(lambda tx: UserModel(tx).find(eve))
    assert user is not None
    go_online(database, user, "n")
    found = database.read(lambda tx: GroupModel(tx).find(group_id, 200))
    members = (GroupUser(ann, "ann", OFFLINE, NORMAL), GroupUser(eve, "eve", ONLINE, CREATOR))
    assert found == Group(group_id, "tea", "", members, 2)


def test_a_name_is_taken_once(database: Database) -> None:
    make(database, "tea")
    with pytest.raises(UniqueViolation):
        make(database, "tea", desc="another")
    make(database, "Tea")


def test_a_member_joins_once(database: Database, ids: list[int]) -> None:
    group_id = make(database, "tea", ids[0])
    with pytest.raises(UniqueViolation):
        join(database, group_id, ids[0])
    join(database, group_id, ids[1])


def test_of_user(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    tea, coffee, _ = (
        make(database, "tea", ann, bob),
        make(database, "coffee", eve, ann),
        make(database, "milk", bob, eve),
    )
    groups = database.read(lambda tx: GroupModel(tx).of_user(ann, 100, 200, 1000))
    assert [group.id for group in groups] == [tea, coffee]
    assert [[user.name for user in group.users] for group in groups] == [
        ["ann", "bob"],
        ["ann", "eve"],
    ]
    assert [[user.role for user in group.users] for group in groups] == [
        [CREATOR, NORMAL],
        [NORMAL, CREATOR],
    ]
    assert groups[0] == database.read(lambda tx: GroupModel(tx).find(tea, 200))


def test_of_user_has_bounds(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    for name in ("tea", "coffee", "milk"):
        make(database, name, bob, eve, ann)
    make(database, "juice", ann)

    def shapes(limit: int, users: int, users_in_all: int) -> list[tuple[int, int]]:
        work = GroupModel.of_user
        groups = database.read(lambda tx: work(GroupModel(tx), ann, limit, users, users_in_all))
        return [(len(group.users), group.members) for group in groups]

    assert shapes(9, 9, 99) == [(3, 3), (3, 3), (3, 3), (1, 1)]
    assert shapes(3, 2, 99) == [(2, 3), (2, 3), (2, 3)]
    assert shapes(9, 2, 5) == [(2, 3), (2, 3), (0, 3), (0, 1)]


def test_members_in_pages(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    group_id = make(database, "tea", eve, bob, ann)

    def page(after: int, limit: int) -> list[int]:
        found = database.read(lambda tx: GroupModel(tx).members(group_id, after, limit))
        return [user.id for user in found]

    assert (page(0, 2), page(bob, 2), page(eve, 2)) == ([ann, bob], [eve], [])
    found = database.read(lambda tx: GroupModel(tx).find(group_id, 2))
    assert found is not None
    assert ([user.id for user in found.users], found.members) == ([ann, bob], 3)
    assert database.read(lambda tx: GroupModel(tx).head(group_id)) == Group(group_id, "tea", "")
    assert database.read(lambda tx: GroupModel(tx).head(group_id + 1)) is None


def test_of_user_in_no_group(database: Database, ids: list[int]) -> None:
    make(database, "tea", ids[0])
    assert database.read(lambda tx: GroupModel(tx).of_user(ids[1], 100, 200, 1000)) == []


def test_member_ids(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    tea, coffee, empty = (
        make(database, "tea", ann, bob),
        make(database, "coffee", eve),
        make(database, "milk"),
    )

    def members(*group_ids: int) -> dict[int, frozenset[int]]:
        return database.read(lambda tx: GroupModel(tx).member_ids(group_ids))

    assert members(tea) == {tea: frozenset({ann, bob})}
    assert members(tea, coffee) == {tea: frozenset({ann, bob}), coffee: frozenset({eve})}
    assert members(empty, 999) == {}, "no members, or no such group: absent"


def test_member_ids_of_many_groups(database: Database) -> None:
    rows = [(group_id, 1) for group_id in range(1, 1001)]
    columns = ("groupid", "userid")
    database.write(lambda tx: tx.insert_rows("groupuser", columns, rows))
    found = database.read(lambda tx: GroupModel(tx).member_ids(range(1, 1001)))
    assert found == {group_id: frozenset({1}) for group_id in range(1, 1001)}


def membership(database: Database, group_id: int, user_id: int) -> Membership | None:
    return database.read(lambda tx: GroupModel(tx).membership(group_id, user_id))


def remove(database: Database, group_id: int, user_id: int) -> None:
    database.write(lambda tx: GroupModel(tx).remove_member(group_id, user_id))


def role(database: Database, group_id: int, user_id: int) -> str | None:
    found = membership(database, group_id, user_id)
    return found.role if found else None


def say(database: Database, mid: str) -> int:
    """Log a message; returns its number."""
    row = LogRow(1, mid, 6, 2, "hi", "", None)
    (seq,) = database.write(lambda tx: MessageModel(tx).insert_new([row]))
    assert seq is not None
    return seq


def test_since_is_the_last_message_before_the_join(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    group_id = make(database, "tea", ann)
    seq = say(database, "a")
    join(database, group_id, bob)
    for user_id, since in ((ann, 0), (bob, seq)):
        found = membership(database, group_id, user_id)
        assert found is not None
        assert found.since == since
    assert role(database, group_id, eve) is None


def test_members_go(database: Database, ids: list[int]) -> None:
    ann, bob, _ = ids
    group_id = make(database, "tea", ann, bob)
    assert database.write(lambda tx: GroupModel(tx).remove_member(group_id, bob))
    assert not database.write(lambda tx: GroupModel(tx).remove_member(group_id, bob))
    assert role(database, group_id, bob) is None
    assert role(database, group_id, ann) == CREATOR


def test_the_oldest_member_is_promoted(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    group_id = make(database, "tea")
    for number, user_id in enumerate((eve, bob, ann)):
        join(database, group_id, user_id)
        say(database, str(number))
    assert database.write(lambda tx: GroupModel(tx).promote_oldest(group_id))
    assert [role(database, group_id, user) for user in ids] == [NORMAL, NORMAL, CREATOR]
    empty = make(database, "milk")
    assert not database.write(lambda tx: GroupModel(tx).promote_oldest(empty))


def test_a_group_that_ends_takes_no_other_with_it(database: Database, ids: list[int]) -> None:
    ann, bob, _ = ids
    tea, milk = make(database, "tea", ann, bob), make(database, "milk", bob)
    database.write(lambda tx: GroupModel(tx).delete(tea))
    assert database.read(lambda tx: GroupModel(tx).find(tea, 200)) is None
    groups = database.read(lambda tx: GroupModel(tx).of_user(bob, 100, 200, 1000))
    assert [group.id for group in groups] == [milk]
    assert make(database, "tea") > milk


def test_the_first_that_joined_succeeds(database: Database, ids: list[int]) -> None:
    """There was no message in between, so ``since`` is the same for all."""
    ann, bob, eve = ids
    group_id = make(database, "tea", bob, eve, ann)
    successors = []
    for leaving in (bob, eve):
        remove(database, group_id, leaving)
        database.write(lambda tx: GroupModel(tx).promote_oldest(group_id))
        found = database.read(lambda tx: GroupModel(tx).find(group_id, 200))
        assert found is not None
        successors += [user.id for user in found.users if user.role == CREATOR]
    assert successors == [eve, ann]


def test_a_member_that_comes_back_is_the_newest(database: Database, ids: list[int]) -> None:
    ann, bob, eve = ids
    group_id = make(database, "tea", ann, bob, eve)
    for user_id in (bob, ann):
        remove(database, group_id, user_id)
        join(database, group_id, user_id)
    database.write(lambda tx: GroupModel(tx).promote_oldest(group_id))
    assert role(database, group_id, eve) == CREATOR
