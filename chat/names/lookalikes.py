"""Lookalikes: refuses a new name that looks like an existing one.

Each name has two hashes in its row, in unique columns (``name_hash.py``). A new name is inserted
with its hashes, so the database refuses the second of two that look alike. Example: A registers
``Ivan`` at node 1 while B registers ``lvan`` at node 2. Both have the same skeleton; the second
INSERT fails, and B gets an error.

Rows of older versions get their hashes after a server starts, in small steps beside its other work.
Of several such names that look alike, the one with the lowest id holds the hash, and the others
have NULL.

``name_hashes`` in the table ``setting`` has the progress. ``1 user 4200`` means: the users up to id
4200 are hashed by rules 1. ``1 done 0`` means: all names are. Each step advances it in its own
transaction. So several servers share the work, and a restarted server continues it.

Servers of other versions may use the same database:

- A server of version 2 of the tables adds rows without hashes. They are hashed before the next new
  name, and at each start.
- A server with older rules reads a greater number in ``setting``, and adds its rows without hashes.
- While names are hashed by new rules, new names are refused for now: they could not be compared.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

from chat.names.name_hash import RULES, name_hashes
from chat.protocol import ErrNo, ProtocolError
from chat.storage import Database, Transaction, UniqueViolation
from chat.storage.tables import (
    GROUPS,
    HASHES,
    NO_HASHES,
    USERS,
    Named,
    NameHashes,
    NameModel,
    SettingModel,
)
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

SETTING = "name_hashes"
DONE = "done"
TABLES = {named.table: named for named in (USERS, GROUPS)}

BATCH = 100
"""Names of one transaction, which takes a millisecond or two of the writer's time."""

PAUSE_SECONDS = 0.005
"""Between two batches, so that requests need not wait."""

RETRY_SECONDS = 2.0
"""After a batch that failed in the database."""

FIRST_SECONDS = 1.0
"""The part of the work at the start itself. It is enough for a small database."""

WAIT_SECONDS = 5
"""``retry_after`` of a new name that is refused during the hashing."""


class Progress(NamedTuple):
    """The progress of the hashing: the number of the rules, the table, the last hashed id."""

    rules: int
    table: str
    last: int

    @property
    def done(self) -> bool:
        return self.table == DONE


START = Progress(RULES, USERS.table, 0)


class Lookalikes:
    """Computes and stores the hashes of names. Worker or main thread, if not said otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # By table, the id up to which rows without hashes were read. Only the steps write it, and
        # they run one after another. A claim that reads an older number reads some rows again.
        self._looked_at = {table: 0 for table in TABLES}

    def start(self, loop: EventLoop, workers: ThreadPool) -> None:
        """Hash the names without hashes: for one second now, then in the workers. Loop thread.

        Raises StorageError.
        """
        until = time.monotonic() + FIRST_SECONDS
        while self.step():
            if time.monotonic() > until:
                log.info("names are being compared; until that is done no new ones are accepted")
                loop.run_after(0, lambda: self._go_on(loop, workers))
                return

    def _go_on(self, loop: EventLoop, workers: ThreadPool) -> None:
        def done(more: bool | None, error: BaseException | None) -> None:
            if error is not None:
                log.warning("names could not be compared: %s", error)
                loop.run_after(RETRY_SECONDS, again)
            elif more:
                loop.run_after(PAUSE_SECONDS, again)
            else:
                log.info("all names have been compared")

        def again() -> None:
            self._go_on(loop, workers)

        if not workers.try_run_for(loop, self.step, done):
            loop.run_after(RETRY_SECONDS, again)

    def step(self) -> bool:
        """Hash the next batch of names; False if there is none. Raises StorageError."""
        progress = self._database.read(_progress)
        if progress is None or progress.rules < RULES:
            self._database.write(_begin)
            return True
        if progress.rules > RULES:
            log.warning(
                "names on this database are compared by newer rules than this server has: "
                "it does not keep new names from looking like others; upgrade it"
            )
            return False
        if progress.done:
            return any([self._hash_rest(named) for named in TABLES.values()])
        self._hash_next(progress)
        return True

    def claim(self, tx: Transaction, named: Named, hashes: NameHashes) -> NameHashes:
        """The hashes to insert with a new name. Call it in the transaction of the INSERT.

        Raises ProtocolError(UNAVAILABLE) while names are being hashed.
        """
        progress = _progress(tx, share=True)  # new rules cannot begin before this commit
        if progress is not None and progress.rules > RULES:
            return NO_HASHES
        if progress is None or progress.rules < RULES or not progress.done:
            raise _not_yet(WAIT_SECONDS)
        # Rows of servers of version 2. If this transaction fails, the next claim reads them again.
        last = self._looked_at[named.table]
        try:
            while (following := _hash_unhashed(tx, named, last)) is not None:
                last = following
        except UniqueViolation as exc:  # another transaction inserts a lookalike of such a row
            raise _not_yet(1) from exc
        return hashes

    # ------------------------------------------------------------------ existing names

    def _hash_next(self, progress: Progress) -> None:
        """The next batch by new rules."""
        named = TABLES[progress.table]
        rows = self._database.read(lambda tx: NameModel(tx, named).after(progress.last, BATCH))
        hashed = [(row_id, name_hashes(name)) for row_id, name in rows]
        if rows:
            following = progress._replace(last=rows[-1][0])
        elif named is USERS:
            following = Progress(RULES, GROUPS.table, 0)
        else:
            following = Progress(RULES, DONE, 0)

        def work(tx: Transaction) -> None:
            if _progress(tx, lock=True) == progress:  # otherwise another server has done it
                _store(tx, named, hashed)
                SettingModel(tx).set(SETTING, " ".join(map(str, following)))

        self._database.write(work)

    def _hash_rest(self, named: Named) -> bool:
        """The next batch of rows without hashes; False if there is none."""
        last = self._looked_at[named.table]
        try:
            following = self._database.write(lambda tx: _hash_unhashed(tx, named, last))
        except UniqueViolation:
            return True  # another transaction inserted a lookalike, which the next step will see
        if following is not None:
            self._looked_at[named.table] = following
        return following is not None


def _progress(tx: Transaction, *, lock: bool = False, share: bool = False) -> Progress | None:
    """The stored progress; None if no server has begun."""
    value = SettingModel(tx).get(SETTING, lock=lock, share=share)
    if value is None:
        return None
    if int(value.split()[0]) > RULES:
        return Progress(int(value.split()[0]), "", 0)  # newer servers may write another form
    rules, table, last = value.split()
    return Progress(int(rules), table, int(last))


def _not_yet(seconds: int) -> ProtocolError:
    return ProtocolError(
        ErrNo.UNAVAILABLE, "names are being compared: try again", retry_after=seconds
    )


def _begin(tx: Transaction) -> None:
    """Begin to hash all names by our rules, unless another server has begun.

    Example: A and B start at once and find no progress. A locks ``schema_version``; B waits there,
    and then reads A's progress.
    """
    model = SettingModel(tx)
    model.get("schema_version", lock=True)
    progress = _progress(tx, lock=True)
    if progress is None or progress.rules < RULES:
        model.set(SETTING, " ".join(map(str, START)))


def _hash_unhashed(tx: Transaction, named: Named, last: int) -> int | None:
    """Hash the next rows without hashes; returns the id of the last one, None if there is none.

    Such rows come from servers of version 2, or the row that held their hash was deleted.
    """
    rows = NameModel(tx, named).unhashed_after(last, BATCH)
    _store(tx, named, [(row_id, name_hashes(name)) for row_id, name in rows])
    return int(rows[-1][0]) if rows else None


def _store(tx: Transaction, named: Named, hashed: Sequence[tuple[int, NameHashes]]) -> None:
    """Store the hashes of these rows. A hash that another row holds already becomes NULL."""
    if not hashed:
        return
    model = NameModel(tx, named)
    held = [
        model.holders(column, [hashes[place] or "" for _, hashes in hashed])
        for place, column in enumerate(HASHES)
    ]
    rows: list[tuple[int, str | None, str | None]] = []
    for row_id, hashes in hashed:
        free = [
            value if value and held[place].setdefault(value, row_id) == row_id else None
            for place, value in enumerate(hashes)
        ]
        rows.append((row_id, free[0], free[1]))
    model.set_hashes(rows)
