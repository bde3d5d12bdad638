"""AccountModel: the table ``user`` as operators see it: lists, searches and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Transaction
from chat.storage.tables.device import DeviceModel
from chat.storage.tables.rows import ONLINE

LIKE_ESCAPE = "!"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account.

    Attributes:
        state: online or offline.
        status: active, disabled or deleted.
        node: of the current login; None if there is none.
        device: that this login has named; None if it named none.
        generation: grows with each login.
    """

    id: int
    name: str
    state: str
    status: str
    node: str | None
    device: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class AccountNumbers:
    """How many friends and groups an account has, and messages that wait for its devices."""

    friends: int
    groups: int
    waiting: int


_COLUMNS = "id, name, state, status, node, device, generation"


class AccountModel:
    """Accounts, within one transaction. Worker thread. Lists and searches read many rows."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def search(self, text: str, *, online: bool, after: int, limit: int) -> list[AccountRow]:
        """The next accounts by id, whose names contain ``text`` in any case."""
        where = ["id > ?"]
        params: list[object] = [after]
        if text:
            where.append(f"LOWER(name) LIKE ? ESCAPE '{LIKE_ESCAPE}'")
            params.append(containing(text))
        if online:
            where.append("state = ?")
            params.append(ONLINE)
        rows = self._tx.query(
            f"SELECT {_COLUMNS} FROM user WHERE {' AND '.join(where)} ORDER BY id LIMIT ?",
            (*params, limit),
        )
        return [AccountRow(*row) for row in rows]

    def find(self, user_id: int) -> AccountRow | None:
        """The account with this id; None if there is none."""
        rows = self._tx.query(f"SELECT {_COLUMNS} FROM user WHERE id = ?", (user_id,))
        return AccountRow(*rows[0]) if rows else None

    def find_name(self, name: str) -> AccountRow | None:
        """The account with exactly this name; None if there is none."""
        rows = self._tx.query(f"SELECT {_COLUMNS} FROM user WHERE name = ?", (name,))
        return AccountRow(*rows[0]) if rows else None

    def numbers(self, user_id: int) -> AccountNumbers:
        """How much an account has."""
        friends, groups = (self._count(table, user_id) for table in ("friend", "groupuser"))
        own = DeviceModel(self._tx).mailboxes([user_id]).get(user_id, {user_id})
        waiting = sum(self._count("offlinemessage", mailbox) for mailbox in own)
        return AccountNumbers(friends, groups, waiting)

    def _count(self, table: str, user_id: int) -> int:
        sql = f"SELECT COUNT(*) FROM {table} WHERE userid = ?"
        ((count,),) = self._tx.query(sql, (user_id,))
        return int(count)


def containing(text: str) -> str:
    """The pattern of LIKE for texts in lower case that contain this one."""
    for special in (LIKE_ESCAPE, "%", "_"):
        text = text.replace(special, LIKE_ESCAPE + special)
    return f"%{text.lower()}%"
