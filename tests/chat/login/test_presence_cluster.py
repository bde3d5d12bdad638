"""Presence among other nodes: who is alive, who is dead, and who was only taken for dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chat.storage import Database
from chat.storage.tables import OFFLINE, ONLINE
from tests.chat.login.presencekit import Office, offices


class Cluster:
    """Two offices on one database, each with a lease that is old enough to judge."""

    def __init__(self, make_office: Callable[..., Office]) -> None:
        self.here = make_office(node="n1", leased=True)
        self.there = make_office(node="n2", leased=True)
        for office in (self.here, self.there):
            office.database.exclusive = False  # whatever kind it is


@pytest.fixture
def cluster(database: Database) -> Iterator[Cluster]:
    with offices(database) as make_office:
        yield Cluster(make_office)


def test_a_user_of_a_live_node(cluster: Cluster) -> None:
    ann = cluster.here.user()
    cluster.there.log_in(ann, "laptop")
    cluster.here.refused(ann)
    assert cluster.here.take(ann, "laptop") == 2


def test_a_user_of_a_dead_node(cluster: Cluster) -> None:
    ann = cluster.here.user()
    cluster.there.log_in(ann)
    assert cluster.there.lease is not None
    cluster.there.lease.close()
    assert cluster.here.take(ann) == 2


def test_the_dead_are_buried(cluster: Cluster) -> None:
    ann, bob, eve = (cluster.here.user(name) for name in ("ann", "bob", "eve"))
    generation = cluster.there.log_in(ann)
    cluster.here.log_in(bob)
    cluster.there.log_in(eve)
    assert cluster.there.lease is not None
    cluster.there.lease.close()
    cluster.here.reconcile()
    row = cluster.here.row(ann)
    assert (row.state, row.node, row.generation) == (OFFLINE, None, generation)
    assert cluster.here.row(bob).state == ONLINE
    assert sorted(cluster.here.changed) == [ann, eve]


def test_who_was_buried_alive_has_its_users_back(cluster: Cluster) -> None:
    ann, bob = cluster.here.user(), cluster.here.user("bob")
    cluster.there.log_in(ann)
    cluster.there.log_in(bob)
    assert cluster.there.lease is not None
    cluster.there.lease.close()
    cluster.here.reconcile()
    cluster.here.log_in(bob)  # meanwhile
    cluster.there.lease.claim()
    cluster.there.reconcile()
    row = cluster.here.row(ann)
    assert (row.state, row.node, row.generation) == (ONLINE, "n2", 1)
    assert cluster.here.row(bob).node == "n1"
    assert cluster.there.sent_away == [bob]
    assert cluster.there.changed == [ann]


def test_a_server_that_has_just_come_back_expires_no_session(cluster: Cluster) -> None:
    ann = cluster.here.user()
    cluster.there.log_in(ann)
    assert cluster.here.lease is not None
    assert cluster.there.lease is not None
    cluster.there.lease.close()
    cluster.here.lease.claim()  # whole since this moment
    cluster.here.reconcile()
    assert cluster.here.row(ann).state == ONLINE
    cluster.here.refused(ann)


def test_a_session_whose_user_is_elsewhere_by_now(cluster: Cluster) -> None:
    ann = cluster.here.user()
    cluster.there.log_in(ann, "laptop")
    cluster.here.log_in(ann, "laptop")
    cluster.there.reconciliation.check([ann, 999])
    assert cluster.there.sent_away == [ann]
    assert cluster.there.logins.find(ann) is None, "messages for the user belong to the other node"
    cluster.here.reconciliation.check_soon([ann])
    cluster.here.wait()
    assert cluster.here.sent_away == []
