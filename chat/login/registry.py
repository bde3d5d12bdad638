"""LoginRegistry: the logins of this node, by mailbox, by user and by group.

It reads and writes no tables: Presence takes and releases the rows of users.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

from chat.login.login import NO_IDS, Login

MAX_BLOCKERS = 1000
"""With more of them, a login counts as blocked by all users. Then each of its messages to a user is
checked in the transaction, in the mode ``direct``, too."""


class _Everyone:
    """Contains each user."""

    def __contains__(self, user_id: object) -> bool:
        return True


EVERYONE = _Everyone()


class Replaced(NamedTuple):
    """A login whose place a later one has taken, and the groups it was registered for."""

    login: Login
    groups: frozenset[int]


class LoginRegistry:
    """Logins by mailbox number, by user and by group. Any thread.

    A login reserves its user and its device with ``reserve`` before it takes their rows. ``add`` or
    ``cancel`` ends the reservation. In between the rows are owned, though there is no Login yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the attributes below, and the logins' ``groups``
        self._by_mailbox: dict[int, Login] = {}
        self._by_user: dict[int, tuple[Login, ...]] = {}
        self._by_group: dict[int, dict[int, Login]] = {}  # by mailbox
        self._reserved: set[tuple[int, str | None]] = set()

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_mailbox)

    def reserve(self, user_id: int, device: str | None = None) -> bool:
        """A verified login is about to take this user's device; False if another one is.

        ``device``: what names it; None: the unnamed one.
        """
        with self._lock:
            if (user_id, device) in self._reserved:
                return False
            self._reserved.add((user_id, device))
            return True

    def cancel(self, user_id: int, device: str | None = None) -> None:
        """The login that has reserved this device has failed, or is registered."""
        with self._lock:
            self._reserved.discard((user_id, device))

    def add(
        self, login: Login, groups: frozenset[int], device: str | None = None
    ) -> Replaced | None:
        """The login has taken its rows: wakes reach it from now on. Ends its reservation.

        Returns the login that it replaces, if there was one, no longer registered.
        """
        with self._lock:
            self._reserved.discard((login.user_id, device))
            old = self._by_mailbox.get(login.mailbox)
            replaced = None
            if old is not None:
                replaced = Replaced(old, old.groups)
                self._remove(old)
            self._insert(login, groups)
            return replaced

    def restore(self, login: Login, groups: frozenset[int], device: str | None = None) -> bool:
        """Undo ``remove``; False if another login has the device, or has reserved it, by now."""
        with self._lock:
            reserved = (login.user_id, device) in self._reserved
            if login.mailbox in self._by_mailbox or reserved:
                return False
            self._insert(login, groups)
            return True

    def remove(self, login: Login) -> frozenset[int] | None:
        """The login is over.

        Returns the groups that it was registered for; None if it had been replaced or removed
        before.
        """
        with self._lock:
            if self._by_mailbox.get(login.mailbox) is not login:
                return None
            groups = login.groups
            self._remove(login)
            return groups

    def join(self, login: Login, group_id: int) -> bool:
        """The login's user is in one more group; False if it was, or the login is over."""
        with self._lock:
            if self._by_mailbox.get(login.mailbox) is not login or group_id in login.groups:
                return False
            login.groups |= {group_id}
            self._by_group.setdefault(group_id, {})[login.mailbox] = login
            return True

    def leave(self, login: Login, group_id: int) -> bool:
        """The login's user is out of a group; False if it was not in, or the login is over."""
        with self._lock:
            if self._by_mailbox.get(login.mailbox) is not login or group_id not in login.groups:
                return False
            login.groups -= {group_id}
            self._leave_group(login, group_id)
            return True

    def add_blocks(self, login: Login, blocks: Iterable[int], blocked_by: Iterable[int]) -> None:
        """Note users that the login's user blocks, and users that block it."""
        with self._lock:
            login.blocks = login.blocks.union(blocks) or NO_IDS
            if isinstance(login.blocked_by, frozenset):
                login.blocked_by = login.blocked_by.union(blocked_by) or NO_IDS
                if len(login.blocked_by) > MAX_BLOCKERS:
                    login.blocked_by = EVERYONE

    def remove_block(self, login: Login, blocked_id: int) -> None:
        """The login's user has ended a block."""
        with self._lock:
            login.blocks -= {blocked_id}

    def find(self, mailbox: int) -> Login | None:
        """The login of the device with this mailbox at this node; None if there is none.

        A user's id is the mailbox of the unnamed device.
        """
        # Without the lock: looking one key up is atomic in every CPython, with or without GIL.
        return self._by_mailbox.get(mailbox)

    def find_many(self, mailboxes: Iterable[int]) -> list[Login]:
        """The logins of those devices that are here."""
        with self._lock:
            here = [self._by_mailbox.get(mailbox) for mailbox in mailboxes]
        return [login for login in here if login is not None]

    def of_user(self, user_id: int) -> tuple[Login, ...]:
        """The logins of all devices of the user that are here."""
        return self._by_user.get(user_id, ())  # without the lock, as in ``find``

    def of_users(self, user_ids: Iterable[int]) -> list[Login]:
        """The logins of all devices of these users that are here."""
        with self._lock:
            return [login for user_id in user_ids for login in self._by_user.get(user_id, ())]

    def in_group(self, group_id: int) -> list[Login]:
        """The logins of the group's members that are here."""
        with self._lock:
            return list(self._by_group.get(group_id, {}).values())

    def owned(self) -> set[int]:
        """The mailboxes with a login, and the ids of the users with a reservation."""
        with self._lock:
            return {user_id for user_id, _ in self._reserved} | self._by_mailbox.keys()

    def reserved(self) -> set[int]:
        """The users with a reservation. The mailbox of a new device is not known yet."""
        with self._lock:
            return {user_id for user_id, _ in self._reserved}

    @property
    def count(self) -> int:
        """The number of logins."""
        with self._lock:
            return len(self._by_mailbox)

    def all(self) -> list[Login]:
        with self._lock:
            return list(self._by_mailbox.values())

    def _insert(self, login: Login, groups: frozenset[int]) -> None:
        self._by_mailbox[login.mailbox] = login
        self._by_user[login.user_id] = (*self._by_user.get(login.user_id, ()), login)
        login.groups = groups
        for group_id in groups:
            self._by_group.setdefault(group_id, {})[login.mailbox] = login

    def _remove(self, login: Login) -> None:
        del self._by_mailbox[login.mailbox]
        left = tuple([other for other in self._by_user[login.user_id] if other is not login])
        if left:
            self._by_user[login.user_id] = left
        else:
            del self._by_user[login.user_id]
        for group_id in login.groups:
            self._leave_group(login, group_id)
        login.groups = frozenset()

    def _leave_group(self, login: Login, group_id: int) -> None:
        members = self._by_group[group_id]
        members.pop(login.mailbox, None)
        if not members:
            del self._by_group[group_id]
