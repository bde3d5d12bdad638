"""Hashes of new and existing names, also beside servers of other versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.names.lookalikes import BATCH, SETTING, Lookalikes
from chat.names.name_hash import RULES, name_hashes
from chat.protocol import ErrNo, Message, MsgType, ProtocolError
from chat.storage import Database, Transaction, UniqueViolation
from chat.storage.base import T, Work
from chat.storage.tables import (
    GROUPS,
    NO_HASHES,
    USERS,
    GroupModel,
    NameHashes,
    NameModel,
    SettingModel,
    UserModel,
)
from muduopy import ThreadPool
from tests.chat.loopkit import FailingDatabase, Passes
from tests.chat.nodekit import PASSWORD, Node

Rows = list[tuple[str, str | None, str | None]]


def add_users(database: Database, *names: str) -> None:
    """As a server of version 2 does: without hashes."""
    database.write(
        lambda tx: tx.insert_rows("user", ("name", "password"), [(name, "h") for name in names])
    )


def add_groups(database: Database, *names: str) -> None:
    """As a server of version 2 does: without hashes."""
    database.write(lambda tx: [GroupModel(tx).insert(name, "") for name in names])


def users(database: Database) -> Rows:
    return database.read(lambda tx: tx.query("SELECT name, folded, skeleton FROM user ORDER BY id"))


def setting(database: Database) -> str | None:
    return database.read(lambda tx: SettingModel(tx).get(SETTING))


def finish(database: Database) -> None:
    lookalikes = Lookalikes(database)
    while lookalikes.step():
        pass


def claim(database: Database, name: str) -> int:
    """Register a name at a server that has just started."""
    return register_at(Lookalikes(database), database, name)


def register_at(lookalikes: Lookalikes, database: Database, name: str) -> int:
    def insert(tx: Transaction) -> int:
        hashes = lookalikes.claim(tx, USERS, name_hashes(name))
        return UserModel(tx).insert(name, "h", hashes)

    return database.write(insert)


def test_of_existing_lookalikes_the_lowest_id_holds_the_hash(database: Database) -> None:
    add_users(database, "lvan", "ann", "Ivan", "ivan", "ANN", "zhang san", "zhang\u3164 san")
    finish(database)
    lvan, ann, ivan = (name_hashes(name) for name in ("lvan", "ann", "ivan"))
    assert users(database) == [
        ("lvan", *lvan),
        ("ann", *ann),
        ("Ivan", ivan.folded, None),
        ("ivan", None, ivan.skeleton),
        ("ANN", None, None),
        ("zhang san", *name_hashes("zhang san")),
        ("zhang\u3164 san", None, None),
    ]
    assert setting(database) == f"{RULES} done 0"


def test_groups_too(database: Database) -> None:
    add_groups(database, "Tea", "tea", "milk")
    add_users(database, "tea")
    finish(database)
    rows = database.read(lambda tx: tx.query("SELECT folded, skeleton FROM allgroup ORDER BY id"))
    assert rows == [tuple(name_hashes("tea")), (None, None), tuple(name_hashes("milk"))]
    assert users(database) == [("tea", *name_hashes("tea"))], "users and groups do not compete"


def test_it_goes_in_steps_and_another_server_goes_on_with_it(database: Database) -> None:
    add_users(database, *(f"user {number}" for number in range(2 * BATCH + 1)))
    first, second = Lookalikes(database), Lookalikes(database)
    assert first.step()  # says that it begins
    assert setting(database) == f"{RULES} user 0"
    for number, server in enumerate((first, second), 1):
        assert server.step()
        assert setting(database) == f"{RULES} user {number * BATCH}"
        assert sum(folded is not None for _, folded, _ in users(database)) == number * BATCH
    finish(database)
    assert all(folded and skeleton for _, folded, skeleton in users(database))


def test_two_servers_that_do_the_same_step(database: Database) -> None:
    """The second server finds the step done when it begins to write."""
    add_users(database, *(f"user {number}" for number in range(BATCH + 1)))
    first, second = Lookalikes(database), Lookalikes(database)
    first.step()

    class Between(FailingDatabase):
        """Lets the other server do the step between the read and the write."""

        def write(self, work: Work[T]) -> T:
            first.step()
            return super().write(work)

    assert Lookalikes(Between(database)).step()
    assert setting(database) == f"{RULES} user {BATCH}"
    assert second.step()
    assert setting(database) == f"{RULES} user {BATCH + 1}"


def test_new_rules_hash_all_names_anew(database: Database) -> None:
    """Hashes of other rules are never equal to ours."""
    add_users(database, "ann", "Ann")
    database.write(lambda tx: NameModel(tx, USERS).set_hashes([(1, "a" * 32, None)]))
    database.write(lambda tx: SettingModel(tx).set(SETTING, f"{RULES - 1} done 0"))
    with pytest.raises(ProtocolError) as caught:
        claim(database, "bob")
    assert caught.value.errno is ErrNo.UNAVAILABLE
    finish(database)
    assert users(database) == [("ann", *name_hashes("ann")), ("Ann", None, None)]
    claim(database, "bob")


def test_a_server_of_version_2_has_added_a_row(database: Database) -> None:
    """It is hashed before the next name, so a lookalike of it is refused."""
    finish(database)
    server = Lookalikes(database)
    add_users(database, *(f"lvan {number}" for number in range(2 * BATCH)))
    for _ in range(2):  # a claim that comes to nothing leaves them as they were
        with pytest.raises(UniqueViolation):
            register_at(server, database, "Ivan 5")
    assert users(database)[0] == ("lvan 0", *NO_HASHES)
    register_at(server, database, "bob")
    assert users(database)[5] == ("lvan 5", *name_hashes("lvan 5"))
    with pytest.raises(UniqueViolation):
        register_at(server, database, "Ivan 5")


def test_a_server_with_newer_rules_has_been_here(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """This server compares no names. The newer server will hash the rows without hashes."""
    database.write(lambda tx: SettingModel(tx).set(SETTING, f"{RULES + 1} in other words"))
    assert not Lookalikes(database).step()
    assert "upgrade it" in caplog.text
    claim(database, "ann")
    assert users(database) == [("ann", *NO_HASHES)]
    assert setting(database) == f"{RULES + 1} in other words"


def test_a_dissolved_group_makes_way_at_the_next_start(database: Database) -> None:
    add_groups(database, "Tea", "tea")
    finish(database)
    database.write(lambda tx: GroupModel(tx).delete(1))
    finish(database)
    rows = database.read(lambda tx: tx.query("SELECT folded, skeleton FROM allgroup"))
    assert rows == [tuple(name_hashes("tea"))]


def test_an_empty_database_takes_names_at_once(node: Node) -> None:
    assert register(node, "ann")["errno"] == 0


def test_names_wait_until_all_are_compared(
    make_node: Callable[..., Node], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server serves other requests meanwhile."""
    monkeypatch.setattr("chat.names.lookalikes.FIRST_SECONDS", -1.0)
    add_users(database, *(f"user {number}" for number in range(3 * BATCH)))
    node = make_node()
    node.online("logs in meanwhile")
    answer = register(node, "ann")
    assert answer["errno"] in (0, 8)
    node.passes.until(lambda: setting(database) == f"{RULES} done 0")
    assert register(node, "USER 7")["errmsg"].startswith("this name looks like")
    assert register(node, "bob")["errno"] == 0


def test_a_batch_that_fails_is_tried_again(
    passes: Passes,
    workers: ThreadPool,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("chat.names.lookalikes.FIRST_SECONDS", -1.0)
    monkeypatch.setattr("chat.names.lookalikes.RETRY_SECONDS", 0.01)
    add_users(database, "ann")
    failing = FailingDatabase(database)
    Lookalikes(failing).start(passes.loop, workers)
    failing.broken = True
    passes.until(lambda: "could not be compared" in caplog.text)
    failing.broken = False
    passes.until(lambda: setting(database) == f"{RULES} done 0")
    assert users(database) == [("ann", *name_hashes("ann"))]


def register(node: Node, name: str) -> Message:
    client = node.connect()
    return client.ask(MsgType.REG_MSG, v=2, name=name, password=PASSWORD)


@pytest.mark.parametrize(
    "name",
    ["Zhang San", "zhang\u00a0san", "zhang\u3000san", "ZHANG SAN", "zhаng san", "zhang san\u0323"],
)
def test_registering_a_lookalike(node: Node, name: str) -> None:
    assert register(node, "zhang san")["errno"] == 0
    answer = register(node, name)
    assert answer["errno"] == (0 if "\u0323" in name else 1)
    if name.isascii():
        assert answer["errmsg"] == "this name looks like an existing one: choose another"


def test_registering_twice_in_two_forms(node: Node) -> None:
    assert register(node, "cafe\u0301")["errno"] == 0
    for name in ("cafe\u0301", "café"):
        assert register(node, name)["errmsg"] == "this name is taken"
    assert users(node.database)[0][0] == "café"


def test_a_name_that_was_stored_in_another_form(node: Node) -> None:
    """A name of an older version stays as it is, and its owner can log in."""
    add_users(node.database, "cafe\u0301")
    assert register(node, "cafe\u0301")["errmsg"] == "this name is taken"
    assert register(node, "café")["errmsg"].startswith("this name looks like")
    client = node.online("owner\u3164")
    assert client.login.name == "owner\u3164"


def test_a_group_like_another(node: Node) -> None:
    ann = node.online("ann")
    ann.make_group("Ivan's tea")
    answer = ann.ask(MsgType.CREATE_GROUP_MSG, groupname="lvan's tea", groupdesc="")
    assert (answer["errno"], answer["errmsg"]) == (
        10,
        "this name looks like an existing group's: choose another",
    )
    group = ann.make_group("cafe\u0301")
    found = node.database.read(lambda tx: GroupModel(tx).find(group, 200))
    assert found is not None
    assert found.name == "café"
    again = ann.ask(MsgType.CREATE_GROUP_MSG, groupname="café", groupdesc="")
    assert again["errmsg"] == "a group of this name exists"
    assert NameHashes(*node.database.read(lambda tx: hashes_of(tx, group))) == name_hashes("café")


def hashes_of(tx: Transaction, group_id: int) -> tuple[str | None, str | None]:
    sql = f"SELECT folded, skeleton FROM {GROUPS.table} WHERE id = ?"
    (row,) = tx.query(sql, (group_id,))
    return row[0], row[1]
