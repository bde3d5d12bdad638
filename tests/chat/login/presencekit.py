"""Office: a node's presence without the node: its registry, its lease and its reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from chat.bus import LocalBus
from chat.delivery.codec import Payload
from chat.login.lease import Lease
from chat.login.presence import Presence
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.protocol import ErrNo, ProtocolError
from chat.storage import Database
from chat.storage.tables import Session, User, UserModel
from muduopy import ThreadPool
from tests.chat.loopkit import FailingDatabase
from tests.chat.sessionkit import go_online


class Office:
    """A presence with its registry; ``wait`` for the jobs of the workers."""

    def __init__(
        self,
        database: Database,
        *,
        replace: bool = False,
        node: str = "n1",
        leased: bool = False,
    ) -> None:
        """``leased``: with a lease that is old enough to judge others."""
        self.database = FailingDatabase(database)
        self.logins = LoginRegistry()
        self.workers = ThreadPool(1, "worker", 2)
        self.lease = new_lease(database, node) if leased else None
        self.changed: list[int] = []
        self.sent_away: list[int] = []
        feed: Any = SimpleNamespace(changed=self.changed.extend, tell_now=lambda: None)
        self.presence = Presence(
            self.database, self.logins, self.workers, feed, node, self.lease, replace=replace
        )
        bus: LocalBus[Payload] = LocalBus()
        self.reconciliation = Reconciliation(
            self.database, bus, self.logins, self.workers, feed, self.presence, self.lease
        )

    def user(self, name: str = "ann") -> int:
        return self.database.write(lambda tx: UserModel(tx).insert(name, "h"))

    def row(self, user_id: int) -> User:
        user = self.database.read(lambda tx: UserModel(tx).find(user_id))
        assert user is not None
        return user

    def take(self, user_id: int, device: str | None = None, *, may_replace: bool = True) -> int:
        user = self.row(user_id)
        session = Session(user.id, user.node, user.generation)
        same = device is not None and device == user.device
        return self.database.write(
            lambda tx: self.presence.take(
                tx, session, device, same_device=same, may_replace=may_replace
            )
        )

    def log_in(self, user_id: int, device: str | None = None) -> int:
        generation = self.take(user_id, device)
        login: Any = SimpleNamespace(
            user_id=user_id,
            mailbox=user_id,
            generation=generation,
            groups=frozenset(),
            send_away=lambda reason: self.sent_away.append(user_id),
        )
        self.logins.add(login, frozenset())
        return generation

    def refused(self, user_id: int, device: str | None = None, **options: bool) -> None:
        with pytest.raises(ProtocolError) as caught:
            self.take(user_id, device, **options)
        assert caught.value.errno is ErrNo.ALREADY_ONLINE

    def taken_elsewhere(self, user_id: int, node: str) -> None:
        """Another node takes the user."""
        user = self.row(user_id)
        go_online(self.database, user, node)

    def reconcile(self, *, thorough: bool = False) -> None:
        """Run one round to its end, inline."""
        self.presence._workers = self.reconciliation._workers = ThreadPool(0)
        self.reconciliation.start_round(thorough=thorough)

    def wait(self) -> None:
        """Until the workers have done their jobs."""
        self.workers.stop()


def new_lease(database: Database, node: str) -> Lease:
    place = f"{node}:6000"
    lease = Lease(
        database, node, place, lambda: (0, ""), lambda whole: None, lambda: None, lambda word: None
    )
    lease.claim()
    lease._whole_since -= 100
    return lease


@contextmanager
def offices(database: Database) -> Iterator[Callable[..., Office]]:
    """Makes them, and closes them in the end."""
    made: list[Office] = []

    def make(**options: Any) -> Office:
        made.append(Office(database, **options))
        return made[-1]

    yield make
    for office in made:
        office.wait()
        if office.lease is not None:
            office.lease.close()
