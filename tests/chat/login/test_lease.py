"""Lease: renewed in time, found to have run out, taken by another, given up."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import pytest

import chat.login.lease
from chat.login.lease import Lease, NameTakenError
from chat.storage import Database, UniqueViolation
from chat.storage.tables import NodeModel, NodeRow
from tests.chat.loopkit import WAIT, ErrorLog, FailingDatabase


class Holder:
    """A lease and its reports."""

    def __init__(self, database: Database, node: str, place: str) -> None:
        self.renewals: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.losses: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.commands: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.lease = Lease(
            database,
            node,
            place,
            lambda: (3, "healthy"),
            self.renewals.put,
            lambda: self.losses.put(True),
            self.commands.put,
        )

    def renewed(self) -> bool:
        """Wait for a renewal: was the lease whole?"""
        return self.renewals.get(timeout=WAIT)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewals follow each other at once."""
    monkeypatch.setattr(chat.login.lease, "RENEW_SECONDS", 0.001)
    monkeypatch.setattr(chat.login.lease, "RETRY_SECONDS", 0.001)


@pytest.fixture
def make_holder(database: Database) -> Iterator[Callable[..., Holder]]:
    holders: list[Holder] = []

    def make(other: Database | None = None, node: str = "n1", place: str = "here:6000") -> Holder:
        holders.append(Holder(other or database, node, place))
        return holders[-1]

    yield make
    for holder in holders:
        holder.lease.close()


def rows(database: Database) -> list[NodeRow]:
    return database.read(lambda tx: NodeModel(tx).all())


@pytest.mark.usefixtures("quick")
def test_renewed_again_and_again(database: Database, make_holder: Callable[..., Holder]) -> None:
    holder = make_holder()
    holder.lease.claim()
    holder.lease.start()
    for _ in range(5):
        assert holder.renewed() is True
    (row,) = rows(database)
    assert (row.name, row.connections, row.bus) == ("n1", 3, "healthy")
    assert row.left > 5000
    holder.lease.close()
    assert not rows(database), "given up"


@pytest.mark.usefixtures("quick")
def test_a_command_of_an_operator_is_taken_once(
    database: Database, make_holder: Callable[..., Holder]
) -> None:
    holder = make_holder()
    holder.lease.claim()
    holder.lease.start()
    database.write(lambda tx: NodeModel(tx).give_command("n1", "drain"))
    assert holder.commands.get(timeout=WAIT) == "drain"
    for _ in range(3):
        assert holder.renewed() is True
    assert holder.commands.empty()
    holder.lease.close()


def test_closing_one_that_never_ran(database: Database, make_holder: Callable[..., Holder]) -> None:
    holder = make_holder()
    holder.lease.claim()
    holder.lease.close()
    holder.lease.close()
    assert not rows(database)


@pytest.mark.usefixtures("quick")
def test_a_server_that_comes_back_to_its_place(
    database: Database, make_holder: Callable[..., Holder], errors: ErrorLog
) -> None:
    first, second = make_holder(), make_holder()
    first.lease.claim()
    second.lease.claim()
    first.lease.start()
    assert first.losses.get(timeout=WAIT)
    assert first.lease.lost
    assert first.renewals.empty()
    assert "another server has started as n1" in errors.messages[0]
    first.lease.close()
    assert len(rows(database)) == 1, "the second one's is not touched"


@pytest.mark.usefixtures("quick")
def test_a_name_in_use_elsewhere_is_refused(
    database: Database, make_holder: Callable[..., Holder]
) -> None:
    first, second = make_holder(), make_holder(place="there:6000")
    first.lease.claim()
    with pytest.raises(NameTakenError, match="n1 is running at here:6000"):
        second.lease.claim()
    second.lease.close()
    assert len(rows(database)) == 1, "nothing of the first one's is given up"
    first.lease.start()
    assert first.renewed() is True
    assert first.losses.empty()
    first.lease.close()
    second = make_holder(place="there:6000")
    second.lease.claim()  # the name is free now
    assert len(rows(database)) == 1


def test_a_dead_server_s_name_is_free(
    database: Database, make_holder: Callable[..., Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.login.lease, "LEASE_SECONDS", 0.0)
    make_holder().lease.claim()
    monkeypatch.setattr(chat.login.lease, "LEASE_SECONDS", 10.0)
    make_holder(place="there:6000").lease.claim()
    (row,) = rows(database)
    assert row.left > 5000


@pytest.mark.usefixtures("quick")
def test_one_that_had_run_out(
    database: Database, make_holder: Callable[..., Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = make_holder()
    monkeypatch.setattr(chat.login.lease, "LEASE_SECONDS", 0.0)
    holder.lease.claim()
    assert holder.lease.may_judge
    monkeypatch.setattr(chat.login.lease, "LEASE_SECONDS", 10.0)
    holder.lease._whole_since -= 100
    assert holder.lease.may_judge
    holder.lease.start()
    assert holder.renewed() is False
    assert not holder.lease.may_judge, "others may only not have been able to renew either"
    assert holder.renewed() is True


def set_clock_back(database: Database, seconds: int) -> None:
    """As far as leases can tell: they all have longer to run."""
    database.write(
        lambda tx: tx.execute("UPDATE node SET expires = expires + ?", (seconds * 1000,))
    )


@pytest.mark.usefixtures("quick")
def test_the_databases_clock_is_set_back(
    database: Database, make_holder: Callable[..., Holder], caplog: pytest.LogCaptureFixture
) -> None:
    dead, judge = make_holder(node="dead"), make_holder(node="judge")
    for holder in (dead, judge):
        holder.lease.claim()
    judge.lease._whole_since -= 100
    set_clock_back(database, 3600)

    def is_dead(node: str) -> bool:
        return database.read(lambda tx: judge.lease.is_dead(tx, node))

    assert not is_dead("dead"), "not yet: the judge's own lease is void as well"
    judge.lease.start()
    assert judge.renewed() is False, "others may have called it dead"
    assert not judge.lease.may_judge, "the living have a period to renew theirs"
    assert "clock was set back by some 36" in caplog.text
    assert judge.renewed() is True
    judge.lease._whole_since -= 100
    assert is_dead("dead")
    assert not is_dead("judge")


@pytest.mark.usefixtures("quick")
def test_a_database_that_is_away_for_a_while(
    database: Database, make_holder: Callable[..., Holder], caplog: pytest.LogCaptureFixture
) -> None:
    failing = FailingDatabase(database)
    holder = make_holder(failing)
    holder.lease.claim()
    failing.broken = True
    holder.lease.start()
    while "the lease was not renewed" not in caplog.text:
        assert holder.losses.empty()
    failing.broken = False
    assert holder.renewed() is True


def test_giving_it_up_while_the_database_is_away(
    database: Database, make_holder: Callable[..., Holder]
) -> None:
    failing = FailingDatabase(database)
    holder = make_holder(failing)
    holder.lease.claim()
    failing.broken = True
    holder.lease.close()
    assert len(rows(database)) == 1, "it runs out by itself"


def test_who_may_be_called_dead(database: Database, make_holder: Callable[..., Holder]) -> None:
    judge, other = make_holder(node="judge"), make_holder(node="other")
    judge.lease.claim()
    other.lease.claim()

    def dead() -> bool:
        return database.read(lambda tx: judge.lease.is_dead(tx, "other"))

    assert not dead()
    other.lease.close()
    assert not dead(), "the judge itself is too young"
    judge.lease._whole_since -= 100
    assert dead()


def test_two_that_come_into_being_together(
    database: Database, make_holder: Callable[..., Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither saw the other's row, so the second one's insertion fails, once."""
    claim = NodeModel.claim
    first, second = make_holder(place="here:6000"), make_holder(place="there:6000")

    def race(self: NodeModel, *arguments: object) -> object:
        monkeypatch.setattr(NodeModel, "claim", claim)
        raise UniqueViolation("Duplicate entry")

    first.lease.claim()
    monkeypatch.setattr(NodeModel, "claim", race)
    with pytest.raises(NameTakenError, match="here:6000"):
        second.lease.claim()


def state_of(database: Database, node: str) -> str:
    found = database.read(lambda tx: tx.query("SELECT state FROM node WHERE name = ?", (node,)))
    return str(found[0][0])


def test_the_list_shows_a_server_that_drains(
    database: Database, make_holder: Callable[..., Holder], quick: None
) -> None:
    """Renewals leave the state alone, and the next incarnation is serving again."""
    holder = make_holder()
    holder.lease.claim()
    assert state_of(database, "n1") == "serving"
    holder.lease.start()
    holder.lease.announce_drain()
    holder.renewed()
    holder.renewed()
    assert state_of(database, "n1") == "draining"
    holder.lease.close()
    make_holder().lease.claim()
    holder.lease.announce_drain()  # too late: another incarnation has the name
    assert state_of(database, "n1") == "serving"
