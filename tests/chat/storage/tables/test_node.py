from __future__ import annotations

from chat.storage import Database
from chat.storage.tables import NodeModel, NodeRow
from chat.storage.tables.node import LEASE_SECONDS


def claim(
    database: Database,
    name: str,
    incarnation: str = "i1",
    milliseconds: int = 5000,
    place: str = "here:1",
) -> str | None:
    """None, or the place of the server that has the name."""
    return database.write(lambda tx: NodeModel(tx).claim(name, incarnation, place, milliseconds))


def left(database: Database, name: str, incarnation: str = "i1") -> int | None:
    return database.write(lambda tx: NodeModel(tx).left(name, incarnation))


def alive(database: Database, name: str) -> bool:
    return database.read(lambda tx: NodeModel(tx).is_alive(name))


def test_a_lease_runs(database: Database) -> None:
    claim(database, "n1")
    found = left(database, "n1")
    assert found is not None
    assert 0 < found <= 5000
    assert alive(database, "n1")


def test_a_lease_that_has_run_out(database: Database) -> None:
    claim(database, "n1", milliseconds=-1000)
    found = left(database, "n1")
    assert found is not None
    assert found <= -1000
    assert not alive(database, "n1")


def test_there_is_none(database: Database) -> None:
    assert left(database, "n1") is None
    assert not alive(database, "n1")
    assert database.read(lambda tx: NodeModel(tx).alive()) == set()


def test_living_servers(database: Database) -> None:
    claim(database, "n1")
    claim(database, "n2")
    claim(database, "n3", milliseconds=-1)
    assert database.read(lambda tx: NodeModel(tx).alive()) == {"n1", "n2"}


HOUR = 3_600_000


def test_a_lease_from_before_the_clock_was_set_back(database: Database) -> None:
    """Such a lease counts for nothing: a dead server's would run for an hour."""
    claim(database, "n1", milliseconds=HOUR)
    claim(database, "n2", milliseconds=int(LEASE_SECONDS * 1000))
    assert [alive(database, name) for name in ("n1", "n2")] == [False, True]
    assert database.read(lambda tx: NodeModel(tx).alive()) == {"n2"}
    found = database.read(lambda tx: NodeModel(tx).all())
    assert [(row.name, row.alive) for row in found] == [("n1", False), ("n2", True)]
    assert claim(database, "n1", "i2", 5000, "there:1") is None, "its name is free"


def test_clocks_that_differ_a_little(database: Database) -> None:
    """As the clocks of the servers of a replicated database do."""
    claim(database, "n1", milliseconds=int(LEASE_SECONDS * 1000) + 500)
    assert alive(database, "n1")


def test_renewing_makes_it_run_again(database: Database) -> None:
    claim(database, "n1", milliseconds=-1000)
    database.write(lambda tx: NodeModel(tx).renew("n1", 5000, 7, "healthy"))
    assert alive(database, "n1")
    (row,) = database.read(lambda tx: NodeModel(tx).all())
    assert row == NodeRow("n1", row.left, 7, "healthy", "serving")
    assert 0 < row.left <= 5000


def test_a_new_incarnation_ends_the_old_ones(database: Database) -> None:
    assert claim(database, "n1", "i1") is None
    assert claim(database, "n1", "i2") is None, "the same place: it has come back"
    assert left(database, "n1", "i1") is None
    assert left(database, "n1", "i2") is not None
    database.write(lambda tx: NodeModel(tx).release("n1", "i1"))
    assert alive(database, "n1"), "that was not the old one's to give up"


def test_a_name_in_use_at_another_place(database: Database) -> None:
    claim(database, "n1", "i1", 5000, "here:1")
    assert claim(database, "n1", "i2", 5000, "there:1") == "here:1"
    assert left(database, "n1", "i2") is None
    found = left(database, "n1", "i1")
    assert found is not None
    assert found > 0, "nothing has happened to the one that is there"
    assert claim(database, "n2", "i2", 5000, "there:1") is None, "another name"


def test_a_name_whose_lease_has_run_out_is_free(database: Database) -> None:
    claim(database, "n1", "i1", -1, "here:1")
    assert claim(database, "n1", "i2", 5000, "there:1") is None
    assert left(database, "n1", "i1") is None
    assert claim(database, "n1", "i1", 5000, "here:1") == "there:1"


def test_a_name_that_was_given_up_is_free(database: Database) -> None:
    claim(database, "n1", "i1", 5000, "here:1")
    database.write(lambda tx: NodeModel(tx).release("n1", "i1"))
    assert claim(database, "n1", "i2", 5000, "there:1") is None


def test_giving_it_up(database: Database) -> None:
    claim(database, "n1")
    claim(database, "n2")
    database.write(lambda tx: NodeModel(tx).release("n1", "i1"))
    assert not alive(database, "n1")
    assert [row.name for row in database.read(lambda tx: NodeModel(tx).all())] == ["n2"]
