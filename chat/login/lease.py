"""Lease: a row that shows that this server is alive, renewed by a thread of its own.

A server whose lease has expired counts as dead. Its users may log in at other servers at once, and
the next server that finds the expired lease shows them offline. But the server may still run: it
was frozen, or cut off from the database. ``on_renewed`` is called after every renewal and told
whether the lease was whole, so that such a server can check its users:

    Node 1 is frozen, and its lease expires. Meanwhile A logs in at node 2. Node 1 continues, and
    its renewal reports a lease that was not whole. Node 1 ends its old login of A.

After an outage of the database all leases have expired at once, so an expired lease does not show
a dead server. A server judges other leases only after its own has been whole for one period.

When the database's clock is set back by an hour, all leases have an hour to run. Such leases are
void, and living servers renew theirs within seconds. A server with a void lease does not judge, and
its next renewal reports a lease that was not whole.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from chat.storage import Database, StorageError, Transaction, UniqueViolation
from chat.storage.tables.node import DRAINING, LEASE_SECONDS, NodeModel, runs

log = logging.getLogger(__name__)

RENEW_SECONDS = 3.0
"""Between two renewals: three in the time of a lease."""

RETRY_SECONDS = 0.5
"""Between a failed renewal and the next try."""


class NameTakenError(Exception):
    """A server at another place has a lease under this name."""


class Lease:
    """One server's lease. The constructor and ``close``: main thread; the rest: any thread.

    Attributes:
        node: this server's name.
        incarnation: a random name of this run of the server.
        lost: another server has started under the same name; this one must end.
        renewed_at: the time before the last renewal, monotonic seconds. The lease's thread changes
            it, any thread reads it.
    """

    def __init__(
        self,
        database: Database,
        node: str,
        place: str,
        about: Callable[[], tuple[int, str]],
        on_renewed: Callable[[bool], object],
        on_lost: Callable[[], object],
        on_command: Callable[[str], object] = lambda command: None,
    ) -> None:
        """``place``: the address and the machine; a server that restarts there is the same one.
        ``about``: the number of connections and the state of the bus, for the list of servers. The
        callbacks run in the lease's thread: ``on_renewed(whole)``; ``on_command`` for a command of
        an operator at another server; and ``on_lost`` once at most."""
        self.node = node
        self._place = place
        self.incarnation = secrets.token_hex(16)
        self.lost = False
        self._database = database
        self._about = about
        self._on_renewed = on_renewed
        self._on_lost = on_lost
        self._on_command = on_command
        self._whole_since = self.renewed_at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease")

    def claim(self, agree: Callable[[Transaction], object] = lambda tx: None) -> None:
        """Take the lease. Before ``start``. Raises StorageError, NameTakenError.

        ``agree`` is called in the same transaction. If it raises, the lease is not taken.
        """

        def work(tx: Transaction) -> str | None:
            agree(tx)
            milliseconds = int(LEASE_SECONDS * 1000)
            return NodeModel(tx).claim(self.node, self.incarnation, self._place, milliseconds)

        begun = time.monotonic()
        try:
            taken = self._database.write(work)
        except UniqueViolation:  # a server of this name has just inserted the row
            taken = self._database.write(work)
        if taken is not None:
            raise NameTakenError(f"{self.node} is running at {taken}")
        self._whole_since = time.monotonic()
        self.renewed_at = begun

    def start(self) -> None:
        """Renew the lease regularly from now on."""
        self._thread.start()

    def close(self) -> None:
        """Give the lease up. Idempotent."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            self._database.write(lambda tx: NodeModel(tx).release(self.node, self.incarnation))
        except StorageError as exc:
            log.warning("the lease was not released, and ends by itself: %s", exc)

    def announce_drain(self) -> None:
        """Show in the list of servers that this one is draining. Worker thread: it blocks."""
        try:
            self._database.write(
                lambda tx: NodeModel(tx).set_state(self.node, self.incarnation, DRAINING)
            )
        except StorageError as exc:
            log.warning("the list of servers does not show that this one drains: %s", exc)

    @property
    def held(self) -> bool:
        """Does this server count as alive, as far as it knows?"""
        return not self.lost and time.monotonic() - self.renewed_at < LEASE_SECONDS

    @property
    def may_judge(self) -> bool:
        """Has the lease been whole for so long that servers without a lease are dead?"""
        return time.monotonic() - self._whole_since >= LEASE_SECONDS

    def is_dead(self, tx: Transaction, node: str) -> bool:
        """In a transaction: is that server certainly dead?"""
        model = NodeModel(tx)
        return self.may_judge and model.is_alive(self.node) and not model.is_alive(node)

    def _run(self) -> None:
        pause = RENEW_SECONDS
        while not self._ended.wait(pause):
            begun = time.monotonic()
            try:
                left, command = self._database.write(self._renew)
            except StorageError as exc:
                log.warning("the lease was not renewed: %s", exc)
                pause = RETRY_SECONDS
                continue
            except Exception:  # of any kind: without a lease this server counts as dead
                log.exception("the renewal of the lease failed")
                pause = RETRY_SECONDS
                continue
            pause = RENEW_SECONDS
            if left is None:
                self.lost = True
                log.error("another server has started as %s: this one stops", self.node)
                self._on_lost()
                return
            self.renewed_at = begun
            whole = runs(left)
            if not whole:
                if left > 0:
                    log.warning("the database's clock was set back by some %.0f s", left / 1000)
                else:
                    log.warning("the lease had run out %.1f s ago", -left / 1000)
                self._whole_since = time.monotonic()
            try:
                self._on_renewed(whole)
                if command:
                    self._on_command(command)
            except Exception:
                log.exception("the callback after the renewal of the lease failed")

    def _renew(self, tx: Transaction) -> tuple[int | None, str]:
        """The milliseconds that were left, or None; and a command, or ""."""
        model = NodeModel(tx)
        left = model.left(self.node, self.incarnation)
        if left is None:
            return None, ""
        connections, bus = self._about()
        model.renew(self.node, int(LEASE_SECONDS * 1000), connections, bus)
        return left, model.take_command(self.node)
