from __future__ import annotations

import pytest

from chat.storage import Database, UniqueViolation
from chat.storage.base import IN_LIST
from chat.storage.tables import OFFLINE, ONLINE, Contact, SessionModel, User, UserModel
from tests.chat.sessionkit import go_online


def add(database: Database, *names: str) -> list[int]:
    return database.write(
        lambda tx: [UserModel(tx).insert(name, f"hash of {name}") for name in names]
    )


def find(database: Database, user_id: int) -> User:
    user = database.read(lambda tx: UserModel(tx).find(user_id))
    assert user is not None
    return user


def online(database: Database, user_id: int, node: str = "n1", device: str | None = None) -> int:
    user = find(database, user_id)
    generation = go_online(database, user, node, device)
    assert generation is not None
    return generation


def offline(database: Database, user_id: int, generation: int) -> bool:
    return database.write(lambda tx: SessionModel(tx).go_offline(user_id, generation))


def test_a_new_user_is_offline(database: Database) -> None:
    (ann,) = add(database, "ann")
    assert find(database, ann) == User(ann, "ann", "hash of ann", OFFLINE, None, None, 0)


def test_a_user_does_not_show_the_hash(database: Database) -> None:
    (ann,) = add(database, "ann")
    assert "hash of ann" not in repr(find(database, ann))


def test_ids_grow(database: Database) -> None:
    ids = add(database, "ann", "bob", "eve")
    assert ids == sorted(set(ids))


def test_an_unknown_user(database: Database) -> None:
    assert database.read(lambda tx: UserModel(tx).find(1)) is None
    assert database.read(lambda tx: UserModel(tx).contact(1)) is None


def test_a_name_is_taken_once(database: Database) -> None:
    add(database, "ann")
    with pytest.raises(UniqueViolation):
        add(database, "ann")
    add(database, "Ann", "ann2", "änn", "安")


def test_contact(database: Database) -> None:
    (ann,) = add(database, "ann")
    assert database.read(lambda tx: UserModel(tx).contact(ann)) == Contact(ann, "ann", OFFLINE)
    online(database, ann)
    assert database.read(lambda tx: UserModel(tx).contact(ann)) == Contact(ann, "ann", ONLINE)


def test_set_password_replaces_the_hash_it_knows(database: Database) -> None:
    (ann, bob) = add(database, "ann", "bob")
    database.write(lambda tx: UserModel(tx).set_password(ann, "hash of ann", "new"))
    assert find(database, ann).password == "new"
    database.write(lambda tx: UserModel(tx).set_password(ann, "hash of ann", "late"))
    assert find(database, ann).password == "new"
    assert find(database, bob).password == "hash of bob"


@pytest.mark.parametrize("count", [0, 1, 2, IN_LIST - 1, IN_LIST, IN_LIST + 1, 2 * IN_LIST + 1])
def test_generations(database: Database, count: int) -> None:
    rows = [(f"user {number}", "h") for number in range(count)]
    database.write(lambda tx: tx.insert_rows("user", ("name", "password"), rows))
    ids = [row[0] for row in database.read(lambda tx: tx.query("SELECT id FROM user"))]
    asked = [*ids, 999_999, 1_000_000]
    found = database.read(lambda tx: UserModel(tx).generations(asked))
    assert found == dict.fromkeys(ids, 0)


def test_generations_grow_with_logins(database: Database) -> None:
    ann, bob = add(database, "ann", "bob")
    assert online(database, ann) == 1
    offline(database, ann, 1)
    assert online(database, ann) == 2
    found = database.read(lambda tx: UserModel(tx).generations({ann, bob}))
    assert found == {ann: 2, bob: 0}


def test_going_online(database: Database) -> None:
    (ann,) = add(database, "ann")
    generation = online(database, ann, "n1", "laptop")
    user = find(database, ann)
    assert (user.state, user.node, user.device) == (ONLINE, "n1", "laptop")
    assert user.generation == generation


def test_of_two_readers_of_a_row_one_goes_online(database: Database) -> None:
    (ann,) = add(database, "ann")
    user = find(database, ann)
    assert go_online(database, user, "n1") == 1
    assert go_online(database, user, "n2") is None
    assert find(database, ann).node == "n1"


def test_a_row_that_was_released_meanwhile_can_be_taken(database: Database) -> None:
    """A release keeps the generation, and only the generation tells the sessions apart."""
    (ann,) = add(database, "ann")
    generation = online(database, ann)
    seen_online = find(database, ann)
    offline(database, ann, generation)
    taken = go_online(database, seen_online, "n2")
    assert taken == generation + 1


def test_taking_over(database: Database) -> None:
    (ann,) = add(database, "ann")
    first = online(database, ann, "n1", "laptop")
    second = online(database, ann, "n2", "phone")
    assert second == first + 1
    assert not offline(database, ann, first), "it belongs to the second one now"
    user = find(database, ann)
    assert (user.state, user.node, user.device) == (ONLINE, "n2", "phone")


def test_going_offline(database: Database) -> None:
    (ann,) = add(database, "ann")
    generation = online(database, ann, "n1", "laptop")
    assert offline(database, ann, generation)
    user = find(database, ann)
    assert (user.state, user.node, user.device) == (OFFLINE, None, "laptop"), "the last one"
    assert user.generation == generation
    assert not offline(database, ann, generation), "once"


def test_online_at(database: Database) -> None:
    ann, bob, eve, _ = add(database, "ann", "bob", "eve", "dan")
    online(database, ann, "n1")
    generation = online(database, bob, "n1")
    offline(database, bob, generation)
    online(database, bob, "n1")
    online(database, eve, "n2")

    def at(node: str, after: int = 0, limit: int = 9) -> dict[int, int]:
        return database.read(lambda tx: SessionModel(tx).online_at(node, after, limit))

    assert at("n1") == {ann: 1, bob: 2}
    assert at("n1", ann) == {bob: 2}
    assert at("n1", 0, 1) == {ann: 1}
    assert at("n1", bob) == at("n3") == {}
    assert database.read(lambda tx: SessionModel(tx).nodes()) == {"n1", "n2"}


def test_offline_of_a_node(database: Database) -> None:
    ann, bob, eve, dan = add(database, "ann", "bob", "eve", "dan")
    for user_id, node in ((ann, "n1"), (bob, "n1"), (eve, "n1"), (dan, "n2")):
        online(database, user_id, node)

    def take(limit: int) -> list[int]:
        return database.write(lambda tx: SessionModel(tx).offline_of("n1", limit))

    assert (take(2), take(2), take(2)) == ([ann, bob], [eve], [])
    assert (find(database, ann).state, find(database, ann).generation) == (OFFLINE, 1)
    assert find(database, dan).state == ONLINE


@pytest.mark.parametrize(
    ("node", "left"),
    [("n1", ["eve"]), ("n2", ["ann", "bob"]), ("n3", ["ann", "bob", "eve"]), (None, [])],
)
def test_all_offline(database: Database, node: str | None, left: list[str]) -> None:
    ann, bob, eve, dan = add(database, "ann", "bob", "eve", "dan")
    for user_id, at in ((ann, "n1"), (bob, "n1"), (eve, "n2")):
        online(database, user_id, at)
    gone = [u for u, name in ((ann, "ann"), (bob, "bob"), (eve, "eve")) if name not in left]
    assert database.write(lambda tx: SessionModel(tx).all_offline(node)) == gone
    for user_id in (ann, bob, eve):
        user = find(database, user_id)
        if user.name in left:
            assert (user.state, user.generation) == (ONLINE, 1)
        else:
            assert (user.state, user.node) == (OFFLINE, None)
            assert user.generation == 2, "what the former incarnation still tries is refused"
            assert not offline(database, user_id, 1)
    assert find(database, dan).generation == 0
