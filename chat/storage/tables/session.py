"""SessionModel: the logins of devices: which node has one, and its generation.

The session of a user's unnamed device stands in ``user``, where servers of version 4 of the tables
look for it. The session of another device stands in ``device``. Both have the columns ``node`` and
``generation``; the number of the mailbox tells the table. ``user.state`` is online while any device
of the user has a node.

A change locks the row of the user first, also for another device. So a transaction that has locked
a user knows that none of the user's sessions changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from chat.mailbox_number import is_named, owner
from chat.protocol import MAX_ID
from chat.storage.base import Transaction
from chat.storage.tables.rows import OFFLINE, ONLINE


class _Table(NamedTuple):
    """A table with sessions, and its column with the number of the mailbox."""

    name: str
    key: str


_UNNAMED = _Table("user", "id")
_NAMED = _Table("device", "mailbox")
_TABLES = (_UNNAMED, _NAMED)

_DEVICE_ONLINE = (
    "EXISTS (SELECT 1 FROM device WHERE device.userid = user.id AND device.node IS NOT NULL)"
)


def _table(mailbox: int) -> _Table:
    return _NAMED if is_named(mailbox) else _UNNAMED


@dataclass(frozen=True, slots=True)
class Session:
    """The session of a device.

    Attributes:
        mailbox: the number of the device's mailbox.
        node: with the current login; None if there is none.
        generation: grows with each login; one of an older generation is not the current one.
    """

    mailbox: int
    node: str | None
    generation: int


class SessionModel:
    """Sessions by mailbox, within one transaction. Worker, writer or main thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    # ------------------------------------------------------------------ one session

    def find(self, mailbox: int) -> Session | None:
        """The session of this device; None if the device has ended."""
        name, key = _table(mailbox)
        sql = f"SELECT node, generation FROM {name} WHERE {key} = ?"
        rows = self._tx.query(sql, (mailbox,))
        return Session(mailbox, *rows[0]) if rows else None

    def is_current(self, mailbox: int, generation: int) -> bool:
        """Is this the newest generation of the device? The user is locked."""
        session = self.find(mailbox)
        return session is not None and session.generation == generation

    def go_online(
        self, mailbox: int, generation: int, node: str, device: str | None = None
    ) -> int | None:
        """Take a device for a login at ``node``; returns the new generation.

        ``device``: what the login of the unnamed device has named. Returns None if another login
        took the device after ``generation`` was read. Example: two clients with the same device log
        in at once, and both read generation 7. One makes it 8; the UPDATE of the other finds no row
        with 7.
        """
        if is_named(mailbox):
            self._lock([mailbox])
            changed = self._tx.execute(
                "UPDATE device SET node = ?, generation = generation + 1 "
                "WHERE mailbox = ? AND generation = ?",
                (node, mailbox, generation),
            )
            sql = "UPDATE user SET state = ? WHERE id = ? AND state <> ?"
            self._tx.execute(sql, (ONLINE, owner(mailbox), ONLINE))
        else:
            changed = self._tx.execute(
                "UPDATE user SET state = ?, node = ?, device = ?, generation = generation + 1 "
                "WHERE id = ? AND generation = ?",
                (ONLINE, node, device, mailbox, generation),
            )
        return generation + 1 if changed else None

    def go_offline(self, mailbox: int, generation: int) -> bool:
        """Release a device, if this generation is still the current one; False otherwise.

        ``user.device`` stays: it tells which device used the unnamed mailbox last.
        """
        if not is_named(mailbox):  # the usual case, in one statement
            state = f"CASE WHEN {_DEVICE_ONLINE} THEN ? ELSE ? END"
            return bool(
                self._tx.execute(
                    f"UPDATE user SET node = NULL, state = {state} "
                    "WHERE id = ? AND generation = ? AND node IS NOT NULL",
                    (ONLINE, OFFLINE, mailbox, generation),
                )
            )
        self._lock([mailbox])
        changed = self._tx.execute(
            "UPDATE device SET node = NULL WHERE mailbox = ? AND generation = ? "
            "AND node IS NOT NULL",
            (mailbox, generation),
        )
        if changed:
            self._show([owner(mailbox)])
        return bool(changed)

    def end(self, mailbox: int) -> None:
        """Make the running login of a device out of date: the generation grows.

        Call ``Reconciliation.rows_changed`` after the commit.
        """
        name, key = _table(mailbox)
        self._lock([mailbox])
        self._tx.execute(
            f"UPDATE {name} SET node = NULL, generation = generation + 1 WHERE {key} = ?",
            (mailbox,),
        )
        self._show([owner(mailbox)])

    def end_all(self, user_id: int, keep: int | None = None) -> None:
        """``end`` for all devices of a user, except the one with the mailbox ``keep``."""
        self._lock([user_id])
        for name, key, user in (("user", "id", "id"), ("device", "mailbox", "userid")):
            self._tx.execute(
                f"UPDATE {name} SET node = NULL, generation = generation + 1 "
                f"WHERE {user} = ? AND {key} <> ?",
                (user_id, keep or 0),
            )
        self._show([user_id])

    # ------------------------------------------------------------------ many sessions

    def generations(self, mailboxes: Collection[int]) -> dict[int, int]:
        """The generation of each of these devices that has not ended."""
        found: dict[int, int] = {}
        for (name, key), part in _by_table(mailboxes):
            sql = f"SELECT {key}, generation FROM {name} WHERE {key} IN :ids"
            found.update(self._tx.query_in(sql, part))
        return found

    def with_login(self, mailboxes: Collection[int]) -> set[int]:
        """Those of these devices that are online."""
        found: set[int] = set()
        for (name, key), part in _by_table(mailboxes):
            sql = f"SELECT {key} FROM {name} WHERE {key} IN :ids AND node IS NOT NULL"
            found.update(mailbox for (mailbox,) in self._tx.query_in(sql, part))
        return found

    def reassert(self, sessions: Iterable[tuple[int, int]], node: str) -> list[int]:
        """Show these devices (mailbox, generation) online at ``node`` again, if they are not.

        Returns the mailboxes of the changed rows. Example: node A was frozen until its lease had
        ended, and node B has shown A's users offline. A goes on, and takes back all devices that
        have not logged in elsewhere.
        """
        back = []
        for mailbox, generation in sorted(sessions, key=_by_owner):
            name, key = _table(mailbox)
            found = self._tx.query(
                f"SELECT 1 FROM {name} WHERE {key} = ? AND generation = ? AND node IS NULL",
                (mailbox, generation),
            )
            if not found:  # the usual case, without a lock
                continue
            self._lock([mailbox])
            sql = f"UPDATE {name} SET node = ? WHERE {key} = ? AND generation = ? AND node IS NULL"
            if self._tx.execute(sql, (node, mailbox, generation)):
                self._show([owner(mailbox)])
                back.append(mailbox)
        return back

    def nodes(self) -> set[str]:
        """The nodes that have logins, in one step of an index for each node."""
        found: set[str] = set()
        for name, _ in _TABLES:
            rows = self._tx.query(f"SELECT DISTINCT node FROM {name} WHERE node IS NOT NULL")
            found.update(node for (node,) in rows)
        return found

    def offline_of(self, node: str, limit: int) -> list[int]:
        """Show up to ``limit`` devices of a dead node offline; returns their mailboxes.

        Their generation stays: if the node is alive after all, ``reassert`` takes them back.
        """
        mailboxes = list(self._at(node, 0, limit))
        self._lock(mailboxes)
        for (name, key), part in _by_table(mailboxes):
            # With the condition again: a device may have logged in elsewhere before the lock.
            sql = f"UPDATE {name} SET node = NULL WHERE {key} IN :ids AND node = ?"
            self._tx.execute_in(sql, part, after=(node,))
        self._show({owner(mailbox) for mailbox in mailboxes})
        return mailboxes

    def online_by_node(self) -> dict[str, int]:
        """The number of logins at each node."""
        found: dict[str, int] = {}
        for name, _ in _TABLES:
            sql = f"SELECT node, COUNT(*) FROM {name} WHERE node IS NOT NULL GROUP BY node"
            for node, count in self._tx.query(sql):
                found[node] = found.get(node, 0) + count
        return found

    def online_at(self, node: str, after: int, limit: int) -> dict[int, int]:
        """The next ``limit`` devices online at a node, with mailboxes above ``after``: generations.

        The unnamed devices come first: their mailboxes have the smallest numbers.
        """
        return self._at(node, after, limit)

    def all_offline(self, node: str | None) -> list[int]:
        """Release the devices of a node, or all if ``node`` is None; returns their users.

        Their generations grow, so a former incarnation of the server can commit nothing for them.
        """
        where, params = ("node = ?", [node]) if node is not None else ("node IS NOT NULL", [])
        users: set[int] = set()
        for name, key in _TABLES:
            rows = self._tx.query(f"SELECT {key} FROM {name} WHERE {where}", params)
            users.update(owner(mailbox) for (mailbox,) in rows)
        if node is None:  # rows of the original system have a state and no node
            rows = self._tx.query("SELECT id FROM user WHERE state = ?", (ONLINE,))
            users.update(user_id for (user_id,) in rows)
        self._lock(users)
        for name, _ in _TABLES:
            self._tx.execute(
                f"UPDATE {name} SET node = NULL, generation = generation + 1 WHERE {where}", params
            )
        self._show(users)
        return sorted(users)

    def last_user(self) -> int:
        """The highest id of a user."""
        ((last,),) = self._tx.query("SELECT MAX(id) FROM user")
        return last or 0

    def fence(self, first: int, last: int, alive: Collection[str]) -> None:
        """Let the generations of users grow that are online at none of the nodes ``alive``.

        Users with ids from ``first`` to ``last``; those who have never logged in stay as they are.
        """
        marks = ", ".join("?" * len(alive)) or "''"
        self._tx.execute(
            "UPDATE user SET generation = generation + 1 WHERE id BETWEEN ? AND ? "
            f"AND generation > 0 AND (node IS NULL OR node NOT IN ({marks}))",
            (first, last, *sorted(alive)),
        )

    # ------------------------------------------------------------------ inside

    def _at(self, node: str, after: int, limit: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for name, key in _TABLES[1:] if after >= MAX_ID else _TABLES:
            rows = self._tx.query(
                f"SELECT {key}, generation FROM {name} WHERE node = ? AND {key} > ? "
                f"ORDER BY {key} LIMIT ?",
                (node, after, limit - len(found)),
            )
            found.update(rows)
        return found

    def _lock(self, mailboxes: Collection[int]) -> None:
        """Lock the rows of the users of these devices, in the order for all servers."""
        if self._tx.for_update:
            ids = sorted({owner(mailbox) for mailbox in mailboxes})
            sql = "SELECT id FROM user WHERE id IN :ids ORDER BY id" + self._tx.for_update
            self._tx.query_in(sql, ids)

    def _show(self, user_ids: Collection[int]) -> None:
        """Set the state of these users by their sessions."""
        self._tx.execute_in(
            f"UPDATE user SET state = CASE WHEN node IS NOT NULL OR {_DEVICE_ONLINE} "
            "THEN ? ELSE ? END WHERE id IN :ids",
            sorted(user_ids),
            before=(ONLINE, OFFLINE),
        )


def _by_table(mailboxes: Collection[int]) -> list[tuple[_Table, list[int]]]:
    """The mailboxes of each table, in order."""
    unnamed = sorted(mailbox for mailbox in mailboxes if not is_named(mailbox))
    named = sorted(mailbox for mailbox in mailboxes if is_named(mailbox))
    return [(_UNNAMED, unnamed), (_NAMED, named)]


def _by_owner(session: tuple[int, int]) -> tuple[int, int]:
    """Users in the order of their ids: the order of the locks."""
    return owner(session[0]), session[0]
