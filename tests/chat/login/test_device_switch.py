"""DeviceSwitch: named devices begin when no server of version 4 can run any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat.login.device_switch import DeviceSwitch
from chat.login.lease import Lease
from chat.storage import Database
from chat.storage.tables import NodeModel, User, UserModel
from tests.chat.login.presencekit import new_lease
from tests.chat.sessionkit import go_online

MINUTES = 60_000  # milliseconds


@pytest.fixture
def lease(database: Database) -> Iterator[Lease]:
    """Of a server on tables that were upgraded; it may judge others."""
    database.write(lambda tx: tx.execute("DELETE FROM setting WHERE name = 'devices_on'"))
    lease = new_lease(database, "n1")
    yield lease
    lease.close()


def older(database: Database, name: str, milliseconds: int) -> None:
    """A server of version 4, whose lease ends so many milliseconds from now."""
    database.write(
        lambda tx: tx.execute(
            f"INSERT INTO node (name, incarnation, expires) SELECT ?, 'x', {tx.clock} + ?",
            (name, milliseconds),
        )
    )


def nodes(database: Database) -> list[str]:
    return [row.name for row in database.read(lambda tx: NodeModel(tx).all())]


def switch(database: Database, lease: Lease) -> DeviceSwitch:
    return DeviceSwitch(database, lease, allowed=True)


def test_it_is_on_without_older_servers(database: Database, lease: Lease) -> None:
    assert switch(database, lease).is_on()


def test_it_is_on_at_once_where_no_other_server_can_run(database: Database) -> None:
    assert DeviceSwitch(database, None, allowed=True).is_on()


def test_the_settings_can_forbid_it(database: Database, lease: Lease) -> None:
    assert not DeviceSwitch(database, lease, allowed=False).is_on()


def test_new_tables_need_no_judgement(database: Database) -> None:
    """The script that creates them has turned the switch on; SQLite has no other servers."""
    if not database.read(lambda tx: tx.for_update):
        return
    lease = new_lease(database, "n1")
    lease._whole_since += 100
    assert switch(database, lease).is_on()
    lease.close()


def test_a_server_that_may_not_judge_waits(database: Database, lease: Lease) -> None:
    """After an outage of the database, other new servers have no lease yet."""
    lease._whole_since += 100
    assert not switch(database, lease).is_on()
    lease._whole_since -= 100
    assert switch(database, lease).is_on()


@pytest.mark.parametrize("left", [5000, -5000])
def test_an_older_server_that_runs_or_may_go_on(
    database: Database, lease: Lease, left: int
) -> None:
    older(database, "old", left)
    one = switch(database, lease)
    assert not one.is_on()
    database.write(lambda tx: NodeModel(tx).delete_older(5))
    assert one.is_on(), "it has ended"


def test_once_on_it_stays_on(database: Database, lease: Lease) -> None:
    assert switch(database, lease).is_on()
    older(database, "impossible", 5000)
    assert switch(database, lease).is_on()


def test_a_dead_older_server_is_fenced(database: Database, lease: Lease) -> None:
    """It was frozen. If it goes on, it loses its lease, and its logins send nothing."""
    older(database, "old", -2 * MINUTES)
    ids = database.write(lambda tx: [UserModel(tx).insert(name, "h") for name in "abcd"])

    def row(user_id: int) -> User:
        user = database.read(lambda tx: UserModel(tx).find(user_id))
        assert user is not None
        return user

    for user_id, node in zip(ids, ("n1", "old", "gone"), strict=False):
        assert go_online(database, row(user_id), node) == 1
    assert switch(database, lease).is_on()
    assert [row(user_id).generation for user_id in ids] == [1, 2, 2, 0]
    assert nodes(database) == ["n1"]
