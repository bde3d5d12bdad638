"""Presence: who owns a user's row, also after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from loopkit import FailingDatabase

from chat.db import Database
from chat.lease import Lease
from chat.model import OFFLINE, ONLINE, User, UserModel
from chat.presence import Presence
from chat.protocol import ErrNo, ProtocolError
from chat.sessions import SessionRegistry
from muduopy import ThreadPool


class Office:
    """A presence with its registry; ``wait`` for what it has left to the workers."""

    def __init__(
        self,
        database: Database,
        *,
        replace: bool = False,
        node: str = "n1",
        lease: Lease | None = None,
    ) -> None:
        self.database = FailingDatabase(database)
        self.sessions = SessionRegistry()
        self.workers = ThreadPool(1, "worker", 2)
        self.lease = lease
        self.changed: list[int] = []
        self.sent_away: list[int] = []
        notices: Any = SimpleNamespace(changed=self.changed.extend)
        self.presence = Presence(
            self.database,
            self.sessions,
            self.workers,
            node,
            replace=replace,
            lease=lease,
            notices=notices,
        )

    def user(self, name: str = "ann") -> int:
        return self.database.write(lambda tx: UserModel(tx).insert(name, "h"))

    def row(self, user_id: int) -> User:
        user = self.database.read(lambda tx: UserModel(tx).find(user_id))
        assert user is not None
        return user

    def take(self, user_id: int, device: str | None = None) -> int:
        user = self.row(user_id)
        return self.database.write(lambda tx: self.presence.take(tx, user, device))

    def log_in(self, user_id: int, device: str | None = None) -> int:
        generation = self.take(user_id, device)
        session: Any = SimpleNamespace(groups=frozenset(), send_away=self.sent_away.append)
        self.sessions.add(session, user_id, frozenset(), generation)
        return generation

    def refused(self, user_id: int, device: str | None = None) -> None:
        with pytest.raises(ProtocolError) as caught:
            self.take(user_id, device)
        assert caught.value.errno is ErrNo.ALREADY_ONLINE

    def reconcile(self) -> None:
        """As the workers do it, but at once."""
        self.presence._reconcile()

    def wait(self) -> None:
        """Until the workers have done what they were given."""
        self.workers.stop()


@pytest.fixture
def make_office(database: Database) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def make(**options: Any) -> Office:
        offices.append(Office(database, **options))
        return offices[-1]

    yield make
    for office in offices:
        office.wait()


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office()


def other_node(office: Office, user_id: int, node: str) -> None:
    """Another node takes the user."""
    user = office.row(user_id)
    office.database.write(lambda tx: UserModel(tx).go_online(user, node, None))


# ---------------------------------------------------------------------- taking


def test_take_and_release(office: Office) -> None:
    ann = office.user()
    generation = office.take(ann, "laptop")
    row = office.row(ann)
    assert (row.state, row.node, row.device) == (ONLINE, "n1", "laptop")
    office.presence.release(ann, generation)
    office.wait()
    assert office.row(ann).state == OFFLINE


def test_a_live_session_keeps_its_user(office: Office) -> None:
    ann = office.user()
    office.log_in(ann, "laptop")
    office.refused(ann)
    office.refused(ann, "phone")
    assert office.row(ann).generation == 1


def test_the_same_device_takes_over(office: Office) -> None:
    ann = office.user()
    office.log_in(ann, "laptop")
    assert office.take(ann, "laptop") == 2


def test_two_without_a_device_are_not_the_same(office: Office) -> None:
    ann = office.user()
    office.log_in(ann)
    office.refused(ann)


def test_everybody_takes_over_if_set_so(make_office: Callable[..., Office]) -> None:
    office = make_office(replace=True)
    ann = office.user()
    office.log_in(ann, "laptop")
    assert office.take(ann) == 2


def test_a_row_without_a_session_is_free(office: Office) -> None:
    """As it stays behind after a crash, or a release that failed."""
    ann = office.user()
    office.take(ann, "laptop")
    assert office.take(ann, "phone") == 2


def test_a_row_that_changed_meanwhile_is_refused(office: Office) -> None:
    ann = office.user()
    seen = office.row(ann)
    office.take(ann)
    with pytest.raises(ProtocolError) as caught:
        office.database.write(lambda tx: office.presence.take(tx, seen, None))
    assert caught.value.errno is ErrNo.ALREADY_ONLINE


@pytest.mark.parametrize("exclusive", [True, False])
def test_another_nodes_row(office: Office, exclusive: bool) -> None:
    """It is live, unless no other node can be using this database."""
    ann = office.user()
    other_node(office, ann, "n2")
    office.database.exclusive = exclusive
    if exclusive:
        assert office.take(ann) == 2
    else:
        office.refused(ann)


def test_our_own_row_on_a_shared_database(office: Office) -> None:
    ann = office.user()
    office.database.exclusive = False
    office.take(ann)
    assert office.take(ann) == 2, "no session of ours has it"


# ---------------------------------------------------------------------- releasing


def test_an_old_session_does_not_release_the_new_one(office: Office) -> None:
    ann = office.user()
    first = office.take(ann)
    second = office.take(ann)
    office.presence.release(ann, first)
    office.wait()
    row = office.row(ann)
    assert (row.state, row.generation) == (ONLINE, second)


def test_a_release_that_fails_is_put_right_later(office: Office) -> None:
    ann = office.user()
    generation = office.log_in(ann)
    office.sessions.remove(office.sessions.all()[0], ann)
    office.database.broken = True
    office.presence.release(ann, generation)
    office.wait()
    office.presence.release(ann, generation)  # no worker any more: not even tried
    office.database.broken = False
    assert office.row(ann).state == ONLINE
    reconcile(office)
    assert office.row(ann).state == OFFLINE


# ---------------------------------------------------------------------- after a crash


@pytest.mark.parametrize(("exclusive", "left"), [(True, []), (False, ["bob"])])
def test_reclaim(office: Office, exclusive: bool, left: list[str]) -> None:
    ann, bob, eve = (office.user(name) for name in ("ann", "bob", "eve"))
    other_node(office, ann, "n1")
    other_node(office, bob, "n2")
    office.database.exclusive = exclusive
    office.presence.reclaim()
    rows = [office.row(user) for user in (ann, bob, eve)]
    assert [row.name for row in rows if row.state == ONLINE] == left
    assert office.row(ann).generation == 2, "what the crashed server still tries is refused"


def reconcile(office: Office) -> None:
    """Run one round to its end, inline."""
    office.presence._workers = ThreadPool(0)
    office.presence.reconcile()


def test_reconcile_releases_what_no_session_owns(office: Office) -> None:
    ann, bob, eve, dan = (office.user(name) for name in ("ann", "bob", "eve", "dan"))
    office.log_in(ann)
    office.take(bob)  # left behind
    office.sessions.begin(eve)
    office.take(eve)  # a login under way
    other_node(office, dan, "n2")
    reconcile(office)
    states = [office.row(user).state for user in (ann, bob, eve, dan)]
    assert states == [ONLINE, OFFLINE, ONLINE, ONLINE]


def test_a_part_at_a_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds cost the same however many users there are; in the end all were looked at."""
    monkeypatch.setattr("chat.presence.PART", 2)
    users = [office.user(f"user {number}") for number in range(5)]
    for user in users:
        office.take(user)
    reconcile(office)  # the first one is thorough
    assert [office.row(user).state for user in users] == [OFFLINE] * 5
    for user in users:
        office.take(user)
    for left in (3, 1, 0):
        reconcile(office)
        assert sum(office.row(user).state == ONLINE for user in users) == left
    for user in users:
        office.take(user)
    office.presence._workers = ThreadPool(0)
    office.presence.reconcile(all_of_it=True)
    assert [office.row(user).state for user in users] == [OFFLINE] * 5


def test_sessions_are_compared_with_their_part(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.presence.PART", 2)
    users = [office.user(f"user {number}") for number in range(5)]
    for user in users:
        office.log_in(user)
    for _ in range(4):
        reconcile(office)
        assert office.sent_away == []
    for user in users:
        other_node(office, user, "n2")
    for gone in (2, 4, 5):
        reconcile(office)
        assert len(office.sent_away) >= gone


def test_reconcile_survives_a_failing_database(office: Office) -> None:
    ann = office.user()
    office.take(ann)
    office.database.broken = True
    reconcile(office)
    office.database.broken = False
    reconcile(office)
    assert office.row(ann).state == OFFLINE


def test_reconcile_runs_once_at_a_time(office: Office) -> None:
    queued: list[Any] = []

    class Slow:
        def try_run(self, task: Any) -> bool:
            queued.append(task)
            return True

    office.presence._workers = Slow()  # type: ignore[assignment]
    office.presence.reconcile()
    office.presence.reconcile()
    assert len(queued) == 1
    queued.pop()()
    office.presence.reconcile()
    assert len(queued) == 1


def test_reconcile_with_busy_workers_tries_again_next_time(office: Office) -> None:
    ann = office.user()
    office.take(ann)
    stopped = ThreadPool(1)
    stopped.stop()
    office.presence._workers = stopped
    office.presence.reconcile()
    assert office.row(ann).state == ONLINE
    reconcile(office)
    assert office.row(ann).state == OFFLINE


def test_a_login_that_begins_during_a_round_is_left_alone(office: Office) -> None:
    """Rows are read before the sessions: who was not there then is not released."""
    ann = office.user()
    real_owned = office.sessions.owned

    def owned() -> set[int]:
        office.log_in(ann)  # between the two looks
        return real_owned() - {ann}

    office.sessions.owned = owned  # type: ignore[method-assign]
    reconcile(office)
    assert office.row(ann).state == ONLINE


# ---------------------------------------------------------------------- among other nodes


class Cluster:
    """Two offices on one database, each with a lease that is old enough to judge."""

    def __init__(
        self, make_office: Callable[..., Office], make_lease: Callable[..., Lease]
    ) -> None:
        self.here = make_office(node="n1", lease=make_lease("n1"))
        self.there = make_office(node="n2", lease=make_lease("n2"))
        for office in (self.here, self.there):
            office.database.exclusive = False  # whatever kind it is


@pytest.fixture
def make_lease(database: Database) -> Iterator[Callable[[str], Lease]]:
    leases: list[Lease] = []

    def make(node: str) -> Lease:
        lease = Lease(database, node, lambda: (0, ""), lambda whole: None, lambda: None)
        lease.claim()
        lease._whole_since -= 100
        leases.append(lease)
        return lease

    yield make
    for lease in leases:
        lease.close()


@pytest.fixture
def cluster(make_office: Callable[..., Office], make_lease: Callable[..., Lease]) -> Cluster:
    return Cluster(make_office, make_lease)


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


def test_nobody_is_buried_by_who_has_just_come_back(cluster: Cluster) -> None:
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
    cluster.there.presence.check([ann, 999])
    assert cluster.there.sent_away == [ann]
    cluster.here.presence.check_soon([ann])
    cluster.here.wait()
    assert cluster.here.sent_away == []
